//! What a lane demands of a release that nothing here enforces, and which of it an order goes
//! without by name. Owns these refusals; judges nothing that is enforced.

use crate::matrix::{Environment, LaneSpec, Unenforced};
use crate::promotion::entering::{Checked, named_from, named_release, serves};
use crate::promotion::input::PromotionOrder;
use crate::promotion::state::Lane;
use crate::reason::{Refusal, RefusalKind};
use crate::release::Release;

/// The demands that the order goes without, by their paths, or why it may not. Of a release that is
/// not known yet only what is demanded of all is asked.
pub(super) fn unenforced(
    lane: &Lane,
    environment: &Environment,
    section: &LaneSpec,
    release: Option<&Release>,
    order: &PromotionOrder,
) -> Checked<Vec<String>> {
    let migrations = of_release(release);
    let (accepted, refused): (Vec<_>, Vec<_>) = demands(section, release, &migrations)
        .filter(|demand| demand.refuses && !is_gone_past(section, demand, order))
        .partition(|demand| is_accepted(demand, order));
    if !refused.is_empty() {
        return Err(Box::new(not_enforced(lane, environment, order, &accepted, &refused)));
    }
    if !order.accept_unenforced.is_empty() && order.why().is_none() {
        return Err(Box::new(Refusal::new(
            RefusalKind::Usage,
            "reason-needed",
            "nothing was started",
            "going without a demand of the matrix needs a reason: --reason \"REASON\"",
        )));
    }
    Ok(accepted.into_iter().map(|demand| demand.path.clone()).collect())
}

/// Whether whoever breaks the glass goes past what the demand belongs to. Approvals stay where a second
/// person is asked for, and nobody could be one.
fn is_gone_past(section: &LaneSpec, demand: &Unenforced, order: &PromotionOrder) -> bool {
    let past = [".approvals", ".gate.prerequisites", ".windows", ".freezes", ".coordinate_with"];
    let by_two = section.approvals.as_ref().is_some_and(|rules| !rules.break_glass.is_empty());
    if by_two && demand.path.ends_with(".approvals") {
        return false;
    }
    order.break_glass && past.iter().any(|part| demand.path.contains(part))
}

/// A name that means nothing that is demanded of this release would be thought to have accepted something.
pub(super) fn accepts_something(
    section: &LaneSpec,
    release: &Release,
    order: &PromotionOrder,
) -> Checked<()> {
    let migrations = of_release(Some(release));
    let demands = || demands(section, Some(release), &migrations);
    let means_nothing = |name: &&String| !demands().any(|demand| demand.is_named(name));
    let Some(name) = order.accept_unenforced.iter().find(means_nothing) else { return Ok(()) };
    let known: Vec<_> = demands()
        .filter(|demand| demand.refuses && !demand.is_runner())
        .map(Unenforced::short_name)
        .collect();
    let cause = match known.as_slice() {
        [] => "nothing here has to be accepted".to_owned(),
        known => format!("what can be accepted is {}", known.join(", ")),
    };
    let of_others = section.unenforced.iter().find(|demand| demand.is_named(name));
    let shown = name.escape_debug();
    let message = match of_others.and_then(Unenforced::change_type) {
        Some(other) => format!(
            "`{shown}` is demanded of releases of the type {other}, and {} is of the type {}, so \
             nothing is accepted",
            release.version,
            release.change_type.as_str()
        ),
        None => format!("nothing here is called `{shown}`, so nothing is accepted"),
    };
    Err(Box::new(
        Refusal::new(RefusalKind::Usage, "accepts-nothing", message, cause)
            .next("towpath matrix check", "lists what is not enforced"),
    ))
}

/// What is demanded of this release; of one that is not known yet, what is demanded of all.
fn demands<'a>(
    section: &'a LaneSpec,
    release: Option<&'a Release>,
    migrations: &'a Unenforced,
) -> impl Iterator<Item = &'a Unenforced> {
    let concerns = move |demand: &&Unenforced| match release {
        Some(release) => demand.concerns(release.change_type),
        None => demand.change_type().is_none(),
    };
    section.unenforced.iter().filter(concerns).chain([migrations])
}

/// What a release itself demands.
fn of_release(release: Option<&Release>) -> Unenforced {
    Unenforced {
        path: "release.migrations".to_owned(),
        reason: "this version runs no migrations, and the release brings some".to_owned(),
        refuses: release.is_some_and(|release| !release.migrations.is_empty()),
    }
}

fn is_accepted(demand: &Unenforced, order: &PromotionOrder) -> bool {
    !demand.is_runner() && order.accept_unenforced.iter().any(|name| demand.is_named(name))
}

/// Names every demand at once, and in the command those that were accepted already as well.
fn not_enforced(
    lane: &Lane,
    environment: &Environment,
    order: &PromotionOrder,
    accepted: &[&Unenforced],
    refused: &[&Unenforced],
) -> Refusal {
    let to = &environment.name;
    let message = format!(
        "nothing may enter {to}: the matrix demands what this version cannot enforce; {}",
        serves(lane)
    );
    let cause = if let [one] = refused {
        one.reason.clone()
    } else {
        let each = refused.iter().map(|one| format!("{}: {}", one.short_name(), one.reason));
        each.collect::<Vec<_>>().join("; ")
    };
    let paths: Vec<_> = refused.iter().map(|demand| demand.path.as_str()).collect();
    let refusal =
        Refusal::new(RefusalKind::Gate, "not-enforced", message, cause).at(paths.join(", "));
    if refused.iter().any(|demand| demand.is_runner()) {
        return refusal.next("towpath adapters", "the kinds that run; this cannot be accepted");
    }
    let mut flags: Vec<String> = Vec::new();
    for demand in accepted.iter().chain(refused) {
        let flag = format!("--accept-unenforced {}", demand.short_name());
        if !flags.contains(&flag) {
            flags.push(flag);
        }
    }
    let flags = flags.join(" ");
    let from = named_from(order);
    let release = named_release(order);
    let verb = if order.break_glass { "break-glass" } else { "promote" };
    refusal.next(
        format!("towpath {verb} {from}{to}{release} {flags} --reason \"REASON\""),
        "goes without it; the journal keeps who and why",
    )
}
