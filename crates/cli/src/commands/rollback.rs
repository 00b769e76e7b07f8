//! `rollback`: the last good release back. Asks nothing and needs no matrix file that is right: the
//! safe act is never delayed.

use serde::{Deserialize, Serialize};
use towpath_core::ids::{LaneId, Name};
use towpath_core::promotion::state::Kind;
use towpath_engine::views::PromotionView;
use towpath_server::requests::{AcceptedView, ReasonRequest, RollbackRequest};

use crate::args::RollbackArguments;
use crate::commands::session::{Session, lane_path};
use crate::commands::{Context, watch};
use crate::exit_code::{CliError, ExitCode};
use crate::report::style::Symbol;
use crate::{person, report};

/// What a rollback would do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RollbackPlanView {
    /// What would serve; none when there is nothing to go back to.
    pub(crate) to: Option<String>,
    /// What serves now.
    pub(crate) from: Option<String>,
    /// Whether it stands by, and so takes over at once.
    pub(crate) standby: bool,
}

/// Runs `rollback`. Not safe to repeat: after it succeeded, a second one goes back further.
pub(crate) async fn run(
    arguments: &RollbackArguments,
    context: &Context,
) -> Result<ExitCode, CliError> {
    match (&arguments.environment, arguments.amend, &arguments.reason) {
        (Some(environment), ..) => roll_back(environment, arguments, context).await,
        (None, Some(number), Some(reason)) => amend(number, reason, context).await,
        (None, ..) => unreachable!("the arguments name an environment, or a rollback and a reason"),
    }
}

/// Gives the reason that a rollback owes. Safe to repeat: the second time is refused (exit 6).
async fn amend(number: u64, reason: &str, context: &Context) -> Result<ExitCode, CliError> {
    let session = Session::looking(context).await?;
    let request = ReasonRequest { by: person::current(), reason: reason.to_owned() };
    let path = format!("/v1/promotions/{number}/reason");
    let accepted: AcceptedView = session.client.post(&path, &request).await?;
    let kept = format!("rollback {number} has its reason; the journal keeps who gave it and when");
    let text = format!("{} {kept}\n", context.out.symbol(Symbol::Passed));
    context.either(&accepted, (text, String::new()));
    Ok(ExitCode::Done)
}

async fn roll_back(
    environment: &Name,
    arguments: &RollbackArguments,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let session = if arguments.dry_run {
        Session::reading(context).await?
    } else {
        Session::looking(context).await?
    };
    let retry = |name: &str| format!("towpath rollback {name}");
    let (lane, _) = session.lane(environment, retry)?;
    if let Some(back_to) = &arguments.back_to {
        let retry = |name: &str| format!("towpath rollback {environment} {name}");
        session.knows(back_to, retry)?;
    }
    let request = RollbackRequest {
        by: person::current(),
        reason: arguments.reason.clone(),
        back_to: arguments.back_to.clone(),
        quarantine: !arguments.no_quarantine,
        dry_run: arguments.dry_run,
    };
    let path = lane_path(&lane, "/rollback");
    if arguments.dry_run {
        let plan: RollbackPlanView = session.client.ask(&path, &request).await?;
        let quarantine = request.quarantine;
        context.either(&plan, report::rollback::text(&lane, &plan, quarantine, &context.out));
        return Ok(if plan.to.is_some() { ExitCode::Done } else { ExitCode::Refused });
    }
    let accepted: AcceptedView = session.client.post(&path, &request).await?;
    let Some(number) = accepted.promotion else {
        let message = format!("{} was not changed", lane.environment);
        return Err(CliError::new(ExitCode::Failed, "nothing-followed", message)
            .because(accepted.notes.join("; "))
            .next(format!("towpath why {}", lane.environment), "what is so now"));
    };
    if let Some(back_to) = &arguments.back_to {
        context.aside(&report::rollback::untouched(back_to));
    }
    let (no_wait, timeout) = (arguments.no_wait, arguments.timeout);
    let ended = watch::started(&session, number.0, no_wait, timeout, context).await?;
    if no_wait || matches!(ended, ExitCode::Interrupted | ExitCode::StoppedWaiting) {
        return Ok(ended);
    }
    match remembered(&session, &lane, number.0).await? {
        Some(number) => watch::started(&session, number, false, timeout, context).await,
        None => Ok(ended),
    }
}

/// The rollback that follows promotion `number`, if that was on its way without visitors: then it is
/// ended first, and what serves goes back after it.
async fn remembered(
    session: &Session,
    lane: &LaneId,
    number: u64,
) -> Result<Option<u64>, CliError> {
    let latest: Vec<PromotionView> =
        session.client.get(&lane_path(lane, "/promotions?limit=10")).await?;
    let is_later = |one: &&PromotionView| one.number > number && one.kind == Kind::Rollback;
    let was_on_its_way = latest.iter().any(|one| one.number == number && one.kind == Kind::Promote);
    Ok(latest.iter().filter(is_later).map(|one| one.number).min().filter(|_| was_on_its_way))
}
