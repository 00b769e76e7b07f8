//! What a lane waits for: every wait by name, with who can end it, how, and when it ends by itself.

use crate::check::CheckResult;
use crate::project::Common;
use crate::promotion::state::{CheckKey, GateList, Lane, Promotion, State};
use crate::promotion::{approving, owing};
use crate::reason::{Blocker, Next};
use crate::units::{Timestamp, Weight};

/// What the lane's promotions wait for, by promotion, the active one first.
pub fn blockers(
    common: &Common,
    lane: &Lane,
    promotion: &Promotion,
    now: Timestamp,
) -> Vec<Blocker> {
    let mut found = Vec::new();
    let number = promotion.number;
    if let Some(pause) = &promotion.paused {
        found.push(Blocker {
            what: "person".to_owned(),
            sentence: pause.reason.clone(),
            who: Vec::new(),
            next: vec![
                Next::new(format!("towpath resume {number}"), "lets it go on"),
                Next::new(
                    format!("towpath abort {number}"),
                    match promotion.state {
                        State::Waiting { .. } => "ends it",
                        _ => "returns all traffic",
                    },
                ),
            ],
            until: Some(pause.until),
        });
    }
    found.extend(open_checks(promotion));
    found.extend(approving::blockers(common, lane, promotion, now));
    match &promotion.state {
        State::Waiting { deadline } => {
            if let Some(active) = &lane.active {
                found.push(lane_taken(lane, active, *deadline));
            } else {
                found.extend(holdback_ends(lane, *deadline));
            }
        }
        State::Baking { step, held_since: Some(held), .. } => found.push(Blocker {
            what: "evidence".to_owned(),
            sentence: format!("step {} has too little evidence", step + 1),
            who: Vec::new(),
            next: vec![Next::new(
                format!("towpath health {}", lane.id.environment),
                "does the prober reach it",
            )],
            until: Some(held.plus(promotion.plan.section.rollout.hold_limit)),
        }),
        State::Committing { retry_at: Some(_), .. }
        | State::GoingBack { retry_at: Some(_), .. } => found.push(unconfirmed(promotion)),
        State::Reconciling { since, .. } => found.push(Blocker {
            what: "router".to_owned(),
            sentence: with_cause(
                "recorded and real weights differ; the step is tried again",
                promotion,
            ),
            who: Vec::new(),
            next: vec![Next::new("towpath doctor", "why")],
            until: Some(since.plus(promotion.plan.section.rollout.hold_limit)),
        }),
        _ => {}
    }
    found
}

/// A commit or a return that the router does not confirm. It is ordered on until then, so that the
/// deadline is when a person is called, or a commit is taken back.
fn unconfirmed(promotion: &Promotion) -> Blocker {
    let number = promotion.number;
    let mut next = vec![Next::new("towpath doctor", "does the router answer")];
    match promotion.state {
        State::Committing { .. } => {
            next.push(Next::new(format!("towpath abort {number}"), "returns all traffic"));
        }
        State::GoingBack { returned: true, .. } => {
            let version = &promotion.plan.release.version;
            let resume = format!("gives {version} its share again");
            next.push(Next::new(format!("towpath resume {number}"), resume));
            let abort = format!("ends {version} as well, and this promotion");
            next.push(Next::new(format!("towpath abort {number}"), abort));
        }
        _ => {}
    }
    let (what, sentence, until) = match &promotion.called {
        Some(called) => ("person", called.reason.clone(), Some(called.again_at)),
        None => (
            "router",
            with_cause("what was ordered is not confirmed yet; it is ordered again", promotion),
            promotion.route_overdue_at(),
        ),
    };
    Blocker { what: what.to_owned(), sentence, who: Vec::new(), next, until }
}

fn with_cause(sentence: &str, promotion: &Promotion) -> String {
    match &promotion.router_failed {
        Some(cause) => format!("{sentence}: {cause}"),
        None => sentence.to_owned(),
    }
}

/// Whether a wait ends by a person's word: the command that helps says so. What is only just being
/// looked up may have been said long ago.
pub fn is_for_people(blocker: &Blocker) -> bool {
    let verbs = ["towpath attest ", "towpath approve "];
    let asks = |next: &Next| verbs.iter().any(|verb| next.command.starts_with(verb));
    blocker.next.iter().any(asks) && !blocker.sentence.ends_with(": is being asked")
}

/// The reasons that people still owe for rollbacks of this lane, then reviews and backports, each oldest
/// first. Nothing under way waits for them.
pub fn owed(common: &Common, lane: &Lane) -> Vec<Blocker> {
    let each = lane.owed.iter().map(|owed| Blocker {
        what: "reason".to_owned(),
        sentence: format!("rollback {} owes a reason: {} gave none", owed.number, owed.by),
        who: vec![owed.by.to_string()],
        next: vec![Next::new(
            format!("towpath rollback --amend {} --reason \"REASON\"", owed.number),
            "keeps it in the journal",
        )],
        until: Some(owed.due()),
    });
    each.chain(owing::blockers(common, lane)).collect()
}

fn lane_taken(lane: &Lane, active: &Promotion, deadline: Timestamp) -> Blocker {
    let first =
        if lane.remembered.is_some() { "; then what serves is rolled back first" } else { "" };
    Blocker {
        what: "lane".to_owned(),
        sentence: format!(
            "{} is taken by promotion {} ({}){first}",
            lane.id.environment, active.number, active.plan.release.version
        ),
        who: Vec::new(),
        next: vec![Next::new(format!("towpath watch {}", active.number), "until it ends")],
        until: Some(deadline),
    }
}

fn holdback_ends(lane: &Lane, deadline: Timestamp) -> Option<Blocker> {
    let standby = lane.standby.as_ref()?;
    let holdback = standby.holdback.as_ref()?;
    holdback.ending.as_ref()?;
    let version = &standby.deployment.release.version;
    let (sentence, next) = if holdback.observed == Weight::FULL {
        // It gives nothing back to what it found unhealthy, so that waiting does not help.
        let command = format!("towpath rollback {}", lane.id.environment);
        (
            format!("the router found what serves unhealthy and sends all visitors to {version}"),
            Next::new(command, format!("makes {version} what serves")),
        )
    } else if holdback.has_visitors() {
        (
            format!("no visitor may be on {version} any more; its holdback is being ended"),
            Next::new("towpath doctor", "does the router answer"),
        )
    } else {
        (
            format!("nothing may be asked of {version} any more; the router is to leave it out"),
            Next::new("towpath doctor", "does the router answer"),
        )
    };
    let (what, who) = ("router".to_owned(), Vec::new());
    Some(Blocker { what, sentence, who, next: vec![next], until: Some(deadline) })
}

fn open_checks(promotion: &Promotion) -> Vec<Blocker> {
    let environment = &promotion.plan.lane.environment;
    let gate = &promotion.plan.section.gate;
    let lists =
        [(GateList::Prerequisites, &gate.prerequisites), (GateList::Validation, &gate.validation)];
    let mut found = Vec::new();
    for (list, checks) in lists {
        for check in checks {
            let key = CheckKey { list, slug: check.slug.clone() };
            let Some(progress) = promotion.checks.get(&key) else { continue };
            let answer = progress.answer.as_ref().map(|(answer, _)| answer);
            let passed = answer.is_some_and(|answer| answer.result == CheckResult::Pass);
            if passed && progress.asking.is_none() {
                continue;
            }
            let attested = check.check.kind == "attested";
            let command = if attested {
                let version = &promotion.plan.release.version;
                format!("towpath attest {environment} \"{}\" --release {version}", check.title)
            } else {
                format!("towpath logs {}", promotion.number)
            };
            let roles = check.check.settings.get("by").and_then(|by| by.as_array());
            let who = roles.into_iter().flatten().filter_map(|role| role.as_str());
            found.push(Blocker {
                what: "check".to_owned(),
                sentence: format!(
                    "{}: {}",
                    check.title,
                    match answer {
                        None => "is being asked",
                        Some(_) if passed => "passed too long ago, and is being asked again",
                        Some(answer) => answer.sentence.as_str(),
                    }
                ),
                who: who.map(str::to_owned).collect(),
                next: vec![Next::new(
                    command,
                    if attested { "once it is done" } else { "what it said" },
                )],
                until: progress.ask_again_at,
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::Deployment;
    use crate::ids::{Digest, LaneId, Name, PromotionNumber, Revision, Version};
    use crate::promotion::state::{Holdback, HoldbackEnd, Standby};
    use crate::release::ReleaseRef;

    /// A lane whose holdback is being ended while the old release has `observed`.
    fn ending(observed: Weight) -> Lane {
        let name = |text: &str| Name::new(text).unwrap();
        let mut lane = Lane::new(LaneId { service: name("app"), environment: name("prod") });
        let version = Version::new("1.1.0").unwrap();
        let digest = Digest::of(b"1.1.0");
        let ending = HoldbackEnd {
            sentence: "its time was over".to_owned(),
            retires: true,
            command: None,
            revision: Revision(7),
            first: None,
            since: Timestamp(0),
            retry_at: None,
        };
        lane.standby = Some(Standby {
            deployment: Deployment {
                number: PromotionNumber(1),
                release: ReleaseRef { version, digest },
                capacity: 1,
                endpoints: Vec::new(),
            },
            until: Timestamp(0),
            holdback: Some(Holdback {
                share: Weight::from_basis_points(500).unwrap(),
                observed,
                until: Timestamp(0),
                acts: true,
                ending: Some(ending),
            }),
            settings: None,
        });
        lane
    }

    #[test]
    fn a_router_that_went_back_is_waited_for_in_vain_and_the_way_out_is_named() {
        let next = |observed| {
            let blocker = holdback_ends(&ending(observed), Timestamp(0)).unwrap();
            blocker.next[0].command.clone()
        };
        assert_eq!(next(Weight::FULL), "towpath rollback prod");
        assert_eq!(next(Weight::ZERO), "towpath doctor");
    }
}
