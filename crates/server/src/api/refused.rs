//! Who was refused what, as the journal has it. Refuses nobody.

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use towpath_core::ids::Name;
use towpath_engine::views::RefusedView;

use crate::asked::Query;
use crate::error::Answer;
use crate::routes::App;

/// Most refused attempts that one answer lists.
const MOST: u32 = 1000;
/// So many where nobody says.
const USUAL: u32 = 20;

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
    /// How many, 1 to 1000; 20 where nobody says.
    limit: Option<u32>,
}

pub(crate) async fn list(
    State(app): State<App>,
    Query(wanted): Query<Wanted>,
) -> Answer<Json<Vec<RefusedView>>> {
    let limit = wanted.limit.unwrap_or(USUAL).clamp(1, MOST);
    let (service, environment) = (wanted.service.as_ref(), wanted.environment.as_ref());
    Ok(Json(app.engine.refused(service, environment, wanted.before, limit).await?))
}
