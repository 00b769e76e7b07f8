//! Reaching a unix socket whose path is too long for the system's interface. Owns that one trick.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// Longest path that fits `sun_path` with room for a suffix (108 bytes on Linux, unix(7)).
const LONGEST: usize = 90;

/// A path to the same place that is short enough, valid as long as it is held.
#[derive(Debug)]
pub(crate) struct Reachable {
    pub(crate) path: PathBuf,
    _directory: Option<File>,
}

impl Reachable {
    /// The path itself, or one by way of the opened directory.
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        let parts = path.parent().zip(path.file_name());
        let Some((parent, name)) = parts.filter(|_| path.as_os_str().len() > LONGEST) else {
            return Ok(Self { path: path.to_owned(), _directory: None });
        };
        let directory = File::open(parent)?;
        let by_number = format!("/proc/self/fd/{}", directory.as_raw_fd());
        let path = Path::new(&by_number).join(name);
        Ok(Self { path, _directory: Some(directory) })
    }
}
