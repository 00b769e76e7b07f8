//! Help: examples first, then what may be typed. One table for all commands; options come from the
//! grammar, so the two cannot disagree.

use std::fmt::Write as _;

use clap::{Arg, CommandFactory as _};

use crate::args::Arguments;
use crate::exit_code::ExitCode;
use crate::report::help_overview::{OVERVIEW, WATCHED};
use crate::report::style::padded;
use crate::report::{help_matrix, help_pages, help_proof, help_trust};

/// What the grammar cannot say about a command.
pub(crate) struct Page {
    /// `promote`, or `matrix check`.
    pub(crate) command: &'static str,
    /// One line.
    pub(crate) about: &'static str,
    /// What is typed, and what it does.
    pub(crate) examples: &'static [(&'static str, &'static str)],
    /// What its exit codes mean, where they are more than done or not.
    pub(crate) exits: &'static [&'static str],
    /// What else helps.
    pub(crate) see: &'static str,
}

/// What `towpath` alone says.
pub(crate) fn overview() -> String {
    let mut text = String::from(OVERVIEW);
    let _ = writeln!(
        text,
        "\n  --json  --service NAME  --no-input  --yes  --reason TEXT  --dry-run  --help  --version\n  \
         towpath COMMAND --help shows examples of a command. Exit codes: towpath help exit-codes"
    );
    text
}

/// What `towpath help exit-codes` says.
pub(crate) fn exit_codes() -> String {
    let mut text = String::from("Exit codes\n\n");
    for code in ExitCode::ALL {
        let _ = writeln!(text, "  {:>3}   {}", code.number(), code.meaning());
    }
    text.push_str(
        "\nAn order that is left with 7 or 130 is still carried out: towpath watch NUMBER looks again,\n\
         towpath abort NUMBER stops it. --no-wait ends 0 as soon as the promotion is accepted.\n",
    );
    text
}

/// What `towpath help everything` says: each page below a line with its command.
pub(crate) fn everything() -> String {
    let mut text = String::new();
    for page in pages() {
        let path: Vec<String> = page.command.split(' ').map(str::to_owned).collect();
        let is_hidden = found(&path).is_some_and(|command| command.is_hide_set());
        if let Some(own) = of(&path).filter(|_| !is_hidden) {
            let _ = writeln!(text, "# towpath {}\n\n{own}", page.command);
        }
    }
    text
}

/// The page of a command; none for what is no command.
pub(crate) fn of(path: &[String]) -> Option<String> {
    let page = page(path)?;
    let command = found(path)?;
    let name = format!("towpath {}", page.command);
    let mut text = format!("{}\n", page.about);
    if !page.examples.is_empty() {
        text.push_str("\nExamples\n");
        for (typed, does) in page.examples {
            let _ = writeln!(text, "  {typed}\n      {does}");
        }
    }
    let positional: Vec<&Arg> = command.get_positionals().collect();
    let options: Vec<&Arg> = options_of(&command).collect();
    let mut words: Vec<String> = positional.iter().map(|argument| usage(argument)).collect();
    if path == ["promote"] || path == ["plan"] {
        words = vec!["[FROM]".to_owned(), "TO".to_owned()];
    }
    let subcommands: Vec<_> = command.get_subcommands().filter(|it| !it.is_hide_set()).collect();
    words.extend((!subcommands.is_empty()).then(|| "COMMAND".to_owned()));
    words.push("[options]".to_owned());
    let _ = writeln!(text, "\nUsage  {name} {}", words.join(" "));
    let rows = positional.iter().map(|argument| row(argument));
    section(&mut text, &rows.collect::<Vec<_>>());
    let rows = subcommands.iter().map(|it| {
        let path: Vec<String> = path.iter().cloned().chain([it.get_name().to_owned()]).collect();
        (it.get_name().to_owned(), about(&path).to_owned())
    });
    section(&mut text, &rows.collect::<Vec<_>>());
    let mut rows: Vec<_> = options.iter().map(|argument| row(argument)).collect();
    rows.extend(shared(page.exits == WATCHED));
    section(&mut text, &rows);
    if !page.exits.is_empty() {
        let _ = writeln!(text, "\nExit codes\n  {}", page.exits.join("\n  "));
    }
    if !page.see.is_empty() {
        let _ = writeln!(text, "\nSee also  {}", page.see);
    }
    Some(text)
}

/// Options of every command that are worth a line on each page.
fn shared(watches: bool) -> Vec<(String, String)> {
    let json = if watches {
        "one object per line; the last has \"event\":\"ended\""
    } else {
        "one JSON object instead of text"
    };
    let rows = [
        ("--service NAME", "which service; needed where the matrix has several"),
        ("--no-input", "never ask; refuse instead (exit 2)"),
        ("--act-as PERSON", "in a rehearsal: as this person of the matrix"),
        (
            "--token-file FILE",
            "by the token in it, `-` for stdin; otherwise by TOWPATH_TOKEN, if set",
        ),
        ("--json", json),
    ];
    rows.iter().map(|(option, does)| ((*option).to_owned(), (*does).to_owned())).collect()
}

fn section(text: &mut String, rows: &[(String, String)]) {
    if rows.is_empty() {
        return;
    }
    text.push('\n');
    let widest = rows.iter().map(|(typed, _)| typed.len()).max().unwrap_or(0);
    for (typed, does) in rows {
        let line = format!("  {}  {does}", padded(typed, widest.max(23)));
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

fn row(argument: &Arg) -> (String, String) {
    let does = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let value = value_name(argument);
    let typed = match argument.get_long() {
        Some(long) if argument.get_action().takes_values() => format!("--{long} {value}"),
        Some(long) => format!("--{long}"),
        None => value,
    };
    (typed, does)
}

fn value_name(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    let names: Vec<&str> = names.iter().map(clap::builder::Str::as_str).collect();
    if names.is_empty() { argument.get_id().as_str().to_uppercase() } else { names.join(" ") }
}

fn usage(argument: &Arg) -> String {
    let name = value_name(argument);
    if argument.is_required_set() { name } else { format!("[{name}]") }
}

/// One line about a command.
pub(crate) fn about(path: &[String]) -> &'static str {
    page(path).map_or("", |page| page.about)
}

/// Long options of a command, with their dashes.
pub(crate) fn options(path: &[String]) -> Vec<String> {
    let mut command = Arguments::command();
    // Global options reach the commands only when the grammar is built.
    command.build();
    let mut found = Some(&command);
    for word in path {
        found = found.and_then(|command| command.find_subcommand(word));
    }
    let arguments = found.into_iter().flat_map(options_of);
    let long = arguments.filter_map(|argument| argument.get_long());
    long.map(|long| format!("--{long}")).collect()
}

fn options_of(command: &clap::Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|argument| !argument.is_positional() && !argument.is_hide_set())
}

fn page(path: &[String]) -> Option<&'static Page> {
    let name = path.join(" ");
    pages().find(|page| page.command == name)
}

fn found(path: &[String]) -> Option<clap::Command> {
    let mut command = Arguments::command();
    for word in path {
        command = command.find_subcommand(word)?.clone();
    }
    Some(command)
}

/// All pages, in the order of the overview.
fn pages() -> impl Iterator<Item = &'static Page> {
    let others = help_matrix::PAGES.iter().chain(help_proof::PAGES).chain(help_trust::PAGES);
    help_pages::PAGES.iter().chain(others)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(command: &clap::Command, path: &[String], paths: &mut Vec<Vec<String>>) {
        for sub in command.get_subcommands() {
            let own = [path, &[sub.get_name().to_owned()]].concat();
            all(sub, &own, paths);
            paths.push(own);
        }
    }

    #[test]
    fn every_command_has_a_page_and_every_page_a_command() {
        let mut paths = Vec::new();
        all(&Arguments::command(), &[], &mut paths);
        for path in &paths {
            assert!(page(path).is_some(), "no help page for {path:?}");
        }
        for page in pages() {
            let path: Vec<String> = page.command.split(' ').map(str::to_owned).collect();
            assert!(paths.contains(&path), "no command for the page of {}", page.command);
        }
    }

    #[test]
    fn every_example_can_be_typed() {
        use clap::Parser as _;
        for page in pages() {
            for (typed, _) in page.examples {
                // Quotes are enough of a shell for the examples.
                let mut words = Vec::new();
                for (index, part) in typed.split('"').enumerate() {
                    if index % 2 == 1 {
                        words.push(part.to_owned());
                    } else {
                        words.extend(part.split_whitespace().map(str::to_owned));
                    }
                }
                if let Err(error) = Arguments::try_parse_from(&words) {
                    panic!("{typed}: {error}");
                }
            }
        }
    }
}
