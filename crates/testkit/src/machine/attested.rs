//! What a check that asks for a person's word answers, by the journal: a stand-in for the adapter, which
//! reads the same words. Signs nothing, and answers only where a role is named.

use serde_json::Value;
use towpath_core::check::CheckAnswer;
use towpath_core::ids::{LaneId, Name};
use towpath_core::journal::{Attested, Event};
use towpath_core::matrix::CheckSpec;
use towpath_core::project::Project;
use towpath_core::promotion::input::Input;
use towpath_core::release::ReleaseRef;
use towpath_core::units::{Span, Timestamp};

use super::World;
use super::fate::Fate;

/// Until it looks again where nobody says anything; a word itself makes the engine ask at once.
const ASK_AGAIN_AFTER: Span = Span::hours(1);

/// A pass by the word of whoever has the role that `by` names; none where the check names no role.
pub(super) fn answer(
    project: &Project,
    lane: &LaneId,
    check: &CheckSpec,
    release: &ReleaseRef,
    now: Timestamp,
) -> Option<CheckAnswer> {
    let role = Name::new(check.check.settings.get("by").and_then(Value::as_str)?).ok()?;
    let matrix = project.common.matrix.as_ref()?;
    let mut words = project.words(lane, &release.digest, &check.title);
    let found = words.find(|one| {
        let roles = matrix.word_of(&one.by, &lane.environment);
        roles.is_some_and(|roles| roles.contains(&role))
    });
    Some(match found {
        Some(one) => CheckAnswer::pass(format!("attested by {} ({role})", one.by)),
        None => CheckAnswer::pending(now.plus(ASK_AGAIN_AFTER), format!("waits for {role}")),
    })
}

impl<F: Fate> World<F> {
    /// A person's word is on record, and the lane's checks are asked at once, as by the engine.
    pub fn attest(&mut self, attested: Attested) {
        let lane = attested.lane.clone();
        if !self.declare(&Event::Attested(attested)) {
            return;
        }
        let verdict = self.owner().and_then(|owner| self.verdict_on_green(owner, &lane));
        self.press(&lane, Input::Woken { verdict, ask_again: true });
    }
}
