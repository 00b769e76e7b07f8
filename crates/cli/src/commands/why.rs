//! `why`: what blocks an environment, who can unblock it, and how. Changes nothing.

use towpath_core::ids::{LaneId, Name};
use towpath_core::promotion::input::PromotionOrder;
use towpath_engine::views::{LaneView, PlanView};

use crate::commands::Context;
use crate::commands::session::{Session, lane_path};
use crate::exit_code::{CliError, ExitCode};
use crate::{person, report};

/// Runs `why`.
pub(crate) async fn run(environment: &Name, context: &Context) -> Result<ExitCode, CliError> {
    let session = Session::reading(context).await?;
    let (lane, _) = session.lane(environment, |name| format!("towpath why {name}"))?;
    let view: LaneView = session.client.get(&lane_path(&lane, "")).await?;
    let newest = match view.promotion {
        Some(_) => None,
        None => newest(&session, &lane).await,
    };
    let at = &session.status.at;
    context.either(&view, report::why::text(&view, newest.as_ref(), at, &context.out));
    Ok(ExitCode::Done)
}

/// What could enter the lane now, without a release being named; none when nothing can.
async fn newest(session: &Session, lane: &LaneId) -> Option<PlanView> {
    let order = PromotionOrder {
        by: person::current(),
        release: None,
        from: None,
        plan: None,
        accept_unenforced: Vec::new(),
        reason: None,
        offered_by: None,
    };
    session.client.ask(&lane_path(lane, "/plan"), &order).await.ok()
}
