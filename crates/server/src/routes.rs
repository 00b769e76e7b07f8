//! Every URL, once: how it is asked, who may, which handler answers. Decides nothing.
//!
//! The router, the tests of who may what and the description of the API are made from this table.

use std::sync::{Arc, LazyLock};

use axum::extract::DefaultBodyLimit;
use axum::routing::{any, get};
use axum::{Extension, Router, middleware};
use towpath_core::people::Verb;
use towpath_engine::Engine;

use crate::api::{
    approvals, audit, engine, events, evidence, freezes, lanes, matrix, notices, promotions,
    refused, releases, sign_in_links, stream, tokens, uploads,
};
use crate::caller::{self, Rehearsal};
use crate::ends::Ends;
use crate::hub::Hub;
use crate::route::Rule::{Look, Machine, Order, Own, Probe, Public};
use crate::route::{Route, table};
use crate::signin::{self, SignIn};
use crate::traces::{self, Traces};
use crate::{error, named, openapi, pages};

/// Largest body that is read: a resolved matrix of hundreds of lanes is far below it.
pub(crate) const LARGEST_BODY: usize = 8 * 1024 * 1024;
/// Largest form of a page: a note and a link of the longest that are kept, quoted as forms are, and more.
const LARGEST_FORM: usize = 64 * 1024;

/// What the handlers share: one project.
#[derive(Clone)]
pub struct App {
    /// The engine.
    pub engine: Engine,
    /// Ends the process that holds the engine.
    pub stop: tokio::sync::mpsc::Sender<()>,
    /// Where people sign in; none where nobody can, as on the machine's socket alone.
    pub sign_in: Option<SignIn>,
    /// Where spans go; none where nobody takes any.
    pub traces: Option<Traces>,
}

/// Every URL of a project's API, each with its rule. Paths begin after the mount.
#[expect(clippy::too_many_lines, reason = "one table, in which people look for a URL")]
pub fn routes() -> Vec<Route> {
    let (promote, rollback) = (Order(Verb::Promote), Order(Verb::Rollback));
    let (approve, attest) = (Order(Verb::Approve), Order(Verb::Attest));
    let (pause, signal) = (Order(Verb::Pause), Order(Verb::Signal));
    table! {
        get "/status", Look => lanes::status,
            status: "What serves where, and what is under way";
        get "/waiting", Look => lanes::waiting,
            waiting: "What waits for people, and for whom";
        get "/you", Look => lanes::you,
            you: "Who asks, and what they may";

        get "/lanes/{service}/{environment}", Look => lanes::show,
            show_lane: "One service in one environment";
        ask "/lanes/{service}/{environment}/plan", Look => lanes::plan,
            plan_promotion: "What a promotion would do, and whether it may start";
        get "/lanes/{service}/{environment}/promotions", Look => lanes::promotions,
            list_lane_promotions: "Promotions of a lane, the newest first";
        post "/lanes/{service}/{environment}/promotions", promote => lanes::promote,
            promote: "Carry a release into a lane";
        post "/lanes/{service}/{environment}/rollback", rollback => lanes::rollback,
            rollback: "Put the last good release back";
        post "/lanes/{service}/{environment}/signal", signal => lanes::signal,
            signal: "Report an incident";
        post "/lanes/{service}/{environment}/quarantine/lift", Order(Verb::LiftQuarantine) => lanes::lift,
            lift_quarantine: "Let a condemned release in again";
        post "/lanes/{service}/{environment}/attestations", attest => lanes::attest,
            attest: "Answer a question of a gate that only people can";
        post "/lanes/{service}/{environment}/approvals", approve => approvals::of_plan,
            approve_plan: "Agree to a plan before it is ordered, or reject it";
        ask "/lanes/{service}/{environment}/validate", Probe(Verb::Promote) => lanes::validate,
            validate: "Ask the checks of what serves again";
        ask "/lanes/{service}/{environment}/probe", Probe(Verb::Promote) => lanes::probe,
            probe: "Ask the health endpoints now";

        get "/freezes", Look => freezes::list,
            list_freezes: "What people froze, the oldest first";
        post "/freezes", Order(Verb::Freeze) => freezes::freeze,
            freeze: "Stop promotions";
        post "/freezes/thaw", Order(Verb::Thaw) => freezes::thaw,
            thaw: "Let promotions go on";

        get "/evidence", Look => evidence::list,
            list_evidence: "What checks rest on";
        post "/evidence/withdraw", attest => evidence::withdraw,
            withdraw_evidence: "Withdraw a piece of evidence, and what rests on it";
        get "/evidence/{digest}", Look => evidence::show,
            show_evidence: "The bytes of a piece of evidence";

        get "/promotions", Look => promotions::list,
            list_promotions: "Promotions of all lanes, the newest first";
        get "/promotions/{number}", Look => promotions::show,
            show_promotion: "One promotion";
        get "/promotions/{number}/plan", Look => promotions::plan,
            show_promotion_plan: "The hash of the plan of a promotion that has not ended";
        post "/promotions/{number}/pause", pause => promotions::pause,
            pause: "Hold a promotion where it is";
        post "/promotions/{number}/resume", pause => promotions::resume,
            resume: "Let a held promotion go on";
        post "/promotions/{number}/abort", pause => promotions::abort,
            abort: "End a promotion and return to what served";
        post "/promotions/{number}/approval", approve => approvals::of_promotion,
            approve_promotion: "Agree to a promotion that waits, or reject it";
        post "/promotions/{number}/settle", approve => promotions::settle,
            settle: "Say that a review or a backport that is owed is done";
        post "/promotions/{number}/reason", rollback => promotions::give_reason,
            give_reason: "Give the reason that a rollback owes";
        ask "/promotions/{number}/attestation", Look => audit::attest,
            sign_account: "Have the account of a promotion signed";
        get "/promotions/{number}/logs", Look => promotions::logs,
            promotion_logs: "What the copies of its release wrote last";

        get "/events", Look => events::list,
            list_events: "The journal, read or followed";
        get "/stream", Look => stream::follow,
            follow: "What happens, as it happens (server-sent events)";
        get "/refused", Look => refused::list,
            list_refused: "Who was refused what";

        get "/releases", Look => releases::list,
            list_releases: "Releases, and where they have been";
        post "/releases", Order(Verb::CreateRelease) => releases::create,
            create_release: "Create a release";

        ask "/uploads/missing", Probe(Verb::CreateRelease) => uploads::missing,
            missing_uploads: "Which bytes of a release are not kept yet";
        ask "/uploads/{digest}", Probe(Verb::CreateRelease) => uploads::keep,
            upload: "Keep bytes under their digest, for a release that will name them";

        get "/matrix", Look => matrix::show,
            show_matrix: "The matrix in force, without its secrets";
        post "/matrix", Order(Verb::ApplyMatrix) => matrix::apply,
            apply_matrix: "Take a changed matrix into force, or propose it where people must agree";
        ask "/matrix/asked", Look => matrix::asked,
            asked_by_matrix: "Who would have to agree to a matrix";
        get "/matrix/proposal", Look => matrix::proposal,
            show_proposal: "The changed matrix that waits for people";
        post "/matrix/proposal", approve => matrix::word,
            approve_matrix: "Agree to a changed matrix, or reject it";

        get "/audit/verify", Look => audit::verify,
            verify_journal: "Whether the journal is as it was written";
        get "/audit/export", Look => audit::export,
            export_journal: "The journal as lines that prove themselves, without what holds secrets";
        get "/audit/checkpoint", Look => audit::covering,
            show_checkpoint: "The first signed end of the journal that covers an event";
        ask "/audit/checkpoint", Look => audit::checkpoint,
            sign_checkpoint: "Have the end of the journal signed";

        get "/notices", Look => notices::list,
            list_notices: "Channels, and notices that are on their way or never arrived";
        post "/notices/test", signal => notices::test,
            test_channel: "Send a notice to a channel to try it";
        post "/notices/retry", signal => notices::retry,
            retry_notice: "Send a notice again that never arrived";
        get "/notices/delivered", Look => notices::delivered,
            list_delivered_notices: "Notices that arrived, the newest first";
        post "/notices/replay", signal => notices::replay,
            replay_notice: "Send a notice once more that arrived, under its own id";

        get "/tokens", Look => tokens::list,
            list_tokens: "Tokens in force, without their secrets";
        post "/tokens", Own => tokens::create,
            create_token: "Make a token for no more than one may oneself";
        ask "/tokens/exchange", Own => tokens::exchange,
            exchange_token: "Exchange the token that another issuer signed for a build for one of ours, once";
        post "/tokens/{id}/revoke", Own => tokens::revoke,
            revoke_token: "End a token of one's own, or any, for whoever may apply the matrix";

        post "/sign-in-links", Machine => sign_in_links::create,
            create_sign_in_link: "Make a link by which one signs in at the pages, once";

        get "/openapi.json", Public => openapi::show,
            openapi: "This description";
        get "/engine", Look => engine::show,
            show_engine: "The engine itself";
        post "/engine/stop", Machine => engine::stop,
            stop_engine: "End the program that runs the engine";
    }
}

/// Whether a path of the table, as it stands after the mount, is answered to anybody.
pub(crate) fn is_public(path: &str) -> bool {
    static PUBLIC: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
        let public = routes().into_iter().filter(|route| route.rule == Public);
        public.map(|route| route.path).collect()
    });
    PUBLIC.contains(&path)
}

/// The API of one project, without the address that it is mounted at: `/v1` or `/v1/projects/NAME`.
pub fn project_api(app: App) -> Router {
    let router = routes().into_iter().fold(Router::new(), |router, route| {
        let path = route.path;
        router.route(path, route.mounted(&app))
    });
    router
        .fallback(error::no_such_route)
        .method_not_allowed_fallback(error::no_such_method)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        // Around every route, also those that ask for nobody and those that there are not: a bearer that
        // opens nothing learns nothing.
        .layer(middleware::from_fn_with_state(app.clone(), caller::admit))
        .layer(Extension(Rehearsal(app.engine.setup().speed > 1)))
        .layer(Extension(Arc::new(Hub::new(app.engine.clone()))))
        .layer(Extension(Arc::new(Ends::new(app.engine.clone()))))
        .layer(middleware::from_fn(named::name))
        .with_state(app)
}

/// The pages of one project, without the address that they are mounted at: none, or `/projects/NAME`.
pub fn project_pages(app: App) -> Router {
    let router = pages::routes().into_iter().fold(Router::new(), |router, route| {
        let path = route.path;
        router.route(path, route.mounted(&app))
    });
    router
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
        .layer(Extension(Arc::new(pages::Digest::default())))
        .layer(Extension(Rehearsal(app.engine.setup().speed > 1)))
        .with_state(app)
}

/// The whole API, and the pages, where there is one project.
pub fn router(app: App) -> Router {
    let doors = app.sign_in.clone().map(signin::router).unwrap_or_default();
    let lost = any(pages::no_such_place).with_state(app.clone());
    let api =
        Router::new().nest("/v1", project_api(app.clone())).layer(middleware::from_fn(named::name));
    let style = Router::new().route(pages::STYLE, get(pages::style));
    let traced = middleware::from_fn_with_state(app.traces.clone(), traces::traced);
    let all = api.merge(doors).merge(style).merge(project_pages(app)).fallback_service(lost);
    all.layer(traced)
}
