//! `logs`: what the instances of a promotion wrote. Changes nothing.

use towpath_server::requests::LogView;

use crate::args::LogsArguments;
use crate::commands::Context;
use crate::commands::session::Session;
use crate::exit_code::{CliError, ExitCode};
use crate::report::style::printable;

/// Runs `logs`.
pub(crate) async fn run(
    arguments: &LogsArguments,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let session = Session::reading(context).await?;
    let path = format!("/v1/promotions/{}/logs?limit={}", arguments.number, arguments.limit);
    let mut lines: Vec<LogView> = session.client.get(&path).await?;
    if let Some(instance) = arguments.instance {
        lines.retain(|line| line.instance == instance);
    }
    if context.global.json {
        for line in &lines {
            context.object_line(line);
        }
        return Ok(ExitCode::Done);
    }
    if lines.is_empty() {
        context.aside("nothing was written, or it is no longer kept\n");
    }
    for line in &lines {
        let at = line.at.as_deref().map(|at| format!("{}  ", context.out.moment(at)));
        let text = printable(&line.text);
        context.answer(&format!("{}{}  {text}\n", at.unwrap_or_default(), line.instance));
    }
    Ok(ExitCode::Done)
}
