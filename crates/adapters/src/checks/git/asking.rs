//! Asks a git repository with the `git` program. Owns how it is started, so that nothing in the
//! repository is run, fetched or believed that is not its history; judges no answer.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use crate::commit::Commit;
use crate::reports::{short, shown};
use crate::running::{Errors, Running};

/// What overrules the configuration of the repository, which is as little trusted as what was
/// committed to it: programs that it could name, transports, and shortcuts that could lie about its
/// history (git-config(1)).
const OVERRULED: &[&str] = &[
    "core.fsmonitor=",
    "core.hooksPath=/dev/null",
    "core.commitGraph=false",
    "core.pager=cat",
    "core.quotePath=false",
    "core.sshCommand=false",
    "protocol.allow=never",
    "log.showSignature=false",
    "color.ui=false",
    "i18n.logOutputEncoding=UTF-8",
    "gpg.program=gpg",
    "gpg.openpgp.program=gpg",
    "gpg.x509.program=gpgsm",
    "gpg.ssh.program=ssh-keygen",
    "gpg.ssh.revocationFile=",
    "gpg.minTrustLevel=undefined",
];
/// Also for what git starts itself. Grafts and replaced objects would show another history than the
/// one that the commit names; the rest keeps git from waiting for a person or a server (git(1)).
const VARIABLES: &[(&str, &str)] = &[
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_GRAFT_FILE", "/dev/null"),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("SSH_ASKPASS_REQUIRE", "never"),
    ("LC_ALL", "C"),
];

/// How much of a complaint is read, in bytes.
const COMPLAINT_MOST: u64 = 16 * 1024;

/// A repository, and whose signatures count in it.
#[derive(Clone, Debug)]
pub(crate) struct Repository {
    pub(crate) folder: PathBuf,
    /// Keys of ssh and whose they are (ssh-keygen(1), ALLOWED SIGNERS).
    pub(crate) allowed_signers: Option<PathBuf>,
    /// What was asked and answered, for as long as one question lasts.
    pub(crate) record: Record,
}

/// What git was asked and said, in order.
pub(crate) type Record = Arc<Mutex<Vec<Value>>>;

/// How git ended, and what it said.
pub(crate) struct Answer {
    status: i32,
    /// What it answers.
    pub(crate) output: String,
    /// Of what it complained.
    errors: String,
}

/// The first `most` bytes of an output. It is closed then: whoever goes on writing is ended by that, and
/// does not wait for a reader for ever.
async fn beginning(mut output: impl AsyncRead + Unpin, most: u64) -> std::io::Result<Vec<u8>> {
    let mut said = Vec::new();
    (&mut output).take(most).read_to_end(&mut said).await?;
    Ok(said)
}

/// What a name in the matrix stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    /// As written in the matrix.
    pub(crate) name: String,
    pub(crate) commit: Commit,
}

impl Repository {
    /// The same with a record of its own.
    pub(crate) fn recorded(&self) -> Self {
        Self { record: Record::default(), ..self.clone() }
    }

    /// Asks, and answers what git says whatever its status is.
    ///
    /// # Errors
    /// One sentence: git could not be run, was ended, or says more than is read.
    pub(crate) async fn ask(&self, words: &[&str]) -> Result<Answer, String> {
        let cannot = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound if !self.folder.is_dir() => {
                format!("there is no folder {}; correct `repository`", shown(&self.folder))
            }
            std::io::ErrorKind::NotFound => {
                "the program `git` is not installed where the engine runs".to_owned()
            }
            _ => format!("`git` could not be started: {error}"),
        };
        let mut running = Running::start(self.command(words), Errors::Apart).map_err(cannot)?;
        let ended = running.ended().await;
        let (_, said) = running.finish().await;
        let status = ended.map_err(|error| format!("`git` was lost: {error}"))?;
        if said.is_cut {
            return Err(format!("`git {}` says more than is read", words[0]));
        }
        match (status.code(), status.signal()) {
            (Some(status), _) => {
                let told = json!({ "git": words, "status": status, "output": said.output });
                self.record.lock().expect("nobody panics with it").push(told);
                Ok(Answer { status, output: said.output, errors: said.errors })
            }
            (None, signal) => {
                Err(format!("`git {}` was ended by signal {}", words[0], signal.unwrap_or(0)))
            }
        }
    }

    /// What git says, byte for byte and at most `most` of it, where every status but 0 is a problem.
    ///
    /// # Errors
    /// One sentence: git could not be run or cannot tell, or says more.
    pub(crate) async fn bytes(&self, words: &[&str], most: u64) -> Result<Vec<u8>, String> {
        let wrong = |error: std::io::Error| format!("`git {}` was lost: {error}", words[0]);
        let mut command = self.command(words);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().map_err(wrong)?;
        let (Some(output), Some(errors)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(format!("`git {}` was lost", words[0]));
        };
        let (said, complaint) =
            tokio::join!(beginning(output, most + 1), beginning(errors, COMPLAINT_MOST));
        let (said, complaint) = (said.map_err(wrong)?, complaint.map_err(wrong)?);
        if said.len() as u64 > most {
            return Err(format!("`git {}` says more than {most} bytes", words[0]));
        }
        let status = child.wait().await.map_err(wrong)?;
        if status.success() {
            return Ok(said);
        }
        let errors = String::from_utf8_lossy(&complaint).into_owned();
        let status = status.code().unwrap_or(-1);
        Err(self.wrong(words, &Answer { status, output: String::new(), errors }))
    }

    /// The same, where every status but 0 is a problem.
    pub(crate) async fn told(&self, words: &[&str]) -> Result<String, String> {
        let answer = self.ask(words).await?;
        if answer.status == 0 { Ok(answer.output) } else { Err(self.wrong(words, &answer)) }
    }

    fn wrong(&self, words: &[&str], answer: &Answer) -> String {
        let (place, status) = (shown(&self.folder), answer.status);
        let why = match answer.errors.trim() {
            "" => format!("status {status}"),
            errors => short(errors),
        };
        format!("git cannot tell in {place} (`git {}`): {why}", words[0])
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.args(["--no-pager", "--no-replace-objects", "--literal-pathspecs"]);
        for setting in OVERRULED {
            command.args(["-c", setting]);
        }
        let signers = self.allowed_signers.as_deref().unwrap_or(Path::new("/dev/null"));
        let mut known = std::ffi::OsString::from("gpg.ssh.allowedSignersFile=");
        known.push(signers);
        command.arg("-c").arg(known).args(words).current_dir(&self.folder);
        // What the engine was started with may lead to another repository, or to other programs.
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"GIT_") {
                command.env_remove(name);
            }
        }
        command.envs(VARIABLES.iter().copied());
        command
    }

    /// Whether the whole history is there: of a part of it git would say that it is all.
    ///
    /// # Errors
    /// One sentence: it is not, or it is no repository.
    pub(crate) async fn ensure_whole(&self) -> Result<(), String> {
        let place = shown(&self.folder);
        let answer = self.ask(&["rev-parse", "--is-shallow-repository"]).await?;
        match (answer.status, answer.output.trim()) {
            (0, "false") => Ok(()),
            (0, _) => Err(format!(
                "{place} holds only a part of its history; run `git fetch --unshallow` there"
            )),
            (_, _) => Err(format!(
                "{place} is no git repository that can be asked: {}; clone it there, or correct \
                 `repository`",
                short(&answer.errors)
            )),
        }
    }

    /// Whether `commit` is there.
    ///
    /// # Errors
    /// One sentence: it is not.
    pub(crate) async fn ensure_has(&self, commit: &Commit) -> Result<(), String> {
        let name = format!("{}^{{commit}}", commit.as_str());
        let answer = self.ask(&["cat-file", "-e", &name]).await?;
        if answer.status == 0 {
            return Ok(());
        }
        let place = shown(&self.folder);
        Err(format!(
            "commit {commit} is not in {place}; run `git fetch` there, then it is asked again"
        ))
    }

    /// The commit that a branch, a branch of a remote (`origin/main`) or a tag points to, which the
    /// setting `key` names.
    ///
    /// # Errors
    /// One sentence: there is none, or there are two.
    pub(crate) async fn point(&self, key: &str, name: &str) -> Result<Point, String> {
        let mut found: Option<Commit> = None;
        for folder in ["heads", "remotes", "tags"] {
            let full = format!("refs/{folder}/{name}^{{commit}}");
            let words = ["rev-parse", "--verify", "--quiet", "--end-of-options", &full];
            let answer = self.ask(&words).await?;
            let commit = Commit::new(answer.output.trim()).filter(|_| answer.status == 0);
            let Some(commit) = commit else { continue };
            // Somebody may have pushed a branch that is called like a tag.
            if found.as_ref().is_some_and(|known| *known != commit) {
                let place = shown(&self.folder);
                return Err(format!(
                    "`{name}` is a branch and something else in {place}, of different commits; say in \
                     `{key}` a name that means one"
                ));
            }
            found = Some(commit);
        }
        let place = shown(&self.folder);
        if let Some(commit) = found {
            return Ok(Point { name: name.to_owned(), commit });
        }
        Err(format!(
            "{place} has no branch or tag `{name}`; run `git fetch` there, or correct `{key}`"
        ))
    }

    /// Whether `older` is `newer` or stands in its history.
    ///
    /// # Errors
    /// One sentence: git cannot tell.
    pub(crate) async fn is_in(&self, older: &Commit, newer: &Commit) -> Result<bool, String> {
        let words = ["merge-base", "--is-ancestor", older.as_str(), newer.as_str()];
        let answer = self.ask(&words).await?;
        match answer.status {
            0 => Ok(true),
            1 => Ok(false),
            _ => Err(self.wrong(&words, &answer)),
        }
    }

    /// The branch here, or else that of the usual remote.
    ///
    /// # Errors
    /// One sentence: neither is there.
    pub(crate) async fn branch(&self, key: &str, name: &str) -> Result<Point, String> {
        match self.point(key, name).await {
            Ok(found) => Ok(found),
            Err(sentence) => {
                let remote = self.point(key, &format!("origin/{name}")).await;
                remote.map_err(|_| sentence)
            }
        }
    }

    /// The first parent of a commit; none of the first commit of all.
    pub(crate) async fn before(&self, commit: &Commit) -> Result<Option<Commit>, String> {
        Ok(self.parents(commit).await?.into_iter().next())
    }

    /// The parents of a commit, in their order.
    pub(crate) async fn parents(&self, commit: &Commit) -> Result<Vec<Commit>, String> {
        let said = self
            .told(&["rev-list", "--no-walk", "--no-commit-header", "--format=%P", commit.as_str()])
            .await?;
        Ok(said.split_whitespace().filter_map(Commit::new).collect())
    }
}
