//! Which evidence there is, who used it and what rests on it, as clients see it. Keeps none.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use towpath_core::check::{Attested, CheckResult};
use towpath_core::evidence::{Evidence, Withdrawal};
use towpath_core::ids::{Digest, LaneId, PromotionNumber};
use towpath_core::journal::Event;
use towpath_core::promotion::state::{CheckKey, GateList};
use towpath_core::release::ReleaseRef;
use towpath_core::units::Timestamp;
use towpath_ports::store::{EventRow, StoreError};

use crate::run_loop::Engine;
use crate::shared::Shared;
use crate::views::time;

/// Events that are read at once.
const PAGE: u32 = 1000;

/// One piece in one answer of one check, or one statement of a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceView {
    /// Of its bytes: what it is named by.
    pub digest: Digest,
    /// What it is called: the path of a report, whose statement it is.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// What its bytes are.
    pub media_type: String,
    /// The check's title.
    pub check: String,
    /// What the check answered by it; null for a statement that is its own.
    pub answer: Option<CheckResult>,
    /// What is released.
    pub service: String,
    /// Where it was asked.
    pub environment: String,
    /// About which release.
    pub release: String,
    /// For which promotion; null for a statement.
    pub promotion: Option<PromotionNumber>,
    /// When.
    pub at: String,
    /// Who withdrew it, and why; null while it counts.
    pub withdrawn: Option<WithdrawnView>,
}

/// A withdrawal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WithdrawnView {
    /// Who.
    pub by: String,
    /// When.
    pub at: String,
    /// Why.
    pub reason: String,
}

impl From<&Withdrawal> for WithdrawnView {
    fn from(it: &Withdrawal) -> Self {
        Self { by: it.by.to_string(), at: time(it.at), reason: it.reason.clone() }
    }
}

/// Which evidence is meant; what is not named is not asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WantedEvidence {
    /// What is released.
    pub service: Option<String>,
    /// Where.
    pub environment: Option<String>,
    /// Which release.
    pub release: Option<String>,
    /// Which promotion.
    pub promotion: Option<PromotionNumber>,
    /// The beginning of a digest, with or without `sha256:`.
    pub digest: Option<String>,
}

impl WantedEvidence {
    fn is(&self, view: &EvidenceView) -> bool {
        let same =
            |wanted: &Option<String>, own: &str| wanted.as_deref().is_none_or(|it| it == own);
        let begins = |wanted: &str| {
            view.digest.hex().starts_with(wanted.strip_prefix("sha256:").unwrap_or(wanted))
        };
        same(&self.service, &view.service)
            && same(&self.environment, &view.environment)
            && same(&self.release, &view.release)
            && self.promotion.is_none_or(|number| view.promotion == Some(number))
            && self.digest.as_deref().is_none_or(begins)
    }
}

/// What is known of a promotion when its checks answer.
struct Asked {
    release: ReleaseRef,
    titles: BTreeMap<CheckKey, String>,
}

impl Engine {
    /// Evidence that is wanted, oldest first: statements of people, and what checks read for the
    /// answers that decided. Reads the whole journal.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn evidence(&self, wanted: &WantedEvidence) -> Result<Vec<EvidenceView>, StoreError> {
        let mut found: Vec<(Timestamp, EvidenceView)> = self.shared.read(|project| {
            let all = project.common.attestations.iter();
            all.map(|one| (one.at, statement(one))).collect()
        });
        let mut asked = BTreeMap::new();
        let mut after = 0;
        loop {
            let rows = self.events(after, PAGE).await?;
            let Some(last) = rows.last() else { break };
            after = last.seq;
            for row in &rows {
                found.extend(pieces(row, &mut asked).into_iter().map(|view| (row.at, view)));
            }
        }
        found.sort_by_key(|(at, _)| *at);
        let views = found.into_iter().map(|(_, view)| view).filter(|view| wanted.is(view));
        let mut views: Vec<EvidenceView> = views.collect();
        self.shared.read(|project| {
            for view in &mut views {
                let withdrawal = project.common.withdrawn.get(&view.digest);
                view.withdrawn = withdrawal.map(WithdrawnView::from);
            }
        });
        Ok(views)
    }

    /// The number of the last event; 0 before the first. Found in a look or two from the last that is known: numbers
    /// have no gaps.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn last_event(&self) -> Result<u64, StoreError> {
        let is_there = async |seq: u64| -> Result<bool, StoreError> {
            Ok(!self.events(seq - 1, 1).await?.is_empty())
        };
        let known = self.shared.last_event.load(Ordering::SeqCst);
        let (mut there, mut beyond, mut step) = (known, known + 1, 1_u64);
        while is_there(beyond).await? {
            step = step.saturating_mul(2);
            (there, beyond) = (beyond, beyond.saturating_add(step));
        }
        while there + 1 < beyond {
            let middle = there + (beyond - there) / 2;
            if is_there(middle).await? { there = middle } else { beyond = middle }
        }
        self.shared.last_event.fetch_max(there, Ordering::SeqCst);
        Ok(there)
    }

    /// The last event as this engine wrote it, without a question to the journal: ten thousand who come at once would
    /// have to wait for its readers. Of an engine that only reads it is asked all the same.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn last_written(&self) -> Result<u64, StoreError> {
        match self.shared.last_event.load(Ordering::SeqCst) {
            0 => self.last_event().await,
            _ if self.shared.is_stopped() => self.last_event().await,
            last => Ok(last),
        }
    }

    /// What followed from a withdrawal in the lanes, in sentences: events after `after`.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn followed(&self, after: u64) -> Result<Vec<String>, StoreError> {
        let rows = self.events(after, PAGE).await?;
        let told = rows.iter().filter_map(|row| {
            let event = serde_json::from_value::<Event>(row.body.clone()).ok()?;
            let lane = row.lane.as_ref()?;
            self.shared.read(|project| match &event {
                Event::VerificationWithdrawn { digest, .. } => {
                    let mut all = project.common.releases.iter();
                    let release = all.find(|one| one.digest == *digest)?;
                    Some(format!("{} is not verified in {lane} any more", release.version))
                }
                Event::AnswerWithdrawn { number, key, .. } => {
                    Some(format!("{} is asked again for promotion {number}", key.slug))
                }
                Event::PromotionDoubted { number, .. } => {
                    Some(format!("promotion {number} into {lane} has started and goes on"))
                }
                Event::PromotionEnded { number, sentence, .. } => {
                    Some(format!("promotion {number} into {lane} ended: {sentence}"))
                }
                _ => None,
            })
        });
        Ok(told.collect())
    }

    /// The bytes of a piece or of a statement; none where nothing is kept under the digest.
    ///
    /// # Errors
    /// One sentence, when they cannot be read or are others.
    pub async fn evidence_bytes(&self, digest: &Digest) -> Result<Option<Vec<u8>>, String> {
        let (store, own) = (self.shared.setup.evidence.clone(), digest.clone());
        let kept = tokio::task::spawn_blocking(move || store.read(&own)).await;
        if let Some(bytes) = kept.unwrap_or_else(|error| Err(error.to_string()))? {
            return Ok(Some(bytes));
        }
        Ok(self.shared.read(|project| {
            let mut all = project.common.attestations.iter();
            all.find(|one| one.digest() == *digest).map(|one| one.statement().into_bytes())
        }))
    }
}

/// Lanes in which something rests on a piece, and those in which something may be on its way by what is
/// verified there.
pub(crate) fn resting_on(shared: &Shared, digest: &Digest) -> Vec<LaneId> {
    shared.read(|project| {
        let lanes = project.lanes.values().filter(|lane| {
            let is_open = lane.active.is_some() || !lane.waiting.is_empty();
            is_open || lane.verified.iter().any(|one| one.evidence.contains(digest))
        });
        lanes.map(|lane| lane.id.clone()).collect()
    })
}

fn statement(one: &Attested) -> EvidenceView {
    EvidenceView {
        digest: one.digest(),
        name: format!("statement of {}", one.by),
        size: one.statement().len() as u64,
        media_type: "application/json".to_owned(),
        check: one.title.clone(),
        answer: None,
        service: one.lane.service.to_string(),
        environment: one.lane.environment.to_string(),
        release: one.release.version.to_string(),
        promotion: None,
        at: time(one.at),
        withdrawn: None,
    }
}

/// What the answer in a row rests on. Notes in `asked`
/// what is needed for later rows.
fn pieces(row: &EventRow, asked: &mut BTreeMap<PromotionNumber, Asked>) -> Vec<EvidenceView> {
    let rests = |row: &EventRow| row.body["answer"].get("evidence").is_some();
    let is_needed = match row.kind.as_str() {
        "promotion-requested" | "plan-changed" => true,
        "check-answered" => rests(row),
        _ => false,
    };
    let event = is_needed.then(|| serde_json::from_value::<Event>(row.body.clone()).ok());
    match event.flatten() {
        Some(Event::PromotionRequested(requested)) => {
            asked.insert(requested.number, Asked::of(&requested.plan));
        }
        Some(Event::PlanChanged { number, plan }) => {
            asked.insert(number, Asked::of(&plan));
        }
        Some(Event::CheckAnswered { number, key, answer, .. }) => {
            let (Some(lane), Some(known)) = (&row.lane, asked.get(&number)) else {
                return Vec::new();
            };
            let title = known.titles.get(&key).unwrap_or(&key.slug);
            let view = |piece: Evidence| EvidenceView {
                digest: piece.digest,
                name: piece.name,
                size: piece.size,
                media_type: piece.media_type,
                check: title.clone(),
                answer: Some(answer.result),
                service: lane.service.to_string(),
                environment: lane.environment.to_string(),
                release: known.release.version.to_string(),
                promotion: Some(number),
                at: time(row.at),
                withdrawn: None,
            };
            return answer.evidence.iter().cloned().map(view).collect();
        }
        _ => {}
    }
    Vec::new()
}

impl Asked {
    fn of(plan: &towpath_core::plan::Plan) -> Self {
        let gate = &plan.section.gate;
        let lists = [
            (GateList::Prerequisites, &gate.prerequisites),
            (GateList::Validation, &gate.validation),
        ];
        let titles = lists.into_iter().flat_map(|(list, checks)| {
            let named = checks.iter();
            named.map(move |one| (CheckKey { list, slug: one.slug.clone() }, one.title.clone()))
        });
        Self { release: plan.release.clone(), titles: titles.collect() }
    }
}
