//! `quarantine list` and `quarantine lift`.

use towpath_core::ids::{LaneId, Name};
use towpath_core::speaking::{Says, Signed};
use towpath_engine::views::{FORMAT, QuarantineView};
use towpath_server::requests::{AcceptedView, LiftRequest};

use crate::args::{LiftArguments, QuarantineCommand, QuarantineListArguments};
use crate::commands::Context;
use crate::commands::confirm::{self, Question};
use crate::commands::session::{Session, lane_path};
use crate::commands::signing::{self, Speaker, Words};
use crate::exit_code::{CliError, ExitCode};
use crate::report::style::Symbol;
use crate::{person, report};

/// Runs `quarantine …`.
pub(crate) async fn run(
    command: &QuarantineCommand,
    context: &Context,
) -> Result<ExitCode, CliError> {
    match command {
        QuarantineCommand::List(arguments) => list(arguments, context).await,
        QuarantineCommand::Lift(arguments) => lift(arguments, context).await,
    }
}

async fn list(
    arguments: &QuarantineListArguments,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let session = Session::reading(context).await?;
    if let Some(environment) = &arguments.environment {
        session.knows(environment, |name| format!("towpath quarantine list {name}"))?;
    }
    let wanted = arguments.environment.as_ref().map(Name::as_str);
    let service = context.global.service.as_ref().map(Name::as_str);
    let lanes = session.status.lanes.iter().filter(|lane| {
        wanted.is_none_or(|wanted| lane.environment == wanted)
            && service.is_none_or(|service| lane.service == service)
    });
    let found: Vec<&QuarantineView> = lanes.flat_map(|lane| &lane.quarantined).collect();
    let view = serde_json::json!({ "format": FORMAT, "quarantined": found });
    context.either(&view, report::quarantine::text(&found, &context.out));
    Ok(ExitCode::Done)
}

/// Not safe to repeat: a second time nothing is quarantined any more (exit 5).
async fn lift(arguments: &LiftArguments, context: &Context) -> Result<ExitCode, CliError> {
    let session = Session::looking(context).await?;
    let release = &arguments.release;
    let command = |name: &str| {
        let reason = report::usage::quoted(&arguments.reason);
        format!("towpath quarantine lift {name} {release} --reason {reason}")
    };
    let (lane, view) = session.lane(&arguments.environment, command)?;
    confirm::ask(
        &Question {
            environment: arguments.environment.as_str(),
            tier: &view.tier,
            yes: arguments.yes,
            command: command(arguments.environment.as_str()),
            otherwise: "nothing was lifted",
        },
        context,
    )?;
    let request = LiftRequest {
        release: release.clone(),
        by: person::current(),
        reason: arguments.reason.clone(),
        signed: signed(&session, &lane, arguments).await?,
    };
    let accepted: AcceptedView =
        session.client.post(&lane_path(&lane, "/quarantine/lift"), &request).await?;
    let mark = context.out.symbol(Symbol::Passed);
    let text = format!("{mark} {release} may enter {} again\n", lane.environment);
    let command = format!("towpath promote {} --release {release}", lane.environment);
    let next = towpath_core::reason::Next::new(command, "carries it in");
    let next = report::block::next(&[context.err.naming(next)]);
    context.either(&accepted, (text, next));
    Ok(ExitCode::Done)
}

/// The word as whoever has a key signs it.
async fn signed(
    session: &Session,
    lane: &LaneId,
    arguments: &LiftArguments,
) -> Result<Option<Signed>, CliError> {
    let speaker = Speaker::of(session, arguments.by.key.as_deref()).await?;
    let Some(speaker) = speaker else { return Ok(None) };
    let release = arguments.release.as_str();
    let words = Words {
        release: Some(signing::digest_of(session, &lane.service, release).await?),
        note: Some(arguments.reason.clone()),
        ..Words::about(lane)
    };
    speaker.sign(Says::LiftQuarantine, words).map(Some)
}
