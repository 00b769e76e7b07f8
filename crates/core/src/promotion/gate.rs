//! How far the checks of a promotion's gate are. Asks none of them.

use serde::{Deserialize, Serialize};

use crate::check::CheckAnswer;
use crate::ids::CommandId;
use crate::units::Timestamp;

/// One check of one list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CheckKey {
    /// Which list.
    pub list: GateList,
    /// Its slug in that list.
    pub slug: String,
}

impl From<CheckKey> for String {
    fn from(key: CheckKey) -> Self {
        format!("{}.{}", key.list.as_str(), key.slug)
    }
}

impl TryFrom<String> for CheckKey {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (list, slug) = text.split_once('.').ok_or("a check's key is LIST.SLUG")?;
        let list = match list {
            "prerequisites" => GateList::Prerequisites,
            "validation" => GateList::Validation,
            other => return Err(format!("`{other}` is not a list of a gate")),
        };
        Ok(Self { list, slug: slug.to_owned() })
    }
}

/// One of the two lists of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateList {
    /// Before anything changes.
    Prerequisites,
    /// On green.
    Validation,
}

impl GateList {
    /// As written in the matrix.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prerequisites => "prerequisites",
            Self::Validation => "validation",
        }
    }
}

/// How far a check is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckProgress {
    /// The command that asks, while it is out.
    pub asking: Option<CommandId>,
    /// The last answer and when it came.
    pub answer: Option<(CheckAnswer, Timestamp)>,
    /// When to ask again.
    pub ask_again_at: Option<Timestamp>,
    /// How often it was asked.
    pub asked: u32,
}
