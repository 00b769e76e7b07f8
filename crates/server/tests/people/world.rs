//! An engine whose people wait, and requests to it. Has no adapter but one for mail: nothing else that is asked here
//! may get as far as one.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::body::{Body, Bytes};
use axum::http::response::Parts;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use towpath_core::code_owners::{Change, OwnedFiles};
use towpath_core::ids::{Digest, Name, Person};
use towpath_core::matrix::{AdapterSpec, Matrix};
use towpath_core::notices::Notice;
use towpath_core::release::{Artifact, Release};
use towpath_core::units::{Span, Timestamp};
use towpath_engine::{AdapterSet, Engine, Running, Setup, start};
use towpath_ports::artifacts::{ArtifactError, ArtifactStore};
use towpath_ports::check::Check;
use towpath_ports::clock::Clock;
use towpath_ports::evidence::EvidenceStore;
use towpath_ports::history::{FixQuestion, History};
use towpath_ports::metrics::MetricsSource;
use towpath_ports::notifier::{Delivery, Failure, Notifier, Taken};
use towpath_ports::router::Router;
use towpath_ports::secret::{Known, SecretStore};
use towpath_ports::store::StoreIdentity;
use towpath_ports::target::Target;
use towpath_server::routes::{App, router};
use towpath_store::SqlStore;
use towpath_testkit::declared::{self, ReleaseWords};

/// 2027-01-15T08:00:00Z.
const BEGIN: i64 = 1_800_000_000_000_000;

/// Time that passes when a test says so.
pub(crate) struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

struct Nothing;

/// Mail that was sent: to whom, and what.
pub(crate) type Letters = Arc<Mutex<Vec<(String, Notice)>>>;

/// Adapters of which one is there: `smtp`, which keeps letters to one address.
struct Post(Letters);

/// One letter box.
struct LetterBox {
    letters: Letters,
    to: String,
}

#[async_trait]
impl Notifier for LetterBox {
    async fn deliver(&self, delivery: &Delivery<'_>) -> Result<Taken, Failure> {
        self.letters.lock().unwrap().push((self.to.clone(), delivery.notice.clone()));
        Ok(Taken { sentence: "it was taken".to_owned() })
    }
}

fn none<T>() -> Result<T, String> {
    Err("nothing of the kind is there".to_owned())
}

impl AdapterSet for Post {
    fn target(&self, _: &AdapterSpec) -> Result<Arc<dyn Target>, String> {
        none()
    }
    fn router(&self, _: &AdapterSpec) -> Result<Arc<dyn Router>, String> {
        none()
    }
    fn check(&self, _: &AdapterSpec) -> Result<Arc<dyn Check>, String> {
        none()
    }
    fn metrics(&self, _: &AdapterSpec) -> Result<Arc<dyn MetricsSource>, String> {
        none()
    }
    fn notifier(&self, spec: &AdapterSpec) -> Result<Arc<dyn Notifier>, String> {
        let to = spec.settings["to"][0].as_str().unwrap_or_default().to_owned();
        Ok(Arc::new(LetterBox { letters: Arc::clone(&self.0), to }))
    }
    fn addressed(&self, spec: &AdapterSpec, address: &str) -> Option<AdapterSpec> {
        let settings = json!({ "to": [address] });
        (spec.kind == "smtp").then(|| AdapterSpec { kind: spec.kind.clone(), settings })
    }
    fn secrets(&self, _: &AdapterSpec) -> Result<Arc<dyn SecretStore>, String> {
        none()
    }
    fn history(&self) -> Arc<dyn History> {
        Arc::new(Nothing)
    }
}

#[async_trait]
impl History for Nothing {
    async fn has_fix(&self, _: &FixQuestion) -> Result<bool, String> {
        none()
    }

    async fn owners(&self, _: &Change) -> Result<Vec<OwnedFiles>, String> {
        none()
    }
}

#[async_trait]
impl ArtifactStore for Nothing {
    async fn path(&self, artifact: &Artifact) -> Result<PathBuf, ArtifactError> {
        Err(ArtifactError::Missing(artifact.digest.to_string()))
    }
}

impl EvidenceStore for Nothing {
    fn keep(&self, _: &[u8]) -> Result<Digest, String> {
        none()
    }
    fn read(&self, _: &Digest) -> Result<Option<Vec<u8>>, String> {
        none()
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl Answered {
    /// The stable word of a problem.
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) enum As<'a> {
    /// A person of the rehearsal.
    Person(&'a str),
    /// Whoever has this token.
    Token(&'a str),
    /// These headers, as they are.
    Headers(Vec<(&'a str, &'a str)>),
}

/// An engine and its surroundings.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) matrix: Matrix,
    pub(crate) clock: Arc<HandClock>,
    /// How many orders had a key.
    keys: AtomicI64,
    pub(crate) app: App,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) letters: Letters,
}

impl World {
    /// An engine with this matrix, applied by `lead`, and with the releases 1.0.0 and 2.0.0, made by `ada`.
    pub(crate) async fn new(words: &str, change: impl FnOnce(&mut Matrix)) -> Self {
        let mut matrix = declared::matrix(words).unwrap();
        change(&mut matrix);
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(HandClock(AtomicI64::new(BEGIN)));
        let project = matrix.project.clone();
        let file = folder.path().join("journal.db");
        // A rehearsal is played by one user, who acts as each of the people.
        let identity = StoreIdentity { project: project.clone(), speed: 60 };
        let store = SqlStore::open(&file.to_string_lossy(), &identity).await.unwrap();
        let letters = Letters::default();
        let setup = Setup {
            project,
            speed: 60,
            root: folder.path().to_owned(),
            store: Arc::new(store),
            artifacts: Arc::new(Nothing),
            evidence: Arc::new(Nothing),
            adapters: Arc::new(Post(Arc::clone(&letters))),
            known: Known::default(),
            notary: None,
            clock: Arc::<HandClock>::clone(&clock),
            sampling: None,
        };
        let Running { engine, .. } = start(setup).await.unwrap();
        let (stop, _) = tokio::sync::mpsc::channel(1);
        let app = App { engine: engine.clone(), stop, sign_in: None, traces: None };
        let world = Self {
            engine,
            matrix: matrix.clone(),
            clock,
            keys: AtomicI64::new(0),
            app,
            folder,
            letters,
        };
        world.apply(&matrix).await;
        for version in ["1.0.0", "2.0.0"] {
            let answer = world.create_release(version, "ada").await;
            assert!(answer.status.is_success(), "{answer:?}");
        }
        world
    }

    /// Has the matrix in force, by `lead`.
    pub(crate) async fn apply(&self, matrix: &Matrix) {
        let body = json!({ "matrix": matrix, "by": "lead" });
        let answer = self.post(&As::Person("lead"), "/v1/matrix", &body).await;
        assert!(answer.status.is_success(), "{answer:?}");
    }

    /// A release of the only service, made by `author`.
    pub(crate) async fn create_release(&self, version: &str, author: &str) -> Answered {
        let words = ReleaseWords { content: version.to_owned(), ..ReleaseWords::default() };
        let service = Name::new(declared::ONLY_SERVICE).unwrap();
        let release = declared::release(&service, version, &words, Timestamp(0)).unwrap();
        let body = json!({ "release": release, "by": "nobody" });
        self.post(&As::Person(author), "/v1/releases", &body).await
    }

    /// The same, written by somebody else than whoever creates it.
    pub(crate) async fn release_of(
        &self,
        version: &str,
        author: &str,
        creator: &As<'_>,
    ) -> Answered {
        let words = ReleaseWords { content: version.to_owned(), ..ReleaseWords::default() };
        let service = Name::new(declared::ONLY_SERVICE).unwrap();
        let release = declared::release(&service, version, &words, Timestamp(0)).unwrap();
        let author = Some(Person::new(author).unwrap());
        let release = Release { author, ..release };
        let body = json!({ "release": release, "by": "nobody" });
        self.post(creator, "/v1/releases", &body).await
    }

    /// What time it is.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Time passes.
    pub(crate) fn pass(&self, span: Span) {
        let now = self.clock.now().plus(span);
        self.clock.0.store(now.0, Ordering::SeqCst);
    }

    /// Kinds of all events so far, but for the record of what was refused.
    pub(crate) async fn kinds(&self) -> Vec<String> {
        let rows = self.engine.events(0, 1000).await.unwrap();
        rows.into_iter().map(|row| row.kind).filter(|kind| kind != "order-refused").collect()
    }

    /// How many refusals are on record.
    pub(crate) async fn refusals(&self) -> usize {
        let rows = self.engine.events(0, 1000).await.unwrap();
        rows.into_iter().filter(|row| row.kind == "order-refused").count()
    }

    pub(crate) async fn get(&self, who: &As<'_>, path: &str) -> Answered {
        self.ask(who, Method::GET, path, &Value::Null).await
    }

    pub(crate) async fn post(&self, who: &As<'_>, path: &str, body: &Value) -> Answered {
        self.ask(who, Method::POST, path, body).await
    }

    /// Asks by the real routes.
    pub(crate) async fn ask(
        &self,
        who: &As<'_>,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Answered {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header(header::CONTENT_TYPE, "application/json");
        // Answers are compared with each other.
        request = request.header("x-request-id", "the-same");
        if *request.method_ref().unwrap() == Method::POST {
            let key = self.keys.fetch_add(1, Ordering::SeqCst);
            request = request.header("idempotency-key", format!("key-{key}"));
        }
        request = match who {
            As::Person(name) => request.header(towpath_server::ACTING_AS, *name),
            As::Token(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
            As::Headers(all) => {
                all.iter().fold(request, |request, (name, value)| request.header(*name, *value))
            }
        };
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (parts, body) = self.send(request.body(Body::from(body)).unwrap()).await;
        let text = String::from_utf8_lossy(&body).into_owned();
        let status = parts.status;
        Answered { status, body: serde_json::from_str(&text).unwrap_or_default(), text }
    }

    /// What is answered to a request as it is, as far as it is not read yet.
    pub(crate) async fn answered(&self, request: Request<Body>) -> (Parts, Body) {
        router(self.app.clone()).oneshot(request).await.unwrap().into_parts()
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> (Parts, Bytes) {
        let (parts, body) = self.answered(request).await;
        (parts, axum::body::to_bytes(body, 1 << 24).await.unwrap())
    }

    /// Every route of the program, with a method: read from its table, so that none is forgotten.
    pub(crate) fn routes() -> Vec<(Method, String)> {
        let routes = towpath_server::routes::routes().into_iter();
        routes.map(|route| (route.method, place(route.path))).collect()
    }
}

/// A path of the table where something is, in a server that holds one project.
pub(crate) fn place(path: &str) -> String {
    let path = path.replace("{service}", "app").replace("{environment}", "staging");
    let path = path.replace("{number}", "1").replace("{id}", "0123456789ab");
    format!("/v1{}", path.replace("{digest}", "0123456789ab"))
}

/// Routes that order nothing of the project, or are asked about elsewhere, with why.
pub(crate) const ASIDE: [(&str, &str); 17] = [
    ("/v1/sign-in-links", "for oneself, at the machine; tests of signing in"),
    ("/v1/matrix/asked", "asks what would be"),
    ("/v1/matrix/proposal", "answers 404 where nothing is proposed; tests of `governing`"),
    ("/v1/audit/checkpoint", "signs what is there, and changes nothing"),
    ("/v1/promotions/1/attestation", "signs what is there, and changes nothing"),
    ("/v1/evidence/withdraw", "answers 404 where no evidence is kept"),
    ("/v1/lanes/app/staging/plan", "asks what would be"),
    ("/v1/lanes/app/staging/validate", "asks checks again; by a token it wants `promote`"),
    ("/v1/lanes/app/staging/probe", "asks whether it is well; by a token it wants `promote`"),
    ("/v1/lanes/app/staging/quarantine/lift", "answers 404 where nothing is quarantined"),
    ("/v1/releases", "its own test: a release must be whole"),
    ("/v1/uploads/missing", "changes nothing; asked for its right in `words`"),
    ("/v1/uploads/0123456789ab", "keeps bytes that nothing names; asked for its right in `words`"),
    ("/v1/tokens/exchange", "for builds alone; tests of workloads"),
    ("/v1/tokens", "t13: for no more than whoever asks may"),
    ("/v1/tokens/0123456789ab/revoke", "t13: one's own, or `apply_matrix`"),
    ("/v1/engine/stop", "whoever owns the socket; t13: nobody by a token"),
];
