//! The answer of a simulation: in a sentence, as charts, and as a table that says the same. Computes no rollout.

use maud::{Markup, html};
use towpath_simulate::statistics::wilson;
use towpath_simulate::{Ending, Followed};

use super::asked::Asked;
use super::running::Outcome;
use crate::pages::marks::{counted, grouped, percent, took};

/// Bars of a distribution.
const BARS: usize = 24;
/// The shares of all rollouts that the table has.
const SHARES: [(f64, &str); 5] = [
    (0.0, "the least"),
    (0.1, "1 in 10 below"),
    (0.5, "half below"),
    (0.9, "9 in 10 below"),
    (1.0, "the most"),
];

/// What was found, of a release with the fault.
struct Found<'a> {
    /// Rollouts that went back.
    back: Vec<&'a Followed>,
    /// Seconds from the onset until all traffic was back, rising.
    times: Vec<f64>,
    /// Visitors harmed in each rollout, rising.
    harmed: Vec<f64>,
}

fn went_back(one: &Followed) -> bool {
    matches!(one.ending, Ending::WentBack(_) | Ending::WentBackBlind | Ending::WentBackForBudget)
}

impl<'a> Found<'a> {
    fn of(asked: &Asked, all: &'a [Followed]) -> Self {
        let back: Vec<&Followed> = all.iter().filter(|one| went_back(one)).collect();
        let onset_s = asked.scenario.fault.onset_s;
        // What went back before it was wrong did so at once.
        let mut times: Vec<f64> = back.iter().map(|one| (one.at_s - onset_s).max(0.0)).collect();
        let mut harmed: Vec<f64> = all.iter().map(|one| one.harmed).collect();
        times.sort_by(f64::total_cmp);
        harmed.sort_by(f64::total_cmp);
        Self { back, times, harmed }
    }
}

/// The value below which a share of all lies, by the nearest rank (Hyndman and Fan 1996, type 1); none of nothing.
fn below(sorted: &[f64], share: f64) -> Option<f64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank, never negative"
    )]
    let rank = (real(sorted.len()) * share).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

pub(super) fn answer(asked: &Asked, outcome: &Outcome) -> Markup {
    let found = Found::of(asked, &outcome.faulty);
    html! {
        (verdict(asked, outcome, &found))
        div.plain2 {
            section.sec { h2 { "Time to rollback" } (times(&found)) }
            section.sec { h2 { "Requests harmed" } (harmed(&found)) }
            section.sec { h2 { "On green when it was found" } (where_found(asked, &found)) }
            section.sec { h2 { "A good release, on the same traffic" } (good(asked, outcome)) }
            section.sec.whole { h2 { "The same as a table" } (table(asked, &found)) }
        }
        p.sm.q.apart { (asked.runs) " rollouts, seed " (asked.seed) ". The guard is the one that judges real rollouts; the traffic is a Poisson stream, and requests are alike. "
            "With recorded traffic, and beside the rules of other tools: " code { "towpath simulate" } "." }
    }
}

fn verdict(asked: &Asked, outcome: &Outcome, found: &Found<'_>) -> Markup {
    let (back, all) = (found.back.len(), outcome.faulty.len());
    let (low, high) = wilson(back as u64, all as u64);
    let (time, harm) = (below(&found.times, 0.5), below(&found.harmed, 0.5));
    html! {
        div.verdict role="status" {
            p {
                "It is found in " b { (back) " of " (all) " rollouts" } " of " (asked.lane.service) " to " (asked.lane.environment)
                @if let Some(time) = time { ", half of the time within " b { (took(time)) } }
                @if let Some(harm) = harm { ", with " b { (whole(harm)) " requests harmed" } " in the middle" }
                "."
            }
            p { "A chance of " (percent(low)) " to " (percent(high)) ", as far as so many rollouts tell."
                @if back < all { " In the others it " (missed(outcome)) "." } }
        }
    }
}

/// What became of those that did not go back.
fn missed(outcome: &Outcome) -> String {
    let count = |is: fn(&Followed) -> bool| outcome.faulty.iter().filter(|one| is(one)).count();
    let promoted = count(|one| one.ending == Ending::Promoted);
    let held = count(|one| one.ending == Ending::Held);
    match (promoted, held) {
        (promoted, 0) => format!("is promoted ({promoted})"),
        (0, held) => format!("waits for a person ({held})"),
        (promoted, held) => format!("is promoted ({promoted}) or waits for a person ({held})"),
    }
}

fn times(found: &Found<'_>) -> Markup {
    if found.times.is_empty() {
        return html! { p.q { "No rollout went back." } };
    }
    bars(
        &found.times,
        "rollouts by the time from the onset of the fault until all traffic was back",
        &took,
    )
}

fn harmed(found: &Found<'_>) -> Markup {
    bars(&found.harmed, "rollouts by the requests that the fault harmed", &whole)
}

/// How many values lie in each of some equal parts of their span.
fn bars(sorted: &[f64], what: &str, word: &dyn Fn(f64) -> String) -> Markup {
    let (least, most) =
        (sorted.first().copied().unwrap_or(0.0), sorted.last().copied().unwrap_or(0.0));
    let width = ((most - least) / real(BARS)).max(f64::MIN_POSITIVE);
    let mut counts = [0usize; BARS];
    for value in sorted {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 0 to the number of bars"
        )]
        let at = ((value - least) / width) as usize;
        counts[at.min(BARS - 1)] += 1;
    }
    let tallest = counts.iter().copied().max().unwrap_or(1).max(1);
    let middle = below(sorted, 0.5).unwrap_or(least);
    let place = ((middle - least) / width / real(BARS)).clamp(0.0, 1.0) * 100.0;
    html! {
        figure.hist {
            div.plot {
                svg role="img" aria-label={ (counted(sorted.len(), "rollout")) ": " (what) ", from " (word(least)) " to " (word(most)) ", half below " (word(middle)) } {
                    line.ax x1="0" x2="100%" y1="100%" y2="100%" {}
                    @for (at, count) in counts.iter().enumerate() {
                        @let height = real(*count) / real(tallest) * 100.0;
                        rect.bar1 x=(format!("{:.2}%", real(at) * 100.0 / real(BARS) + 0.2)) width=(format!("{:.2}%", 100.0 / real(BARS) - 0.4))
                            y=(format!("{:.1}%", 100.0 - height)) height=(format!("{height:.1}%")) {}
                    }
                    line.nowl x1=(format!("{place:.2}%")) x2=(format!("{place:.2}%")) y1="0" y2="100%" {}
                }
            }
            figcaption { span { (word(least)) } span.q { "half below " (word(middle)) } span { (word(most)) } }
        }
    }
}

/// In which step it was found, as bars with words.
fn where_found(asked: &Asked, found: &Found<'_>) -> Markup {
    let counts = by_step(asked, found);
    let all = found.back.len().max(1);
    html! {
        @if found.back.is_empty() { p.q { "It was found nowhere." } }
        dl.steps-of {
            @for (at, (bake, count)) in asked.course.bakes.iter().zip(&counts).enumerate() {
                dt { (percent(bake.weight)) @if at == asked.from { " " span.qq { "fault begins" } } }
                dd {
                    svg aria-hidden="true" { rect.track width="100%" height="100%" {} rect.bar1 width=(format!("{:.1}%", real(*count) / real(all) * 100.0)) height="100%" {} }
                    span { (count) }
                }
            }
        }
    }
}

fn by_step(asked: &Asked, found: &Found<'_>) -> Vec<usize> {
    let mut counts = vec![0; asked.course.bakes.len()];
    for one in &found.back {
        if let Some(count) = counts.get_mut(one.step) {
            *count += 1;
        }
    }
    counts
}

fn good(asked: &Asked, outcome: &Outcome) -> Markup {
    let back = outcome.good.iter().filter(|one| went_back(one)).count();
    let promoted: Vec<&Followed> =
        outcome.good.iter().filter(|one| one.ending == Ending::Promoted).collect();
    let proven = promoted.iter().filter(|one| one.is_proven).count();
    let mut times: Vec<f64> = promoted.iter().map(|one| one.at_s).collect();
    times.sort_by(f64::total_cmp);
    html! {
        dl.facts.wide-k {
            dt { "Went back" } dd { (back) " of " (outcome.good.len()) " rollouts, in vain" }
            dt { "Promoted" } dd { (promoted.len()) @if let Some(time) = below(&times, 0.5) { ", half of them within " (took(time)) } }
            dt { "Proven good" } dd { (proven) @if promoted.len() > proven { span.q { "; the others passed with nothing against them, and too few requests to prove more" } } }
            dt { "Declared" } dd { (took(asked.course.most_s())) " of bakes in " (counted(asked.course.bakes.len(), "step")) }
        }
    }
}

fn table(asked: &Asked, found: &Found<'_>) -> Markup {
    let counts = by_step(asked, found);
    let cell = |sorted: &[f64], share: f64, word: &dyn Fn(f64) -> String| {
        below(sorted, share).map_or_else(|| "none".to_owned(), word)
    };
    html! {
        table.tab {
            thead { tr { th scope="col" { "" } @for (_, name) in SHARES { th.r scope="col" { (name) } } } }
            tbody {
                tr { th scope="row" { "Time to rollback" } @for (share, _) in SHARES { td.r { (cell(&found.times, share, &took)) } } }
                tr { th scope="row" { "Requests harmed" } @for (share, _) in SHARES { td.r { (cell(&found.harmed, share, &whole)) } } }
            }
        }
        table.tab.apart {
            thead { tr { th scope="col" { "Found at" } @for bake in &asked.course.bakes { th.r scope="col" { (percent(bake.weight)) } } } }
            tbody { tr { th scope="row" { "Rollouts" } @for count in &counts { td.r { (count) } } } }
        }
    }
}

/// A count that was summed as a share.
fn whole(value: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count, never negative"
    )]
    grouped(value.round() as u64)
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn real(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_values_lies_below_the_nearest_rank() {
        let values = [1.0, 2.0, 3.0, 4.0];
        let at = |share| below(&values, share);
        assert_eq!(
            [at(0.0), at(0.25), at(0.5), at(0.9), at(1.0)],
            [1.0, 1.0, 2.0, 4.0, 4.0].map(Some)
        );
        assert_eq!(below(&[], 0.5), None);
    }
}
