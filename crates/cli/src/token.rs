//! The token that a command acts by: where it comes from. Shows it nowhere, and knows nothing of what it
//! opens.

use std::io::Read as _;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use http::HeaderValue;

use crate::exit_code::{CliError, ExitCode};
use crate::server::Known;

/// The variable that a token is taken from. Never an argument: those are in every list of processes.
pub(crate) const VARIABLE: &str = "TOWPATH_TOKEN";
/// Most bytes that are read for a token: it has 76.
const LONGEST: u64 = 1024;

/// What stdin held: it can be read once.
static STDIN: OnceLock<Arc<str>> = OnceLock::new();

/// A token as it was given. What it is cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(HeaderValue);

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Token(…)")
    }
}

impl Token {
    /// The one in `file`, `-` for stdin; without a file the one in [`VARIABLE`]; else none. A stdin is
    /// read once for the whole program.
    ///
    /// # Errors
    /// `no-token` (exit 2) when one was named and none is there: nothing is done as somebody else then.
    pub(crate) fn given(file: Option<&Path>) -> Result<Option<Self>, CliError> {
        let Some(file) = file else {
            return match std::env::var_os(VARIABLE) {
                None => Ok(None),
                Some(text) => Self::read(text.to_str().unwrap_or_default(), VARIABLE).map(Some),
            };
        };
        let text = if file == Path::new("-") {
            match STDIN.get() {
                Some(text) => Ok(text.to_string()),
                None => limited(&mut std::io::stdin().lock()).inspect(|text| {
                    // Whoever was faster read the same stream, and this one its end.
                    let _ = STDIN.set(Arc::from(text.as_str()));
                }),
            }
        } else {
            std::fs::File::open(file).and_then(|mut opened| limited(&mut opened))
        };
        let place = format!("--token-file {}", file.display());
        let text = text.map_err(|error| none(&place, &error.to_string()))?;
        Self::read(&text, &place).map(Some)
    }

    /// The one of a context: from its file, or as its command prints it; none where it names neither.
    ///
    /// # Errors
    /// `no-token` (exit 2), with the file or the command and what it said.
    pub(crate) fn of_context(name: &str, known: &Known) -> Result<Option<Self>, CliError> {
        if let Some(file) = &known.token_file {
            let text = std::fs::File::open(file).and_then(|mut opened| limited(&mut opened));
            let place = format!("context {name}: {}", file.display());
            let text = text.map_err(|error| none(&place, &error.to_string()))?;
            return Self::read(&text, &place).map(Some);
        }
        let [program, arguments @ ..] = known.token_command.as_slice() else { return Ok(None) };
        let place = format!("context {name}: {program}");
        let said = std::process::Command::new(program)
            .args(arguments)
            .stdin(std::process::Stdio::inherit())
            .stderr(std::process::Stdio::inherit())
            .output()
            .map_err(|error| none(&place, &error.to_string()))?;
        if !said.status.success() {
            return Err(none(&place, &format!("it ended with {}", said.status)));
        }
        let text = limited(&mut said.stdout.as_slice());
        Self::read(&text.map_err(|error| none(&place, &error.to_string()))?, &place).map(Some)
    }

    /// The token itself, to be kept.
    pub(crate) fn secret(&self) -> &str {
        let text = self.0.to_str().unwrap_or_default();
        text.strip_prefix("Bearer ").unwrap_or_default()
    }

    /// From text that a person typed, or a file held.
    ///
    /// # Errors
    /// `no-token` (exit 2).
    pub(crate) fn read(text: &str, place: &str) -> Result<Self, CliError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(none(place, "nothing is there"));
        }
        let header = HeaderValue::from_str(&format!("Bearer {text}"));
        let mut header = header.map_err(|_| none(place, "what is there can be no token"))?;
        header.set_sensitive(true);
        Ok(Self(header))
    }

    /// The value of `Authorization`.
    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

fn limited(source: &mut impl std::io::Read) -> std::io::Result<String> {
    let mut text = String::new();
    source.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}

fn none(place: &str, cause: &str) -> CliError {
    CliError::new(ExitCode::Usage, "no-token", "nothing was done: there is no token")
        .because(cause)
        .at(place)
        .next("towpath token create NAME --may VERB", "makes one")
        .next(format!("unset {VARIABLE}"), "act as yourself")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_was_named_and_is_not_there_is_no_reason_to_act_as_somebody_else() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        assert!(Token::given(Some(&file)).is_err());
        for text in ["", " \n", "a\nb", "\u{0}"] {
            std::fs::write(&file, text).unwrap();
            assert!(Token::given(Some(&file)).is_err(), "{text:?}");
        }
        std::fs::write(&file, "twp_abc\n").unwrap();
        let token = Token::given(Some(&file)).unwrap().unwrap();
        assert_eq!(token.header(), "Bearer twp_abc");
        assert!(!format!("{token:?} {:?}", token.header()).contains("abc"));
    }
}
