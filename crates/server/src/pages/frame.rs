//! What stands around every page: head, navigation, the live sign, the foot of definitions. Owns the way from
//! a request to who looks at what; knows no page.

use std::sync::OnceLock;

use axum::extract::{FromRequestParts, NestedPath, OriginalUri};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use towpath_core::ids::Person;
use towpath_engine::Engine;
use towpath_engine::views::{ProposalView, WaitView};

use crate::caller::Caller;
use crate::error::ApiError;
use crate::pages::marks::{DEFINITIONS, icon};
use crate::pages::{assets, keys, problem};
use crate::routes::App;
use crate::signin::{self, InSession};
use crate::visitor::Visitor;

/// A place of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Matrix,
    Waiting,
    Promotions,
    Releases,
    Pipeline,
    Insights,
    Compare,
    Simulate,
    MatrixFile,
    Audit,
    Notifications,
    Admin,
    Api,
    /// A page that the navigation does not name.
    None,
}

/// A place of the navigation: its address below the base, and its word.
type Entry = (Place, &'static str, &'static str);

/// What people look at every day, in the order of the line.
const DAILY: [Entry; 6] = [
    (Place::Matrix, "/", "Matrix"),
    (Place::Waiting, "/waiting", "Waiting"),
    (Place::Promotions, "/promotions", "Promotions"),
    (Place::Releases, "/releases", "Releases"),
    (Place::Pipeline, "/pipeline", "Pipeline"),
    (Place::Insights, "/insights", "Insights"),
];
/// So many of them have room on a telephone; the others stand below `More` there.
const NEAR: usize = 2;
/// What people look at when they have a question, below `More`, by the kind of the question.
const SELDOM: [(&str, &[Entry]); 3] = [
    (
        "Before a change",
        &[
            (Place::Compare, "/compare", "Compare"),
            (Place::Simulate, "/simulate", "Simulate"),
            (Place::MatrixFile, "/matrix", "Matrix file"),
        ],
    ),
    (
        "After a change",
        &[
            (Place::Audit, "/audit", "Audit"),
            (Place::Notifications, "/notifications", "Notifications"),
        ],
    ),
    ("The server", &[(Place::Admin, "/admin", "Admin"), (Place::Api, "/api", "API")]),
];

/// Somebody who looks at a page of a project.
pub(super) struct Look {
    pub(super) engine: Engine,
    pub(super) visitor: Visitor,
    /// As whom orders are given, and whom the engine is asked about: held against the rules of the session, where there is
    /// one. Without it a name would be taken for an account of the machine.
    pub(super) acting: Person,
    /// The address that was asked for.
    address: String,
    /// What stands before every address of this project: nothing, or `/projects/NAME`.
    pub(super) base: String,
    /// What waits for whoever looks, once somebody asked: the answer is the state of every lane.
    waits: OnceLock<Vec<WaitView>>,
}

impl FromRequestParts<App> for Look {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let visitor = if let Some(visitor) = parts.extensions.get::<Visitor>() {
            visitor.clone()
        } else {
            let caller = Caller::from_request_parts(parts, app).await;
            let Caller(person) = caller.map_err(axum::response::IntoResponse::into_response)?;
            Visitor { person, form: String::new() }
        };
        let session = parts.extensions.get().map(|InSession(visit)| visit.acting());
        let acting = session.unwrap_or_else(|| visitor.person.clone());
        let nested = NestedPath::from_request_parts(parts, app).await.ok();
        let base = nested.map(|path| path.as_str().trim_end_matches('/').to_owned());
        let original =
            parts.extensions.get::<OriginalUri>().map(|original| original.0.path().to_owned());
        let address = original.unwrap_or_else(|| parts.uri.path().to_owned());
        let (engine, base) = (app.engine.clone(), base.unwrap_or_default());
        Ok(Self { engine, visitor, acting, address, base, waits: OnceLock::new() })
    }
}

/// A page without what stands around it.
pub(super) struct Page {
    pub(super) place: Place,
    pub(super) title: String,
    pub(super) content: Markup,
}

/// The answer of a page's handler.
pub(super) type Shown = Result<Page, ApiError>;

impl Look {
    /// The address of a place of this project, which begins with `/`.
    pub(super) fn to(&self, place: &str) -> String {
        // The router answers at the base itself, which has no slash at its end.
        match place.strip_prefix('/') {
            Some(rest) if !self.base.is_empty() && (rest.is_empty() || rest.starts_with('?')) => {
                format!("{}{rest}", self.base)
            }
            _ => format!("{}{place}", self.base),
        }
    }

    /// The moment that the page is about, which is when it was made.
    pub(super) fn now(&self) -> Timestamp {
        let now = self.engine.setup().clock.now();
        Timestamp::from_microsecond(now.0).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// A page, or the page that says why there is none.
    pub(super) fn show(&self, shown: Shown) -> Response {
        match shown {
            Ok(page) => self.framed(StatusCode::OK, &page),
            Err(error) => self.refuse(error),
        }
    }

    /// The page that says why something is not so.
    pub(super) fn refuse(&self, error: ApiError) -> Response {
        let (refusal, status) = error.into_parts();
        // What asks for another factor is repeated from the page where its button is.
        let (page, _) = self.address.rsplit_once('/').unwrap_or((&self.address, ""));
        if let Some(elsewhere) = signin::leads_to(&refusal, page) {
            return elsewhere.into_response();
        }
        self.framed(status, &problem::page(self, &refusal, status))
    }

    /// What waits for whoever looks, once per promotion.
    pub(super) fn waits(&self) -> &[WaitView] {
        self.waits.get_or_init(|| {
            let mut mine = self.engine.waiting(&self.acting, true).waiting;
            mine.retain(is_for_people);
            mine
        })
    }

    /// The changed matrix that waits for whoever looks.
    pub(super) fn proposal_for_me(&self) -> Option<ProposalView> {
        let you = self.engine.you(&self.acting).you?;
        self.engine.proposal().filter(|proposal| proposal.calls(&you))
    }

    fn framed(&self, status: StatusCode, page: &Page) -> Response {
        let changed = usize::from(self.proposal_for_me().is_some());
        let waits = of_promotions(self.waits()) + changed;
        let markup = self.document(page, waits);
        let html = "text/html; charset=utf-8";
        let headers = [(header::CONTENT_TYPE, html), (header::CACHE_CONTROL, "no-store")];
        (status, headers, markup.into_string()).into_response()
    }

    fn document(&self, page: &Page, waits: usize) -> Markup {
        let [style, script, mark] =
            assets::addresses(page.place == Place::Matrix).map(|address| self.to(&address));
        let speed = self.engine.setup().speed;
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (page.title) " · Towpath" }
                    link rel="icon" href=(mark);
                    link rel="stylesheet" href=(style);
                    script src=(script) defer {}
                }
                body {
                    (DEFINITIONS)
                    a.skip href="#main" { "Skip to content" }
                    (self.top(page.place, waits))
                    @if speed > 1 {
                        p.rehearsal {
                            "A rehearsal: declared durations run " (speed)
                            " times faster, and nothing here is of the real project."
                        }
                    }
                    main id="main" data-news={ "/v1" (self.base) "/stream" } { (page.content) }
                    (keys::list())
                }
            }
        }
    }

    /// The navigation: the line of what is looked at daily, and below `More` the rest. What a telephone has no room for
    /// stands there twice, and the style sheet shows one of both.
    fn places(&self, here: Place, waits: usize) -> Markup {
        let current = |place: Place| (place == here).then_some("page");
        let far = || DAILY.iter().skip(NEAR);
        let below = SELDOM.iter().flat_map(|(_, all)| all.iter());
        let is_below = below.clone().find(|(place, ..)| *place == here).map(|found| found.2);
        let is_far = far().find(|(place, ..)| *place == here).map(|found| found.2);
        let entry = |(place, address, word): &Entry| {
            html! { a href=(self.to(address)) aria-current=[current(*place)] { (word) } }
        };
        html! {
            nav aria-label="Main" {
                @for (at, (place, address, word)) in DAILY.iter().enumerate() {
                    a href=(self.to(address)) class=[(at >= NEAR).then_some("far")] aria-current=[current(*place)]
                        data-key=[(*place == Place::Waiting).then_some("w")] {
                        (word)
                        @if *place == Place::Waiting {
                            span id="waits" data-live {
                                @if waits > 0 {
                                    span.n aria-label={ (waits) " for you" } { (waits) }
                                }
                            }
                        }
                    }
                }
                details.more data-act {
                    summary class=[is_below.map(|_| "here").or(is_far.map(|_| "here-far"))] {
                        @match (is_below, is_far) {
                            (Some(word), _) => { (word) }
                            (None, Some(word)) => { span.near { "More" } span.narrow { (word) } }
                            (None, None) => { "More" }
                        }
                        (icon("down"))
                    }
                    div.panel {
                        ul.far { @for one in far() { li { (entry(one)) } } }
                        @for (kind, all) in &SELDOM {
                            p.xs.qq { (kind) }
                            ul { @for one in *all { li { (entry(one)) } } }
                        }
                    }
                }
            }
        }
    }

    fn top(&self, here: Place, waits: usize) -> Markup {
        let now = self.now();
        html! {
            header.top {
                a.brand href=(self.to("/")) data-key="m" {
                    (BRAND) "Towpath " span.q { (self.engine.setup().project) }
                }
                (self.places(here, waits))
                span.live id="live" role="status" {
                    svg.ic.dot aria-hidden="true" { use href="#i-dot" {} }
                    svg.ic.ring aria-hidden="true" { use href="#i-ring" {} }
                    span.word { "as of" } " "
                    (made(now))
                }
                // Shown by the script, which follows the keys.
                button.help type="button" id="help" hidden { span.vh { "Keys" } kbd aria-hidden="true" { "?" } }
                // On the machine's own socket there is no session that could be ended.
                @if !self.visitor.form.is_empty() {
                    a.who href="/sign-out" {
                        span.vh { "Signed in as " } (self.visitor.person) span.vh { ": sign out" }
                    }
                }
            }
        }
    }
}

/// The moment of the page; the script reads by it what the clock of the server says.
fn made(now: Timestamp) -> Markup {
    let whole = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let text = now.strftime("%H:%M:%S UTC").to_string();
    html! { time id="made" datetime=(whole) title=(whole) data-as="exact" { (text) } }
}

/// Whether a person's word ends this wait; what a check or a clock ends is no one's to answer.
fn is_for_people(wait: &WaitView) -> bool {
    let verbs = ["towpath approve", "towpath attest", "towpath resume", "towpath rollback"];
    let more = ["towpath thaw", "towpath settle", "towpath matrix approve"];
    let asks = |command: &str| verbs.iter().chain(&more).any(|verb| command.starts_with(verb));
    wait.blocker.next.iter().any(|next| asks(&next.command))
}

/// How many promotions, or else lanes, wait.
pub(super) fn of_promotions(waits: &[WaitView]) -> usize {
    let mut keys: Vec<_> =
        waits.iter().map(|wait| (&wait.service, &wait.environment, wait.promotion)).collect();
    keys.sort();
    keys.dedup();
    keys.len()
}

/// The sign of the program.
pub(crate) const BRAND: PreEscaped<&str> = PreEscaped(concat!(
    r#"<svg viewBox="0 0 20 20" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.75""#,
    r#" stroke-linecap="round"><path d="M2 14.5h16"/><path d="M2 17.5h16" stroke-dasharray="2 2.3"/>"#,
    r#"<path d="M3 11.5C6 5 10 5 17 3.5"/><circle cx="17" cy="3.5" r="1.5" fill="currentColor" stroke="none"/></svg>"#,
));

/// A message about what was just done, from a list of our own.
pub(super) fn said(word: Option<&str>) -> Markup {
    let text = match word {
        Some("paused") => "Paused: green keeps the weight that it has, and the clock stops.",
        Some("resumed") => "Resumed: it goes on from where it was held.",
        Some("aborted") => "Abort ordered: the release that serves gets all traffic back.",
        Some("rolled-back") => "Rollback ordered: the release before gets all traffic back.",
        Some("approved") => "Approved: your word about this plan is in the journal.",
        Some("rejected") => "Rejected: the promotion ends, and your reason is in the journal.",
        Some("attested") => "Attested: your word is in the journal, and the check is asked again.",
        Some("lifted") => "Quarantine lifted: the release may enter again.",
        Some("reported") => {
            "Reported: your word is in the journal, and what follows from it stands here."
        }
        Some("frozen") => "Frozen: no promotion starts here and no weight rises. Rollbacks go on.",
        Some("thawed") => "Thawed: promotions go on.",
        Some("probed") => "Asked: the endpoints answered as it stands under Health.",
        Some("settled") => "Settled: your word is in the journal.",
        Some("agreed") => "Approved: your word about this change is in the journal.",
        Some("taken-off") => {
            "Taken off: what was in force stays, and your reason is in the journal."
        }
        Some("given") => "Kept: the reason is in the journal.",
        _ => return Markup::default(),
    };
    html! { p.said role="status" { (icon("ok")) (text) } }
}
