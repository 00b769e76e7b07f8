//! A changed matrix that people must agree to, as the loop writes it and clients see it. Decides nothing:
//! what follows is the core's.

use std::sync::Arc;

use towpath_core::governing::{needed, taken_out, word_for_key};
use towpath_core::ids::{Name, Person};
use towpath_core::journal::Event;
use towpath_core::matrix::Matrix;
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_core::units::{Span, Timestamp};

use crate::orders::{EngineError, Order};
use crate::run_loop::Message;
use crate::shared::Shared;
use crate::views::{ApprovalView, ProposalView, time};

/// Time between two looks at a proposed matrix: people have days, and a minute more is none of theirs.
const LOOK_EVERY: Span = Span::minutes(1);

/// What is written for an order about the matrix, and who gave it.
pub(crate) fn follows(
    shared: &Shared,
    order: Order,
    now: Timestamp,
) -> Result<(Vec<Event>, String), EngineError> {
    shared.read(|project| match order {
        Order::ApplyMatrix(matrix, by, signed) => {
            let (actor, common) = (by.to_string(), &project.common);
            let heard = common.hears_matrix(&matrix, &by, signed.as_ref(), now);
            heard.map_err(EngineError::Refused)?;
            let missing = common.nobody_could_agree(&matrix, &by, now);
            if !missing.is_empty() {
                return Err(EngineError::Refused(Box::new(too_few(&missing))));
            }
            let event = common.apply_matrix(matrix, by, signed, now);
            if let Event::MatrixProposed(proposal) = &event {
                common.somebody_has_a_key(proposal).map_err(EngineError::Refused)?;
            }
            Ok((vec![event], actor))
        }
        Order::AgreeToMatrix(word) => {
            let events = project.common.word_about_matrix(&word, now);
            Ok((events.map_err(EngineError::Refused)?, word.by.to_string()))
        }
        _ => Ok((Vec::new(), String::new())),
    })
}

/// Why the matrix is not in force yet: each role that has not agreed, and who could.
pub(crate) fn waits_for(shared: &Shared, now: Timestamp) -> Vec<String> {
    shared.read(|project| {
        let proposal = project.common.proposal(now);
        proposal.map(|proposal| project.common.still_asked(proposal)).unwrap_or_default()
    })
}

/// Has the loop look at a proposed matrix whenever something of it is due, until the engine stops.
pub(crate) fn spawn(shared: &Arc<Shared>) {
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        while !shared.is_stopped() {
            let now = shared.now();
            if shared.read(|project| project.common.due_of_proposal(now).is_some()) {
                // An engine that has stopped tells nobody any more; the next one does.
                let _ = shared.inputs.send(Message::MatrixWaits).await;
            }
            tokio::time::sleep(LOOK_EVERY.into()).await;
        }
    });
}

/// The changed matrix that waits for people.
pub(crate) fn view(shared: &Shared, now: Timestamp) -> Option<ProposalView> {
    shared.read(|project| {
        let common = &project.common;
        let proposal = common.proposal(now)?;
        let asked = common.asked_about_matrix(proposal);
        let approvals = asked.into_iter().map(|asked| {
            let could = common.who_could_agree(proposal, &asked.role);
            ApprovalView {
                role: asked.role.to_string(),
                owns: None,
                unknown: None,
                need: asked.needed,
                by: asked.by.iter().map(ToString::to_string).collect(),
                who: could.iter().map(ToString::to_string).collect(),
            }
        });
        let keys = common.keys_asked(proposal).into_iter().map(|key| ApprovalView {
            role: key.word(),
            owns: None,
            unknown: None,
            need: 1,
            by: key.by.iter().map(ToString::to_string).collect(),
            who: key.could.iter().map(ToString::to_string).collect(),
        });
        let approvals = approvals.chain(keys);
        Some(ProposalView {
            plan: proposal.plan.hex().to_owned(),
            by: proposal.by.to_string(),
            changes: proposal.changes.clone(),
            approvals: approvals.collect(),
            since: time(proposal.since),
            until: time(proposal.deadline()),
        })
    })
}

/// Who must agree before `matrix` counts, should `by` apply it: the roles by name, and the keys that it takes
/// out of others' hands. Empty where it would count at once, or where it is in force.
pub(crate) fn asks_first(shared: &Shared, matrix: &Matrix, by: Option<&Person>) -> Vec<String> {
    shared.read(|project| {
        let force = project.common.matrix.as_ref();
        if force == Some(matrix) {
            return Vec::new();
        }
        let roles = needed(force, matrix);
        let roles = roles.iter().map(|one| one.role.to_string());
        let keys = taken_out(force, matrix).into_iter().filter(|owner| Some(owner) != by);
        roles.chain(keys.map(|owner| word_for_key(&owner))).collect()
    })
}

/// Whether `by` must sign an order to apply `matrix`.
pub(crate) fn must_sign(shared: &Shared, matrix: &Matrix, by: &Person) -> bool {
    shared.read(|project| {
        let force = project.common.matrix.as_ref().filter(|force| *force != matrix);
        force.and_then(|force| force.people.get(by)).is_some_and(|known| known.key.is_some())
    })
}

/// Roles count as the matrix in force gives them: who shall have one first has to have it.
fn too_few(missing: &[Name]) -> Refusal {
    let roles: Vec<_> = missing.iter().map(Name::as_str).collect();
    let cause = format!(
        "too few people who could agree have these roles in the matrix in force: {}",
        roles.join(", ")
    );
    Refusal::new(RefusalKind::Gate, "nobody-agrees", "the matrix was not proposed", cause)
        .at("matrix_approvals")
        .next("people: { NAME: { roles: [ROLE] } }", "in a change of its own, before this one")
}
