//! What is frozen, and orders to freeze and to thaw.

use axum::Json;
use axum::extract::State;
use towpath_core::freezing::{Freeze, Scope, Thaw};
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_core::units::Timestamp;
use towpath_engine::Order;
use towpath_engine::views::FreezeView;

use crate::api::accepted;
use crate::asked::Body;
use crate::caller::Caller;
use crate::error::{Answer, ApiError};
use crate::paging::{AllOfThem, Listed, Paged, Place};
use crate::requests::{AcceptedView, FreezeRequest, ThawRequest};
use crate::routes::App;

pub(crate) async fn list(
    State(app): State<App>,
    Paged { wanted: AllOfThem {}, part }: Paged<AllOfThem>,
) -> Answer<Listed<Vec<FreezeView>>> {
    let name = |name: &Option<String>| name.clone().unwrap_or_default();
    part.of_all(app.engine.status().frozen, |one| Place {
        at: one.since.clone(),
        id: format!("{} {}", name(&one.service), name(&one.environment)),
    })
}

pub(crate) async fn freeze(
    State(app): State<App>,
    Caller(by): Caller,
    Body(request): Body<FreezeRequest>,
) -> Answer<Json<AcceptedView>> {
    let until = ends(&request, app.engine.now())?;
    let FreezeRequest { environment, service, reason, except, .. } = request;
    let scope = Scope { environment, service };
    let freeze = Freeze { scope, by, reason, until, except, since: Timestamp::default() };
    Ok(Json(accepted(app.engine.order_project(Order::Freeze(freeze)).await?)))
}

/// When it is to end; none when nobody said.
fn ends(request: &FreezeRequest, now: Timestamp) -> Answer<Option<Timestamp>> {
    let wrong = |cause: String| {
        let refusal = Refusal::new(RefusalKind::Usage, "bad-end", "nothing was frozen", cause);
        ApiError::from(refusal.next("towpath help freeze", "how an end is said"))
    };
    match (request.lasts, &request.until) {
        (Some(_), Some(_)) => Err(wrong("an end is said by `for` or by `until`".to_owned())),
        (Some(lasts), None) => Ok(Some(now.plus(lasts))),
        (None, None) => Ok(None),
        (None, Some(until)) => match until.parse::<jiff::Timestamp>() {
            Ok(at) => Ok(Some(Timestamp(at.as_microsecond()))),
            Err(_) => Err(wrong(format!(
                "`{}` is no moment such as 2027-01-04T09:00:00Z",
                until.escape_debug()
            ))),
        },
    }
}

pub(crate) async fn thaw(
    State(app): State<App>,
    Caller(by): Caller,
    Body(request): Body<ThawRequest>,
) -> Answer<Json<AcceptedView>> {
    let ThawRequest { environment, service, reason, signed, .. } = request;
    let scope = Scope { environment, service };
    let thaw = Thaw { scope, by, reason, signed };
    Ok(Json(accepted(app.engine.order_project(Order::Thaw(thaw)).await?)))
}
