//! The quiet hour of a plan: asks the store what a lane counted, and the core what follows from it. Starts
//! nothing by it, and is no part of what people agree to.

use towpath_core::calendar::Stretch;
use towpath_core::ids::LaneId;
use towpath_core::plan::Plan;
use towpath_core::project::Project;
use towpath_core::promotion::held;
use towpath_core::promotion::state::Kind;
use towpath_core::quiet::{self, AHEAD, Question};
use towpath_core::release::ChangeType;
use towpath_core::units::{Span, Timestamp};
use towpath_ports::store::{INTERVALS_KEPT, IntervalRow};

use crate::shared::Shared;
use crate::views::QuietHourView;

/// What is asked about one promotion.
pub(crate) struct Asked {
    lane: LaneId,
    now: Timestamp,
    zone: String,
    lasts: Span,
    open: Vec<Stretch>,
}

impl Asked {
    /// The question about a plan; none where visitors do not decide: nothing serves them yet, nothing counts
    /// them, or it cannot wait.
    pub(crate) fn about(
        project: &Project,
        plan: &Plan,
        (change, overrides): (ChangeType, bool),
        now: Timestamp,
    ) -> Option<Self> {
        let (section, lane) = (&plan.section, plan.lane.clone());
        let is_counted = section.router.is_some() && plan.blue.is_some();
        if !is_counted || plan.kind == Kind::Rollback || plan.break_glass {
            return None;
        }
        let zone = section.calendar.zone(change).to_owned();
        let lasts = Span(plan.steps.iter().map(|step| step.bake_max.milliseconds()).sum());
        // Whether a window stays open for all of it is known of the last start as well.
        let when = (now, now.plus(AHEAD).plus(lasts.min(AHEAD)));
        let (common, calendar) = (&project.common, &section.calendar);
        let open = held::open_stretches(common, &lane, calendar, (change, overrides), when);
        Some(Self { lane, now, zone, lasts, open })
    }

    /// The answer. Counts that cannot be read are no hour, and that is said.
    pub(crate) async fn answered(&self, shared: &Shared) -> QuietHourView {
        let since = self.now.minus(INTERVALS_KEPT);
        let counted = shared.setup.store.tallies(&self.lane, IntervalRow::VISITORS, since).await;
        let question =
            Question { now: self.now, zone: &self.zone, lasts: self.lasts, open: &self.open };
        let found = match counted {
            Ok(tallies) => quiet::hour(&tallies, question),
            Err(error) => Err(format!("what was counted cannot be read: {error}")),
        };
        found.into()
    }
}
