//! Who acts, on one machine without a login: the user of the operating system. Owns no rights; what
//! a person may is the engine's to say.

use towpath_core::ids::Person;

/// Largest list of users that is read: 4 MiB, some 50,000 of them.
const LARGEST_LIST: u64 = 4 << 20;

/// The name of the user that runs this program: the entry of the user's number in `/etc/passwd`, or
/// else `LOGNAME` or `USER` (users of a directory service are not in that file), or else `uid-N`.
/// Characters that a person's name may not have become `-`. Safe to repeat: the same name.
///
/// The number comes first because it cannot be changed by setting a variable.
pub fn current() -> Person {
    let number = rustix::process::getuid().as_raw();
    let listed = list().and_then(|list| listed_name(&list, number));
    let named = || {
        ["LOGNAME", "USER"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|it| !it.is_empty()))
    };
    of(listed.or_else(named), number)
}

/// The name of another user of this machine by their number; `uid-N` when `/etc/passwd` has none.
/// The user that runs this program has the name of [`current`]. Safe to repeat.
pub fn of_user(number: u32) -> Person {
    if number == rustix::process::getuid().as_raw() {
        return current();
    }
    of(list().and_then(|list| listed_name(&list, number)), number)
}

fn list() -> Option<String> {
    use std::io::Read as _;
    let mut text = String::new();
    let file = std::fs::File::open("/etc/passwd").ok()?;
    file.take(LARGEST_LIST).read_to_string(&mut text).ok()?;
    Some(text)
}

/// The name of a user's number in a list of the form of passwd(5).
fn listed_name(list: &str, number: u32) -> Option<String> {
    list.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let own: u32 = fields.nth(1)?.parse().ok()?;
        (own == number && !name.is_empty()).then(|| name.to_owned())
    })
}

fn of(name: Option<String>, number: u32) -> Person {
    let fallback = || Person::new(&format!("uid-{number}")).expect("digits and letters");
    let Some(name) = name else { return fallback() };
    let good = |character: char| character.is_alphanumeric() || "._@-".contains(character);
    let clean: String = name.chars().take(64).map(|it| if good(it) { it } else { '-' }).collect();
    match Person::new(clean.trim_start_matches('-')) {
        // Those two names are the program's own.
        Ok(person) if !person.is_program() => person,
        _ => fallback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str =
        "root:x:0:0:root:/root:/bin/bash\nada:x:1000:1000:Ada,,,:/home/ada:/bin/sh\n";

    #[test]
    fn the_name_is_that_of_the_users_number() {
        assert_eq!(listed_name(LIST, 1000).as_deref(), Some("ada"));
        assert_eq!(listed_name(LIST, 1001), None);
        assert_eq!(listed_name("broken\nada:x", 1000), None);
    }

    #[test]
    fn nobody_can_act_as_the_program_itself() {
        assert_eq!(of(Some("guard".to_owned()), 7).as_str(), "uid-7");
        assert_eq!(of(Some("automatic".to_owned()), 7).as_str(), "uid-7");
    }

    #[test]
    fn names_that_cannot_be_written_down_are_made_writable_or_replaced() {
        assert_eq!(of(Some("ada lovelace\n".to_owned()), 7).as_str(), "ada-lovelace-");
        assert_eq!(of(Some("--".to_owned()), 7).as_str(), "uid-7");
        assert_eq!(of(None, 7).as_str(), "uid-7");
    }

    #[test]
    fn a_user_that_is_not_listed_has_a_number() {
        assert_eq!(of_user(4_294_967_000).as_str(), "uid-4294967000");
        assert_eq!(of_user(rustix::process::getuid().as_raw()), current());
    }
}
