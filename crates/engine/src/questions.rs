//! How checks are asked: with what, for how long, and what is kept of it. Owns no answer.

use std::sync::Arc;
use std::time::Duration;

use towpath_core::check::{CheckAnswer, CheckResult};
use towpath_core::deployment::{Deployment, Endpoint};
use towpath_core::ids::{CommandId, LaneId, PromotionNumber};
use towpath_core::matrix::{CheckSpec, LaneSpec};
use towpath_core::promotion::state::{CheckKey, GateList};
use towpath_core::release::ReleaseRef;
use towpath_core::trace_context::{self, TraceContext};
use towpath_ports::check::CheckRequest;
use towpath_ports::evidence::Keeper;

use crate::evidence::{self, Evidence};
use crate::masking;
use crate::shared::Shared;
use crate::views::CheckView;

/// The question of one check.
pub(crate) fn asked(
    shared: &Arc<Shared>,
    lane: &LaneId,
    promotion: PromotionNumber,
    key: &CheckKey,
    check: &CheckSpec,
    release: ReleaseRef,
    green: Vec<Endpoint>,
) -> CheckRequest {
    tracing::debug!(%lane, %promotion, check = key.slug, "asking");
    let now = shared.now();
    let ordered_at = shared.read(|project| {
        let lane = project.lanes.get(lane);
        Some(lane?.promotion(promotion)?.requested_at)
    });
    CheckRequest {
        trace: None,
        lane: lane.clone(),
        promotion,
        release,
        title: check.title.clone(),
        green,
        timeout: check.timeout,
        ordered_at: ordered_at.unwrap_or(now),
        now,
        evidence: Arc::new(Evidence::new(shared)),
        keeper: Keeper::nowhere(),
    }
}

/// The span in which a command of a promotion is carried out; none where nobody keeps traces.
pub(crate) fn trace_of(
    shared: &Shared,
    lane: &LaneId,
    promotion: PromotionNumber,
    command: CommandId,
) -> Option<TraceContext> {
    let whole = trace_of_promotion(shared, lane, promotion)?;
    // Where no spans are sent there would be nobody between whoever ordered it and what is asked.
    let is_sent = shared.setup.sampling.is_some();
    Some(if is_sent { whole.below(&trace_context::of_command(command)) } else { whole })
}

/// The span of a promotion as a whole; none where nobody keeps traces.
pub(crate) fn trace_of_promotion(
    shared: &Shared,
    lane: &LaneId,
    number: PromotionNumber,
) -> Option<TraceContext> {
    let found = shared.read(|project| {
        let lane = project.lanes.get(lane)?;
        if let Some(found) = lane.promotion(number) {
            return Some((found.requested_at, found.trace));
        }
        // What a release was verified by has ended when it is offered on.
        let ended = lane.ended.iter().find(|ended| ended.number == number)?;
        Some((ended.requested_at?, ended.trace))
    });
    let (ordered_at, caller) = found?;
    let setup = &shared.setup;
    trace_context::of_promotion(setup.sampling, &setup.project, number, ordered_at, caller)
}

/// Asks, and keeps what the answer rests on.
pub(crate) async fn ask_and_keep(
    shared: &Shared,
    check: &CheckSpec,
    mut request: CheckRequest,
) -> CheckAnswer {
    let known = shared.setup.known.clone();
    let keeper = Keeper::of(Arc::clone(&shared.setup.evidence), known);
    request.keeper = keeper.clone();
    evidence::kept(ask(shared, check, request).await, keeper).await
}

/// Asks, and enforces the time that the answer may take. The answer holds no secret that is known.
pub(crate) async fn ask(shared: &Shared, check: &CheckSpec, request: CheckRequest) -> CheckAnswer {
    let adapter = match shared.setup.adapters.check(&check.check) {
        Ok(adapter) => adapter,
        Err(sentence) => return CheckAnswer::inconclusive(sentence),
    };
    // The check keeps the time itself; this is for one that does not.
    let limit = Duration::from(check.timeout) + Duration::from_secs(1);
    match tokio::time::timeout(limit, adapter.ask(&request)).await {
        Ok(mut answer) => {
            masking::answer(&shared.setup.known.masker(), &mut answer);
            answer
        }
        Err(_) => CheckAnswer::inconclusive(format!("no answer within {}", check.timeout)),
    }
}

/// Asks every validation check of a deployment, one after the other.
pub(crate) async fn ask_all(
    shared: &Arc<Shared>,
    lane: &LaneId,
    section: &LaneSpec,
    deployment: &Deployment,
) -> Vec<CheckView> {
    let mut answers = Vec::new();
    for check in &section.gate.validation {
        let key = CheckKey { list: GateList::Validation, slug: check.slug.clone() };
        let release = deployment.release.clone();
        let green = deployment.endpoints.clone();
        let request = asked(shared, lane, deployment.number, &key, check, release, green);
        let answer = ask(shared, check, request).await;
        answers.push(view(GateList::Validation.as_str(), check, answer));
    }
    answers
}

/// An answer as people are shown it.
pub(crate) fn view(list: &str, check: &CheckSpec, answer: CheckAnswer) -> CheckView {
    CheckView {
        list: list.to_owned(),
        title: check.title.clone(),
        kind: check.check.kind.clone(),
        state: match answer.result {
            CheckResult::Pass => "pass",
            CheckResult::Fail => "fail",
            CheckResult::Pending { .. } => "pending",
            CheckResult::Inconclusive => "inconclusive",
        }
        .to_owned(),
        sentence: Some(answer.sentence),
        evidence: Vec::new(),
    }
}
