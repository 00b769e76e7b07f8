//! All that a server answers over the network: its projects, and what belongs to none of them. Owns the
//! few addresses around a project's own.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use towpath_engine::Engine;

use crate::error::ApiError;
use crate::measures::{self, Measures};
use crate::routes::{self, App};
use crate::{caller, error, pages, signin};

/// What Prometheus reads (its text format, with the units of OpenMetrics).
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The projects of one server and what is measured of them.
#[derive(Clone)]
pub struct Site {
    apps: Arc<[App]>,
    measures: Arc<Measures>,
}

impl Site {
    /// Of these projects, each with an engine that runs. Begins to count what happens in them.
    pub fn new(apps: Vec<App>, version: &str) -> Self {
        let measures = Measures::new(version);
        for app in &apps {
            measures::follow(Arc::clone(&measures), app.engine.clone());
        }
        Self { apps: apps.into(), measures }
    }

    /// Whether each project's engine runs and reaches its journal.
    pub fn is_ready(&self) -> bool {
        self.apps.iter().all(|app| app.engine.is_ready())
    }

    /// Everything, for the network. What a project answers is under `/v1/projects/NAME`, and under `/v1` as
    /// well where it is the only one.
    pub fn routes(&self) -> Router {
        let mut all = self.open();
        for app in self.apps.iter() {
            let name = &app.engine.setup().project;
            all = all.nest(&format!("/v1/projects/{name}"), routes::project_api(app.clone()));
            all = all.nest(&format!("/projects/{name}"), routes::project_pages(app.clone()));
        }
        if let [app] = &*self.apps {
            let measured = get(measured).with_state(self.clone());
            let admitted = middleware::from_fn_with_state(app.clone(), caller::admit);
            all = all.route("/metrics", measured.layer(admitted));
            all = all.nest("/v1", routes::project_api(app.clone()));
            all = all.merge(routes::project_pages(app.clone()));
        }
        if let Some(sign_in) = self.apps.iter().find_map(|app| app.sign_in.clone()) {
            if self.apps.len() > 1 {
                all = all.merge(signin::front(sign_in.clone()));
            }
            all = all.merge(signin::router(sign_in));
        }
        let measures = Arc::clone(&self.measures);
        all.fallback(nobody_knows).layer(middleware::from_fn_with_state(measures, counted))
    }

    /// What is measured, for an address of its own that the outside does not reach: open to whoever asks.
    pub fn measures_alone(&self) -> Router {
        self.open().route("/metrics", get(measured).with_state(self.clone()))
    }

    /// What anybody may ask.
    fn open(&self) -> Router {
        let ready = get(ready).with_state(self.clone());
        let open =
            Router::new().route("/healthz", get(|| async { "well\n" })).route("/readyz", ready);
        open.route(pages::STYLE, get(pages::style))
    }
}

/// Whether each project's engine runs and reaches its journal: 200, or 503.
async fn ready(State(site): State<Site>) -> impl IntoResponse {
    // Names of projects are for those who belong to them.
    if site.is_ready() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}

/// Whether a project is there is for those who belong to it: what there is not is answered as what is not
/// opened (trust.md, T19).
async fn nobody_knows(request: Request) -> ApiError {
    if request.uri().path().starts_with("/v1") {
        let says_who = request.headers().contains_key(header::AUTHORIZATION);
        return if says_who { ApiError::no_entry() } else { ApiError::nobody() };
    }
    error::no_such_route().await
}

async fn measured(State(site): State<Site>) -> impl IntoResponse {
    let engines: Vec<Engine> = site.apps.iter().map(|app| app.engine.clone()).collect();
    ([(header::CONTENT_TYPE, OPEN_METRICS)], site.measures.text(&engines).await)
}

async fn counted(State(measures): State<Arc<Measures>>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let answer = next.run(request).await;
    measures.answered(&method, answer.status().as_u16());
    answer
}
