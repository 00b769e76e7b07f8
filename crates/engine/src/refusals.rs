//! Which refused orders are written into the journal: the first of its kind at once, those like it
//! within an hour as one event with their number. Owns that rule, so that nobody fills a disk by being
//! refused; refuses nothing itself.

use std::collections::BTreeMap;

use towpath_core::ids::{LaneId, Person, PromotionNumber, TokenId};
use towpath_core::journal::{Event, RefusedOrder};
use towpath_core::promotion::input::Input;
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_core::units::{Span, Timestamp};

use crate::orders::Order;
use crate::shared::Shared;
use crate::{journal, rights};

/// For how long refusals that are alike are one.
const WITHIN: Span = Span::hours(1);
/// Kinds of refusals that are told apart at once. Whatever else is refused within the hour is counted
/// together: an hour never has more than some 130 events of refusals, about 64 KiB.
const MOST: usize = 64;
/// What those beyond that are called.
const OTHERS: &str = "others";

/// An order by which a refusal is known again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    by: Person,
    token: Option<TokenId>,
    from: Option<String>,
    order: &'static str,
    number: Option<PromotionNumber>,
    lane: Option<LaneId>,
}

impl Asked {
    /// What `input` orders in `lane`; none for what the world or the program did.
    pub(crate) fn of_lane(lane: &LaneId, input: &Input, from: Option<String>) -> Option<Self> {
        let (verb, by) = rights::verb_of(input)?;
        let number = match input {
            Input::PauseOrdered { number, .. }
            | Input::ResumeOrdered { number, .. }
            | Input::AbortOrdered { number, .. }
            | Input::ReasonGiven { number, .. } => Some(*number),
            _ => None,
        };
        let lane = Some(lane.clone());
        (!by.is_program()).then(|| Self {
            by: by.clone(),
            token: None,
            from,
            order: verb.key(),
            number,
            lane,
        })
    }

    /// The same of an order that belongs to no lane.
    pub(crate) fn of_project(order: &Order, from: Option<String>) -> Self {
        let (verb, by) = rights::verb_of_project(order);
        let lane = match order {
            Order::Attest(statement) => Some(statement.attested.lane.clone()),
            _ => None,
        };
        let name = match order {
            Order::CreateToken(_) => "create_token",
            Order::RevokeToken(_) => "revoke_token",
            _ => verb.key(),
        };
        Self { by: by.clone(), token: None, from, order: name, number: None, lane }
    }
}

impl Asked {
    /// Somebody who tried to sign in as `person`; none where nobody of that name is known.
    pub(crate) fn to_sign_in(person: Option<Person>, from: String) -> Self {
        let by = person.unwrap_or_else(nobody);
        Self { by, token: None, from: Some(from), order: "sign_in", number: None, lane: None }
    }

    /// The same of whoever came with a token: its owner, or nobody who is known.
    pub(crate) fn through(self, token: Option<TokenId>, shared: &Shared) -> Self {
        if let Some((_, by)) = self.by.session() {
            return Self { by, ..self };
        }
        let Some(id) = token.or_else(|| self.by.token()) else { return self };
        let owner = shared.read(|project| project.common.token(&id).map(|it| it.owner.clone()));
        let by = if self.by.token().is_none() { self.by } else { owner.unwrap_or_else(nobody) };
        Self { by, token: Some(id), ..self }
    }
}

/// Whoever came with a token that nobody remembers.
fn nobody() -> Person {
    Person::new("nobody").expect("a name without anything odd")
}

type Key = (String, &'static str, Option<PromotionNumber>, Option<LaneId>, String);

/// What was refused within the last hour.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    known: BTreeMap<Key, Repeated>,
}

#[derive(Debug)]
struct Repeated {
    since: Timestamp,
    /// What is written of those that were not, their number included.
    untold: RefusedOrder,
    lane: Option<LaneId>,
    /// Who was refused, and by which token.
    actor: String,
}

/// An event of a refusal, where it belongs, and who caused it.
pub(crate) type Told = (Option<LaneId>, String, Event);

impl Refusals {
    /// Takes note of a refusal; answers what is to be written at once. That something is so already,
    /// does not exist or was typed wrongly is no attempt at anything.
    pub(crate) fn note(&mut self, asked: Asked, refusal: &Refusal, now: Timestamp) -> Option<Told> {
        match refusal.kind {
            RefusalKind::NotAllowed | RefusalKind::Gate | RefusalKind::Conflict => {}
            RefusalKind::AlreadySo | RefusalKind::Usage | RefusalKind::NotFound => return None,
        }
        let actor = journal::through(asked.by.to_string(), asked.token.as_ref());
        let mut key =
            (actor.clone(), asked.order, asked.number, asked.lane.clone(), refusal.code.clone());
        let mut refused = RefusedOrder {
            by: asked.by,
            from: asked.from,
            order: asked.order.to_owned(),
            number: asked.number,
            code: refusal.code.clone(),
            kind: refusal.kind,
            sentence: sentence(refusal),
            times: 1,
            since: now,
        };
        let mut lane = asked.lane;
        if !self.known.contains_key(&key) && self.known.len() >= MOST {
            key = (String::new(), OTHERS, None, None, String::new());
            OTHERS.clone_into(&mut refused.order);
            "these are orders of several people or kinds".clone_into(&mut refused.sentence);
            (refused.number, lane) = (None, None);
        }
        if let Some(known) = self.known.get_mut(&key) {
            if known.untold.times == 0 {
                known.untold.since = now;
            }
            known.untold.times += 1;
            return None;
        }
        let untold = RefusedOrder { times: 0, ..refused.clone() };
        let known = Repeated { since: now, untold, lane: lane.clone(), actor: actor.clone() };
        self.known.insert(key, known);
        Some(told(lane, actor, refused))
    }

    /// What is to be written of those whose hour is over, or of all when `all` end with the engine.
    pub(crate) fn due(&mut self, now: Timestamp, all: bool) -> Vec<Told> {
        let mut due = Vec::new();
        self.known.retain(|_, known| {
            let is_over = all || now.since(known.since) >= WITHIN;
            if is_over && known.untold.times > 0 {
                let (lane, actor) = (known.lane.clone(), known.actor.clone());
                due.push(told(lane, actor, known.untold.clone()));
            }
            !is_over
        });
        due
    }
}

fn told(lane: Option<LaneId>, actor: String, refused: RefusedOrder) -> Told {
    (lane, actor, Event::OrderRefused(Box::new(refused)))
}

fn sentence(refusal: &Refusal) -> String {
    match &refusal.cause {
        Some(cause) => format!("{}: {cause}", refusal.message),
        None => refusal.message.clone(),
    }
}

#[cfg(test)]
mod tests {
    use towpath_core::ids::Name;

    use super::*;

    fn asked(by: &str, environment: &str) -> Asked {
        let lane = LaneId {
            service: Name::new("api").expect("a name"),
            environment: Name::new(environment).expect("a name"),
        };
        let by = Person::new(by).expect("a person");
        Asked { by, token: None, from: None, order: "promote", number: None, lane: Some(lane) }
    }

    fn no(kind: RefusalKind) -> Refusal {
        Refusal::new(kind, "no", "nothing was started", "it may not")
    }

    fn times(told: &[Told]) -> Vec<u64> {
        let of = |event: &Event| match event {
            Event::OrderRefused(refused) => refused.times,
            other => panic!("{other:?}"),
        };
        told.iter().map(|(_, _, event)| of(event)).collect()
    }

    fn minute(minute: i64) -> Timestamp {
        Timestamp(minute * 60_000_000)
    }

    #[test]
    fn the_first_is_told_at_once_and_those_like_it_together_after_an_hour() {
        let mut refusals = Refusals::default();
        let refused = no(RefusalKind::Gate);
        let first = refusals.note(asked("bilal", "live"), &refused, minute(0));
        assert_eq!(times(&Vec::from_iter(first)), [1]);
        for at in 1..=50 {
            assert!(refusals.note(asked("bilal", "live"), &refused, minute(at)).is_none());
        }
        assert!(refusals.note(asked("chen", "live"), &refused, minute(5)).is_some(), "another one");
        assert!(refusals.note(asked("bilal", "test"), &refused, minute(5)).is_some());
        assert!(refusals.due(minute(59), false).is_empty());
        let due = refusals.due(minute(60), false);
        assert_eq!(times(&due), [50]);
        let Event::OrderRefused(refused_then) = &due[0].2 else { panic!("{due:?}") };
        assert_eq!(refused_then.since, minute(1));
        let again = refusals.note(asked("bilal", "live"), &refused, minute(61));
        assert_eq!(times(&Vec::from_iter(again)), [1], "a new hour");
    }

    #[test]
    fn a_loop_of_refused_orders_of_all_kinds_writes_a_bounded_number_of_events() {
        let mut refusals = Refusals::default();
        let mut written = 0;
        for number in 0..10_000 {
            let asked = asked(&format!("p{number}"), "live");
            let told = refusals.note(asked, &no(RefusalKind::NotAllowed), minute(number % 60));
            written += usize::from(told.is_some());
        }
        let rest = refusals.due(minute(60), true);
        assert_eq!(times(&rest).iter().sum::<u64>() + written as u64, 10_000, "none is lost");
        assert!(written + rest.len() <= 2 * (MOST + 1), "{written} {}", rest.len());
        assert!(refusals.due(minute(600), true).is_empty());
    }

    #[test]
    fn what_is_no_attempt_at_anything_is_not_told() {
        for kind in [RefusalKind::AlreadySo, RefusalKind::Usage, RefusalKind::NotFound] {
            assert!(
                Refusals::default().note(asked("bilal", "live"), &no(kind), minute(0)).is_none()
            );
        }
    }
}
