//! `why`: what blocks an environment, who can unblock it, and how. Changes nothing.

use serde::Serialize;
use towpath_core::ids::{LaneId, Name, Version};
use towpath_core::promotion::input::PromotionOrder;
use towpath_engine::views::{LaneView, PlanView, PromotionView, QuietHourView};

use crate::commands::Context;
use crate::commands::session::{Session, lane_path};
use crate::exit_code::{CliError, ExitCode, Trouble};
use crate::{person, report};

/// Runs `why`.
pub(crate) async fn run(environment: &Name, context: &Context) -> Result<ExitCode, CliError> {
    let session = Session::reading(context).await?;
    let (lane, _) = session.lane(environment, |name| format!("towpath why {name}"))?;
    let view: LaneView = session.client.get(&lane_path(&lane, "")).await?;
    let newest = match &view.promotion {
        Some(promotion) => waiting(&session, &lane, promotion).await,
        None => newest(&session, &lane).await,
    };
    let at = &session.status.at;
    let (plan, refused) = match &newest {
        Newest::Plan(plan) => (Some(&**plan), None),
        Newest::Refused(error) => (None, Some(error)),
        Newest::Nothing => (None, None),
    };
    let text = match refused {
        Some(error) => (report::refusal::text(error.trouble(), &context.out), String::new()),
        None => report::why::text(&view, plan, at, &context.out),
    };
    let refused = refused.map(|error| report::refusal::object(error.trouble()));
    let quiet_hour = plan.and_then(|plan| plan.quiet_hour.as_ref());
    context.either(&WhyView { lane: &view, quiet_hour, refused }, text);
    Ok(ExitCode::Done)
}

/// A lane, when it is quiet there for what waits or could enter, and what keeps the newest release out of it although nothing is under way.
#[derive(Serialize)]
struct WhyView<'a> {
    #[serde(flatten)]
    lane: &'a LaneView,
    quiet_hour: Option<&'a QuietHourView>,
    refused: Option<serde_json::Value>,
}

/// What becomes of the newest release that could enter.
enum Newest {
    /// This.
    Plan(Box<PlanView>),
    /// A person has to do something first.
    Refused(CliError),
    /// There is none.
    Nothing,
}

/// The plan of what waits, as it would be now. Whatever refuses it says nothing that its waits do not.
async fn waiting(session: &Session, lane: &LaneId, promotion: &PromotionView) -> Newest {
    if promotion.state != "waiting" {
        return Newest::Nothing;
    }
    let release = Version::new(&promotion.release).ok();
    let order = PromotionOrder { release, ..PromotionOrder::of(person::current()) };
    let plan = session.client.ask(&lane_path(lane, "/plan"), &order).await;
    plan.map_or(Newest::Nothing, |plan| Newest::Plan(Box::new(plan)))
}

/// Refusals that a person can do something about. The others say that there is nothing to promote.
const BLOCKING: [&str; 2] = ["not-enforced", "quarantined"];

/// What could enter the lane now, without a release being named.
async fn newest(session: &Session, lane: &LaneId) -> Newest {
    let order = PromotionOrder::of(person::current());
    match session.client.ask(&lane_path(lane, "/plan"), &order).await {
        Ok(plan) => Newest::Plan(Box::new(plan)),
        Err(error) if is_blocking(error.trouble()) => Newest::Refused(error),
        Err(_) => Newest::Nothing,
    }
}

fn is_blocking(trouble: &Trouble) -> bool {
    let mut all = std::iter::once(trouble).chain(&trouble.also);
    all.any(|one| BLOCKING.contains(&one.code.as_str()))
}
