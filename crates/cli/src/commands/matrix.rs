//! `matrix check`, `show`, `diff` and `schema`, and the check that comes before every order. The
//! only place that calls `towpath-config`; the sentences about a matrix are all there.

pub(crate) mod apply;
mod beside;
mod diff;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use towpath_config::{Beside, Checked, Symbols, Table};
use towpath_core::matrix::Matrix;
use towpath_core::units::Timestamp;
use towpath_server::requests::SourceRequest;

use crate::args::{CheckArguments, MatrixCommand, ShowArguments, ShowForm};
use crate::commands::Context;
use crate::exit_code::{CliError, ExitCode};
use crate::project::ProjectFolder;
use crate::report::usage::nearest;
use crate::wiring;

/// Runs `matrix …`.
pub(crate) async fn run(command: &MatrixCommand, context: &Context) -> Result<ExitCode, CliError> {
    match command {
        MatrixCommand::Check(arguments) => check(arguments, context),
        MatrixCommand::Show(arguments) => show(arguments, context),
        MatrixCommand::Diff(arguments) => diff::run(arguments, context),
        MatrixCommand::Apply(arguments) => apply::apply(arguments, context).await,
        MatrixCommand::Approve(arguments) => apply::word(arguments, true, context).await,
        MatrixCommand::Reject(arguments) => apply::word(arguments, false, context).await,
        MatrixCommand::Schema => {
            context.object(&towpath_config::schema(&wiring::catalogue()));
            Ok(ExitCode::Done)
        }
    }
}

/// The project's matrix, resolved.
///
/// # Errors
/// `matrix-wrong` (exit 2) when it has errors. What is wrong with it is printed before that.
pub(crate) fn resolved(project: &ProjectFolder, context: &Context) -> Result<Matrix, CliError> {
    right(project, context).map(|(matrix, _)| matrix)
}

/// The same with the file that it was resolved from, for whoever keeps it.
///
/// # Errors
/// As [`resolved`].
fn with_source(
    project: &ProjectFolder,
    context: &Context,
) -> Result<(Matrix, SourceRequest), CliError> {
    let matrix = resolved(project, context)?;
    let file = &project.matrix_file;
    let folder = file.parent().unwrap_or(Path::new(""));
    let kept = RefCell::new(BTreeMap::new());
    let read = |named: &str| {
        let bytes = beside::read(folder, named)?;
        kept.borrow_mut().insert(named.to_owned(), String::from_utf8_lossy(&bytes).into_owned());
        Ok(bytes)
    };
    let now = Timestamp(jiff::Timestamp::now().as_microsecond());
    let (name, bytes) = (name(file), bytes(file)?);
    towpath_config::parse_beside(&name, &bytes, &wiring::catalogue(), &Beside { read: &read, now });
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok((matrix, SourceRequest { file: name, text, beside: kept.into_inner() }))
}

/// The same with what else was found out about it.
fn right(project: &ProjectFolder, context: &Context) -> Result<(Matrix, Checked), CliError> {
    of_file(&project.matrix_file, "nothing was ordered", context)
}

/// The matrix of a file, with what else was found out about it. `undone` says what did not happen
/// when it has errors.
///
/// # Errors
/// As [`resolved`], and `matrix-unreadable` when there is no file to read.
pub(crate) fn of_file(
    file: &Path,
    undone: &str,
    context: &Context,
) -> Result<(Matrix, Checked), CliError> {
    let mut checked = read(file)?;
    let Some(matrix) = checked.matrix.take() else {
        context.aside(&format!("{}\n", towpath_config::report(&checked, symbols(context))));
        let errors = checked.errors.len();
        let first = checked.errors.first();
        let mut error =
            CliError::new(ExitCode::Usage, "matrix-wrong", undone).because(match errors {
                1 => "the matrix has 1 error".to_owned(),
                many => format!("the matrix has {many} errors"),
            });
        if let Some(first) = first {
            error = error.at(format!("{}:{}:{}", name(file), first.line, first.column));
        }
        return Err(error.next("towpath matrix check", "every error with what to do"));
    };
    Ok((matrix, checked))
}

/// Keeps the schema of this program in the folder of the journal, where the first line of a starter
/// tells editors to look. Safe to repeat; writes nothing when it is there already.
pub(crate) fn keep_schema(state: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let schema = towpath_config::schema(&wiring::catalogue()).to_string();
    let file = state.join("schema.json");
    if std::fs::read(&file).is_ok_and(|there| there == schema.as_bytes()) {
        return Ok(());
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(state)?;
    std::fs::write(file, schema)
}

/// How many errors and warnings the project's matrix has.
///
/// # Errors
/// `matrix-unreadable` when there is no file to read.
pub(crate) fn counts(project: &ProjectFolder) -> Result<(usize, usize), CliError> {
    let checked = read(&project.matrix_file)?;
    Ok((checked.errors.len(), checked.warnings.len()))
}

fn check(arguments: &CheckArguments, context: &Context) -> Result<ExitCode, CliError> {
    if let Some(code) = &arguments.explain {
        return explain(code, context);
    }
    let file = if let Some(file) = &arguments.file {
        file.clone()
    } else {
        let project = context.project()?;
        // A folder that cannot be written is no reason not to check what is in it.
        let _ = keep_schema(&project.state);
        project.matrix_file
    };
    let checked = read(&file)?;
    if context.global.json {
        context.object(&view(&file, &checked));
    } else if arguments.brief {
        context.answer(&towpath_config::brief(&checked, symbols(context)));
    } else {
        context.answer(&towpath_config::report(&checked, symbols(context)));
    }
    let denied = arguments.deny_warnings && !checked.warnings.is_empty();
    let wrong = checked.matrix.is_none() || denied;
    Ok(if wrong { ExitCode::Usage } else { ExitCode::Done })
}

/// What is wrong with a matrix and what is not enforced, as programs read it.
fn view(file: &Path, checked: &Checked) -> serde_json::Value {
    let mut view = towpath_config::report_json(checked);
    view["format"] = serde_json::json!(towpath_engine::views::FORMAT);
    view["file"] = serde_json::json!(name(file));
    view
}

fn explain(code: &str, context: &Context) -> Result<ExitCode, CliError> {
    let Some(text) = towpath_config::explain(code) else {
        let all: Vec<&str> = towpath_config::Code::ALL.iter().map(|code| code.as_str()).collect();
        let message = format!("there is no rule `{}`", code.escape_debug());
        let error = CliError::new(ExitCode::NotFound, "no-rule", message)
            .because(format!("the rules are {}", all.join(", ")));
        let near = nearest(code, &all).unwrap_or(all[0]);
        return Err(error.next(format!("towpath matrix check --explain {near}"), ""));
    };
    if context.global.json {
        context.object(&serde_json::json!({
            "format": towpath_engine::views::FORMAT, "code": code, "explanation": text,
        }));
    } else {
        context.answer(&format!("{}\n", text.trim_end()));
    }
    Ok(ExitCode::Done)
}

fn show(arguments: &ShowArguments, context: &Context) -> Result<ExitCode, CliError> {
    let project = context.project()?;
    if arguments.resolved && !context.global.json {
        let (_, checked) = right(&project, context)?;
        context.answer(&towpath_config::resolved_yaml(&checked));
    } else if arguments.form == Some(ShowForm::File) && !context.global.json {
        context.answer(towpath_config::shown_text(&read(&project.matrix_file)?));
    } else {
        let (matrix, mut checked) = right(&project, context)?;
        // Secrets that stand in the file are for what runs, and not for who reads.
        let shown = checked.shown.take().expect("a right matrix can be shown");
        let tables = wanted_tables(&shown, arguments.table.as_deref())?;
        if context.global.json {
            context.object(&serde_json::json!({
                "format": towpath_engine::views::FORMAT,
                "digest": matrix.digest(),
                "matrix": shown,
                "tables": tables,
            }));
        } else {
            let markdown = arguments.form == Some(ShowForm::Markdown);
            context.answer(&crate::report::tables::text(&tables, markdown));
        }
    }
    Ok(ExitCode::Done)
}

fn wanted_tables(matrix: &Matrix, name: Option<&str>) -> Result<Vec<Table>, CliError> {
    let mut tables = towpath_config::tables(matrix);
    let Some(name) = name else { return Ok(tables) };
    let known: Vec<&str> = towpath_config::table_names().collect();
    if !known.contains(&name) {
        let message = format!("there is no table `{}`", name.escape_debug());
        let error = CliError::new(ExitCode::NotFound, "no-table", message)
            .because(format!("the tables are {}", known.join(", ")));
        let near = nearest(name, &known).unwrap_or(known[0]);
        return Err(error.next(format!("towpath matrix show --table {near}"), ""));
    }
    tables.retain(|table| table.name == name);
    if tables.is_empty() {
        let message = format!("the matrix says nothing for the table `{name}`");
        return Err(CliError::new(ExitCode::NotFound, "empty-table", message)
            .next("towpath matrix show", "every table that it fills"));
    }
    Ok(tables)
}

fn read(file: &Path) -> Result<Checked, CliError> {
    let here = Path::new("");
    let folder = if is_stdin(file) { here } else { file.parent().unwrap_or(here) };
    let beside = Beside {
        read: &|named| beside::read(folder, named),
        now: Timestamp(jiff::Timestamp::now().as_microsecond()),
    };
    let (name, bytes) = (name(file), bytes(file)?);
    Ok(towpath_config::parse_beside(&name, &bytes, &wiring::catalogue(), &beside))
}

/// Whether standard input is meant.
fn is_stdin(file: &Path) -> bool {
    file == Path::new("-")
}

/// The file, one byte more than the largest that is read at the most: the parser then says so.
fn bytes(file: &Path) -> Result<Vec<u8>, CliError> {
    let limit = u64::try_from(towpath_config::MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    let read = if is_stdin(file) {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    match read {
        Ok(_) => Ok(bytes),
        Err(error) => {
            let code = match error.kind() {
                std::io::ErrorKind::NotFound => ExitCode::NotFound,
                _ => ExitCode::Usage,
            };
            let message = format!("{} could not be read", name(file));
            Err(CliError::new(code, "matrix-unreadable", message)
                .because(error.to_string())
                .next("towpath init", "writes a first matrix here"))
        }
    }
}

/// The path as a person would type it here.
pub(crate) fn name(file: &Path) -> String {
    if is_stdin(file) {
        return "standard input".to_owned();
    }
    let here = std::env::current_dir().unwrap_or_default();
    file.strip_prefix(&here).unwrap_or(file).display().to_string()
}

fn symbols(context: &Context) -> Symbols {
    if context.out.ascii { Symbols::Ascii } else { Symbols::Unicode }
}
