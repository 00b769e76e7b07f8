//! The last block of a promotion: how it ended, what visitors met, what is so now (cli.md sections
//! 4, 5 and 9), and what is said when somebody only stops watching.

use std::fmt::Write as _;

use towpath_core::promotion::state::{Kind, Outcome};
use towpath_core::reason::Next;
use towpath_engine::views::{PromotionView, StepView};

use crate::exit_code::ExitCode;
use crate::report::block::{self, Block};
use crate::report::story::Story;
use crate::report::style::{Style, Symbol, declared, grouped, measured, percent, printable, stamp};
use crate::report::tree::{NO_SIGN, standing};

/// The answer, and the commands that follow from it.
pub(crate) fn text(view: &PromotionView, story: &Story, style: &Style) -> (String, String) {
    let (symbol, first) = first_line(view, story, style);
    let mut text = format!("{} {first}\n", style.symbol(symbol));
    text.push_str(&details(view, story, style).written(4, style));
    (text, block::next(&next(view, story)))
}

fn first_line(view: &PromotionView, story: &Story, style: &Style) -> (Symbol, String) {
    let to = style.bold(&view.to);
    let at = view.ended_at.as_deref().map(|at| style.moment(at)).unwrap_or_default();
    let took = measured(view.seconds.unwrap_or(0.0));
    let number = view.number;
    let still = still_serves(view);
    match view.outcome {
        Some(Outcome::Succeeded) => (
            Symbol::Passed,
            format!(
                "{to} serves {} since {at}   promotion {number} succeeded in {took}",
                view.release
            ),
        ),
        Some(Outcome::RolledBack) => {
            let blind = story.condemned.is_none() && !view.quarantined;
            let step = last_step(view, story)
                .map(|step| format!(", {} at {}", view.release, percent(step.weight)));
            let end = if blind && is_blind(view) {
                format!("promotion {number} rolled back: {} could not be judged", view.release)
            } else {
                format!("promotion {number} rolled back{}", step.unwrap_or_default())
            };
            let symbol = if blind && is_blind(view) { Symbol::Unknown } else { Symbol::Failed };
            (symbol, format!("{} {at}   {end}", went_back(view, style)))
        }
        Some(Outcome::Failed) if !story.had_visitors() => (
            Symbol::Failed,
            format!(
                "{still}   promotion {number} failed before any visitor was on {}",
                view.release
            ),
        ),
        Some(Outcome::Failed) => (Symbol::Failed, format!("{still}   promotion {number} failed")),
        Some(Outcome::Aborted) => {
            (Symbol::Failed, format!("{still}   promotion {number} was aborted"))
        }
        Some(Outcome::Rejected) => {
            (Symbol::Failed, format!("{still}   promotion {number} was rejected"))
        }
        Some(Outcome::Superseded) => {
            (Symbol::ToCome, format!("{still}   a newer promotion took the place of {number}"))
        }
        None => (Symbol::Running, format!("promotion {number} is {}", view.state)),
    }
}

fn went_back(view: &PromotionView, style: &Style) -> String {
    let to = style.bold(&view.to);
    match &view.replaces {
        Some(old) => format!("{to} went back to {old} at"),
        None => format!("{to} serves nothing since"),
    }
}

fn still_serves(view: &PromotionView) -> String {
    match &view.replaces {
        Some(old) => format!("{} still serves {old}", view.to),
        None => format!("{} still serves nothing", view.to),
    }
}

/// What serves after the end, for a line.
pub(crate) fn serves_now(view: &PromotionView) -> String {
    match (view.outcome, &view.replaces) {
        (Some(Outcome::Succeeded), _) => format!("{} serves {}", view.to, view.release),
        (_, Some(old)) => format!("{} serves {old}", view.to),
        (_, None) => format!("{} serves nothing", view.to),
    }
}

/// Whether it went back because nothing was known about it, and not because of harm.
fn is_blind(view: &PromotionView) -> bool {
    if view.quarantined {
        return false;
    }
    view.verdict.as_ref().is_none_or(|verdict| verdict.standing != "unhealthy")
        && view.sentence.as_deref().is_some_and(|said| said.contains("no request"))
}

fn last_step<'a>(view: &'a PromotionView, story: &Story) -> Option<&'a StepView> {
    let mut steps = story.steps.iter();
    let (index, _) = steps.rfind(|(_, step)| step.observed_at.is_some())?;
    view.steps.get(*index)
}

fn details(view: &PromotionView, story: &Story, style: &Style) -> Block {
    let mut block = Block::default();
    if view.outcome == Some(Outcome::Succeeded) {
        succeeded(&mut block, view, story, style);
        told(&mut block, view);
        return block;
    }
    let label = if story.condemned.is_some() { "evidence" } else { "cause" };
    let condemned = story.condemned.as_ref().map(|(_, verdict)| verdict.sentence.as_str());
    block.optional(label, condemned.or(view.sentence.as_deref()).map(printable));
    block.lines("said", view.said.iter().map(|line| printable(line)).collect());
    if let Some(old) = &view.replaces
        && let Some(reaction) = story.reaction_seconds()
    {
        let until = "from the verdict until all new requests went to";
        block.row("speed", format!("{} {until} {old}", measured(reaction)));
    }
    if story.had_visitors() || view.outcome == Some(Outcome::Failed) {
        block.row("visitors", visitors(view));
    }
    told(&mut block, view);
    block.lines("now", now(view));
    block
}

/// Who hears of the end. Their notices were written with it, so that nothing can lose them any more;
/// `notify list` has those that are still on their way.
fn told(block: &mut Block, view: &PromotionView) {
    if !view.told.is_empty() {
        block.row("told", view.told.join(", "));
    }
    if !view.not_told.is_empty() {
        block.row("not told", printable(&view.not_told.join(", ")));
    }
}

fn succeeded(block: &mut Block, view: &PromotionView, story: &Story, style: &Style) {
    block.optional("evidence", evidence(view, story));
    if view.kind == Kind::Promote {
        let requests = view.evidence.green.requests + view.evidence.blue.requests;
        let during = match requests {
            0 => String::new(),
            many => format!("{} requests during the rollout: ", grouped(many)),
        };
        block.row("visitors", format!("{during}{}", visitors(view)));
    }
    if let Some((standby, until)) = &story.standby
        && view.kind == Kind::Promote
    {
        let until = style.minute(&stamp(*until));
        let kept = view.holdback.map_or_else(String::new, |holdback| {
            let share = percent(holdback.share);
            format!(", and keeps {share} of the requests for {}", declared(holdback.seconds))
        });
        block.row("standby", format!("{standby} stays ready until {until}{kept}"));
    }
    if view.kind == Kind::Rollback
        && let Some(bad) = view.replaces.as_ref().filter(|_| view.quarantined)
    {
        block.row("now", lifted(bad, &view.to));
    }
    if view.kind == Kind::Rollback && view.reason.is_none() {
        let amend = format!("towpath rollback --amend {} --reason \"REASON\"", view.number);
        block.row("owed", format!("a reason: none was given   {amend}"));
    }
}

fn visitors(view: &PromotionView) -> String {
    let (harmed, rescued) = (grouped(view.harmed_requests), grouped(view.rescued_requests));
    let mut text = format!("harmed {harmed}, rescued {rescued}");
    if view.mirrored_requests > 0 {
        let (copies, otherwise) =
            (grouped(view.mirrored_requests), grouped(view.mirrored_differing));
        let _ = write!(text, "; of {copies} copies {otherwise} were answered otherwise");
    }
    text
}

/// Steps by what is known about them: `1% and 10% showed no harm, not proven; 50% healthy`.
fn evidence(view: &PromotionView, story: &Story) -> Option<String> {
    let mut phrases: Vec<(&'static str, Vec<String>)> = Vec::new();
    for (index, step) in &story.steps {
        let Some(verdict) = &step.verdict else { continue };
        let weight = percent(view.steps.get(*index)?.weight);
        let said = match standing(verdict) {
            NO_SIGN => "showed no harm, not proven",
            other => other,
        };
        match phrases.last_mut() {
            Some((last, weights)) if *last == said => weights.push(weight),
            _ => phrases.push((said, vec![weight])),
        }
    }
    let texts: Vec<String> =
        phrases.into_iter().map(|(said, weights)| format!("{} {said}", listed(&weights))).collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}

fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn now(view: &PromotionView) -> Vec<String> {
    let mut lines = Vec::new();
    if view.outcome == Some(Outcome::RolledBack) {
        lines.push(serves_now(view));
    }
    if view.quarantined {
        lines.push(lifted(&view.release, &view.to));
    } else if view.outcome != Some(Outcome::Superseded) {
        lines.push("not quarantined: the same release may be tried again".to_owned());
    }
    lines
}

fn lifted(release: &str, environment: &str) -> String {
    format!("{release} may not enter {environment} again until a person lifts its quarantine")
}

/// The commands that help after the end.
pub(crate) fn next(view: &PromotionView, story: &Story) -> Vec<Next> {
    let next = helpful(view);
    match &story.service {
        Some(service) => next.into_iter().map(|next| next.of_service(service)).collect(),
        None => next,
    }
}

fn helpful(view: &PromotionView) -> Vec<Next> {
    let (number, to) = (view.number, &view.to);
    let from = view.from.as_ref().map(|from| format!("{from} ")).unwrap_or_default();
    let again = format!("towpath promote {from}{to} --release {}", view.release);
    match (view.outcome, view.kind) {
        (Some(Outcome::Succeeded), Kind::Promote) => match &view.replaces {
            Some(old) => {
                vec![Next::new(format!("towpath rollback {to}"), format!("puts {old} back"))]
            }
            None => Vec::new(),
        },
        (Some(Outcome::Succeeded), Kind::Rollback) => Vec::new(),
        (Some(Outcome::RolledBack), _) if is_blind(view) => {
            vec![Next::new(format!("towpath health {to}"), "does the prober reach it")]
        }
        (Some(Outcome::RolledBack), _) => {
            let what = format!("what {} wrote before it was taken out", view.release);
            vec![Next::new(format!("towpath logs {number}"), what)]
        }
        (Some(Outcome::Failed), _) => vec![
            Next::new(format!("towpath logs {number}"), "what it wrote"),
            Next::new(again, "tries it again"),
        ],
        (Some(Outcome::Aborted), Kind::Promote) => vec![Next::new(again, "tries it again")],
        (Some(Outcome::Rejected), _) => vec![Next::new(again, "asks for it again")],
        (Some(Outcome::Superseded | Outcome::Aborted), _) => {
            vec![Next::new(format!("towpath status --service {}", view.service), "what is so now")]
        }
        (None, _) => vec![Next::new(format!("towpath watch {number}"), "until it ends")],
    }
}

/// What a promotion does outside of its steps.
fn doing(state: &str) -> &str {
    match state {
        "waiting" => "it waits",
        "starting" => "its instances start",
        "validating" => "it is validated",
        "committing" => "it commits",
        "going-back" => "it goes back",
        other => other,
    }
}

/// What is said when watching ends before the promotion does; nobody is told that anything stopped.
pub(crate) fn left(view: &PromotionView, exit: ExitCode, style: &Style) -> (String, String) {
    let step = view.step.and_then(|step| view.steps.get(step));
    let at = match (step, view.baked_seconds) {
        (Some(step), Some(baked)) => {
            let left = declared((step.bake_seconds - baked).max(0.0).round());
            format!("{}, {left} left in this step", percent(step.weight))
        }
        (Some(step), None) => percent(step.weight),
        _ => doing(&view.state).to_owned(),
    };
    let waits = view.state == "waiting";
    let first = match exit {
        ExitCode::Done if waits => format!("Promotion {} is taken", view.number),
        ExitCode::Done => format!("Promotion {} is on its way", view.number),
        ExitCode::StoppedWaiting => {
            format!("Stopped watching after the given time. Promotion {} goes on", view.number)
        }
        _ => format!("Stopped watching. Promotion {} goes on", view.number),
    };
    let stop = match &view.replaces {
        Some(old) if !waits => format!("stop it and return all traffic to {old}"),
        _ => "stop it".to_owned(),
    };
    let number = view.number;
    let mut next = vec![
        Next::new(format!("towpath watch {number}"), "look again"),
        Next::new(format!("towpath abort {number}"), stop),
    ];
    if waits {
        let why = Next::new(format!("towpath why {}", view.to), "what it waits for");
        next.insert(0, style.of_lane(&view.service, why));
    }
    (format!("{first}: {}, {at}.\n", style.bold(&view.to)), block::next(&next))
}
