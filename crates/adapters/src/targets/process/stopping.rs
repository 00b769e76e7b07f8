//! Ends a deployment, whatever state it is in. Owns the order: first nobody may start it again, then
//! it is ended.

use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use rustix::process::Signal;
use tokio::time::Instant;
use towpath_core::ids::{LaneId, PromotionNumber};
use towpath_core::units::Span;
use towpath_ports::target::TargetError;

use super::folder::{DeploymentFolder, Folder, Plan, Stop};
use super::transient;
use super::work::{Caller, Stopped, blocking};
use crate::processes::{self, Identity, LOOK_EVERY, Wanted};

/// How much longer than its program a supervisor may take: one file and half a second of looking.
const SUPERVISOR_MARGIN: Duration = Duration::from_secs(3);

/// Ends every instance of the deployment: each program has `within` after SIGTERM. Safe to repeat.
pub(super) async fn stop(
    state: &Path,
    lane: &LaneId,
    deployment: PromotionNumber,
    within: Span,
) -> Result<(), TargetError> {
    let folder = DeploymentFolder::of(state, lane, deployment);
    let withdrawn = blocking(move |caller| withdraw(caller, &folder, within)).await?;
    let ends = withdrawn.into_iter().map(|(instance, folder, plan)| async move {
        end(&folder, plan.as_ref(), within).await.map_err(|what| {
            transient(format!("deployment {deployment} of {lane}, instance {instance}: {what}"))
        })
    });
    join_all(ends).await.into_iter().collect()
}

type Withdrawn = Vec<(u32, Folder, Option<Plan>)>;

fn withdraw(
    caller: &Caller,
    folder: &DeploymentFolder,
    within: Span,
) -> Result<Withdrawn, Stopped> {
    // The lock first: a start that holds it may not have come to its first instance yet.
    let Some(_lock) = folder.lock_if_there()? else { return Ok(Vec::new()) };
    caller.still_waits()?;
    let mut withdrawn = Vec::new();
    for (instance, folder) in folder.instances()? {
        folder.write_stop(Stop { within })?;
        let plan = folder.withdraw_plan()?;
        withdrawn.push((instance, folder, plan));
    }
    Ok(withdrawn)
}

async fn end(folder: &Folder, plan: Option<&Plan>, within: Span) -> Result<(), String> {
    let told = |error: std::io::Error| error.to_string();
    let deadline = Instant::now() + Duration::from(within) + SUPERVISOR_MARGIN;
    let mut asked: Option<Identity> = None;
    let _lock = loop {
        if let Some(lock) = folder.try_supervise().map_err(told)? {
            break lock;
        }
        let supervisor = folder.status().map_err(told)?.supervisor.filter(Identity::is_alive);
        match &supervisor {
            Some(supervisor) if Instant::now() >= deadline => {
                supervisor.signal(Signal::KILL);
            }
            None if Instant::now() >= deadline + SUPERVISOR_MARGIN => {
                return Err("something else holds the lock of its supervisor".to_owned());
            }
            Some(supervisor) if asked.as_ref() != Some(supervisor) => {
                supervisor.signal(Signal::TERM);
                asked = Some(supervisor.clone());
            }
            Some(_) | None => {}
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    end_leftovers(folder, plan, within).await
}

/// What a killed supervisor left. The lock is held, so no new one begins meanwhile.
async fn end_leftovers(folder: &Folder, plan: Option<&Plan>, within: Span) -> Result<(), String> {
    let Some(plan) = plan else { return Ok(()) };
    let mut status = folder.status().map_err(|error| error.to_string())?;
    let mark = plan.mark();
    let wanted = Wanted { mark: &mark, leader: status.app.as_ref() };
    if !processes::end(&wanted, within.into()).await {
        return Err("its processes do not end, not even with SIGKILL".to_owned());
    }
    if status.app.take().is_some() {
        folder.write_status(&status).map_err(|error| error.to_string())?;
    }
    Ok(())
}
