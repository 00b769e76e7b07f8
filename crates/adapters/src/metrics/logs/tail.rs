//! Reads what was added to a file since it was read last, line by line. Owns the place and what becomes of
//! it when the file is cut or replaced; understands no line.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

/// How much is read at once, in bytes: a minute of a thousand requests a second.
const READ_MOST: u64 = 16 * 1024 * 1024;
/// The longest line, in bytes: nginx and HAProxy take requests of some ten thousand.
const LINE_MOST: usize = 64 * 1024;
/// How much of what was read last is held against the file, in bytes: about one line, which has the
/// moment of a request in it.
const REMEMBERED: usize = 256;

/// A place in a growing file.
pub(super) struct Tail {
    path: PathBuf,
    offset: u64,
    /// Device and number of the file that was read last.
    identity: Option<(u64, u64)>,
    /// The bytes before the place. A file that was cut and has grown since, or whose number was given to
    /// another one, has others there.
    last: Vec<u8>,
    /// The beginning of a line whose end was not there yet.
    begun: Vec<u8>,
    /// Whether the line that has begun is passed over: it is too long, or its beginning was not read.
    passes_over: bool,
}

/// What one look at the file found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Whether something may be missing before the lines that were handed out: the file is another one,
    /// was cut, or is read for the first time.
    pub(super) is_anew: bool,
    /// Bytes that are there and were not read.
    pub(super) left: u64,
    /// Lines that were too long to be read.
    pub(super) too_long: u64,
}

impl Tail {
    pub(super) fn new(path: PathBuf) -> Self {
        let (last, begun) = (Vec::new(), Vec::new());
        Self { path, offset: 0, identity: None, last, begun, passes_over: false }
    }

    /// Hands out the whole lines that were added, in order. Blocks as long as a disk does.
    ///
    /// # Errors
    /// One sentence: there is no such file, it is none, or it cannot be read.
    pub(super) fn read(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<Found, String> {
        let shown = crate::printable::escaped(self.path.as_os_str().as_encoded_bytes());
        let failed = |error: std::io::Error| format!("{shown} cannot be read: {error}");
        let is_file = std::fs::metadata(&self.path).map_err(failed)?.is_file();
        if !is_file {
            return Err(format!("{shown} is no file"));
        }
        let mut file = File::open(&self.path).map_err(failed)?;
        let known = file.metadata().map_err(failed)?;
        let identity = (known.dev(), known.ino());
        let goes_on = self.identity == Some(identity) && self.goes_on(&mut file).map_err(failed)?;
        if !goes_on {
            self.begin(known.len(), identity);
        }
        file.seek(SeekFrom::Start(self.offset)).map_err(failed)?;
        let (mut taken, mut too_long) = (0, 0);
        let mut chunk = vec![0; 64 * 1024];
        while taken < READ_MOST {
            let length = file.read(&mut chunk).map_err(failed)?;
            if length == 0 {
                break;
            }
            taken += length as u64;
            self.remember(&chunk[..length]);
            too_long += self.take(&chunk[..length], each);
        }
        self.offset += taken;
        Ok(Found { is_anew: !goes_on, left: known.len().saturating_sub(self.offset), too_long })
    }

    /// Whether what stands before the place is what was read there.
    fn goes_on(&self, file: &mut File) -> std::io::Result<bool> {
        let length = self.last.len() as u64;
        file.seek(SeekFrom::Start(self.offset - length))?;
        let mut found = Vec::with_capacity(self.last.len());
        file.take(length).read_to_end(&mut found)?;
        Ok(found == self.last)
    }

    fn remember(&mut self, bytes: &[u8]) {
        self.last.extend_from_slice(&bytes[bytes.len().saturating_sub(REMEMBERED)..]);
        let older = self.last.len().saturating_sub(REMEMBERED);
        self.last.drain(..older);
    }

    fn begin(&mut self, length: u64, identity: (u64, u64)) {
        let is_first = self.identity.is_none();
        self.identity = Some(identity);
        self.begun.clear();
        self.last.clear();
        // What is older than that is nobody's question; a file that is new in its place is read whole.
        self.offset = if is_first { length.saturating_sub(READ_MOST) } else { 0 };
        self.passes_over = self.offset > 0;
    }

    fn take(&mut self, bytes: &[u8], each: &mut dyn FnMut(&[u8])) -> u64 {
        let mut too_long = 0;
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (line, is_whole) = match part.strip_suffix(b"\n") {
                Some(line) => (line, true),
                None => (part, false),
            };
            if !self.passes_over {
                self.begun.extend_from_slice(line);
                if self.begun.len() > LINE_MOST {
                    too_long += 1;
                    self.passes_over = true;
                    self.begun.clear();
                }
            }
            if is_whole {
                if !self.passes_over && !self.begun.is_empty() {
                    each(self.begun.strip_suffix(b"\r").unwrap_or(&self.begun));
                }
                self.begun.clear();
                self.passes_over = false;
            }
        }
        too_long
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn read(tail: &mut Tail) -> (Vec<String>, Found) {
        let mut lines = Vec::new();
        let found = tail.read(&mut |line| lines.push(String::from_utf8_lossy(line).into_owned()));
        (lines, found.unwrap())
    }

    fn append(path: &std::path::Path, text: &str) {
        let mut file = File::options().append(true).create(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    #[test]
    fn only_whole_new_lines_are_handed_out_each_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut tail = Tail::new(path.clone());
        assert!(tail.read(&mut |_| {}).unwrap_err().contains("cannot be read"));
        append(&path, "one\r\ntw");
        let (lines, found) = read(&mut tail);
        assert_eq!((lines, found.is_anew), (vec!["one".to_owned()], true));
        append(&path, "o\n\nthree\n");
        let (lines, found) = read(&mut tail);
        assert_eq!(
            (lines, found.is_anew, found.left),
            (vec!["two".to_owned(), "three".to_owned()], false, 0)
        );
        assert_eq!(read(&mut tail).0, [""; 0]);
    }

    #[test]
    fn a_file_that_shrank_or_was_replaced_is_read_from_its_beginning_and_said_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        append(&path, "one\ntwo\nthr");
        let mut tail = Tail::new(path.clone());
        read(&mut tail);
        std::fs::write(&path, "new\n").unwrap();
        let (lines, found) = read(&mut tail);
        assert_eq!((lines, found.is_anew), (vec!["new".to_owned()], true));
        std::fs::write(&path, "cut, and grown beyond its old length\n").unwrap();
        let (lines, found) = read(&mut tail);
        assert_eq!((lines.len(), found.is_anew), (1, true));
        std::fs::rename(&path, folder.path().join("log.1")).unwrap();
        append(&path, "newer and longer than before\n");
        let (lines, found) = read(&mut tail);
        assert_eq!((lines.len(), found.is_anew), (1, true));
        let mut of_folder = Tail::new(folder.path().to_owned());
        assert!(of_folder.read(&mut |_| {}).unwrap_err().contains("is no file"));
    }

    #[test]
    fn long_lines_and_long_files_are_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        append(&path, &format!("one\n{}\ntwo\n", "x".repeat(200_000)));
        let mut tail = Tail::new(path.clone());
        let (lines, found) = read(&mut tail);
        assert_eq!((lines, found.too_long), (vec!["one".to_owned(), "two".to_owned()], 1));
        let line = format!("{}\n", "y".repeat(1023));
        append(&path, &line.repeat(20_000));
        let (lines, found) = read(&mut tail);
        assert!(lines.len() < 17_000 && found.left > 3_000_000, "{} {found:?}", lines.len());
        let (rest, found) = read(&mut tail);
        assert_eq!((lines.len() + rest.len(), found.left), (20_000, 0));
        let mut late = Tail::new(path);
        let (lines, found) = read(&mut late);
        assert!(found.is_anew && found.left == 0 && (16_000..17_000).contains(&lines.len()));
        assert!(lines.iter().all(|line| line.len() == 1023), "the cut line is passed over");
    }
}
