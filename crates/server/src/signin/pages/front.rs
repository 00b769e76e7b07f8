//! `/` of a server with several projects: those that whoever signed in belongs to. Names no other.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use maud::html;

use super::{At, frame};
use crate::signin::SignIn;

pub(super) async fn show(State(sign_in): State<SignIn>, at: At) -> Response {
    let Some(visit) = at.visit else { return frame::to_sign_in("/") };
    let person = &visit.session.person;
    let projects = sign_in.projects_of(person);
    let body = html! {
        ul {
            @for engine in &projects {
                @let name = engine.setup().project.as_str();
                li { a href={ "/projects/" (name) } { (name) } }
            }
        }
        p.qq { "Signed in as " b { (person) } ". " a href="/sign-out" { "Sign out" } }
    };
    frame::page(StatusCode::OK, "Projects", &body)
}
