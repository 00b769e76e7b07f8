//! `bench start`: from starting `towpath serve` in a project that has been used before to its first
//! answer, and what engine, proxy and supervisor hold in memory when nothing happens. Not the
//! first start of all, which makes the journal.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::rehearsal::Rehearsal;
use super::rounds::{Contender, Rounds};
use super::wire::Line;
use super::{Bench, memory, product};

/// Start and idle memory of the engine.
pub(super) const BENCH: Bench = Bench {
    name: "start",
    summary: "start of `serve` to its first answer (bar: 100 ms), idle memory (bar: 40 MiB)",
    run: measure,
};

/// Enough that quartiles mean something; a round takes a moment.
const ROUNDS: usize = 25;
/// The first runs read the binary from disk.
const WARM_UP_ROUNDS: usize = 2;
/// A start that takes longer has failed.
const START_LIMIT: Duration = Duration::from_secs(10);
/// How long everything is left alone before its memory is read.
const REST: Duration = Duration::from_secs(5);
/// What the engine is asked first.
const REQUEST: &[u8] = b"GET /v1/status HTTP/1.1\r\nHost: bench\r\n\r\n";

fn measure(root: &Path) -> Result<Vec<String>> {
    let binary = product::towpath(root)?;
    let rehearsal = Rehearsal::new(&binary, &["1.0.0"])?;
    rehearsal.run(&["promote", "production", "--release", "1.0.0", "--yes", "--json"])?;
    rehearsal.run(&["engine", "stop"])?;
    let mut contenders = [
        Contender { name: "serve", run: Box::new(|| start_once(&rehearsal)) },
        Contender { name: "--version", run: Box::new(|| until_exit(&binary)) },
    ];
    let mut lines = Rounds::interleaved(WARM_UP_ROUNDS, ROUNDS, &mut contenders)?.report("ms");
    lines.extend(idle_memory(&rehearsal)?);
    let bytes = std::fs::metadata(&binary)?.len();
    lines.push(format!("binary: {bytes} bytes, {} MiB", bytes >> 20));
    Ok(lines)
}

fn until_exit(binary: &Path) -> Result<f64> {
    let start = Instant::now();
    let output = Command::new(binary).arg("--version").output()?;
    ensure!(output.status.success(), "--version failed");
    Ok(start.elapsed().as_secs_f64() * 1000.0)
}

fn start_once(rehearsal: &Rehearsal) -> Result<f64> {
    let start = Instant::now();
    let mut engine = spawn(rehearsal)?;
    let answered = until_answered(rehearsal, &mut engine, start);
    let ended = end(engine);
    let milliseconds = answered?;
    ended?;
    Ok(milliseconds)
}

fn spawn(rehearsal: &Rehearsal) -> Result<Child> {
    let mut command = rehearsal.command(&["serve"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().context("cannot start the engine")
}

fn until_answered(rehearsal: &Rehearsal, engine: &mut Child, start: Instant) -> Result<f64> {
    let socket = rehearsal.state().join("engine.sock");
    while start.elapsed() < START_LIMIT {
        // A socket of an engine that ended refuses, a missing one is not there yet.
        if let Ok(mut line) = Line::over_unix(&socket) {
            let answer = line.ask(REQUEST)?;
            ensure!(answer.status == 200, "the first answer was {}", answer.status);
            return Ok(start.elapsed().as_secs_f64() * 1000.0);
        }
        if let Some(status) = engine.try_wait()? {
            bail!("the engine ended at once: {status}");
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    bail!("no answer within {} s", START_LIMIT.as_secs())
}

fn end(mut engine: Child) -> Result<()> {
    let pid = i32::try_from(engine.id()).ok().and_then(Pid::from_raw);
    kill_process(pid.context("a process has a number")?, Signal::TERM)?;
    engine.wait()?;
    Ok(())
}

fn idle_memory(rehearsal: &Rehearsal) -> Result<Vec<String>> {
    let mut engine = spawn(rehearsal)?;
    let read = until_answered(rehearsal, &mut engine, Instant::now()).and_then(|_| {
        std::thread::sleep(REST);
        let proxy = rehearsal.proxy().context("no proxy runs")?;
        let mut lines = vec![
            format!("engine at rest: {}", memory::of(engine.id())?),
            format!("proxy at rest: {}", memory::of(proxy)?),
        ];
        for (supervisor, child) in rehearsal.supervised() {
            lines.push(format!("supervisor at rest: {}", memory::of(supervisor)?));
            if let Some(child) = child {
                lines.push(format!("  its sample service: {}", memory::of(child)?));
            }
        }
        Ok(lines)
    });
    end(engine)?;
    read
}
