//! A copy of a repository, kept by the `git` program. Owns how git is started: for a bounded time, with bounded
//! answers, and so that nothing of the repository is run; who may fetch is what git itself knows (keys of ssh, helpers
//! for credentials). Judges no commit.

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::Follow;

/// How long one call may take: a fetch from far away, and anything that only looks at the copy.
const FETCHED_WITHIN: Duration = Duration::from_mins(2);
const ANSWERED_WITHIN: Duration = Duration::from_secs(20);
/// How much of the history is fetched, in commits: a matrix that changes ten times a day for months.
const DEPTH: &str = "--depth=1000";
/// Largest copy, in bytes; one that grows beyond that while it is fetched is given up.
const LARGEST: u64 = 512 << 20;
/// How much is read of what git says beside an answer.
const LARGEST_COMPLAINT: u64 = 16 * 1024;
/// Between two looks whether it has ended.
const LOOK: Duration = Duration::from_millis(10);
/// Where the copy keeps what it saw, and what was taken of that.
const SEEN: &str = "refs/towpath/seen";
const TAKEN: &str = "refs/towpath/taken";

/// What overrules whatever git is configured to do: programs, other repositories, and waiting.
const OVERRULED: &[&str] = &[
    "core.fsmonitor=",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "fetch.recurseSubmodules=false",
    "fetch.fsckObjects=true",
    // All of it comes as packs, which are counted, and in little memory.
    "fetch.unpackLimit=1",
    "transfer.unpackLimit=1",
    "pack.windowMemory=64m",
    "core.bigFileThreshold=8m",
    "submodule.recurse=false",
    "maintenance.auto=false",
    "gc.auto=0",
    "log.showSignature=false",
    "i18n.logOutputEncoding=UTF-8",
    // Only keys of ssh count, those of the file that was named: whatever else verifies is nobody's.
    "gpg.program=/bin/false",
    "gpg.openpgp.program=/bin/false",
    "gpg.x509.program=/bin/false",
    "gpg.ssh.program=ssh-keygen",
    "gpg.ssh.revocationFile=",
];
/// Variables by which git reaches a repository; all others of its own are taken away, because they may lead to
/// another one.
const KEPT: &[&str] = &[
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
    "GIT_ASKPASS",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "GIT_PROXY_SSL_CAINFO",
];

/// A copy of one repository.
pub(super) struct Mirror {
    folder: PathBuf,
    repository: String,
    reference: String,
    allowed_signers: Option<PathBuf>,
    is_local: bool,
    /// Whether the server stops: then nothing is begun, and what runs is ended.
    is_over: AtomicBool,
}

/// How git ended.
struct Said {
    status: Option<i32>,
    output: Vec<u8>,
    errors: String,
}

impl Mirror {
    /// A copy in `folder`, which is made when it is fetched first.
    pub(super) fn new(folder: PathBuf, follow: &Follow) -> Self {
        let branch = &follow.branch;
        let is_whole = branch.starts_with("refs/");
        let reference = if is_whole { branch.clone() } else { format!("refs/heads/{branch}") };
        let allowed_signers = follow.allowed_signers.clone();
        let (repository, is_local) = (follow.repository.clone(), follow.is_local);
        let is_over = AtomicBool::new(false);
        Self { folder, repository, reference, allowed_signers, is_local, is_over }
    }

    /// Ends what runs, and begins nothing any more: a repository that does not answer must not hold up the end of
    /// a server. Safe to repeat.
    pub(super) fn stop(&self) {
        self.is_over.store(true, Ordering::SeqCst);
    }

    /// Takes away what a git left behind that was killed: nobody else writes here, and the next one would wait for
    /// it for ever.
    fn unlock(&self) {
        for place in [self.folder.clone(), self.folder.join("refs/towpath")] {
            let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
            for path in entries.map(|entry| entry.path()) {
                if path.extension().is_some_and(|ending| ending == "lock") {
                    // What cannot be removed is named by git, in its own words.
                    let _ = std::fs::remove_file(path);
                }
            }
        }
    }

    /// The newest commit, fetched.
    ///
    /// # Errors
    /// One sentence: the repository cannot be asked, or has no such branch.
    pub(super) fn fetch(&self) -> Result<String, String> {
        if size(&self.folder) > LARGEST {
            // Nothing is in it that the repository does not have.
            std::fs::remove_dir_all(&self.folder).map_err(|error| error.to_string())?;
        }
        if !self.folder.join("HEAD").exists() {
            std::fs::create_dir_all(&self.folder).map_err(|error| error.to_string())?;
            self.told(&["init", "--quiet", "--bare", "--template="], 0)?;
        }
        self.unlock();
        let what = format!("+{}:{SEEN}", self.reference);
        let words = [
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            DEPTH,
            "--end-of-options",
            &self.repository,
            &what,
        ];
        let said = self.run(&words, FETCHED_WITHIN, 0)?;
        if said.status != Some(0) {
            return Err(format!("{} cannot be fetched: {}", self.repository, last(&said.errors)));
        }
        self.commit(SEEN)?.ok_or_else(|| format!("{} has no {}", self.repository, self.reference))
    }

    /// The commit that was taken last; none where none was since the copy was made.
    pub(super) fn taken(&self) -> Result<Option<String>, String> {
        self.commit(TAKEN)
    }

    /// Notes that it was taken. Safe to repeat.
    pub(super) fn take(&self, commit: &str) -> Result<(), String> {
        self.told(&["update-ref", TAKEN, commit], 0).map(drop)
    }

    fn commit(&self, reference: &str) -> Result<Option<String>, String> {
        let name = format!("{reference}^{{commit}}");
        let words = ["rev-parse", "--verify", "--quiet", "--end-of-options", &name];
        let said = self.run(&words, ANSWERED_WITHIN, 128)?;
        let text = String::from_utf8_lossy(&said.output).trim().to_owned();
        let is_name = text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        Ok(Some(text).filter(|_| said.status == Some(0) && is_name))
    }

    /// Whether `older` is in the history of `newer`, as far as it was fetched.
    pub(super) fn is_before(&self, older: &str, newer: &str) -> Result<bool, String> {
        let words = ["merge-base", "--is-ancestor", older, newer];
        Ok(self.run(&words, ANSWERED_WITHIN, 0)?.status == Some(0))
    }

    /// Who wrote it, as the commit says.
    pub(super) fn author(&self, commit: &str) -> Result<String, String> {
        let words = ["show", "--no-patch", "--no-show-signature", "--format=%an <%ae>", commit];
        let said = self.told(&words, 4096)?;
        Ok(String::from_utf8_lossy(&said).trim().to_owned())
    }

    /// A file of a commit.
    ///
    /// # Errors
    /// One sentence: it is not there, is no plain file, or is larger than `most` bytes.
    pub(super) fn file(&self, commit: &str, path: &str, most: u64) -> Result<Vec<u8>, String> {
        let entry = self.told(&["ls-tree", "-z", "-l", commit, "--", path], 8192)?;
        let entry = String::from_utf8_lossy(&entry).into_owned();
        let mut parts = entry.split_whitespace();
        let (mode, _, blob, size) = (parts.next(), parts.next(), parts.next(), parts.next());
        let (Some("100644" | "100755"), Some(blob)) = (mode, blob) else {
            return Err(format!("there is no file {path} in {}", super::short(commit)));
        };
        if size.and_then(|size| size.parse::<u64>().ok()).is_none_or(|size| size > most) {
            return Err(format!("{path} is larger than {most} bytes"));
        }
        self.told(&["cat-file", "blob", blob], most)
    }

    /// Whether somebody signed it whose key is in the file that was named.
    ///
    /// # Errors
    /// One sentence: nobody did.
    pub(super) fn verify(&self, commit: &str) -> Result<(), String> {
        let said = self.run(&["verify-commit", "--end-of-options", commit], ANSWERED_WITHIN, 0)?;
        let is_good =
            said.errors.lines().any(|line| line.starts_with("Good \"git\" signature for "));
        if said.status == Some(0) && is_good {
            return Ok(());
        }
        let why =
            if said.errors.trim().is_empty() { "it is not signed" } else { last(&said.errors) };
        Err(format!("{} is signed by nobody of `allowed_signers`: {why}", super::short(commit)))
    }

    fn told(&self, words: &[&str], most: u64) -> Result<Vec<u8>, String> {
        let said = self.run(words, ANSWERED_WITHIN, most)?;
        match said.status {
            Some(0) => Ok(said.output),
            _ => Err(format!("`git {}`: {}", words[0], last(&said.errors))),
        }
    }

    fn run(&self, words: &[&str], within: Duration, most: u64) -> Result<Said, String> {
        if self.is_over.load(Ordering::SeqCst) {
            return Err("the server stops".to_owned());
        }
        let mut child = self.command(words).spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                "the program `git` is not installed where the server runs".to_owned()
            }
            _ => format!("`git` could not be started: {error}"),
        })?;
        let output = child.stdout.take().map(|pipe| beginning(pipe, most + 1));
        let errors = child.stderr.take().map(|pipe| beginning(pipe, LARGEST_COMPLAINT));
        let status = self.wait(&mut child, within, words[0])?;
        let joined = |thread: Option<std::thread::JoinHandle<Vec<u8>>>| {
            thread.and_then(|thread| thread.join().ok()).unwrap_or_default()
        };
        let (output, errors) = (joined(output), joined(errors));
        if output.len() as u64 > most {
            return Err(format!("`git {}` says more than {most} bytes", words[0]));
        }
        Ok(Said { status, output, errors: String::from_utf8_lossy(&errors).into_owned() })
    }

    /// Ends it with all that it started when its time is over, or the copy is too large.
    fn wait(&self, child: &mut Child, within: Duration, word: &str) -> Result<Option<i32>, String> {
        let (begun, mut looks) = (Instant::now(), 0_u32);
        loop {
            let ended = child.try_wait().map_err(|error| error.to_string())?;
            if let Some(status) = ended {
                return Ok(status.code());
            }
            looks += 1;
            let is_large = looks % 100 == 0 && size(&self.folder) > 2 * LARGEST;
            let is_over = self.is_over.load(Ordering::SeqCst);
            if begun.elapsed() >= within || is_large || is_over {
                if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                    // One that has ended already needs no end.
                    let _ = kill_process_group(group, Signal::KILL);
                }
                let _ = child.wait();
                let why = match (is_over, is_large) {
                    (true, _) => "the server stops",
                    (false, true) => "more than is kept",
                    (false, false) => "no end in time",
                };
                return Err(format!("`git {word}` was ended: {why}"));
            }
            std::thread::sleep(LOOK);
        }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.arg("--no-pager").arg("--no-replace-objects").arg("--literal-pathspecs");
        command.arg("--git-dir").arg(&self.folder);
        for setting in OVERRULED {
            command.args(["-c", setting]);
        }
        let signers = self.allowed_signers.as_deref().unwrap_or(Path::new("/dev/null"));
        let mut known = std::ffi::OsString::from("gpg.ssh.allowedSignersFile=");
        known.push(signers);
        command.arg("-c").arg(known).args(words).current_dir(&self.folder).process_group(0);
        for (name, _) in std::env::vars_os() {
            let is_kept = name.to_str().is_some_and(|name| KEPT.contains(&name));
            if name.as_encoded_bytes().starts_with(b"GIT_") && !is_kept {
                command.env_remove(name);
            }
        }
        // It goes before whatever the configuration allows: `ext` and others start programs.
        let ways = if self.is_local { "file" } else { "https:ssh" };
        command.env("GIT_ALLOW_PROTOCOL", ways).env("GIT_TERMINAL_PROMPT", "0");
        command.env("SSH_ASKPASS_REQUIRE", "never").env("LC_ALL", "C");
        command.env("GIT_NO_REPLACE_OBJECTS", "1").env("GIT_NO_LAZY_FETCH", "1");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// Reads the first `most` bytes, and closes then: whoever goes on writing is ended by that.
fn beginning(
    pipe: impl std::io::Read + Send + 'static,
    most: u64,
) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What broke off is as far as it came.
        let _ = pipe.take(most).read_to_end(&mut bytes);
        bytes
    })
}

/// The last line that says something.
fn last(errors: &str) -> &str {
    errors.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it says nothing")
}

/// How large the packs of a copy are, in bytes: what is fetched.
fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder.join("objects/pack")).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|it| it.len()).sum()
}

#[cfg(test)]
mod tests;
