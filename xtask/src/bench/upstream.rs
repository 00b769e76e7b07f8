//! An upstream that can be taken away: it answers with its name, at once or slowly, until it is
//! stopped, and then cuts every connection it has. A bench that stops it too early sees losses.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;

use super::control::Arm;

/// How long slow answers take: many times what a change of the route takes.
pub(super) const SLOW: Duration = Duration::from_millis(300);

/// Pieces of an answer that comes bit by bit.
const PIECES: u32 = 3;

/// A running upstream; dropping it stops it.
pub(super) struct Upstream {
    arm: Arm,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    stopped: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
}

impl Upstream {
    /// Starts one in threads of its own, called `name`.
    ///
    /// # Errors
    /// When there is no free port.
    pub(super) fn start(name: String) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let arm = Arm { name, address: listener.local_addr()? };
        let shared = Arc::new(Shared::default());
        let (accepting, release) = (Arc::clone(&shared), arm.name.clone());
        std::thread::spawn(move || accept(&listener, &accepting, &release));
        Ok(Self { arm, shared })
    }

    /// What a route calls it.
    pub(super) fn arm(&self) -> &Arm {
        &self.arm
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts, which closes the listener.
        drop(TcpStream::connect(self.arm.address));
        for stream in self.shared.streams.lock().expect("no holder panics").drain(..) {
            // One that the other side closed is closed.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>, release: &str) {
    for stream in listener.incoming() {
        let mut streams = shared.streams.lock().expect("no holder panics");
        if shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        let Some((stream, copy)) = stream.ok().and_then(|one| Some((one.try_clone().ok()?, one)))
        else {
            continue;
        };
        streams.push(copy);
        let release = release.to_owned();
        // A connection ends as its peer or the end of the bench will have it.
        std::thread::spawn(move || serve(stream, &release));
    }
}

/// Answers on one connection until it ends.
fn serve(stream: TcpStream, release: &str) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    while let Some((path, length)) = request(&mut stream)? {
        std::io::copy(&mut stream.by_ref().take(length), &mut std::io::sink())?;
        let stream = stream.get_mut();
        match path.as_str() {
            "/bit-by-bit" => bit_by_bit(stream, release)?,
            "/slow" => {
                std::thread::sleep(SLOW);
                at_once(stream, release)?;
            }
            _ => at_once(stream, release)?,
        }
    }
    Ok(())
}

/// The path of the next request and the length of its body.
fn request(stream: &mut BufReader<TcpStream>) -> Result<Option<(String, u64)>> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or("/").to_owned();
    let mut length = 0;
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else { return Ok(Some((path, length))) };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse()?;
        }
    }
}

fn at_once(stream: &mut TcpStream, release: &str) -> Result<()> {
    let head = format!("HTTP/1.1 200 OK\r\nx-release: {release}\r\ncontent-length: 5\r\n\r\n");
    Ok(stream.write_all(format!("{head}whole").as_bytes())?)
}

fn bit_by_bit(stream: &mut TcpStream, release: &str) -> Result<()> {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n";
    stream.write_all(format!("{head}x-release: {release}\r\n\r\n").as_bytes())?;
    for _ in 0..PIECES {
        std::thread::sleep(SLOW / PIECES);
        stream.write_all(b"5\r\npiece\r\n")?;
    }
    Ok(stream.write_all(b"0\r\n\r\n")?)
}
