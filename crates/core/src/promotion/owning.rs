//! Which change's owners must agree to a plan, and what is known of them. Takes in what the repository
//! said; asks it nothing, and counts no word.

use crate::approvals::ApprovalRules;
use crate::code_owners::{Change, MOST_KEPT, Owners, OwnersTold};
use crate::journal::Event;
use crate::matrix::{Environment, LaneSpec, Matrix};
use crate::plan::Plan;
use crate::project::Common;
use crate::promotion::Turn;
use crate::promotion::entering::{Checked, serves};
use crate::promotion::state::{Kind, Lane};
use crate::reason::{Refusal, RefusalKind};
use crate::release::{Release, ReleaseRef};
use crate::settings::SettingChange;

/// Why nobody can tell what changes where neither what serves nor anything before it has a commit: the file
/// that comes with a release does not choose who agrees to it.
const NO_COMMIT_BEFORE: &str =
    "nobody knows the commit of what serves, nor of anything that served before it";

/// The change whose owners must agree to `plan`; none where nobody asks it, or no file changes. Where nothing
/// ever served every file changes; where nobody knows the commit of what serves, what changed since the
/// newest that was verified here and has one.
///
/// # Errors
/// Why it cannot be told.
pub fn change(
    common: &Common,
    lane: &Lane,
    plan: &Plan,
    release: &Release,
) -> Option<Result<Change, &'static str>> {
    let rules = plan.section.approvals.as_ref().filter(|rules| rules.code_owners)?;
    let knows = common.matrix.as_ref().is_some_and(Matrix::knows_people);
    if !knows || plan.kind == Kind::Rollback || plan.is_settings_alone() {
        return None;
    }
    let commit = release.commit.clone().unwrap_or_default();
    let known = |one: &ReleaseRef| {
        let release = common.release_of(&plan.lane.service, one)?;
        release.commit.clone().filter(|commit| is_whole(commit))
    };
    let before = plan.blue.as_ref().and_then(known);
    let before = before.or_else(|| lane.verified.iter().rev().find_map(|one| known(&one.release)));
    if before.is_none() && plan.blue.is_some() {
        return Some(Err(NO_COMMIT_BEFORE));
    }
    let file = rules.owners_file.clone();
    (before.as_ref() != Some(&commit)).then_some(Ok(Change { before, commit, file }))
}

/// Whether this is the whole name of a commit of git: 40 or 64 hexadecimal digits (gitformat-commit).
fn is_whole(commit: &str) -> bool {
    [40, 64].contains(&commit.len()) && commit.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What is asked of owners about `plan`, as far as it is known in its lane.
pub(super) fn asked<'a>(
    common: &Common,
    lane: &'a Lane,
    plan: &Plan,
    release: &Release,
) -> Owners<'a> {
    let change = match change(common, lane, plan, release) {
        None => return Owners::NotAsked,
        Some(Err(why)) => return Owners::Unknown(why),
        Some(Ok(change)) => change,
    };
    match lane.owners_of(&change) {
        Some(OwnersTold { trouble: Some(trouble), .. }) => Owners::Unknown(trouble),
        Some(told) => Owners::Of(&told.files),
        None => Owners::Unknown("the repository is being asked"),
    }
}

/// Where owners must agree, a release that does not say of which commit it is made may not enter.
pub(super) fn commit_is_known(
    matrix: &Matrix,
    lane: &Lane,
    environment: &Environment,
    section: &LaneSpec,
    (release, sets_up): (&Release, &[SettingChange]),
) -> Checked<()> {
    let asks = |rules: &ApprovalRules| rules.code_owners && matrix.knows_people();
    let is_asked = section.approvals.as_ref().is_some_and(asks) && sets_up.is_empty();
    let cause = match release.commit.as_deref() {
        _ if !is_asked => return Ok(()),
        Some(commit) if is_whole(commit) => return Ok(()),
        Some(commit) => format!("`{commit}` is not the whole name of a commit"),
        None => "nobody knows its commit".to_owned(),
    };
    let (version, to) = (&release.version, &environment.name);
    let message = format!("{version} may not enter {to}; {}", serves(lane));
    let cause = format!("the owners of the files that it changes must agree, and {cause}");
    let place = format!("environments.{to}.approvals.code_owners");
    let next = "towpath release create ANOTHER-VERSION --artifact NAME=PATH --commit COMMIT";
    let refusal = Refusal::new(RefusalKind::Gate, "commit-unknown", message, cause).at(place);
    Err(Box::new(refusal.next(next, "the same bytes, and the commit that they are built from")))
}

/// Takes in what the repository said, unless it said so before.
pub(super) fn told(turn: &mut Turn<'_>, told: &OwnersTold) {
    if turn.lane.owners_of(&told.change) == Some(told) {
        turn.note("that is known");
    } else {
        turn.record(Event::OwnersTold(Box::new(told.clone())));
    }
}

impl Lane {
    /// What the repository said of `change`.
    pub fn owners_of(&self, change: &Change) -> Option<&OwnersTold> {
        self.owned.iter().find(|told| told.change == *change)
    }

    /// Remembers what the repository said of a change, in place of what it said before.
    pub fn remember_owners(&mut self, told: OwnersTold) {
        self.owned.retain(|known| known.change != told.change);
        self.owned.push(told);
        let gone = self.owned.len().saturating_sub(MOST_KEPT);
        self.owned.drain(..gone);
    }
}
