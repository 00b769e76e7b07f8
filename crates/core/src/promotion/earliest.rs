//! The first moment at which a promotion that waits could start: after all that ends by itself at a known
//! time, and after whatever has no such time, which is named instead. Owns this forecast; decides nothing.

use crate::check::CheckResult;
use crate::code_owners::AskedOwners;
use crate::project::Common;
use crate::promotion::approving::{self, Open};
use crate::promotion::held;
use crate::promotion::state::{CheckKey, GateList, Lane, Promotion, State};
use crate::units::Timestamp;

/// Checks that pass by time alone, and say when.
const OF_TIME: [&str; 2] = ["soak", "stable_for"];

/// When something could start at the earliest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earliest {
    /// Not before this moment; none where what must come first decides alone.
    pub at: Option<Timestamp>,
    /// What must come first and has no known time, a few words each; empty where nothing must.
    pub after: Vec<String>,
}

/// When a promotion could start at the earliest, as far as is known now; none for one that does not wait.
///
/// Whatever has no time of its own is taken to happen at once, so that the moment is a lower bound.
pub fn start(
    common: &Common,
    lane: &Lane,
    promotion: &Promotion,
    now: Timestamp,
) -> Option<Earliest> {
    let State::Waiting { .. } = promotion.state else { return None };
    let mut after = Vec::new();
    if promotion.paused.is_some() {
        after.push(format!("somebody resumes promotion {}", promotion.number));
    }
    let from = checked(promotion, &mut after).map_or(now, |at| at.max(now));
    let approvals = approving::of_promotion(common, lane, promotion, now).into_iter();
    after.extend(approvals.filter(|open| open.asked.missing() > 0).map(
        |Open { asked, .. }| {
            let whom = asked.whom();
            match asked.owners {
                Some(AskedOwners::Unknown(_)) => format!("the {whom} are known"),
                Some(AskedOwners::Of(_)) => format!("one of the {whom} has agreed"),
                None => format!("{whom} has agreed ({} of {})", asked.by.len(), asked.needed),
            }
        },
    ));
    if let Some(active) = lane.active.as_ref().filter(|active| active.number != promotion.number) {
        after.push(format!("promotion {} ends", active.number));
    }
    let at = match held::opens(common, promotion, from) {
        Ok(at) => Some(at),
        Err(holds) => {
            after.push(format!("this ends: {holds}"));
            None
        }
    };
    let at = at.filter(|at| *at > now || after.is_empty());
    Some(Earliest { at, after })
}

/// When the last of the prerequisites that pass by time does; the others that are open are named.
fn checked(promotion: &Promotion, after: &mut Vec<String>) -> Option<Timestamp> {
    let mut latest = None;
    for check in &promotion.plan.section.gate.prerequisites {
        let key = CheckKey { list: GateList::Prerequisites, slug: check.slug.clone() };
        let Some(progress) = promotion.checks.get(&key) else { continue };
        match progress.answer.as_ref().map(|(answer, _)| answer.result) {
            Some(CheckResult::Pass) => {}
            Some(CheckResult::Pending { ask_again_at })
                if OF_TIME.contains(&&*check.check.kind) =>
            {
                latest = latest.max(Some(ask_again_at));
            }
            None => after.push(format!("{} has answered", check.title)),
            Some(_) => after.push(format!("{} passes", check.title)),
        }
    }
    latest
}
