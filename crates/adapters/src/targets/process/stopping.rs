//! Ends a deployment, whatever state it is in. Owns the order: first nobody may start it again, then
//! it is ended.

use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use rustix::process::Signal;
use tokio::time::Instant;
use towpath_core::ids::{Epoch, LaneId, PromotionNumber};
use towpath_core::units::Span;
use towpath_ports::target::TargetError;

use super::fence::{Fence, Pass};
use super::folder::{DeploymentFolder, Folder, Plan, Stop};
use super::transient;
use super::work::{Caller, Stopped, blocking};
use crate::processes::{self, Identity, LOOK_EVERY, Wanted};

/// How much longer than its program a supervisor may take: one file and half a second of looking.
const SUPERVISOR_MARGIN: Duration = Duration::from_secs(3);

/// How and for whom a deployment is ended.
#[derive(Clone, Debug)]
pub(super) struct Stopping {
    /// What keeps older owners of the journal out.
    pub(super) fence: Fence,
    /// Who ends it.
    pub(super) epoch: Epoch,
    /// How long each program has after SIGTERM.
    pub(super) within: Span,
}

/// An instance that shall not run any more.
struct Withdrawn {
    instance: u32,
    folder: Folder,
    plan: Option<Plan>,
}

impl Stopping {
    /// Ends every instance of the deployment. Safe to repeat.
    pub(super) async fn stop(
        &self,
        state: &Path,
        lane: &LaneId,
        deployment: PromotionNumber,
    ) -> Result<(), TargetError> {
        let folder = DeploymentFolder::of(state, lane, deployment);
        let own = self.clone();
        let withdrawn = blocking(move |caller| own.withdraw(caller, &folder)).await?;
        let ends = withdrawn.iter().map(|one| async move {
            let place = format!("deployment {deployment} of {lane}, instance {}", one.instance);
            self.end(one).await.map_err(|error| TargetError {
                sentence: format!("{place}: {}", error.sentence),
                ..error
            })
        });
        join_all(ends).await.into_iter().collect()
    }

    fn withdraw(
        &self,
        caller: &Caller,
        folder: &DeploymentFolder,
    ) -> Result<Vec<Withdrawn>, Stopped> {
        let _pass = self.fence.enter(self.epoch)?;
        // The lock first: a start that holds it may not have come to its first instance yet.
        let Some(_lock) = folder.lock_if_there()? else { return Ok(Vec::new()) };
        caller.still_waits()?;
        let mut withdrawn = Vec::new();
        for (instance, folder) in folder.instances()? {
            folder.write_stop(Stop { within: self.within })?;
            let plan = folder.withdraw_plan()?;
            withdrawn.push(Withdrawn { instance, folder, plan });
        }
        Ok(withdrawn)
    }

    async fn end(&self, withdrawn: &Withdrawn) -> Result<(), TargetError> {
        let folder = &withdrawn.folder;
        let told = |error: std::io::Error| TargetError::from(Stopped::from(error));
        let deadline = Instant::now() + Duration::from(self.within) + SUPERVISOR_MARGIN;
        let mut asked: Option<Identity> = None;
        let _lock = loop {
            if let Some(lock) = folder.try_supervise().map_err(told)? {
                break lock;
            }
            let supervisor = folder.status().map_err(told)?.supervisor.filter(Identity::is_alive);
            match supervisor {
                Some(supervisor) if Instant::now() >= deadline => {
                    self.signal(folder, supervisor, Signal::KILL).await?;
                }
                None if Instant::now() >= deadline + SUPERVISOR_MARGIN => {
                    let what = "something else holds the lock of its supervisor";
                    return Err(transient(what.to_owned()));
                }
                Some(supervisor) if asked.as_ref() != Some(&supervisor) => {
                    self.signal(folder, supervisor.clone(), Signal::TERM).await?;
                    asked = Some(supervisor);
                }
                Some(_) | None => {}
            }
            tokio::time::sleep(LOOK_EVERY).await;
        };
        // With the lock no supervisor begins, so that what is found now stays what it is.
        self.ensure_withdrawn(folder).await?;
        end_leftovers(folder, withdrawn.plan.as_ref(), self.within).await.map_err(transient)
    }

    /// Signals the supervisor of an instance, unless somebody newer has started the instance again:
    /// then it is that one's.
    async fn signal(
        &self,
        folder: &Folder,
        supervisor: Identity,
        signal: Signal,
    ) -> Result<(), TargetError> {
        let (own, folder) = (self.clone(), folder.clone());
        blocking(move |_| {
            let _pass = own.pass(&folder)?;
            supervisor.signal(signal);
            Ok(())
        })
        .await
    }

    async fn ensure_withdrawn(&self, folder: &Folder) -> Result<(), TargetError> {
        let (own, folder) = (self.clone(), folder.clone());
        blocking(move |_| own.pass(&folder).map(drop)).await
    }

    fn pass(&self, folder: &Folder) -> Result<Pass, Stopped> {
        let pass = self.fence.enter(self.epoch)?;
        if folder.plan()?.is_some() { Err(Stopped::StartedAgain) } else { Ok(pass) }
    }
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
