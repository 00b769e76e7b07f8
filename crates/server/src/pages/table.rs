//! What a row of the table of pages is made of: its rule and its handler. Lists no page, which is what
//! [`super::routes`] does.

use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{self, MethodRouter};
use towpath_core::people::Verb;

use crate::route::Rule;
use crate::routes::App;
use crate::signin;
use crate::visitor::Visitor;

/// One page, or one form.
#[derive(Clone)]
pub struct PageRoute {
    /// How.
    pub method: Method,
    /// Where, after the base: `/promotions/{number}`.
    pub path: &'static str,
    /// Who may.
    pub rule: Rule,
    handler: MethodRouter<App>,
}

impl PageRoute {
    /// The row as the router takes it: whoever is nobody is led to where one signs in.
    pub(crate) fn mounted(self, app: &App) -> MethodRouter<App> {
        match self.rule {
            Rule::Public => self.handler,
            _ => self.handler.route_layer(middleware::from_fn_with_state(app.clone(), admitted)),
        }
    }
}

/// Lets those pass whom the door of the pages knows, or whoever holds the router has said who looks.
async fn admitted(app: State<App>, request: Request, next: Next) -> Response {
    if request.extensions().get::<Visitor>().is_some() {
        return next.run(request).await;
    }
    signin::guard(app, request, next).await
}

/// A page for whoever may see the project.
pub(super) fn page<H: Handler<T, App>, T: 'static>(path: &'static str, handler: H) -> PageRoute {
    PageRoute { method: Method::GET, path, rule: Rule::Look, handler: routing::get(handler) }
}

/// What anybody may ask, which shows nothing of the project.
pub(super) fn open<H: Handler<T, App>, T: 'static>(path: &'static str, handler: H) -> PageRoute {
    PageRoute { rule: Rule::Public, ..page(path, handler) }
}

/// A form that gives an order of this verb.
pub(super) fn form<H: Handler<T, App>, T: 'static>(
    path: &'static str,
    verb: Verb,
    handler: H,
) -> PageRoute {
    let (method, rule) = (Method::POST, Rule::Order(verb));
    PageRoute { method, path, rule, handler: routing::post(handler) }
}

/// A form that changes nothing, and for which programs are started and requests are sent.
pub(super) fn probe<H: Handler<T, App>, T: 'static>(
    path: &'static str,
    verb: Verb,
    handler: H,
) -> PageRoute {
    PageRoute { rule: Rule::Probe(verb), ..form(path, verb, handler) }
}

/// A form by which whoever is known orders something of their own, or what they may for others.
pub(super) fn own<H: Handler<T, App>, T: 'static>(path: &'static str, handler: H) -> PageRoute {
    let (method, rule) = (Method::POST, Rule::Own);
    PageRoute { method, path, rule, handler: routing::post(handler) }
}
