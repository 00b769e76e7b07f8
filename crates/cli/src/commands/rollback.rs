//! `rollback`: the last good release back. Asks nothing and needs no matrix file that is right: the
//! safe act is never delayed.

use serde::{Deserialize, Serialize};
use towpath_server::requests::{AcceptedView, RollbackRequest};

use crate::args::RollbackArguments;
use crate::commands::session::{Session, lane_path};
use crate::commands::{Context, watch};
use crate::exit_code::{CliError, ExitCode};
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
    let session = if arguments.dry_run {
        Session::reading(context).await?
    } else {
        Session::looking(context).await?
    };
    let retry = |name: &str| format!("towpath rollback {name}");
    let (lane, _) = session.lane(&arguments.environment, retry)?;
    if let Some(back_to) = &arguments.back_to {
        let retry = |name: &str| format!("towpath rollback {} {name}", arguments.environment);
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
    watch::started(&session, number.0, arguments.no_wait, arguments.timeout, context).await
}
