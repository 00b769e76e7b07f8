//! What has to be as it was looked at when an order is taken. Owns what a state is called, and that nothing comes
//! between looking and taking; says nothing of who may.

use std::sync::Arc;

use serde::Serialize;
use towpath_core::ids::{Digest, LaneId, PromotionNumber};
use towpath_core::reason::{Refusal, RefusalKind};

use crate::origin;
use crate::run_loop::Engine;
use crate::shared::Shared;

/// The stable word of a refusal because something has changed.
pub const CHANGED: &str = "changed";
/// Digits of a state's name: enough that no two states of one thing share it by chance.
const DIGITS: usize = 16;

/// What an order is about, as far as the journal knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A promotion that has not ended.
    Promotion(PromotionNumber),
    /// What stands in a lane, and what is on its way there.
    Lane(LaneId),
    /// The matrix in force, and the one that waits for people.
    Matrix,
}

/// An order is taken only while its subject is in one of these states.
#[derive(Clone, Debug)]
pub struct Condition {
    /// What it is about.
    pub subject: Subject,
    /// Names of states, as [`Engine::version`] gives them.
    pub versions: Vec<String>,
}

/// Carries `work` out; every order that it gives directly is taken only under this condition, which is looked at
/// when it is decided about, and after whether whoever gives it may.
pub async fn only_while<T>(condition: Condition, work: impl Future<Output = T>) -> T {
    origin::on_condition(Arc::new(condition), work).await
}

impl Engine {
    /// What the state of something is called: another name after every event about it, and the same as long as
    /// there is none, whatever is measured meanwhile. None of what is not there.
    pub fn version(&self, subject: &Subject) -> Option<String> {
        version(&self.shared, subject)
    }
}

impl Condition {
    /// # Errors
    /// [`CHANGED`], when its subject is in none of the states, or is not there any more.
    pub(crate) fn hold(&self, shared: &Shared) -> Result<(), Box<Refusal>> {
        let now = version(shared, &self.subject);
        if now.is_some_and(|now| self.versions.contains(&now)) {
            return Ok(());
        }
        let (what, next) = match &self.subject {
            Subject::Promotion(number) => {
                (format!("promotion {number}"), "towpath history".to_owned())
            }
            Subject::Lane(lane) => (lane.to_string(), format!("towpath why {}", lane.environment)),
            Subject::Matrix => ("the matrix".to_owned(), "towpath matrix show".to_owned()),
        };
        let message = format!("nothing was ordered: {what} is not as it was looked at");
        let cause = "something happened since then";
        let refusal = Refusal::new(RefusalKind::Conflict, CHANGED, message, cause);
        Err(Box::new(refusal.next(next, "how it is now")))
    }
}

fn version(shared: &Shared, subject: &Subject) -> Option<String> {
    shared.read(|project| match subject {
        Subject::Promotion(number) => {
            let mut open = project.lanes.values().filter_map(|lane| lane.promotion(*number));
            open.next().map(named)
        }
        Subject::Lane(id) => {
            let matrix = project.common.matrix.as_ref();
            let is_there = matrix.is_some_and(|matrix| matrix.lane(id).is_some());
            is_there.then(|| named(&project.lanes.get(id)))
        }
        Subject::Matrix => {
            let common = &project.common;
            common.matrix.as_ref().map(|matrix| named(&(matrix, &common.proposed)))
        }
    })
}

fn named(state: &impl Serialize) -> String {
    let bytes = serde_json::to_vec(state).expect("what is kept can be written");
    Digest::of(&bytes).hex().chars().take(DIGITS).collect()
}
