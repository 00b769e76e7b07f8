//! Releases: what exists, and new ones.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use towpath_core::ids::Name;
use towpath_core::people::Verb;
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_core::release::{ChangeType, Release};
use towpath_engine::views::time;
use towpath_engine::{NewRelease, Order, ReleaseView};

use crate::api::{accepted, uploads};
use crate::asked::{Body, Created};
use crate::caller::Caller;
use crate::error::Answer;
use crate::paging::{Listed, Paged, Place};
use crate::requests::{AcceptedView, ReleaseRequest};
use crate::routes::App;

/// Which releases.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Only those of this service.
    service: Option<Name>,
    /// Only those that were built from this commit, as it was named.
    commit: Option<String>,
    /// Only those of this type.
    #[serde(rename = "type")]
    change_type: Option<ChangeType>,
}

pub(crate) async fn list(
    State(app): State<App>,
    Paged { wanted, part }: Paged<Wanted>,
) -> Answer<Listed<Vec<ReleaseView>>> {
    let after: Option<Place> = part.after()?;
    let is_chosen = |one: &Release| {
        wanted.service.as_ref().is_none_or(|own| *own == one.service)
            && (wanted.commit.is_none() || one.commit == wanted.commit)
            && wanted.change_type.is_none_or(|own| own == one.change_type)
    };
    let passed = |all: &[&Release]| after.as_ref().map_or(0, |after| behind(all, after));
    let mut shown = app.engine.part_of_releases(is_chosen, passed, part.limit() + 1);
    let goes_on = shown.len() > part.limit();
    shown.truncate(part.limit());
    let last = shown.last().filter(|_| goes_on).map(place);
    // Whether its bytes are there is asked for each that is shown, and for no other.
    Ok(part.listed(app.engine.shown_releases(shown).await, last.as_ref()))
}

/// Where a release stands in lists.
fn place(one: &Release) -> Place {
    Place { at: time(one.created_at), id: format!("{} {}", one.service, one.version) }
}

/// How many releases come up to this place. Of a release that is gone by now the time tells.
fn behind(all: &[&Release], after: &Place) -> usize {
    let is_it = |one: &&Release| {
        let name = after.id.strip_prefix(one.service.as_str());
        // To write times takes longer than to compare names.
        let name = name.and_then(|rest| rest.strip_prefix(' '));
        name == Some(one.version.as_str()) && place(one) == *after
    };
    match all.iter().rposition(is_it) {
        Some(found) => found + 1,
        None => all.iter().take_while(|one| time(one.created_at) < after.at).count(),
    }
}

pub(crate) async fn create(
    State(app): State<App>,
    Caller(by): Caller,
    Body(request): Body<ReleaseRequest>,
) -> Answer<Created<AcceptedView>> {
    let ReleaseRequest { release, .. } = request;
    let digest =
        Release::content_digest(&release.artifacts, &release.settings, &release.migrations);
    if digest != release.digest {
        let message = format!("release {} was not created", release.version);
        let cause = "its digest is not that of its artefacts, settings and migrations";
        return Err(Refusal::new(RefusalKind::Usage, "wrong-digest", message, cause).into());
    }
    // Whoever may not is refused by the order, and that is put on record.
    if app.engine.may(&by, Verb::CreateRelease).is_ok() {
        uploads::keep_evidence(&app, &release).await?;
    }
    let done = app
        .engine
        .order_project(Order::CreateRelease(Box::new(NewRelease { release, by })))
        .await?;
    Ok(Created(accepted(done)))
}
