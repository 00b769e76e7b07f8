//! Who approved a pull request. Owns whose review counts; which files need whose is [`super::owners`]'.

use std::collections::BTreeMap;

use serde::Deserialize;
use towpath_core::check::CheckAnswer;
use towpath_core::units::Span;

use super::Question;
use super::pull::{Pull, User};
use crate::reports::{counted, short};

/// When to look again whether somebody approved: without a token GitHub answers 60 requests an hour,
/// of which each look takes a handful.
pub(super) const ASK_AGAIN_AFTER: Span = Span::minutes(5);
/// How those stand to the repository whose reviews count ("author-association" of GitHub's schema):
/// everybody may approve what is public.
const STANDING: [&str; 3] = ["OWNER", "MEMBER", "COLLABORATOR"];

/// A review ("pull-request-review" of GitHub's schema).
#[derive(Debug, Deserialize)]
struct Review {
    /// None when the account is gone.
    user: Option<User>,
    state: String,
    /// For which commit it was given; none when that is gone.
    commit_id: Option<String>,
    author_association: String,
}

/// What the latest reviews come to.
#[derive(Debug, Default)]
pub(super) struct Reviewed {
    /// Logins of people whose approval counts, in the order in which they first reviewed.
    pub(super) approved: Vec<String>,
    /// Who asks for changes.
    refused: Vec<String>,
    /// Approvals that do not count, with the reason.
    passed_by: Vec<String>,
}

/// What the reviews of `pull` come to.
///
/// # Errors
/// The answer of a check that cannot find out.
pub(super) async fn read(question: &Question<'_>, pull: &Pull) -> Result<Reviewed, CheckAnswer> {
    let number = pull.number.to_string();
    let path = question.path(&["pulls", &number, "reviews"]);
    let all = question.asking.pages(&path, &[("per_page", "100")], |page: Vec<Review>| page).await;
    Ok(sum(pull, all.map_err(|trouble| trouble.answer("reviews"))?))
}

/// GitHub lists reviews from the oldest to the newest. A comment takes nothing back; a review that was
/// dismissed says so itself.
fn sum(pull: &Pull, reviews: Vec<Review>) -> Reviewed {
    let mut latest: BTreeMap<u64, (usize, Review, User)> = BTreeMap::new();
    for (place, review) in reviews.into_iter().enumerate() {
        let speaks =
            matches!(review.state.as_str(), "APPROVED" | "CHANGES_REQUESTED" | "DISMISSED");
        let Some(user) = review.user.clone().filter(|_| speaks) else { continue };
        let first = latest.get(&user.id).map_or(place, |(first, ..)| *first);
        latest.insert(user.id, (first, review, user));
    }
    let mut latest: Vec<_> = latest.into_values().collect();
    latest.sort_by_key(|(first, ..)| *first);
    let mut reviewed = Reviewed::default();
    for (_, review, user) in latest {
        let login = short(&user.login);
        match (review.state.as_str(), why_not(pull, &review, &user)) {
            ("APPROVED", None) => reviewed.approved.push(login),
            ("APPROVED", Some(why)) => reviewed.passed_by.push(format!("{login} ({why})")),
            ("CHANGES_REQUESTED", _) if is_heard(&review, &user) => reviewed.refused.push(login),
            _ => {}
        }
    }
    reviewed
}

/// Why an approval does not count.
fn why_not(pull: &Pull, review: &Review, user: &User) -> Option<&'static str> {
    let is_author = pull.user.as_ref().is_some_and(|author| author.id == user.id);
    if user.kind != "User" || user.login.ends_with("[bot]") {
        Some("a program")
    } else if is_author {
        Some("the author")
    } else if !STANDING.contains(&review.author_association.as_str()) {
        Some("no member")
    } else if review.commit_id.as_deref() != Some(pull.head.sha.as_str()) {
        Some("for an older commit")
    } else {
        None
    }
}

/// Whether somebody's no counts: also a program's, which somebody with rights let in.
fn is_heard(review: &Review, user: &User) -> bool {
    user.kind != "User" || STANDING.contains(&review.author_association.as_str())
}

impl Reviewed {
    /// Whether `wanted` people approved and nobody asks for changes.
    pub(super) fn judge(&self, question: &Question<'_>, pull: &Pull, wanted: u64) -> CheckAnswer {
        let number = pull.number;
        let by = |names: &[String]| names.join(", ");
        if !self.refused.is_empty() {
            return CheckAnswer::fail(format!(
                "{} asks for changes in #{number}",
                by(&self.refused)
            ));
        }
        let count = self.approved.len() as u64;
        let who = if count == 0 { String::new() } else { format!(" ({})", by(&self.approved)) };
        if count >= wanted {
            let people = counted(count, "approval");
            return CheckAnswer::pass(format!("#{number} has {people}{who}"));
        }
        let passed_by = match self.passed_by.as_slice() {
            [] => String::new(),
            some => format!("; not counted: {}", by(some)),
        };
        CheckAnswer::pending(
            question.now.plus(ASK_AGAIN_AFTER),
            format!("#{number} has {count} of {wanted} approvals{who}{passed_by}"),
        )
    }
}
