//! Where the branches that releases are made on start. Owns which rule holds for a branch; the history of a
//! repository is asked by a check, and nothing here reads one.

use serde::{Deserialize, Serialize};

use crate::matrix::CheckSpec;

/// What a release from a branch must show of where that branch was cut from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BranchRule {
    /// The branches, in which `*` stands for any text.
    pub pattern: String,
    /// What asks the repository.
    pub check: CheckSpec,
}

/// The rule for a branch: of several that cover it that of the longest pattern, the most exact one.
pub fn rule_of<'a>(rules: &'a [BranchRule], branch: &str) -> Option<&'a BranchRule> {
    let covering = rules.iter().filter(|rule| covers(&rule.pattern, branch));
    covering.max_by_key(|rule| rule.pattern.len())
}

/// Whether a pattern of branches, in which `*` stands for any text, covers `name`.
pub fn covers(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, name) in [
            ("main", "main"),
            ("release/*", "release/1.2"),
            ("release/*", "release/*"),
            ("*", "anything"),
            ("*/hotfix/*", "team/hotfix/7"),
            ("a*a", "aa"),
        ] {
            assert!(covers(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in
            [("main", "main2"), ("release/*", "release"), ("a*a", "a"), ("", "main"), ("*x", "y")]
        {
            assert!(!covers(pattern, name), "{pattern} {name}");
        }
    }
}
