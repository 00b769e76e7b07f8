//! Looks for fixes that are owed to a branch in the releases that come from it, and says when one is
//! there. Reads no repository itself, and decides nothing about what is owed.

use std::collections::BTreeMap;
use std::sync::Arc;

use towpath_core::debts::{DebtKind, OpenDebt};
use towpath_core::ids::{Digest, LaneId, Person, PromotionNumber, Version};
use towpath_core::project::Project;
use towpath_core::promotion::input::{DebtOrder, Input};
use towpath_core::promotion::state::Lane;
use towpath_core::units::{Span, Timestamp};
use towpath_ports::history::FixQuestion;

use crate::asking;
use crate::shared::Shared;

/// Releases that are looked at for one fix, the newest first: whoever is further behind says it.
const MOST_RELEASES: usize = 50;
/// How long until a repository is asked again: a person has to fetch there, or to merge.
const ASK_AGAIN: Span = Span::minutes(10);

/// A release that may have the fix of a promotion.
type Key = (LaneId, PromotionNumber, Digest);

/// When a release is looked at again; none: it is being looked at.
pub(crate) type Looked = BTreeMap<Key, Option<Timestamp>>;

/// One release that may have one fix.
pub(crate) struct Question {
    key: Key,
    version: Version,
    about: FixQuestion,
}

/// Looks until the engine stops.
pub(crate) fn spawn(shared: &Arc<Shared>) {
    asking::spawn(shared, due, ask);
}

/// What was not looked at yet; forgets what is not owed any more.
fn due(shared: &Shared) -> Vec<Question> {
    let now = shared.now();
    let all = shared.read(|project| {
        project.lanes.values().flat_map(|lane| of_lane(project, lane)).collect::<Vec<_>>()
    });
    let mut looked = shared.backports.lock().expect("no holder of this lock panics");
    if all.is_empty() {
        looked.clear();
        return Vec::new();
    }
    looked.retain(|key, _| all.iter().any(|question| question.key == *key));
    let is_due = |question: &Question| match looked.get(&question.key) {
        None => true,
        Some(again) => again.is_some_and(|at| at <= now),
    };
    let due: Vec<_> = all.into_iter().filter(is_due).collect();
    for question in &due {
        looked.insert(question.key.clone(), None);
    }
    due
}

fn of_lane(project: &Project, lane: &Lane) -> Vec<Question> {
    let owed = lane.debts.iter().filter(|open| open.debt.kind == DebtKind::Backport);
    owed.flat_map(|open| of_debt(project, lane, open)).collect()
}

fn of_debt(project: &Project, lane: &Lane, open: &OpenDebt) -> Vec<Question> {
    let (debt, service) = (&open.debt, &lane.id.service);
    let commit = |release| project.common.release_of(service, release)?.commit.clone();
    let (Some(fix), Some(branch)) = (commit(&debt.release), debt.branch.clone()) else {
        return Vec::new();
    };
    let before = debt.before.as_ref().and_then(commit);
    let others = project
        .common
        .releases
        .iter()
        .rev()
        .filter(|release| release.service == *service && release.digest != debt.release.digest);
    let question = |release: &towpath_core::release::Release| {
        Some(Question {
            key: (lane.id.clone(), debt.number, release.digest.clone()),
            version: release.version.clone(),
            about: FixQuestion {
                fix: fix.clone(),
                before: before.clone(),
                later: release.commit.clone()?,
                branch: branch.clone(),
            },
        })
    };
    others.take(MOST_RELEASES).filter_map(question).collect()
}

async fn ask(shared: Arc<Shared>, question: Question) {
    let Question { key, version, about } = question;
    let has_fix = shared.setup.adapters.history().has_fix(&about).await;
    // Branches move, and what is said here may not have been written: what is settled is asked no more.
    let again = shared.now().plus(ASK_AGAIN);
    {
        let mut looked = shared.backports.lock().expect("no holder of this lock panics");
        looked.insert(key.clone(), Some(again));
    }
    match has_fix {
        Ok(true) => {
            let order = DebtOrder {
                by: Person::automatic(),
                number: key.1,
                kind: DebtKind::Backport,
                note: None,
                link: None,
                found_in: Some(version),
                signed: None,
            };
            shared.send(&key.0, Input::DebtSettled(order)).await;
        }
        Ok(false) => {}
        Err(sentence) => tracing::debug!(%sentence, "a fix could not be looked for"),
    }
}
