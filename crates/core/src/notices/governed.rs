//! Notices of a changed matrix that waits for people: when it is proposed, again while it waits, and when its
//! time is over. Tells of no change that counts.

use std::collections::BTreeSet;

use crate::governing::Proposal;
use crate::journal::Event;
use crate::matrix::Matrix;
use crate::notices::Occasion;
use crate::notices::beside::Said;
use crate::notices::frozen::moment;
use crate::notices::wording::line;
use crate::project::Common;
use crate::reason::Next;

/// Most changed places that are named; `towpath waiting` has all of them.
const SHOWN: usize = 8;

/// What is told of an event; none where it is about no change that waits. A matrix is of no environment: whoever
/// hears of what waits in one hears of it, and of its end as well.
pub(super) fn said<'a>(common: &Common, matrix: &'a Matrix, event: &Event) -> Option<Said<'a>> {
    let known = common.proposed.as_deref();
    let (proposal, occasion, subject) = match event {
        Event::MatrixProposed(proposal) => {
            (&**proposal, Occasion::Waiting, "a changed matrix waits for people")
        }
        Event::MatrixReminded(_) => {
            (known?, Occasion::Waiting, "a changed matrix still waits for people")
        }
        Event::MatrixLapsed(_) => {
            (known?, Occasion::Rejected, "a changed matrix has lapsed: nobody agreed in time")
        }
        _ => return None,
    };
    let rules = matrix.environments.iter().map(|environment| &environment.notify.on);
    let channels: BTreeSet<_> =
        rules.filter_map(|on| on.get(&Occasion::Waiting)).flatten().collect();
    let subject = subject.to_owned();
    let rows = rows(common, proposal);
    let next = next(proposal, occasion);
    Some(Said { occasion, channels, tier: None, subject, rows, next })
}

fn rows(common: &Common, proposal: &Proposal) -> Vec<(String, String)> {
    let row = |label: &str, value: &str| (label.to_owned(), line(value));
    let mut rows = vec![row("who", proposal.by.as_str())];
    rows.extend(common.still_asked(proposal).iter().map(|missing| row("missing", missing)));
    rows.push(row("until", &moment(proposal.deadline())));
    rows.extend(proposal.changes.iter().take(SHOWN).map(|place| row("changes", place)));
    let more = proposal.changes.len().saturating_sub(SHOWN);
    rows.extend((more > 0).then(|| row("changes", &format!("and {more} more"))));
    rows
}

fn next(proposal: &Proposal, occasion: Occasion) -> Vec<Next> {
    if occasion == Occasion::Rejected {
        return vec![Next::new("towpath matrix apply", "proposes it again")];
    }
    let plan = proposal.plan.short();
    vec![
        Next::new("towpath waiting", "all that it changes"),
        Next::new(format!("towpath matrix approve {plan}"), "agrees to it"),
        Next::new(format!("towpath matrix reject {plan} --note \"WHY\""), "takes it off"),
    ]
}
