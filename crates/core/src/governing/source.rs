//! What a matrix was made of: the file as it was written, and where that comes from. Owns what is kept of it; reads
//! no file, and believes nobody that they belong together.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::Digest;

/// A file that a matrix was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatrixSource {
    /// Digest of the resolved matrix that it says.
    pub matrix: Digest,
    /// What the file is called, as whoever applied it sees it.
    pub file: String,
    /// The file, with stars in place of the secrets that stand in it.
    pub text: String,
    /// The files that it names and that are read with it, by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub beside: BTreeMap<String, String>,
    /// The commit in which it was found; none of a file that somebody applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<MatrixCommit>,
}

/// A commit of a repository that is followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MatrixCommit {
    /// Which repository, as it is fetched.
    pub repository: String,
    /// The branch or tag that is followed.
    pub branch: String,
    /// Which commit, all of its digits.
    pub commit: String,
    /// Who wrote it, as the commit says.
    pub author: String,
    /// Where the file is in it.
    pub path: String,
}
