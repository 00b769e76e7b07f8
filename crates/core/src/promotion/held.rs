//! What freezes and windows do: nothing starts and no weight rises while one holds. A promotion that is
//! under way stays at the weight that it has, is judged on, and goes back by itself if that takes too
//! long. Rollbacks are exempt. Knows no calendar, and takes no orders about freezes.

use crate::calendar::{Calendar, Hold, Stretch};
use crate::freezing::Freeze;
use crate::ids::LaneId;
use crate::journal::Event;
use crate::matrix::{Environment, LaneSpec};
use crate::people::Verb;
use crate::project::Common;
use crate::promotion::entering::serves;
use crate::promotion::input::PromotionOrder;
use crate::promotion::state::{Held, Kind, Lane, Promotion, State};
use crate::promotion::{PAUSE_LIMIT, Turn, WAIT_LIMIT, going_back};
use crate::reason::{Blocker, Next, Refusal, RefusalKind};
use crate::release::{ChangeType, Release};
use crate::units::{Span, Timestamp};

/// How long a promotion that is under way may be held before it goes back by itself: as long as a pause,
/// because a person has to decide here as well.
pub const HELD_LIMIT: Span = PAUSE_LIMIT;
/// A promotion that may start only later waits from then on as long as any other, if that is no further
/// away than this: longer than the freezes that people declare around a year's end.
const WAITS_FOR: Span = Span::hours(24 * 31);

/// What goes past windows and declared freezes.
const OVERRIDE: &str = "--override-window";

/// What may be held, and by which rules.
#[derive(Clone, Copy)]
struct Asked<'a> {
    common: &'a Common,
    lane: &'a LaneId,
    calendar: &'a Calendar,
    change: ChangeType,
    overrides: bool,
}

impl<'a> Asked<'a> {
    fn about(common: &'a Common, promotion: &'a Promotion) -> Option<Self> {
        if promotion.plan.kind == Kind::Rollback {
            return None;
        }
        let lane = &promotion.plan.lane;
        let release = common.release_of(&lane.service, &promotion.plan.release);
        Some(Self {
            common,
            lane,
            calendar: &promotion.plan.section.calendar,
            // A release is kept for ever; the type with the most rules stands for one that is not.
            change: release
                .map_or(ChangeType::Feature, |release| promotion.plan.change_type(release)),
            overrides: promotion.overrides_window,
        })
    }

    fn declared(&self, now: Timestamp) -> Option<Hold<'a>> {
        if self.overrides { None } else { self.calendar.hold(self.change, now) }
    }

    fn frozen(&self, now: Timestamp) -> impl Iterator<Item = &'a Freeze> + use<'a> {
        self.common.freezes_of(self.lane, self.change, now)
    }

    fn is_held(&self, now: Timestamp) -> bool {
        self.frozen(now).next().is_some() || self.declared(now).is_some()
    }

    /// The first moment from `now` on at which nothing holds it, as far as is known now.
    fn opens(&self, now: Timestamp) -> Option<Timestamp> {
        let mut at = now;
        // Each round passes the end of one freeze at least.
        for _ in 0..=self.common.freezes.len() {
            if !self.overrides {
                at = self.calendar.opens(self.change, at)?;
            }
            let ends: Option<Vec<_>> = self.frozen(at).map(|freeze| freeze.until).collect();
            match ends?.into_iter().max() {
                None => return Some(at),
                Some(end) => at = end,
            }
        }
        None
    }

    fn sentence(&self, now: Timestamp) -> Option<String> {
        let frozen = self.frozen(now).next().map(of_a_person);
        frozen.or_else(|| self.declared(now).map(|hold| self.of_the_matrix(hold)))
    }

    fn of_the_matrix(&self, hold: Hold<'_>) -> String {
        match hold {
            Hold::Freeze(freeze) => {
                let name = freeze.name.as_ref().map(|name| format!("{name}, ")).unwrap_or_default();
                let reason = freeze.reason.as_ref().map(|reason| format!(": {reason}"));
                let reason = reason.unwrap_or_default();
                format!("{name}{}{reason}, as the matrix declares", freeze.times)
            }
            Hold::NoWindow => no_window(self.lane, self.change),
            Hold::Closed => {
                let windows = self.calendar.windows.iter().filter(|one| one.is_for(self.change));
                let each = windows.map(|window| match &window.name {
                    Some(name) => format!("{name}, {}", window.times),
                    None => window.times.to_string(),
                });
                let each = each.collect::<Vec<_>>().join("; ");
                format!("no window of {} is open: {each}", self.lane.environment)
            }
        }
    }

    /// All that holds it now, each with who can end it and when it ends by itself.
    fn blockers(&self, now: Timestamp) -> Vec<Blocker> {
        let mut found: Vec<_> = self.frozen(now).map(|freeze| self.by_a_person(freeze)).collect();
        if let Some(hold) = self.declared(now) {
            let what = if matches!(hold, Hold::Freeze(_)) { "freeze" } else { "window" };
            found.push(Blocker {
                what: what.to_owned(),
                sentence: self.of_the_matrix(hold),
                who: self.people(Verb::BreakGlass),
                next: vec![Next::new(
                    format!(
                        "towpath promote {} {OVERRIDE} --reason \"REASON\"",
                        self.lane.environment
                    ),
                    "goes past it, where the right to break the glass is needed",
                )],
                until: self.calendar.opens(self.change, now),
            });
        }
        found
    }

    fn by_a_person(&self, freeze: &Freeze) -> Blocker {
        Blocker {
            what: "freeze".to_owned(),
            sentence: of_a_person(freeze),
            who: self.people(Verb::Thaw),
            next: vec![Next::new(
                format!("{} --reason \"REASON\"", freeze.scope.thaw_command()),
                "ends it",
            )],
            until: freeze.until,
        }
    }

    fn people(&self, verb: Verb) -> Vec<String> {
        let matrix = self.common.matrix.as_ref();
        let people = matrix.map(|matrix| matrix.who_may_here(verb, &self.lane.environment));
        people.into_iter().flatten().map(ToString::to_string).collect()
    }
}

impl Promotion {
    /// What is so after it was held or let go on.
    pub(super) fn hold_changed(&mut self, event: &Event, at: Timestamp) {
        self.held = match event {
            Event::RolloutHeld { sentence, until, .. } => {
                Some(Held { sentence: sentence.clone(), since: at, until: *until })
            }
            _ => None,
        };
    }
}

fn of_a_person(freeze: &Freeze) -> String {
    let except: Vec<_> = freeze.except.iter().map(|change| change.as_str()).collect();
    let except = match except.as_slice() {
        [] => String::new(),
        some => format!(" but {}", some.join(", ")),
    };
    let scope = match (&freeze.scope.environment, &freeze.scope.service) {
        (Some(environment), None) => format!("all of {environment}"),
        _ => freeze.scope.words(),
    };
    format!("\"{}\", {scope}{except}, set by {}", freeze.reason, freeze.by)
}

fn no_window(lane: &LaneId, change: ChangeType) -> String {
    format!("no window of {} is for a change of the type {}", lane.environment, change.as_str())
}

/// What holds a promotion now, as blockers; none where nothing does. One that is under way is held only
/// once its weight would rise.
pub fn blockers(common: &Common, promotion: &Promotion, now: Timestamp) -> Vec<Blocker> {
    let waits = matches!(promotion.state, State::Waiting { .. });
    if !waits && promotion.held.is_none() {
        return Vec::new();
    }
    let Some(asked) = Asked::about(common, promotion) else { return Vec::new() };
    let mut found = asked.blockers(now);
    let number = promotion.number;
    for declared in found.iter_mut().filter(|one| one.next[0].command.contains(OVERRIDE)) {
        let abort = Next::new(format!("towpath abort {number}"), "before it is ordered anew");
        declared.next.insert(0, abort);
    }
    if let Some(held) = &promotion.held {
        let returns = promotion.can_return() || !promotion.may_have_visitors();
        let end = if returns { "goes back by itself" } else { "asks for a person" };
        let stays = format!(
            "promotion {number} stays at {} while that holds, is judged on, and {end} if it lasts",
            promotion.weight
        );
        found.push(Blocker {
            what: "step".to_owned(),
            sentence: stays,
            who: Vec::new(),
            next: vec![Next::new(format!("towpath abort {number}"), "returns all traffic now")],
            until: Some(held.until),
        });
    }
    found
}

/// What would hold a promotion of this release now, and when it could start; none of both where nothing
/// holds it, and no moment where none is known.
pub fn forecast(
    common: &Common,
    lane: &LaneId,
    section: &LaneSpec,
    change: ChangeType,
    overrides: bool,
    now: Timestamp,
) -> (Vec<Blocker>, Option<Timestamp>) {
    let asked = Asked { common, lane, calendar: &section.calendar, change, overrides };
    if asked.is_held(now) { (asked.blockers(now), asked.opens(now)) } else { (Vec::new(), None) }
}

/// When nothing would hold a promotion of this release from `now` to `until`, as far as is known now, in
/// order. While a freeze without an end holds, never.
pub fn open_stretches(
    common: &Common,
    lane: &LaneId,
    calendar: &Calendar,
    (change, overrides): (ChangeType, bool),
    (now, until): (Timestamp, Timestamp),
) -> Vec<Stretch> {
    let ends: Option<Vec<_>> =
        common.freezes_of(lane, change, now).map(|freeze| freeze.until).collect();
    let Some(ends) = ends else { return Vec::new() };
    let from = ends.into_iter().max().unwrap_or(now);
    if from >= until {
        return Vec::new();
    }
    if overrides {
        return vec![Stretch { from, until: None }];
    }
    calendar.stretches(change, from, until)
}

/// The first moment from `from` on at which nothing of windows and freezes holds a promotion; else what
/// holds it without a known end.
pub(super) fn opens(
    common: &Common,
    promotion: &Promotion,
    from: Timestamp,
) -> Result<Timestamp, String> {
    let Some(asked) = Asked::about(common, promotion) else { return Ok(from) };
    let unending = || {
        let by_a_person = asked.frozen(from).find(|freeze| freeze.until.is_none());
        let declared = || asked.declared(from).map(|hold| asked.of_the_matrix(hold));
        by_a_person.map(of_a_person).or_else(declared).or_else(|| asked.sentence(from))
    };
    asked.opens(from).ok_or_else(|| unending().unwrap_or_else(|| "a freeze".to_owned()))
}

/// Whether a promotion that waits may not start now.
pub(super) fn keeps_waiting(turn: &Turn<'_>, promotion: &Promotion) -> bool {
    Asked::about(turn.common(), promotion).is_some_and(|asked| asked.is_held(turn.now))
}

/// Until when a promotion that is asked for now waits at most.
pub(super) fn deadline(
    turn: &Turn<'_>,
    section: &LaneSpec,
    change: ChangeType,
    overrides: bool,
) -> Timestamp {
    let (common, lane, calendar) = (turn.common(), &turn.lane.id, &section.calendar);
    let asked = Asked { common, lane, calendar, change, overrides };
    let soon = |at: &Timestamp| at.since(turn.now) <= WAITS_FOR;
    asked.opens(turn.now).filter(soon).unwrap_or(turn.now).plus(WAIT_LIMIT)
}

/// Whether the weight of a promotion that is under way may not rise now; then that is recorded.
pub(super) fn keeps_weight(turn: &mut Turn<'_>, promotion: &Promotion) -> bool {
    let held = Asked::about(turn.common(), promotion).and_then(|asked| asked.sentence(turn.now));
    let Some(sentence) = held else { return false };
    if promotion.held.is_none() {
        let until = turn.now.plus(HELD_LIMIT);
        turn.record(Event::RolloutHeld { number: promotion.number, sentence, until });
    }
    true
}

/// Lets what was held go on once nothing holds it, and go back once that took too long. Answers whether
/// something was done.
pub(super) fn advance(turn: &mut Turn<'_>, promotion: &Promotion) -> bool {
    let Some(held) = &promotion.held else { return false };
    let number = promotion.number;
    let is_held = Asked::about(turn.common(), promotion).is_some_and(|it| it.is_held(turn.now));
    if !is_held {
        turn.record(Event::RolloutReleased { number });
        return true;
    }
    if turn.now < held.until || promotion.paused.is_some() {
        return false;
    }
    let sentence = format!("it was held for {HELD_LIMIT}: {}", held.sentence);
    going_back::by_itself(turn, promotion, going_back::failed(sentence));
    true
}

/// When what holds a promotion may be over or has lasted too long.
pub(super) fn wakes(
    common: &Common,
    promotion: &Promotion,
    now: Timestamp,
    wakes: &mut Vec<(Timestamp, &'static str)>,
) {
    if let Some(held) = promotion.held.as_ref().filter(|_| promotion.paused.is_none()) {
        wakes.push((held.until, "it was held too long"));
    }
    if promotion.held.is_none() && !matches!(promotion.state, State::Waiting { .. }) {
        return;
    }
    if let Some(asked) = Asked::about(common, promotion).filter(|asked| asked.is_held(now)) {
        wakes.extend(asked.opens(now).map(|at| (at, "a freeze or a closed window is over")));
    }
}

/// Whether any window is for such a release, and whether whoever goes past windows says why.
pub(super) fn has_window(
    lane: &Lane,
    environment: &Environment,
    section: &LaneSpec,
    release: &Release,
    order: &PromotionOrder,
) -> Result<(), Box<Refusal>> {
    let to = &environment.name;
    if order.override_window {
        let says_why = order.why().is_some();
        let cause = "going past a window needs a reason: --reason \"REASON\"";
        let message = format!("nothing was started; {}", serves(lane));
        return if says_why {
            Ok(())
        } else {
            Err(Box::new(Refusal::new(RefusalKind::Usage, "reason-needed", message, cause)))
        };
    }
    let windows = &section.calendar.windows;
    if windows.is_empty() || windows.iter().any(|window| window.is_for(release.change_type)) {
        return Ok(());
    }
    let version = &release.version;
    let message = format!("{version} may not enter {to}; {}", serves(lane));
    let cause = no_window(&lane.id, release.change_type);
    Err(Box::new(
        Refusal::new(RefusalKind::Gate, "no-window", message, cause)
            .at(format!("environments.{to}.windows"))
            .next(
                format!("towpath promote {to} --release {version} {OVERRIDE} --reason \"REASON\""),
                "goes past the windows, where the right to break the glass is needed",
            ),
    ))
}
