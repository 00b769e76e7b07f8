//! Who signed which commits. Owns what counts as a good signature of a known key; holds no keys.

use towpath_core::check::CheckAnswer;

use super::Range;
use super::asking::Repository;
use crate::commit::Commit;
use crate::reports::{LISTED_MOST, counted, short, shown};

/// The most commits whose signatures are looked at: each costs a process of some milliseconds.
const MOST: usize = 1000;

/// The control character between the parts of a description, as it is safe to print.
const SEPARATOR: &str = "\\u{1f}";

/// Whether every commit of the range has a good signature of a known key.
///
/// # Errors
/// One sentence: git cannot tell, there is no commit to look at, or there are too many.
pub(super) async fn ask(repository: &Repository, range: &Range) -> Result<CheckAnswer, String> {
    if let Some(signers) = &repository.allowed_signers
        && !tokio::fs::metadata(signers).await.is_ok_and(|facts| facts.is_file())
    {
        return Err(format!("{} is no file; correct `allowed_signers`", shown(signers)));
    }
    let told = &range.told;
    let most = format!("--max-count={}", MOST + 1);
    let mut words = vec!["rev-list", "--no-commit-header", "--format=%H %G?", &most];
    words.extend(range.words.iter().map(String::as_str));
    words.push("--");
    let said = repository.told(&words).await?;
    let signed: Vec<(Commit, Signature)> =
        said.lines().map(read).collect::<Option<_>>().ok_or("git answers what it never does")?;
    if signed.len() > MOST {
        return Err(format!(
            "more than {MOST} commits {told} would have to be looked at; name a newer `since`"
        ));
    }
    if signed.is_empty() {
        return Err(format!("there is no commit {told} whose signature could be looked at"));
    }
    let wrong: Vec<_> = signed.iter().filter(|(_, sign)| *sign != Signature::Good).collect();
    let count = counted(signed.len() as u64, "commit");
    let Some((first, sign)) = wrong.first() else {
        let by = format!("{count} {told} signed by known keys");
        return Ok(CheckAnswer::pass(by));
    };
    let lines = described(repository, &wrong[..wrong.len().min(LISTED_MOST)]).await?;
    let by = lines.first().map_or_else(|| first.to_string(), |line| short(line));
    let help = sign.help(repository);
    let sentence =
        format!("{} of {count} {told} not signed by known keys; first: {by}{help}", wrong.len());
    Ok(CheckAnswer::fail(sentence).with_output(lines.join("\n")))
}

fn read(line: &str) -> Option<(Commit, Signature)> {
    let (commit, sign) = line.split_once(' ')?;
    Some((Commit::new(commit)?, Signature::read(sign)?))
}

/// A line for each: who wrote what, and what is wrong with the signature.
async fn described(
    repository: &Repository,
    wrong: &[&(Commit, Signature)],
) -> Result<Vec<String>, String> {
    let mut words = vec![
        "rev-list",
        "--no-walk=unsorted",
        "--no-commit-header",
        // Cut by git: names and subjects can be as long as somebody likes.
        "--format=%GK%x1f%<(40,trunc)%an%x1f%<(80,trunc)%s",
    ];
    words.extend(wrong.iter().map(|(commit, _)| commit.as_str()));
    words.push("--");
    let said = repository.told(&words).await?;
    let lines = said.lines().zip(wrong).map(|(line, (commit, sign))| {
        let mut parts = line.splitn(3, SEPARATOR).map(str::trim);
        let mut part = || parts.next().unwrap_or_default();
        let (key, author, subject) = (part(), part(), part());
        let key = if key.is_empty() { String::new() } else { format!(" ({key})") };
        format!("{commit} by {author}, `{subject}`: {}{key}", sign.told())
    });
    Ok(lines.collect())
}

/// What git says of a signature (`%G?` in git-log(1)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signature {
    Good,
    Bad,
    UnknownKey,
    Expired,
    ExpiredKey,
    RevokedKey,
    CannotTell,
    Missing,
}

impl Signature {
    fn read(sign: &str) -> Option<Self> {
        Some(match sign {
            "G" => Self::Good,
            "B" => Self::Bad,
            "U" => Self::UnknownKey,
            "X" => Self::Expired,
            "Y" => Self::ExpiredKey,
            "R" => Self::RevokedKey,
            "E" => Self::CannotTell,
            "N" => Self::Missing,
            _ => return None,
        })
    }

    fn told(self) -> &'static str {
        match self {
            Self::Good => "well signed",
            Self::Bad => "its signature is bad",
            Self::UnknownKey => "signed by a key that nobody vouches for",
            Self::Expired => "its signature has expired",
            Self::ExpiredKey => "signed by a key that has expired",
            Self::RevokedKey => "signed by a key that was revoked",
            Self::CannotTell => "signed by a key that is not known here",
            Self::Missing => "not signed",
        }
    }

    /// What a person can do about it, as the end of a sentence.
    fn help(self, repository: &Repository) -> &'static str {
        match self {
            Self::UnknownKey if repository.allowed_signers.is_none() => {
                "; keys of ssh are known by `allowed_signers`"
            }
            _ => "",
        }
    }
}
