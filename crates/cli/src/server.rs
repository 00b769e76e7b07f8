//! A server elsewhere: its address, the project that is meant there, and where contexts are kept. Asks it
//! nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::exit_code::{CliError, ExitCode};
use crate::project::{MATRIX_FILE, STATE_FOLDER};
use crate::report::usage::nearest;
use crate::token::Token;

/// The variable that names a server where no option does.
pub(crate) const VARIABLE: &str = "TOWPATH_SERVER";
/// The word for no server at all: the engine of this machine.
const HERE: &str = "none";
/// The contexts of a user, below the folder of settings.
const CONTEXTS: &str = "towpath/contexts.toml";
/// Names the context of a project's folder, in the folder of its journal.
const NOTE: &str = "server";

/// A server and the project that is meant there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    /// Scheme, host and port.
    origin: String,
    /// The project; none: the only one that it has.
    project: Option<String>,
    /// By which token its context says to act.
    pub(crate) token: Option<Token>,
}

/// One server that a user knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    /// Its address.
    pub(crate) server: String,
    /// The file that holds the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token_file: Option<PathBuf>,
    /// A command that prints it, such as that of a keyring.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) token_command: Vec<String>,
}

/// All servers that a user knows, by name.
pub(crate) type Contexts = BTreeMap<String, Known>;

impl Server {
    /// The one that is meant in `folder`: by option or [`VARIABLE`], else by what the folder notes. None: the
    /// engine of this machine.
    ///
    /// # Errors
    /// `wrong-server` (exit 2) for what is neither an address nor a context.
    pub(crate) fn meant(said: Option<&str>, folder: &Path) -> Result<Option<Self>, CliError> {
        let noted = match said {
            None => noted(folder),
            Some(_) => None,
        };
        match (said, noted) {
            (None, None) | (Some(HERE), _) => Ok(None),
            (Some(address), _) if address.contains("://") => Self::at(address).map(Some),
            (Some(name), _) => Self::of_context(name).map(Some),
            // A folder may come from anybody. It names a server that its user knows, and never one of its own:
            // that would be sent whatever token is at hand.
            (None, Some(name)) => Self::of_context(&name).map(Some),
        }
    }

    fn of_context(name: &str) -> Result<Self, CliError> {
        let contexts = contexts()?;
        let Some(known) = contexts.get(name) else {
            let names: Vec<&str> = contexts.keys().map(String::as_str).collect();
            let error = CliError::new(
                ExitCode::Usage,
                "wrong-server",
                format!("no server is called {name}"),
            )
            .because("it is no address, which begins with https://, and no context of yours")
            .at(format!("--server, or {VARIABLE}"));
            let error = match nearest(name, &names) {
                Some(near) => error.next(format!("--server {near}"), "the nearest name"),
                None => error,
            };
            return Err(error.next("towpath login https://HOST", "makes a context"));
        };
        let token = Token::of_context(name, known)?;
        Ok(Self { token, ..Self::at(&known.server)? })
    }

    /// The server at an address such as `https://HOST` or `https://HOST/projects/NAME`.
    ///
    /// # Errors
    /// `wrong-server` (exit 2) for another form, and for one that would carry a token in the open.
    pub(crate) fn at(address: &str) -> Result<Self, CliError> {
        let wrong = |cause: &str| {
            let message = format!("{} is no address of a server", address.escape_debug());
            CliError::new(ExitCode::Usage, "wrong-server", message)
                .because(cause)
                .at(format!("--server, or {VARIABLE}"))
                .next("--server https://HOST/projects/NAME", "one project of a server")
        };
        let url = reqwest::Url::parse(address).map_err(|error| wrong(&error.to_string()))?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return Err(wrong("it has a user, a password or a query; a token says who you are"));
        }
        let Some(host) = url.host_str() else { return Err(wrong("it has no host")) };
        if url.scheme() != "https" && !(url.scheme() == "http" && is_this_machine(host)) {
            return Err(wrong(
                "a token would travel in the open: only https, or http on this machine",
            ));
        }
        let path = url.path().trim_end_matches('/');
        let project = match path.strip_prefix("/projects/") {
            Some(name) if !name.is_empty() && !name.contains('/') => Some(name.to_owned()),
            None if path.is_empty() => None,
            _ => return Err(wrong("after the host comes nothing, or /projects/NAME")),
        };
        Ok(Self { origin: url.origin().ascii_serialization(), project, token: None })
    }

    /// The address of what stands at `path` in the API of a project, such as `/v1/status`.
    pub(crate) fn url(&self, path: &str) -> String {
        match (&self.project, path.strip_prefix("/v1")) {
            (Some(project), Some(rest)) => format!("{}/v1/projects/{project}{rest}", self.origin),
            _ => format!("{}{path}", self.origin),
        }
    }

    /// The address of what belongs to no project, such as `/readyz`.
    pub(crate) fn origin_of(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// The address as people type it.
    pub(crate) fn shown(&self) -> String {
        match &self.project {
            Some(project) => format!("{}/projects/{project}", self.origin),
            None => self.origin.clone(),
        }
    }

    /// The name that its context gets where nobody says one: the project, or the host.
    pub(crate) fn usual_name(&self) -> String {
        let host = self.origin.split_once("://").map_or(self.origin.as_str(), |(_, host)| host);
        self.project.clone().unwrap_or_else(|| host.to_owned())
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// What the project of `folder` notes: the nearest folder with a matrix, as commands find it.
fn noted(folder: &Path) -> Option<String> {
    let project = folder.ancestors().find(|folder| folder.join(MATRIX_FILE).exists())?;
    let text = std::fs::read_to_string(project.join(STATE_FOLDER).join(NOTE)).ok()?;
    Some(text.trim().to_owned()).filter(|name| !name.is_empty())
}

/// Notes in the folder of a project's journal which context is meant there. Safe to repeat.
pub(crate) fn note(state: &Path, name: &str) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(state)?;
    std::fs::write(state.join(NOTE), format!("{name}\n"))
}

/// Takes the note away, if it names this context. Safe to repeat.
pub(crate) fn forget(state: &Path, name: &str) -> std::io::Result<()> {
    let place = state.join(NOTE);
    match std::fs::read_to_string(&place) {
        Ok(text) if text.trim() == name => std::fs::remove_file(place),
        _ => Ok(()),
    }
}

/// The folder of a user's settings (XDG Base Directory Specification 0.8).
pub(crate) fn settings_folder() -> Option<PathBuf> {
    let absolute =
        |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")))
}

fn contexts_file() -> Result<PathBuf, CliError> {
    settings_folder().map(|folder| folder.join(CONTEXTS)).ok_or_else(|| {
        CliError::new(ExitCode::Failed, "no-settings", "there is no place for contexts")
            .because("neither XDG_CONFIG_HOME nor HOME names a folder")
            .next("towpath --server https://HOST --token-file FILE", "goes without")
    })
}

/// All contexts of the user.
///
/// # Errors
/// `wrong-contexts` (exit 2) when the file cannot be read or understood.
pub(crate) fn contexts() -> Result<Contexts, CliError> {
    let place = contexts_file()?;
    let wrong = |cause: String| {
        CliError::new(ExitCode::Usage, "wrong-contexts", "your contexts cannot be read")
            .because(cause)
            .at(place.display().to_string())
            .next("towpath login https://HOST", "after the file is mended, or gone")
    };
    match std::fs::read_to_string(&place) {
        Ok(text) => toml::from_str(&text).map_err(|error| wrong(error.to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Contexts::new()),
        Err(error) => Err(wrong(error.to_string())),
    }
}

/// Keeps all contexts, in a file for the user alone. Safe to repeat.
///
/// # Errors
/// When it cannot be written; what was there before stays.
pub(crate) fn keep_contexts(contexts: &Contexts) -> Result<(), CliError> {
    let place = contexts_file()?;
    let mut text = String::new();
    for (name, known) in contexts {
        text += &written(name, known);
    }
    write_private(&place, &text)
}

/// Writes a file that only its owner can read, whole or not at all. Safe to repeat.
///
/// # Errors
/// `not-kept` when the disk does not take it.
pub(crate) fn write_private(place: &Path, text: &str) -> Result<(), CliError> {
    let folder = place.parent().unwrap_or(Path::new("."));
    let keep = || -> std::io::Result<()> {
        use std::os::unix::fs::DirBuilderExt as _;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        // Its mode is 0600 from the beginning.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(place).map_err(|error| error.error)?;
        Ok(())
    };
    keep().map_err(|error| {
        CliError::new(ExitCode::Failed, "not-kept", "it was not kept")
            .because(error.to_string())
            .at(place.display().to_string())
            .next("towpath doctor", "whether this machine is in order")
    })
}

/// One context in TOML, whose strings in JSON's form are understood as well (TOML 1.0, basic strings).
fn written(name: &str, known: &Known) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut text = format!("[{}]\nserver = {}\n", quoted(name), quoted(&known.server));
    if let Some(file) = &known.token_file {
        let _ = writeln!(text, "token_file = {}", quoted(&file.to_string_lossy()));
    }
    if !known.token_command.is_empty() {
        let words: Vec<String> = known.token_command.iter().map(|word| quoted(word)).collect();
        let _ = writeln!(text, "token_command = [{}]", words.join(", "));
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_server_and_a_project_or_its_only_one() {
        let server = Server::at("https://Towpath.example.com/projects/shop/").unwrap();
        let status = "https://towpath.example.com/v1/projects/shop/status";
        assert_eq!(server.url("/v1/status"), status);
        assert_eq!(server.usual_name(), "shop");
        let server = Server::at("http://127.0.0.1:7411").unwrap();
        assert_eq!(server.url("/v1/status"), "http://127.0.0.1:7411/v1/status");
        assert_eq!(server.usual_name(), "127.0.0.1:7411");
        assert_eq!(server.shown(), "http://127.0.0.1:7411");
        assert!(
            Server::at("http://[::1]:7411").is_ok() && Server::at("http://localhost:1").is_ok()
        );
    }

    #[test]
    fn an_address_that_would_lose_a_token_or_means_something_else_is_refused() {
        for address in [
            "http://towpath.example.com",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "ftp://127.0.0.1",
            "https://ada:secret@host",
            "https://host/?a=b",
            "https://host/v1",
            "https://host/projects/",
            "https://host/projects/a/b",
            "https://",
        ] {
            assert!(Server::at(address).is_err(), "{address}");
        }
    }

    #[test]
    fn a_folder_names_a_context_of_its_user_and_never_an_address() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(MATRIX_FILE), "version: 1\n").unwrap();
        note(&folder.path().join(STATE_FOLDER), "https://evil.example").unwrap();
        let below = folder.path().join("src");
        std::fs::create_dir(&below).unwrap();
        let refused = Server::meant(None, &below).unwrap_err();
        assert_eq!(refused.trouble().code, "wrong-server");
        assert_eq!(Server::meant(Some(HERE), &below).unwrap(), None);
        std::fs::remove_file(folder.path().join(MATRIX_FILE)).unwrap();
        assert_eq!(Server::meant(None, &below).unwrap(), None, "no project is there");
    }

    #[test]
    fn contexts_are_read_as_they_were_written() {
        let known = |command: &[&str]| Known {
            server: "https://host/projects/a".to_owned(),
            token_file: command.is_empty().then(|| PathBuf::from("/a \"b\"/c\\d")),
            token_command: command.iter().map(|word| (*word).to_owned()).collect(),
        };
        let all: Contexts = [
            ("shop".to_owned(), known(&[])),
            ("a.b \"c\"".to_owned(), known(&["secret-tool", "lookup", "é \u{7}"])),
        ]
        .into();
        let text: String = all.iter().map(|(name, known)| written(name, known)).collect();
        assert_eq!(toml::from_str::<Contexts>(&text).unwrap(), all);
    }
}
