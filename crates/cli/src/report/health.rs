//! How a lane answers its probes, and what its validation checks say.

use towpath_core::reason::Next;
use towpath_engine::views::{CheckView, LaneView};

use crate::report::block::{Block, next, table};
use crate::report::plan::check_symbol;
use crate::report::style::{Style, Symbol, counted, printable};

/// The answer of `health`, and what helps.
pub(crate) fn text(lane: &LaneView, style: &Style) -> (String, String) {
    let to = style.bold(&lane.environment);
    let Some(serves) = &lane.serves else {
        let text = format!("{} {to} serves nothing yet\n", style.symbol(Symbol::ToCome));
        return (text, String::new());
    };
    let health = &lane.health;
    let all = counted(health.endpoints, "endpoint");
    let (symbol, said) = match health.state.as_str() {
        _ if health.endpoints == 0 => (Symbol::Unknown, "is not probed".to_owned()),
        "healthy" if health.endpoints == 1 => (Symbol::Passed, format!("answers on its {all}")),
        "healthy" => (Symbol::Passed, format!("answers on all {all}")),
        "unhealthy" => (Symbol::Failed, format!("fails on {} of {all}", health.failing.len())),
        _ => (Symbol::Unknown, "was not asked yet".to_owned()),
    };
    let at = health.at.as_deref().map(|at| format!("   {}", style.moment(at))).unwrap_or_default();
    let mut block = Block::default();
    block.lines("failing", health.failing.iter().map(|one| printable(one)).collect());
    if health.endpoints == 0 {
        block.row("cause", "the matrix declares no endpoint here");
        block.row("place", format!("environments.{}.health.endpoints", lane.environment));
    }
    let helps = if health.state == "unhealthy" {
        let what = format!("what {} wrote", serves.release);
        next(&[
            Next::new(format!("towpath logs {}", serves.promotion), what),
            style.of_lane(
                &lane.service,
                Next::new(
                    format!("towpath rollback {}", lane.environment),
                    "puts the last good release back",
                ),
            ),
        ])
    } else {
        String::new()
    };
    let head = format!("{} {to}: {} {said}{at}\n", style.symbol(symbol), serves.release);
    let mut text = head + &block.written(4, style);
    if !lane.promises.is_empty() {
        text.push('\n');
        text.push_str(&answers(&lane.promises, style));
    }
    (text, helps)
}

/// A line for each check.
fn answers(checks: &[CheckView], style: &Style) -> String {
    let row = |check: &CheckView| {
        let mark = style.symbol(check_symbol(&check.state));
        let said = check.sentence.as_deref().map(printable).unwrap_or_default();
        vec![format!("{mark} {}", printable(&check.title)), said]
    };
    table(4, &checks.iter().map(row).collect::<Vec<_>>())
}

/// The answer of `validate`.
pub(crate) fn checks(environment: &str, checks: &[CheckView], style: &Style) -> (String, String) {
    let passed = checks.iter().filter(|check| check.state == "pass").count();
    let to = style.bold(environment);
    if checks.is_empty() {
        let mark = style.symbol(Symbol::Unknown);
        let text = format!("{mark} {to} has no validation checks\n");
        return (text, next(&[Next::new("towpath matrix show --resolved", "what is declared")]));
    }
    let symbol = if passed == checks.len() { Symbol::Passed } else { Symbol::Failed };
    let mut text =
        format!("{} {to}: {passed} of {} checks pass\n\n", style.symbol(symbol), checks.len());
    text.push_str(&answers(checks, style));
    (text, String::new())
}
