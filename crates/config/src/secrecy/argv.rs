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

/// The places of the words that hold a secret, also within a command in a word: `sh -c "..."`.
pub(crate) fn secrets(words: &[&str]) -> Vec<usize> {
    places(words, |word, before, program| {
        holds(word, before, program) || !plain(&split(word)).is_empty()
    })
}

/// Whether a text of several words has a secret among them. In one that does not begin as a command a
/// word of letters alone is none: `use --token to log in`.
pub(crate) fn holds_secret(text: &str) -> bool {
    let words = split(text);
    let is_command = words.first().is_some_and(|first| {
        first.starts_with('-') || first.contains('/') || known(file_name(first))
    });
    let is_secret = |at: usize| is_command || !words[at].chars().all(char::is_alphabetic);
    plain(&words).into_iter().any(is_secret)
}

/// The places of those that hold a secret, of words that have none within them.
fn plain(words: &[&str]) -> Vec<usize> {
    if words.len() > 1 { places(words, holds) } else { Vec::new() }
}

fn split(text: &str) -> Vec<&str> {
    text.split_whitespace().map(|it| it.trim_matches(QUOTES)).collect()
}

/// The places of the words of which `is_secret` holds, given the word before and the last known program.
fn places(words: &[&str], is_secret: impl Fn(&str, &str, Option<&str>) -> bool) -> Vec<usize> {
    let (mut before, mut program, mut found) = ("", None, Vec::new());
    for (at, word) in words.iter().enumerate() {
        if is_secret(word, before, program) {
            found.push(at);
        }
        before = word;
        program = Some(file_name(word)).filter(|it| known(it)).or(program);
    }
    found
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
