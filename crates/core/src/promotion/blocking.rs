//! What a lane waits for: every wait by name, with who can end it, how, and when it ends by itself.

use crate::check::CheckResult;
use crate::promotion::state::{CheckKey, GateList, Lane, Promotion, State};
use crate::reason::{Blocker, Next};
use crate::units::Timestamp;

/// What the lane's promotions wait for, by promotion, the active one first.
pub fn blockers(lane: &Lane, promotion: &Promotion) -> Vec<Blocker> {
    let mut found = Vec::new();
    let number = promotion.number;
    if let Some(pause) = &promotion.paused {
        found.push(Blocker {
            what: "person".to_owned(),
            sentence: pause.reason.clone(),
            who: Vec::new(),
            next: vec![
                Next::new(format!("towpath resume {number}"), "lets it go on"),
                Next::new(format!("towpath abort {number}"), "returns all traffic"),
            ],
            until: Some(pause.until),
        });
    }
    found.extend(open_checks(promotion));
    match &promotion.state {
        State::Waiting { deadline } => {
            if let Some(active) = &lane.active {
                found.push(lane_taken(lane, active, *deadline));
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
        State::Committing { retry_at: Some(at), .. }
        | State::GoingBack { retry_at: Some(at), .. } => {
            found.push(Blocker {
                what: "router".to_owned(),
                sentence: "what was ordered is not confirmed yet; it is ordered again".to_owned(),
                who: Vec::new(),
                next: vec![Next::new("towpath doctor", "why")],
                until: Some(*at),
            });
        }
        State::Reconciling { since, .. } => found.push(Blocker {
            what: "router".to_owned(),
            sentence: "recorded and real weights differ; the step is tried again".to_owned(),
            who: Vec::new(),
            next: vec![Next::new("towpath doctor", "why")],
            until: Some(since.plus(promotion.plan.section.rollout.hold_limit)),
        }),
        _ => {}
    }
    found
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
            if answer.is_some_and(|answer| answer.result == CheckResult::Pass) {
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
                    answer.map_or("is being asked", |answer| answer.sentence.as_str())
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
