//! Freezes that people set and end: which there are, whom each holds, and who may take which place.
//! Owns the answers to both orders; what a freeze does to a promotion is in `promotion::held`.

use serde::{Deserialize, Serialize};

use crate::ids::{LaneId, Name, Person};
use crate::journal::Event;
use crate::matrix::Matrix;
use crate::project::Common;
use crate::reason::{Refusal, RefusalKind};
use crate::release::ChangeType;
use crate::speaking::{Says, Signed, Spoken};
use crate::units::Timestamp;

/// Longest reason, in characters: it stands in every answer about what it holds.
pub const LONGEST_REASON: usize = 500;
/// Most freezes at once: one for each lane of a large matrix. A scope has one freeze, so that this bounds
/// only what is left of lanes that are not declared any more.
pub const MOST_FREEZES: usize = 1_000;

/// What a freeze holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Scope {
    /// Only this environment; none: all.
    pub environment: Option<Name>,
    /// Only this service; none: all.
    pub service: Option<Name>,
}

impl Scope {
    /// Whether it holds this lane.
    pub fn holds(&self, lane: &LaneId) -> bool {
        self.environment.as_ref().is_none_or(|own| *own == lane.environment)
            && self.service.as_ref().is_none_or(|own| *own == lane.service)
    }

    /// In a sentence: `production`, `api in production`, `api everywhere`, `everything`.
    pub fn words(&self) -> String {
        match (&self.environment, &self.service) {
            (Some(environment), Some(service)) => format!("{service} in {environment}"),
            (Some(environment), None) => environment.to_string(),
            (None, Some(service)) => format!("{service} everywhere"),
            (None, None) => "everything".to_owned(),
        }
    }

    /// The command that ends a freeze of it.
    pub fn thaw_command(&self) -> String {
        format!("towpath thaw{}", self.arguments())
    }

    /// As it is typed after a verb, with a space before each word.
    pub fn arguments(&self) -> String {
        let environment = self.environment.as_ref().map(|name| format!(" {name}"));
        let service = self.service.as_ref().map(|name| format!(" --service {name}"));
        environment.unwrap_or_default() + &service.unwrap_or_default()
    }
}

/// No promotion starts and no weight rises in its scope until it is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// What it holds.
    pub scope: Scope,
    /// Who set it.
    pub by: Person,
    /// Why.
    pub reason: String,
    /// When it ends by itself; none: when somebody thaws it.
    pub until: Option<Timestamp>,
    /// Types of change that it lets through.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<ChangeType>,
    /// Since when.
    #[serde(default)]
    pub since: Timestamp,
}

impl Freeze {
    /// Whether it is not over at `now`.
    pub fn is_on(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// Whether it holds promotions of this type in this lane while it is on.
    pub fn holds(&self, lane: &LaneId, change: ChangeType) -> bool {
        self.scope.holds(lane) && !self.except.contains(&change)
    }

    /// Whether it holds whatever `other` holds, for as long.
    fn is_as_strict_as(&self, other: &Self) -> bool {
        let is_as_long = match (self.until, other.until) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(theirs)) => own >= theirs,
        };
        is_as_long && self.except.iter().all(|change| other.except.contains(change))
    }
}

/// Somebody ends a freeze.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thaw {
    /// Of what.
    pub scope: Scope,
    /// Who.
    pub by: Person,
    /// Why.
    pub reason: Option<String>,
    /// The word as it was signed, of whoever has a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Signed>,
}

/// What is asked of an order, or why it is refused.
type Checked = Result<Event, Box<Refusal>>;

impl Common {
    /// Freezes that are on at `now`, in the order in which they were set.
    pub fn freezes_on(&self, now: Timestamp) -> impl Iterator<Item = &Freeze> {
        self.freezes.iter().filter(move |freeze| freeze.is_on(now))
    }

    /// Freezes that hold promotions of this type in this lane at `now`.
    pub fn freezes_of(
        &self,
        lane: &LaneId,
        change: ChangeType,
        now: Timestamp,
    ) -> impl Iterator<Item = &Freeze> {
        self.freezes_on(now).filter(move |freeze| freeze.holds(lane, change))
    }

    /// What follows from the order to freeze. A freeze of the same scope is replaced by one that is at
    /// least as strict, and by no other: whoever may freeze may not thereby thaw.
    ///
    /// # Errors
    /// The refusal; nothing is frozen by it.
    pub fn freeze(&self, freeze: Freeze, now: Timestamp) -> Checked {
        self.knows(&freeze.scope, "nothing was frozen")?;
        let said = |code, cause: String| {
            let refusal = Refusal::new(RefusalKind::Usage, code, "nothing was frozen", cause);
            Err(Box::new(refusal.next("towpath help freeze", "what may be said of a freeze")))
        };
        if freeze.reason.trim().is_empty() {
            return said("reason-needed", "whoever is held wants to know why".to_owned());
        }
        if freeze.reason.chars().count() > LONGEST_REASON {
            return said(
                "too-long",
                format!("its reason has more than {LONGEST_REASON} characters"),
            );
        }
        if !freeze.is_on(now) {
            return said("over-already", "it would be over before it begins".to_owned());
        }
        let same = self.freezes_on(now).find(|known| known.scope == freeze.scope);
        if let Some(known) = same.filter(|known| !freeze.is_as_strict_as(known)) {
            return Err(Box::new(looser(known)));
        }
        if same.is_none() && self.freezes_on(now).count() >= MOST_FREEZES {
            return said("too-many-freezes", format!("{MOST_FREEZES} freezes are on already"));
        }
        Ok(Event::Frozen(Freeze { since: now, ..freeze }))
    }

    /// What follows from the order to thaw.
    ///
    /// # Errors
    /// The refusal; nothing is thawed by it.
    pub fn thaw(&self, thaw: Thaw, now: Timestamp) -> Checked {
        if self.freezes_on(now).any(|known| known.scope == thaw.scope) {
            let spoken = Spoken {
                service: thaw.scope.service.as_ref(),
                environment: thaw.scope.environment.as_ref(),
                note: thaw.reason.as_deref(),
                taken: Some(&self.taken),
                ..Spoken::new(&thaw.by, Says::Thaw)
            };
            spoken.heard(self.matrix.as_ref(), thaw.signed.as_ref(), now)?;
            return Ok(Event::Thawed(thaw));
        }
        self.knows(&thaw.scope, "nothing was thawed")?;
        let words = thaw.scope.words();
        let wider = self.freezes_on(now).find(|known| covers(&known.scope, &thaw.scope));
        let refusal = if let Some(wider) = wider {
            let held = wider.scope.words();
            let cause = format!("the freeze that holds it is of {held}: \"{}\"", wider.reason);
            let message = format!("{words} has no freeze of its own; nothing was thawed");
            Refusal::new(RefusalKind::Conflict, "frozen-with-others", message, cause)
                .next(wider.scope.thaw_command(), format!("ends the freeze of {held}"))
        } else {
            let message = format!("{words} is not frozen; nothing was thawed");
            let cause = "nobody froze it, or the freeze is over; what the matrix declares in \
                             `freezes` ends when it says";
            Refusal::new(RefusalKind::NotFound, "not-frozen", message, cause)
                .next("towpath status", "what is frozen")
        };
        Err(Box::new(refusal))
    }

    fn knows(&self, scope: &Scope, otherwise: &str) -> Result<(), Box<Refusal>> {
        let names = |all: Vec<&str>| format!("the matrix has {}", all.join(", "));
        let unknown = |matrix: &Matrix| {
            if let Some(name) = &scope.environment
                && matrix.environment(name).is_none()
            {
                let all = matrix.environments.iter().map(|one| one.name.as_str()).collect();
                return Some((format!("there is no environment `{name}`"), names(all)));
            }
            let service = scope.service.as_ref()?;
            let all = || matrix.services.keys().map(Name::as_str).collect();
            (!matrix.services.contains_key(service))
                .then(|| (format!("there is no service `{service}`"), names(all())))
        };
        let found = match &self.matrix {
            Some(matrix) => unknown(matrix),
            None => Some(("there is no matrix".to_owned(), "none has been applied".to_owned())),
        };
        let Some((message, cause)) = found else { return Ok(()) };
        let message = format!("{message}; {otherwise}");
        Err(Box::new(
            Refusal::new(RefusalKind::NotFound, "no-such-scope", message, cause)
                .next("towpath status", "what there is"),
        ))
    }

    /// What is so after somebody froze or thawed something. What is over is forgotten.
    pub(crate) fn freeze_changed(&mut self, event: &Event, at: Timestamp) {
        let scope = match event {
            Event::Frozen(freeze) => &freeze.scope,
            Event::Thawed(thaw) => &thaw.scope,
            _ => return,
        };
        self.freezes.retain(|known| known.is_on(at) && known.scope != *scope);
        if let Event::Frozen(freeze) = event {
            self.freezes.push(freeze.clone());
        }
    }
}

/// Whether all that `inner` holds is held by `outer` as well.
fn covers(outer: &Scope, inner: &Scope) -> bool {
    let fits = |own: &Option<Name>, other: &Option<Name>| own.is_none() || own == other;
    fits(&outer.environment, &inner.environment) && fits(&outer.service, &inner.service)
}

fn looser(known: &Freeze) -> Refusal {
    let words = known.scope.words();
    let message = format!("{words} is frozen already; that freeze stays as it is");
    let cause = format!(
        "it is by {}: \"{}\", and ends later or lets less through than the new one would",
        known.by, known.reason
    );
    Refusal::new(RefusalKind::Conflict, "frozen-already", message, cause)
        .next(known.scope.thaw_command(), "ends it, where a right to thaw is needed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Span;

    const NOW: Timestamp = Timestamp(1_798_761_600_000_000);

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn scope(environment: Option<&str>, service: Option<&str>) -> Scope {
        Scope { environment: environment.map(name), service: service.map(name) }
    }

    fn freeze(scope: Scope, hours: Option<u64>) -> Freeze {
        Freeze {
            scope,
            by: Person::new("ada").unwrap(),
            reason: "the provider is down".to_owned(),
            until: hours.map(|hours| NOW.plus(Span::hours(hours))),
            except: Vec::new(),
            since: NOW,
        }
    }

    /// What is frozen after these freezes, which nobody checked.
    fn frozen(all: &[Freeze]) -> Common {
        let mut common = Common::default();
        for freeze in all {
            common.freeze_changed(&Event::Frozen(freeze.clone()), NOW);
        }
        common
    }

    #[test]
    fn a_freeze_is_replaced_by_one_that_is_as_strict_and_by_no_other() {
        let known = frozen(&[freeze(Scope::default(), Some(4))]);
        let says = |new: Freeze| {
            let same = known.freezes_on(NOW).find(|one| one.scope == new.scope);
            same.is_none_or(|same| new.is_as_strict_as(same))
        };
        assert!(says(freeze(Scope::default(), Some(4))) && says(freeze(Scope::default(), None)));
        assert!(!says(freeze(Scope::default(), Some(3))), "that would thaw it an hour early");
        let hotfix = Freeze { except: vec![ChangeType::Hotfix], ..freeze(Scope::default(), None) };
        assert!(!says(hotfix.clone()), "that would let hotfixes through");
        let longer = Freeze { until: Some(NOW.plus(Span::hours(9))), ..hotfix.clone() };
        assert!(
            !longer.is_as_strict_as(&hotfix),
            "until somebody thaws it is longer than any hour"
        );
    }

    #[test]
    fn a_freeze_is_over_at_its_end_and_forgotten_at_the_next_order() {
        let mut common = frozen(&[freeze(scope(Some("live"), None), Some(1))]);
        let (before, end) = (NOW.plus(Span::minutes(59)), NOW.plus(Span::hours(1)));
        assert_eq!((common.freezes_on(before).count(), common.freezes_on(end).count()), (1, 0));
        let other = freeze(scope(Some("stage"), None), None);
        common.freeze_changed(&Event::Frozen(other.clone()), end);
        assert_eq!(common.freezes, [other]);
    }

    #[test]
    fn a_freeze_holds_its_scope_and_nothing_beside_it() {
        let lane = LaneId { service: name("api"), environment: name("live") };
        for (scope, holds) in [
            (scope(None, None), true),
            (scope(Some("live"), None), true),
            (scope(Some("live"), Some("api")), true),
            (scope(None, Some("api")), true),
            (scope(Some("stage"), None), false),
            (scope(Some("live"), Some("web")), false),
        ] {
            assert_eq!(
                freeze(scope.clone(), None).holds(&lane, ChangeType::Fix),
                holds,
                "{scope:?}"
            );
        }
    }

    #[test]
    fn a_thaw_names_the_freeze_that_holds_and_ends_no_other() {
        let common = frozen(&[freeze(Scope::default(), None)]);
        let thaw =
            |scope| Thaw { scope, by: Person::new("ada").unwrap(), reason: None, signed: None };
        assert!(matches!(common.thaw(thaw(Scope::default()), NOW), Ok(Event::Thawed(_))));
        let refused = common.thaw(thaw(scope(Some("live"), None)), NOW).unwrap_err();
        assert_eq!(refused.code, "no-such-scope", "no matrix declares it");
        assert!(covers(&Scope::default(), &scope(Some("live"), None)));
        assert!(!covers(&scope(Some("live"), Some("api")), &scope(Some("live"), None)));
    }
}
