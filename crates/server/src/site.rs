//! All that a server answers over the network: its projects, and what belongs to none of them. Owns the
//! few addresses around a project's own.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use tower::ServiceExt as _;
use towpath_engine::Engine;

use crate::caller::NoProject;
use crate::error::ApiError;
use crate::measures::{self, Measures};
use crate::routes::{self, App};
use crate::{caller, error, openapi, pages, signin, traces};

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
        let traces = apps.iter().find_map(|app| app.traces.clone());
        let measures = Measures::new(version, traces.as_ref());
        for app in &apps {
            if let Some(traces) = &app.traces {
                traces::follow(traces.clone(), app.engine.clone());
            }
            measures::follow(Arc::clone(&measures), app.engine.clone());
        }
        Self { apps: apps.into(), measures }
    }

    /// Whether each project's engine runs and reaches its journal.
    pub fn is_ready(&self) -> bool {
        self.apps.iter().all(|app| app.engine.is_ready())
    }

    /// Everything, for the network. What a project answers is under `/v1/projects/NAME`, and under `/v1` as
    /// well where it is the only one; the description of the API and what is measured are there in any case.
    pub fn routes(&self) -> Router {
        let mut all = self.open();
        for app in self.apps.iter() {
            let name = &app.engine.setup().project;
            all = all.nest(&format!("/v1/projects/{name}"), routes::project_api(app.clone()));
            let pages = routes::project_pages(app.clone()).fallback_service(no_page(app));
            all = all.nest(&format!("/projects/{name}"), pages);
        }
        if let [app] = &*self.apps {
            let measured = get(measured).with_state(self.clone());
            let admitted = middleware::from_fn_with_state(app.clone(), caller::admit);
            all = all.route("/metrics", measured.layer(admitted));
            all = all.nest("/v1", routes::project_api(app.clone()));
            all = all.merge(routes::project_pages(app.clone()));
        } else {
            all = all.route("/metrics", get(measured_of_one).with_state(self.clone()));
            // It says nothing of a project, and is the same for each of them.
            all = all.route(&format!("/v1{}", openapi::PATH), get(openapi::show));
        }
        if let Some(sign_in) = self.apps.iter().find_map(|app| app.sign_in.clone()) {
            if self.apps.len() > 1 {
                all = all.merge(signin::front(sign_in.clone()));
            }
            all = all.merge(signin::router(sign_in));
        }
        let measures = Arc::clone(&self.measures);
        let all = all.fallback_service(any(nowhere).with_state(self.clone()));
        let lost = any(lost).with_state(Lost { site: self.clone(), known: all.clone() });
        let traces = self.apps.iter().find_map(|app| app.traces.clone());
        all.fallback_service(lost)
            .layer(middleware::from_fn_with_state(measures, counted))
            .layer(middleware::from_fn_with_state(traces, traces::traced))
    }

    /// The same address in the first project, where one is asked for that there is not.
    fn instead_of(&self, uri: &Uri) -> Option<Uri> {
        let path = uri.path_and_query()?.as_str();
        let before = ["/v1/projects/", "/projects/"].into_iter().find(|it| path.starts_with(it))?;
        let after = &path[before.len()..];
        let name = &after[..after.find(['/', '?']).unwrap_or(after.len())];
        let is_it = |app: &App| app.engine.setup().project.as_str() == name;
        if self.apps.iter().any(is_it) {
            return None;
        }
        let first = &self.apps.first()?.engine.setup().project;
        format!("{before}{first}{}", &after[name.len()..]).parse().ok()
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

/// The page that a project does not have, for those who belong to it.
fn no_page(app: &App) -> Router {
    let guarded = middleware::from_fn_with_state(app.clone(), signin::guard);
    Router::new().fallback(pages::no_such_place).layer(guarded).with_state(app.clone())
}

/// What there is, for requests that lead to none of it.
#[derive(Clone)]
struct Lost {
    site: Site,
    known: Router,
}

/// Whether a project is there is for those who belong to it (trust.md, T19): what is asked of one that there is not
/// is asked of another, as by somebody who does not belong to it.
async fn lost(State(Lost { site, known }): State<Lost>, mut request: Request) -> Response {
    let Some(instead) = site.instead_of(request.uri()) else {
        return nowhere(State(site), request).await;
    };
    *request.uri_mut() = instead;
    request.extensions_mut().insert(NoProject);
    match known.oneshot(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    }
}

/// An address of which there is nothing: whoever is nobody is led to where one signs in, or told that they are.
async fn nowhere(State(site): State<Site>, request: Request) -> Response {
    if request.uri().path().starts_with("/v1") {
        let says_who = request.headers().contains_key(header::AUTHORIZATION);
        let refused = if says_who { ApiError::no_entry() } else { ApiError::nobody() };
        return refused.into_response();
    }
    let sign_in = site.apps.iter().find_map(|app| app.sign_in.as_ref());
    match (&*site.apps, sign_in) {
        ([app], Some(_)) => match no_page(app).oneshot(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        },
        (_, Some(sign_in)) => signin::no_page(sign_in, request).await,
        (_, None) => error::no_such_route().await.into_response(),
    }
}

async fn measured(State(site): State<Site>) -> impl IntoResponse {
    let engines: Vec<Engine> = site.apps.iter().map(|app| app.engine.clone()).collect();
    ([(header::CONTENT_TYPE, OPEN_METRICS)], site.measures.text(&engines).await)
}

/// What is measured of the project that the request's token opens, and of no other: the names of others are for those
/// who belong to them (trust.md, T19).
async fn measured_of_one(State(site): State<Site>, request: Request) -> Response {
    let own = site.apps.iter().find(|app| caller::opens(app, request.headers()));
    // A request that opens none of them is told so by any.
    let Some(app) = own.or(site.apps.first()).cloned() else {
        return ApiError::nobody().into_response();
    };
    let admitted = middleware::from_fn_with_state(app.clone(), caller::admit);
    let of_one = Site { apps: Arc::new([app]), measures: Arc::clone(&site.measures) };
    let measured = get(measured).with_state(of_one).layer(admitted);
    match Router::new().route("/metrics", measured).oneshot(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    }
}

async fn counted(State(measures): State<Arc<Measures>>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let answer = next.run(request).await;
    measures.answered(&method, answer.status().as_u16());
    answer
}
