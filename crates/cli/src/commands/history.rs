//! `history`: promotions, the newest first. Changes nothing.

use towpath_core::ids::Name;
use towpath_engine::views::{FORMAT, PromotionView};

use crate::args::HistoryArguments;
use crate::commands::Context;
use crate::commands::session::{Session, lane_path};
use crate::exit_code::{CliError, ExitCode};
use crate::report;

/// Promotions that are asked for at once; the engine answers a list of this size in milliseconds.
const PAGE: u32 = 500;

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
    let path = match &arguments.environment {
        Some(environment) => {
            let retry = |name: &str| format!("towpath history {name}");
            let (lane, _) = session.lane(environment, retry)?;
            lane_path(&lane, "/promotions")
        }
        None => "/v1/promotions".to_owned(),
    };
    // One more than is shown tells whether there are older ones.
    let wanted = if arguments.all { u32::MAX } else { arguments.limit.saturating_add(1) };
    let mut found = read(&session, &path, wanted).await?;
    let shown = usize::try_from(wanted.saturating_sub(1)).unwrap_or(usize::MAX);
    let more = found.len() > shown;
    found.truncate(shown);
    if context.global.json {
        context.object(&serde_json::json!({ "format": FORMAT, "promotions": found, "more": more }));
        return Ok(ExitCode::Done);
    }
    let environment = arguments.environment.as_ref().map(Name::as_str);
    let (text, _) = report::history::text(&found, environment, more, &context.out);
    context.answer(&text);
    Ok(ExitCode::Done)
}

async fn read(session: &Session, path: &str, wanted: u32) -> Result<Vec<PromotionView>, CliError> {
    let mut found: Vec<PromotionView> = Vec::new();
    loop {
        let have = u32::try_from(found.len()).unwrap_or(u32::MAX);
        let limit = wanted.saturating_sub(have).min(PAGE);
        let before =
            found.last().map_or_else(String::new, |last| format!("&before={}", last.number));
        let page: Vec<PromotionView> =
            session.client.get(&format!("{path}?limit={limit}{before}")).await?;
        let ended = page.len() < usize::try_from(limit).unwrap_or(usize::MAX);
        found.extend(page);
        if ended || found.len() >= usize::try_from(wanted).unwrap_or(usize::MAX) {
            return Ok(found);
        }
    }
}
