//! The demo's folder, ports, engine and what runs at the end. Owns setting up and clearing away.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use towpath_adapters::artifacts::Artifacts;
use towpath_core::ids::{Name, Person, Version};
use towpath_core::release::{ChangeType, Release};
use towpath_core::units::Timestamp;
use towpath_server::requests::{
    AcceptedView, MatrixRequest, ReleaseRequest, SignInLinkAnswer, SignInLinkRequest,
};

use crate::background::ensure_engine_with;
use crate::client::Client;
use crate::demo::matrix::{self, Chapter};
use crate::exit_code::{CliError, ExitCode};
use crate::project::{MATRIX_FILE, ProjectFolder};
use crate::{teardown, wiring};

/// The port of the pages where it is free, as that of `towpath serve`.
const USUAL_PORT: u16 = 7411;

/// Everything that the demo stands on.
pub(super) struct Stage {
    project: ProjectFolder,
    /// The engine's API.
    pub(super) client: Client,
    /// One address for each environment.
    pub(super) addresses: [SocketAddr; 5],
    /// Where the pages are.
    pages: SocketAddr,
}

impl Stage {
    /// Makes a folder with the matrix. Starts nothing, and leaves nothing when it fails.
    pub(super) fn prepare() -> Result<Self, CliError> {
        let folder = new_folder().map_err(|error| cannot("make a folder", &error.to_string()))?;
        let root = folder.path().canonicalize();
        let root = root.map_err(|error| cannot("find its folder", &error.to_string()))?;
        let addresses =
            free_addresses().map_err(|error| cannot("find free ports", &error.to_string()))?;
        let pages = pages().map_err(|error| cannot("find a free port", &error.to_string()))?;
        std::fs::write(root.join(MATRIX_FILE), matrix::text(&addresses))
            .map_err(|error| cannot("write the matrix", &error.to_string()))?;
        let project = ProjectFolder::find(&root, Some(matrix::SPEED))?;
        let client = Client::new(project.socket());
        // From here on `clear` removes it, once what runs in it has ended.
        let _ = folder.keep();
        Ok(Self { project, client, addresses, pages })
    }

    /// Starts the engine that carries the matrix out. What it started is there until `clear`, also
    /// when it fails.
    pub(super) async fn open(&self) -> Result<(), CliError> {
        let text = matrix::text(&self.addresses);
        let checked = towpath_config::parse(MATRIX_FILE, text.as_bytes(), &wiring::catalogue());
        let matrix = checked
            .matrix
            .ok_or_else(|| cannot("read its own matrix", &format!("{:?}", checked.errors)))?;
        ensure_engine_with(&self.project, Some(self.pages)).await?;
        let request =
            MatrixRequest { matrix, by: person(), unless_asked: false, signed: None, source: None };
        let _: AcceptedView = self.client.post("/v1/matrix", &request).await?;
        Ok(())
    }

    /// A link that opens the pages, once.
    pub(super) async fn link(&self) -> Result<String, CliError> {
        let asked = SignInLinkRequest {};
        let made: SignInLinkAnswer = self.client.post("/v1/sign-in-links", &asked).await?;
        Ok(made.address)
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
            branch: None,
            author: Some(person()),
            change_type: ChangeType::Feature,
            type_by: None,
            evidence: std::collections::BTreeMap::new(),
            snapshot: false,
            created_by: None,
            behind: Vec::new(),
            created_at: Timestamp(0),
        };
        let request = ReleaseRequest { release, by: person() };
        let _: AcceptedView = self.client.post("/v1/releases", &request).await?;
        Ok(())
    }

    /// Ends everything that the demo started: the engine, the instances, the proxy, the folder.
    ///
    /// # Errors
    /// When something may run still. The folder stays then: only with it can that be ended.
    pub(super) async fn clear(&self) -> Result<(), CliError> {
        let ended = teardown::end_everything(&self.project).await;
        ended.map_err(|error| error.at(self.project.root.display().to_string()))?;
        // What is left of the folder is in the system's temporary folder.
        let _ = std::fs::remove_dir_all(&self.project.root);
        Ok(())
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

/// A folder of our own with a name that nobody can take before; only its owner may look into it.
fn new_folder() -> std::io::Result<tempfile::TempDir> {
    tempfile::Builder::new()
        .prefix("towpath-demo-")
        .permissions(std::fs::Permissions::from_mode(0o700))
        .tempdir()
}

/// Where the pages usually are, or any port that is free now.
fn pages() -> std::io::Result<SocketAddr> {
    let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
    TcpListener::bind(at(USUAL_PORT)).or_else(|_| TcpListener::bind(at(0)))?.local_addr()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_folder_is_private_new_each_time_and_gone_when_it_is_cleared() {
        let (one, other) = (Stage::prepare().unwrap(), Stage::prepare().unwrap());
        assert_ne!(one.root(), other.root());
        for stage in [one, other] {
            let mode = stage.root().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
            stage.clear().await.unwrap();
            assert!(!stage.root().exists());
        }
    }
}
