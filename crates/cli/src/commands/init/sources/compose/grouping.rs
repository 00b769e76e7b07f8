//! Which of a file's services are one service in several environments. Decides by their names alone.

use std::collections::BTreeSet;

use super::super::names::{hyphenated, is_environment_word};

/// A service of the file, and which service in which environment it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placed<'a> {
    /// As it is written in the file.
    pub(super) written: &'a str,
    /// The environment in its name.
    pub(super) environment: String,
    /// The rest of its name, if there is one.
    pub(super) service: Option<String>,
}

/// Names that speak of an environment, and those that do not.
pub(super) fn said_apart<'a>(names: &[&'a str]) -> (Vec<&'a str>, Vec<&'a str>) {
    let says = |name: &&&str| hyphenated(name).split('-').any(is_environment_word);
    names.iter().partition(says)
}

/// Takes names such as `api-staging`, `staging-api` or `staging` apart; none unless all of them name
/// one of at least two environments.
pub(super) fn by_environment<'a>(names: &[&'a str]) -> Option<Vec<Placed<'a>>> {
    let words: Vec<Vec<String>> =
        names.iter().map(|name| hyphenated(name).split('-').map(str::to_owned).collect()).collect();
    let says = |words: &Vec<String>| words.iter().any(|word| is_environment_word(word));
    if !words.iter().all(says) {
        return None;
    }
    let placed = grid(names, &words).unwrap_or_else(|| from_first_word(names, &words));
    // `test-api` and `test-web` are two services of tests, `dev` and `staging` are two environments.
    let said: BTreeSet<&str> = placed
        .iter()
        .filter_map(|it| it.environment.split('-').find(|word| is_environment_word(word)))
        .collect();
    (said.len() > 1).then_some(placed)
}

/// `staging-api`, `staging-worker`, `production-api`, `production-worker`.
fn grid<'a>(names: &[&'a str], words: &[Vec<String>]) -> Option<Vec<Placed<'a>>> {
    let mut placed = Vec::new();
    for (name, words) in names.iter().zip(words) {
        let (first, rest) = words.split_first()?;
        if !is_environment_word(first) || rest.is_empty() {
            return None;
        }
        placed.push(Placed {
            written: name,
            environment: first.clone(),
            service: Some(rest.join("-")),
        });
    }
    let environments: BTreeSet<&String> = placed.iter().map(|it| &it.environment).collect();
    let services: BTreeSet<_> = placed.iter().map(|it| &it.service).collect();
    let whole = environments.len() * services.len() == placed.len();
    (whole && environments.len() > 1).then_some(placed)
}

/// Everything from the first word that names an environment is the environment; what they all end
/// with is the service.
fn from_first_word<'a>(names: &[&'a str], words: &[Vec<String>]) -> Vec<Placed<'a>> {
    let split = |words: &[String]| {
        let at = words.iter().position(|word| is_environment_word(word)).unwrap_or(0);
        (words[..at].join("-"), words[at..].to_vec())
    };
    let split: Vec<(String, Vec<String>)> = words.iter().map(|words| split(words)).collect();
    let bare = split.iter().all(|(before, _)| before.is_empty());
    let shared = if bare { shared_end(&split) } else { 0 };
    let placed = names.iter().zip(&split).map(|(name, (before, words))| {
        let (environment, end) = words.split_at(words.len() - shared);
        let service = if shared > 0 { end.join("-") } else { before.clone() };
        Placed {
            written: name,
            environment: environment.join("-"),
            service: Some(service).filter(|it| !it.is_empty()),
        }
    });
    placed.collect()
}

/// How many words all names end with, leaving each a word that names an environment.
fn shared_end(split: &[(String, Vec<String>)]) -> usize {
    let Some((_, first)) = split.first().filter(|_| split.len() > 1) else { return 0 };
    let shortest = split.iter().map(|(_, words)| words.len()).min().unwrap_or(0);
    let mut shared = 0;
    while shared + 1 < shortest {
        let word = &first[first.len() - 1 - shared];
        let same = split.iter().all(|(_, words)| words[words.len() - 1 - shared] == *word);
        if !same || is_environment_word(word) {
            break;
        }
        shared += 1;
    }
    shared
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(names: &[&str]) -> Option<Vec<String>> {
        let placed = by_environment(names)?;
        let one = |it: Placed<'_>| format!("{} {}", it.environment, it.service.unwrap_or_default());
        Some(placed.into_iter().map(one).collect())
    }

    #[test]
    fn environments_are_found_before_behind_and_alone() {
        let of = |names: &[&str]| said(names).unwrap_or_default().join("; ");
        assert_eq!(of(&["staging", "production"]), "staging ; production ");
        assert_eq!(of(&["soundbite-dev", "soundbite-staging"]), "dev soundbite; staging soundbite");
        assert_eq!(of(&["staging_api", "prod_api"]), "staging api; prod api");
        assert_eq!(
            of(&["app-dev-localstack", "app-dev-aws-deployed", "app-production"]),
            "dev-localstack app; dev-aws-deployed app; production app"
        );
        assert_eq!(
            of(&["dev-localstack", "dev-aws", "staging"]),
            "dev-localstack ; dev-aws ; staging "
        );
        assert_eq!(
            of(&["api-staging", "worker-staging", "api-prod"]),
            "staging api; staging worker; prod api"
        );
        assert_eq!(
            of(&["staging-api", "staging-worker", "prod-api", "prod-worker"]),
            "staging api; staging worker; prod api; prod worker"
        );
    }

    #[test]
    fn names_that_speak_of_no_environment_are_told_apart() {
        let (saying, silent) = said_apart(&["api-staging", "migrate", "prod", "products"]);
        assert_eq!((saying, silent), (vec!["api-staging", "prod"], vec!["migrate", "products"]));
    }

    #[test]
    fn services_that_name_no_environment_or_only_one_are_services() {
        for names in
            [&["api", "worker"][..], &["api-staging", "web"], &["test-api", "test-web"], &[]]
        {
            assert_eq!(said(names), None, "{names:?}");
        }
    }
}
