//! `why`: what blocks an environment, who can unblock it, and how. Changes nothing.

use serde::Serialize;
use towpath_core::ids::{LaneId, Name};
use towpath_core::promotion::input::PromotionOrder;
use towpath_engine::views::{LaneView, PlanView};

use crate::commands::Context;
use crate::commands::session::{Session, lane_path};
use crate::exit_code::{CliError, ExitCode, Trouble};
use crate::{person, report};

/// Runs `why`.
pub(crate) async fn run(environment: &Name, context: &Context) -> Result<ExitCode, CliError> {
    let session = Session::reading(context).await?;
    let (lane, _) = session.lane(environment, |name| format!("towpath why {name}"))?;
    let view: LaneView = session.client.get(&lane_path(&lane, "")).await?;
    let newest = match view.promotion {
        Some(_) => Newest::Nothing,
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
    context.either(&WhyView { lane: &view, refused }, text);
    Ok(ExitCode::Done)
}

/// A lane, and what keeps the newest release out of it although nothing is under way.
#[derive(Serialize)]
struct WhyView<'a> {
    #[serde(flatten)]
    lane: &'a LaneView,
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
