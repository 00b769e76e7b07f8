//! What blocks an environment, who can unblock it, and how.

use std::fmt::Write as _;

use towpath_core::reason::Next;
use towpath_engine::views::{BlockerView, EarliestView, LaneView, PlanView, PromotionView};

use crate::report::block::{Block, commands, folded, next};
use crate::report::quiet;
use crate::report::status::held_back;
use crate::report::style::{Style, Symbol, counted, percent, printable, width};

/// The answer, and the commands that follow from it. `at` is when the view was so.
/// `planned` is what waits, or what could enter now, if something can.
pub(crate) fn text(
    lane: &LaneView,
    planned: Option<&PlanView>,
    at: &str,
    style: &Style,
) -> (String, String) {
    let serves = serves(lane, style);
    let heading = style.heading(at);
    let time = if style.local_time_zone.is_some() {
        // The day is known; the hour and the zone are what a reader asks.
        heading.split(' ').skip(3).collect::<Vec<_>>().join(" ")
    } else {
        heading
    };
    let Some(promotion) = &lane.promotion else { return nothing(lane, planned, style) };
    let waits = promotion.waits_for.len();
    let name = name(promotion);
    let mut text = match waits {
        0 => format!("{serves}. {name} {} and waits for nothing.   {time}\n", doing(promotion)),
        _ => format!("{serves}. {name} waits for {}.   {time}\n", counted(waits, "thing")),
    };
    for blocker in &promotion.waits_for {
        text.push('\n');
        text.push_str(&one(blocker, style));
    }
    let mut block = Block::default();
    if let Some(why) = &promotion.weight_reason {
        block.row(&percent(promotion.weight), printable(why));
    }
    if lane.more_waiting > 0 {
        block.row("behind it", format!("{} more waiting", lane.more_waiting));
    }
    if let Some(earliest) = &promotion.earliest_start {
        block.row("earliest start", earliest_start(earliest, style));
    }
    if promotion.state == "waiting" {
        quiet_hour(planned, &mut block, style);
        block.row(
            "holds nothing",
            format!(
                "rollbacks work as always; a newer release would take {}'s place",
                promotion.number
            ),
        );
    }
    let block = block.written(2, style);
    if !block.is_empty() {
        text.push('\n');
        text.push_str(&block);
    }
    let watch = Next::new(format!("towpath watch {}", promotion.number), "until it ends");
    (text, if waits == 0 { next(&[watch]) } else { String::new() })
}

/// The quiet hour, where one is named: that there is none blocks nobody.
fn quiet_hour(planned: Option<&PlanView>, block: &mut Block, style: &Style) {
    let Some(plan) = planned else { return };
    let named = plan.quiet_hour.as_ref().filter(|hour| hour.best.is_some());
    block.lines(
        quiet::LABEL,
        named.map(|hour| quiet::lines(hour, &plan.at, style)).unwrap_or_default(),
    );
}

/// When it could start: a moment, what must come first, or both.
fn earliest_start(earliest: &EarliestView, style: &Style) -> String {
    let at = earliest.at.as_ref().map(|at| style.moment(at));
    if earliest.after.is_empty() {
        return at.unwrap_or_default();
    }
    let after: Vec<_> = earliest.after.iter().map(|one| printable(one)).collect();
    let not_before = at.map(|at| format!(", and not before {at}")).unwrap_or_default();
    format!("once {}{not_before}", after.join("; "))
}

fn serves(lane: &LaneView, style: &Style) -> String {
    let environment = style.bold(&lane.environment);
    match &lane.serves {
        Some(serves) => format!("{environment} serves {}", serves.release),
        None => format!("{environment} serves nothing yet"),
    }
}

fn name(promotion: &PromotionView) -> String {
    let from = promotion.from.as_ref().map(|from| format!(" from {from}")).unwrap_or_default();
    format!("Promotion {} ({} {}{from})", promotion.number, promotion.service, promotion.release)
}

fn doing(promotion: &PromotionView) -> String {
    match promotion.state.as_str() {
        "starting" => "starts".to_owned(),
        "validating" => "is validated".to_owned(),
        "committing" => "commits".to_owned(),
        "going-back" => "goes back".to_owned(),
        "waiting" => "is about to start".to_owned(),
        _ => format!("is at {}", percent(promotion.weight)),
    }
}

fn one(blocker: &BlockerView, style: &Style) -> String {
    let mut block = Block::default();
    block.optional("who", (!blocker.who.is_empty()).then(|| blocker.who.join(", ")));
    block.lines("how", commands(&blocker.next));
    block.optional("until", blocker.until.as_ref().map(|until| style.moment(until)));
    let column = 2 + 2 + width(&blocker.what) + 3;
    let sentence = folded(&printable(&blocker.sentence), column, style.width);
    let sentence = sentence.join(&format!("\n{}", " ".repeat(column)));
    let head = format!("  {} {}   {sentence}\n", style.symbol(Symbol::Waits), blocker.what);
    // How is a command and never folded, like next.
    head + &block.written(6, &Style { width: None, ..style.clone() })
}

fn nothing(lane: &LaneView, newest: Option<&PlanView>, style: &Style) -> (String, String) {
    if let Some(asks) = &lane.asks {
        let kept = held_back(lane, style).map_or_else(String::new, |kept| format!("{kept}.\n"));
        let text = format!(
            "{} {} asks for a rollback: {}\n{kept}",
            style.symbol(Symbol::Waits),
            serves(lane, style),
            printable(asks)
        );
        let command = format!("towpath rollback {}", lane.environment);
        return (
            text,
            next(&[
                style.of_lane(&lane.service, Next::new(command, "puts the last good release back"))
            ]),
        );
    }
    let newest = newest.filter(|plan| !plan.from.is_empty());
    let mut text = format!(
        "{} nothing blocks {}. {}{}.\n",
        style.symbol(Symbol::Passed),
        lane.environment,
        match &lane.serves {
            Some(serves) => format!("It serves {}", serves.release),
            None => "It serves nothing yet".to_owned(),
        },
        match newest {
            Some(plan) => format!("; {} is verified in {}", plan.release, plan.from.join(" and ")),
            None => String::new(),
        }
    );
    let mut block = Block::default();
    quiet_hour(newest, &mut block, style);
    text.push_str(&block.written(2, style));
    if let Some(kept) = held_back(lane, style) {
        let _ = writeln!(text, "{kept}.");
    }
    if let (Some(serves), [_, ..]) = (&lane.serves, lane.settings_differ.as_slice()) {
        let (release, names) = (&serves.release, printable(&lane.settings_differ.join(", ")));
        let _ = writeln!(
            text,
            "The matrix declares other settings than {release} runs under: {names}."
        );
        let command = format!("towpath promote {} --release {release}", lane.environment);
        let set_up = Next::new(command, "sets them up, as a change of the type configuration");
        return (text, next(&[style.of_lane(&lane.service, set_up)]));
    }
    let command = match newest.map(|plan| plan.from.as_slice()) {
        Some([from]) => Next::new(format!("towpath promote {from} {}", lane.environment), ""),
        Some(_) => Next::new(format!("towpath promote {}", lane.environment), ""),
        None => {
            let command = format!("towpath plan {}", lane.environment);
            Next::new(command, "whether something could enter it now")
        }
    };
    (text, next(&[style.of_lane(&lane.service, command)]))
}
