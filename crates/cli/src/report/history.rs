//! Promotions, the newest first.

use std::fmt::Write as _;

use towpath_core::promotion::state::{Kind, Outcome};
use towpath_engine::views::PromotionView;

use crate::report::block::table;
use crate::report::style::{Style, Symbol, measured, padded, percent, printable, width};

/// Columns of the last cell before it is cut on a terminal.
const WHY: usize = 40;

/// The list. `more` says that older ones exist that were not asked for.
pub(crate) fn text(
    promotions: &[PromotionView],
    environment: Option<&str>,
    more: bool,
    style: &Style,
) -> (String, String) {
    if promotions.is_empty() {
        let place = environment.map(|name| format!(" into {name}")).unwrap_or_default();
        return (format!("no promotion{place} yet\n"), String::new());
    }
    let everywhere = environment.is_none();
    let mut head: Vec<String> =
        ["no.", "started", "release", "outcome", "took", "by", "why"].map(str::to_owned).to_vec();
    if everywhere {
        head.insert(2, "into".to_owned());
    }
    let numbers =
        promotions.iter().map(|one| one.number.to_string().len()).max().unwrap_or(0).max(3);
    head[0] = padded("no.", numbers);
    let rows = promotions.iter().map(|one| row(one, everywhere, numbers, style));
    let mut text = table(2, &std::iter::once(head).chain(rows).collect::<Vec<_>>());
    if more {
        let environment = environment.map(|name| format!(" {name}")).unwrap_or_default();
        let shown = promotions.len();
        let _ = writeln!(
            text,
            "\n{shown} shown, there are older ones      towpath history{environment} --all"
        );
    }
    (text, String::new())
}

fn row(one: &PromotionView, everywhere: bool, numbers: usize, style: &Style) -> Vec<String> {
    let arrow = style.arrow();
    let release = match &one.replaces {
        Some(old) => format!("{old} {arrow} {}", one.release),
        None => format!("{arrow} {}", one.release),
    };
    let (symbol, word) = outcome(one);
    let mut row = vec![
        format!("{:>numbers$}", one.number),
        style.listed(&one.requested_at),
        release,
        format!("{} {word}", style.symbol(symbol)),
        one.seconds.map(measured).unwrap_or_default(),
        printable(&one.by),
        why(one, style),
    ];
    if everywhere {
        row.insert(2, one.to.clone());
    }
    row
}

/// What the guard or a person did to a promotion under way is not what an ordered rollback is.
fn outcome(one: &PromotionView) -> (Symbol, String) {
    let (symbol, word) = match (one.outcome, one.kind) {
        (Some(Outcome::Succeeded), Kind::Rollback) => (Symbol::Passed, "rolled back"),
        (Some(Outcome::Succeeded), Kind::Promote) => (Symbol::Passed, "succeeded"),
        (Some(Outcome::RolledBack), _) => (Symbol::Failed, "went back"),
        (Some(Outcome::Rejected), _) => (Symbol::Failed, "rejected"),
        (Some(Outcome::Superseded), _) => (Symbol::ToCome, "superseded"),
        (Some(Outcome::Aborted), _) => (Symbol::Failed, "aborted"),
        (Some(Outcome::Failed), _) => (Symbol::Failed, "failed"),
        (None, _) if one.state == "waiting" || one.paused.is_some() => (Symbol::Waits, "waits"),
        (None, _) => return (Symbol::Running, format!("at {}", percent(one.weight))),
    };
    (symbol, word.to_owned())
}

fn why(one: &PromotionView, style: &Style) -> String {
    let failed = one.outcome.is_some_and(|outcome| outcome != Outcome::Succeeded);
    let said = if failed {
        one.sentence.as_deref().or(one.reason.as_deref())
    } else {
        one.reason.as_deref()
    };
    let past = match (one.broke_glass, one.overrides_window) {
        (true, _) => "GLASS BROKEN: ",
        (false, true) => "past its windows: ",
        (false, false) => "",
    };
    cut(format!("{past}{}", said.map(printable).unwrap_or_default()), style)
}

/// A sentence for the last column of a list; off a terminal it is whole.
pub(crate) fn cut(said: String, style: &Style) -> String {
    if style.width.is_none() || width(&said) <= WHY {
        return said;
    }
    let cut: String = said.chars().take(WHY - 3).collect();
    format!("{}...", cut.trim_end())
}
