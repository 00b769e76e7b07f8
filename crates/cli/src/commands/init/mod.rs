//! `init`: a first matrix for the current folder. Never changes a file that exists, except that it
//! adds a line to `.gitignore`.

mod guess;

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, Write as _};
use std::path::{Path, PathBuf};

use towpath_config::{StarterInput, starter};
use towpath_core::ids::Name;
use towpath_core::reason::Next;
use towpath_engine::views::FORMAT;

use crate::args::InitArguments;
use crate::commands::Context;
use crate::commands::init::guess::Guess;
use crate::exit_code::{CliError, ExitCode};
use crate::report::block::next;
use crate::report::style::{Symbol, counted, grouped};
use crate::wiring;

const MATRIX: &str = "towpath.yaml";
const STATE: &str = ".towpath/";

/// Runs `init`. Safe to repeat: a second time is refused (exit 6) and changes nothing.
pub(crate) fn run(arguments: &InitArguments, context: &Context) -> Result<ExitCode, CliError> {
    let folder = std::env::current_dir()
        .map_err(|error| anyhow::Error::new(error).context("the current folder cannot be read"))?;
    let file = arguments.output.clone().unwrap_or_else(|| PathBuf::from(MATRIX));
    refuse_existing(&file)?;
    let guess = guess::look(&folder);
    let input = if context.asks { asked(&guess, context)? } else { guess.input };
    let text = starter(&input);
    let shown = file.display().to_string();
    let checked = towpath_config::parse(&shown, text.as_bytes(), &wiring::catalogue());
    write_new(&file, &text)?;
    let ignored = ignore(&folder)?;
    let matrix = Written {
        file: shown,
        environments: input.environments.len(),
        errors: checked.errors.len(),
        warnings: checked.warnings.len(),
        ignored,
    };
    matrix.report(&input, context);
    Ok(ExitCode::Done)
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

fn asked(guess: &Guess, context: &Context) -> Result<StarterInput, CliError> {
    let mut input = guess.input.clone();
    context.aside(&format!("{}\nEnter keeps the value in brackets.\n\n", guess.found));
    loop {
        match Name::new(&ask("project", input.project.as_str())?) {
            Ok(name) => {
                input.service =
                    if input.service == input.project { name.clone() } else { input.service };
                input.project = name;
                break;
            }
            Err(error) => context.aside(&format!("    {error}\n")),
        }
    }
    loop {
        let kept: Vec<&str> = input.environments.iter().map(Name::as_str).collect();
        match guess::environments(&ask("environments", &kept.join(", "))?) {
            Ok(names) => {
                input.environments = names;
                break;
            }
            Err(error) => context.aside(&format!("    {error}\n")),
        }
    }
    let command = ask("start command", &input.command.join(" "))?;
    input.command = command.split_whitespace().map(str::to_owned).collect();
    loop {
        let path = ask("health path", &input.health_path)?;
        if path.starts_with('/') {
            input.health_path = path;
            break;
        }
        context.aside("    a path begins with /, such as /health\n");
    }
    context.aside("\n");
    Ok(input)
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

struct Written {
    file: String,
    environments: usize,
    errors: usize,
    warnings: usize,
    ignored: bool,
}

impl Written {
    fn report(&self, input: &StarterInput, context: &Context) {
        let service = &input.service;
        let first = input.environments.first().map_or("ENVIRONMENT", Name::as_str);
        let create = format!("towpath release create 0.1.0 --artifact {service}=.");
        let steps = [
            Next::new(create, "keep this folder as release 0.1.0"),
            Next::new(format!("towpath promote {first} --release 0.1.0"), "start it"),
            Next::new("towpath status", "see it"),
        ];
        let counts = format!(
            "{}, 1 service; checked: {}, {}",
            counted(self.environments, "environment"),
            counted(self.errors, "error"),
            counted(self.warnings, "warning")
        );
        let keeps = "keeps .towpath/ (the journal and kept artefacts) out of git";
        let view = serde_json::json!({
            "format": FORMAT, "file": self.file, "environments": input.environments,
            "errors": self.errors, "warnings": self.warnings, "gitignore": self.ignored,
        });
        if context.out.width.is_none() {
            let mut text = format!("wrote {}: {counts}\n", self.file);
            if self.ignored {
                let _ = writeln!(text, "wrote .gitignore: {keeps}");
            }
            return context.either(&view, (text, format!("next: {}\n", steps[0].command)));
        }
        let mark = context.out.symbol(Symbol::Passed);
        let mut text = format!("{mark} wrote {}   {counts}\n", self.file);
        if self.ignored {
            let _ = writeln!(text, "{mark} wrote .gitignore     {keeps}");
        }
        context.either(&view, (text, format!("\n{}", next(&steps))));
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
        let text = starter(&guess::look(folder.path()).input);
        let checked = towpath_config::parse(MATRIX, text.as_bytes(), &wiring::catalogue());
        assert_eq!(checked.errors, []);
        assert_eq!(checked.warnings, []);
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
