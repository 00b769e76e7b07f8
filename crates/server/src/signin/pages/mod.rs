//! The pages of signing in: every URL, once, open to everybody. Each answers the same to whoever it does not
//! know, whatever the cause.

pub(super) mod frame;
mod front;
mod link;
mod mail;
mod password;
mod provider;
mod sign_in;
mod sign_out;
mod step_up;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware;
use axum::response::Response;
use axum::routing::{get, post};

use super::SignIn;
use super::form::{self, Fields};
use super::provider::BACK;
use super::visit::{self, Visit};

/// The pages, at the root of a server that holds one project or several.
pub fn router(sign_in: SignIn) -> Router {
    Router::new()
        .route("/sign-in", get(sign_in::show).post(sign_in::sign_in))
        .route("/sign-in/link/{secret}", get(link::show).post(link::follow))
        .route("/sign-in/mail", post(mail::send))
        .route("/sign-in/password", get(password::show).post(password::change))
        .route("/sign-in/second", get(step_up::offer_page).post(step_up::offer))
        .route("/sign-in/oidc", get(provider::go))
        .route(BACK, get(provider::back))
        .route("/sign-out/done", get(sign_out::done))
        .route("/step-up", get(step_up::show).post(step_up::show_code))
        .route("/sign-out", get(sign_out::show).post(sign_out::sign_out))
        .layer(DefaultBodyLimit::max(form::LARGEST_OF_STRANGERS))
        .layer(middleware::from_fn(frame::bounded))
        .with_state(sign_in)
}

/// The front of a server with several projects: those of whoever signed in.
pub(crate) fn front(sign_in: SignIn) -> Router {
    Router::new()
        .route("/", get(front::show))
        .layer(middleware::from_fn(frame::bounded))
        .with_state(sign_in)
}

/// Where a request comes from, and what it brings.
pub(super) struct At {
    pub(super) place: String,
    pub(super) secure: bool,
    pub(super) visit: Option<Visit>,
}

impl FromRequestParts<SignIn> for At {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, sign_in: &SignIn) -> Result<Self, Response> {
        if !visit::is_safe(&parts.extensions) {
            return Err(frame::without_tls());
        }
        let visit = sign_in.visit(&parts.headers, &parts.extensions).await;
        Ok(Self {
            place: visit::place(&parts.extensions),
            secure: sign_in.is_secure(&parts.extensions),
            visit: visit.map_err(|error| frame::unavailable(&error))?,
        })
    }
}

/// A form of one of our own pages. Whoever has a session sends its token with it; without one nothing is done in
/// anybody's name.
pub(super) struct Own(pub(super) At, pub(super) Fields);

impl axum::extract::FromRequest<SignIn> for Own {
    type Rejection = Response;

    async fn from_request(request: Request, sign_in: &SignIn) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let at = At::from_request_parts(&mut parts, sign_in).await?;
        if !sign_in.is_own(&parts.headers, &parts.extensions) {
            return Err(frame::foreign());
        }
        let read = form::read(Request::from_parts(parts, body), form::LARGEST_OF_STRANGERS).await;
        let Some((_, fields)) = read else { return Err(frame::foreign()) };
        Ok(Self(at, fields))
    }
}

/// The same of whoever signed in, with the token of the session.
pub(super) struct OwnInSession {
    pub(super) place: String,
    pub(super) secure: bool,
    pub(super) visit: Visit,
    pub(super) fields: Fields,
}

impl axum::extract::FromRequest<SignIn> for OwnInSession {
    type Rejection = Response;

    async fn from_request(request: Request, sign_in: &SignIn) -> Result<Self, Response> {
        let Own(at, fields) = Own::from_request(request, sign_in).await?;
        let Some(visit) = at.visit else { return Err(frame::to_sign_in("/")) };
        if !fields.carries(&visit.form) {
            return Err(frame::foreign());
        }
        Ok(Self { place: at.place, secure: at.secure, visit, fields })
    }
}

/// An answer that failed is answered with a page of its own.
pub(super) type Page = Result<Response, super::SignInError>;

impl axum::response::IntoResponse for super::SignInError {
    fn into_response(self) -> Response {
        match self {
            Self::TooMany => frame::problem(
                StatusCode::TOO_MANY_REQUESTS,
                "Too many attempts. Wait a quarter of an hour, or use a link: towpath login --web \
                 on the machine of the server prints one.",
            ),
            other => frame::unavailable(&other),
        }
    }
}
