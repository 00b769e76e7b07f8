//! One service in one environment, in a few lines. Owns which exception is worth a line; a cell without one
//! has no colour.

use std::collections::{BTreeSet, HashMap};

use maud::{Markup, html};
use towpath_core::ids::Name;
use towpath_core::matrix::{Environment, Predecessors};
use towpath_core::promotion::state::Kind;
use towpath_engine::views::{FreezeView, LaneView, PromotionView, WaitView};

use super::Data;
use crate::pages::frame::Look;
use crate::pages::marks::{As, age, counted, percent, state, tag, time};
use crate::pages::words;

/// One lane as it is shown.
pub(in crate::pages) struct Cell<'a> {
    lane: &'a LaneView,
    behind: usize,
    frozen: Option<&'a FreezeView>,
    is_mine: bool,
    states: Vec<&'static str>,
}

impl<'a> Cell<'a> {
    /// None where the matrix declares no such lane.
    pub(in crate::pages) fn of(
        data: &'a Data,
        order: &Order<'a>,
        service: &Name,
        environment: &Environment,
    ) -> Option<Self> {
        let lane = data.lane(service, &environment.name)?;
        let applies = |freeze: &&FreezeView| {
            let is =
                |wanted: &Option<String>, own: &str| wanted.as_ref().is_none_or(|it| it == own);
            is(&freeze.environment, &lane.environment) && is(&freeze.service, &lane.service)
        };
        let frozen = data.status.frozen.iter().find(applies);
        let is_mine = data.waits.iter().any(|wait| is_of(wait, lane));
        let mut cell = Self {
            behind: behind(data, order, lane, environment),
            frozen,
            is_mine,
            states: Vec::new(),
            lane,
        };
        cell.states = cell.found_states();
        Some(cell)
    }

    fn found_states(&self) -> Vec<&'static str> {
        let lane = self.lane;
        let promotion = lane.promotion.as_ref();
        let is_waiting = promotion.is_some_and(|it| it.state == "waiting");
        let is_held = promotion.is_some_and(|it| it.paused.is_some() || it.frozen);
        let all = [
            ("moving", promotion.is_some() && !is_waiting),
            ("waiting", is_waiting || self.is_mine || lane.asks.is_some()),
            ("held", is_held || self.frozen.is_some() || !lane.quarantined.is_empty()),
            ("unhealthy", lane.health.state == "unhealthy" || self.is_promise_broken()),
        ];
        let mut found: Vec<_> =
            all.into_iter().filter(|(_, is)| *is).map(|(word, _)| word).collect();
        if !found.is_empty() {
            found.push("exception");
        }
        found
    }

    fn is_promise_broken(&self) -> bool {
        self.lane.promises.iter().any(|promise| promise.state == "fail")
    }

    /// What it shows.
    pub(in crate::pages) fn lane(&self) -> &'a LaneView {
        self.lane
    }

    /// The segments that it belongs to, as the script reads them.
    pub(in crate::pages) fn states(&self) -> String {
        self.states.join(" ")
    }

    pub(in crate::pages) fn is(&self, word: &str) -> bool {
        self.states.contains(&word)
    }

    /// Whether a word of the filter is in it, as the script asks as well.
    pub(in crate::pages) fn says(&self, service: &Name, word: &str) -> bool {
        let lane = self.lane;
        let releases = [lane.serves.as_ref().map(|it| it.release.as_str())];
        let promotion = lane.promotion.as_ref().map(|it| it.release.as_str());
        let texts = [service.as_str(), &lane.environment, &lane.health.state];
        texts
            .into_iter()
            .chain(releases.into_iter().flatten())
            .chain(promotion)
            .any(|text| text.to_lowercase().contains(word))
            || self.states.iter().any(|state| state.contains(word))
    }

    pub(super) fn markup(&self, look: &Look, is_off: bool) -> Markup {
        let lane = self.lane;
        let href = look.to(&self.place());
        let class = if is_off { "cell off" } else { "cell" };
        let states = (!self.states.is_empty()).then(|| self.states());
        html! {
            // Its environment stands at the head of the column; where there are none, the style sheet writes it.
            a class=(class) href=(href) data-s=[states] data-t=(lane.environment) {
                (self.release())
                @if let Some(serves) = &lane.serves {
                    (since(&serves.since, look)) (self.health()) (self.behind())
                }
                @if let Some(promotion) = self.rolling() { (traffic(lane, promotion)) }
                (self.tags(look))
            }
        }
    }

    /// Where one looks further: what moves or waits, or else the lane.
    fn place(&self) -> String {
        match &self.lane.promotion {
            Some(promotion) => format!("/promotions/{}", promotion.number),
            None => words::lane_place(&self.lane.service, &self.lane.environment),
        }
    }

    fn rolling(&self) -> Option<&PromotionView> {
        let promotion = self.lane.promotion.as_ref()?;
        (promotion.weight > 0.0 || promotion.step.is_some()).then_some(promotion)
    }

    fn release(&self) -> Markup {
        let coming = self.lane.promotion.as_ref().filter(|it| it.state != "waiting");
        html! {
            @match (&self.lane.serves, coming) {
                (Some(serves), Some(coming)) if serves.release != coming.release => {
                    span.rel { (serves.release) " → " (coming.release) }
                }
                (Some(serves), _) => { span.rel { (serves.release) } }
                (None, Some(coming)) => { span.rel { "→ " (coming.release) } }
                (None, None) => { span.rel.none { "nothing yet" } }
            }
        }
    }

    pub(in crate::pages) fn health(&self) -> Markup {
        match self.lane.health.state.as_str() {
            "healthy" => state("ok", "", "healthy"),
            "unhealthy" => state("warn", "harm", "unhealthy"),
            _ => state("half", "", "not checked"),
        }
    }

    /// Whether releases are verified one environment before and not here.
    pub(in crate::pages) fn is_behind(&self) -> bool {
        self.behind > 0
    }

    pub(in crate::pages) fn behind(&self) -> Markup {
        html! {
            @if self.behind > 0 {
                span.qq title="Releases verified one environment before and not here" { (self.behind) " behind" }
            }
        }
    }

    pub(in crate::pages) fn tags(&self, look: &Look) -> Markup {
        let lane = self.lane;
        let tags = [
            self.unhealthy(),
            lane.promotion.as_ref().map(|promotion| moving(look, promotion, self.is_mine)),
            lane.asks.as_ref().map(|_| tag("warn", "wait", &html! { "asks for a rollback" })),
            self.frozen.map(|freeze| frozen(look, freeze)),
            lane.quarantined
                .last()
                .map(|one| tag("ban", "held", &html! { (one.release) " quarantined" })),
            lane.standby.as_ref().map(|one| {
                let left = time(&one.until, As::Left, look.now());
                tag("back", "plain", &html! { (one.release) " stands by, " (left) " left" })
            }),
            (!lane.settings_differ.is_empty()).then(|| {
                let words = counted(lane.settings_differ.len(), "setting");
                tag("half", "plain", &html! { (words) " not there yet" })
            }),
        ];
        let tags: Vec<Markup> = tags.into_iter().flatten().collect();
        html! { @if !tags.is_empty() { span.l3 { @for tag in &tags { (tag) } } } }
    }

    fn unhealthy(&self) -> Option<Markup> {
        let health = &self.lane.health;
        if let Some(first) = health.failing.first() {
            let words =
                html! { (first) " fails, " (health.failing.len()) " of " (health.endpoints) };
            return Some(tag("warn", "harm", &words));
        }
        let broken = self.lane.promises.iter().find(|promise| promise.state == "fail")?;
        Some(tag("warn", "harm", &html! { (broken.title) }))
    }
}

/// Since when it serves, as an age.
fn since(at: &str, look: &Look) -> Markup {
    let Ok(moment) = at.parse::<jiff::Timestamp>() else { return html! {} };
    let whole = moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let title = moment.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    let text = age(look.now().duration_since(moment).as_secs());
    html! { time.age datetime=(whole) title=(title) data-as="age" { (text) } }
}

/// What a promotion is doing, or waits for.
fn moving(look: &Look, promotion: &PromotionView, is_mine: bool) -> Markup {
    if promotion.state == "waiting" {
        let whom = if is_mine { "you" } else { words::waited_for(promotion) };
        let (mark, class) = ("wait", "wait");
        return tag(mark, class, &html! { (promotion.release) " waits for " (whom) });
    }
    let (mark, class) = match () {
        () if promotion.paused.is_some() => ("pause", "wait"),
        () if promotion.frozen => ("frost", "held"),
        () if matches!(promotion.state.as_str(), "reconciling") => ("warn", "wait"),
        () if promotion.kind == Kind::Rollback || promotion.state == "going-back" => {
            ("back", "plain")
        }
        () => ("now", "plain"),
    };
    tag(mark, class, &html! { (words::doing(promotion, look.now())) })
}

fn frozen(look: &Look, freeze: &FreezeView) -> Markup {
    let until = freeze.until.as_ref().map(|until| time(until, As::Clock, look.now()));
    let words = html! {
        "frozen" @match until { Some(until) => { " until " (until) }, None => " until somebody thaws it" }
    };
    tag("frost", "held", &words)
}

/// Who serves how much, with a mark under each step's weight.
fn traffic(lane: &LaneView, promotion: &PromotionView) -> Markup {
    let (blue, green) = (lane.weights.blue, lane.weights.green);
    let words = format!(
        "blue {} serves {}, green {} serves {}",
        promotion.replaces.as_deref().unwrap_or("none"),
        percent(blue),
        promotion.release,
        percent(green)
    );
    // A line between the arms belongs to neither.
    let gap = if blue > 0.0 && green > 0.0 { 0.4 } else { 0.0 };
    let width = |share: f64| format!("{:.2}%", (share * 100.0 - gap).max(0.0));
    let from = format!("{:.2}%", blue * 100.0 + gap);
    html! {
        span.roll {
            svg.tb role="img" aria-label=(words) {
                @if blue > 0.0 { rect.fb width=(width(blue)) height="12" rx="1" {} }
                @if green > 0.0 { rect.fg x=(from) y=".5" width=(width(green)) height="11" rx="1" {} }
                @for step in &promotion.steps {
                    @let at = format!("{:.2}%", (1.0 - step.weight) * 100.0);
                    line.tick x1=(at) x2=(at) y1="13" y2="16" {}
                }
            }
            span.tbl {
                @if promotion.replaces.is_some() { span.arm.b { "blue " (percent(blue)) } }
                span.arm.g { "green " (percent(green)) }
            }
        }
    }
}

fn is_of(wait: &WaitView, lane: &LaneView) -> bool {
    wait.service == lane.service && wait.environment == lane.environment
}

/// Which of two releases is newer, of those that serve or are verified anywhere.
pub(in crate::pages) type Order<'a> = HashMap<(&'a str, &'a str), usize>;

/// That order, of all lanes of a page.
pub(in crate::pages) fn order<'a>(look: &Look, data: &'a Data) -> Order<'a> {
    let lanes = data.status.lanes.iter();
    let asked = lanes.flat_map(|lane| {
        let serving = lane.serves.iter().map(|serves| serves.release.as_str());
        serving.chain(verified(lane)).map(|version| (lane.service.as_str(), version))
    });
    look.engine.order_of(&asked.collect())
}

fn verified(lane: &LaneView) -> impl Iterator<Item = &str> {
    lane.verified.iter().map(String::as_str)
}

/// How many releases that are newer than what serves are verified in what comes before, and not here.
fn behind(data: &Data, order: &Order<'_>, lane: &LaneView, environment: &Environment) -> usize {
    let before = |name: &Name| {
        let mut lanes = data.status.lanes.iter();
        lanes.find(|one| one.service == lane.service && one.environment == name.as_str())
    };
    let names = environment.after.names();
    if names.is_empty() {
        return 0;
    }
    let is_verified_before = |version: &str| {
        let is = |name: &Name| {
            before(name).is_some_and(|one| one.verified.iter().any(|it| it == version))
        };
        match environment.after {
            Predecessors::Any(_) => names.iter().any(is),
            _ => names.iter().all(is),
        }
    };
    let place = |version: &str| order.get(&(lane.service.as_str(), version)).copied();
    let serving = lane.serves.as_ref().and_then(|serves| place(&serves.release));
    let candidates: BTreeSet<&str> = names.iter().filter_map(before).flat_map(verified).collect();
    let is_here = |version: &str| lane.verified.iter().any(|it| it == version);
    let is_newer =
        |version: &str| place(version).is_some_and(|at| serving.is_none_or(|serving| at > serving));
    let newer = candidates.into_iter().filter(|version| is_newer(version));
    newer.filter(|version| !is_here(version) && is_verified_before(version)).count()
}
