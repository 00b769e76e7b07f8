//! Follows the matrix in a git repository: looks for a new commit, reads what it says, and orders what a person would
//! order by `matrix apply`. Owns what is taken and when; the rules of who must agree are the engine's, and stay so.
//!
//! A commit is taken once. What people reject, or replace by another matrix, is not ordered again before a commit
//! says something else.

mod git;
mod settings;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize as _;
use tokio::sync::watch;
use towpath_config::{Beside, Checked, MAX_BYTES, MAX_CALENDAR};
use towpath_core::governing::{MatrixCommit, MatrixSource};
use towpath_core::ids::{Digest, Person};
use towpath_core::matrix::Matrix;
use towpath_core::units::Timestamp;
use towpath_engine::{Engine, EngineError, FollowingState, FollowingView, Order};

use self::git::Mirror;
pub(super) use self::settings::{Follow, FollowSection};
use crate::wiring;

/// How often a repository is asked at the least, while it is away: longer after each failure.
const LONGEST_PAUSE: std::time::Duration = std::time::Duration::from_mins(15);
/// Most files that a matrix of a repository may name, and their bytes in all: calendars of a dozen countries.
const MOST_BESIDE: usize = 64;
const MOST_BESIDE_BYTES: usize = 8 << 20;
/// How many of the last files that were kept are looked through for one of this repository.
const LOOKED_AT: u32 = 20;

/// One repository that is followed for one project.
struct Follower {
    follow: Follow,
    engine: Engine,
    mirror: Arc<Mirror>,
    /// The commit that was taken last, and what it says.
    taken: Option<(String, Digest)>,
    /// The commit that was refused last, so that it is read once.
    refused: Option<(String, Outcome)>,
    told: Option<(FollowingState, String)>,
}

/// What came of one look.
#[derive(Clone, Debug)]
struct Outcome {
    state: FollowingState,
    sentence: String,
    next: Option<String>,
    commit: Option<MatrixCommit>,
}

impl Outcome {
    fn of(state: FollowingState, sentence: impl Into<String>) -> Self {
        Self { state, sentence: sentence.into(), next: None, commit: None }
    }

    fn refused(sentence: impl Into<String>, next: &str) -> Self {
        let next = Some(next.to_owned());
        Self { next, ..Self::of(FollowingState::Refused, sentence) }
    }

    /// What only a person's own order can change is looked at again.
    fn may_have_changed(&self) -> bool {
        self.next.as_deref() == Some(ACCEPT)
    }
}

/// Follows until the server has stopped. `state` is the folder of the journal, in which the copy of the repository is.
pub(super) fn spawn(
    follow: Follow,
    engine: Engine,
    state: &Path,
    mut stopped: watch::Receiver<bool>,
) {
    let mirror = Arc::new(Mirror::new(state.join("matrix.git"), &follow));
    let mut follower = Follower { follow, engine, mirror, taken: None, refused: None, told: None };
    // Said before anybody can ask: commands leave the file of their folder alone then.
    follower.note(Outcome::of(FollowingState::Starting, "nobody has looked yet"), false);
    tokio::spawn(async move {
        let usual = follower.follow.every;
        let mut pause = usual;
        loop {
            let looked = tokio::select! {
                looked = follower.look() => looked,
                _ = stopped.wait_for(|stopped| *stopped) => return follower.mirror.stop(),
            };
            let is_away = looked.state == FollowingState::Away;
            pause = if is_away { (pause * 2).min(LONGEST_PAUSE.max(usual)) } else { usual };
            follower.note(looked, !is_away);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = stopped.wait_for(|stopped| *stopped) => return,
            }
        }
    });
}

/// What a commit says, as far as it can be read.
struct Read {
    commit: MatrixCommit,
    checked: Checked,
    beside: BTreeMap<String, String>,
}

impl Follower {
    /// Shows how it stands, and says it once where that is new.
    fn note(&mut self, outcome: Outcome, has_answered: bool) {
        let Outcome { state, sentence, next, commit } = outcome;
        let now = Some((state, sentence.clone()));
        if self.told != now {
            let repository = self.follow.repository.as_str();
            if state.is_trouble() {
                tracing::warn!(repository, sentence, next, "the matrix is not followed");
            } else {
                tracing::info!(repository, sentence, "the matrix is followed");
            }
            self.told = now;
        }
        let view = FollowingView {
            state,
            sentence,
            next,
            repository: self.follow.repository.clone(),
            branch: self.follow.branch.clone(),
            commit,
            answered_at: None,
        };
        self.engine.note_following(view, has_answered);
    }

    async fn look(&mut self) -> Outcome {
        let commit = match self.in_background(Mirror::fetch).await {
            Ok(commit) => commit,
            Err(why) => {
                let next = "git fetch, as the user of the server".to_owned();
                let away = Outcome::of(FollowingState::Away, why);
                return Outcome { next: Some(next), ..away };
            }
        };
        if let Some((taken, digest)) = &self.taken
            && *taken == commit
        {
            return self.stands(&commit, &digest.clone());
        }
        if let Some((refused, outcome)) = self.refused.clone()
            && refused == commit
            && !outcome.may_have_changed()
        {
            return outcome;
        }
        let outcome = self.take(&commit).await;
        self.refused =
            (outcome.state == FollowingState::Refused).then(|| (commit, outcome.clone()));
        outcome
    }

    /// How it stands with a commit that was taken.
    fn stands(&self, commit: &str, digest: &Digest) -> Outcome {
        let short = short(commit);
        if self.engine.matrix().is_some_and(|force| force.digest() == *digest) {
            return Outcome::of(FollowingState::InForce, format!("what {short} says is in force"));
        }
        if self.engine.proposed_matrix().is_some_and(|it| it.digest() == *digest) {
            let sentence = format!("people must agree to what {short} says");
            return Outcome::of(FollowingState::Waiting, sentence);
        }
        let sentence = format!(
            "what {short} says is not in force: it was rejected, or another matrix was applied since"
        );
        Outcome::refused(sentence, "a new commit, or towpath matrix apply")
    }

    async fn take(&mut self, commit: &str) -> Outcome {
        let base = match self.base().await {
            Ok(base) => base,
            Err(why) => return Outcome::of(FollowingState::Away, why),
        };
        let (path, of) = (self.follow.path.clone(), commit.to_owned());
        let follow = self.follow.clone();
        let now = self.engine.now();
        let read = self.in_background(move |mirror| {
            if follow.allowed_signers.is_some() {
                mirror.verify(&of)?;
            }
            read(mirror, &follow, &of, &path, now)
        });
        let read = match read.await {
            Ok(read) => read,
            Err(why) => {
                return Outcome::refused(why, "a new commit");
            }
        };
        let about = Some(read.commit.clone());
        let outcome = self.order(commit, base, read).await;
        Outcome { commit: about, ..outcome }
    }

    /// The commit that was taken last: before this server ran as well.
    async fn base(&self) -> Result<Option<String>, String> {
        if let Some(taken) = self.in_background(Mirror::taken).await? {
            return Ok(Some(taken));
        }
        let rows = self.engine.events_named("matrix-written", None, LOOKED_AT).await;
        let rows = rows.map_err(|error| error.to_string())?;
        Ok(rows.iter().find_map(|row| {
            let from = MatrixSource::deserialize(&row.body).ok()?.commit?;
            let is_ours = from.repository == self.follow.repository
                && from.branch == self.follow.branch
                && from.path == self.follow.path;
            is_ours.then_some(from.commit)
        }))
    }

    /// The matrix that the commit said which was taken last; none where that is not known any more.
    async fn said_by(&self, base: Option<&str>) -> Option<Digest> {
        let base = base?;
        if let Some((_, said)) = self.taken.as_ref().filter(|(taken, _)| taken == base) {
            return Some(said.clone());
        }
        let rows = self.engine.events_named("matrix-written", None, LOOKED_AT).await.ok()?;
        rows.iter().find_map(|row| {
            let source = MatrixSource::deserialize(&row.body).ok()?;
            let is_of_base = source.commit.is_some_and(|from| from.commit == base);
            is_of_base.then_some(source.matrix)
        })
    }

    async fn order(&mut self, commit: &str, base: Option<String>, read: Read) -> Outcome {
        let Read { commit: from, checked, beside } = read;
        let Some(matrix) = checked.matrix.clone() else { return wrong(&from, &checked) };
        let setup = self.engine.setup();
        if matrix.project != setup.project {
            let sentence = format!("{} is the matrix of {}", short(commit), matrix.project);
            return Outcome::refused(sentence, "name another repository, branch or path");
        }
        let matrix = matrix.rehearsed(setup.speed);
        let digest = matrix.digest();
        // What says the same as the one before changes nothing, also where people decided otherwise since.
        let said = self.said_by(base.as_deref()).await;
        let is_taken = base.as_deref() == Some(commit) || said.as_ref() == Some(&digest);
        if let Some(base) = base.filter(|base| base != commit) {
            let (older, newer) = (base.clone(), commit.to_owned());
            let goes_on = self.in_background(move |mirror| mirror.is_before(&older, &newer)).await;
            let force = self.engine.matrix().map(|force| force.digest());
            if goes_on != Ok(true) && force.as_ref() != Some(&digest) {
                return rewritten(commit, &base);
            }
        }
        if !is_taken && let Err(outcome) = self.apply(matrix, &from, &checked, beside).await {
            return outcome;
        }
        let of = commit.to_owned();
        if let Err(why) = self.in_background(move |mirror| mirror.take(&of)).await {
            return Outcome::of(FollowingState::Away, why);
        }
        self.taken = Some((commit.to_owned(), digest.clone()));
        self.stands(commit, &digest)
    }

    /// Orders it as a person does by `matrix apply`.
    async fn apply(
        &self,
        matrix: Matrix,
        from: &MatrixCommit,
        checked: &Checked,
        beside: BTreeMap<String, String>,
    ) -> Result<(), Outcome> {
        let source = MatrixSource {
            matrix: matrix.digest(),
            file: from.path.clone(),
            text: towpath_config::shown_text(checked).to_owned(),
            beside,
            commit: Some(from.clone()),
        };
        let order = Order::ApplyMatrix(Box::new(matrix), Person::repository(), None);
        let ordered = towpath_engine::written_in(source, self.engine.order_project(order));
        let place = format!("commit {} of {}", short(&from.commit), from.repository);
        match towpath_engine::coming_from(place, ordered).await {
            Ok(_) => Ok(()),
            Err(EngineError::Refused(refusal)) => {
                let next = refusal.next.first().map_or("a new commit", |next| &*next.command);
                let cause = refusal.cause.as_deref().map_or(String::new(), |it| format!(": {it}"));
                Err(Outcome::refused(format!("{}{cause}", refusal.message), next))
            }
            Err(error) => Err(Outcome::of(FollowingState::Away, error.to_string())),
        }
    }

    /// Git waits for disks and networks.
    async fn in_background<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Mirror) -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        let mirror = Arc::clone(&self.mirror);
        let done = tokio::task::spawn_blocking(move || work(&mirror)).await;
        done.unwrap_or_else(|_| Err("looking at the repository broke down".to_owned()))
    }
}

/// How a person takes what nobody else may.
const ACCEPT: &str = "towpath matrix apply, of that commit, by a person";

fn rewritten(commit: &str, base: &str) -> Outcome {
    let sentence = format!(
        "{} does not come after {}, which was taken: the history was rewritten",
        short(commit),
        short(base)
    );
    Outcome::refused(sentence, ACCEPT)
}

fn wrong(from: &MatrixCommit, checked: &Checked) -> Outcome {
    let count = checked.errors.len();
    let first = checked.errors.first();
    let place = first.map_or_else(String::new, |it| {
        format!(", the first in {}:{}:{}: {}", from.path, it.line, it.column, it.message)
    });
    let errors = if count == 1 { "1 error".to_owned() } else { format!("{count} errors") };
    let sentence = format!("the matrix of {} has {errors}{place}", short(&from.commit));
    Outcome::refused(sentence, "towpath matrix check, and a new commit")
}

fn read(
    mirror: &Mirror,
    follow: &Follow,
    commit: &str,
    path: &str,
    now: Timestamp,
) -> Result<Read, String> {
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
    let bytes = mirror.file(commit, path, most)?;
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let kept = RefCell::new(BTreeMap::new());
    let named = |name: &str| {
        let most = u64::try_from(MAX_CALENDAR).unwrap_or(u64::MAX);
        let place = settings::inside(folder, name)?;
        let (files, held) = {
            let kept = kept.borrow();
            (kept.len(), kept.values().map(String::len).sum::<usize>())
        };
        // Whoever may write there could name one file by many names.
        if files >= MOST_BESIDE || held >= MOST_BESIDE_BYTES {
            let size = MOST_BESIDE_BYTES >> 20;
            return Err(format!("a matrix names {MOST_BESIDE} files and {size} MiB at the most"));
        }
        let bytes = mirror.file(commit, &place, most)?;
        kept.borrow_mut().insert(name.to_owned(), String::from_utf8_lossy(&bytes).into_owned());
        Ok(bytes)
    };
    let beside = Beside { read: &named, now };
    let checked = towpath_config::parse_beside(path, &bytes, &wiring::catalogue(), &beside);
    let commit = MatrixCommit {
        repository: follow.repository.clone(),
        branch: follow.branch.clone(),
        commit: commit.to_owned(),
        author: mirror.author(commit)?,
        path: path.to_owned(),
    };
    Ok(Read { commit, checked, beside: kept.into_inner() })
}

fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}
