//! Channels and notices: looking at them, trying a channel, sending again what never arrived, or was lost after it did.

use axum::Json;
use axum::extract::State;
use towpath_engine::views::{
    DeadNoticeView, DeliveredNoticeView, NoticesView, PendingNoticeView, TestView,
};

use crate::asked::Body;
use crate::caller::Caller;
use crate::error::Answer;
use crate::paging::{AllOfThem, Listed, Paged, Place};
use crate::requests::{AcceptedView, NoticeRetryRequest, NoticeTestRequest};
use crate::routes::App;

/// A notice that did not arrive.
enum Untold {
    /// It is on its way.
    Pending(PendingNoticeView),
    /// It never will, by itself.
    Dead(DeadNoticeView),
}

impl Untold {
    fn place(&self) -> Place {
        // Those on their way come first.
        match self {
            Self::Pending(one) => {
                Place { at: format!("0 {}", one.since), id: format!("{} {}", one.id, one.channel) }
            }
            Self::Dead(one) => {
                Place { at: format!("1 {}", one.since), id: format!("{} {}", one.id, one.channel) }
            }
        }
    }
}

/// All channels on every page, and a part of what did not arrive: first what is on its way.
pub(crate) async fn list(
    State(app): State<App>,
    Paged { wanted: AllOfThem {}, part }: Paged<AllOfThem>,
) -> Answer<Listed<NoticesView>> {
    let all = app.engine.notices().await?;
    let pending = all.pending.into_iter().map(Untold::Pending);
    let untold = pending.chain(all.dead.into_iter().map(Untold::Dead));
    let (shown, way) = part.of_all(untold, Untold::place)?.apart();
    let (mut pending, mut dead) = (Vec::new(), Vec::new());
    for one in shown {
        match one {
            Untold::Pending(one) => pending.push(one),
            Untold::Dead(one) => dead.push(one),
        }
    }
    Ok(way.with(NoticesView { format: all.format, channels: all.channels, pending, dead }))
}

pub(crate) async fn test(
    State(app): State<App>,
    Caller(by): Caller,
    Body(request): Body<NoticeTestRequest>,
) -> Answer<Json<TestView>> {
    Ok(Json(app.engine.test_channel(&request.channel, &by).await?))
}

pub(crate) async fn retry(
    State(app): State<App>,
    Caller(by): Caller,
    Body(request): Body<NoticeRetryRequest>,
) -> Answer<Json<AcceptedView>> {
    app.engine.retry_notice(&request.id, &by).await?;
    Ok(Json(AcceptedView { promotion: None, changed: true, notes: Vec::new(), state: None }))
}

pub(crate) async fn delivered(
    State(app): State<App>,
    Paged { wanted: AllOfThem {}, part }: Paged<AllOfThem>,
) -> Answer<Listed<Vec<DeliveredNoticeView>>> {
    let before: Option<u64> = part.after()?;
    // One more than is shown tells whether there are more.
    let limit = u32::try_from(part.limit() + 1).unwrap_or(u32::MAX);
    let mut found = app.engine.delivered_notices(before, limit).await?;
    let goes_on = found.len() > part.limit();
    found.truncate(part.limit());
    let last = found.last().filter(|_| goes_on).map(|one| one.event);
    Ok(part.listed(found, last.as_ref()))
}

/// Each order sends it once more; the key of an order keeps the same one from counting twice.
pub(crate) async fn replay(
    State(app): State<App>,
    Caller(by): Caller,
    Body(request): Body<NoticeRetryRequest>,
) -> Answer<Json<AcceptedView>> {
    app.engine.replay_notice(&request.id, &by).await?;
    Ok(Json(AcceptedView { promotion: None, changed: true, notes: Vec::new(), state: None }))
}
