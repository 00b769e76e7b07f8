//! The closed loop: as many requests as `wrk` gets answered on 64 connections. Measures no latency,
//! since a loop that waits for its answers hides what visitors would have waited.

use std::net::SocketAddr;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Connections of one run, all kept alive.
const CONNECTIONS: usize = 64;

/// What one run came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Run {
    /// Requests that were answered.
    pub(super) requests: f64,
    /// The same for every second of the run.
    pub(super) per_second: f64,
}

/// Asks `address` from `core` as quickly as it answers, for `seconds`.
///
/// # Errors
/// When `wrk` is not installed, or any request was not answered with success: a proxy that refuses
/// is quick.
pub(super) fn run(core: usize, address: SocketAddr, seconds: u64) -> Result<Run> {
    let (duration, connections) = (format!("-d{seconds}s"), format!("-c{CONNECTIONS}"));
    let url = format!("http://{address}/");
    let core = core.to_string();
    let output = Command::new("setsid")
        .args([
            "--wait",
            "taskset",
            "--cpu-list",
            &core,
            "wrk",
            "-t1",
            &connections,
            &duration,
            &url,
        ])
        .output()
        .context("cannot run wrk")?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "wrk failed: {}", String::from_utf8_lossy(&output.stderr));
    run_in(&text)
}

fn run_in(report: &str) -> Result<Run> {
    for trouble in ["Non-2xx", "Socket errors"] {
        let line = report.lines().find(|line| line.contains(trouble));
        ensure!(line.is_none(), "requests failed: {}", line.unwrap_or_default().trim());
    }
    let rate = report.lines().find_map(|line| line.strip_prefix("Requests/sec:"));
    let rate = rate.with_context(|| format!("no rate in what wrk says:\n{report}"))?;
    let requests = report.lines().find_map(|line| Some(line.split_once(" requests in")?.0));
    let requests = requests.with_context(|| format!("no count in what wrk says:\n{report}"))?;
    Ok(Run { requests: requests.trim().parse()?, per_second: rate.trim().parse()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_counts_only_when_every_request_was_answered_with_success() {
        let good = "  100 requests in 1.00s\nRequests/sec:  12345.67\nTransfer/sec: 1MB\n";
        assert_eq!(run_in(good).unwrap(), Run { requests: 100.0, per_second: 12345.67 });
        let refused = format!("{good}  Non-2xx or 3xx responses: 3\n");
        assert!(run_in(&refused).unwrap_err().to_string().contains("responses: 3"));
        let broken = format!("{good}  Socket errors: connect 0, read 5, write 0, timeout 0\n");
        assert!(run_in(&broken).unwrap_err().to_string().contains("read 5"));
    }
}
