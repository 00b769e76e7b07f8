//! How the matrix in a repository is followed, as whoever follows it says, for those who look. Follows nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use towpath_core::governing::MatrixCommit;
use towpath_core::units::Timestamp;

use crate::run_loop::Engine;
use crate::views::time;

/// How it stands with a matrix that is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FollowingState {
    /// Nobody has looked yet.
    Starting,
    /// What the newest commit says is in force.
    InForce,
    /// People must agree to what it says.
    Waiting,
    /// It is not taken, and what was in force stays.
    Refused,
    /// The repository cannot be asked.
    Away,
}

impl FollowingState {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::InForce => "in_force",
            Self::Waiting => "waiting",
            Self::Refused => "refused",
            Self::Away => "away",
        }
    }

    /// Whether somebody has to do something about it.
    pub fn is_trouble(self) -> bool {
        matches!(self, Self::Refused | Self::Away)
    }
}

/// A matrix that is followed in a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FollowingView {
    /// How it stands.
    pub state: FollowingState,
    /// One sentence.
    pub sentence: String,
    /// What helps; null where nothing is wrong.
    pub next: Option<String>,
    /// Which repository, as it is fetched.
    pub repository: String,
    /// The branch or tag.
    pub branch: String,
    /// The commit that it is about; null while none was seen.
    pub commit: Option<MatrixCommit>,
    /// When the repository answered last; null while it never did.
    pub answered_at: Option<String>,
}

/// What is kept of it.
#[derive(Clone, Debug)]
pub(crate) struct Following {
    pub(crate) view: FollowingView,
    pub(crate) since: Timestamp,
}

impl Engine {
    /// Notes how the repository is followed, of which `has_answered` says whether it answered just now.
    pub fn note_following(&self, mut view: FollowingView, has_answered: bool) {
        let now = self.now();
        let mut kept = self.shared.following.lock().expect("no holder of this lock panics");
        let before = kept.take();
        let answered = before.as_ref().map_or(now, |before| before.since);
        let since = if has_answered { now } else { answered };
        view.answered_at = if has_answered {
            Some(time(now))
        } else {
            before.and_then(|before| before.view.answered_at)
        };
        *kept = Some(Following { view, since });
    }

    /// How the repository is followed; none where none is.
    pub fn following(&self) -> Option<FollowingView> {
        let kept = self.shared.following.lock().expect("no holder of this lock panics");
        kept.as_ref().map(|kept| kept.view.clone())
    }

    /// For how many seconds the repository has not answered, or nobody has asked it; none where none is followed.
    pub fn following_age(&self) -> Option<f64> {
        let kept = self.shared.following.lock().expect("no holder of this lock panics");
        let since = kept.as_ref()?.since;
        let age: std::time::Duration = self.now().since(since).into();
        Some(age.as_secs_f64())
    }
}
