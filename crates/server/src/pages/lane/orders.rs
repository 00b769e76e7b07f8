//! Forms of a lane, which the door of the pages has let in: each becomes the order that the API gives for the
//! same wish. Refuses what was meant for a lane that has changed; everything else is the engine's to refuse.

use axum::response::Response;
use maud::html;
use serde::Deserialize;
use towpath_core::freezing::{Freeze, Scope, Thaw};
use towpath_core::ids::{LaneId, Name, Version};
use towpath_core::matrix::Signal;
use towpath_core::people::Verb;
use towpath_core::promotion::input::Input;
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_core::units::{Span, Timestamp};
use towpath_engine::Order;
use towpath_engine::views::{CheckView, LaneView};

use super::actions::stamp;
use super::found;
use crate::api::approvals::not_too_long;
use crate::error::{Answer, ApiError};
use crate::pages::frame::{Look, Page, Place};
use crate::pages::posted::{Posted, answered, given, reason_given};
use crate::pages::promotion::checked;
use crate::pages::words;

/// What the forms of a lane bring.
#[derive(Deserialize)]
pub(in crate::pages) struct Sent {
    #[serde(default)]
    seen: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    release: String,
    #[serde(default)]
    signal: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    lasts: String,
    #[serde(default)]
    environment: String,
    #[serde(default)]
    service: String,
    #[serde(default)]
    since: String,
}

/// A form about one lane.
type Form = Posted<(String, String), Sent>;

/// The lane that a form is about.
struct Meant {
    id: LaneId,
    view: LaneView,
    place: String,
}

impl Form {
    fn meant(&self) -> Answer<Meant> {
        not_too_long("nothing was ordered", &[("reason", Some(&self.sent.reason))])?;
        let (service, environment) = &self.at;
        let (id, view) = found(&self.look, service, environment)?;
        let place = words::lane_place(service, environment);
        Ok(Meant { id, view, place })
    }

    /// The same, as it still is.
    fn meant_still(&self) -> Answer<Meant> {
        let meant = self.meant()?;
        if self.sent.seen == stamp(&meant.view) {
            return Ok(meant);
        }
        let message = format!("{} has moved on; nothing was ordered", meant.id);
        let cause = "another release serves there, or another promotion is on its way, than when the page was made";
        Err(Refusal::new(RefusalKind::Conflict, "moved-on", message, cause)
            .next("towpath status", "what serves now; then decide again")
            .into())
    }
}

/// Where a rollback leads: to the promotion that it makes, or back.
pub(in crate::pages) async fn rollback(form: Form) -> Response {
    let ordered = async {
        let meant = form.meant_still()?;
        let (by, reason) = (form.look.acting.clone(), given(&form.sent.reason));
        let input = Input::RollbackOrdered { by, reason, quarantine: true };
        let done = form.look.engine.order(&meant.id, input).await?;
        let own = done.promotion.map(|number| format!("/promotions/{number}"));
        Ok((own.unwrap_or(meant.place), "rolled-back"))
    };
    let ordered = ordered.await;
    answered(&form.look, ordered)
}

/// Somebody says that something is wrong.
pub(in crate::pages) async fn signal(form: Form) -> Response {
    let ordered = async {
        let meant = form.meant_still()?;
        let nothing = "nothing was reported";
        let found = Signal::ALL.into_iter().find(|one| one.as_str() == form.sent.signal);
        let signal = found.ok_or_else(|| {
            let cause = format!("`{}` is no signal", form.sent.signal.escape_debug());
            let refusal = Refusal::new(RefusalKind::Usage, "no-such-signal", nothing, cause);
            ApiError::from(refusal.next("towpath help signal", "those that there are"))
        })?;
        let reason = reason_given(&form.sent.reason, nothing, "whoever decides next reads it")?;
        let by = form.look.acting.clone();
        let done = form.look.engine.order(&meant.id, Input::Signalled { signal, by, reason }).await;
        let own = done?.promotion.map(|number| format!("/promotions/{number}"));
        Ok((own.unwrap_or(meant.place), "reported"))
    };
    let ordered = ordered.await;
    answered(&form.look, ordered)
}

pub(in crate::pages) async fn freeze(form: Form) -> Response {
    let ordered = async {
        let Meant { id, place, .. } = form.meant()?;
        let nothing = "nothing was frozen";
        let reason = reason_given(&form.sent.reason, nothing, "whoever is held reads why")?;
        let LaneId { service, environment } = id;
        let service = (form.sent.scope == "lane").then_some(service);
        let scope = Scope { environment: Some(environment), service };
        let lasts = match form.sent.lasts.as_str() {
            "" => None,
            text => Some(text.parse::<Span>().map_err(|cause| {
                ApiError::from(Refusal::new(RefusalKind::Usage, "bad-end", nothing, cause))
            })?),
        };
        let until = lasts.map(|lasts| form.look.engine.now().plus(lasts));
        let (by, except, since) = (form.look.acting.clone(), Vec::new(), Timestamp::default());
        let freeze = Freeze { scope, by, reason, until, except, since };
        form.look.engine.order_project(Order::Freeze(freeze)).await?;
        Ok((place, "frozen"))
    };
    let ordered = ordered.await;
    answered(&form.look, ordered)
}

/// Ends the freeze that was shown, and no other of the same scope.
pub(in crate::pages) async fn thaw(form: Form) -> Response {
    let ordered = async {
        let Meant { place, .. } = form.meant()?;
        let sent = &form.sent;
        let own = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let (environment, service) = (own(&sent.environment), own(&sent.service));
        let frozen = form.look.engine.status().frozen.into_iter().find(|one| {
            one.environment == environment && one.service == service && one.since == sent.since
        });
        if frozen.is_none() {
            let cause = "the freeze that the page showed is over, or another one took its place";
            let message = "nothing was thawed: it is not frozen as it was";
            let refusal = Refusal::new(RefusalKind::Conflict, "moved-on", message, cause);
            return Err(refusal.next("towpath status", "what is frozen now").into());
        }
        let name = |text: Option<String>| text.and_then(|text| Name::new(&text).ok());
        let scope = Scope { environment: name(environment), service: name(service) };
        let (by, reason) = (form.look.acting.clone(), given(&sent.reason));
        let thaw = Thaw { scope, by, reason, signed: None };
        form.look.engine.order_project(Order::Thaw(thaw)).await?;
        Ok((place, "thawed"))
    };
    let ordered = ordered.await;
    answered(&form.look, ordered)
}

pub(in crate::pages) async fn lift(form: Form) -> Response {
    let ordered = async {
        let Meant { id, place, .. } = form.meant()?;
        let cause = "whoever reads the audit later asks why";
        let reason = reason_given(&form.sent.reason, "nothing was lifted", cause)?;
        let version = Version::new(&form.sent.release).ok();
        let lane = form.look.engine.lane_state(&id);
        let mut quarantined = lane.quarantined.into_iter();
        let found = quarantined.find(|one| Some(&one.release.version) == version.as_ref());
        let Some(found) = found else {
            let message = format!("{} is not quarantined in {}", form.sent.release, id.environment);
            let cause = "somebody may have lifted it meanwhile";
            let refusal = Refusal::new(RefusalKind::Conflict, "not-quarantined", message, cause);
            return Err(refusal.next("towpath quarantine list", "what is").into());
        };
        let (digest, by) = (found.release.digest, form.look.acting.clone());
        let input = Input::QuarantineLiftOrdered { digest, by, reason, signed: None };
        form.look.engine.order(&id, input).await?;
        Ok((place, "lifted"))
    };
    let ordered = ordered.await;
    answered(&form.look, ordered)
}

/// Programs are started and requests are sent for it, and what is found counts: whoever only looks has none of it
/// asked.
fn may_ask(look: &Look, id: &LaneId) -> Result<(), ApiError> {
    look.engine.reaches(&look.acting, Verb::Promote, Some(&id.environment))?;
    if look.engine.may_in_person(&look.acting, Verb::Promote, Some(&id.environment)) {
        return Ok(());
    }
    let message = format!("nothing was asked of {id}");
    let cause = "whoever may promote there may have it asked, and you may not";
    let refusal = Refusal::new(RefusalKind::NotAllowed, "not-allowed", message, cause);
    Err(refusal.next("towpath matrix show --resolved", "who may what").into())
}

/// Asks the endpoints of what serves.
pub(in crate::pages) async fn probe(form: Form) -> Response {
    let asked = async {
        let Meant { id, place, .. } = form.meant()?;
        may_ask(&form.look, &id)?;
        form.look.engine.probe_now(&id).await;
        Ok((place, "probed"))
    };
    let asked = asked.await;
    answered(&form.look, asked)
}

/// Asks the checks of what serves, and shows what they said: nothing keeps it.
pub(in crate::pages) async fn validate(form: Form) -> Response {
    let asked = async {
        let Meant { id, view, place } = form.meant()?;
        may_ask(&form.look, &id)?;
        let checks = form.look.engine.validate(&id).await?;
        Ok(said(&form.look, &view, &place, &checks))
    };
    let asked = asked.await;
    form.look.show(asked)
}

fn said(look: &Look, view: &LaneView, place: &str, checks: &[CheckView]) -> Page {
    let passed = checks.iter().filter(|check| check.state == "pass").count();
    let all = checks.len();
    let serves = view.serves.as_ref().map_or("What serves", |serves| serves.release.as_str());
    let title = format!("{} in {}, validated", view.service, view.environment);
    let content = html! {
        p.crumb { a href=(look.to("/")) { (look.engine.setup().project) } " / " a href=(look.to(place)) { (view.service) " / " (view.environment) } " / validated" }
        h1 { (title) }
        section class=(if passed == all { "verdict" } else { "verdict harm" }) aria-label="Answer" {
            p { b { (passed) " of " (all) " passed." } " " (serves) " was asked just now; nothing was changed by it, and the answers are kept nowhere." }
        }
        ul.checks { @for check in checks { (checked(check)) } }
        p { a.btn href=(look.to(place)) { "Back to " (view.service) " in " (view.environment) } }
    };
    Page { place: Place::None, title, content }
}
