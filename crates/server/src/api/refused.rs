//! Who was refused what, as the journal has it. Refuses nobody.

use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use towpath_core::ids::Name;
use towpath_engine::views::RefusedView;

use crate::error::Answer;
use crate::routes::App;

/// Most refused attempts that one answer lists.
const MOST: u32 = 1000;
/// So many where nobody says.
const USUAL: u32 = 20;

/// Which of them.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    service: Option<Name>,
    environment: Option<Name>,
    before: Option<u64>,
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
