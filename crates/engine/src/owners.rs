//! Asks the repository whose files a promotion that waits changes, and tells its lane. Reads no repository
//! itself, and decides nothing about whose word is needed.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Semaphore;
use towpath_core::code_owners::{Change, OwnersTold};
use towpath_core::ids::{LaneId, Person, PromotionNumber};
use towpath_core::people::Verb;
use towpath_core::project::Project;
use towpath_core::promotion::input::{Input, PromotionOrder};
use towpath_core::promotion::state::{Lane, Promotion};
use towpath_core::promotion::{approving, owning, plan};
use towpath_core::units::{Span, Timestamp};

use crate::asking;
use crate::rights::Rights;
use crate::run_loop::Engine;
use crate::shared::Shared;

/// How long until a repository that could not tell is asked again: a person has to fetch there.
const ASK_AGAIN: Span = Span::seconds(30);

/// How long the repository may take: a disk that hangs keeps nobody's word waiting for longer.
const PATIENCE: Span = Span::seconds(20);
/// How many ask the repository at once, whoever looks at how many plans.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// When a change is asked about again; none: it is being asked about.
pub(crate) type AskedOwners = BTreeMap<(LaneId, Change), Option<Timestamp>>;

/// A change whose owners a lane does not know.
pub(crate) struct Question {
    lane: LaneId,
    change: Change,
}

/// Asks until the engine stops.
pub(crate) fn spawn(shared: &Arc<Shared>) {
    asking::spawn(shared, due, ask);
}

/// What promotions that wait change and what is not known yet; forgets what nobody waits for any more.
fn due(shared: &Shared) -> Vec<Question> {
    let now = shared.now();
    let all: Vec<Question> = shared.read(|project| {
        let of_lane = |lane| unknown(project, lane);
        project.lanes.values().flat_map(of_lane).collect()
    });
    let mut asked = shared.owners.lock().expect("no holder of this lock panics");
    if all.is_empty() {
        asked.clear();
        return Vec::new();
    }
    let key = |question: &Question| (question.lane.clone(), question.change.clone());
    asked.retain(|known, _| all.iter().any(|question| key(question) == *known));
    let is_due = |question: &Question| match asked.get(&key(question)) {
        None => true,
        Some(again) => again.is_some_and(|at| at <= now),
    };
    let due: Vec<_> = all.into_iter().filter(is_due).collect();
    asked.extend(due.iter().map(|question| (key(question), None)));
    due
}

fn unknown(project: &Project, lane: &Lane) -> Vec<Question> {
    let changes =
        lane.waiting.iter().filter_map(|promotion| of_promotion(project, lane, promotion));
    let mut changes: Vec<Change> = changes.filter(|change| !is_known(lane, change)).collect();
    changes.sort();
    changes.dedup();
    changes.into_iter().map(|change| Question { lane: lane.id.clone(), change }).collect()
}

fn of_promotion(project: &Project, lane: &Lane, promotion: &Promotion) -> Option<Change> {
    let plan = &promotion.plan;
    let release = project.common.release_of(&plan.lane.service, &plan.release)?;
    owning::change(&project.common, lane, plan, release)?.ok()
}

fn is_known(lane: &Lane, change: &Change) -> bool {
    lane.owners_of(change).is_some_and(|told| told.trouble.is_none())
}

async fn ask(shared: Arc<Shared>, question: Question) {
    let Question { lane, change } = question;
    let told = told(&shared, change.clone()).await;
    let again = shared.now().plus(ASK_AGAIN);
    {
        let mut asked = shared.owners.lock().expect("no holder of this lock panics");
        asked.insert((lane.clone(), change), Some(again));
    }
    if shared.read(|project| project.lane(&lane).owners_of(&told.change) != Some(&told)) {
        shared.send(&lane, Input::OwnersTold(Box::new(told))).await;
    }
}

async fn told(shared: &Shared, change: Change) -> OwnersTold {
    let asked = async {
        let _turn = AT_ONCE.acquire().await.map_err(|error| error.to_string())?;
        shared.setup.adapters.history().owners(&change).await
    };
    let late = |_| Err(format!("the repository did not answer within {PATIENCE}"));
    match tokio::time::timeout(PATIENCE.into(), asked).await.unwrap_or_else(late) {
        Ok(files) => OwnersTold { change, files, trouble: None },
        Err(trouble) => OwnersTold { change, files: Vec::new(), trouble: Some(trouble) },
    }
}

impl Engine {
    /// Whose files a promotion would change that nobody has ordered, where its plan asks for their owners
    /// and the lane does not know them yet. Changes nothing; safe to repeat.
    pub async fn owners_of(&self, lane: &LaneId, order: &PromotionOrder) -> Option<OwnersTold> {
        let change = self.shared.read(|project| {
            let (plan, release) = plan(project, lane, order).ok()?;
            let lane = project.lane(lane);
            let change = owning::change(&project.common, &lane, &plan, &release)?.ok()?;
            (!is_known(&lane, &change)).then_some(change)
        })?;
        Some(told(&self.shared, change).await)
    }

    /// Tells the lane whose files the promotion changes that somebody speaks about, so that the word counts
    /// although it comes before anybody asked the repository.
    pub(crate) async fn tell_owners(&self, lane: &LaneId, input: &Input) {
        let Input::ApprovalOrdered(order) = input else { return };
        // A no needs no owner, and whoever may not agree has nothing looked up for them.
        if !order.agrees || !self.may_agree(lane, &order.by) {
            return;
        }
        let told = match order.number {
            Some(number) => self.owners_of_waiting(lane, number).await,
            None => self.owners_of(lane, &approving::as_order(order)).await,
        };
        if let Some(told) = told {
            self.shared.send(lane, Input::OwnersTold(Box::new(told))).await;
        }
    }

    fn may_agree(&self, lane: &LaneId, by: &Person) -> bool {
        let rights = Rights::in_force(&self.shared);
        let Ok(authority) = rights.authority() else { return false };
        let known = self.named(by);
        known.is_some_and(|you| authority.allows(&you, Verb::Approve, Some(&lane.environment)))
    }

    async fn owners_of_waiting(
        &self,
        lane: &LaneId,
        number: PromotionNumber,
    ) -> Option<OwnersTold> {
        let change = self.shared.read(|project| {
            let lane = project.lane(lane);
            let change = of_promotion(project, &lane, lane.promotion(number)?)?;
            lane.owners_of(&change).is_none().then_some(change)
        })?;
        Some(told(&self.shared, change).await)
    }
}
