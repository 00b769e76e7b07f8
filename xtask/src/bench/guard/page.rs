//! The page of the documentation that holds the tables and the goals. Owns its words; judges nothing and
//! names no day, no machine and no commit, so that the same figures are the same page.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use towpath_guard::{LatencyLimit, Policy, Quantile};

use super::cell::Row;
use super::goals::{self, Goal};
use super::quiet::{self, Quiet};
use super::tables::{Measured, Table, policy};
use super::{chart, text};

/// Where the pages stand, from the root.
const FOLDER: &str = "docs/src/benchmarks";

/// Writes the page and the picture on it.
///
/// # Errors
/// When a file cannot be written.
pub(super) fn write(
    root: &Path,
    (measured, quiet): (&[Measured], &[Quiet]),
    goals: &[Goal],
) -> Result<()> {
    let folder = root.join(FOLDER);
    std::fs::create_dir_all(&folder)?;
    let put = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    put("guard.md", &(page(measured, goals) + &quiet::section(quiet)))?;
    chart::svg(measured).map_or(Ok(()), |picture| put("guard.svg", &picture))
}

const HEAD: &str = "\
# The guard beside other tools' rules

<!-- Written by `cargo xtask bench guard --full --write`. Change xtask/src/bench/guard instead. -->

How many visitors a bad release harms until it is back, and how often a good one is thrown out, by the
guard's own code and by the documented rules of other tools on the same simulated requests. To measure it
anew:

```text
cargo xtask bench guard --full --write
```

`--keep FILE` lets it be done in pieces, `--quick` takes minutes and leaves most of it out.

![Visitors harmed until a bad release is back, by rule](guard.svg)

## How it is measured

- Requests arrive as a Poisson stream. A coin gives each to green or blue: 1% for 5 minutes, 10% for 10, 50%
  for 15, and in the cells of late faults then 95% for another 30, with 5% held back on blue.
- A visitor is *harmed* when green fails a request that blue would have answered, or in the latency table
  takes more than a fifth longer than blue would have.
- The guard pays 0.1 s from the deciding outcome to the last request on green. The other rules pay nothing for
  scraping, ingesting and acting, which favours them.
- What happens in the first ten seconds after a change of weight, the declared warm-up in which only a
  catastrophe counts, stands apart after a `+`. The other tools declare none: in comparisons with them, and
  in the picture, all of it counts.
- Intervals are of 95%: Wilson's for shares, the normal one for means. `runs` is how many rollouts a row rests
  on; where it is less than the number behind it, the bench was ended before it was through.
- A goal is *met* when every cell was run as often as it asks for and every interval lies on the right side
  of the bar; *missed* when one lies on the wrong side for sure; otherwise *not decided*.
- Flagger halts a step, so it meets requests of its own. In the latency table it does not halt, which overstates
  its harm. Kayenta is judged every ten minutes; its default is one judgement at the end.
";

fn page(measured: &[Measured], goals: &[Goal]) -> String {
    let mut page = HEAD.to_owned();
    page.push_str(&configuration(&policy()));
    goals_of(&mut page, goals);
    rules(&mut page, measured);
    let of = |table: Table| measured.iter().filter(move |cell| cell.table == table);
    let mut add = |title: &str, said: &str, cells: Vec<&Measured>, cell: Cell| {
        let _ = write!(page, "\n## {title}\n\n{said}\n");
        table(&mut page, &cells, cell);
    };
    add(
        "Good releases thrown out",
        "Percent of rollouts, with intervals.",
        of(Table::GoodReleases).collect(),
        back,
    );
    add(
        "Bad releases",
        "Requests harmed on average, with half of the interval; the middle time until it was back; percent \
         of rollouts in which it was missed. Harm ends with the rollout: where something is missed, it would \
         have been more.",
        of(Table::BadReleases).collect(),
        harm,
    );
    add(
        "Good releases while something else goes on",
        "Percent of good releases thrown out. `a tenth worse` fails 10% more often than blue, inside the margin.",
        of(Table::Disturbed).collect(),
        back,
    );
    add(
        "A green that starts badly at weight",
        "A fifth of its requests fail in the first ten seconds that green has visitors. Nothing tells that from a \
         bad release: the remedy is a first step at weight 0, which is among the disturbed cells.",
        of(Table::Start).collect(),
        back,
    );
    add(
        "Slower releases",
        "Percent thrown out with the interval; requests slowed on average; the middle time until it was back. Up to \
         x1.2 green is inside what is tolerated.",
        of(Table::Latency).collect(),
        slowed,
    );
    add(
        "Faults that begin late",
        "Green is good until the fault begins. Requests harmed on average, with half of the interval; the middle \
         time from the onset until it was back, or `before it` where a good release was thrown out; percent missed \
         by the end.",
        of(Table::LateOnset).collect(),
        harm,
    );
    floors(&mut page, &of(Table::BadReleases).collect::<Vec<_>>());
    proofs(&mut page, &of(Table::GoodReleases).collect::<Vec<_>>());
    page
}

/// The one configuration of all cells.
fn configuration(policy: &Policy) -> String {
    let seconds = |us: u64| us / 1_000_000;
    let latency = policy.latency.iter().map(|limit| match limit {
        LatencyLimit::Factor(Quantile(percent), factor) => {
            format!("p{percent} at most {factor} times blue's")
        }
        LatencyLimit::AtMost(Quantile(percent), us) => format!("p{percent} at most {us} µs"),
    });
    let latency = latency.collect::<Vec<_>>().join(", ");
    let errors = policy.error_rate.map_or_else(|| "none".to_owned(), text::percent);
    format!(
        "\n## The one configuration of all cells\n\n| | |\n|---|---|\n\
         | chance of throwing out a good release | {} |\n\
         | margin: how many times as often as blue green may fail | {} |\n\
         | limit on errors, unless blue is as bad | {errors} |\n\
         | limits on latency | {latency} |\n\
         | warm-up after a change of weight | {} s |\n\
         | failures of one client that count once | within {} s |\n\
         | requests of green before it is called healthy | {} |\n",
        text::percent(policy.alpha),
        policy.margin,
        seconds(policy.warm_up_us),
        policy.client_window_us.map_or(0, seconds),
        policy.minimum_sample,
    )
}

fn goals_of(page: &mut String, goals: &[Goal]) {
    page.push_str(
        "\n## Goals\n\n| goal | figure | bar | | the worst cell |\n|---|--:|--:|---|---|\n",
    );
    for goal in goals {
        let value = goal.value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
        let (name, bar, standing) = (goal.name, goal.bar, goal.standing());
        let _ = writeln!(page, "| {name} | {value} | {bar} | {standing} | {} |", goal.place);
    }
}

fn rules(page: &mut String, measured: &[Measured]) {
    page.push_str("\n## Where the other rules stand\n\n");
    for beside in [Table::BadReleases, Table::Latency] {
        let Some(cell) = measured.iter().find(|cell| cell.table == beside) else { continue };
        for (name, source) in cell.cell.beside.names().zip(cell.cell.beside.sources()) {
            let _ = writeln!(page, "- {name}: {source}");
        }
    }
}

/// What stands in the column of a rule: the guard has its warm-up apart.
type Cell = fn(&Measured, &Row) -> String;

/// One row for each cell, one column for each rule.
fn table(page: &mut String, cells: &[&Measured], cell: Cell) {
    let Some(first) = cells.first() else {
        page.push_str("\nNot measured.\n");
        return;
    };
    let names: Vec<_> = std::iter::once("Towpath").chain(first.cell.beside.names()).collect();
    let _ = write!(page, "\n| green | per second | blue fails | runs | {} |\n", names.join(" | "));
    let _ = writeln!(page, "|---|--:|--:|--:|{}", "--:|".repeat(names.len()));
    for measured in cells {
        let figures: Vec<_> = measured.outcome.rows.iter().map(|row| cell(measured, row)).collect();
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} |",
            measured.what,
            measured.requests_per_s,
            text::percent(measured.error_rate),
            runs(measured),
            figures.join(" | ")
        );
    }
}

fn runs(measured: &Measured) -> String {
    let (done, wanted) = (measured.outcome.runs, measured.cell.runs);
    if done < wanted { format!("{done} of {wanted}") } else { done.to_string() }
}

fn back(_: &Measured, row: &Row) -> String {
    let (share, (low, high)) = row.went_back();
    format!("{:.2} [{:.2}, {:.2}]", 100.0 * share, 100.0 * low, 100.0 * high)
}

fn harmed(row: &Row) -> String {
    let (after, all) = (row.harm(), row.harm_at_all());
    let warming = all.mean - after.mean;
    let warming = if warming > 0.0 { format!(" + {}", short(warming)) } else { String::new() };
    format!("{} ± {}{warming}", short(after.mean), short(1.96 * after.error))
}

fn harm(measured: &Measured, row: &Row) -> String {
    let missed = 100.0 * (1.0 - row.went_back().0);
    let onset_s = measured.cell.fault.onset_s;
    let median = match row.median_s() {
        Some(at_s) if at_s < onset_s => "before it".to_owned(),
        Some(at_s) => seconds(at_s - onset_s),
        None => "-".to_owned(),
    };
    format!("{} / {median} / {missed:.0}%", harmed(row))
}

fn slowed(_: &Measured, row: &Row) -> String {
    let (share, (low, high)) = row.went_back();
    let median = row.median_s().map_or_else(|| "-".to_owned(), seconds);
    let (share, low, high) = (100.0 * share, 100.0 * low, 100.0 * high);
    format!("{share:.2} [{low:.2}, {high:.2}] / {} / {median}", harmed(row))
}

/// What a test by labels must let through, beside what the guard did.
fn floors(page: &mut String, cells: &[&Measured]) {
    page.push_str(
        "\n## Harm over the floor\n\nThe floor is what a test at this chance of error must let through that asks \
         only whose each failure was, at the weight in force when the guard went back; 1 at the least. Harm in \
         the warm-up is left out here. Its last column is the ratio to the floor of a test that, as this one, \
         tolerates the margin; the goal is held against the stricter one.\n\n\
         | green | per second | blue fails | harmed | floor | ratio | missed | ratio at the margin |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for cell in cells {
        let row = cell.outcome.guard();
        let (mean, floor) = (row.harm().mean, goals::floor(cell, 1.0));
        let at_margin = mean / goals::floor(cell, cell.cell.policy.margin);
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {floor:.1} | {:.2} | {:.0}% | {at_margin:.2} |",
            cell.what,
            cell.requests_per_s,
            text::percent(cell.error_rate),
            short(mean),
            mean / floor,
            100.0 * (1.0 - row.went_back().0)
        );
    }
}

fn proofs(page: &mut String, cells: &[&Measured]) {
    page.push_str(
        "\n## Time to proof\n\nA good release is proven when the claim that it fails twice as often as blue, or \
         breaks its limit, is refuted with one in twenty. One that is not proven by the end passes and is called \
         so, unless proof is required; none is thrown out for it.\n\n\
         | per second | blue fails | middle time to the first proof | ended proven | not proven |\n\
         |--:|--:|--:|--:|--:|\n",
    );
    for cell in cells {
        let outcome = &cell.outcome;
        let median = outcome.median_proven_s().map_or_else(|| "-".to_owned(), seconds);
        let proven = 100.0 * outcome.share_proven();
        let rest = (100.0 - proven - 100.0 * outcome.guard().went_back().0).max(0.0);
        let (rate, fails) = (cell.requests_per_s, text::percent(cell.error_rate));
        let _ = writeln!(page, "| {rate} | {fails} | {median} | {proven:.2}% | {rest:.2}% |");
    }
}

fn seconds(seconds: f64) -> String {
    if seconds < 100.0 { format!("{seconds:.1} s") } else { format!("{seconds:.0} s") }
}

fn short(count: f64) -> String {
    if count < 100.0 { format!("{count:.1}") } else { format!("{count:.0}") }
}
