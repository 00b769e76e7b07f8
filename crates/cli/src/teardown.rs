//! Ends everything that a project runs on this machine: engine, instances, proxy. Owns the order in
//! which that is done; deletes nothing and asks nobody.

use std::sync::Arc;
use std::time::Duration;

use towpath_adapters::artifacts::Artifacts;
use towpath_core::ids::{Epoch, LaneId, Name, PromotionNumber};
use towpath_core::matrix::Matrix;
use towpath_core::units::Span;
use towpath_engine::AdapterSet;
use towpath_engine::views::PromotionView;
use towpath_ports::Site;
use towpath_proxy::Handle;

use crate::background::engine_answers;
use crate::client::Client;
use crate::commands::serve;
use crate::project::ProjectFolder;
use crate::wiring::Adapters;

/// How long an instance may take to end; nobody needs its answers any more.
const LAST_DRAIN: Span = Span::seconds(2);
/// How long a stopping engine may take to finish what it writes.
const ENGINE_WITHIN: Duration = Duration::from_secs(10);
/// How often it is looked whether it has gone.
const LOOK: Duration = Duration::from_millis(20);
/// Promotions that are asked for at once; the API lists no more.
const PAGE: usize = 200;
/// Most pages that are asked for: ten thousand promotions.
const MOST_PAGES: usize = 50;

/// What was ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ended {
    /// Deployments of releases; one that had ended already counts.
    pub(crate) deployments: usize,
    /// Deployments that could not be ended.
    pub(crate) left: usize,
}

/// Ends the engine, then every instance of every deployment, then the proxy. Safe to repeat.
pub(crate) async fn end_everything(project: &ProjectFolder, client: &Client) -> Ended {
    let matrix: Option<Matrix> = client.get("/v1/matrix").await.ok();
    let deployments = deployments(client).await;
    stop_engine(project, client).await;
    let mut ended = Ended::default();
    if let (Some(matrix), Ok(adapters)) = (matrix, adapters(project)) {
        // An engine that did not stop in time must not start again what is ended here.
        match serve::take_over(project).await {
            Ok(epoch) => {
                for (lane, deployment) in deployments {
                    let stopped = stop(&adapters, &matrix, &lane, deployment, epoch).await;
                    if stopped { ended.deployments += 1 } else { ended.left += 1 }
                }
            }
            Err(error) => {
                tracing::warn!(?error, "the instances were left behind: the journal is not ours");
                ended.left = deployments.len();
            }
        }
    }
    let socket = project.state.join("proxy").join(towpath_proxy::SOCKET_NAME);
    if let Ok(handle) = Handle::connect(&socket).await {
        // A proxy that has gone already needs no shutdown.
        let _ = handle.shutdown().await;
    }
    ended
}

/// Stops the engine and waits until it has gone, a limited time. Safe to repeat.
pub(crate) async fn stop_engine(project: &ProjectFolder, client: &Client) {
    // An engine that has gone already needs no stop.
    let _: Result<serde_json::Value, _> = client.post("/v1/engine/stop", &()).await;
    let deadline = tokio::time::Instant::now() + ENGINE_WITHIN;
    while engine_answers(project).await && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(LOOK).await;
    }
}

/// Every deployment that may have processes: each promotion names one.
async fn deployments(client: &Client) -> Vec<(LaneId, PromotionNumber)> {
    let mut found = Vec::new();
    let mut before = String::new();
    for _ in 0..MOST_PAGES {
        let url = format!("/v1/promotions?limit={PAGE}{before}");
        let listed: Vec<PromotionView> = client.get(&url).await.unwrap_or_default();
        found.extend(listed.iter().filter_map(|promotion| {
            let service = Name::new(&promotion.service).ok()?;
            let environment = Name::new(&promotion.to).ok()?;
            Some((LaneId { service, environment }, PromotionNumber(promotion.number)))
        }));
        match listed.last() {
            Some(last) if listed.len() == PAGE => before = format!("&before={}", last.number),
            _ => break,
        }
    }
    found
}

async fn stop(
    adapters: &Adapters,
    matrix: &Matrix,
    lane: &LaneId,
    deployment: PromotionNumber,
    epoch: Epoch,
) -> bool {
    let Some((_, section)) = matrix.lane(lane) else { return false };
    let Ok(target) = adapters.target(&section.target) else { return false };
    let stopped = target.ensure_stopped(lane, deployment, epoch, LAST_DRAIN).await;
    if let Err(error) = &stopped {
        tracing::warn!(%lane, %error, "an instance was left behind");
    }
    stopped.is_ok()
}

fn adapters(project: &ProjectFolder) -> std::io::Result<Adapters> {
    Ok(Adapters::new(Site {
        root: project.root.clone(),
        state: project.state.clone(),
        program: std::env::current_exe()?,
        artifacts: Arc::new(Artifacts::new(&project.state)),
        speed: project.speed(),
    }))
}
