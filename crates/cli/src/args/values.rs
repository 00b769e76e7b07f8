//! What may stand in an argument. Owns what is said about a value that may not; knows no option.

use towpath_core::debts::DebtKind;
use towpath_core::ids::{Name, Person, TokenId, Version};
use towpath_core::matrix::Signal;
use towpath_core::people::Verb;
use towpath_core::release::ChangeType;

use crate::args::Watched;

/// Longest reason or note, in characters: the journal keeps it for ever, and lists show it.
const LONGEST_REASON: usize = 500;

pub(super) fn name(text: &str) -> Result<Name, String> {
    Name::new(text).map_err(|error| error.to_string())
}

pub(super) fn version(text: &str) -> Result<Version, String> {
    Version::new(text).map_err(|error| error.to_string())
}

pub(super) fn person(text: &str) -> Result<Person, String> {
    Person::new(text).map_err(|error| error.to_string())
}

/// A moment with its zone, in RFC 3339.
pub(super) fn moment(text: &str) -> Result<String, String> {
    let zoned = text.parse::<jiff::Zoned>().map(|at| at.timestamp());
    let at = zoned.or_else(|_| text.parse::<jiff::Timestamp>());
    at.map(|at| at.to_string()).map_err(|_| {
        format!(
            "`{}` is no moment with a zone: those are 2027-01-04T09:00Z, 2027-01-04T09:00+01:00 and \
             2027-01-04T09:00[Europe/Berlin]",
            text.escape_debug()
        )
    })
}

pub(super) fn number(text: &str) -> Result<u64, String> {
    match text.parse::<u64>() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!(
            "`{}` is not a promotion's number, such as 148; `towpath history` lists them",
            text.escape_debug()
        )),
    }
}

/// A promotion's number, or the name of an environment; digits alone are a number.
pub(super) fn watched(text: &str) -> Result<Watched, String> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return number(text).map(Watched::Number);
    }
    name(text).map(Watched::Environment)
}

/// Fastest rehearsal: one that makes a day take less than a second teaches nothing.
const FASTEST: u32 = 100_000;

pub(super) fn speed(text: &str) -> Result<u32, String> {
    let digits = text.strip_suffix('x').unwrap_or(text);
    match digits.parse::<u32>() {
        Ok(speed @ 2..=FASTEST) => Ok(speed),
        _ => {
            Err(format!("`{}` is not a speed from 2x to 100000x, such as 60x", text.escape_debug()))
        }
    }
}

pub(super) fn plan_hash(text: &str) -> Result<String, String> {
    let shortest = towpath_core::plan::SHORTEST_PREFIX;
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    if (shortest..=64).contains(&digits.len()) && digits.bytes().all(hex) {
        return Ok(digits.to_owned());
    }
    Err(format!(
        "`{}` is not a plan's hash: {shortest} to 64 digits of 0-9 and a-f, as `towpath plan` prints",
        text.escape_debug()
    ))
}

pub(super) fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("a reason of no words tells nobody anything".to_owned());
    }
    if text.chars().count() > LONGEST_REASON {
        return Err(format!("a reason has at most {LONGEST_REASON} characters"));
    }
    Ok(text.to_owned())
}

pub(super) fn owed(text: &str) -> Result<DebtKind, String> {
    let known = DebtKind::ALL.into_iter().find(|one| one.as_str() == text);
    known.ok_or_else(|| "it is `review` or `backport`".to_owned())
}

/// Longest commit, in characters: a name of any version control, and no sentence.
const LONGEST_COMMIT: usize = 128;

pub(super) fn commit(text: &str) -> Result<String, String> {
    let good = |character: char| character.is_ascii_graphic();
    if text.is_empty() || text.len() > LONGEST_COMMIT || !text.chars().all(good) {
        return Err(format!(
            "`{}` is not a commit: 1 to {LONGEST_COMMIT} printable characters without blanks",
            text.chars().take(80).collect::<String>().escape_debug()
        ));
    }
    Ok(text.to_owned())
}

pub(super) fn signal(text: &str) -> Result<Signal, String> {
    let found = Signal::ALL.into_iter().find(|signal| signal.as_str() == text);
    found.ok_or_else(|| {
        let all: Vec<_> = Signal::ALL.iter().map(|signal| signal.as_str()).collect();
        format!("`{}` is not a signal; there are {}", text.escape_debug(), all.join(" and "))
    })
}

pub(super) fn change_type(text: &str) -> Result<ChangeType, String> {
    let found = ChangeType::ALL.into_iter().find(|change| change.as_str() == text);
    found.ok_or_else(|| {
        let all: Vec<_> = ChangeType::ALL.iter().map(|change| change.as_str()).collect();
        format!("`{}` is not a type of change; there are {}", text.escape_debug(), all.join(", "))
    })
}

pub(super) fn source(text: &str) -> Result<(Name, String), String> {
    let wanted = || format!("`{}` is not NAME=SOURCE, such as api=.", text.escape_debug());
    let (name, source) = text.split_once('=').ok_or_else(wanted)?;
    if source.is_empty() {
        return Err(wanted());
    }
    Ok((Name::new(name).map_err(|error| error.to_string())?, source.to_owned()))
}

pub(super) fn setting(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| format!("`{}` is not KEY=VALUE", text.escape_debug()))?;
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    // What POSIX calls a portable name of an environment variable (XBD 8.1).
    if key.is_empty() || key.as_bytes()[0].is_ascii_digit() || !key.bytes().all(good) {
        return Err(format!(
            "`{}` is not a setting's name: letters, digits and _, not beginning with a digit",
            key.escape_debug()
        ));
    }
    Ok((key.to_owned(), value.to_owned()))
}

/// A verb, as `who_may` calls it; with hyphens as well.
pub(super) fn verb(text: &str) -> Result<Verb, String> {
    let key = text.replace('-', "_");
    Verb::ALL.into_iter().find(|verb| verb.key() == key).ok_or_else(|| {
        let all: Vec<_> = Verb::ALL.iter().map(|verb| verb.key()).collect();
        format!("`{}` is not a verb; there are {}", text.escape_debug(), all.join(", "))
    })
}

pub(super) fn token_id(text: &str) -> Result<TokenId, String> {
    if towpath_core::tokens::may_hold_one(text) {
        // Its secret is shown nowhere, and not in a message about a mistake either.
        return Err(
            "that is a token itself; an id is 12 digits, as `towpath token list` shows".to_owned()
        );
    }
    TokenId::new(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_named_by_8_to_64_digits() {
        assert_eq!(plan_hash("7f3a91c20be4").as_deref(), Ok("7f3a91c20be4"));
        assert_eq!(plan_hash("sha256:7f3a91c2").as_deref(), Ok("7f3a91c2"));
        for bad in ["7f3a91c", "7F3A91C2", "xyzxyzxy", &"a".repeat(65)] {
            assert!(plan_hash(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_rehearsal_is_faster_and_not_endlessly() {
        assert_eq!(speed("60x"), Ok(60));
        assert_eq!(speed("60"), Ok(60));
        for bad in ["1x", "0", "-5x", "x", "100001x", "60y"] {
            assert!(speed(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn settings_and_artefacts_are_split_at_the_first_equals_sign() {
        assert_eq!(setting("A=b=c"), Ok(("A".to_owned(), "b=c".to_owned())));
        assert_eq!(setting("EMPTY="), Ok(("EMPTY".to_owned(), String::new())));
        for bad in ["A", "=b", "1A=b", "A-B=c"] {
            assert!(setting(bad).is_err(), "{bad}");
        }
        let (name, path) = source("api=dist/a=b").expect("a source");
        assert_eq!((name.as_str(), path.as_str()), ("api", "dist/a=b"));
        for bad in ["dist", "api=", "Api=.", "=."] {
            assert!(source(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_commit_is_one_word_of_any_version_control() {
        for good in ["9b1c7de0", "r1234", "v1.2-3-g9b1c7de-dirty"] {
            assert_eq!(commit(good).as_deref(), Ok(good));
        }
        for bad in ["", "a b", "a\nb", "\u{1b}[31m", "é", &"a".repeat(LONGEST_COMMIT + 1)] {
            assert!(commit(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn reasons_are_trimmed_and_bounded() {
        assert_eq!(reason("  wrong prices "), Ok("wrong prices".to_owned()));
        assert!(reason("   ").is_err());
        assert!(reason(&"x".repeat(LONGEST_REASON + 1)).is_err());
    }
}
