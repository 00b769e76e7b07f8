//! What a server says about itself on standard error. Shows no secret that it knows.

use std::io::{self, IsTerminal as _};

use towpath_ports::secret::Known;

/// In which form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Form {
    /// For people.
    #[default]
    Text,
    /// One object on each line.
    Json,
}

/// Standard error without secrets. Each message comes whole, so that none stands on two sides of a cut.
struct MaskedErrors(Known);

impl io::Write for MaskedErrors {
    fn write(&mut self, message: &[u8]) -> io::Result<usize> {
        io::stderr().write_all(&self.0.masker().mask_bytes(message))?;
        Ok(message.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Says what `TOWPATH_LOG` lets through (such as `info`, or `towpath_engine=debug`); warnings without it.
/// Something that logs already keeps its way of doing it.
pub(crate) fn to_stderr(known: Known, form: Form) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("TOWPATH_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    let logging = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || MaskedErrors(known.clone()));
    let _ = match form {
        Form::Text => logging.with_ansi(io::stderr().is_terminal()).try_init(),
        Form::Json => logging.json().flatten_event(true).try_init(),
    };
}
