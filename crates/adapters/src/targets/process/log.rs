//! What a program wrote: taken line by line, kept in two files of limited size, read back escaped.
//! Owns the format of the log; knows nothing of processes.
//!
//! A line of the file is the microseconds since 1970, `out` or `err`, and the bytes as the program
//! wrote them, but for its secrets, which never reach the disk. Escaping happens when it is read, so
//! that nothing is lost.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use towpath_core::units::Timestamp;
use towpath_ports::secret::MaskedStream;
use towpath_ports::target::LogLine;

use crate::printable::escaped;

/// The longest line that is kept, in bytes (the limit of [`LogLine::text`]); the rest of it is
/// counted and dropped.
const LINE_LIMIT: usize = 8 * 1024;

/// Which of its outputs a program wrote to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// The log files of one instance, written by its supervisor.
pub(super) struct LogFile {
    folder: PathBuf,
    limit: u64,
    file: File,
    size: u64,
    lost: u64,
}

impl LogFile {
    /// Opens `log` in `folder` for more; `limit` is the size in bytes at which it becomes `log.1`.
    pub(super) fn open(folder: &Path, limit: u64) -> io::Result<Self> {
        let file = append_to(&folder.join("log"))?;
        let size = file.metadata()?.len();
        Ok(Self { folder: folder.to_owned(), limit, file, size, lost: 0 })
    }

    /// Adds one line. A line that cannot be written is counted: a full disk shall not stop the
    /// program whose output this is.
    pub(super) fn write(&mut self, at: Timestamp, stream: Stream, line: &[u8]) {
        if self.lost > 0 {
            let note = format!("[{} lines could not be written]", self.lost);
            if self.append(at, Stream::Err, note.as_bytes()).is_ok() {
                self.lost = 0;
            }
        }
        if self.append(at, stream, line).is_err() {
            self.lost += 1;
        }
    }

    fn append(&mut self, at: Timestamp, stream: Stream, line: &[u8]) -> io::Result<()> {
        let name = match stream {
            Stream::Out => "out",
            Stream::Err => "err",
        };
        let mut row = format!("{} {name} ", at.0).into_bytes();
        row.extend_from_slice(line);
        row.push(b'\n');
        if self.size > 0 && self.size + row.len() as u64 > self.limit {
            fs::rename(self.folder.join("log"), self.folder.join("log.1"))?;
            self.file = append_to(&self.folder.join("log"))?;
            self.size = 0;
        }
        self.file.write_all(&row)?;
        self.size += row.len() as u64;
        Ok(())
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

/// Cuts a stream of bytes into lines of limited length, without secrets. These go before a line is cut,
/// so that no half of one stays; those of several lines are masked line by line.
pub(super) struct Splitter {
    stream: MaskedStream,
    /// Room for what comes out of `stream`.
    masked: Vec<u8>,
    line: Vec<u8>,
    dropped: u64,
}

impl Splitter {
    /// With what masks the lines.
    pub(super) fn new(stream: MaskedStream) -> Self {
        Self { stream, masked: Vec::new(), line: Vec::new(), dropped: 0 }
    }

    /// Takes some bytes and hands every line that is now complete to `take`.
    pub(super) fn feed(&mut self, mut bytes: &[u8], mut take: impl FnMut(&[u8])) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.add(&bytes[..end]);
            self.finish(&mut take);
            bytes = &bytes[end + 1..];
        }
        self.add(bytes);
    }

    /// Hands out what has no line end yet: the program is gone.
    pub(super) fn flush(&mut self, mut take: impl FnMut(&[u8])) {
        self.let_go();
        if !self.line.is_empty() || self.dropped > 0 {
            self.finish(&mut take);
        }
    }

    fn add(&mut self, bytes: &[u8]) {
        self.stream.push(bytes, &mut self.masked);
        self.append_masked();
    }

    /// Takes what the masking held back: the line is over.
    fn let_go(&mut self) {
        self.stream.finish(&mut self.masked);
        self.append_masked();
    }

    fn append_masked(&mut self) {
        let fits = self.masked.len().min(LINE_LIMIT - self.line.len());
        self.line.extend_from_slice(&self.masked[..fits]);
        self.dropped += (self.masked.len() - fits) as u64;
        self.masked.clear();
    }

    fn finish(&mut self, take: &mut impl FnMut(&[u8])) {
        self.let_go();
        if self.line.last() == Some(&b'\r') {
            self.line.pop();
        }
        if self.dropped > 0 {
            let note = format!(" [{} bytes more]", self.dropped);
            self.line.truncate(LINE_LIMIT - note.len());
            self.line.extend_from_slice(note.as_bytes());
        }
        take(&self.line);
        self.line.clear();
        self.dropped = 0;
    }
}

/// The last `limit` lines in `folder`, oldest first.
pub(super) fn tail(folder: &Path, instance: u32, limit: usize) -> io::Result<Vec<LogLine>> {
    let mut bytes = end_of(&folder.join("log"), limit)?;
    if bytes.split(|byte| *byte == b'\n').count() <= limit {
        let mut older = end_of(&folder.join("log.1"), limit)?;
        older.append(&mut bytes);
        bytes = older;
    }
    let rows: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let mut lines: Vec<LogLine> =
        rows.iter().rev().filter_map(|row| parse(row, instance)).take(limit).collect();
    lines.reverse();
    Ok(lines)
}

/// The end of a file that holds at least `limit` lines if the file does, at most `READ_LIMIT`.
fn end_of(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    /// No reader needs more at once, and no reader shall fill the memory.
    const READ_LIMIT: u64 = 16 * 1024 * 1024;
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    // 40 bytes hold the time and the stream's name.
    let wanted = (limit as u64).saturating_mul(LINE_LIMIT as u64 + 40).min(READ_LIMIT);
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(wanted)))?;
    let mut bytes = Vec::new();
    file.take(READ_LIMIT).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn parse(row: &[u8], instance: u32) -> Option<LogLine> {
    let mut parts = row.splitn(3, |byte| *byte == b' ');
    let at = std::str::from_utf8(parts.next()?).ok()?.parse().ok()?;
    parts.next().filter(|stream| matches!(*stream, b"out" | b"err"))?;
    let mut text = escaped(parts.next()?);
    text.truncate(text.floor_char_boundary(LINE_LIMIT));
    Some(LogLine { instance, at: Some(Timestamp(at)), text })
}

#[cfg(test)]
mod tests {
    use towpath_ports::secret::{Masker, Secret};

    use super::*;

    fn split(chunks: &[&[u8]]) -> Vec<Vec<u8>> {
        split_by(&Masker::default(), chunks)
    }

    fn split_by(masker: &Masker, chunks: &[&[u8]]) -> Vec<Vec<u8>> {
        let (mut splitter, mut lines) = (Splitter::new(masker.stream()), Vec::new());
        for chunk in chunks {
            splitter.feed(chunk, |line| lines.push(line.to_vec()));
        }
        splitter.flush(|line| lines.push(line.to_vec()));
        lines
    }

    #[test]
    fn lines_are_put_together_over_reads() {
        assert_eq!(split(&[b"a\nb", b"c\r\n", b"\nend"]), [&b"a"[..], b"bc", b"", b"end"]);
    }

    #[test]
    fn an_endless_line_is_cut_and_the_rest_is_counted() {
        let lines = split(&[&[b'x'; 6000], &[b'y'; 6000], b"\nnext\n"]);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].len(), LINE_LIMIT);
        assert!(lines[0].ends_with(b" [3808 bytes more]"), "12000 - 8192 = 3808");
    }

    #[test]
    fn a_secret_is_masked_over_reads_and_before_a_line_is_cut() {
        let secret = Secret::new("correct-horse-battery".to_owned()).unwrap();
        let masker = Masker::new([&secret]);
        assert_eq!(
            split_by(&masker, &[b"is correct-h", b"orse-batte", b"ry;\nok"]),
            [&b"is ***;"[..], b"ok"]
        );
        assert_eq!(split_by(&masker, &[b"correct-horse-battery"]), [b"***"], "without a line end");
        let long =
            [&vec![b'x'; LINE_LIMIT - 10], secret.reveal().as_bytes(), b"yyyyyyyyyyyy\n"].concat();
        let lines = split_by(&masker, &[&long]);
        assert!(!lines[0].windows(7).any(|seen| seen == b"correct"), "no half of it");
    }

    #[test]
    fn the_log_never_grows_beyond_two_files_of_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = LogFile::open(folder.path(), 1000).unwrap();
        for number in 0..1000 {
            log.write(Timestamp(number), Stream::Out, b"a line of some length");
        }
        let sizes: Vec<u64> = fs::read_dir(folder.path())
            .unwrap()
            .map(|file| file.unwrap().metadata().unwrap().len())
            .collect();
        assert_eq!(sizes.len(), 2);
        assert!(sizes.iter().all(|size| *size <= 1000), "{sizes:?}");
        let lines = tail(folder.path(), 3, 40).unwrap();
        let times: Vec<i64> = lines.iter().map(|line| line.at.unwrap().0).collect();
        assert_eq!(times, (960..1000).collect::<Vec<_>>(), "the last 40, over both files");
    }
}
