//! `waiting`: what waits for somebody, in all lanes. Changes nothing.

use towpath_engine::views::{
    BlockerView, FORMAT, LaneView, PromotionView, Status, WaitView, WaitingView,
};

use crate::args::WaitingArguments;
use crate::commands::session::Session;
use crate::commands::{Context, matrix};
use crate::exit_code::{CliError, ExitCode};
use crate::report;

/// Runs `waiting`.
pub(crate) async fn run(
    arguments: &WaitingArguments,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let mut session = Session::reading(context).await?;
    let proposed = matrix::apply::proposal(&session).await?;
    let all: WaitingView = session.client.get("/v1/waiting").await?;
    let proposed =
        proposed.filter(|it| !arguments.mine || all.you.as_ref().is_some_and(|you| it.calls(you)));
    if arguments.mine {
        only_mine(&mut session.status, &all);
    }
    if context.global.json {
        let lanes = session.status.lanes.iter();
        let promotions = lanes.clone().filter_map(|lane| lane.promotion.as_ref());
        let waiting: Vec<&PromotionView> =
            promotions.filter(|promotion| !promotion.waits_for.is_empty()).collect();
        let asks = lanes.filter_map(|lane| {
            let asks = lane.asks.as_ref()?;
            Some(serde_json::json!({
                "service": lane.service, "environment": lane.environment, "reason": asks,
                "next": report::waiting::rollback(lane, &context.out).command,
            }))
        });
        let owes: Vec<_> = session.status.lanes.iter().flat_map(|lane| &lane.owes).collect();
        context.object(&serde_json::json!({
            "format": FORMAT, "you": all.you, "waiting": waiting, "asks": asks.collect::<Vec<_>>(), "owes": owes,
            "matrix": proposed,
        }));
        return Ok(ExitCode::Done);
    }
    if let Some(you) = &all.you {
        session.status.lanes.iter_mut().flat_map(blockers).for_each(|one| one.call_you(you));
    }
    let proposed = proposed.map(|it| matrix::apply::text(&it, &context.out));
    let (text, _) = report::waiting::text(&session.status, proposed, &context.out);
    context.answer(&text);
    Ok(ExitCode::Done)
}

/// Everything in a lane that somebody can do something about.
fn blockers(lane: &mut LaneView) -> impl Iterator<Item = &mut BlockerView> {
    let waits = lane.promotion.iter_mut().flat_map(|one| one.waits_for.iter_mut());
    waits.chain(lane.owes.iter_mut())
}

/// Leaves what whoever asks can do something about.
fn only_mine(status: &mut Status, all: &WaitingView) {
    for lane in &mut status.lanes {
        let here = |wait: &&WaitView| {
            wait.mine && wait.service == lane.service && wait.environment == lane.environment
        };
        let mine: Vec<&BlockerView> =
            all.waiting.iter().filter(here).map(|one| &one.blocker).collect();
        let is_mine = |one: &BlockerView| mine.iter().any(|own| own.sentence == one.sentence);
        if let Some(promotion) = &mut lane.promotion {
            promotion.waits_for.retain(is_mine);
        }
        lane.owes.retain(is_mine);
        lane.asks = lane.asks.take().filter(|asks| mine.iter().any(|own| own.sentence == *asks));
    }
}
