//! What each event of the journal tells of a person's word: what it should be about, had they signed it. Looks at no
//! signature.

use towpath_core::approvals::Approval;
use towpath_core::governing::Proposal;
use towpath_core::ids::{Digest, LaneId, Person, PromotionNumber};
use towpath_core::journal::{Event, Requested};
use towpath_core::matrix::Matrix;
use towpath_core::speaking::{Says, Signed, Spoken, Statement};

/// What an event tells of somebody's word.
pub(super) struct Told<'a> {
    /// What it should be about.
    pub(super) spoken: Spoken<'a>,
    /// As it was signed.
    pub(super) signed: Option<&'a Signed>,
}

/// What stands beside an event, or follows from it.
#[derive(Default)]
pub(super) struct Beside {
    lane: Option<LaneId>,
    /// The digest of the matrix in it.
    matrix: Option<Digest>,
    /// The hash of the plan in it, or of the change that it is about.
    plan: Option<Digest>,
    /// The release of the statement: where the event has none, the plan that was signed names it.
    release: Option<Digest>,
}

impl Beside {
    /// Of an event in `lane`, while `proposed` waits for people.
    pub(super) fn of(
        event: &Event,
        lane: Option<LaneId>,
        statement: Option<&Statement>,
        proposed: Option<&Proposal>,
    ) -> Self {
        let plan = match event {
            Event::PromotionRequested(requested) => Some(requested.plan.hash()),
            Event::MatrixWordGiven(_) => proposed.map(|proposal| proposal.plan.clone()),
            _ => None,
        };
        let matrix = match event {
            Event::MatrixApplied { matrix, .. } => Some(matrix.digest()),
            Event::MatrixProposed(proposal) => Some(Matrix::digest(&proposal.matrix)),
            _ => None,
        };
        let release = statement.and_then(|statement| statement.release.clone());
        Self { lane, matrix, plan, release }
    }

    fn word<'a>(&'a self, by: &'a Person, says: Says) -> Spoken<'a> {
        let lane = self.lane.as_ref();
        Spoken {
            service: lane.map(|lane| &lane.service),
            environment: lane.map(|lane| &lane.environment),
            ..Spoken::new(by, says)
        }
    }

    fn approval<'a>(
        &'a self,
        number: Option<PromotionNumber>,
        approval: &'a Approval,
    ) -> Spoken<'a> {
        let says = if approval.agrees { Says::Approve } else { Says::Reject };
        Spoken {
            promotion: number,
            plan: Some(&approval.plan),
            release: self.release.as_ref(),
            note: approval.note.as_deref(),
            link: approval.link.as_deref(),
            ..self.word(&approval.by, says)
        }
    }

    fn order<'a>(&'a self, order: &'a Requested) -> Option<Spoken<'a>> {
        let says = if order.plan.break_glass {
            Says::BreakGlass
        } else if order.overrides_window {
            Says::OverrideWindow
        } else if order.signed.is_some() || !order.plan.accepted.is_empty() {
            Says::AcceptUnenforced
        } else {
            return None;
        };
        Some(Spoken {
            plan: self.plan.as_ref(),
            release: Some(&order.plan.release.digest),
            note: order.reason.as_deref(),
            ..self.word(&order.by, says)
        })
    }
}

/// What `event` tells of somebody's word; none where it tells of none.
pub(super) fn told<'a>(event: &'a Event, beside: &'a Beside) -> Option<Told<'a>> {
    let matrix = beside.matrix.as_ref();
    let spoken = match event {
        Event::MatrixApplied { by, .. } => Spoken { matrix, ..Spoken::new(by, Says::ApplyMatrix) },
        Event::MatrixProposed(proposal) => {
            Spoken { matrix, ..Spoken::new(&proposal.by, Says::ApplyMatrix) }
        }
        Event::MatrixWordGiven(word) => {
            let says = if word.agrees { Says::ApproveMatrix } else { Says::RejectMatrix };
            let (plan, note) = (beside.plan.as_ref(), word.note.as_deref());
            Spoken { plan, note, ..Spoken::new(&word.by, says) }
        }
        Event::Thawed(thaw) => Spoken {
            service: thaw.scope.service.as_ref(),
            environment: thaw.scope.environment.as_ref(),
            note: thaw.reason.as_deref(),
            ..Spoken::new(&thaw.by, Says::Thaw)
        },
        Event::Attested(said) => Spoken {
            service: Some(&said.lane.service),
            environment: Some(&said.lane.environment),
            release: Some(&said.release.digest),
            title: Some(&said.title),
            note: said.note.as_deref(),
            link: said.link.as_deref(),
            ..Spoken::new(&said.by, Says::Attest)
        },
        Event::ApprovalGiven { number, approval } => beside.approval(*number, approval),
        Event::PromotionRequested(order) => beside.order(order)?,
        // What the program finds by itself is nobody's word.
        Event::DebtSettled(settled) if settled.found_in.is_none() => Spoken {
            promotion: Some(settled.number),
            title: Some(settled.kind.as_str()),
            note: settled.note.as_deref(),
            link: settled.link.as_deref(),
            ..beside.word(&settled.by, Says::Settle)
        },
        Event::QuarantineLifted { digest, by, reason, .. } => Spoken {
            release: Some(digest),
            note: Some(reason),
            ..beside.word(by, Says::LiftQuarantine)
        },
        Event::PromotionResumed { number, by, .. } => {
            Spoken { promotion: Some(*number), ..beside.word(by, Says::Resume) }
        }
        _ => return None,
    };
    Some(Told { spoken, signed: event.signed() })
}
