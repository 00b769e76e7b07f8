//! Answers questions from the journal while no engine does, by the engine's own routes. Owns opening
//! it without a trace; takes no order.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use tokio::sync::mpsc;
use towpath_adapters::artifacts::Artifacts;
use towpath_adapters::evidence::KeptEvidence;
use towpath_core::ids::Name;
use towpath_core::matrix::Matrix;
use towpath_engine::{Engine, Reader, Setup};
use towpath_ports::Site;
use towpath_ports::clock::SystemClock;
use towpath_ports::secret::Known;
use towpath_ports::store::{Store, StoreIdentity};
use towpath_server::routes::App;
use towpath_store::SqlStore;

use crate::blank::Blank;
use crate::exit_code::{CliError, ExitCode};
use crate::project::{ProjectFolder, shown_database};
use crate::token::Token;
use crate::wiring::Adapters;

/// A journal that is only read. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Journal {
    app: App,
    reader: Reader,
    begun: bool,
    /// By which token it is asked; none: as whoever types.
    token: Option<Token>,
}

impl Journal {
    /// Opens the project's journal, or one that says nothing where none was begun. `name` is whose it
    /// is taken for when nothing is noted. Makes no file; safe to repeat and beside an engine.
    ///
    /// # Errors
    /// `no-journal` (exit 1) when it is there and cannot be read.
    pub(crate) async fn open(
        project: &ProjectFolder,
        name: impl FnOnce() -> Result<Name, CliError>,
    ) -> Result<Self, CliError> {
        let location = project.database(None)?;
        let place = shown_database(&location);
        let failed = |error: &dyn std::fmt::Display| cannot(&place, &error.to_string());
        let noted = project.journal_of().map_err(|error| failed(&error))?;
        let name = match noted {
            Some(name) => name,
            None => name()?,
        };
        let identity = StoreIdentity { project: name.clone(), speed: project.speed() };
        let found = SqlStore::open_reading(&location, &identity).await;
        let found = found.map_err(|error| failed(&error))?;
        let begun = found.is_some();
        let store: Arc<dyn Store> = match found {
            Some(store) => Arc::new(store),
            None => Arc::new(Blank),
        };
        let setup = setup(project, name, store).map_err(|error| failed(&error))?;
        let reader = Reader::open(setup).await.map_err(|error| failed(&error))?;
        // Nobody hears a stop: there is nothing to be stopped.
        let (stop, _) = mpsc::channel(1);
        let app = App { engine: reader.engine().clone(), stop, sign_in: None, traces: None };
        Ok(Self { app, reader, begun, token: project.token.clone() })
    }

    /// Whether a journal was begun.
    pub(crate) fn is_begun(&self) -> bool {
        self.begun
    }

    /// What it says, in the engine's own words.
    pub(crate) fn engine(&self) -> &Engine {
        self.reader.engine()
    }

    /// Whether something in it waits for an engine.
    pub(crate) fn needs_engine(&self) -> bool {
        self.reader.is_needed()
    }

    /// Answers from now on as if `matrix` were in force.
    pub(crate) fn suppose(&self, matrix: Matrix) {
        self.reader.suppose(matrix);
    }

    /// Answers a question as an engine would. Safe to repeat.
    pub(crate) async fn answer(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> (StatusCode, HeaderMap, Bytes) {
        let bearer = self.token.as_ref().map(Token::header);
        towpath_server::local::answer(self.app.clone(), method, path, body, bearer).await
    }
}

fn setup(project: &ProjectFolder, name: Name, store: Arc<dyn Store>) -> std::io::Result<Setup> {
    let artifacts = Arc::new(Artifacts::new(&project.state));
    let site = Site {
        root: project.root.clone(),
        state: project.state.clone(),
        program: std::env::current_exe()?,
        artifacts: artifacts.clone(),
        speed: project.speed(),
    };
    Ok(Setup {
        project: name,
        speed: project.speed(),
        root: project.root.clone(),
        store,
        artifacts,
        evidence: Arc::new(KeptEvidence::new(&project.state)),
        adapters: Arc::new(Adapters::new(site)),
        known: Known::default(),
        notary: None,
        clock: Arc::new(SystemClock::default()),
        sampling: None,
    })
}

fn cannot(place: &str, cause: &str) -> CliError {
    CliError::new(ExitCode::Failed, "no-journal", "no engine runs, and the journal cannot be read")
        .because(cause)
        .at(Path::new(place).display().to_string())
        .next("towpath doctor", "what is wrong")
        .next("towpath serve", "runs an engine here, where you see what it says")
}
