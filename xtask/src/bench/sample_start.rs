//! `bench sample`: how soon the SoundBite example answers after it is started, beside the bare
//! cost of starting any process here. It looks at nothing but the first answer.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::rounds::{Contender, Rounds};
use super::running::free_address;
use super::{Bench, product};

/// Start of the example service until its first answer.
pub(super) const BENCH: Bench = Bench {
    name: "sample",
    summary: "start of the SoundBite example to its first answer, milliseconds (bar: 20)",
    run: measure,
};

/// Enough that quartiles mean something; a round takes some milliseconds.
const ROUNDS: usize = 31;

/// The first runs read the binary from disk.
const WARM_UP_ROUNDS: usize = 3;

/// A start that takes longer has failed.
const START_LIMIT: Duration = Duration::from_secs(5);

fn measure(root: &Path) -> Result<Vec<String>> {
    let binary = product::release(root, "soundbite", "soundbite")?;
    let mut contenders = [
        Contender { name: "soundbite", run: Box::new(|| until_first_answer(&binary)) },
        Contender { name: "true", run: Box::new(|| until_exit("true")) },
    ];
    Ok(Rounds::interleaved(WARM_UP_ROUNDS, ROUNDS, &mut contenders)?.report("ms"))
}

fn until_exit(program: &str) -> Result<f64> {
    let start = Instant::now();
    Command::new(program).status().with_context(|| format!("cannot run {program}"))?;
    Ok(milliseconds(start))
}

fn until_first_answer(binary: &Path) -> Result<f64> {
    let address = free_address()?;
    let start = Instant::now();
    let mut child = Command::new(binary)
        .env("PORT", address.port().to_string())
        .env("LOG_LEVEL", "error")
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {}", binary.display()))?;
    let answered = wait_for_answer(address, start, &mut child);
    child.kill()?;
    child.wait()?;
    answered
}

fn wait_for_answer(address: SocketAddr, start: Instant, child: &mut Child) -> Result<f64> {
    while start.elapsed() < START_LIMIT {
        match TcpStream::connect(address) {
            Ok(stream) => return first_answer(stream, start),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                if let Some(status) = child.try_wait()? {
                    bail!("the example ended at once: {status}");
                }
                std::thread::sleep(Duration::from_micros(100));
            }
            Err(error) => return Err(error.into()),
        }
    }
    bail!("no answer within {} s", START_LIMIT.as_secs())
}

fn first_answer(mut stream: TcpStream, start: Instant) -> Result<f64> {
    stream.set_read_timeout(Some(START_LIMIT))?;
    stream.write_all(b"GET /health HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n")?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    if head != *b"HTTP/1.1 200" {
        bail!("the first answer was {}", String::from_utf8_lossy(&head));
    }
    Ok(milliseconds(start))
}

fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}
