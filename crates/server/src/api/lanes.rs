//! One service in one environment: what stands there, and orders about it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use towpath_core::ids::{LaneId, Name, Person, Version};
use towpath_core::journal::{Attested, Event};
use towpath_core::people::Verb;
use towpath_core::promotion::input::{Input, PromotionOrder};
use towpath_core::promotion::state::Verified;
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_core::release::ReleaseRef;
use towpath_core::settings::SettingChange;
use towpath_core::units::Timestamp;
use towpath_engine::conditions::Subject;
use towpath_engine::views::{
    CheckView, LaneView, PlanView, PromotionView, Status, WaitingView, YouView,
};
use towpath_engine::{Order, Statement};

use crate::api::promotions::Chosen;
use crate::api::{accepted, promotions};
use crate::asked::{Body, Path, Query, Taken};
use crate::caller::Caller;
use crate::conditions::Versioned;
use crate::error::{Answer, ApiError};
use crate::openapi::{Gives, LOCATION, Operation};
use crate::paging::{Listed, Paged};
use crate::requests::{
    AcceptedView, AttestRequest, AttestedView, LiftRequest, RollbackRequest, SignalRequest,
};
use crate::routes::App;

/// What a rollback would do.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum RollbackAnswer {
    /// It was ordered.
    Ordered(AcceptedView),
    /// It was only asked about.
    Plan {
        /// What serves.
        from: Option<String>,
        /// What it would return to.
        to: Option<String>,
        /// Whether that stands by.
        standby: bool,
    },
}

impl IntoResponse for RollbackAnswer {
    fn into_response(self) -> Response {
        match self {
            Self::Ordered(AcceptedView { promotion, .. }) => Taken(self, promotion).into_response(),
            Self::Plan { .. } => Json(self).into_response(),
        }
    }
}

impl Gives for RollbackAnswer {
    fn gives(operation: &mut Operation) {
        operation.answers::<Self>(StatusCode::OK);
        operation.answers::<Self>(StatusCode::ACCEPTED);
        operation.headers.push(LOCATION);
    }
}

pub(crate) fn lane_id(service: &str, environment: &str) -> Answer<LaneId> {
    let name = |text: &str| {
        Name::new(text).map_err(|error| {
            let cause = error.to_string();
            ApiError::from(Refusal::new(RefusalKind::Usage, "bad-name", "no such lane", cause))
        })
    };
    Ok(LaneId { service: name(service)?, environment: name(environment)? })
}

type At = Path<(String, String)>;

pub(crate) async fn status(State(app): State<App>) -> Json<Status> {
    Json(app.engine.status())
}

pub(crate) async fn show(
    State(app): State<App>,
    Path((service, environment)): At,
) -> Answer<Versioned<LaneView>> {
    let id = lane_id(&service, &environment)?;
    // Looked at before what is shown: a condition is then about what was seen, or older.
    let version = app.engine.version(&Subject::Lane(id.clone()));
    let found = app.engine.lane(&id).ok_or_else(|| no_lane(&id))?;
    Ok(Versioned(found, version))
}

/// Whose waits are listed: `?mine`, or `?mine=true`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Whose {
    /// Only those that wait for whoever asks.
    mine: Option<String>,
}

pub(crate) async fn waiting(
    State(app): State<App>,
    Caller(by): Caller,
    Query(whose): Query<Whose>,
) -> Json<WaitingView> {
    let only_mine = whose.mine.is_some_and(|said| said != "false");
    Json(app.engine.waiting(&by, only_mine))
}

pub(crate) async fn you(State(app): State<App>, Caller(by): Caller) -> Json<YouView> {
    Json(app.engine.you(&by))
}

fn no_lane(id: &LaneId) -> ApiError {
    ApiError::not_found(&format!("there is no lane {id}"), "towpath status")
}

pub(crate) async fn plan(
    State(app): State<App>,
    Caller(by): Caller,
    Path((service, environment)): At,
    Body(order): Body<PromotionOrder>,
) -> Answer<Json<PlanView>> {
    let id = lane_id(&service, &environment)?;
    let order = ordered_by(by, order);
    app.engine.ensure_bytes(&id, &order).await?;
    let mut plan = app.engine.whole_plan(&id, &order).await?;
    plan.sets_up.iter_mut().for_each(hide_secrets);
    Ok(Json(plan))
}

/// Where a matrix takes secrets all the same, in development, nobody reads them here.
fn hide_secrets(change: &mut SettingChange) {
    for value in [&mut change.before, &mut change.after].into_iter().flatten() {
        if towpath_config::is_secret(&change.name, value) {
            "(not shown)".clone_into(value);
        }
    }
}

/// Only the engine itself makes offers.
fn ordered_by(by: Person, order: PromotionOrder) -> PromotionOrder {
    PromotionOrder { by, offered_by: None, ..order }
}

pub(crate) async fn promotions(
    State(app): State<App>,
    Path((service, environment)): At,
    Paged { wanted, part }: Paged<Chosen>,
) -> Answer<Listed<Vec<PromotionView>>> {
    let id = lane_id(&service, &environment)?;
    promotions::listed(&app, Some(&id), &wanted, part).await
}

pub(crate) async fn promote(
    State(app): State<App>,
    Caller(by): Caller,
    Path((service, environment)): At,
    Body(order): Body<PromotionOrder>,
) -> Answer<Taken<AcceptedView>> {
    let id = lane_id(&service, &environment)?;
    let order = ordered_by(by, order);
    app.engine.ensure_bytes(&id, &order).await?;
    let done = app.engine.order(&id, Input::PromotionOrdered(order)).await?;
    let number = done.promotion;
    Ok(Taken(accepted(done), number))
}

pub(crate) async fn rollback(
    State(app): State<App>,
    Caller(by): Caller,
    Path((service, environment)): At,
    Body(request): Body<RollbackRequest>,
) -> Answer<RollbackAnswer> {
    let id = lane_id(&service, &environment)?;
    named_before(&app, &id, request.back_to.as_ref())?;
    if request.dry_run {
        return Ok(rollback_plan(&app, &id));
    }
    let RollbackRequest { reason, quarantine, .. } = request;
    let input = Input::RollbackOrdered { by, reason, quarantine };
    let done = app.engine.order(&id, input).await?;
    Ok(RollbackAnswer::Ordered(accepted(done)))
}

/// The seeds' scripts name the environment before as a second word; any other is a mistake.
fn named_before(app: &App, id: &LaneId, back_to: Option<&Name>) -> Answer<()> {
    let Some(back_to) = back_to else { return Ok(()) };
    let matrix = app.engine.matrix();
    let environment = matrix.as_ref().and_then(|matrix| matrix.environment(&id.environment));
    let environment = environment.ok_or_else(|| no_lane(id))?;
    if environment.after.names().contains(back_to) {
        return Ok(());
    }
    let names: Vec<_> = environment.after.names().iter().map(Name::as_str).collect();
    let cause = format!(
        "the second name must be the environment before {}, which is {}",
        id.environment,
        if names.is_empty() { "none" } else { "" }.to_owned() + &names.join(" or ")
    );
    let message = format!(
        "{} was not changed: {back_to} is not where its releases come from",
        id.environment
    );
    Err(Refusal::new(RefusalKind::Usage, "not-a-predecessor", message, cause)
        .at(format!("environments.{}.after", id.environment))
        .next(format!("towpath rollback {}", id.environment), "the same, without the second name")
        .into())
}

fn rollback_plan(app: &App, id: &LaneId) -> RollbackAnswer {
    let lane = app.engine.lane_state(id);
    let to = lane.rollback_target().cloned();
    let is_it = |to: &Verified| {
        lane.standby.as_ref().is_some_and(|standby| {
            standby.deployment.release == to.release && standby.settings == to.settings
        })
    };
    RollbackAnswer::Plan {
        from: lane.serving.as_ref().map(|one| one.deployment.release.version.to_string()),
        standby: to.as_ref().is_some_and(is_it),
        to: to.map(|to| to.release.version.to_string()),
    }
}

pub(crate) async fn signal(
    State(app): State<App>,
    Caller(by): Caller,
    Path((service, environment)): At,
    Body(request): Body<SignalRequest>,
) -> Answer<Json<AcceptedView>> {
    let id = lane_id(&service, &environment)?;
    let SignalRequest { signal, reason, .. } = request;
    let done = app.engine.order(&id, Input::Signalled { signal, by, reason }).await?;
    Ok(Json(accepted(done)))
}

pub(crate) async fn lift(
    State(app): State<App>,
    Caller(by): Caller,
    Path((service, environment)): At,
    Body(request): Body<LiftRequest>,
) -> Answer<Json<AcceptedView>> {
    let id = lane_id(&service, &environment)?;
    let lane = app.engine.lane_state(&id);
    let mut quarantined = lane.quarantined.into_iter();
    let Some(found) = quarantined.find(|one| one.release.version == request.release) else {
        let what = format!("{} is not quarantined in {}", request.release, id.environment);
        return Err(ApiError::not_found(&what, "towpath quarantine list"));
    };
    let LiftRequest { reason, signed, .. } = request;
    let digest = found.release.digest;
    let input = Input::QuarantineLiftOrdered { digest, by, reason, signed };
    Ok(Json(accepted(app.engine.order(&id, input).await?)))
}

pub(crate) async fn attest(
    State(app): State<App>,
    Caller(by): Caller,
    Path((service, environment)): At,
    Body(request): Body<AttestRequest>,
) -> Answer<Json<AttestedView>> {
    let id = lane_id(&service, &environment)?;
    let release = attested_release(&app, &id, &by, &request)?;
    knows_title(&app, &id, &request.title)?;
    let AttestRequest { title, note, link, signed, .. } = request;
    let (version, account) = (release.version.clone(), by.clone());
    let at = Timestamp(0);
    let attested = Attested { lane: id, release, title, by, at, note, link, signed };
    let done = app.engine.order_project(Order::Attest(Statement { attested })).await?;
    // The journal has them by the name that the matrix has for them.
    let by = done.events.iter().find_map(|event| match event {
        Event::Attested(attested) => Some(attested.by.clone()),
        _ => None,
    });
    let changed = !done.events.is_empty();
    Ok(Json(AttestedView { by: by.unwrap_or(account), release: version, changed }))
}

/// The release that was named, else the one of a promotion that is open here, else the newest that
/// may enter.
fn attested_release(
    app: &App,
    id: &LaneId,
    by: &Person,
    request: &AttestRequest,
) -> Answer<ReleaseRef> {
    let known = |version: &Version| app.engine.release(&id.service, version);
    if let Some(version) = &request.release {
        return known(version).as_ref().map(ReleaseRef::from).ok_or_else(|| {
            let what = format!("there is no release {version} of {}", id.service);
            ApiError::not_found(&what, "towpath release list")
        });
    }
    let lane = app.engine.lane_state(id);
    if let Some(open) = lane.active.or_else(|| lane.waiting.into_iter().next()) {
        return Ok(open.plan.release);
    }
    let order = PromotionOrder::of(by.clone());
    let newest = app.engine.plan(id, &order).ok();
    let newest = newest.and_then(|plan| known(&Version::new(&plan.release).ok()?));
    newest.as_ref().map(ReleaseRef::from).ok_or_else(|| {
        let message = format!("about which release? none may enter {} now", id.environment);
        let cause = "without --release it is the newest that may enter".to_owned();
        Refusal::new(RefusalKind::Usage, "release-needed", message, cause)
            .next("towpath release list", "those that exist; name one with --release")
            .into()
    })
}

fn knows_title(app: &App, id: &LaneId, title: &str) -> Answer<()> {
    let matrix = app.engine.matrix();
    let Some((_, section)) = matrix.as_ref().and_then(|matrix| matrix.lane(id)) else {
        return Err(no_lane(id));
    };
    let checks = section.gate.prerequisites.iter().chain(&section.gate.validation);
    let titles: Vec<_> = checks
        .filter(|check| check.check.kind == "attested")
        .map(|check| check.title.as_str())
        .collect();
    if titles.contains(&title) {
        return Ok(());
    }
    let message = format!("nothing in {} asks for \"{title}\"", id.environment);
    let cause = if titles.is_empty() {
        "its gate has no attested check".to_owned()
    } else {
        format!("its gate asks for {}", titles.join(", "))
    };
    Err(Refusal::new(RefusalKind::NotFound, "no-such-check", message, cause)
        .at(format!("environments.{}.gate", id.environment))
        .into())
}

pub(crate) async fn validate(
    State(app): State<App>,
    Caller(by): Caller,
    Path((service, environment)): At,
) -> Answer<Json<Vec<CheckView>>> {
    let id = lane_id(&service, &environment)?;
    // It starts programs and sends requests: by a token, that is more than looking.
    app.engine.reaches(&by, Verb::Promote, Some(&id.environment))?;
    Ok(Json(app.engine.validate(&id).await?))
}

pub(crate) async fn probe(
    State(app): State<App>,
    Caller(by): Caller,
    Path((service, environment)): At,
) -> Answer<Json<LaneView>> {
    let id = lane_id(&service, &environment)?;
    app.engine.reaches(&by, Verb::Promote, Some(&id.environment))?;
    app.engine.probe_now(&id).await.map(Json).ok_or_else(|| no_lane(&id))
}
