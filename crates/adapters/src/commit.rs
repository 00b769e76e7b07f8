//! The commit that a release was made from, for checks that ask about it. Owns what counts as one;
//! asks no repository.

use std::fmt;

use towpath_core::check::CheckAnswer;
use towpath_ports::check::CheckRequest;

/// Lengths of a commit's name in hexadecimal digits: SHA-1 and SHA-256 (gitformat-commit).
const DIGITS: [usize; 2] = [40, 64];
/// As many digits as git shows of a name at least.
const SHOWN: usize = 7;
/// What `release create` puts behind the commit of a tree that was changed since.
const CHANGED: &str = "-dirty";

/// A whole name of a commit: 40 or 64 lower-case hexadecimal digits, and nothing that a program could
/// take for an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Commit(String);

impl Commit {
    /// None when `text` is not the whole name of a commit.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let is_whole = DIGITS.contains(&text.len());
        let is_name = is_whole && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_name.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The whole name.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Its first digits.
impl fmt::Display for Commit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0[..SHOWN])
    }
}

/// The commit of the release that is asked about.
///
/// # Errors
/// The answer of a check that cannot be asked: nobody knows the commit, or the release is not what
/// was committed.
pub(crate) async fn of(request: &CheckRequest) -> Result<Commit, CheckAnswer> {
    let version = &request.release.version;
    let known = request.evidence.release(&request.lane.service, &request.release).await;
    let release = match known {
        Ok(Some(release)) => release,
        Ok(None) => {
            let why = format!("the journal knows no release {version} with this content");
            return Err(CheckAnswer::inconclusive(why));
        }
        Err(why) => {
            let why = format!("release {version} cannot be read: {why}");
            return Err(CheckAnswer::inconclusive(why));
        }
    };
    let again = "create one of a new version with `--commit \"$(git rev-parse HEAD)\"`";
    let Some(text) = release.commit else {
        let why = format!("nobody knows from which commit release {version} was made; {again}");
        return Err(CheckAnswer::inconclusive(why));
    };
    if let Some(commit) = text.strip_suffix(CHANGED) {
        let commit = Commit::new(commit).map_or_else(String::new, |commit| format!(" {commit}"));
        return Err(CheckAnswer::fail(format!(
            "release {version} was made from a tree that differs from its commit{commit}; commit the \
             changes, and create a release of what was committed"
        )));
    }
    Commit::new(&text).ok_or_else(|| {
        let text = crate::reports::short(&text);
        CheckAnswer::inconclusive(format!(
            "`{text}`, the commit of release {version}, is not the whole name of one, 40 or 64 \
             hexadecimal digits; {again}"
        ))
    })
}

/// Whether git could call a branch or a tag so (git-check-ref-format(1)), and no program would take it
/// for an option.
pub(crate) fn is_branch(name: &str) -> bool {
    /// Longer than any file system lets a part of it be.
    const LONGEST: usize = 255;
    let is_part = |part: &str| {
        !part.is_empty() && !part.starts_with(['.', '-']) && part.strip_suffix(".lock").is_none()
    };
    let is_forbidden =
        |sign: char| sign.is_control() || sign.is_whitespace() || "~^:?*[\\".contains(sign);
    name.len() <= LONGEST
        && name.split('/').all(is_part)
        && !name.contains(is_forbidden)
        && !name.contains("..")
        && !name.contains("@{")
        && !name.ends_with('.')
        && name != "@"
}
