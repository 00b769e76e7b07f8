//! `waiting`: what waits for somebody, in all lanes. Changes nothing.

use towpath_engine::views::{FORMAT, PromotionView};

use crate::commands::session::Session;
use crate::commands::{Context, matrix};
use crate::exit_code::{CliError, ExitCode};
use crate::report;

/// Runs `waiting`.
pub(crate) async fn run(context: &Context) -> Result<ExitCode, CliError> {
    let session = Session::reading(context).await?;
    let proposed = matrix::apply::proposal(&session).await?;
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
            "format": FORMAT, "waiting": waiting, "asks": asks.collect::<Vec<_>>(), "owes": owes,
            "matrix": proposed,
        }));
        return Ok(ExitCode::Done);
    }
    let proposed = proposed.map(|it| matrix::apply::text(&it, &context.out));
    let (text, _) = report::waiting::text(&session.status, proposed, &context.out);
    context.answer(&text);
    Ok(ExitCode::Done)
}
