//! What lost health means for a lane: for what is on its way, for what it would go back to, for what
//! stands by, and for what serves. Asks nothing itself.

use crate::ids::{Person, PromotionNumber};
use crate::journal::Event;
use crate::promotion::state::{Kind, Outcome, Promotion, State};
use crate::promotion::{Turn, baking, going_back, rollback, standby};

/// The probes of a deployment failed as often as is tolerated. Told again while they go on failing.
pub(super) fn lost(turn: &mut Turn<'_>, deployment: PromotionNumber, sentence: &str) {
    let kept = turn.lane.standby.as_ref().map(|standby| standby.deployment.number);
    let Some(promotion) = turn.lane.active.clone() else {
        let serves = turn.lane.serving.as_ref().map(|serving| serving.deployment.number);
        if kept == Some(deployment) {
            // A rollback redeploys from here on.
            standby::end(turn, format!("it lost its health: {sentence}"));
        } else if serves == Some(deployment) && kept.is_some() {
            rollback::triggered(turn, sentence.to_owned(), Person::guard());
        }
        return;
    };
    let is = |one: Option<&crate::deployment::Deployment>| {
        one.is_some_and(|one| one.number == deployment)
    };
    let forward = promotion.plan.kind == Kind::Promote;
    if is(promotion.green.as_ref()) && forward && promotion.may_have_visitors() {
        of_green(turn, &promotion, sentence);
    } else if is(promotion.blue.as_ref()) && forward && !promotion.blue_lost {
        of_blue(turn, &promotion, sentence);
    } else {
        turn.note("it does not serve alone");
    }
}

fn of_green(turn: &mut Turn<'_>, promotion: &Promotion, sentence: &str) {
    if promotion.can_be_thrown_out() {
        let mut ending = going_back::ending(Outcome::RolledBack, sentence.to_owned());
        ending.quarantine = true;
        going_back::begin(turn, promotion, ending);
    } else {
        let why = promotion.why_not_back();
        hold_or_ask(turn, promotion, format!("{sentence}; {why}"));
    }
}

fn of_blue(turn: &mut Turn<'_>, promotion: &Promotion, sentence: &str) {
    if matches!(promotion.state, State::GoingBack { .. }) {
        turn.note("what it goes back to is what does not answer");
        return;
    }
    let number = promotion.number;
    turn.record(Event::BlueLost { number, sentence: sentence.to_owned() });
    if promotion.can_be_held() && promotion.paused.is_none() {
        let why = "what it would go back to lost its health";
        baking::hold_for_a_person(turn, promotion, format!("{sentence}; {why}"));
    }
}

/// A release that cannot go back by itself is held where it is, unless a person has let this step go
/// on; one that is being committed cannot be held, so that it is asked.
fn hold_or_ask(turn: &mut Turn<'_>, promotion: &Promotion, reason: String) {
    if !promotion.can_be_held() {
        rollback::triggered(turn, reason, Person::guard());
    } else if promotion.paused.is_none() && !promotion.is_waived() {
        baking::hold_for_a_person(turn, promotion, reason);
    }
}
