//! A simulation as tables for people: a block for each release that was tried, a row for each rule.

use std::fmt::Write as _;

use towpath_core::reason::Next;

use super::{PolicyView, RowView, ScenarioView, ShareView, SimulationView, Spread, TrafficView};
use crate::report::block::{Block, next, table};
use crate::report::style::{Style, counted, declared, grouped, measured, percent, printable};

/// The answer, and what may be asked next.
pub(crate) fn text(view: &SimulationView, style: &Style) -> (String, String) {
    let mut text = match view.policies.as_slice() {
        [_] => format!("What the rollout into {} would do\n", view.environment),
        several => {
            let count = several.len();
            format!("What {count} rollouts into {} would do\n", view.environment)
        }
    };
    let mut head = Block::default();
    for policy in &view.policies {
        head.row(&printable(&policy.name), steps(policy));
    }
    head.row("traffic", traffic(&view.traffic));
    let broken = view.traffic.first_broken.iter();
    let broken = broken.map(|it| format!("line {}: {}", it.line, printable(&it.why)));
    head.lines("not read", broken.collect());
    let seed = view.seed;
    head.row("rollouts", format!("{} of each release, seed {seed}", grouped(view.runs)));
    text += &head.written(2, style);
    for scenario in &view.scenarios {
        let _ = write!(text, "\n{}\n{}", scenario.name, table(2, &rows(scenario)));
    }
    text.push('\n');
    text += &notes(view).written(2, style);
    (text, next(&offers(view, style)))
}

fn steps(policy: &PolicyView) -> String {
    let step = |step: &super::StepView| {
        let (least, most) = (declared(step.bake_min_seconds), declared(step.bake_max_seconds));
        let bake = if least == most { most } else { format!("{least} to {most}") };
        format!("{} {bake}", percent(step.weight))
    };
    let steps = policy.steps.iter().map(step).collect::<Vec<_>>().join(", ");
    match policy.harm_budget {
        Some(allowed) => format!("as {allowed} harmed requests allow, of {steps}"),
        None => steps,
    }
}

fn traffic(traffic: &TrafficView) -> String {
    let mut text = format!(
        "{} requests/s, {} of them fail today",
        figure(traffic.requests_per_second),
        percent(traffic.error_rate)
    );
    if let Some(answers) = traffic.answers {
        let _ = write!(
            text,
            "; half of the answers take less than {}, one in a hundred more than {}",
            measured(answers.p50_seconds),
            measured(answers.p99_seconds)
        );
    }
    if let (Some(file), Some(seconds)) = (&traffic.file, traffic.recorded_seconds) {
        let requests = grouped(traffic.recorded_requests.unwrap_or_default());
        let _ = write!(text, "; {requests} requests in {} of {}", time(seconds), printable(file));
    }
    match traffic.broken_lines.and_then(|count| usize::try_from(count).ok()) {
        None | Some(0) => text,
        Some(broken) => {
            format!("{text}, without {} that could not be read", counted(broken, "line"))
        }
    }
}

fn rows(scenario: &ScenarioView) -> Vec<Vec<String>> {
    let is_good = scenario.fault.is_none();
    let heads = if is_good {
        ["", "thrown out", "promoted after", "not proven"]
    } else {
        ["", "harmed", "went back", "after"]
    };
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    for row in &scenario.rows {
        let cells = if is_good {
            let not_proven = row.not_proven.filter(|_| row.promoted > 0);
            let not_proven = not_proven.map(|count| of(count, row.promoted));
            [
                share(&row.went_back),
                spread(row.promoted_after_seconds.as_ref(), time),
                not_proven.unwrap_or_else(|| "-".to_owned()),
            ]
        } else {
            [
                spread(Some(&row.harmed), figure),
                share(&row.went_back),
                spread(row.back_after_seconds.as_ref(), time),
            ]
        };
        rows.push(std::iter::once(printable(&row.rule)).chain(cells).collect());
    }
    rows
}

fn of(part: u64, whole: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "counts of rollouts")]
    let share = part as f64 / whole.max(1) as f64;
    percent(share)
}

fn share(share: &ShareView) -> String {
    format!("{} ({} to {})", short(share.share), short(share.low), short(share.high))
}

/// A share to a tenth of a percent: the interval says how far it can be trusted.
fn short(share: f64) -> String {
    percent((share * 1000.0).round() / 1000.0)
}

/// A figure with its interval, which is left out where it says the same.
fn spread(spread: Option<&Spread>, written: fn(f64) -> String) -> String {
    let Some(spread) = spread else { return "never".to_owned() };
    let value = written(spread.value);
    let (low, high) = (written(spread.low), spread.high.map(written));
    if low == value && high.as_deref() == Some(value.as_str()) {
        return value;
    }
    format!("{value} ({low} to {})", high.unwrap_or_else(|| "never".to_owned()))
}

/// Without minutes and seconds that are none.
fn time(seconds: f64) -> String {
    let text = measured(seconds);
    let text = text.strip_suffix(" 00s").or_else(|| text.strip_suffix(" 00m")).unwrap_or(&text);
    text.to_owned()
}

fn figure(value: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative")]
    let whole = value.max(0.0).round() as u64;
    match value {
        _ if value >= 99.95 => grouped(whole),
        _ if value < 0.095 && value > 0.0 => format!("{value:.4}").trim_end_matches('0').to_owned(),
        _ => format!("{value:.1}").trim_end_matches(".0").to_owned(),
    }
}

fn notes(view: &SimulationView) -> Block {
    let mut notes = Block::default();
    let slower = view.scenarios.iter().filter_map(|it| it.fault).any(|fault| fault.slower > 1.0);
    let slowed = if slower { ", or answered a fifth faster," } else { "" };
    notes.row(
        "harmed",
        format!(
            "requests that the old release would have answered{slowed} until all traffic was back or \
             the rollout was through; mean"
        ),
    );
    notes.row("after", "from the first moment at which the release was wrong; middle of all");
    notes.row("not proven", "a step passed before it was shown that the release is good");
    notes.row("in brackets", "the interval of 95%");
    let waits = |count: fn(&RowView) -> u64| {
        view.scenarios.iter().flat_map(|it| &it.rows).map(count).sum::<u64>()
    };
    let (blind, held) = (waits(|row| row.went_back_blind), waits(|row| row.held));
    let over = waits(|row| row.went_back_for_budget);
    if over > 0 {
        let all = "of all these rollouts went back because no larger weight kept within the budget; the \
                   release is not quarantined";
        notes.row("budget", format!("{} {all}", grouped(over)));
    }
    if blind > 0 {
        let all = "of all these rollouts went back for want of requests, and none of them for harm";
        notes.row("blind", format!("{} {all}", grouped(blind)));
    }
    if held > 0 {
        let all = "of all these rollouts were neither back nor through: they wait for a person";
        notes.row("held", format!("{} {all}", grouped(held)));
    }
    for policy in &view.policies {
        notes.row(&printable(&policy.name), guard(policy, view.traffic.answers.is_some()));
    }
    for peer in &view.peers {
        notes.row(peer.tool, format!("{} ({})", peer.settings, peer.source));
    }
    notes.row(
        "these",
        "look at errors alone, take no time to measure or to act, which is their best case, and meet \
         requests of their own out of the same traffic",
    );
    notes
}

fn guard(policy: &PolicyView, has_answers: bool) -> String {
    let mut limits = Vec::new();
    limits.extend(policy.error_rate.map(|share| format!("errors > {}", percent(share))));
    limits.extend(policy.latency.iter().cloned());
    let limits = if limits.is_empty() { "none".to_owned() } else { limits.join(", ") };
    let mut text = format!(
        "throws out at most {} of good releases; may fail {}x as often as the old one; limits: {limits}",
        percent(policy.alpha),
        policy.margin
    );
    if !policy.latency.is_empty() && !has_answers {
        text += "; those on latency are not tried without --latency";
    }
    text
}

fn offers(view: &SimulationView, style: &Style) -> Vec<Next> {
    let environment = &view.environment;
    let file = view.policies.first().map_or("towpath.yaml", |policy| policy.file.as_str());
    let mut offers = Vec::new();
    if view.traffic.file.is_none() {
        let command = format!("towpath simulate {environment} --log access.log");
        offers.push(Next::new(command, "against the traffic that there is"));
    }
    if view.policies.len() == 1 {
        let command =
            format!("towpath simulate {environment} --policy {file} --policy stricter.yaml");
        offers.push(Next::new(command, "beside another rollout"));
    }
    offers.into_iter().map(|one| style.naming(one)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_as_many_digits_as_they_are_worth() {
        let table = [
            (0.0, "0"),
            (0.000_56, "0.0006"),
            (0.05, "0.05"),
            (2.0, "2"),
            (3.44, "3.4"),
            (99.94, "99.9"),
            (99.96, "100"),
            (21_130.4, "21,130"),
        ];
        for (value, text) in table {
            assert_eq!(figure(value), text);
        }
        assert_eq!(
            (time(2400.0), time(7200.0), time(10.4)),
            ("40m".into(), "2h".into(), "10s".into())
        );
    }

    #[test]
    fn an_interval_that_says_the_same_is_left_out_and_one_without_end_says_never() {
        let of = |low, high| Some(Spread { value: 120.0, low, high });
        assert_eq!(spread(of(120.0, Some(120.0)).as_ref(), time), "2m");
        assert_eq!(spread(of(60.0, Some(180.0)).as_ref(), time), "2m (1m to 3m)");
        assert_eq!(spread(of(60.0, None).as_ref(), time), "2m (1m to never)");
        assert_eq!(spread(None, time), "never");
    }
}
