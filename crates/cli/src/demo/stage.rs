//! The demo's folder, ports, engine and what runs at the end. Owns setting up and clearing away.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use towpath_adapters::artifacts::Artifacts;
use towpath_core::ids::{Name, Person, Version};
use towpath_core::release::{ChangeType, Release};
use towpath_core::units::Timestamp;
use towpath_server::requests::{AcceptedView, MatrixRequest, ReleaseRequest};

use crate::background::ensure_engine;
use crate::client::Client;
use crate::demo::matrix::{self, Chapter};
use crate::exit_code::{CliError, ExitCode};
use crate::project::{MATRIX_FILE, ProjectFolder};
use crate::{teardown, wiring};

/// Everything that the demo stands on.
pub(super) struct Stage {
    project: ProjectFolder,
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
        let request = MatrixRequest { matrix, by: person() };
        let _: AcceptedView = client.post("/v1/matrix", &request).await?;
        Ok(Self { project, client, addresses })
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
        teardown::end_everything(&self.project, &self.client).await;
        // What is left of the folder is in the system's temporary folder.
        let _ = std::fs::remove_dir_all(&self.project.root);
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
