//! The questions of `init`. Owns their order and what an answer may be; writes no file.

use std::io::{BufRead as _, Write as _};

use towpath_config::{StarterInput, StarterTarget};
use towpath_core::ids::Name;

use super::guess;
use super::sentence;
use super::sources::listed;
use super::wishes::Wishes;
use crate::commands::Context;
use crate::exit_code::{CliError, ExitCode};

/// Asks for what no option has said already; `proposed` are the answers in brackets.
///
/// # Errors
/// `left` (exit 130) when the input ends before everything was asked.
pub(crate) fn questions(
    wishes: &mut Wishes,
    proposed: &StarterInput,
    context: &Context,
) -> Result<(), CliError> {
    context.aside("Enter keeps the value in brackets.\n\n");
    if wishes.project.is_none() {
        let kept = proposed.project.as_str();
        let project = until(context, "project", kept, |typed| {
            Name::new(typed).map_err(|error| error.to_string())
        })?;
        wishes.project = Some(project);
    }
    if wishes.environments.is_none() {
        let kept = listed(proposed.environments.iter().map(|it| it.name.clone()));
        wishes.environments = Some(until(context, "environments", &kept, guess::environments)?);
    }
    let lanes = || proposed.environments.iter().flat_map(|it| &it.lanes);
    let first = lanes().next();
    let alone = proposed.services.len() == 1;
    if let Some(StarterTarget::Process(command)) = first.map(|it| &it.target)
        && wishes.command.is_none()
        && alone
    {
        let kept = command.join(" ");
        let typed = until(context, "start command", &kept, |typed| Ok(typed.to_owned()))?;
        if typed != kept {
            wishes.command = Some(typed.split_whitespace().map(str::to_owned).collect());
        }
    }
    let paths = || lanes().filter_map(|lane| lane.health.as_ref()).flat_map(|it| &it.endpoints);
    if let Some(kept) = paths().next().filter(|_| alone && wishes.health_path.is_none()) {
        let path = until(context, "health path", kept, guess::health_path)?;
        if path != *kept {
            wishes.health_path = Some(path);
        }
    }
    context.aside("\n");
    Ok(())
}

/// Asks which of several files is meant; none when the answer names none of them.
pub(crate) fn which(files: &[String], context: &Context) -> Result<Option<usize>, CliError> {
    if !context.asks {
        return Ok(None);
    }
    for (index, file) in files.iter().enumerate() {
        context.aside(&format!("  {}  {file}\n", index + 1));
    }
    let wanted = format!("a number from 1 to {}", files.len());
    let index = until(context, "which one", "1", |typed| {
        let number: Option<usize> = typed.parse().ok();
        number.filter(|it| (1..=files.len()).contains(it)).ok_or_else(|| wanted.clone())
    })?;
    Ok(Some(index - 1))
}

fn until<T>(
    context: &Context,
    label: &str,
    kept: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<T, CliError> {
    loop {
        match read(&ask(label, kept)?) {
            Ok(value) => return Ok(value),
            Err(error) => context.aside(&sentence(&error, 4, context)),
        }
    }
}

fn ask(label: &str, kept: &str) -> Result<String, CliError> {
    let mut err = std::io::stderr().lock();
    let _ = write!(err, "  {label:<14} [{kept}]  ").and_then(|()| err.flush());
    drop(err);
    let mut typed = String::new();
    let read = std::io::stdin()
        .lock()
        .read_line(&mut typed)
        .map_err(|error| anyhow::Error::new(error).context("the answer could not be read"))?;
    if read == 0 {
        return Err(CliError::new(ExitCode::Interrupted, "left", "nothing was written")
            .because("the input ended before everything was asked")
            .next("towpath init --no-input", "takes what it offers"));
    }
    let typed = typed.trim();
    Ok(if typed.is_empty() { kept.to_owned() } else { typed.to_owned() })
}
