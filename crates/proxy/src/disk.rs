//! The state directory: its lock, the saved routes and the files of evidence. Owns how things are
//! written so that a crash leaves the old or the new; interprets nothing.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::evidence::{Evidence, Totals};
use crate::judge::Judge;
use crate::state::SavedRoute;
use crate::tally::Bucket;

/// Name of the control socket in the state directory.
pub const SOCKET_NAME: &str = "control.sock";
/// Name of the file that says which process serves this directory.
pub const PROCESS_NAME: &str = "proxy.pid";
const LOCK_NAME: &str = "proxy.lock";
const ROUTES: &str = "routes";
const EVIDENCE: &str = "evidence";
/// Largest saved route that is read, in bytes: 2 x 256 endpoints of some 200 bytes, tenfold.
const MAX_ROUTE_BYTES: u64 = 1 << 20;

/// Which process serves a state directory, in enough detail to tell it from a later one with the
/// same number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct ProcessRecord {
    /// Process id.
    pub pid: u32,
    /// When it started, in clock ticks since boot (field 22 of `/proc/PID/stat`).
    pub start_ticks: u64,
    /// Which boot of the machine it belongs to.
    pub boot_id: String,
}

/// A state directory that only this process uses.
#[derive(Debug)]
pub(crate) struct Disk {
    root: PathBuf,
    _lock: File,
}

/// A saved route, or why it cannot be read.
pub(crate) type LoadedRoute = (String, Result<SavedRoute, String>);

impl Disk {
    /// Takes the directory, making it if need be. Fails if another proxy has it.
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        for path in [root.to_owned(), root.join(ROUTES), root.join(EVIDENCE)] {
            let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&path);
            made.map_err(|error| explain("make", &path, &error))?;
        }
        let path = root.join(LOCK_NAME);
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(0o600);
        let lock = options.open(&path).map_err(|error| explain("open", &path, &error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { root: root.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(io::Error::new(
                io::ErrorKind::AddrInUse,
                format!("another proxy is serving {}", root.display()),
            )),
            Err(TryLockError::Error(error)) => Err(explain("lock", &path, &error)),
        }
    }

    /// Where the control socket is.
    pub(crate) fn socket(&self) -> PathBuf {
        self.root.join(SOCKET_NAME)
    }

    /// Says which process this is.
    pub(crate) fn save_process(&self, record: &ProcessRecord) -> io::Result<()> {
        replace(&self.root.join(PROCESS_NAME), &encode(record), true)
    }

    /// Takes the statement back; a missing file is fine.
    pub(crate) fn forget_process(&self) {
        let _gone = fs::remove_file(self.root.join(PROCESS_NAME));
        let _gone = fs::remove_file(self.socket());
    }

    /// Saves a route so that it survives a power cut.
    pub(crate) fn save_route(&self, route: &SavedRoute) -> io::Result<()> {
        replace(&self.route_path(&route.name), &encode(route), true)
    }

    /// Every saved route by name, each on its own.
    pub(crate) fn load_routes(&self) -> io::Result<Vec<LoadedRoute>> {
        let mut routes = Vec::new();
        for entry in fs::read_dir(self.root.join(ROUTES))? {
            let path = entry?.path();
            let stem = path.file_name().and_then(|name| name.to_str());
            let Some(stem) = stem.and_then(|name| name.strip_suffix(".json")) else { continue };
            let name = unescape(stem);
            let loaded = load_route(&path, &name);
            routes.push((name, loaded));
        }
        routes.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(routes)
    }

    /// Puts a route's unreadable file aside, so that a new one does not destroy what is in it.
    pub(crate) fn put_aside(&self, name: &str) {
        let path = self.route_path(name);
        let _kept = fs::rename(&path, path.with_extension("unreadable"));
    }

    /// The evidence of a route; what cannot be read counts as never seen, and is named.
    pub(crate) fn load_evidence(&self, name: &str) -> (Evidence, Option<String>) {
        let path = self.totals_path(name);
        let (totals, mut problem) = match read_json::<Totals>(&path, u64::MAX) {
            Ok(totals) => (totals, None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (Totals::default(), None),
            Err(error) => (Totals::default(), Some(explain("read", &path, &error).to_string())),
        };
        let path = self.buckets_path(name);
        let buckets = match read_buckets(&path) {
            Ok(buckets) => buckets,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                problem = Some(explain("read", &path, &error).to_string());
                Vec::new()
            }
        };
        (Evidence::restored(totals, buckets), problem)
    }

    /// The guard of a route as it was saved; none where there was none. A route whose guard cannot
    /// be read is judged from the beginning, and says so.
    pub(crate) fn load_judge(&self, name: &str) -> Result<Option<Judge>, String> {
        let path = self.judge_path(name);
        match read_json::<Judge>(&path, MAX_ROUTE_BYTES) {
            Ok(judge) => Ok(Some(judge)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(explain("read", &path, &error).to_string()),
        }
    }

    pub(crate) fn judge_path(&self, name: &str) -> PathBuf {
        self.root.join(EVIDENCE).join(escape(name) + ".guard")
    }

    pub(crate) fn totals_path(&self, name: &str) -> PathBuf {
        self.root.join(EVIDENCE).join(escape(name) + ".json")
    }

    pub(crate) fn buckets_path(&self, name: &str) -> PathBuf {
        self.root.join(EVIDENCE).join(escape(name) + ".buckets")
    }

    fn route_path(&self, name: &str) -> PathBuf {
        self.root.join(ROUTES).join(escape(name) + ".json")
    }
}

/// This process, as the system knows it.
pub(crate) fn this_process() -> io::Result<ProcessRecord> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    // Field 3 is the first after the name.
    let start_ticks = after_name.split_whitespace().nth(22 - 3);
    let start_ticks = start_ticks.and_then(|field| field.parse().ok());
    let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    Ok(ProcessRecord {
        pid: std::process::id(),
        start_ticks: start_ticks.ok_or_else(|| io::Error::other("/proc/self/stat is odd"))?,
        boot_id: boot_id.trim().to_owned(),
    })
}

/// Replaces a file in one step: whoever reads sees the old content or the new one. With `durable`
/// the new one is on the disk when this returns.
pub(crate) fn replace(path: &Path, content: &[u8], durable: bool) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    let temporary = PathBuf::from(name);
    let written = write_new(&temporary, content, durable)
        .and_then(|()| fs::rename(&temporary, path))
        .and_then(|()| if durable { sync_parent(path) } else { Ok(()) });
    written.map_err(|error| {
        let _gone = fs::remove_file(&temporary);
        explain("write", path, &error)
    })
}

/// Appends whole lines.
pub(crate) fn append(path: &Path, lines: &[u8]) -> io::Result<()> {
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(lines));
    written.map_err(|error| explain("append to", path, &error))
}

/// One line of JSON.
pub(crate) fn encode(value: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).expect("saved types are plain data");
    line.push(b'\n');
    line
}

fn write_new(path: &Path, content: &[u8], durable: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.create(true).truncate(true).write(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    if durable { file.sync_all() } else { Ok(()) }
}

fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

fn load_route(path: &Path, name: &str) -> Result<SavedRoute, String> {
    let route: SavedRoute = read_json(path, MAX_ROUTE_BYTES)
        .map_err(|error| explain("read", path, &error).to_string())?;
    if route.name != name {
        return Err(format!("{} speaks of the route {:?}", path.display(), route.name));
    }
    match &route.spec {
        Some(spec) if spec.name != name => {
            Err(format!("{} speaks of the route {:?}", path.display(), spec.name))
        }
        Some(spec) => spec.check().map_err(|refusal| refusal.to_string()).map(|()| route),
        None => Ok(route),
    }
}

fn read_json<T: DeserializeOwned>(path: &Path, max_bytes: u64) -> io::Result<T> {
    let file = File::open(path)?;
    if file.metadata()?.len() > max_bytes {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the file is too large"));
    }
    Ok(serde_json::from_reader(BufReader::new(file))?)
}

/// A line that cannot be read is a write that was cut short; its interval stays a gap.
fn read_buckets(path: &Path) -> io::Result<Vec<Bucket>> {
    let mut buckets = Vec::new();
    for line in BufReader::new(File::open(path)?).split(b'\n') {
        if let Ok(bucket) = serde_json::from_slice(&line?) {
            buckets.push(bucket);
        }
    }
    Ok(buckets)
}

fn explain(verb: &str, path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot {verb} {}: {error}", path.display()))
}

/// A file name for any route name: letters, digits and `-` stay, every other byte becomes `_XX`.
fn escape(name: &str) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' {
            text.push(char::from(byte));
        } else {
            let _infallible = write!(text, "_{byte:02x}");
        }
    }
    text
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let code = rest.get(1..3).and_then(|code| u8::from_str_radix(code, 16).ok());
        if let ('_', Some(code)) = (first, code) {
            bytes.push(code);
            rest = &rest[3..];
        } else {
            bytes.extend_from_slice(first.encode_utf8(&mut [0; 4]).as_bytes());
            rest = &rest[first.len_utf8()..];
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Hold;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_route_name_has_a_file_name_of_its_own(name in "\\PC{1,26}") {
            let escaped = escape(&name);
            prop_assert!(!escaped.contains(['/', '.', '\0']));
            prop_assert_eq!(unescape(&escaped), name);
        }
    }

    #[test]
    fn two_proxies_never_share_a_directory() {
        let directory = tempfile::tempdir().unwrap();
        let first = Disk::open(directory.path()).unwrap();
        let error = Disk::open(directory.path()).unwrap_err().to_string();
        assert!(error.contains("another proxy"), "{error}");
        drop(first);
        Disk::open(directory.path()).unwrap();
    }

    #[test]
    fn an_unreadable_route_does_not_hide_the_others() {
        let directory = tempfile::tempdir().unwrap();
        let disk = Disk::open(directory.path()).unwrap();
        let good = SavedRoute {
            name: "a/good".into(),
            epoch: 1,
            revision: 1,
            hold: Hold::Held,
            spec: None,
        };
        disk.save_route(&good).unwrap();
        fs::write(directory.path().join("routes/b_2fbad.json"), b"{ torn").unwrap();
        let loaded = disk.load_routes().unwrap();
        assert_eq!(loaded[0], ("a/good".to_owned(), Ok(good)));
        assert_eq!(loaded[1].0, "b/bad");
        assert!(loaded[1].1.is_err());
    }

    #[test]
    fn a_failed_write_leaves_the_old_content() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        replace(&path, b"old", true).unwrap();
        fs::create_dir(directory.path().join("file.tmp")).unwrap();
        assert!(replace(&path, b"new", true).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
    }
}
