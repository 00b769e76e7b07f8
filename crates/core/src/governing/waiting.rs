//! A proposed matrix that waits for people: whose word is missing, when they are told again, and when its
//! time is over. Tells nobody.

use serde::{Deserialize, Serialize};

use crate::approvals::DEFAULT_EXPIRY;
use crate::debts::REMIND_EVERY;
use crate::governing::Proposal;
use crate::ids::Digest;
use crate::journal::Event;
use crate::project::Common;
use crate::units::Timestamp;

/// Which proposed matrix waits, or has waited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatrixWait {
    /// What people were asked to agree to.
    pub plan: Digest,
}

impl Proposal {
    /// When it is over if nobody has agreed by then.
    pub fn deadline(&self) -> Timestamp {
        self.since.plus(DEFAULT_EXPIRY)
    }

    fn remind_at(&self) -> Timestamp {
        self.reminded_at.unwrap_or(self.since).plus(REMIND_EVERY)
    }
}

impl Common {
    /// What time alone does to a proposed matrix: its time is over, or people are told again; none where
    /// nothing is due. Pure; what it answers is not due any more once it is folded.
    pub fn due_of_proposal(&self, now: Timestamp) -> Option<Event> {
        let proposal = self.proposed.as_deref()?;
        let wait = MatrixWait { plan: proposal.plan.clone() };
        if proposal.deadline() <= now {
            return Some(Event::MatrixLapsed(wait));
        }
        (proposal.remind_at() <= now).then_some(Event::MatrixReminded(wait))
    }

    /// Whose word is missing, one text for each role and each key: how many agreed of how many, and who
    /// could.
    pub fn still_asked(&self, proposal: &Proposal) -> Vec<String> {
        let asked = self.asked_about_matrix(proposal).into_iter().map(|asked| {
            let could = self.who_could_agree(proposal, &asked.role);
            (asked.role.to_string(), asked.needed, asked.by, could)
        });
        let keys = self.keys_asked(proposal).into_iter();
        let keys = keys.map(|key| (key.word(), 1, key.by, key.could));
        let open = asked.chain(keys).filter(|(_, need, by, _)| *need as usize > by.len());
        open.map(|(role, need, by, could)| {
            let could: Vec<_> = could.iter().map(ToString::to_string).collect();
            format!("{role} has {} of {need} ({})", by.len(), could.join(", "))
        })
        .collect()
    }
}
