//! The tree of a promotion: what is done, what runs, what is to come. Drawn in place by `screen`.

use std::fmt::Write as _;

use towpath_core::promotion::state::{Kind, Outcome};
use towpath_core::reason::Next;
use towpath_engine::views::{CheckView, EvidenceView, PromotionView};
use towpath_guard::{DEFAULT_MARGIN, Standing, Verdict};

use crate::report::plan::check_symbol;
use crate::report::story::Story;
use crate::report::style::{
    Style, Symbol, declared, grouped, measured, padded, percent, printable, stamp, stands_by,
};

/// How far a promotion came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Prerequisites,
    Start,
    Validation,
    Rollout,
    Commit,
    After,
}

/// The tree. With `live` it says how to leave and how to stop; else it is what is left standing.
pub(crate) fn text(view: &PromotionView, story: &Story, live: bool, style: &Style) -> String {
    let tree = Tree { view, story, style, reached: reached(view, story), mark: mark(view) };
    let mut text = heading(view, style);
    text.push('\n');
    // A rollback is exempt from what has to be so before a promotion.
    if has(view, "prerequisites") && view.kind == Kind::Promote {
        text.push_str(&tree.checks(Stage::Prerequisites, "prerequisites"));
    }
    text.push_str(&tree.approvals());
    text.push_str(&tree.start());
    // What stood by was validated when it came.
    if has(view, "validation") && !story.stood_by() {
        text.push_str(&tree.checks(Stage::Validation, "validation"));
    }
    text.push_str(&tree.rollout());
    text.push_str(&tree.commit());
    if live {
        text.push_str(&tree.waits());
        let _ = writeln!(
            text,
            "\n  visitors   harmed {}   rescued {}",
            grouped(view.harmed_requests),
            grouped(view.rescued_requests)
        );
        let on = if view.kind == Kind::Rollback { "rollback" } else { "promotion" };
        let _ = writeln!(
            text,
            "  Ctrl-C stops watching; the {on} goes on.    Stop and go back: towpath abort {}",
            view.number
        );
    }
    text
}

/// The first line of a promotion.
pub(crate) fn heading(view: &PromotionView, style: &Style) -> String {
    let arrow = style.arrow();
    let to = style.bold(&view.to);
    let way = match (view.kind, &view.from, &view.replaces) {
        (Kind::Rollback, _, Some(bad)) => {
            format!("{}: {to} back from {bad} to {}", view.service, view.release)
        }
        (Kind::Rollback, _, None) => format!("{}: {to} back to {}", view.service, view.release),
        (Kind::Promote, Some(from), _) => {
            format!("{} {}: {from} {arrow} {to}", view.service, view.release)
        }
        (Kind::Promote, None, _) => format!("{} {} {arrow} {to}", view.service, view.release),
    };
    format!(
        "promotion {}   {way}   by {}, {}\n",
        view.number,
        printable(&view.by),
        style.moment(&view.requested_at)
    )
}

struct Tree<'a> {
    view: &'a PromotionView,
    story: &'a Story,
    style: &'a Style,
    reached: Stage,
    mark: Symbol,
}

impl Tree<'_> {
    fn symbol(&self, stage: Stage) -> Symbol {
        match stage.cmp(&self.reached) {
            std::cmp::Ordering::Less => Symbol::Passed,
            std::cmp::Ordering::Equal => self.mark,
            std::cmp::Ordering::Greater => Symbol::ToCome,
        }
    }

    fn line(&self, symbol: Symbol, label: &str, text: &str) -> String {
        // As wide as the longest label, `prerequisites`, and three blanks.
        let line = format!("  {} {}{text}", self.style.symbol(symbol), padded(label, 16));
        format!("{}\n", line.trim_end())
    }

    fn checks(&self, stage: Stage, list: &str) -> String {
        let own: Vec<&CheckView> = self.view.checks.iter().filter(|it| it.list == list).collect();
        let passed = own.iter().filter(|check| check.state == "pass").count();
        let symbol = self.symbol(stage);
        let mut text = if symbol == Symbol::ToCome {
            String::new()
        } else {
            format!("{passed} of {}", own.len())
        };
        let took = self.story.validation_seconds().filter(|_| stage == Stage::Validation);
        if let Some(took) = took.filter(|_| symbol == Symbol::Passed) {
            let _ = write!(text, " after {}", measured(took));
        }
        let mut lines = self.line(symbol, list, &text);
        if self.reached == stage {
            for check in own.iter().filter(|check| check.state != "pass" && check.state != "open") {
                let sentence = check.sentence.as_deref().map(printable).unwrap_or_default();
                let mark = self.style.symbol(check_symbol(&check.state));
                let line = format!("      {mark} {}   {sentence}", printable(&check.title));
                lines.push_str(line.trim_end());
                lines.push('\n');
            }
        }
        lines
    }

    /// Who agreed, and who is missing.
    fn approvals(&self) -> String {
        let roles = &self.view.approvals;
        if roles.is_empty() {
            return String::new();
        }
        let complete = roles.iter().all(|role| role.by.len() >= role.need as usize);
        let symbol = match (self.symbol(Stage::Prerequisites), complete) {
            (Symbol::Passed, _) | (_, true) => Symbol::Passed,
            (Symbol::Running, false) => Symbol::Waits,
            (other, false) => other,
        };
        let each = roles.iter().map(|role| {
            if role.by.is_empty() {
                format!("{} 0 of {}", role.whom(), role.need)
            } else if role.by.len() < role.need as usize {
                format!(
                    "{} {} of {}: {}",
                    role.whom(),
                    role.by.len(),
                    role.need,
                    role.by.join(", ")
                )
            } else {
                format!("{}: {}", role.whom(), role.by.join(", "))
            }
        });
        self.line(symbol, "approvals", &printable(&each.collect::<Vec<_>>().join("; ")))
    }

    fn start(&self) -> String {
        let text = match (self.story.ready, self.story.start_seconds()) {
            (Some((_, ready, capacity)), _) if self.story.stood_by() => {
                format!("{} stands by, {ready} of {capacity} instances ready", self.view.release)
            }
            (Some((_, ready, capacity)), Some(took)) => {
                format!("{ready} of {capacity} instances ready after {}", measured(took))
            }
            (Some((_, ready, capacity)), None) => format!("{ready} of {capacity} instances ready"),
            _ => String::new(),
        };
        self.line(self.symbol(Stage::Start), "start", &text)
    }

    fn rollout(&self) -> String {
        if self.view.steps.is_empty() {
            return String::new();
        }
        let mut text = self.line(self.symbol(Stage::Rollout), "rollout", "");
        for index in 0..self.view.steps.len() {
            text.push_str(&self.step(index));
        }
        text
    }

    fn step(&self, index: usize) -> String {
        let step = &self.view.steps[index];
        let weight = format!("{:>4}", percent(step.weight));
        let head = |symbol| format!("      {} {weight}   ", self.style.symbol(symbol));
        let own = self.story.steps.get(&index);
        let passed = own.is_some_and(|own| own.passed_at.is_some());
        let current = self.current_step() == Some(index);
        if passed && !current {
            let took = self.story.baked_seconds(index).map(measured).unwrap_or_default();
            let verdict = own.and_then(|own| own.verdict.as_ref());
            let said = verdict.map_or("", standing);
            return format!("{}\n", format!("{}{took}   {said}", head(Symbol::Passed)).trim_end());
        }
        if current && self.reached == Stage::Rollout {
            return self.running(index, &head(self.mark));
        }
        let planned =
            if step.bake_seconds > 0.0 { declared(step.bake_seconds) } else { String::new() };
        format!("{}\n", format!("{}{planned}", head(Symbol::ToCome)).trim_end())
    }

    /// The step that it is at, or at which it ended.
    fn current_step(&self) -> Option<usize> {
        if self.reached != Stage::Rollout {
            return None;
        }
        let observed = || {
            let mut steps = self.story.steps.iter();
            steps.rfind(|(_, own)| own.observed_at.is_some()).map(|(index, _)| *index)
        };
        self.view.step.or_else(observed)
    }

    fn running(&self, index: usize, head: &str) -> String {
        let step = &self.view.steps[index];
        let condemned = self.story.condemned.as_ref().map(|(at, _)| *at);
        let since = self.story.steps.get(&index).and_then(|own| own.observed_at);
        let until_end = condemned.or(self.story.return_ordered_at);
        #[expect(clippy::cast_precision_loss, reason = "microseconds of a step stay below 2^52")]
        let baked = match (until_end, since) {
            (Some(end), Some(since)) => (end.0 - since.0).max(0) as f64 / 1_000_000.0,
            _ => self.view.baked_seconds.unwrap_or(0.0),
        };
        let share = if step.bake_seconds > 0.0 { baked / step.bake_seconds } else { 1.0 };
        let mut text = format!("{head}{}  ", self.style.bar(share));
        let _ = write!(text, "{} of {}", measured(baked), declared(step.bake_seconds));
        if condemned.is_some() {
            text.push_str("   unhealthy");
        } else if self.view.held {
            text.push_str("   holds for evidence");
        } else if self.view.state == "reconciling" {
            text.push_str("   reconciling");
        }
        text.push('\n');
        if condemned.is_none() && self.view.outcome.is_none() {
            text.push_str(&self.evidence());
        }
        text
    }

    fn evidence(&self) -> String {
        let view = self.view;
        let EvidenceView { green, blue } = &view.evidence;
        let old = view.replaces.as_deref();
        let mut rows = vec![(format!("{} green", view.release), green)];
        rows.extend(old.map(|old| (format!("{old} blue"), blue)));
        let names = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let counts: Vec<String> = rows
            .iter()
            .map(|(_, side)| {
                format!("{} of {} failed", grouped(side.failed), grouped(side.requests))
            })
            .collect();
        let widest = counts.iter().map(String::len).max().unwrap_or(0);
        let mut text = String::new();
        for ((name, side), count) in rows.iter().zip(&counts) {
            let p99 = side.p99_ms.map_or_else(String::new, |p99| format!("    p99 {p99:.0}ms"));
            let line =
                format!("               {}  {}{p99}", padded(name, names), padded(count, widest));
            text.push_str(line.trim_end());
            text.push('\n');
        }
        if let Some(verdict) = &view.verdict {
            let said = printable(&verdict.sentence);
            let _ = writeln!(text, "               {}: {said}", verdict.standing);
        }
        if let Some(why) = &view.weight_reason {
            let _ = writeln!(text, "               {}: {}", percent(view.weight), printable(why));
        }
        text
    }

    fn commit(&self) -> String {
        let symbol = self.symbol(Stage::Commit);
        if self.view.kind == Kind::Rollback {
            let text = match (self.story.committed_at, self.story.switch_seconds()) {
                (Some(at), Some(took)) => {
                    let (at, took) = (self.style.moment(&stamp(at)), measured(took));
                    format!("100% on {} at {at}, {took} after the order", self.view.release)
                }
                _ => String::new(),
            };
            return self.line(symbol, "traffic", &text);
        }
        let text = match (&self.view.replaces, self.view.standby_seconds) {
            (Some(old), seconds) if seconds > 0.0 && self.view.kind == Kind::Promote => {
                format!(
                    "then {old} {}",
                    stands_by(seconds, self.view.holdback.map(|it| (it.share, it.seconds)))
                )
            }
            _ => String::new(),
        };
        self.line(symbol, "commit", &text)
    }

    fn waits(&self) -> String {
        let mut text = String::new();
        for blocker in &self.view.waits_for {
            let mark = self.style.symbol(Symbol::Waits);
            let until =
                blocker.until.as_ref().map(|at| format!("   until {}", self.style.moment(at)));
            let _ = writeln!(
                text,
                "\n  {mark} {}{}",
                printable(&blocker.sentence),
                until.unwrap_or_default()
            );
            for Next { command, what } in &blocker.next {
                text.push_str(format!("      {command}     {what}").trim_end());
                text.push('\n');
            }
        }
        text
    }
}

fn has(view: &PromotionView, list: &str) -> bool {
    view.checks.iter().any(|check| check.list == list)
}

fn reached(view: &PromotionView, story: &Story) -> Stage {
    match view.state.as_str() {
        "waiting" => Stage::Prerequisites,
        "starting" => Stage::Start,
        "validating" => Stage::Validation,
        "shifting" | "baking" | "reconciling" => Stage::Rollout,
        "committing" => Stage::Commit,
        "succeeded" => Stage::After,
        // What goes back or has ended otherwise stopped where it was.
        _ if story.had_visitors() => Stage::Rollout,
        _ if story.ready.is_some() => Stage::Validation,
        _ if story.started_at.is_some() => Stage::Start,
        _ => Stage::Prerequisites,
    }
}

fn mark(view: &PromotionView) -> Symbol {
    match view.outcome {
        Some(Outcome::Succeeded) => return Symbol::Passed,
        Some(Outcome::Superseded) => return Symbol::ToCome,
        Some(_) => return Symbol::Failed,
        None => {}
    }
    match view.state.as_str() {
        _ if view.paused.is_some() || view.held => Symbol::Waits,
        "waiting" | "reconciling" => Symbol::Waits,
        "going-back" => Symbol::Failed,
        _ => Symbol::Running,
    }
}

/// What is said of a release that failed no more than the one beside it, so far as was seen.
pub(crate) const NO_SIGN: &str = "no sign of harm, not proven";

/// What is known about a step that passed. Worse than blue is what a guard would not tolerate for long.
pub(crate) fn standing(verdict: &Verdict) -> &'static str {
    let seen = &verdict.evidence;
    #[expect(clippy::cast_precision_loss, reason = "counts of requests stay far below 2^52")]
    let share = |failed: u64, requests: u64| failed as f64 / requests.max(1) as f64;
    let green = share(seen.green_failed, seen.green_requests);
    let is_worse = green > DEFAULT_MARGIN * share(seen.blue_failed, seen.blue_requests);
    match verdict.standing {
        Standing::Healthy => "healthy",
        Standing::Unhealthy => "unhealthy",
        Standing::Undecided if seen.blue_requests == 0 && seen.green_failed > 0 => {
            "failed at times, which may be chance"
        }
        Standing::Undecided if is_worse => "failed more than blue, which may be chance",
        Standing::Undecided => NO_SIGN,
        Standing::Blind => "no evidence",
    }
}
