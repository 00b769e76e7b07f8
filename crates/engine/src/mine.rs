//! What waits for somebody, and whether it waits for whoever asks. Decides nothing: whose it is say the
//! blockers and the rights of the matrix in force.

use towpath_access::Authority;
use towpath_core::ids::{Name, Person};
use towpath_core::people::Verb;
use towpath_core::reason::Next;

use crate::rights::Rights;
use crate::run_loop::Engine;
use crate::views::{BlockerView, FORMAT, LaneView, WaitView, WaitingView};

impl Engine {
    /// Everything that waits in all lanes, by environment in the order of the file; with `only_mine` what
    /// whoever is behind `by` can do something about. Where the matrix names nobody, that is everything.
    pub fn waiting(&self, by: &Person, only_mine: bool) -> WaitingView {
        let shared = &self.shared;
        let rights = Rights::in_force(shared);
        let authority = rights.authority().ok();
        let you = self.named(by);
        let everybodys = authority.is_none_or(|authority| !authority.knows_people());
        let could = |environment: &str| -> Vec<String> {
            let name = Name::new(environment).ok();
            let all = authority.map(|rights| rights.who_could(Verb::Rollback, name.as_ref()));
            all.unwrap_or_default().iter().map(ToString::to_string).collect()
        };
        let mut waiting: Vec<WaitView> =
            self.status().lanes.iter().flat_map(|lane| of_lane(lane, &could)).collect();
        let could_end = |wait: &WaitView| match (&you, authority) {
            (Some(you), Some(authority)) => can_end(authority, you, wait),
            _ => false,
        };
        for wait in &mut waiting {
            wait.mine = everybodys || could_end(wait);
        }
        waiting.retain(|wait| wait.mine || !only_mine);
        WaitingView { format: FORMAT, you: you.map(|you| you.to_string()), waiting }
    }
}

/// Whether `you` can do something about it: named, or of a role that a check names, or, where it names
/// nobody, of the right that a command which ends it needs.
fn can_end(authority: &Authority, you: &Person, wait: &WaitView) -> bool {
    let BlockerView { what, who, next, .. } = &wait.blocker;
    let place = Name::new(&wait.environment).ok();
    let may = |verb| authority.allows(you, verb, place.as_ref());
    if who.iter().any(|who| who == you.as_str()) {
        return true;
    }
    let mut verbs = next.iter().filter_map(|next| ended_by(&next.command));
    match what.as_str() {
        _ if who.is_empty() => verbs.any(may),
        // A check names roles, and only one that people answer waits for one of them.
        "check" => {
            let has = place.as_ref().map(|place| authority.roles_of(you, place));
            let has_one = has.is_some_and(|has| who.iter().any(|who| has.contains(who.as_str())));
            has_one && verbs.any(may)
        }
        _ => false,
    }
}

/// The right that a command needs which ends a wait; none where it only looks, or gives up what waits.
fn ended_by(command: &str) -> Option<Verb> {
    let verb = command.strip_prefix("towpath ")?.split(' ').next()?;
    Some(match verb {
        "approve" | "settle" => Verb::Approve,
        "attest" => Verb::Attest,
        "resume" => Verb::Pause,
        "thaw" => Verb::Thaw,
        "rollback" => Verb::Rollback,
        "quarantine" => Verb::LiftQuarantine,
        _ => return None,
    })
}

fn of_lane(lane: &LaneView, could: &dyn Fn(&str) -> Vec<String>) -> Vec<WaitView> {
    let wait = |promotion: Option<u64>, release: Option<&str>, blocker: BlockerView| WaitView {
        service: lane.service.clone(),
        environment: lane.environment.clone(),
        promotion,
        release: release.map(str::to_owned),
        blocker,
        mine: false,
    };
    let asks = lane.asks.as_ref().map(|sentence| BlockerView {
        what: "rollback".to_owned(),
        sentence: sentence.clone(),
        who: could(&lane.environment),
        until: None,
        next: vec![Next::new(format!("towpath rollback {}", lane.environment), "takes it back")],
    });
    let mut all: Vec<WaitView> = asks.into_iter().map(|ask| wait(None, None, ask)).collect();
    if let Some(promotion) = &lane.promotion {
        let each = promotion.waits_for.iter();
        let number = Some(promotion.number);
        all.extend(each.map(|blocker| wait(number, Some(&promotion.release), blocker.clone())));
    }
    all.extend(lane.owes.iter().map(|owed| wait(None, None, owed.clone())));
    all
}
