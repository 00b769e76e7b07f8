//! Who is let to a project's pages: whoever signed in, and by their own forms. Owns that door and where it leads
//! instead; what may be ordered is the engine's to say.

use axum::extract::{Request, State};
use axum::http::{Extensions, HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};
use towpath_core::reason::Refusal;
use tracing::warn;

use super::pages::frame;
use super::visit::InSession;
use super::{SignIn, form, returning};
use crate::caller::{self, Caller};
use crate::listen::Remote;
use crate::routes::App;
use crate::visitor::Visitor;

/// Lets a request to a page pass that a session brings, or that comes from the machine itself; leads everybody
/// else to the sign-in page and back. A form passes only from one of our own pages, with the token of the
/// session (T7). Puts a [`Visitor`] into the request, and every order that the page gives is held against the
/// rules of the session.
pub async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let looks = looks(request.method());
    if request.extensions().get::<Remote>().is_none() {
        return of_machine(request, next).await;
    }
    let Some(sign_in) = app.sign_in.clone() else {
        return frame::problem(StatusCode::NOT_FOUND, "Nobody can sign in here.");
    };
    let found = sign_in.visit_of(&app.engine, request.headers(), request.extensions()).await;
    let visit = match found {
        Ok(Some(visit)) => visit,
        Ok(None) => return to_sign_in(&request),
        Err(error) => return frame::unavailable(&error),
    };
    if !looks {
        if !sign_in.is_own(request.headers(), request.extensions()) {
            return frame::foreign();
        }
        let Some((same, fields)) = form::read(request, form::LARGEST).await else {
            return frame::foreign();
        };
        if !fields.carries(&visit.form) {
            return frame::foreign();
        }
        request = same;
    }
    let visitor = Visitor { person: visit.session.person.clone(), form: visit.form.clone() };
    request.extensions_mut().insert(visitor);
    request.extensions_mut().insert(InSession(visit));
    caller::with_origin(request, next).await
}

/// What there is at an address of no project: a page that says so, for whoever signed in.
pub(crate) async fn no_page(sign_in: &SignIn, request: Request) -> Response {
    match sign_in.visit(request.headers(), request.extensions()).await {
        Ok(Some(_)) => frame::nothing_there(),
        Ok(None) => to_sign_in(&request),
        Err(error) => frame::unavailable(&error),
    }
}

/// Off to the sign-in page, and back from there to what was asked for.
fn to_sign_in(request: &Request) -> Response {
    let looks = looks(request.method());
    let page = returning::page_of(&whole(request), looks, request.headers());
    frame::to_sign_in(&page)
}

/// The user of the socket, and in a rehearsal whom they play.
async fn of_machine(request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let caller =
        <Caller as axum::extract::FromRequestParts<()>>::from_request_parts(&mut parts, &());
    let Caller(person) = match caller.await {
        Ok(caller) => caller,
        Err(refused) => return refused.into_response(),
    };
    parts.extensions.insert(Visitor { person, form: String::new() });
    caller::with_origin(Request::from_parts(parts, body), next).await
}

/// The address that was asked for, before a mount took its part of it.
fn whole(request: &Request) -> axum::http::Uri {
    let original = request.extensions().get::<axum::extract::OriginalUri>();
    original.map_or_else(|| request.uri().clone(), |original| original.0.clone())
}

/// Whether a request only looks.
pub(crate) fn looks(method: &Method) -> bool {
    *method == Method::GET || *method == Method::HEAD
}

/// Where a page leads whose order was refused because of the session: to sign in again or to show a second
/// factor, and from there back to `page`. None of any other refusal.
pub fn leads_to(refusal: &Refusal, page: &str) -> Option<Redirect> {
    let place = match refusal.code.as_str() {
        "session-expired" => "/sign-in",
        "second-factor" => "/step-up",
        _ => return None,
    };
    Some(Redirect::to(&returning::with_to(place, page)))
}

/// The session that a request to the API brings, which opens what only looks: an order comes by a token or from
/// the machine itself, never by what a browser sends along by itself.
pub(crate) async fn session_of_api(
    app: &App,
    method: &Method,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Result<Option<InSession>, ()> {
    let Some(sign_in) = app.sign_in.as_ref() else { return Ok(None) };
    if !looks(method) || extensions.get::<Remote>().is_none() {
        return Ok(None);
    }
    match sign_in.visit_of(&app.engine, headers, extensions).await {
        Ok(visit) => Ok(visit.map(InSession)),
        Err(error) => {
            warn!(%error, "sessions cannot be read");
            Err(())
        }
    }
}
