//! Who was refused what, as the journal has it. Refuses nobody.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use towpath_core::ids::Name;
use towpath_engine::views::RefusedView;

use crate::error::Answer;
use crate::paging::{Listed, Paged};
use crate::routes::App;

/// Which of them.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Only of this service.
    service: Option<Name>,
    /// Only of this environment.
    environment: Option<Name>,
    /// Only those before this event.
    before: Option<u64>,
}

pub(crate) async fn list(
    State(app): State<App>,
    Paged { wanted, part }: Paged<Wanted>,
) -> Answer<Listed<Vec<RefusedView>>> {
    let after: Option<u64> = part.after()?;
    let before = [wanted.before, after].into_iter().flatten().min();
    let (service, environment) = (wanted.service.as_ref(), wanted.environment.as_ref());
    // One more than is shown tells whether there are more.
    let limit = u32::try_from(part.limit() + 1).unwrap_or(u32::MAX);
    let mut found = app.engine.refused(service, environment, before, limit).await?;
    let goes_on = found.len() > part.limit();
    found.truncate(part.limit());
    let last = found.last().filter(|_| goes_on).map(|one| one.event);
    Ok(part.listed(found, last.as_ref()))
}
