//! Names of other tools as names of a matrix, and what a name says about environments. Writes no
//! sentence of its own but about what it had to change.

use std::collections::BTreeMap;

use towpath_config::tier_said_by;
use towpath_core::ids::Name;

use super::findings::Said;
use crate::report::style::printable;

/// Most characters of a name (`towpath_core::ids::Name`).
const LONGEST: usize = 63;

/// Gives each text a name of its own, and says where that is another.
#[derive(Debug, Default)]
pub(crate) struct Names(BTreeMap<Name, String>);

impl Names {
    /// The name for `text`, the same one for the same text; none when it has no letter or digit.
    pub(crate) fn of(&mut self, text: &str, said: &mut Said) -> Option<Name> {
        self.like(text, text, said)
    }

    /// The name for `text` that is most like `wanted`, which the caller says by itself.
    pub(crate) fn like(&mut self, text: &str, wanted: &str, said: &mut Said) -> Option<Name> {
        if let Some((name, _)) = self.0.iter().find(|(_, known)| *known == text) {
            return Some(name.clone());
        }
        let Some(nearest) = nearest(wanted) else {
            said.left_out(format!("`{}`: nothing in it can be a name", shortened(text)));
            return None;
        };
        let mut name = nearest.clone();
        let mut number = 2;
        while self.0.contains_key(&name) {
            let suffix = format!("-{number}");
            let kept: String = nearest.as_str().chars().take(LONGEST - suffix.len()).collect();
            name = Name::new(&format!("{}{suffix}", kept.trim_end_matches('-'))).ok()?;
            number += 1;
        }
        if name.as_str() != wanted {
            said.assumed(format!("`{}` is called {name}", shortened(text)));
        }
        self.0.insert(name.clone(), text.to_owned());
        Some(name)
    }
}

/// The nearest name that may stand in a matrix; none without a letter or digit.
pub(crate) fn nearest(text: &str) -> Option<Name> {
    let mut name = String::new();
    for character in text.chars().flat_map(char::to_lowercase) {
        match character {
            'a'..='z' | '0'..='9' => name.push(character),
            _ if name.is_empty() || name.ends_with('-') => {}
            _ => name.push('-'),
        }
        if name.len() == LONGEST {
            break;
        }
    }
    Name::new(name.trim_end_matches('-')).ok()
}

/// Words apart by hyphens, as people write `SoundBiteStagingApi` in other places.
pub(crate) fn hyphenated(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut out = String::new();
    for (index, character) in characters.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|it| characters.get(it));
        let after = characters.get(index + 1);
        let begins = character.is_uppercase()
            && before.is_some_and(|it| {
                it.is_lowercase()
                    || it.is_ascii_digit()
                    || (it.is_uppercase() && after.is_some_and(|it| it.is_lowercase()))
            });
        if begins {
            out.push('-');
        }
        out.push(if character.is_alphanumeric() { *character } else { '-' });
    }
    let words: Vec<&str> = out.split('-').filter(|word| !word.is_empty()).collect();
    words.join("-").to_lowercase()
}

/// Whether a word such as `staging` or `prod2` names an environment.
pub(crate) fn is_environment_word(word: &str) -> bool {
    !word.contains('-') && tier_said_by(word).is_some()
}

/// Foreign text in a sentence: printable, and no longer than a line bears.
pub(crate) fn shortened(text: &str) -> String {
    const MOST: usize = 80;
    let cut: String = text.chars().take(MOST).collect();
    let mark = if text.chars().count() > MOST { "..." } else { "" };
    format!("{}{mark}", printable(&cut))
}

/// Names between commas.
pub(crate) fn listed(names: impl IntoIterator<Item = impl ToString>) -> String {
    names.into_iter().map(|name| name.to_string()).collect::<Vec<_>>().join(", ")
}

/// The first of many names, and how many more there are.
pub(crate) fn few(names: impl IntoIterator<Item = impl ToString>) -> String {
    // As many as stand on a line.
    const MOST: usize = 8;
    let names: Vec<String> = names.into_iter().map(|name| shortened(&name.to_string())).collect();
    match names.len().checked_sub(MOST) {
        None | Some(0) => listed(names),
        Some(more) => format!("{} and {more} more", listed(&names[..MOST])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_name_becomes_one_of_its_own_and_that_is_said() {
        let mut said = Said::default();
        let mut names = Names::default();
        let mut of = |text: &str| names.of(text, &mut said).map(String::from);
        assert_eq!(of("api").as_deref(), Some("api"));
        assert_eq!(of("API_Server").as_deref(), Some("api-server"));
        assert_eq!(of("api.server").as_deref(), Some("api-server-2"));
        assert_eq!(of("API_Server").as_deref(), Some("api-server"));
        assert_eq!(of("__").as_deref(), None);
        assert_eq!(of(&"x".repeat(500)).unwrap().len(), 63);
        assert_eq!(of(&"y-".repeat(500)).unwrap().len(), 63);
        assert_eq!(of(&"Y-".repeat(500)).unwrap().len(), 63);
        assert_eq!(said.assumed[0], "`API_Server` is called api-server");
        assert_eq!(said.left_out, ["`__`: nothing in it can be a name"]);
    }

    #[test]
    fn words_that_begin_with_capitals_are_taken_apart() {
        for (text, wanted) in [
            ("SoundBiteStagingApi", "sound-bite-staging-api"),
            ("SoundBite-Staging-Api", "sound-bite-staging-api"),
            ("APIGateway2Prod", "api-gateway2-prod"),
            ("prod_worker", "prod-worker"),
            ("ÄÖ", "äö"),
        ] {
            assert_eq!(hyphenated(text), wanted);
        }
    }
}
