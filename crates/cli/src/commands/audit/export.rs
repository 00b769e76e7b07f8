//! `audit export`: the journal as a file that proves itself. Changes nothing; owns which events are
//! withheld.

use std::io::{BufWriter, Write};

use serde_json::Value;
use towpath_audit::export::{Format, Line, head};

use super::Written;
use crate::args::ExportArguments;
use crate::commands::Context;
use crate::exit_code::{CliError, ExitCode};
use crate::new_file;
use crate::report;
use crate::report::audit::Exported;

/// Runs it.
pub(super) async fn run(
    arguments: &ExportArguments,
    context: &Context,
) -> Result<ExitCode, CliError> {
    if arguments.with_secrets {
        context.project()?.ensure_here("secrets are exported")?;
    }
    let written = Written::meant(context).await?;
    let mut out: Box<dyn Write> = match &arguments.output {
        None => Box::new(std::io::stdout().lock()),
        Some(file) => Box::new(BufWriter::new(new_file::create(file).map_err(|error| {
            CliError::new(ExitCode::Failed, "not-written", "nothing was exported")
                .because(error.to_string())
                .at(file.display().to_string())
                .next("towpath audit export --output ANOTHER-FILE", "a file that is not there")
        })?)),
    };
    let exported = write(&written, arguments, &mut *out).await;
    drop(out);
    if let (Err(_), Some(file)) = (&exported, &arguments.output) {
        // Half an export helps nobody, and would be in the way of the next.
        _ = std::fs::remove_file(file);
    }
    let exported = exported?;
    match &arguments.output {
        Some(_) if context.global.json => context.object(&exported),
        _ => context.aside(&report::audit::exported(&exported, &context.err)),
    }
    Ok(ExitCode::Done)
}

async fn write(
    written: &Written,
    arguments: &ExportArguments,
    out: &mut dyn Write,
) -> Result<Exported, CliError> {
    let format = Format::from(arguments.format);
    let file = arguments.output.as_ref().map(|file| file.display().to_string());
    let mut exported = Exported { events: 0, range: None, withheld: Vec::new(), file };
    put(out, &head(format))?;
    let mut reading = written.lines(arguments.from).await?;
    loop {
        let lines = reading.next().await?;
        if lines.is_empty() {
            break;
        }
        for mut line in lines {
            if !arguments.with_secrets && holds_secrets(&line) {
                line.body = None;
                exported.withheld.push(line.seq);
            }
            exported.events += 1;
            exported.range = Some((exported.range.map_or(line.seq, |(first, _)| first), line.seq));
            put(out, &line.written(format))?;
        }
    }
    out.flush().map_err(|error| stopped(&error))?;
    if exported.events == 0 {
        let message = format!("the journal has no event {}", arguments.from);
        return Err(CliError::new(ExitCode::NotFound, "no-event", message)
            .next("towpath audit verify", "how many there are"));
    }
    Ok(exported)
}

/// Whether the content has something that no reader is shown. What is no JSON was changed, and is
/// handed on for whoever looks into that.
pub(super) fn holds_secrets(line: &Line) -> bool {
    let body: Option<Value> = line.body.as_deref().and_then(|it| serde_json::from_str(it).ok());
    // What was withheld holds them.
    let Some(body) = body else { return line.body.is_none() };
    let mut shown = body.clone();
    towpath_config::hide_secrets(&mut shown);
    shown != body
}

fn put(out: &mut dyn Write, text: &str) -> Result<(), CliError> {
    out.write_all(text.as_bytes()).map_err(|error| stopped(&error))
}

fn stopped(error: &std::io::Error) -> CliError {
    CliError::new(ExitCode::Failed, "not-written", "the export is not whole")
        .because(error.to_string())
        .next("towpath audit export --output FILE", "writes it anew")
}
