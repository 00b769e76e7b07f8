//! What waits for somebody, and whether it waits for whoever asks. Decides nothing: whose it is say the
//! blockers and the rights of the matrix in force.

use towpath_core::ids::{Name, Person};
use towpath_core::people::Verb;
use towpath_core::reason::Next;

use crate::desk::Desk;
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
        let you = match by.token() {
            Some(token) => Desk::new(shared).token(&token).ok().map(|token| token.owner),
            None => authority.and_then(|authority| authority.person_of(by)).cloned(),
        };
        let you = you.map(|person| person.to_string());
        let everybodys = authority.is_none_or(|authority| !authority.knows_people());
        let could = |environment: &str| -> Vec<String> {
            let name = Name::new(environment).ok();
            let all = authority.map(|rights| rights.who_could(Verb::Rollback, name.as_ref()));
            all.unwrap_or_default().iter().map(ToString::to_string).collect()
        };
        let mut waiting: Vec<WaitView> =
            self.status().lanes.iter().flat_map(|lane| of_lane(lane, &could)).collect();
        for wait in &mut waiting {
            let named = you.as_ref().is_some_and(|you| wait.blocker.who.contains(you));
            wait.mine = everybodys || named;
        }
        waiting.retain(|wait| wait.mine || !only_mine);
        WaitingView { format: FORMAT, you, waiting }
    }
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
