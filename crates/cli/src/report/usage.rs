//! What was typed wrong, in our own voice, with the nearest right name. Owns no list of commands;
//! those are in the grammar.

use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::args::{Arguments, Global};
use crate::exit_code::{CliError, ExitCode};
use crate::report::help;

/// Words of the design that this version does not carry out yet; typed, they are not "unknown".
const PLANNED: [&str; 6] = ["adopt", "drift", "provision", "render", "store", "verify"];
/// How alike two names must be to be offered instead, from 0 to 1 (Jaro-Winkler; what clap uses).
const ALIKE: f64 = 0.7;

/// What the parser's word means.
pub(crate) enum Read {
    /// Help or version: an answer.
    Answer(String),
    /// Anything else.
    Wrong(CliError),
}

/// From the parser's error to what is said.
pub(crate) fn read(error: &clap::Error, typed: &[String]) -> Read {
    match error.kind() {
        ErrorKind::DisplayVersion => Read::Answer(error.to_string()),
        ErrorKind::DisplayHelp => {
            Read::Answer(help::of(&path(typed)).unwrap_or_else(help::overview))
        }
        _ => Read::Wrong(wrong(error, typed)),
    }
}

/// The answer of `towpath help …`.
///
/// # Errors
/// `unknown-command` (exit 2) when there is no such topic.
pub(crate) fn help(topic: &[String]) -> Result<String, CliError> {
    match topic {
        [] => Ok(help::overview()),
        [one] if one == "exit-codes" => Ok(help::exit_codes()),
        [one] if one == "everything" => Ok(help::everything()),
        words => {
            let found = path(words);
            if found.len() < words.len() {
                return Err(unknown_command(&words[found.len()], &found, &[]));
            }
            Ok(help::of(&found).unwrap_or_else(help::overview))
        }
    }
}

/// Options that decide how a refusal is written, when the rest could not be read.
pub(crate) fn global_of(typed: &[String]) -> Global {
    let has = |option: &str| typed.iter().any(|word| word == option);
    Global {
        json: has("--json"),
        ascii: has("--ascii"),
        no_color: has("--no-color"),
        no_input: has("--no-input"),
        ..Global::default()
    }
}

/// The words of `typed` that name a command and its subcommand, as far as they are right.
fn path(typed: &[String]) -> Vec<String> {
    let mut command = Arguments::command();
    let mut path = Vec::new();
    for word in typed {
        if word.starts_with('-') {
            continue;
        }
        let Some(found) = command.find_subcommand(word).cloned() else { break };
        path.push(word.clone());
        command = found;
    }
    path
}

fn wrong(error: &clap::Error, typed: &[String]) -> CliError {
    let path = path(typed);
    let said = |kind| context(error, kind);
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let word = said(ContextKind::InvalidSubcommand).unwrap_or_default();
            unknown_command(&word, &path, typed)
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            missing_subcommand(&path)
        }
        ErrorKind::UnknownArgument => {
            unknown_argument(&said(ContextKind::InvalidArg).unwrap_or_default(), &path, typed)
        }
        ErrorKind::MissingRequiredArgument => {
            let missing = said(ContextKind::InvalidArg).unwrap_or_default();
            // With one name it is where to; where from may be left out.
            let missing = if missing == "FROM" { "TO" } else { &missing };
            usage("argument-missing", format!("`{}` needs {missing}", name(&path)), &path)
        }
        ErrorKind::ValueValidation | ErrorKind::InvalidValue => invalid_value(error, &path),
        ErrorKind::ArgumentConflict => {
            let one = said(ContextKind::InvalidArg).unwrap_or_default();
            let other = said(ContextKind::PriorArg).unwrap_or_default();
            usage("arguments-conflict", format!("{one} and {other} exclude each other"), &path)
        }
        _ => {
            let first = error.to_string();
            let first = first.lines().next().unwrap_or_default().trim_start_matches("error: ");
            usage("usage", first.to_owned(), &path)
        }
    }
}

fn context(error: &clap::Error, kind: ContextKind) -> Option<String> {
    let text = match error.get(kind)? {
        ContextValue::String(text) => text.clone(),
        ContextValue::Strings(texts) => texts.join(", "),
        other => other.to_string(),
    };
    // What a person typed keeps its brackets; names of arguments lose the parser's.
    let typed = matches!(kind, ContextKind::InvalidValue | ContextKind::InvalidSubcommand);
    Some(if typed { text } else { text.replace(['<', '>'], "") })
}

fn unknown_command(word: &str, path: &[String], typed: &[String]) -> CliError {
    let word = word.escape_debug().to_string();
    let parent = name(path);
    if path.is_empty() && PLANNED.contains(&word.as_str()) {
        return CliError::new(
            ExitCode::Usage,
            "planned-command",
            format!("`{word}` is planned, not built"),
        )
        .because("this version does not carry it out yet")
        .next("towpath --help", "what there is");
    }
    let message = if path.is_empty() {
        format!("there is no command `{word}`")
    } else {
        format!("`{parent}` has no command `{word}`")
    };
    let error = CliError::new(ExitCode::Usage, "unknown-command", message);
    let known = subcommands(path);
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let corrected = nearest(&word, &known).map(|near| {
        let line = corrected(typed, &word, near);
        (line.unwrap_or_else(|| format!("{parent} {near}")), "the nearest name")
    });
    let meant = if path.is_empty() { foreign(&word, typed) } else { None };
    let meant = meant.or(corrected);
    let error = match meant {
        Some((command, what)) => error.next(command, what),
        None => error,
    };
    error.next(format!("{parent} --help"), "")
}

/// What people type who come from other tools, as it is typed here.
fn foreign(word: &str, typed: &[String]) -> Option<(String, &'static str)> {
    let place = typed.iter().find(|it| !it.starts_with('-') && *it != word);
    let place = place.filter(|it| towpath_core::ids::Name::new(it).is_ok());
    let place = place.map_or("ENV", String::as_str);
    match word {
        "deploy" | "ship" => {
            let command = format!("towpath promote {place} --release VERSION");
            Some((command, "carry a release into it; `towpath release list` shows versions"))
        }
        "undo" | "revert" => {
            Some((format!("towpath rollback {place}"), "put its last good release back"))
        }
        _ => None,
    }
}

/// The line as it was typed, with one word replaced.
fn corrected(typed: &[String], wrong: &str, right: &str) -> Option<String> {
    let mut found = false;
    let words = typed.iter().map(|word| {
        let (head, tail) =
            word.split_once('=').map_or((word.as_str(), None), |(a, b)| (a, Some(b)));
        if head != wrong || found {
            return quoted(word);
        }
        found = true;
        tail.map_or_else(|| right.to_owned(), |tail| format!("{right}={}", quoted(tail)))
    });
    let line = words.collect::<Vec<_>>().join(" ");
    found.then(|| format!("towpath {line}"))
}

fn missing_subcommand(path: &[String]) -> CliError {
    let parent = name(path);
    let mut error = CliError::new(
        ExitCode::Usage,
        "command-missing",
        format!("`{parent}` needs one more word"),
    );
    for one in subcommands(path) {
        error = error.next(format!("{parent} {one}"), help::about(&[path, &[one]].concat()));
    }
    error
}

fn unknown_argument(word: &str, path: &[String], typed: &[String]) -> CliError {
    let word = word.escape_debug().to_string();
    let command = name(path);
    if !word.starts_with('-') {
        let message = format!("`{command}` takes no further word, and got `{word}`");
        return usage("argument-unknown", message, path);
    }
    let error = CliError::new(
        ExitCode::Usage,
        "option-unknown",
        format!("`{command}` has no option `{word}`"),
    );
    let options = help::options(path);
    let known: Vec<&str> = options.iter().map(String::as_str).collect();
    let error = match nearest(&word, &known) {
        Some(near) => {
            let error = error.because(format!("the nearest option is `{near}`"));
            let line = corrected(typed, &word, near);
            line.into_iter().fold(error, |error, line| error.next(line, "with that option"))
        }
        None => error.because("a name never begins with a dash"),
    };
    error.next(format!("{command} --help"), "its options, with examples")
}

fn invalid_value(error: &clap::Error, path: &[String]) -> CliError {
    use std::error::Error as _;
    let argument = context(error, ContextKind::InvalidArg).unwrap_or_default();
    let value = context(error, ContextKind::InvalidValue).unwrap_or_default();
    let argument = argument.trim_end_matches("...").to_owned();
    let Some(source) = error.source() else {
        let message = if value.is_empty() {
            format!("{argument} needs a value")
        } else {
            format!("`{}` is no value of {argument}", value.escape_debug())
        };
        let wrong = usage("value-invalid", message, path);
        return match context(error, ContextKind::ValidValue) {
            Some(valid) => wrong.because(format!("there are {valid}")),
            None => wrong,
        };
    };
    let source = source.to_string();
    let (message, cause) = split(&source);
    let wrong = usage("value-invalid", format!("{argument}: {message}"), path);
    match cause {
        Some(cause) => wrong.because(cause),
        None => wrong,
    }
}

/// What is wrong, and what would be right: values.rs writes `... is not a name: 1 to 63 of ...` or
/// `... is not a signal; there are ...`.
fn split(source: &str) -> (&str, Option<&str>) {
    let after = source.rfind('`').filter(|_| source.starts_with('`')).map_or(0, |end| end + 1);
    let at = source[after..].find([':', ';']).map(|at| at + after);
    match at {
        Some(at) => (&source[..at], Some(source[at + 1..].trim_start())),
        None => (source, None),
    }
}

fn usage(code: &str, message: String, path: &[String]) -> CliError {
    CliError::new(ExitCode::Usage, code, message)
        .next(format!("{} --help", name(path)), "how it is typed, with examples")
}

fn name(path: &[String]) -> String {
    std::iter::once("towpath").chain(path.iter().map(String::as_str)).collect::<Vec<_>>().join(" ")
}

fn subcommands(path: &[String]) -> Vec<String> {
    let mut command = Arguments::command();
    for word in path {
        let Some(found) = command.find_subcommand(word).cloned() else { break };
        command = found;
    }
    let shown = command.get_subcommands().filter(|it| !it.is_hide_set());
    shown.map(|it| it.get_name().to_owned()).collect()
}

/// The known name that `word` was meant to be, if one is like it: the beginning of a name counts
/// before likeness, because people abbreviate (`prod`).
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    // A beginning of two letters or fewer fits too much.
    let begins = |name: &&&str| word.len() > 2 && name.starts_with(word);
    if let Some(found) = known.iter().find(begins) {
        return Some(found);
    }
    let alike = known.iter().map(|name| (strsim::jaro_winkler(word, name), *name));
    let best = alike.max_by(|one, other| one.0.total_cmp(&other.0))?;
    (best.0 >= ALIKE).then_some(best.1)
}

/// A word as a POSIX shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let plain =
        |character: char| character.is_ascii_alphanumeric() || "._-/:=@+,".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    let dangerous = |character: char| "\"$`\\!".contains(character);
    if word.chars().any(dangerous) {
        return format!("'{}'", word.replace('\'', r"'\''"));
    }
    format!("\"{word}\"")
}
