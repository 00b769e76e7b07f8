//! The folder of one instance: its plan, its status, its locks. Owns the layout and the way in which
//! files are replaced; starts and ends nothing.
//!
//! ```text
//! <state>/instances/
//!     epoch                                           the newest owner of the journal that was obeyed
//!     epoch.lock                                      held by whoever changes something
//!     lock                                            held while a port is chosen
//! <state>/instances/SERVICE/ENVIRONMENT/NUMBER/       a deployment
//!     lock                                            held while plans are written or withdrawn
//!     INSTANCE/
//!         plan.json        what to run; gone when the instance shall not run
//!         secrets.json     the variables that are shown nowhere; gone when the instance shall not run
//!         ended.json       the plan that was withdrawn
//!         port             chosen once, kept for ever
//!         lock             held by the supervisor for as long as it lives
//!         status.json      written by the supervisor
//!         stop.json        how politely to end, written before the supervisor is told to
//!         out, err         named pipes from the program to the supervisor
//!         log, log.1       what the program wrote
//!         supervisor.log   what a supervisor said that could not work
//!         work/            the program's own folder
//! ```

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use towpath_core::ids::{LaneId, PromotionNumber};
use towpath_core::units::{Span, Timestamp};
use towpath_ports::secret::Secret;

use crate::processes::Identity;

/// Apart from the plan, which stays when the instance has ended.
const SECRETS: &str = "secrets.json";

/// What a supervisor shall run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    /// Unique on this machine; the mark by which the program's processes are found.
    pub(super) id: String,
    /// The program to start.
    pub(super) program: PathBuf,
    /// What people call it; empty in a plan that was written before it was kept.
    #[serde(default)]
    pub(super) shown: String,
    /// Its arguments.
    pub(super) arguments: Vec<String>,
    /// Where it starts.
    pub(super) directory: PathBuf,
    /// Its environment, but for the secrets. Settings may hold what is none of others' business: the
    /// file is for its owner alone.
    pub(super) environment: BTreeMap<String, String>,
    /// Where it answers.
    pub(super) port: u16,
    /// How long it may take to end.
    pub(super) stop_within: Span,
    /// The longest pause before a restart.
    pub(super) restart_delay_most: Span,
    /// Largest size of one log file in bytes.
    pub(super) log_limit: u64,
}

impl Plan {
    /// The environment entry that marks the program's processes.
    pub(super) fn mark(&self) -> String {
        format!("{MARK}={}", self.id)
    }
}

/// The name of the variable that carries [`Plan::id`].
pub(super) const MARK: &str = "TOWPATH_INSTANCE_ID";

/// How an instance is, as its supervisor last wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Status {
    /// Who wrote it.
    pub(super) supervisor: Option<Identity>,
    /// The program, while it runs.
    pub(super) app: Option<Identity>,
    /// How often it was started again.
    pub(super) restarts: u32,
    /// How it ended, oldest first, at most [`ENDS_KEPT`].
    pub(super) ends: Vec<End>,
}

/// Enough to see a crash loop of the largest size that the settings allow.
pub(super) const ENDS_KEPT: usize = 100;

/// One end of the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    /// When.
    pub(super) at: Timestamp,
    /// How, such as `ended with status 1 after 3s`.
    pub(super) how: String,
}

/// How politely a supervisor ends its program when it is told to stop.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Stop {
    /// How long the program may take.
    pub(super) within: Span,
}

/// The folder of one deployment.
#[derive(Clone, Debug)]
pub(super) struct DeploymentFolder {
    path: PathBuf,
}

impl DeploymentFolder {
    /// Where `deployment` of `lane` has its instances. Names and numbers are safe in paths.
    pub(super) fn of(state: &Path, lane: &LaneId, deployment: PromotionNumber) -> Self {
        Self { path: lane_folder(state, lane).join(deployment.to_string()) }
    }

    /// The folder of one copy, from 1.
    pub(super) fn instance(&self, instance: u32) -> Folder {
        Folder::at(&self.path.join(instance.to_string()))
    }

    /// The copies that have a folder, in order.
    pub(super) fn instances(&self) -> io::Result<Vec<(u32, Folder)>> {
        let mut numbers = numbered(&self.path)?;
        numbers.sort_unstable();
        let numbers = numbers.into_iter().filter_map(|number| u32::try_from(number).ok());
        Ok(numbers.map(|number| (number, self.instance(number))).collect())
    }

    /// Waits for the deployment's lock and holds it until the file is dropped. Held for
    /// milliseconds, so the wait is short. Makes the folder when it is not there.
    pub(super) fn lock(&self) -> io::Result<File> {
        loop {
            create_private(&self.path)?;
            let lock = match open_lock(&self.lock_path()) {
                Ok(lock) => lock,
                // It was forgotten between the two steps.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            lock.lock()?;
            if self.is_in_place(&lock)? {
                return Ok(lock);
            }
        }
    }

    /// As [`DeploymentFolder::lock`]; none when the deployment has no folder, so that nothing of it
    /// was ever begun.
    pub(super) fn lock_if_there(&self) -> io::Result<Option<File>> {
        loop {
            let lock = match OpenOptions::new().read(true).write(true).open(self.lock_path()) {
                Ok(lock) => lock,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            };
            lock.lock()?;
            if self.is_in_place(&lock)? {
                return Ok(Some(lock));
            }
        }
    }

    /// Whether nothing of the deployment runs or shall run.
    pub(super) fn is_stopped(&self) -> io::Result<bool> {
        for (_, instance) in self.instances()? {
            if instance.plan()?.is_some() || instance.is_supervised()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Removes the folder with all logs, unless somebody changes the deployment just now or it runs.
    pub(super) fn forget(&self) -> io::Result<()> {
        let lock = open_lock(&self.lock_path())?;
        match lock.try_lock() {
            Ok(()) if self.is_stopped()? => fs::remove_dir_all(&self.path),
            Ok(()) | Err(fs::TryLockError::WouldBlock) => Ok(()),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }

    /// Whether `lock` is still the file that others find: the folder may have been forgotten while
    /// its lock was waited for, and made anew.
    fn is_in_place(&self, lock: &File) -> io::Result<bool> {
        let held = lock.metadata()?;
        match fs::metadata(self.lock_path()) {
            Ok(found) => Ok((found.dev(), found.ino()) == (held.dev(), held.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn lock_path(&self) -> PathBuf {
        self.path.join("lock")
    }
}

/// The folder of all instances of a journal.
pub(super) fn all_instances(state: &Path) -> PathBuf {
    state.join("instances")
}

/// The folder of all deployments of a lane.
pub(super) fn lane_folder(state: &Path, lane: &LaneId) -> PathBuf {
    let instances = all_instances(state);
    instances.join(lane.service.as_str()).join(lane.environment.as_str())
}

/// The entries of `folder` whose names are numbers; none when there is no such folder.
pub(super) fn numbered(folder: &Path) -> io::Result<Vec<u64>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut numbers = Vec::new();
    for entry in entries {
        numbers.extend(entry?.file_name().to_str().and_then(|name| name.parse::<u64>().ok()));
    }
    Ok(numbers)
}

/// The folder of one instance.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The instance folder at `path`.
    pub(super) fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The program's own folder.
    pub(super) fn work(&self) -> PathBuf {
        self.path.join("work")
    }

    /// Makes it, for its owner alone. Safe to repeat.
    pub(super) fn create(&self) -> io::Result<()> {
        create_private(&self.work())
    }

    /// What shall run; none when nothing shall.
    pub(super) fn plan(&self) -> io::Result<Option<Plan>> {
        self.read("plan.json")
    }

    /// Says what shall run.
    pub(super) fn write_plan(&self, plan: &Plan) -> io::Result<()> {
        self.write("plan.json", plan)
    }

    /// Says that nothing shall run any more, forgets the secrets, and answers what did. Safe to repeat.
    pub(super) fn withdraw_plan(&self) -> io::Result<Option<Plan>> {
        match fs::rename(self.path.join("plan.json"), self.path.join("ended.json")) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        self.forget_secrets()?;
        self.read("ended.json")
    }

    /// The variables of the program that are shown nowhere; empty when there are none.
    pub(super) fn secrets(&self) -> io::Result<BTreeMap<String, Secret>> {
        let kept: BTreeMap<String, String> = self.read(SECRETS)?.unwrap_or_default();
        Ok(kept.into_iter().filter_map(|(name, value)| Some((name, Secret::new(value)?))).collect())
    }

    /// Keeps them for whoever starts the program, and starts it again.
    pub(super) fn write_secrets(&self, secrets: &BTreeMap<String, Secret>) -> io::Result<()> {
        self.forget_secrets()?;
        if secrets.is_empty() {
            return Ok(());
        }
        let revealed: BTreeMap<&String, &str> =
            secrets.iter().map(|(name, secret)| (name, secret.reveal())).collect();
        self.write(SECRETS, &revealed)
    }

    /// Also what was left where a write was cut short.
    fn forget_secrets(&self) -> io::Result<()> {
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            if entry.file_name().to_string_lossy().trim_start_matches('.').starts_with(SECRETS) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// How the instance is; the default when no supervisor wrote anything yet.
    pub(super) fn status(&self) -> io::Result<Status> {
        Ok(self.read("status.json")?.unwrap_or_default())
    }

    /// Says how the instance is.
    pub(super) fn write_status(&self, status: &Status) -> io::Result<()> {
        self.write("status.json", status)
    }

    /// How politely to end; none when nobody said.
    pub(super) fn stop(&self) -> io::Result<Option<Stop>> {
        self.read("stop.json")
    }

    /// Says how politely to end.
    pub(super) fn write_stop(&self, stop: Stop) -> io::Result<()> {
        self.write("stop.json", &stop)
    }

    /// The port, once it is chosen.
    pub(super) fn port(&self) -> io::Result<Option<u16>> {
        self.read("port")
    }

    /// Keeps the port.
    pub(super) fn write_port(&self, port: u16) -> io::Result<()> {
        self.write("port", &port)
    }

    /// Where the instance answers, once its port is chosen.
    pub(super) fn address(&self) -> io::Result<Option<SocketAddr>> {
        Ok(self.port()?.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))))
    }

    /// Takes the supervisor's lock if nobody has it; it is held until the file is dropped.
    pub(super) fn try_supervise(&self) -> io::Result<Option<File>> {
        let lock = open_lock(&self.path.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(lock)),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }

    /// Whether a supervisor lives.
    pub(super) fn is_supervised(&self) -> io::Result<bool> {
        Ok(self.try_supervise()?.is_none())
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> io::Result<Option<T>> {
        read(&self.path, name)
    }

    fn write(&self, name: &str, value: &impl Serialize) -> io::Result<()> {
        replace(&self.path, name, value)
    }
}

/// What the file `name` of `folder` holds; none when it is not there.
pub(super) fn read<T: DeserializeOwned>(folder: &Path, name: &str) -> io::Result<Option<T>> {
    let path = folder.join(name);
    match fs::read(&path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes).map_err(|error| {
            io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", path.display()))
        })?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces a file as a whole: readers see the old or the new one, also after a crash.
pub(super) fn replace(folder: &Path, name: &str, value: &impl Serialize) -> io::Result<()> {
    let fresh = folder.join(format!(".{name}.{}", rand::random::<u64>()));
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(&fresh)?;
    file.write_all(&serde_json::to_vec(value).map_err(io::Error::other)?)?;
    file.sync_all()?;
    fs::rename(&fresh, folder.join(name))
}

/// Makes a folder and those above it, for their owner alone. Safe to repeat.
pub(super) fn create_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Opens a file whose only use is its lock; makes it when it is not there.
pub(super) fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Folder) {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::at(&root.path().join("1"));
        folder.create().unwrap();
        (root, folder)
    }

    #[test]
    fn one_supervisor_at_a_time_holds_the_lock() {
        let (_root, folder) = folder();
        let held = folder.try_supervise().unwrap().expect("nobody has it");
        assert!(folder.try_supervise().unwrap().is_none());
        assert!(folder.is_supervised().unwrap());
        drop(held);
        assert!(!folder.is_supervised().unwrap());
    }

    #[test]
    fn secrets_are_readable_by_their_owner_alone_and_gone_with_the_plan() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_root, folder) = folder();
        let secret = Secret::new("s3cret-value".to_owned()).unwrap();
        let secrets = BTreeMap::from([("KEY".to_owned(), secret)]);
        folder.write_secrets(&secrets).unwrap();
        let mode = |name: &str| folder.path().join(name).metadata().unwrap().permissions().mode();
        assert_eq!(mode(SECRETS) & 0o777, 0o600);
        assert_eq!(mode(".") & 0o777, 0o700);
        assert_eq!(folder.secrets().unwrap(), secrets);
        // As a process leaves it that dies while it writes.
        fs::write(folder.path().join(".secrets.json.17"), "{").unwrap();
        folder.withdraw_plan().unwrap();
        let left = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(left.collect::<Vec<_>>(), ["work"]);
        assert_eq!(folder.secrets().unwrap(), BTreeMap::new());
    }

    #[test]
    fn a_damaged_file_is_an_error_and_names_itself() {
        let (_root, folder) = folder();
        fs::write(folder.path().join("status.json"), "{").unwrap();
        assert!(folder.status().unwrap_err().to_string().contains("status.json"));
    }
}
