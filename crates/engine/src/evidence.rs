//! What the journal and the telemetry know, for checks that rest on them.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use towpath_core::check::{CheckAnswer, CheckResult};
use towpath_core::ids::{LaneId, Name, Person};
use towpath_core::release::{Release, ReleaseRef};
use towpath_core::units::{Span, Timestamp};
use towpath_ports::check::{Attestation, EvidenceReader, SoakRecord};
use towpath_ports::evidence::Keeper;

use crate::executor::INTERVAL;
use crate::shared::Shared;
use crate::telemetry;

/// The answer with what it rests on, which is kept now. Only a yes or a no is kept: whatever waits is
/// asked again. A yes whose evidence cannot be kept is none.
pub(crate) async fn kept(mut answer: CheckAnswer, keeper: Keeper) -> CheckAnswer {
    let decides = matches!(answer.result, CheckResult::Pass | CheckResult::Fail);
    if !decides || keeper.is_empty() {
        return answer;
    }
    let done = tokio::task::spawn_blocking(move || keeper.finish()).await;
    let done = done.unwrap_or_else(|error| Err(error.to_string()));
    match done {
        Ok(evidence) => answer.evidence = evidence,
        Err(why) if answer.result == CheckResult::Pass => {
            answer.result = CheckResult::Inconclusive;
            answer.sentence =
                format!("its evidence could not be kept ({why}); otherwise: {}", answer.sentence);
        }
        Err(why) => tracing::warn!(why, "the evidence of a failed check could not be kept"),
    }
    answer
}

/// Reads for checks; holds no engine alive.
pub(crate) struct Evidence {
    shared: Weak<Shared>,
}

impl Evidence {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::downgrade(shared) }
    }

    fn shared(&self) -> Result<Arc<Shared>, String> {
        self.shared.upgrade().ok_or_else(|| "the engine has stopped".to_owned())
    }
}

#[async_trait]
impl EvidenceReader for Evidence {
    async fn release(
        &self,
        service: &Name,
        release: &ReleaseRef,
    ) -> Result<Option<Release>, String> {
        let shared = self.shared()?;
        Ok(shared.read(|project| project.common.release_of(service, release).cloned()))
    }

    async fn attestations(
        &self,
        lane: &LaneId,
        release: &ReleaseRef,
        title: &str,
    ) -> Result<Vec<Attestation>, String> {
        let shared = self.shared()?;
        Ok(shared.read(|project| {
            let all = project.common.attestations.iter();
            let withdrawn = &project.common.withdrawn;
            let own = all.filter(|one| {
                one.lane == *lane
                    && one.release.digest == release.digest
                    && one.title == title
                    && (withdrawn.is_empty() || !withdrawn.contains_key(&one.digest()))
            });
            let matrix = project.common.matrix.as_ref();
            let roles_of = |by: &Person| {
                let word = matrix?.word_of(by, &lane.environment)?;
                Some(word.into_iter().cloned().collect())
            };
            own.map(|one| Attestation {
                by: one.by.clone(),
                roles: roles_of(&one.by),
                at: one.at,
                note: one.note.clone(),
                link: one.link.clone(),
                statement: one.statement(),
            })
            .collect()
        }))
    }

    async fn soak(
        &self,
        service: &Name,
        environment: &Name,
        release: &ReleaseRef,
        since: Timestamp,
    ) -> Result<SoakRecord, String> {
        let shared = self.shared()?;
        let lane = LaneId { service: service.clone(), environment: environment.clone() };
        let serving =
            shared.read(|project| project.lanes.get(&lane).and_then(|lane| lane.serving.clone()));
        let Some(serving) = serving.filter(|one| one.deployment.release.digest == release.digest)
        else {
            return Ok(SoakRecord::default());
        };
        let from = since.max(serving.since);
        let record = telemetry::record_of(&shared, &lane, serving.deployment.number, from).await?;
        // The interval that is under way, and the one in which serving began, are never whole.
        let tolerated = INTERVAL.faster(shared.setup.speed).milliseconds() * 2;
        let beyond = |gaps: Span| Span(gaps.milliseconds().saturating_sub(tolerated));
        Ok(SoakRecord {
            serving_since: Some(serving.since),
            requests: record.visitors.0,
            failed: record.visitors.1,
            probes: record.probes.0,
            probes_failed: record.probes.1,
            visitor_gaps: beyond(record.visitor_gaps),
            probe_gaps: beyond(record.probe_gaps),
        })
    }
}
