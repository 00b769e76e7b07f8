//! How long pages and lists take. Owns which of them are asked for; knows nothing of what is in them.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::project::{ASKS, Project, Server};
use crate::bench::rounds::Spread;
use crate::bench::wire::Line;

/// Requests of one address in one round, one after the other.
const REQUESTS: usize = 100;
/// One that is slow is asked less often.
const LONGEST: Duration = Duration::from_secs(4);
/// Each time before it counts: what is read for the first time comes from the disk.
const WARM_UP: usize = 2;

/// One address with what it took.
struct Asked {
    place: String,
    /// Whether it is a page: those are for people, at the machine's socket; lists are for a token, over TCP.
    is_page: bool,
    bytes: u64,
    first_ms: f64,
    /// Milliseconds, by round.
    rounds: Vec<Vec<f64>>,
}

/// Asks for everything in turns and reports the 99th percentile of each, with its spread over the rounds.
pub(super) fn measure(project: &Project, server: &Server, rounds: usize) -> Result<Vec<String>> {
    let mut all = places(project);
    for _ in 0..rounds {
        for asked in &mut all {
            round(asked, project, server)?;
        }
    }
    let floor = all.first().map_or(1.0, |asked| percentile(&asked.whole(), 50));
    let mut lines = vec![
        format!(
            "one after the other, {rounds} rounds in turns of {REQUESTS} requests or {} s each",
            LONGEST.as_secs()
        ),
        format!(
            "{:<58} {:>8} {:>8} {:>20} {:>8} {:>9} {:>7}",
            "", "p50 ms", "p99 ms", "[p99 by rounds]", "first", "bytes", "/floor"
        ),
    ];
    for asked in &all {
        let whole = asked.whole();
        let (p50, p99) = (percentile(&whole, 50), percentile(&whole, 99));
        let by_round: Vec<f64> = asked.rounds.iter().map(|round| percentile(round, 99)).collect();
        let spread = Spread::of(&by_round);
        let range = format!("[{:.1}-{:.1}]", spread.min, spread.max);
        let what = if asked.is_page { "page" } else { "GET" };
        let missed = if p99 > 300.0 { "  over 300 ms" } else { "" };
        lines.push(format!(
            "{what:>4} {:<53} {p50:>8.1} {p99:>8.1} {range:>20} {:>8.1} {:>9} {:>6.1}x{missed}",
            asked.place,
            asked.first_ms,
            asked.bytes,
            p50 / floor
        ));
    }
    Ok(lines)
}

impl Asked {
    fn whole(&self) -> Vec<f64> {
        self.rounds.iter().flatten().copied().collect()
    }
}

fn places(project: &Project) -> Vec<Asked> {
    let half = project.promotions / 2;
    let old = project.releases_of_each / 2;
    let version = format!("2.{}.{}", old / 100, old % 100);
    let page = |place: String| (true, place);
    let list = |place: String| (false, place);
    let all = [
        list("/healthz".to_owned()),
        page("/".to_owned()),
        page("/?show=held&q=s-03".to_owned()),
        page("/waiting".to_owned()),
        page("/releases".to_owned()),
        page(format!("/releases?service=s-03&from={old}")),
        page(format!("/releases/s-03/{version}")),
        page("/lanes/s-03/place-07".to_owned()),
        page(format!("/lanes/s-02/{ASKS}")),
        page(format!("/promotions/{half}")),
        page("/pipeline".to_owned()),
        page("/insights?days=7".to_owned()),
        page("/insights?days=30".to_owned()),
        page("/insights?days=90".to_owned()),
        page("/audit".to_owned()),
        page("/audit?kind=condemned".to_owned()),
        page("/audit?q=nobody+wrote+this".to_owned()),
        page(format!("/audit?promotion={half}")),
        page("/matrix".to_owned()),
        page("/notifications".to_owned()),
        page("/admin".to_owned()),
        list("/v1/status".to_owned()),
        list("/v1/waiting".to_owned()),
        list("/v1/releases?limit=200".to_owned()),
        list("/v1/releases?service=s-03&limit=200".to_owned()),
        list("/v1/promotions?limit=200".to_owned()),
        list(format!("/v1/promotions?limit=200&before={half}")),
        list("/v1/promotions?state=aborted&service=s-03".to_owned()),
        list(format!("/v1/promotions?release={version}&service=s-03")),
        list("/v1/lanes/s-03/place-07/promotions".to_owned()),
        list(format!("/v1/promotions/{half}")),
        list("/v1/events?limit=200".to_owned()),
        list(format!("/v1/events?promotion={half}")),
        list("/v1/refused".to_owned()),
        list("/v1/evidence".to_owned()),
        list("/v1/freezes".to_owned()),
    ];
    let asked =
        |(is_page, place)| Asked { place, is_page, bytes: 0, first_ms: 0.0, rounds: Vec::new() };
    all.into_iter().map(asked).collect()
}

fn round(asked: &mut Asked, project: &Project, server: &Server) -> Result<()> {
    let mut line = if asked.is_page {
        Line::over_unix(&server.socket)?
    } else {
        Line::over_tcp(server.address)?
    };
    let bearer = if asked.is_page {
        String::new()
    } else {
        format!("Authorization: Bearer {}\r\n", project.looking)
    };
    let request = format!("GET {} HTTP/1.1\r\nHost: bench\r\n{bearer}\r\n", asked.place);
    let (mut times, began) = (Vec::new(), Instant::now());
    for number in 0..WARM_UP + REQUESTS {
        let start = Instant::now();
        let answer = match line.ask(request.as_bytes()) {
            Ok(answer) => answer,
            // Whoever waits for ten seconds has gone.
            Err(_) if start.elapsed() > LONGEST => {
                times.push(start.elapsed().as_secs_f64() * 1000.0);
                break;
            }
            Err(error) => return Err(error.context(asked.place.clone())),
        };
        ensure!(answer.status == 200, "{} was answered {}", asked.place, answer.status);
        let took = start.elapsed().as_secs_f64() * 1000.0;
        if number == 0 && asked.rounds.is_empty() {
            asked.first_ms = took;
        }
        asked.bytes = answer.body_bytes;
        if number >= WARM_UP {
            times.push(took);
        }
        if began.elapsed() > LONGEST && !times.is_empty() {
            break;
        }
    }
    asked.rounds.push(times);
    Ok(())
}

/// The figure below which so many in a hundred lie, one of them.
pub(super) fn percentile(figures: &[f64], percent: usize) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len().saturating_sub(1) * percent).div_ceil(100);
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn a_percentile_is_one_of_the_figures_and_never_better_than_it_was() {
        let all: Vec<f64> = (1..=10).map(f64::from).collect();
        assert!((percentile(&all, 99) - 10.0).abs() < 1e-9);
        assert!((percentile(&all, 50) - 6.0).abs() < 1e-9);
        assert!(percentile(&[], 50).is_nan());
    }
}
