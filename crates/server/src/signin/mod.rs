//! Signing in at the server: people with a browser get a session. Owns sessions, from a cookie to what the
//! engine is told; gives nobody a right, which are the matrix's to give.
//!
//! Reading order: `visit` (what a request brings), `gate` (who is let in), then a page each in `pages`.

mod attempts;
mod chance;
mod cookie;
mod form;
mod gate;
mod keeping;
mod links;
mod origin;
mod overview;
mod pages;
mod passwords;
mod provider;
mod public;
mod returning;
mod second;
mod visit;
mod vouched;
mod workloads;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, RwLock};

use axum::http::{Extensions, HeaderMap};
use tokio::sync::Semaphore;
use towpath_core::ids::{Person, SessionId};
use towpath_core::units::{Span, Timestamp};
use towpath_engine::{Engine, EngineError};
use towpath_ports::accounts::Accounts;
use towpath_ports::clock::Clock;
use towpath_ports::store::StoreError;

pub use gate::{guard, leads_to};
pub(crate) use gate::{no_page, session_of_api};
pub use links::MadeLink;
pub(crate) use pages::front;
pub use pages::router;
pub use provider::{Provider, ProviderSettings, WrongProvider};
pub use public::{PublicUrl, WrongPublicUrl};
pub(crate) use visit::{InSession, LOOKED_AT_EVERY, Pass, place};
pub use vouched::keys_in;
pub(crate) use workloads::Vouched;
pub use workloads::{Workload, Workloads};

/// How long a session shows pages, whatever an environment allows for orders: a working day. OWASP's cheat
/// sheet on sessions asks for a limit that fits how people work.
pub const LONGEST: Span = Span::hours(12);
/// How many passwords are hashed at once: each takes 19 MiB and one of two cores.
const HASHED_AT_ONCE: usize = 2;

/// What a server is told about signing in.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens, without a slash at the end: `http://127.0.0.1:7411`.
    pub address: String,
    /// Where browsers find it, where somebody said so: then nothing that a request says about its host counts.
    pub public: Option<PublicUrl>,
    /// Who else lets people in; none: passwords and links alone.
    pub provider: Option<Provider>,
    /// Programs that other issuers vouch for.
    pub workloads: Workloads,
}

impl Settings {
    /// What links begin with.
    fn links(&self) -> &str {
        self.public.as_ref().map_or(&self.address, |public| public.as_str())
    }
}

/// Why nobody was signed in, or nothing was answered.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Accounts cannot be read or written.
    #[error("{0}")]
    Accounts(#[from] StoreError),
    /// That somebody signs in cannot be put on record, and so nobody does.
    #[error("{0}")]
    Record(#[from] EngineError),
    /// The machine gives no random numbers, or hashes nothing.
    #[error("this machine gives no random numbers, or has no memory left")]
    Machine,
    /// Too many tried too often.
    #[error("too many attempts; wait a quarter of an hour")]
    TooMany,
}

/// Signing in at one server, for all of its projects. Cheap to clone.
#[derive(Clone)]
pub struct SignIn(Arc<Inner>);

struct Inner {
    accounts: Arc<dyn Accounts>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    projects: RwLock<Vec<Engine>>,
    hashing: Arc<Semaphore>,
    /// Sessions that streams asked about, with the answer and when it was given.
    looked_at: Mutex<BTreeMap<SessionId, (Timestamp, bool)>>,
    swept: Mutex<Timestamp>,
}

impl SignIn {
    /// Signing in by what `accounts` keep.
    pub fn new(accounts: Arc<dyn Accounts>, clock: Arc<dyn Clock>, settings: Settings) -> Self {
        let swept = Mutex::new(clock.now());
        Self(Arc::new(Inner {
            accounts,
            clock,
            settings,
            projects: RwLock::default(),
            hashing: Arc::new(Semaphore::new(HASHED_AT_ONCE)),
            looked_at: Mutex::default(),
            swept,
        }))
    }

    /// Has the people of a project sign in here. Once for each, before anybody is answered.
    pub fn serves(&self, engine: &Engine) {
        self.0.projects.write().expect("no holder of this lock panics").push(engine.clone());
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    fn accounts(&self) -> &dyn Accounts {
        self.0.accounts.as_ref()
    }

    fn projects(&self) -> Vec<Engine> {
        self.0.projects.read().expect("no holder of this lock panics").clone()
    }

    /// The projects in which `person` may have a session.
    fn projects_of(&self, person: &Person) -> Vec<Engine> {
        let mut projects = self.projects();
        projects.retain(|engine| self.opens(engine, person));
        projects
    }

    /// Whether a session of `person` opens the project of `engine`: its matrix names them. One that names nobody
    /// opens to no session where other projects are served: whoever signed in belongs to one of those.
    pub(crate) fn opens(&self, engine: &Engine, person: &Person) -> bool {
        let is_alone = self.0.projects.read().expect("no holder of this lock panics").len() == 1;
        engine.may_sign_in(person) || (is_alone && !engine.knows_people())
    }

    fn provider(&self) -> Option<&Provider> {
        self.0.settings.provider.as_ref()
    }

    /// Whether a cookie is for TLS alone, and an origin has to be of TLS.
    fn is_secure(&self, extensions: &Extensions) -> bool {
        let public = self.0.settings.public.as_ref();
        public.map_or_else(|| visit::is_encrypted(extensions), PublicUrl::is_encrypted)
    }

    /// Whether a form was sent by one of our own pages.
    fn is_own(&self, headers: &HeaderMap, extensions: &Extensions) -> bool {
        match &self.0.settings.public {
            Some(public) => origin::is_of(headers, public.as_str()),
            None => origin::is_own(headers, self.is_secure(extensions)),
        }
    }
}
