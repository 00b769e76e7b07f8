//! What a rollback would do, and what the second name of the old scripts means.

use towpath_core::ids::{LaneId, Name};
use towpath_core::reason::Next;

use crate::commands::RollbackPlanView;
use crate::report::block::{self, Block};
use crate::report::style::{Style, Symbol};

/// The answer of `rollback --dry-run`, and how it is carried out.
pub(crate) fn text(
    lane: &LaneId,
    plan: &RollbackPlanView,
    quarantine: bool,
    style: &Style,
) -> (String, String) {
    let environment = &lane.environment;
    let Some(to) = &plan.to else {
        let line = format!(
            "{} there is no release that {environment} could go back to\n",
            style.symbol(Symbol::Failed)
        );
        return (line, block::next(&[Next::new("towpath release list", "what there is")]));
    };
    let from = plan.from.as_deref().unwrap_or("nothing");
    let mut block = Block::default();
    block.row(
        "how",
        if plan.standby {
            format!("{to} stands by and takes over at once")
        } else {
            format!("{to} does not stand by; it is started from the kept artefact first")
        },
    );
    if quarantine && plan.from.is_some() {
        block.row(
            "then",
            format!("{from} may not enter {environment} again until a person lifts its quarantine"),
        );
    }
    let head = format!("{environment} would go back from {from} to {to}; nothing was changed\n");
    let keep = if quarantine { "" } else { " --no-quarantine" };
    let next = Next::new(format!("towpath rollback {environment}{keep}"), "carries it out");
    (head + &block.written(4, style), block::next(&[style.naming(next)]))
}

/// What happens to the environment that the old scripts name second.
pub(crate) fn untouched(back_to: &Name) -> String {
    format!("  {back_to} is not touched; it keeps what it serves\n")
}
