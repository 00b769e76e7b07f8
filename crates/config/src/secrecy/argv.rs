//! Secrets among the words of a command: behind an option that is called like one, in `NAME=VALUE`, in
//! a header, and behind the short options by which well-known programs take a password. Runs nothing.

use crate::consistency::{is_header_secret, is_secret};

/// Programs that take a password with this option, behind it or in the same word (their manuals).
const SHORT: [(&str, &[&str]); 3] = [
    (
        "-p",
        &[
            "mysql",
            "mysqldump",
            "mysqladmin",
            "mysqlimport",
            "mariadb",
            "mariadb-dump",
            "mongo",
            "mongosh",
            "mongodump",
            "mongorestore",
            "sshpass",
            "docker",
            "podman",
            "helm",
            "az",
            "oc",
        ],
    ),
    ("-a", &["redis-cli"]),
    ("-w", &["ldapsearch", "ldapmodify", "ldapadd"]),
];
/// Programs whose `-u` is a user and a password with a colon between them.
const WITH_USER: [&str; 3] = ["curl", "wget", "http"];
/// Length from which on capitals, small letters and digits together are no word that a person chose.
const SHORTEST_RANDOM: usize = 8;
/// Commands within a word within a word that are still looked into: `sh -c "sh -c '...'"`.
const DEEPEST: usize = 3;

/// The places of the words that hold a secret.
pub(super) fn secrets(words: &[&str]) -> Vec<usize> {
    within(words, DEEPEST)
}

fn within(words: &[&str], deep: usize) -> Vec<usize> {
    let found = words.iter().enumerate().filter(|(at, word)| {
        let before = at.checked_sub(1).and_then(|at| words.get(at)).copied().unwrap_or_default();
        let program = words[..*at].iter().rev().map(|word| file_name(word)).find(|it| known(it));
        holds(word, before, program) || {
            let inner: Vec<&str> =
                word.split_whitespace().map(|it| it.trim_matches(QUOTES)).collect();
            deep > 0 && inner.len() > 1 && !within(&inner, deep - 1).is_empty()
        }
    });
    found.map(|(at, _)| at).collect()
}

const QUOTES: [char; 2] = ['"', '\''];

fn holds(word: &str, before: &str, program: Option<&str>) -> bool {
    if is_secret("", word) {
        return true;
    }
    let bare = word.trim_start_matches('-');
    if bare.split_once('=').is_some_and(|(name, value)| is_secret(name, value.trim_matches(QUOTES)))
    {
        return true;
    }
    let header = word.split_once(':').filter(|_| ["-H", "--header"].contains(&before));
    let attached = bare.strip_prefix('H').unwrap_or(bare).split_once(':');
    let attached = attached.filter(|_| word.starts_with("-H") || word.starts_with("--header="));
    if header.or(attached).is_some_and(|(name, value)| is_header_secret(name, value)) {
        return true;
    }
    let option = before.starts_with('-') && !before.contains('=') && !word.starts_with('-');
    let called = option && is_secret(before.trim_start_matches('-'), word);
    called || (option && is_short(before, word, program)) || is_attached(word, program)
}

/// Whether `word` is the password behind a short option.
fn is_short(option: &str, word: &str, program: Option<&str>) -> bool {
    let user = ["-u", "--user"].contains(&option)
        && program.is_some_and(|it| WITH_USER.contains(&it))
        && word.split_once(':').is_some_and(|(_, password)| is_secret("PASSWORD", password));
    let takes = |(short, programs): &(&str, &[&str])| {
        *short == option && program.is_some_and(|it| programs.contains(&it))
    };
    // `docker run -p 80:80` and `mkdir -p a/b` are no secrets.
    let plain = word.contains(['/', ':', '.']) || word.bytes().all(|it| it.is_ascii_digit());
    let taken = SHORT.iter().any(takes) && !plain && is_secret("PASSWORD", word);
    user || taken || (option == "-p" && !plain && is_random(word))
}

/// Whether the password stands in the same word as its option, as `mysql -pPASSWORD` has it.
fn is_attached(word: &str, program: Option<&str>) -> bool {
    let mysql = program.is_some_and(|it| it.starts_with("mysql") || it.starts_with("mariadb"));
    let rest = word.strip_prefix("-p").filter(|rest| mysql && !rest.is_empty());
    rest.is_some_and(|rest| is_secret("PASSWORD", rest))
}

fn is_random(word: &str) -> bool {
    let has = |what: fn(&u8) -> bool| word.bytes().any(|byte| what(&byte));
    word.len() >= SHORTEST_RANDOM
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_uppercase)
}

fn known(program: &str) -> bool {
    SHORT.iter().any(|(_, programs)| programs.contains(&program)) || WITH_USER.contains(&program)
}

fn file_name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::secrets;

    #[test]
    fn a_password_is_found_in_the_word_that_holds_it() {
        for (words, at) in [
            (&["./up", "--password=hunter2"] as &[&str], 1),
            (&["./up", "--db-password", "hunter2"], 2),
            (&["./up", "-token", "abcdef"], 2),
            (&["env", "DB_PASSWORD=hunter2", "./up"], 1),
            (&["./up", "-p", "Zq7hunter2"], 2),
            (&["mysql", "-u", "root", "-p", "hunter2"], 4),
            (&["/usr/bin/mysql", "-phunter2"], 1),
            (&["redis-cli", "-a", "hunter2"], 2),
            (&["curl", "-u", "app:hunter2", "https://example.com"], 2),
            (&["curl", "-H", "Authorization: Bearer abc", "https://example.com"], 2),
            (&["curl", "-H", "X-Api-Key: abc"], 2),
            (&["./up", "postgres://app:hunter2@db/app"], 1),
            (&["sh", "-c", "mysql -phunter2 < up.sql"], 2),
            (&["sh", "-c", "DB_PASSWORD='hunter2' ./up"], 2),
        ] {
            assert_eq!(secrets(words), [at], "{words:?}");
        }
    }

    #[test]
    fn what_only_looks_like_an_option_with_a_password_is_none() {
        for words in [
            &["./up", "--password-file", "/run/secrets/db"] as &[&str],
            &["./up", "--password-stdin"],
            &["./up", "--password=$DB_PASSWORD"],
            &["./up", "--password", "--force"],
            &["mkdir", "-p", "build"],
            &["docker", "run", "-p", "80:80", "api"],
            &["cargo", "test", "-p", "towpath"],
            &["docker", "run", "-u", "1000:1000", "api"],
            &["./up", "--max-tokens", "4096"],
            &["curl", "-H", "Accept: text/html"],
            &["curl", "-H", "Authorization: Bearer ${TOKEN}"],
            &["psql", "-p", "5432"],
            &[],
        ] {
            assert_eq!(secrets(words), [0_usize; 0], "{words:?}");
        }
    }
}
