//! Tells the story: creates each release, promotes it as far as it goes, and notes what happened.

use std::time::{Duration, Instant};

use serde::Serialize;
use towpath_core::ids::{Name, Version};
use towpath_core::promotion::input::PromotionOrder;
use towpath_core::promotion::state::Outcome;
use towpath_engine::views::PromotionView;
use towpath_ports::store::ChainReport;
use towpath_server::requests::AcceptedView;

use crate::demo::matrix::{CHAPTERS, ENVIRONMENTS};
use crate::demo::screen::Screen;
use crate::demo::stage::{Stage, person};
use crate::demo::visitors::{Met, Visitors};
use crate::exit_code::{CliError, ExitCode};

/// How often a promotion is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// How long one promotion may take: ten times what the longest does.
const PATIENCE: Duration = Duration::from_secs(90);
/// Visitors of staging and production, per second.
const VISITS: [(usize, u32); 2] = [(3, 120), (4, 160)];

/// What became of one promotion.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Walked {
    /// The environment before.
    pub(super) from: Option<String>,
    /// Where.
    pub(super) to: String,
    /// Which release.
    pub(super) release: String,
    /// How it ended.
    pub(super) outcome: Outcome,
    /// How long it took.
    pub(super) seconds: f64,
    /// Visitors that got a failure from it.
    pub(super) harmed_requests: u64,
    /// Why it ended as it did.
    #[serde(skip)]
    pub(super) sentence: String,
    /// Green's share when it ended.
    #[serde(skip)]
    pub(super) weight: f64,
}

/// All that happened.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// Every promotion, in order.
    pub(super) walked: Vec<Walked>,
    /// What visitors met.
    pub(super) met: Met,
    /// How many events the journal has.
    pub(super) events: u64,
    /// Whether its chain is whole.
    pub(super) verified: bool,
    /// How long it all took.
    pub(super) seconds: f64,
}

/// Tells the whole story.
pub(super) async fn tell(stage: &Stage, screen: &mut Screen) -> Result<Told, CliError> {
    let began = Instant::now();
    let mut walked = Vec::new();
    let mut visitors: Vec<(usize, Visitors)> = Vec::new();
    for chapter in &CHAPTERS {
        stage.create(chapter).await?;
        for (position, environment) in ENVIRONMENTS.iter().enumerate() {
            let from = position.checked_sub(1).map(|before| ENVIRONMENTS[before]);
            let one = promote(stage, screen, chapter.version, from, environment, &visitors).await?;
            let went_on = one.outcome == Outcome::Succeeded;
            screen.ended(&one);
            walked.push(one);
            begin_visits(stage, position, &mut visitors);
            if !went_on {
                break;
            }
        }
    }
    let mut met = Met::default();
    for (_, stream) in visitors {
        met = met + stream.end().await;
    }
    let report: ChainReport = stage.client.get("/v1/audit/verify").await?;
    Ok(Told {
        walked,
        met,
        events: report.events,
        verified: report.broken.is_none(),
        seconds: began.elapsed().as_secs_f64(),
    })
}

/// Visitors come as soon as there is something to visit.
fn begin_visits(stage: &Stage, position: usize, visitors: &mut Vec<(usize, Visitors)>) {
    let wanted = VISITS.iter().find(|(own, _)| *own == position);
    let Some((_, per_second)) = wanted else { return };
    if visitors.iter().all(|(own, _)| *own != position) {
        let url = format!("http://{}/v1/sounds/welcome", stage.addresses[position]);
        visitors.push((position, Visitors::begin(url, *per_second)));
    }
}

async fn promote(
    stage: &Stage,
    screen: &mut Screen,
    version: &str,
    from: Option<&str>,
    to: &str,
    visitors: &[(usize, Visitors)],
) -> Result<Walked, CliError> {
    let number = match offered(stage, version, to).await? {
        Some(number) => number,
        None => order(stage, version, from, to).await?,
    };
    let deadline = Instant::now() + PATIENCE;
    loop {
        let view: PromotionView = stage.client.get(&format!("/v1/promotions/{number}")).await?;
        let met =
            visitors.iter().map(|(_, stream)| stream.met()).fold(Met::default(), |a, b| a + b);
        if let Some(outcome) = view.outcome {
            return Ok(ended(&view, from, outcome));
        }
        screen.progress(&view, met);
        if Instant::now() >= deadline {
            let message = format!("{version} did not get anywhere in {to}");
            let cause = format!("promotion {number} is {} since {PATIENCE:?}", view.state);
            return Err(CliError::new(ExitCode::Failed, "stuck", message)
                .because(cause)
                .next("towpath demo", "try it again"));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// An automatic edge has asked for the promotion already, or is about to.
async fn offered(stage: &Stage, version: &str, to: &str) -> Result<Option<u64>, CliError> {
    /// The offer follows the commit within milliseconds.
    const LOOKS: u32 = 100;
    if to != "staging" {
        return Ok(None);
    }
    for _ in 0..LOOKS {
        let path = format!("/v1/lanes/api/{to}/promotions?limit=5");
        let listed: Vec<PromotionView> = stage.client.get(&path).await?;
        if let Some(found) = listed.iter().find(|promotion| promotion.release == version) {
            return Ok(Some(found.number));
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(None)
}

async fn order(
    stage: &Stage,
    version: &str,
    from: Option<&str>,
    to: &str,
) -> Result<u64, CliError> {
    let order = PromotionOrder {
        release: Some(Version::new(version).expect("the story's versions are versions")),
        from: from.map(|name| Name::new(name).expect("the story's names are names")),
        ..PromotionOrder::of(person())
    };
    let path = format!("/v1/lanes/api/{to}/promotions");
    let accepted: AcceptedView = stage.client.post(&path, &order).await?;
    Ok(accepted.promotion.map_or(0, |number| number.0))
}

fn ended(view: &PromotionView, from: Option<&str>, outcome: Outcome) -> Walked {
    Walked {
        from: from.map(str::to_owned),
        to: view.to.clone(),
        release: view.release.clone(),
        outcome,
        seconds: (view.seconds.unwrap_or(0.0) * 1000.0).round() / 1000.0,
        harmed_requests: view.harmed_requests,
        sentence: view
            .verdict
            .as_ref()
            .filter(|_| outcome != Outcome::Succeeded)
            .map(|verdict| verdict.sentence.clone())
            .or_else(|| view.sentence.clone())
            .unwrap_or_default(),
        weight: view.weight,
    }
}
