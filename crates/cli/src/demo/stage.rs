//! The demo's folder, ports, engine and what runs at the end. Owns setting up and clearing away.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use towpath_adapters::artifacts::Artifacts;
use towpath_core::ids::{LaneId, Name, Person, PromotionNumber, Version};
use towpath_core::matrix::Matrix;
use towpath_core::release::{ChangeType, Release};
use towpath_core::units::{Span, Timestamp};
use towpath_engine::AdapterSet;
use towpath_ports::Site;
use towpath_proxy::Handle;
use towpath_server::requests::{AcceptedView, MatrixRequest, ReleaseRequest};

use crate::background::ensure_engine;
use crate::client::Client;
use crate::demo::matrix::{self, Chapter};
use crate::exit_code::{CliError, ExitCode};
use crate::project::{MATRIX_FILE, ProjectFolder};
use crate::wiring::{self, Adapters};

/// How long an instance may take to end when the demo is cleared away.
const LAST_DRAIN: Span = Span::seconds(2);

/// Everything that the demo stands on.
pub(super) struct Stage {
    project: ProjectFolder,
    matrix: Matrix,
    /// The engine's API.
    pub(super) client: Client,
    /// One address for each environment.
    pub(super) addresses: [SocketAddr; 5],
}

impl Stage {
    /// Makes a folder, writes the matrix, and starts the engine that carries it out.
    pub(super) async fn set() -> Result<Self, CliError> {
        let root = new_folder().map_err(|error| cannot("make a folder", &error.to_string()))?;
        let addresses =
            free_addresses().map_err(|error| cannot("find free ports", &error.to_string()))?;
        let file = root.join(MATRIX_FILE);
        let text = matrix::text(&addresses);
        std::fs::write(&file, &text)
            .map_err(|error| cannot("write the matrix", &error.to_string()))?;
        let project = ProjectFolder::find(&root, Some(matrix::SPEED))?;
        let checked = towpath_config::parse(MATRIX_FILE, text.as_bytes(), &wiring::catalogue());
        let matrix = checked
            .matrix
            .ok_or_else(|| cannot("read its own matrix", &format!("{:?}", checked.errors)))?;
        let socket = ensure_engine(&project, true).await?;
        let client = Client::new(socket);
        let request = MatrixRequest { matrix: matrix.clone(), by: person() };
        let _: AcceptedView = client.post("/v1/matrix", &request).await?;
        Ok(Self { project, matrix, client, addresses })
    }

    /// The demo's folder.
    pub(super) fn root(&self) -> &Path {
        &self.project.root
    }

    /// Creates one release: a small program that starts this very binary as the sample service.
    pub(super) async fn create(&self, chapter: &Chapter) -> Result<(), CliError> {
        let file = self.project.root.join(format!("soundbite-{}", chapter.version));
        let io = |error: std::io::Error| cannot("write a release", &error.to_string());
        let program = std::env::current_exe().map_err(io)?;
        let text = format!("#!/bin/sh\nexec '{}' sample-service\n", program.display());
        std::fs::write(&file, text).map_err(io)?;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).map_err(io)?;
        let kept = Artifacts::new(&self.project.state).keep_file(&file).await;
        let kept = kept.map_err(|error| cannot("keep a release", &error.to_string()))?;
        let artifacts = std::iter::once((service(), kept)).collect();
        let settings =
            chapter.settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let settings = settings.collect();
        let release = Release {
            service: service(),
            version: Version::new(chapter.version).expect("the story's versions are versions"),
            digest: Release::content_digest(&artifacts, &settings, &[]),
            artifacts,
            settings,
            migrations: Vec::new(),
            commit: None,
            author: Some(person()),
            change_type: ChangeType::Feature,
            snapshot: false,
            created_at: Timestamp(0),
        };
        let request = ReleaseRequest { release, by: person() };
        let _: AcceptedView = self.client.post("/v1/releases", &request).await?;
        Ok(())
    }

    /// Ends everything that the demo started: the engine, the instances, the proxy, the folder.
    pub(super) async fn clear(&self) {
        let lanes = self.running().await;
        // An engine that has gone already needs no stop.
        let _: Result<serde_json::Value, _> = self.client.post("/v1/engine/stop", &()).await;
        self.engine_ended().await;
        if let Ok(adapters) = self.adapters() {
            for (lane, deployment) in lanes {
                self.stop(&adapters, &lane, deployment).await;
            }
        }
        let socket = self.project.state.join("proxy").join(towpath_proxy::SOCKET_NAME);
        if let Ok(handle) = Handle::connect(&socket).await {
            // A proxy that has gone already needs no shutdown.
            let _ = handle.shutdown().await;
        }
        // What is left of the folder is in the system's temporary folder.
        let _ = std::fs::remove_dir_all(&self.project.root);
    }

    async fn engine_ended(&self) {
        /// A stopping engine finishes what it writes; a broken one is not waited for for ever.
        const LOOKS: u32 = 300;
        for _ in 0..LOOKS {
            if !crate::background::engine_answers(&self.project).await {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// Every deployment that may have processes: each promotion names one.
    async fn running(&self) -> Vec<(LaneId, PromotionNumber)> {
        let listed: Result<Vec<towpath_engine::views::PromotionView>, _> =
            self.client.get("/v1/promotions?limit=200").await;
        let promotions = listed.unwrap_or_default();
        let lanes = promotions.into_iter().filter_map(|promotion| {
            let environment = Name::new(&promotion.to).ok()?;
            Some((LaneId { service: service(), environment }, PromotionNumber(promotion.number)))
        });
        lanes.collect()
    }

    async fn stop(&self, adapters: &Adapters, lane: &LaneId, deployment: PromotionNumber) {
        let Some((_, section)) = self.matrix.lane(lane) else { return };
        let Ok(target) = adapters.target(&section.target) else { return };
        if let Err(error) = target.ensure_stopped(lane, deployment, LAST_DRAIN).await {
            tracing::warn!(%lane, %error, "an instance was left behind");
        }
    }

    fn adapters(&self) -> std::io::Result<Adapters> {
        Ok(Adapters::new(Site {
            root: self.project.root.clone(),
            state: self.project.state.clone(),
            program: std::env::current_exe()?,
            artifacts: Arc::new(Artifacts::new(&self.project.state)),
            speed: matrix::SPEED,
        }))
    }
}

/// The one service of the demo.
pub(super) fn service() -> Name {
    Name::new("api").expect("a name")
}

/// Who plays.
pub(super) fn person() -> Person {
    Person::new("demo").expect("a person's name")
}

fn new_folder() -> std::io::Result<PathBuf> {
    let name = format!("towpath-demo-{}", std::process::id());
    let root = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&root)?;
    std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o700))?;
    root.canonicalize()
}

/// Ports that are free now: all are held until the last is found, so that they differ.
fn free_addresses() -> std::io::Result<[SocketAddr; 5]> {
    let mut held = Vec::new();
    let mut addresses = [SocketAddr::from(([127, 0, 0, 1], 0)); 5];
    for address in &mut addresses {
        let listener = TcpListener::bind(*address)?;
        *address = listener.local_addr()?;
        held.push(listener);
    }
    Ok(addresses)
}

fn cannot(what: &str, cause: &str) -> CliError {
    CliError::new(ExitCode::Failed, "no-demo", format!("the demo could not {what}"))
        .because(cause)
        .next("towpath doctor", "what is wrong with this machine")
}
