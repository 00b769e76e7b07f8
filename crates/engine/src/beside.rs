//! Files that a matrix names. Owns that they lie in its folder, whatever leads to them; what they say is for
//! whoever asks.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path};

use rustix::fs::OFlags;

/// The first `limit` bytes of the file that is `named` from `folder` on. Waits for the disk, and for nothing
/// else: no pipe is waited for.
///
/// # Errors
/// One sentence that says why nothing was read: it leads out of `folder`, is not there, or is no file.
pub fn read(folder: &Path, named: &str, limit: u64) -> Result<Vec<u8>, String> {
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if !Path::new(named).components().all(is_plain) {
        return Err("it is named by a path that leaves the folder of the matrix".to_owned());
    }
    let said = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file in the folder of the matrix".to_owned(),
        _ => error.to_string(),
    };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let root = folder.canonicalize().map_err(said)?;
    let real = root.join(named).canonicalize().map_err(said)?;
    if !real.starts_with(&root) {
        return Err("it leads outside of the folder of the matrix".to_owned());
    }
    let mut bytes = Vec::new();
    opened(&real).and_then(|file| file.take(limit).read_to_end(&mut bytes)).map_err(said)?;
    Ok(bytes)
}

/// Neither a link that was put there since, nor a pipe that nobody writes to.
fn opened(real: &Path) -> io::Result<File> {
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(real)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is no file")) }
}
