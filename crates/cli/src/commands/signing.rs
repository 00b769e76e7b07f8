//! Has a person's words signed by `ssh-keygen`, where the matrix names a key of theirs. Reads no private key:
//! that is what ssh, its agent and the hardware are for.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use towpath_core::ids::{Digest, LaneId, Name, Person, PromotionNumber};
use towpath_core::speaking::{
    LONGEST, NAMESPACE, Says, Signed, Statement, key_of_line, unconditional,
};
use towpath_core::units::{Span, Timestamp};
use towpath_engine::ReleaseView;
use towpath_engine::views::{PromotionView, YouView};
use towpath_server::requests::PlanHashView;

use crate::args::Signing;
use crate::commands::session::Session;
use crate::exit_code::{CliError, ExitCode};

/// The variable that names the file of the key, where `--key` does not.
pub(crate) const VARIABLE: &str = "TOWPATH_KEY";
/// How long signed words may be shown: long enough for an order to arrive.
const LASTS: Span = Span::minutes(10);
/// Files of keys that ssh looks for by itself and that sign here (ssh(1), `-i`).
const USUAL: [&str; 2] = ["id_ed25519", "id_ed25519_sk"];

const _: () = assert!(LASTS.milliseconds() < LONGEST.milliseconds());

/// What is to be signed; who says it and when is filled in.
#[derive(Debug, Default)]
pub(crate) struct Words {
    pub(crate) service: Option<Name>,
    pub(crate) environment: Option<Name>,
    pub(crate) promotion: Option<PromotionNumber>,
    pub(crate) release: Option<Digest>,
    pub(crate) plan: Option<Digest>,
    pub(crate) matrix: Option<Digest>,
    pub(crate) title: Option<String>,
    pub(crate) note: Option<String>,
    pub(crate) link: Option<String>,
}

impl Words {
    /// Words about a lane, and nothing more yet.
    pub(crate) fn about(lane: &LaneId) -> Self {
        let (service, environment) = (lane.service.clone(), lane.environment.clone());
        Self { service: Some(service), environment: Some(environment), ..Self::default() }
    }

    /// Words about a promotion, and nothing more yet.
    pub(crate) fn of_promotion(promotion: &PromotionView) -> Self {
        Self {
            service: Name::new(&promotion.service).ok(),
            environment: Name::new(&promotion.to).ok(),
            promotion: Some(PromotionNumber(promotion.number)),
            ..Self::default()
        }
    }
}

/// The words as whoever has a key signs them; none of whoever has none.
///
/// # Errors
/// As [`Speaker::of`] and [`Speaker::sign`].
pub(crate) async fn said(
    session: &Session,
    by: &Signing,
    says: Says,
    words: Words,
) -> Result<Option<Signed>, CliError> {
    let speaker = Speaker::of(session, by.key.as_deref()).await?;
    speaker.map(|speaker| speaker.sign(says, words)).transpose()
}

/// Somebody who speaks by a key.
pub(crate) struct Speaker {
    you: Person,
    project: String,
    journal: Option<String>,
    now: Timestamp,
    key: String,
    file: Option<PathBuf>,
}

impl Speaker {
    /// Whoever types the command, if the matrix in force names a key of theirs; `file` is what `--key` says.
    ///
    /// # Errors
    /// `no-key` (exit 2) when a key is named and the matrix has none.
    pub(crate) async fn of(
        session: &Session,
        file: Option<&Path>,
    ) -> Result<Option<Self>, CliError> {
        let said: YouView = session.client.get("/v1/you").await?;
        let you = said.you.as_deref().and_then(|you| Person::new(you).ok());
        let (Some(you), Some(key)) = (you, said.key.clone()) else {
            return match file {
                None => Ok(None),
                Some(_) => Err(no_key(said.you.as_deref())),
            };
        };
        let now: jiff::Timestamp = said.now.parse().map_err(|_| {
            CliError::new(ExitCode::Failed, "no-time", "the engine does not say what time it is")
                .next("towpath doctor", "what is wrong with it")
        })?;
        let variable = || std::env::var_os(VARIABLE).filter(|text| !text.is_empty());
        let file = file.map(Path::to_path_buf).or_else(|| variable().map(PathBuf::from));
        let now = Timestamp(now.as_microsecond());
        let YouView { project, journal, .. } = said;
        Ok(Some(Self { you, project, journal, now, key, file }))
    }

    /// The words, signed.
    ///
    /// # Errors
    /// There is no key to be found, or `ssh-keygen` did not sign (exit 1 or 2).
    pub(crate) fn sign(&self, says: Says, words: Words) -> Result<Signed, CliError> {
        let Words { service, environment, promotion, release, plan, matrix, title, note, link } =
            words;
        let statement = Statement {
            towpath: 1,
            project: self.project.clone(),
            journal: self.journal.clone(),
            by: self.you.clone(),
            says,
            service,
            environment,
            promotion,
            release,
            plan,
            matrix,
            title,
            note,
            link,
            at: Statement::moment(self.now),
            until: Statement::moment(self.now.plus(LASTS)),
        };
        let statement = statement.text();
        let signature = match &self.file {
            Some(file) => signature(file, &statement)?,
            None => self.by_the_usual(&statement)?,
        };
        Ok(Signed { statement, signature })
    }

    /// By the file in `~/.ssh` whose public half the matrix names, else by the agent.
    fn by_the_usual(&self, statement: &str) -> Result<String, CliError> {
        let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
        let own = key_of_line(&self.key);
        let is_own = |file: &PathBuf| {
            let public = std::fs::read_to_string(file.with_extension("pub")).unwrap_or_default();
            own.is_some() && key_of_line(&public) == own
        };
        let usual = USUAL.map(|name| home.join(".ssh").join(name));
        if let Some(file) = usual.iter().find(|file| is_own(file)) {
            return signature(file, statement);
        }
        if std::env::var_os("SSH_AUTH_SOCK").is_none() || own.is_none() {
            let message = "nothing was said: your words must be signed, and no key was found";
            return Err(CliError::new(ExitCode::Usage, "no-key-file", message)
                .because("neither ~/.ssh nor an agent of ssh has the key that the matrix names")
                .at(format!("people.{}.key", self.you))
                .next(
                    "towpath COMMAND --key FILE",
                    format!("or {VARIABLE}=FILE: the key's file"),
                ));
        }
        // The agent finds the private half by the public one.
        let file = tempfile::Builder::new().suffix(".pub").tempfile();
        let written = file
            .and_then(|mut file| writeln!(file, "{}", unconditional(&self.key).1).map(|()| file));
        let file = written.map_err(|error| failed(&error.to_string()))?;
        signature(file.path(), statement)
    }
}

fn signature(file: &Path, statement: &str) -> Result<String, CliError> {
    if !file.exists() {
        let message = "nothing was said: your words must be signed";
        return Err(CliError::new(ExitCode::Usage, "no-key-file", message)
            .because("there is no such file")
            .at(file.display().to_string())
            .next(
                "ssh-keygen -t ed25519 -f FILE",
                "makes a key; the matrix names its public half",
            ));
    }
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-Y", "sign", "-n", NAMESPACE, "-f"]).arg(file);
    // What it asks for, a passphrase or a touch, it asks on the terminal.
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = spawned.map_err(|error| {
        let missing = error.kind() == std::io::ErrorKind::NotFound;
        let cause = if missing { "there is no ssh-keygen".to_owned() } else { error.to_string() };
        failed(&cause).next("apt-get install openssh-client", "or what your system calls OpenSSH")
    })?;
    let mut stdin = child.stdin.take();
    // One that cannot take the words says why itself.
    let _ = stdin.as_mut().map(|stdin| stdin.write_all(statement.as_bytes()));
    drop(stdin);
    let done = child.wait_with_output().map_err(|error| failed(&error.to_string()))?;
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    if !done.status.success() || text.trim().is_empty() {
        let cause = format!("ssh-keygen ended with {}; what it said stands above", done.status);
        return Err(failed(&cause).at(file.display().to_string()));
    }
    Ok(text)
}

fn failed(cause: &str) -> CliError {
    CliError::new(ExitCode::Failed, "not-signed", "nothing was said: your words were not signed")
        .because(cause)
        .next("ssh-keygen -Y sign -n towpath -f FILE < TEXT", "tries the key by itself")
}

fn no_key(you: Option<&str>) -> CliError {
    let who = you.unwrap_or("you");
    CliError::new(ExitCode::Usage, "no-key", "nothing was said")
        .because(format!("the matrix names no key of {who}, and takes no signed words from there"))
        .at(format!("people.{who}.key"))
        .next(format!("people: {{ {who}: {{ key: ssh-ed25519 AAAA… }} }}"), "in the matrix")
}

/// A hash as the engine shows it, with or without its kind.
pub(crate) fn digest(shown: &str) -> Option<Digest> {
    Digest::new(&format!("sha256:{}", shown.trim_start_matches("sha256:"))).ok()
}

/// The digest of a release.
pub(crate) async fn digest_of(
    session: &Session,
    service: &Name,
    version: &str,
) -> Result<Digest, CliError> {
    let all: Vec<ReleaseView> = session.client.list("/v1/releases").await?;
    let mut found = all.into_iter().map(|view| view.release);
    let found = found.find(|one| one.service == *service && one.version.as_str() == version);
    found.map(|release| release.digest).ok_or_else(|| {
        CliError::new(ExitCode::NotFound, "no-release", format!("there is no release {version}"))
            .next("towpath release list", "those that exist")
    })
}

/// All of the hash of the plan under which a promotion waits, of which `shown` is the beginning.
pub(crate) async fn plan_of(
    session: &Session,
    number: u64,
    shown: &str,
) -> Result<Digest, CliError> {
    let said: PlanHashView = session.client.get(&format!("/v1/promotions/{number}/plan")).await?;
    if said.plan.hex().starts_with(shown) {
        return Ok(said.plan);
    }
    let message = format!("promotion {number} has another plan by now, and nothing was said to it");
    Err(CliError::new(ExitCode::Conflict, "stale-plan", message)
        .next("towpath waiting", "what waits, with its plan"))
}
