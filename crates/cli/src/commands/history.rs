//! `history`: promotions, or refused attempts, the newest first. Changes nothing.

use serde::de::DeserializeOwned;
use towpath_core::ids::Name;
use towpath_engine::views::{FORMAT, PromotionView, RefusedView};

use crate::args::HistoryArguments;
use crate::commands::Context;
use crate::commands::session::{Session, lane_path};
use crate::exit_code::{CliError, ExitCode};
use crate::report;

/// Entries that are asked for at once: as many as one page may have.
const PAGE: u32 = 200;

/// Runs `history`.
pub(crate) async fn run(
    arguments: &HistoryArguments,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let session = Session::reading(context).await?;
    if let Some(number) = arguments.summary {
        let view: PromotionView = session.client.get(&format!("/v1/promotions/{number}")).await?;
        context.either(&view, (towpath_engine::views::summary(&view), String::new()));
        return Ok(ExitCode::Done);
    }
    if arguments.refused {
        return refused(arguments, context, &session).await;
    }
    let path = match &arguments.environment {
        Some(environment) => {
            let retry = |name: &str| format!("towpath history {name}");
            let (lane, _) = session.lane(environment, retry)?;
            lane_path(&lane, "/promotions?")
        }
        None => "/v1/promotions?".to_owned(),
    };
    let (found, more): (Vec<PromotionView>, _) = wanted(arguments, &session, &path).await?;
    if context.global.json {
        context.object(&serde_json::json!({ "format": FORMAT, "promotions": found, "more": more }));
        return Ok(ExitCode::Done);
    }
    let environment = arguments.environment.as_ref().map(Name::as_str);
    let (text, _) = report::history::text(&found, environment, more, &context.out);
    context.answer(&text);
    Ok(ExitCode::Done)
}

/// Who was refused what: at an environment, of a service, or everywhere.
async fn refused(
    arguments: &HistoryArguments,
    context: &Context,
    session: &Session,
) -> Result<ExitCode, CliError> {
    let path = match (&arguments.environment, &context.global.service) {
        (Some(environment), _) => {
            let retry = |name: &str| format!("towpath history {name} --refused");
            let (lane, _) = session.lane(environment, retry)?;
            format!("/v1/refused?service={}&environment={}&", lane.service, lane.environment)
        }
        (None, Some(_)) => {
            let service = session.service("towpath history --refused")?;
            format!("/v1/refused?service={service}&")
        }
        (None, None) => "/v1/refused?".to_owned(),
    };
    let (found, more): (Vec<RefusedView>, _) = wanted(arguments, session, &path).await?;
    if context.global.json {
        context.object(&serde_json::json!({ "format": FORMAT, "refused": found, "more": more }));
        return Ok(ExitCode::Done);
    }
    let environment = arguments.environment.as_ref().map(Name::as_str);
    context.answer(&report::refused::text(&found, environment, more, &context.out));
    Ok(ExitCode::Done)
}

/// As many as were asked for, and whether there are older ones. `place` is where a list stands, its
/// question mark included.
async fn wanted<T: DeserializeOwned>(
    arguments: &HistoryArguments,
    session: &Session,
    place: &str,
) -> Result<(Vec<T>, bool), CliError> {
    let limit = if arguments.all { u32::MAX } else { arguments.limit };
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut found: Vec<T> = Vec::new();
    let mut way = Some(format!("{place}limit={}", limit.clamp(1, PAGE)));
    while let Some(path) = way.take_if(|_| found.len() < wanted) {
        let (page, next): (Vec<T>, _) = session.client.page(&path).await?;
        found.extend(page);
        way = next;
    }
    let more = found.len() > wanted || way.is_some();
    found.truncate(wanted);
    Ok((found, more))
}
