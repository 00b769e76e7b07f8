//! `init`: a first matrix for the current folder. Never changes a file that exists, except that it
//! adds a line to `.gitignore`.

mod asking;
mod guess;
pub(crate) mod sources;
mod wishes;

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use towpath_config::{StarterInput, starter};
use towpath_core::ids::Name;
use towpath_core::reason::Next;
use towpath_engine::views::FORMAT;

use crate::args::InitArguments;
use crate::commands::Context;
use crate::commands::init::sources::{Findings, Said, complete};
use crate::commands::init::wishes::Wishes;
use crate::exit_code::{CliError, ExitCode};
use crate::report::block::{Block, folded, next};
use crate::report::style::{Symbol, counted, grouped};
use crate::wiring;

pub(crate) use guess::{command as start, environments, health_path};
pub(crate) use sources::Source;

const MATRIX: &str = "towpath.yaml";
const STATE: &str = ".towpath/";

/// Runs `init`. Safe to repeat: a second time is refused (exit 6) and changes nothing.
pub(crate) fn run(arguments: &InitArguments, context: &Context) -> Result<ExitCode, CliError> {
    let folder = std::env::current_dir()
        .map_err(|error| anyhow::Error::new(error).context("the current folder cannot be read"))?;
    let file = arguments.output.clone().unwrap_or_else(|| PathBuf::from(MATRIX));
    refuse_existing(&file)?;
    let (input, said) = composed(arguments, &folder, context)?;
    let text = starter(&input);
    let shown = file.display().to_string();
    let checked = towpath_config::parse(&shown, text.as_bytes(), &wiring::catalogue());
    refuse_wrong(&checked)?;
    write_new(&file, &text)?;
    let ignored = ignore(&folder)?;
    // Only completion in editors needs it, and the next check writes it again.
    let _ = super::matrix::keep_schema(&folder.join(crate::project::STATE_FOLDER));
    let matrix = Written {
        file: shown,
        warnings: checked.warnings.len(),
        planned: checked.not_enforced.iter().filter(|it| it.refuses).count(),
        ignored,
    };
    matrix.report(&input, &said, context);
    Ok(ExitCode::Done)
}

/// What the matrix is made from, and how that is told.
fn composed(
    arguments: &InitArguments,
    folder: &Path,
    context: &Context,
) -> Result<(StarterInput, Said), CliError> {
    let mut guess = guess::look(folder);
    let mut wishes = Wishes {
        project: arguments.project.clone(),
        environments: arguments.environments.clone(),
        command: arguments.start.clone(),
        health_path: arguments.health_path.clone(),
    };
    let found = match arguments.from {
        Some(source) => {
            let mut choose = |files: &[String]| asking::which(files, context);
            let project = wishes.project.as_ref().unwrap_or(&guess.project);
            sources::read(source, arguments.path.as_deref(), project, &mut choose)?
        }
        None => Findings::default(),
    };
    let read = arguments.from.is_some();
    let mut known = Said::default();
    if context.asks {
        let mut proposed = guess.clone();
        let first = wishes.applied(found.clone(), &mut proposed)?;
        let (proposal, said) = complete(first, &proposed);
        let intro = if read { told(&said, context) } else { sentence(&guess.found, 0, context) };
        context.aside(&intro);
        if !read {
            offer(folder, context);
        }
        asking::questions(&mut wishes, &proposal, context)?;
        known = said;
    }
    let found = wishes.applied(found, &mut guess)?;
    let (mut input, said) = complete(found, &guess);
    if !read {
        if !context.asks {
            if guess.command_from.is_none() {
                let start = "Nothing says how a release is started: write it into `target.command`, \
                             which holds a placeholder.";
                context.aside(&sentence(start, 0, context));
            }
            offer(folder, context);
        }
        return Ok((input, Said::default()));
    }
    let note = |label: &str, list: &[String]| {
        list.iter().map(|it| format!("{label}: {it}.")).collect::<Vec<_>>()
    };
    input.notes = note("Read", &said.read);
    input.notes.extend(note("Assumed", &said.assumed));
    input.notes.extend(note("Not carried over", &said.left_out));
    let news = said.beside(&known);
    if !news.read.is_empty() || !news.assumed.is_empty() {
        context.aside(&told(&news, context));
    }
    Ok((input, said))
}

/// Names the sources beside which nothing was read.
fn offer(folder: &Path, context: &Context) {
    for (file, source) in sources::beside(folder) {
        let text = format!("{file} says more: `towpath init --from {source}` reads it.");
        context.aside(&sentence(&text, 0, context));
    }
}

/// What was read and what was assumed, a line each.
fn told(said: &Said, context: &Context) -> String {
    let mut block = Block::default();
    block.lines("read", said.read.clone());
    block.lines("assumed", said.assumed.clone());
    block.written(0, &context.err) + "\n"
}

/// A sentence of its own, folded where the terminal ends.
pub(crate) fn sentence(text: &str, indent: usize, context: &Context) -> String {
    let lines = folded(text, indent, context.err.width);
    lines.iter().fold(String::new(), |text, line| text + &" ".repeat(indent) + line + "\n")
}

/// What stays behind, which is the last that a person reads before what to do next.
fn left(said: &Said, context: &Context) -> String {
    if said.left_out.is_empty() {
        return String::new();
    }
    let mut block = Block::default();
    block.lines("", said.left_out.clone());
    let lines = block.written(0, &context.err);
    format!("\nnot carried over ({}; also at the head of the file)\n{lines}", said.left_out.len())
}

fn refuse_existing(file: &Path) -> Result<(), CliError> {
    let Ok(found) = fs::metadata(file) else { return Ok(()) };
    let name = file.display();
    let message = format!("nothing was written: {name} is already here");
    Err(CliError::new(ExitCode::Conflict, "matrix-exists", message)
        .because("init only starts a new matrix; it never changes one that exists")
        .at(format!("{name} ({} bytes)", grouped(found.len())))
        .next("towpath matrix check", "see whether it is right")
        .next("towpath init --output other.yaml", "write the starter beside it"))
}

/// A file that its own check refuses is of no use to anybody.
fn refuse_wrong(checked: &towpath_config::Checked) -> Result<(), CliError> {
    let Some(first) = checked.errors.first() else { return Ok(()) };
    let message = "nothing was written: the starter would not pass its check";
    Err(CliError::new(ExitCode::Failed, "starter-wrong", message)
        .because(format!("{}: {}", first.path, first.message))
        .next("towpath init", "asks instead of reading"))
}

/// Refuses to replace a file even if it appeared a moment ago.
fn write_new(file: &Path, text: &str) -> Result<(), CliError> {
    let written = fs::File::create_new(file).and_then(|mut open| open.write_all(text.as_bytes()));
    match written {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => refuse_existing(file),
        Err(error) => {
            let message = format!("{} was not written", file.display());
            Err(anyhow::Error::new(error).context(message).into())
        }
    }
}

/// Keeps the journal out of git; answers whether a line was added.
fn ignore(folder: &Path) -> Result<bool, CliError> {
    let file = folder.join(".gitignore");
    let old = fs::read_to_string(&file).unwrap_or_default();
    if old.lines().any(|line| [STATE, ".towpath", "/.towpath/", "/.towpath"].contains(&line.trim()))
    {
        return Ok(false);
    }
    let open = fs::OpenOptions::new().create(true).append(true).open(&file);
    let gap = if old.is_empty() || old.ends_with('\n') { "" } else { "\n" };
    open.and_then(|mut open| open.write_all(format!("{gap}{STATE}\n").as_bytes()))
        .map_err(|error| anyhow::Error::new(error).context(".gitignore was not written"))?;
    Ok(true)
}

struct Written {
    file: String,
    warnings: usize,
    /// Demands that refuse promotions until they are built.
    planned: usize,
    ignored: bool,
}

impl Written {
    fn report(&self, input: &StarterInput, said: &Said, context: &Context) {
        let first = input.environments.first().map_or("ENVIRONMENT", |it| it.name.as_str());
        let steps = self.steps(input, first);
        let counts = format!(
            "{}, {}; checked: {}, {}",
            counted(input.environments.len(), "environment"),
            counted(input.services.len(), "service"),
            counted(0, "error"),
            counted(self.warnings, "warning")
        );
        let keeps = "keeps .towpath/ (journal, kept artefacts) out of git";
        let names: Vec<&Name> = input.environments.iter().map(|it| &it.name).collect();
        let services: Vec<&Name> = input.services.iter().map(|it| &it.name).collect();
        let view = serde_json::json!({
            "format": FORMAT, "file": self.file, "environments": names, "services": services,
            "errors": 0, "warnings": self.warnings, "gitignore": self.ignored,
            "read": said.read, "assumed": said.assumed, "not_carried_over": said.left_out,
        });
        if context.out.width.is_none() {
            let mut text = format!("wrote {}: {counts}\n", self.file);
            if self.ignored {
                let _ = writeln!(text, "wrote .gitignore: {keeps}");
            }
            let left = left(said, context);
            let gap = if left.is_empty() { "" } else { "\n" };
            let after = format!("{left}{gap}next: {}\n", steps[0].command);
            return context.either(&view, (text, after));
        }
        let mark = context.out.symbol(Symbol::Passed);
        let mut text = format!("{mark} wrote {}   {counts}\n", self.file);
        if self.ignored {
            let _ = writeln!(text, "{mark} wrote .gitignore     {keeps}");
        }
        context.either(&view, (text, format!("{}\n{}", left(said, context), next(&steps))));
    }

    /// What a person does next; at least one.
    fn steps(&self, input: &StarterInput, first: &str) -> Vec<Next> {
        let check = "what of it cannot run yet";
        let artifacts: Vec<String> =
            input.services.iter().map(|it| format!(" --artifact {}=.", it.name)).collect();
        match artifacts.as_slice() {
            _ if self.planned > 0 => vec![
                Next::new("towpath matrix check", check),
                Next::new("towpath matrix show --resolved", "with every default filled in"),
            ],
            [artifact] => vec![
                Next::new(format!("towpath release create 0.1.0{artifact}"), "keep this folder"),
                Next::new(format!("towpath promote {first} --release 0.1.0"), "start it"),
                Next::new("towpath status", "see it"),
            ],
            _ => {
                let names = input.services.iter();
                let create = names.map(|it| {
                    let name = &it.name;
                    let command = format!(
                        "towpath release create 0.1.0 --service {name} --artifact {name}=."
                    );
                    Next::new(command, "")
                });
                // As many as fit on a screen beside the rest.
                create.take(3).chain([Next::new("towpath status", "")]).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_writes_is_right_for_what_it_guesses() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(
            folder.path().join("package.json"),
            r#"{ "name": "soundbite", "scripts": { "start": "node dist/main.js" } }"#,
        )
        .expect("a file");
        let (input, _) = complete(Findings::default(), &guess::look(folder.path()));
        let text = starter(&input);
        let checked = towpath_config::parse(MATRIX, text.as_bytes(), &wiring::catalogue());
        assert_eq!(checked.errors, []);
        assert_eq!(checked.warnings, []);
    }

    #[test]
    fn a_starter_that_its_own_check_refuses_is_not_written() {
        let parse =
            |text: &str| towpath_config::parse(MATRIX, text.as_bytes(), &wiring::catalogue());
        let error = refuse_wrong(&parse("version: 1\nproject: p\n")).expect_err("no environments");
        assert_eq!(error.trouble().code, "starter-wrong");
        let right = "version: 1\nproject: p\nenvironments: { dev: { tier: development, \
                     target: { kind: process, command: [./a] } } }\n";
        assert!(refuse_wrong(&parse(right)).is_ok());
    }

    #[test]
    fn a_matrix_that_is_there_is_never_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join(MATRIX);
        fs::write(&file, "mine").expect("a file");
        for refused in [refuse_existing(&file), write_new(&file, "other")] {
            assert_eq!(refused.expect_err("it is there").trouble().exit, ExitCode::Conflict);
        }
        assert_eq!(fs::read_to_string(&file).expect("it is there"), "mine");
    }

    #[test]
    fn the_journal_is_kept_out_of_git_once() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join(".gitignore"), "target").expect("a file");
        assert!(ignore(folder.path()).expect("written"));
        assert!(!ignore(folder.path()).expect("there already"));
        let text = fs::read_to_string(folder.path().join(".gitignore")).expect("a file");
        assert_eq!(text, "target\n.towpath/\n");
    }
}
