//! How much processor time a process has used, to the nanosecond. Unlike requests per second it
//! hardly depends on who else is using the machine.

use std::time::Duration;

use anyhow::{Context, Result};

/// Time on a processor that process `pid` and its children have used so far, all threads of theirs
/// that still run included.
///
/// # Errors
/// When it has ended.
pub(super) fn used(pid: u32) -> Result<Duration> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    let mut nanoseconds = of_threads(pid)?;
    for child in children.split_whitespace() {
        nanoseconds += of_threads(child.parse()?)?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

fn of_threads(pid: u32) -> Result<u64> {
    let mut nanoseconds = 0;
    for thread in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        // One that ended in between used next to nothing.
        if let Ok(text) = std::fs::read_to_string(thread?.path().join("schedstat")) {
            nanoseconds += on_processor(&text).context("schedstat is not as proc(5) says")?;
        }
    }
    Ok(nanoseconds)
}

/// The first of three numbers: nanoseconds on a processor, waiting for one, and time slices.
fn on_processor(schedstat: &str) -> Option<u64> {
    schedstat.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_number_is_the_time_on_a_processor() {
        assert_eq!(on_processor("4711 12 3\n"), Some(4711));
        assert_eq!(on_processor(""), None);
    }
}
