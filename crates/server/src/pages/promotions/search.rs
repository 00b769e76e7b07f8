//! Which promotions are looked for, from an address and back into one, and how they are found: newest first, in pieces
//! of bounded size. Shows nothing.

use jiff::Timestamp;
use serde::Deserialize;
use towpath_core::ids::{LaneId, PromotionNumber};
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_engine::views::PromotionView;

use crate::error::{Answer, ApiError};
use crate::pages::audit::moment;
use crate::pages::frame::Look;

/// How many promotions are looked through for one answer: what is older is one link away.
const LOOKED_THROUGH: usize = 2_000;
/// How many are read at once, of all lanes together.
const READ: usize = 400;
/// The least and the most that are read of one lane at once; the store gives no more.
const OF_A_LANE: (usize, usize) = (8, 200);

/// What is looked for; all of it is in the address.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Wanted {
    pub(super) environment: String,
    pub(super) service: String,
    /// `moving`, `waiting` and so on, or an outcome.
    pub(super) state: String,
    /// Part of the name of who asked.
    pub(super) by: String,
    /// Of this release alone.
    pub(super) release: String,
    /// A day in UTC, or a moment; what was asked for earlier is left out.
    pub(super) since: String,
    /// Only those before this one.
    pub(super) before: Option<u64>,
}

/// The promotions of some address, as far as they were looked through.
pub(in crate::pages) struct Found {
    /// Newest first.
    pub(in crate::pages) promotions: Vec<PromotionView>,
    /// The promotion before which there may be more; none: that was all.
    pub(in crate::pages) before: Option<u64>,
}

/// Where is looked, and for what.
pub(in crate::pages) struct Sought<'a> {
    /// In these lanes; none is all of them.
    pub(in crate::pages) lanes: Option<Vec<LaneId>>,
    /// Before this promotion alone.
    pub(in crate::pages) before: Option<u64>,
    /// How many at the most.
    pub(in crate::pages) count: usize,
    /// Whether one is it.
    pub(in crate::pages) is: &'a (dyn Fn(&PromotionView) -> bool + Sync),
    /// What was asked for earlier than this is not it.
    pub(in crate::pages) since: Option<Timestamp>,
}

impl Wanted {
    /// Whether anything is looked for at all.
    pub(super) fn asks(&self) -> bool {
        self.fields().iter().any(|(_, value)| !value.is_empty())
    }

    fn fields(&self) -> [(&'static str, &str); 6] {
        [
            ("environment", &self.environment),
            ("service", &self.service),
            ("state", &self.state),
            ("by", &self.by),
            ("release", &self.release),
            ("since", &self.since),
        ]
    }

    /// The address of the same, from `before` on.
    pub(super) fn place(&self, before: Option<u64>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.fields().into_iter().filter(|(_, value)| !value.is_empty()));
        if let Some(before) = before {
            query.append_pair("before", &before.to_string());
        }
        let query = query.finish();
        if query.is_empty() { "/promotions".to_owned() } else { format!("/promotions?{query}") }
    }

    /// Whether one is what is looked for, its time aside.
    fn is(&self, one: &PromotionView) -> bool {
        let is = |wanted: &str, own: &str| wanted.is_empty() || wanted == own;
        let by = self.by.trim().to_lowercase();
        is(&self.environment, &one.to)
            && is(&self.service, &one.service)
            && is(self.release.trim(), &one.release)
            && (by.is_empty() || one.by.to_lowercase().contains(&by))
            && match self.state.as_str() {
                "moving" => one.outcome.is_none() && one.state != "waiting",
                state => is(state, &one.state),
            }
    }

    /// The lanes in which it can be; none where it can be in any.
    fn lanes(&self, look: &Look) -> Option<Vec<LaneId>> {
        if self.environment.is_empty() && self.service.is_empty() {
            return None;
        }
        let lanes = look.engine.status().lanes.into_iter().filter(|lane| {
            (self.environment.is_empty() || lane.environment == self.environment)
                && (self.service.is_empty() || lane.service == self.service)
        });
        let ids = lanes.map(|lane| format!("{}/{}", lane.service, lane.environment));
        Some(ids.filter_map(|id| LaneId::try_from(id).ok()).collect())
    }

    /// The newest of what is looked for, before where the address goes on.
    ///
    /// # Errors
    /// A day that is none, and whatever the store says.
    pub(super) async fn found(&self, look: &Look, count: usize) -> Answer<Found> {
        let since = moment(&self.since, false).map_err(|()| wrong())?;
        let since = since.and_then(|at| Timestamp::from_microsecond(at.0).ok());
        let (before, lanes) = (self.before, self.lanes(look));
        found(look, Sought { lanes, before, count, is: &|one| self.is(one), since }).await
    }
}

fn wrong() -> ApiError {
    let cause = "it is neither a day such as 2027-01-31 nor a moment in RFC 3339";
    Refusal::new(RefusalKind::Usage, "bad-query", "nothing was looked for", cause.to_owned())
        .at("query: since")
        .next("towpath history", "what happened, in the terminal")
        .into()
}

/// The newest promotions that are it. Those of many lanes are read lane by lane, so that one in which little happens is
/// not lost behind the others.
///
/// # Errors
/// Whatever the store says.
pub(in crate::pages) async fn found(look: &Look, sought: Sought<'_>) -> Answer<Found> {
    let Sought { lanes, mut before, count, is, since } = sought;
    let (mut promotions, mut looked) = (Vec::new(), 0);
    loop {
        let (read, rows) = piece(look, lanes.as_deref(), before).await?;
        looked += rows;
        let asked = |one: &PromotionView| one.requested_at.parse::<Timestamp>().ok();
        let is_early = |one: &&PromotionView| since.is_some_and(|since| asked(one) < Some(since));
        let is_over = read.promotions.iter().any(|one| is_early(&one));
        let own = read.promotions.into_iter().filter(|one| !is_early(&one) && is(one));
        promotions.extend(own);
        before = read.before.filter(|_| !is_over);
        if promotions.len() > count {
            promotions.truncate(count);
            before = promotions.last().map(|one| one.number);
            return Ok(Found { promotions, before });
        }
        if before.is_none() || looked >= LOOKED_THROUGH {
            return Ok(Found { promotions, before });
        }
    }
}

/// Some promotions in their order, with none left out between the first and the last of them, and how many were read
/// for that: of many lanes most are read in vain.
async fn piece(
    look: &Look,
    lanes: Option<&[LaneId]>,
    before: Option<u64>,
) -> Answer<(Found, usize)> {
    let before = before.map(PromotionNumber);
    let all: Vec<Option<&LaneId>> = match lanes {
        None => vec![None],
        Some(lanes) => lanes.iter().map(Some).collect(),
    };
    let each = (READ / all.len().max(1)).clamp(OF_A_LANE.0, OF_A_LANE.1);
    let limit = u32::try_from(each).unwrap_or(u32::MAX);
    let (mut promotions, mut down_to) = (Vec::new(), None);
    for lane in all {
        let own = look.engine.promotions(lane, before, limit).await?;
        if own.len() >= each {
            // Below the last one of this lane there may be more of it, which comes before what others have there.
            down_to = down_to.max(own.last().map(|one| one.number));
        }
        promotions.extend(own);
    }
    let rows = promotions.len();
    promotions.retain(|one| down_to.is_none_or(|least| one.number >= least));
    promotions.sort_by_key(|one| std::cmp::Reverse(one.number));
    Ok((Found { promotions, before: down_to }, rows))
}
