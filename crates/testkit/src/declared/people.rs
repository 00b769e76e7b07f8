//! People and whom a lane asks, from a few words. Checks little, as all of `declared`.

use std::collections::{BTreeMap, BTreeSet};

use towpath_core::approvals::{ApprovalRules, DEFAULT_EXPIRY, Need};
use towpath_core::ids::{Name, Person};
use towpath_core::matrix::Tier;
use towpath_core::people::PersonSpec;
use towpath_core::release::ChangeType;

use super::name;

/// `ada developer lead; bob developer; bot robot developer`: who has which roles, and which are programs.
pub(super) fn people(text: &str) -> Result<BTreeMap<Person, PersonSpec>, String> {
    let mut people = BTreeMap::new();
    for one in text.split(';').map(str::trim).filter(|one| !one.is_empty()) {
        let mut words = one.split_whitespace().peekable();
        let bot = words.next_if_eq(&"bot").is_some();
        let who =
            Person::new(words.next().unwrap_or_default()).map_err(|error| error.to_string())?;
        let roles: BTreeSet<Name> = words.map(name).collect::<Result<_, _>>()?;
        people.insert(who, PersonSpec { roles, bot, ..PersonSpec::default() });
    }
    Ok(people)
}

/// `all business 1`, `feature developer 2 business 1`, `expires 1h`, `by the author`, `owners`: one line of the
/// rules.
pub(super) fn rule(
    rules: &mut Option<ApprovalRules>,
    tier: Tier,
    text: &str,
) -> Result<(), String> {
    let rules = rules.get_or_insert_with(|| ApprovalRules {
        all: None,
        by_type: BTreeMap::new(),
        expires: DEFAULT_EXPIRY,
        remind_every: None,
        author_may_approve: !matches!(tier, Tier::Staging | Tier::Production),
        code_owners: false,
        owners_file: None,
        break_glass: Vec::new(),
    });
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let of_type = ChangeType::ALL.into_iter().find(|one| one.as_str() == word);
    match (word, of_type) {
        ("expires", _) => rules.expires = rest.parse()?,
        ("remind", _) => rules.remind_every = Some(rest.parse()?),
        ("owners", _) => rules.code_owners = true,
        ("by", _) => rules.author_may_approve = true,
        ("broken-glass", _) => rules.break_glass = counts(rest)?,
        ("all", _) => rules.all = Some(counts(rest)?),
        (_, Some(of_type)) => {
            rules.by_type.insert(of_type, counts(rest)?);
        }
        (other, None) => return Err(format!("`{other}` is not a type of change")),
    }
    Ok(())
}

fn counts(text: &str) -> Result<Vec<Need>, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let pair = |pair: &[&str]| match pair {
        [role, count] => {
            let people = count.parse().map_err(|_| format!("`{count}` people"))?;
            Ok(Need { role: name(role)?, people })
        }
        _ => Err(format!("`{text}` is not ROLE COUNT")),
    };
    words.chunks(2).map(pair).collect()
}
