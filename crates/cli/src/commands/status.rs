//! `status`: what serves where. Works without an engine, and then says that nothing advances.

use towpath_engine::views::{EngineView, FORMAT, Status};

use crate::commands::Context;
use crate::commands::session::Session;
use crate::exit_code::{CliError, ExitCode};
use crate::report;
use crate::report::style::rfc3339;

/// Runs `status`.
pub(crate) async fn run(context: &Context) -> Result<ExitCode, CliError> {
    let status = match Session::looking(context).await {
        Ok(session) => session.status,
        Err(error) if error.trouble().code == "no-engine" => without_engine(context)?,
        Err(error) => return Err(error),
    };
    context.either(&status, report::status::text(&status, &context.out));
    Ok(ExitCode::Done)
}

fn without_engine(context: &Context) -> Result<Status, CliError> {
    let root = context.project()?.root;
    let name = root.file_name().map(|name| name.to_string_lossy().into_owned());
    Ok(Status {
        format: FORMAT,
        project: name.unwrap_or_default(),
        rehearsal: context.global.rehearsal,
        at: rfc3339(context.out.now),
        engine: EngineView { running: false, since: None, short_of_space: None },
        lanes: Vec::new(),
    })
}
