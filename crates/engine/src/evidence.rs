//! What the journal and the telemetry know, for checks that rest on them.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use serde_json::Value;
use towpath_core::check::{CheckAnswer, CheckResult};
use towpath_core::evidence::withdrawn_of;
use towpath_core::ids::{LaneId, Name, Person};
use towpath_core::promotion::state::{Lane, Outcome, Verified};
use towpath_core::release::{Release, ReleaseRef};
use towpath_core::units::{Span, Timestamp};
use towpath_ports::check::{
    Attestation, CalmRecord, EvidenceReader, KeptBefore, RELEASES_BEFORE, ServedRecord, SoakRecord,
};
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
            let own = project.words(lane, &release.digest, title);
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
        let record =
            telemetry::record_of(&shared, &lane, Some(serving.deployment.number), from).await?;
        Ok(SoakRecord {
            serving_since: Some(serving.since),
            requests: record.visitors.0,
            failed: record.visitors.1,
            probes: record.probes.0,
            probes_failed: record.probes.1,
            visitor_gaps: beyond_the_usual(&shared, record.visitor_gaps),
            probe_gaps: beyond_the_usual(&shared, record.probe_gaps),
        })
    }

    async fn served(
        &self,
        service: &Name,
        environment: &Name,
        since: Timestamp,
    ) -> Result<ServedRecord, String> {
        let shared = self.shared()?;
        let lane = LaneId { service: service.clone(), environment: environment.clone() };
        let known = shared.read(|project| project.lanes.get(&lane).and_then(first_served));
        let Some(known) = known else { return Ok(ServedRecord::default()) };
        let from = since.max(known);
        let mut record = telemetry::record_of(&shared, &lane, None, from).await?;
        // The journal remembers the last promotions alone; who was counted before them was there.
        if let Some(first) = record.first.filter(|first| *first > since && *first < known) {
            record = telemetry::record_of(&shared, &lane, None, first).await?;
        }
        let (has_visitors, has_probes) = record.is_counted;
        let gaps =
            |is_counted: bool, gaps: Span| is_counted.then(|| beyond_the_usual(&shared, gaps));
        Ok(ServedRecord {
            serving_since: Some(record.first.map_or(known, |first| first.min(known))),
            requests: record.visitors.0,
            failed: record.visitors.1,
            latency: record.latency,
            probes: record.probes.0,
            probes_failed: record.probes.1,
            visitor_gaps: gaps(has_visitors, record.visitor_gaps),
            probe_gaps: gaps(has_probes, record.probe_gaps),
        })
    }

    async fn kept_before(&self, lane: &LaneId, title: &str) -> Result<Vec<KeptBefore>, String> {
        let shared = self.shared()?;
        let verified = shared.read(|project| {
            let lane = project.lanes.get(lane);
            let all = lane.map(|lane| lane.verified.as_slice()).unwrap_or_default();
            let withdrawn = &project.common.withdrawn;
            let holds = |one: &&Verified| withdrawn_of(withdrawn, &one.evidence).is_none();
            let latest = all.iter().rev().filter(holds).take(RELEASES_BEFORE);
            latest.map(|one| (one.release.clone(), one.evidence.clone())).collect::<Vec<_>>()
        });
        let (store, title) = (shared.setup.evidence.clone(), title.to_owned());
        let found = tokio::task::spawn_blocking(move || {
            let mut found = Vec::new();
            for (release, evidence) in verified {
                for digest in &evidence {
                    let bytes = store.read_at_most(digest, DOCUMENT_MOST)?;
                    let told = bytes.and_then(|bytes| told(&bytes, &release, &title));
                    found.extend(told.map(|told| KeptBefore { release: release.clone(), told }));
                }
            }
            Ok(found)
        });
        found.await.unwrap_or_else(|error| Err(error.to_string()))
    }

    async fn calm(
        &self,
        service: &Name,
        environment: &Name,
        release: &ReleaseRef,
    ) -> Result<CalmRecord, String> {
        let shared = self.shared()?;
        let id = LaneId { service: service.clone(), environment: environment.clone() };
        Ok(shared.read(|project| {
            let Some(lane) = project.lanes.get(&id) else { return CalmRecord::default() };
            let serving = lane.serving.as_ref();
            let own = serving.filter(|one| one.deployment.release.digest == release.digest);
            let trouble = lane.trouble.as_ref();
            CalmRecord {
                serving_since: own.map(|serving| serving.since),
                trouble: trouble.map(|trouble| (trouble.at, trouble.sentence.clone())),
            }
        }))
    }
}

/// Largest document that a check writes itself, in bytes: reports of tools, which are larger, need not be
/// read where one is looked for.
const DOCUMENT_MOST: u64 = 1 << 20;

/// What a check kept of this release under its title, where the piece is such a document. Reports of
/// tools are pieces as well, and of any form.
fn told(bytes: &[u8], release: &ReleaseRef, title: &str) -> Option<Value> {
    let mut document: Value = serde_json::from_slice(bytes).ok()?;
    let is_own =
        document["title"] == title && document["release"]["digest"] == release.digest.as_str();
    is_own.then(|| document["told"].take())
}

/// Gaps without what is always missing: the interval that is under way, and the one in which serving
/// began, are never whole.
fn beyond_the_usual(shared: &Shared, gaps: Span) -> Span {
    let tolerated = INTERVAL.faster(shared.setup.speed).milliseconds() * 2;
    Span(gaps.milliseconds().saturating_sub(tolerated))
}

/// Since when something has served in a lane, as far back as it remembers; none when nothing does.
fn first_served(lane: &Lane) -> Option<Timestamp> {
    let serving = lane.serving.as_ref()?.since;
    let verified = lane.verified.iter().map(|it| it.at);
    let ended = lane.ended.iter().filter(|it| it.outcome == Outcome::Succeeded).map(|it| it.at);
    verified.chain(ended).chain([serving]).min()
}
