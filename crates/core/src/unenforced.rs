//! A demand of the matrix that is not enforced: what people call it, and of which releases it is
//! made. Owns these names; which demands there are is found by whoever reads the matrix.

use serde::{Deserialize, Serialize};

use crate::release::ChangeType;

/// A demand of the matrix that this version does not enforce.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unenforced {
    /// Dotted path, list entries by their names.
    pub path: String,
    /// Why, in a few words: "check `github` is planned".
    pub reason: String,
    /// Whether it restricts or changes something, and so refuses promotions until accepted.
    pub refuses: bool,
}

/// How the reason of a demand ends that the matrix accepts by name.
pub const ACCEPTED: &str = "; accepted in the matrix";

impl Unenforced {
    /// Whether it neither restricts nor changes anything: it is kept, and nothing acts on it.
    pub fn is_kept(&self) -> bool {
        !self.refuses && !self.is_accepted()
    }

    /// Whether it is what runs releases or sends visitors: nobody can go without it, so it cannot be
    /// accepted.
    pub fn is_runner(&self) -> bool {
        self.in_gate().is_none() && ["target", "router"].contains(&self.short_name())
    }

    /// Whether the matrix accepts it by name.
    pub fn is_accepted(&self) -> bool {
        self.reason.ends_with(ACCEPTED)
    }

    /// What a person types to accept it: of a check in a gate everything from the check's name on
    /// (`user-acceptance-testing-complete.by`), otherwise everything from the section on
    /// (`approvals`, `change_types.hotfix.rollout`), where the last part alone could be another
    /// section. What the release itself brings has its own name (`migrations`).
    pub fn short_name(&self) -> &str {
        if let Some(check) = self.in_gate() {
            return check;
        }
        let below = |place: &str, path| -> Option<&str> {
            str::strip_prefix(path, place)?.split_once('.').map(|(_, rest)| rest)
        };
        if let Some(section) = below("environments.", &self.path) {
            return below("services.", section).unwrap_or(section);
        }
        self.path.strip_prefix("release.").unwrap_or(&self.path)
    }

    /// What stands behind the list of a gate in its path: a check's name, and a key of it.
    fn in_gate(&self) -> Option<&str> {
        let lists = [".gate.prerequisites.", ".gate.validation."];
        lists.iter().find_map(|list| self.path.split_once(list)).map(|(_, check)| check)
    }

    /// Whether it is made of releases of this type: what stands in `change_types` under another type
    /// is not.
    pub fn concerns(&self, change_type: ChangeType) -> bool {
        self.change_type().is_none_or(|own| own == change_type.as_str())
    }

    /// The one type of change that it is made of, as written in the matrix; none when it is made of
    /// all.
    pub fn change_type(&self) -> Option<&str> {
        let (_, below) = self.short_name().split_once("change_types.")?;
        below.split('.').next()
    }

    /// Whether `name` means this demand: its whole path, or the end of it from the short name or
    /// from a part before that. Less, such as `by`, would be said of several without being meant.
    pub fn is_named(&self, name: &str) -> bool {
        let before = self.path.strip_suffix(name);
        name.len() >= self.short_name().len()
            && before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(path: &str) -> Unenforced {
        Unenforced { path: path.to_owned(), reason: String::new(), refuses: true }
    }

    #[test]
    fn no_check_of_a_gate_runs_releases_whatever_its_name() {
        for (place, runs) in [("", true), ("services.api.", true), ("gate.validation.", false)] {
            for name in ["target", "router"] {
                let path = format!("environments.live.{place}{name}");
                assert_eq!(demand(&path).is_runner(), runs, "{path}");
            }
        }
    }

    #[test]
    fn a_demand_is_named_by_its_path_or_by_the_end_of_it_that_says_enough() {
        let role = demand("environments.live.gate.prerequisites.tried-out.by");
        assert_eq!(role.short_name(), "tried-out.by");
        for name in
            ["tried-out.by", "prerequisites.tried-out.by", "gate.prerequisites.tried-out.by"]
        {
            assert!(role.is_named(name), "{name}");
        }
        assert!(role.is_named(&role.path));
        for name in ["by", "out.by", "tried-out", "", ".tried-out.by", "tried-out.by.by"] {
            assert!(!role.is_named(name), "{name}");
        }
        let section = demand("environments.live.who_may");
        assert_eq!(section.short_name(), "who_may");
        assert!(section.is_named("who_may") && !section.is_named("may"));
        assert!(demand("approvals").is_named("approvals"));
        for (path, short) in [
            ("environments.live.change_types.hotfix.rollout", "change_types.hotfix.rollout"),
            ("environments.live.services.api.scaling.mode", "scaling.mode"),
            ("communication.before", "communication.before"),
        ] {
            assert_eq!(demand(path).short_name(), short);
            assert!(!demand(path).is_named(short.rsplit('.').next().expect("a last part")));
        }
        assert!(demand("release.migrations").is_named("migrations"));
    }

    #[test]
    fn what_is_demanded_of_hotfixes_concerns_no_feature() {
        let of = |path: &str, change_type| demand(path).concerns(change_type);
        for place in ["environments.live.", "environments.live.services.api.", ""] {
            let path = format!("{place}change_types.hotfix.rollout");
            assert!(of(&path, ChangeType::Hotfix) && !of(&path, ChangeType::Feature), "{path}");
        }
        for path in ["environments.live.change_types", "environments.live.approvals"] {
            assert!(of(path, ChangeType::Hotfix) && of(path, ChangeType::Feature), "{path}");
        }
    }
}
