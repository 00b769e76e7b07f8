//! Who and when lets a release in: automatic edges, triggers, windows and freezes. Knows no clock, so a
//! freeze of certain dates is never judged.

use towpath_core::matrix::{Decider, Tier};

use super::Lane;
use super::values::texts;
use crate::codes::Code;
use crate::problem::{Problem, Problems};
use crate::sections::schedule::DAYS;
use crate::tree::Node;

/// Production that takes in every verified release with nobody and nothing asked.
pub(super) fn automatic_into_production(lane: &Lane<'_>, problems: &mut Problems) {
    let environment = lane.environment;
    let open = environment.tier == Tier::Production && environment.promote == Decider::Automatic;
    let Some(promote) = lane.node.node.get("promote").filter(|_| open) else { return };
    let asked = lane.get("gate", "prerequisites").is_some_and(|it| !it.items().is_empty());
    let agreed = lane.node.node.get("approvals").is_some_and(|it| !it.entries().is_empty());
    if asked || agreed {
        return;
    }
    let before: Vec<_> = environment.after.names().iter().map(ToString::to_string).collect();
    let message = format!(
        "whatever {} verifies goes on into {} with no check and no approval",
        super::values::listed(&before),
        environment.name
    );
    let problem = Problem::new(Code::AutomaticIntoProduction, promote.extent, message)
        .label("a release reaches users minutes after it was made")
        .next(
            "add a prerequisite such as `{ check: soak, in: staging, for: 24h }`, or `approvals`",
        );
    lane.add(problem, problems);
}

/// An edge that carries on by itself what then waits for people. An approval that only some kinds of
/// change need leaves the others to go on by themselves, as they should.
pub(super) fn automatic_with_approvals(lane: &Lane<'_>, problems: &mut Problems) {
    if lane.environment.promote != Decider::Automatic {
        return;
    }
    let asks = |kind: &&str| {
        let roles = lane.get("approvals", kind).map(Node::entries).unwrap_or_default();
        roles.iter().any(|role| !role.key.starts_with("x-"))
    };
    let kind = ["all", "feature"].into_iter().find(asks);
    let asked = kind.and_then(|kind| lane.get("approvals", kind));
    let (Some(promote), Some(asked)) = (lane.node.node.get("promote"), asked) else { return };
    let message =
        format!("releases go on into {} by themselves, and then wait for people", lane.name());
    let problem = Problem::new(Code::AutomaticWithApprovals, promote.extent, message)
        .label("nobody need order it")
        .related(asked.extent, "and somebody must agree")
        .next("write `promote: manual`, or leave `approvals` out; keep both if that is the way");
    lane.add(problem, problems);
}

/// Triggers that wait for what does not happen in a forge.
pub(super) fn trigger_never(lane: &Lane<'_>, problems: &mut Problems) {
    let triggers = lane.node.node.get("triggers").map(Node::items).unwrap_or_default();
    for trigger in triggers {
        let (branch, tag) = (trigger.get("branch"), trigger.get("tag"));
        let event = trigger.get("event").and_then(Node::text).unwrap_or_default();
        let (place, message, next) = match (event, branch, tag) {
            ("merge" | "pull-request", _, Some(tag)) => {
                (tag, format!("a {event} has no tag"), "write `branch:` instead, or `event: tag`")
            }
            ("push", Some(_), Some(tag)) => (
                tag,
                "a push is of a branch or of a tag, and never of both".to_owned(),
                "make two triggers of it",
            ),
            // Together with a tag, a branch says where the tagged commit must be.
            ("tag", Some(branch), None) => (
                branch,
                "a tag is pushed to no branch, and no tag is named".to_owned(),
                "say which tags: `tag: v*`; or write `event: push`",
            ),
            _ => continue,
        };
        let problem = Problem::new(Code::TriggerNever, place.extent, message)
            .label("nothing that happens is this")
            .next(next);
        lane.add(problem, problems);
    }
}

/// Windows that open only on days that are always frozen.
pub(super) fn window_never(lane: &Lane<'_>, problems: &mut Problems) {
    let section = |name| lane.node.node.get(name).or_else(|| lane.whole.root.get(name));
    let freezes = section("freezes").map(Node::items).unwrap_or_default();
    // One that has dates ends, and one with exceptions lets something through.
    let endless = |it: &&Node| {
        ["from", "until", "except", "dates", "hours", "cron"]
            .into_iter()
            .all(|key| it.get(key).is_none())
    };
    let freezes: Vec<_> = freezes.iter().filter(endless).collect();
    let Some(first) = freezes.first() else { return };
    let frozen = |day: &str, zone: &str| {
        freezes.iter().any(|freeze| zone_of(freeze) == zone && days(freeze).any(|it| it == day))
    };
    let windows = section("windows");
    let never = match windows {
        Some(windows) => {
            !windows.items().is_empty()
                && windows.items().iter().all(|window| {
                    let open = days_or_all(window);
                    !open.is_empty() && open.iter().all(|day| frozen(day, zone_of(window)))
                })
        }
        None => DAYS.iter().all(|day| frozen(day, zone_of(first))),
    };
    if !never {
        return;
    }
    let name = lane.name();
    let problem = match windows {
        Some(windows) => Problem::new(
            Code::WindowNever,
            windows.extent,
            format!("nothing can ever be promoted into {name}: its windows open on frozen days"),
        )
        .label("open only then")
        .related(first.extent, "frozen every week"),
        None => Problem::new(
            Code::WindowNever,
            first.extent,
            format!("nothing can ever be promoted into {name}: every day of the week is frozen"),
        )
        .label("frozen every week"),
    };
    lane.add(problem.next("leave one day of the week open"), problems);
}

fn days(node: &Node) -> impl Iterator<Item = &str> {
    node.get("days").into_iter().flat_map(texts).map(|(day, _)| day)
}

fn days_or_all(window: &Node) -> Vec<&str> {
    if window.get("days").is_some() { days(window).collect() } else { DAYS.to_vec() }
}

fn zone_of(node: &Node) -> &str {
    node.get("zone").and_then(Node::text).unwrap_or("UTC")
}
