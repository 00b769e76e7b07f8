//! `simulate`: a declared rollout, many times over in virtual time, beside other tools' rules. Starts
//! nothing, needs no engine, and changes nothing.

mod faults;
mod progress;
mod rollout;
mod traffic;

use towpath_server::simulating;
use towpath_simulate::peers::{self, Peer, flagger};
use towpath_simulate::{Course, Ending, Fault, Scenario, beside, follow, many};

use self::faults::Tried;
use self::progress::Progress;
use self::rollout::Declared;
use self::traffic::Described;
use crate::args::SimulateArguments;
use crate::args::Wrong;
use crate::commands::Context;
use crate::exit_code::{CliError, ExitCode};
use crate::report::simulation::{
    self, Ended, FaultView, PeerView, PolicyView, RowView, ScenarioView, SimulationView,
};
use crate::report::style::grouped;
use crate::report::usage::quoted;

/// Most requests that are drawn for one release and rule: a minute or two on two cores.
const MOST_REQUESTS: f64 = 1e9;

/// Runs `simulate`.
pub(super) fn run(arguments: &SimulateArguments, context: &Context) -> Result<ExitCode, CliError> {
    let declared = rollout::all(arguments, context)?;
    let needs_time = arguments.faults.iter().any(|wrong| matches!(wrong, Wrong::Slower(_)));
    let described = traffic::described(arguments, needs_time)?;
    let lengths = declared.iter().map(|it| it.course.most_s());
    let shortest_s = lengths.fold(f64::INFINITY, f64::min);
    let tried = faults::all(arguments, described.arrivals.error_rate(), shortest_s)?;
    for one in &declared {
        ensure_size(one, &described, arguments.runs)?;
    }
    let rules = (declared.len() + peers::ONE_EACH.len() + 1) as u64;
    let mut progress = Progress::begin(context, arguments.runs * rules * tried.len() as u64);
    let scenarios = tried.iter().map(|tried| {
        let runs = (arguments.runs, arguments.seed);
        scenario(tried, &declared, &described, runs, &mut progress)
    });
    let scenarios = scenarios.collect();
    progress.end();
    let view = view(arguments, &declared, described, scenarios);
    if let Some(file) = &arguments.svg {
        let picture = simulation::chart::svg(&view);
        std::fs::write(file, picture).map_err(|error| unwritable(file, &error))?;
    }
    context.either(&view, simulation::text(&view, &context.out));
    Ok(ExitCode::Done)
}

/// Refuses what would take for ever, before anything is run.
fn ensure_size(declared: &Declared, described: &Described, runs: u64) -> Result<(), CliError> {
    let each =
        simulating::requests_of_one(&declared.course, &described.arrivals, described.latency);
    if each * real(runs) <= MOST_REQUESTS {
        return Ok(());
    }
    let message = "that is too much to simulate";
    let fewer = whole(MOST_REQUESTS / each);
    let error = CliError::new(ExitCode::Usage, "too-large", message).because(format!(
        "{} requests would be drawn for each release; at most {} are",
        grouped(whole(each * real(runs))),
        grouped(whole(MOST_REQUESTS))
    ));
    Err(if fewer >= 20 {
        error.next(typed_with_runs(fewer), "as often as that is possible")
    } else {
        error.next("towpath simulate --rate 10/s", "less traffic")
    })
}

/// What was typed, with another number of rollouts.
fn typed_with_runs(runs: u64) -> String {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    words.retain(|word| !word.starts_with("--runs="));
    if let Some(place) = words.iter().position(|word| word == "--runs") {
        words.drain(place..(place + 2).min(words.len()));
    }
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    format!("towpath {} --runs {runs}", words.join(" "))
}

fn scenario(
    tried: &Tried,
    declared: &[Declared],
    described: &Described,
    runs: (u64, u64),
    progress: &mut Progress<'_>,
) -> ScenarioView {
    let usual = described.arrivals.error_rate();
    let fault = tried.wrong.unwrap_or_else(|| Fault::none(usual));
    let (arrivals, latency) = (described.arrivals.clone(), described.latency);
    let scenario = Scenario { arrivals, latency, fault };
    let mut rows = Vec::new();
    for one in declared {
        let horizon = scenario.horizon();
        let one_run = |seed| ended(&scenario, one, &horizon, seed);
        let all = many(runs, one_run, |_| progress.step());
        rows.push(RowView::of(&one.name, true, &all, fault.onset_s));
    }
    let first = &declared.first().expect("at least one was asked for").course;
    for peer in judging(first) {
        let all =
            many(runs, |seed| beside_ended(peer, &scenario, first, seed), |_| progress.step());
        rows.push(RowView::of(peer.tool(), false, &all, fault.onset_s));
    }
    let all = many(runs, |seed| flagger_ended(&scenario, first, seed), |_| progress.step());
    rows.push(RowView::of(peers::tool(flagger::NAME), false, &all, fault.onset_s));
    let fault = tried.wrong.map(|wrong| FaultView {
        error_rate: wrong.error_rate,
        slower: wrong.slower,
        onset_seconds: wrong.onset_s,
    });
    ScenarioView { name: tried.name.clone(), fault, rows }
}

/// The other tools that can be run over this rollout.
fn judging(course: &Course) -> impl Iterator<Item = &'static Peer> {
    let seconds = course.most_s();
    peers::ONE_EACH.iter().filter(move |peer| peer.can_judge(seconds))
}

fn ended(
    scenario: &Scenario,
    declared: &Declared,
    horizon: &towpath_guard::Horizon,
    seed: u64,
) -> Ended {
    let followed = follow(scenario, &declared.course, &declared.policy, horizon, seed);
    let mut ended = Ended { harmed: followed.harmed, ..Ended::default() };
    match followed.ending {
        Ending::WentBack(_) => ended.back_s = Some(followed.at_s),
        Ending::WentBackBlind => {
            ended.back_s = Some(followed.at_s);
            ended.was_blind = true;
        }
        Ending::WentBackForBudget => {
            ended.back_s = Some(followed.at_s);
            ended.was_over_budget = true;
        }
        Ending::Promoted => {
            ended.promoted_s = Some(followed.at_s);
            ended.was_proven = followed.is_proven;
        }
        Ending::Held => {}
    }
    ended
}

fn beside_ended(peer: &Peer, scenario: &Scenario, course: &Course, seed: u64) -> Ended {
    let series = beside::series(scenario, &course.schedule(), seed);
    let back = (peer.decide)(&series);
    let harmed = series.harmed_until(back.unwrap_or(usize::MAX));
    let back_s = back.map(|second| real(second as u64));
    let promoted_s = back.is_none().then(|| course.most_s());
    Ended { harmed, back_s, promoted_s, ..Ended::default() }
}

fn flagger_ended(scenario: &Scenario, course: &Course, seed: u64) -> Ended {
    let ended = beside::flagger(scenario, &course.schedule(), seed);
    let promoted_s = ended.back_s.is_none().then_some(ended.end_s);
    Ended { harmed: ended.harmed, back_s: ended.back_s, promoted_s, ..Ended::default() }
}

fn view(
    arguments: &SimulateArguments,
    declared: &[Declared],
    described: Described,
    scenarios: Vec<ScenarioView>,
) -> SimulationView {
    let first = declared.first().expect("at least one was asked for");
    let settings = |name: &'static str, source: &'static str| PeerView {
        tool: peers::tool(name),
        settings: name.split_once(", ").map_or("", |(_, settings)| settings),
        source,
    };
    let mut peers: Vec<PeerView> =
        judging(&first.course).map(|peer| settings(peer.name, peer.source)).collect();
    peers.push(settings(flagger::NAME, flagger::SOURCE));
    SimulationView {
        format: towpath_engine::views::FORMAT,
        environment: first.environment.to_string(),
        service: first.service.to_string(),
        runs: arguments.runs,
        seed: arguments.seed,
        traffic: described.view,
        policies: declared
            .iter()
            .map(|it| PolicyView::of(&it.name, &it.file, &it.lane, &it.policy))
            .collect(),
        peers,
        scenarios,
    }
}

fn unwritable(file: &std::path::Path, error: &std::io::Error) -> CliError {
    let message = format!("the picture could not be written to {}", file.display());
    CliError::new(ExitCode::Failed, "picture-unwritable", message).because(error.to_string())
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn real(count: u64) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count, never negative; what is larger than any stays the largest"
)]
fn whole(count: f64) -> u64 {
    count as u64
}
