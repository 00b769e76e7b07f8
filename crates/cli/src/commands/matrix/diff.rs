//! `matrix diff`: two files read, compared and told. Compares nothing itself.

use std::path::Path;

use serde::Serialize;
use towpath_config::{Change, Checked, Diff};

use super::{is_stdin, name, read, symbols, view};
use crate::args::MatrixDiffArguments;
use crate::commands::Context;
use crate::exit_code::{CliError, ExitCode};
use crate::report;
use crate::report::style::counted;

/// What differs, as programs read it.
#[derive(Serialize)]
struct DiffView<'a> {
    format: u32,
    changes: &'a [Change],
    looser: usize,
    unclear: usize,
}

/// Runs `matrix diff`.
pub(super) fn run(
    arguments: &MatrixDiffArguments,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let new = match &arguments.new {
        Some(file) => file.clone(),
        None => context.project()?.matrix_file,
    };
    if is_stdin(&arguments.old) && is_stdin(&new) {
        let error = CliError::new(ExitCode::Usage, "stdin-twice", "nothing was compared");
        return Err(error
            .because("standard input can be one of the two, and not both")
            .next("towpath matrix diff -", "compares it with the towpath.yaml of the project"));
    }
    let checked = [read(&arguments.old)?, read(&new)?];
    let files = [&arguments.old, &new];
    let wrong = files.into_iter().zip(&checked).filter(|(_, it)| it.matrix.is_none());
    let wrong: Vec<(&Path, &Checked)> = wrong.map(|(file, it)| (file.as_path(), it)).collect();
    if !wrong.is_empty() {
        return not_compared(&wrong, context);
    }
    let [old, new] = &checked;
    let Some(diff) = towpath_config::diff(old, new) else {
        let error = CliError::new(ExitCode::Usage, "matrix-too-deep", "nothing was compared");
        return Err(error.because("maps stand too deep inside each other in one of the two"));
    };
    if context.global.json {
        let format = towpath_engine::views::FORMAT;
        let (looser, unclear) = (diff.looser, diff.unclear);
        context.object(&DiffView { format, changes: &diff.changes, looser, unclear });
    } else {
        context.answer(&report::changes::text(&diff, &context.out));
    }
    // What cannot be judged is refused with what is looser: nothing passes because nobody could tell.
    if !arguments.deny_looser || diff.looser + diff.unclear == 0 {
        return Ok(ExitCode::Done);
    }
    context.aside(&format!("refused: {}\n", reason(&diff)));
    Ok(ExitCode::Refused)
}

fn reason(diff: &Diff) -> String {
    let are = if diff.looser == 1 { "is" } else { "are" };
    let looser = format!("{} {are} looser", counted(diff.looser, "change"));
    match (diff.looser, diff.unclear) {
        (_, 0) => looser,
        (0, unclear) => format!("{} to be checked", counted(unclear, "change")),
        (_, unclear) => format!("{looser}, {unclear} to be checked"),
    }
}

/// Says what is wrong with the matrices that cannot be compared.
fn not_compared(wrong: &[(&Path, &Checked)], context: &Context) -> Result<ExitCode, CliError> {
    if context.global.json {
        let wrong: Vec<_> = wrong.iter().map(|(file, checked)| view(file, checked)).collect();
        context.object(&serde_json::json!({
            "format": towpath_engine::views::FORMAT, "wrong": wrong,
        }));
        return Ok(ExitCode::Usage);
    }
    for (_, checked) in wrong {
        context.aside(&format!("{}\n", towpath_config::report(checked, symbols(context))));
    }
    let names: Vec<String> = wrong.iter().map(|(file, _)| name(file)).collect();
    let cause = format!("there are errors in {}", names.join(" and in "));
    Err(CliError::new(ExitCode::Usage, "matrix-wrong", "nothing was compared").because(cause))
}
