//! What a row of the table of URLs is made of: its rule, its handler, its words. Lists no URL, which is
//! what [`crate::routes`] does.

use axum::extract::Request;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{self, MethodRouter};
use towpath_core::people::Verb;

use crate::caller::{Caller, with_origin};
use crate::conditions::{self, only_while_so, unless_known};
use crate::ends;
use crate::once::{self, Once};
use crate::openapi::{LOCATION, Operation, Told};
use crate::routes::App;

/// Who may send a request. Each row of the table states one; the tests of every route ask each for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Anybody, known or not. Shows nothing of the project.
    Public,
    /// Whoever may see the project: the user of the socket, the owner of any token, whoever signed in.
    Look,
    /// The same; by a token it needs this verb where it is asked, because programs are started and
    /// requests are sent for it.
    Probe(Verb),
    /// Whoever the matrix allows this verb where the order is about. The engine decides it when it takes the
    /// order, and never earlier.
    Order(Verb),
    /// Whoever the project knows, about no more than what they may do themselves.
    Own,
    /// Whoever owns the machine's socket; nobody by a token or a session.
    Machine,
}

impl Rule {
    /// Whether what is ordered by it brings traffic back or holds a promotion: that is asked for no second
    /// factor, and nothing else holds it up either.
    fn makes_safer(self) -> bool {
        matches!(self, Self::Order(verb) if !verb.wants_second_factor())
    }
}

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It looks: `GET`.
    Looks,
    /// It asks with a body what would be; safe to repeat.
    Asks,
    /// It changes something.
    Orders,
}

/// One row of the table.
#[derive(Clone)]
pub struct Route {
    /// How.
    pub method: Method,
    /// Where, after the project's mount: `/promotions/{number}`.
    pub path: &'static str,
    /// Who may.
    pub rule: Rule,
    /// What it does.
    pub effect: Effect,
    /// What generated clients call it; never changes.
    pub id: &'static str,
    /// One line for people.
    pub summary: &'static str,
    /// What its handler takes and gives.
    pub(crate) told: Operation,
    handler: MethodRouter<App>,
}

impl Route {
    /// Whether it orders what goes on after the answer, and can be waited for.
    pub(crate) fn waits(&self) -> bool {
        self.effect == Effect::Orders && self.told.headers.contains(&LOCATION)
    }

    /// Whether it takes a condition on what it is about.
    pub(crate) fn takes_condition(&self) -> bool {
        self.effect == Effect::Orders && conditions::are_taken(self.path)
    }

    /// The row as the router takes it: only a public one is answered to nobody, and what is ordered is
    /// ordered once.
    pub(crate) fn mounted(self, app: &App) -> MethodRouter<App> {
        let waits = self.waits();
        let with_origin = middleware::from_fn(with_origin);
        let handler = match self.effect {
            Effect::Orders => {
                let handler = self.handler.route_layer(middleware::from_fn(only_while_so));
                let once = Once { app: app.clone(), is_safe: self.rule.makes_safer() };
                let once = middleware::from_fn_with_state(once, once::once);
                let handler = handler.route_layer(with_origin).route_layer(once);
                let awaited = middleware::from_fn_with_state(app.clone(), ends::after_its_end);
                if waits { handler.route_layer(awaited) } else { handler }
            }
            Effect::Looks => {
                let known = middleware::from_fn(unless_known);
                self.handler.route_layer(with_origin).route_layer(known)
            }
            Effect::Asks => self.handler.route_layer(with_origin),
        };
        match self.rule {
            Rule::Public => handler,
            _ => handler.route_layer(middleware::from_fn(known)),
        }
    }
}

/// Lets nobody pass who cannot be named.
async fn known(_: Caller, request: Request, next: Next) -> Response {
    next.run(request).await
}

/// A row that looks.
pub(crate) fn get<H: Handler<T, App> + Told<P>, T: 'static, P>(
    path: &'static str,
    rule: Rule,
    handler: H,
    id: &'static str,
    summary: &'static str,
) -> Route {
    let (method, effect) = (Method::GET, Effect::Looks);
    Route {
        method,
        effect,
        handler: routing::get(handler.clone()),
        ..ask(path, rule, handler, id, summary)
    }
}

/// A row that asks with a body.
pub(crate) fn ask<H: Handler<T, App> + Told<P>, T: 'static, P>(
    path: &'static str,
    rule: Rule,
    handler: H,
    id: &'static str,
    summary: &'static str,
) -> Route {
    let (method, effect) = (Method::POST, Effect::Asks);
    Route {
        method,
        path,
        rule,
        effect,
        id,
        summary,
        told: H::told(),
        handler: routing::post(handler),
    }
}

/// A row that changes something.
pub(crate) fn post<H: Handler<T, App> + Told<P>, T: 'static, P>(
    path: &'static str,
    rule: Rule,
    handler: H,
    id: &'static str,
    summary: &'static str,
) -> Route {
    Route { effect: Effect::Orders, ..ask(path, rule, handler, id, summary) }
}

/// The table as it reads: a row has two lines, and one without a rule does not compile.
macro_rules! table {
    ($($kind:ident $path:literal, $rule:expr => $handler:path, $id:ident: $summary:literal;)*) => {
        vec![$($crate::route::$kind($path, $rule, $handler, stringify!($id), $summary)),*]
    };
}
pub(crate) use table;
