//! Of which type a release is where nobody says it. Owns what speaks for which type and which of them counts;
//! reads no repository.

use crate::release::ChangeType;

/// What is known of a release that may tell its type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signs {
    /// The value of the trailer [`TRAILER`] of its commit.
    pub trailer: Option<String>,
    /// The branch that it was made on.
    pub branch: Option<String>,
    /// Each file that it changes and that the `paths` of a type cover, with that type.
    pub paths: Vec<(String, ChangeType)>,
    /// Whether it changes files that the `paths` of no type cover.
    pub other_paths: bool,
    /// Whether it differs in nothing but settings from what serves in every environment.
    pub settings_alone: bool,
    /// What else differs from what serves somewhere; empty where nothing does.
    pub beside_settings: Vec<String>,
}

/// The line at the end of a commit's message that says its type (git-interpret-trailers(1)).
pub const TRAILER: &str = "Change-Type";

/// Beginnings of branches that say a type, up to the first slash (git-flow, and what teams write beside it).
pub const PREFIXES: [(&str, ChangeType); 9] = [
    ("feature", ChangeType::Feature),
    ("feat", ChangeType::Feature),
    ("fix", ChangeType::Fix),
    ("bugfix", ChangeType::Fix),
    ("hotfix", ChangeType::Hotfix),
    ("infrastructure", ChangeType::Infrastructure),
    ("infra", ChangeType::Infrastructure),
    ("configuration", ChangeType::Configuration),
    ("config", ChangeType::Configuration),
];

/// From the strictest on: what asks the most people (seed 004, approval matrix), and last what may go round
/// environments.
const STRICTEST_FIRST: [ChangeType; 5] = [
    ChangeType::Infrastructure,
    ChangeType::Feature,
    ChangeType::Fix,
    ChangeType::Configuration,
    ChangeType::Hotfix,
];

/// The type of a release, and by what it was found; by nothing where it is a feature because nothing spoke
/// for any type.
///
/// Trailer, branch and paths count alike: where they differ the strictest does. What is said to be a
/// configuration and brings more than settings is a feature. Where none of them speaks, settings alone are
/// a configuration.
///
/// # Errors
/// One sentence: the trailer names no type.
pub fn derived(signs: &Signs) -> Result<(ChangeType, Option<String>), String> {
    let mut said: Vec<(ChangeType, String)> = Vec::new();
    if let Some(word) = signs.trailer.as_deref() {
        said.push((named(word)?, format!("the line `{TRAILER}: {word}` of its commit")));
    }
    if let Some((of_type, branch)) = signs.branch.as_deref().and_then(of_branch) {
        said.push((of_type, format!("its branch {branch}")));
    }
    let is_unnamed = said.is_empty();
    let strictest = signs.paths.iter().min_by_key(|(_, of_type)| strictness(*of_type));
    if let Some((path, of_type)) = strictest {
        said.push((*of_type, format!("the changed file {path}")));
        if is_unnamed && signs.other_paths {
            said.push((ChangeType::Feature, "other changed files".to_owned()));
        }
    }
    let Some(of_type) = said.iter().map(|(of_type, _)| *of_type).min_by_key(|it| strictness(*it))
    else {
        let alone = || "settings, which alone differ from what serves".to_owned();
        return Ok(if signs.settings_alone {
            (ChangeType::Configuration, Some(alone()))
        } else {
            (ChangeType::Feature, None)
        });
    };
    let more = of_type == ChangeType::Configuration && !signs.beside_settings.is_empty();
    let reasons = why(&said, of_type);
    if more {
        let differs = signs.beside_settings.join(", ");
        let by =
            format!("what else differs from what serves ({differs}), whatever {reasons} means");
        return Ok((ChangeType::Feature, Some(by)));
    }
    Ok((of_type, Some(reasons)))
}

/// What speaks for the type, and what spoke for another.
fn why(said: &[(ChangeType, String)], taken: ChangeType) -> String {
    let of = |is_taken: bool| {
        let some = said.iter().filter(move |(of_type, _)| (*of_type == taken) == is_taken);
        some.map(|(_, by)| by.as_str()).collect::<Vec<_>>().join(" and ")
    };
    match of(false) {
        others if others.is_empty() => of(true),
        others => format!("{}, which is stricter than {others}", of(true)),
    }
}

fn named(word: &str) -> Result<ChangeType, String> {
    let lower = word.to_ascii_lowercase();
    let known = ChangeType::ALL.into_iter().find(|one| one.as_str() == lower);
    known.ok_or_else(|| {
        let all: Vec<_> = ChangeType::ALL.iter().map(|one| one.as_str()).collect();
        let word: String = word.chars().take(80).collect();
        format!(
            "its commit says `{TRAILER}: {}`, which is not a type of change; there are {}",
            word.escape_debug(),
            all.join(", ")
        )
    })
}

fn of_branch(branch: &str) -> Option<(ChangeType, &str)> {
    let (first, _) = branch.split_once('/')?;
    let known = PREFIXES.iter().find(|(prefix, _)| prefix.eq_ignore_ascii_case(first))?;
    Some((known.1, branch))
}

fn strictness(of_type: ChangeType) -> usize {
    STRICTEST_FIRST.iter().position(|one| *one == of_type).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use ChangeType::{Configuration, Feature, Fix, Hotfix, Infrastructure};

    use super::*;

    fn signs(trailer: &str, branch: &str, paths: &[(&str, ChangeType)]) -> Signs {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let paths = paths.iter().map(|(path, of_type)| ((*path).to_owned(), *of_type)).collect();
        Signs { trailer: some(trailer), branch: some(branch), paths, ..Signs::default() }
    }

    #[test]
    fn trailer_branch_and_paths_say_a_type_and_the_strictest_counts() {
        let cdk = ("cdk/stack.ts", Infrastructure);
        let flags = ("config/flags.yaml", Configuration);
        for (signs, wanted, by) in [
            (signs("", "main", &[]), Feature, None),
            (signs("", "hotfix/login", &[]), Hotfix, Some("its branch hotfix/login")),
            (signs("", "Bugfix/login", &[]), Fix, Some("its branch Bugfix/login")),
            (signs("Fix", "", &[]), Fix, Some("the line `Change-Type: Fix` of its commit")),
            (signs("", "", &[flags]), Configuration, Some("the changed file config/flags.yaml")),
            (
                signs("", "hotfix/login", &[cdk]),
                Infrastructure,
                Some(
                    "the changed file cdk/stack.ts, which is stricter than its branch hotfix/login",
                ),
            ),
            (signs("", "", &[flags, cdk]), Infrastructure, Some("the changed file cdk/stack.ts")),
            (
                signs("fix", "hotfix/login", &[]),
                Fix,
                Some(
                    "the line `Change-Type: fix` of its commit, which is stricter than its branch hotfix/login",
                ),
            ),
        ] {
            assert_eq!(derived(&signs), Ok((wanted, by.map(str::to_owned))), "{signs:?}");
        }
    }

    #[test]
    fn what_brings_more_than_settings_is_no_configuration() {
        let beside_settings = vec!["artefact api".to_owned()];
        let found = derived(&Signs { beside_settings, ..signs("", "config/flags", &[]) }).unwrap();
        assert_eq!(found.0, Feature);
        assert_eq!(
            found.1.unwrap(),
            "what else differs from what serves (artefact api), whatever its branch config/flags means"
        );
        let alone = Signs { settings_alone: true, ..Signs::default() };
        assert_eq!(derived(&alone).unwrap().0, Configuration);
        let paths = vec![("config/a".to_owned(), Configuration)];
        let both = Signs { paths, other_paths: true, ..Signs::default() };
        assert_eq!(derived(&both).unwrap().0, Feature, "files of no type are a feature's");
    }

    #[test]
    fn a_trailer_that_names_no_type_is_not_passed_over() {
        let said = derived(&signs("banana", "hotfix/a", &[])).unwrap_err();
        assert!(said.contains("`Change-Type: banana`"), "{said}");
    }
}
