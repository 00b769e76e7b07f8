//! What a process holds in memory, as the kernel counts it. Starts and ends nothing.

use std::fmt;

use anyhow::{Context, Result};

/// Memory of one process, in KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Memory {
    /// Resident: all pages in memory, shared ones included.
    resident: u64,
    /// Proportional: shared pages divided by how many share them.
    proportional: u64,
    /// Private: what would be free if the process ended.
    private: u64,
}

/// What process `pid` holds now.
///
/// # Errors
/// When it has ended, or belongs to somebody else.
pub(super) fn of(pid: u32) -> Result<Memory> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    read(&text).with_context(|| format!("{path} is not as proc(5) says"))
}

fn read(rollup: &str) -> Option<Memory> {
    let field = |name: &str| -> Option<u64> {
        let value = rollup.lines().find_map(|line| line.strip_prefix(name))?;
        value.trim().strip_suffix("kB")?.trim().parse().ok()
    };
    Some(Memory {
        resident: field("Rss:")?,
        proportional: field("Pss:")?,
        private: field("Private_Clean:")? + field("Private_Dirty:")?,
    })
}

impl fmt::Display for Memory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebibytes =
            |kibibytes: u64| format!("{}.{}", kibibytes >> 10, ((kibibytes & 1023) * 10) >> 10);
        let (resident, proportional) = (mebibytes(self.resident), mebibytes(self.proportional));
        let private = mebibytes(self.private);
        write!(formatter, "{resident} MiB resident, {proportional} proportional, {private} private")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_summary_is_read() {
        let text = "5-7 ---p 0 [rollup]\nRss:     2560 kB\nPss:     1024 kB\nPss_Dirty: 9 kB\n\
            Private_Clean:   100 kB\nPrivate_Dirty:   412 kB\n";
        let memory = read(text).unwrap();
        assert_eq!(memory.to_string(), "2.5 MiB resident, 1.0 proportional, 0.5 private");
        assert_eq!(read("Rss: 1 kB\n"), None);
    }
}
