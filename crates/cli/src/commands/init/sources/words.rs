//! Small texts of other tools, in the form that a matrix has for them: times, sizes, commands and the
//! path of a URL. What it does not know it does not translate.

use towpath_core::units::Span;

/// `1m30s`, `500ms` or `2h` as a span; none for what has other units, or none.
pub(crate) fn duration(text: &str) -> Option<Span> {
    let mut apart = String::new();
    let mut last_was_digit = true;
    for character in text.trim().chars() {
        if character.is_ascii_digit() && !last_was_digit {
            apart.push(' ');
        }
        last_was_digit = character.is_ascii_digit();
        apart.push(character);
    }
    apart.parse().ok()
}

/// `512m`, `512Mi`, `1gb` or `1024M` in the units of a matrix; none for less than a megabyte.
pub(crate) fn size(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.find(|it: char| !it.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let bytes = match unit {
        "" | "b" => 1,
        "k" | "kb" | "ki" | "kib" => 1 << 10,
        "m" | "mb" | "mi" | "mib" => 1 << 20,
        "g" | "gb" | "gi" | "gib" => 1 << 30,
        _ => return None,
    };
    megabytes(number.checked_mul(bytes)? >> 20)
}

/// So many megabytes, in gigabytes where that is a whole number; none for nothing.
pub(crate) fn megabytes(number: u64) -> Option<String> {
    match number {
        0 => None,
        whole if whole.is_multiple_of(1024) => Some(format!("{}GB", whole / 1024)),
        some => Some(format!("{some}MB")),
    }
}

/// The words of a command that needs no shell; none for one that does.
pub(crate) fn without_shell(text: &str) -> Option<Vec<String>> {
    let needs = |it: char| "&|;$\"'`<>()*?\\~#\n".contains(it);
    let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    (!words.is_empty() && !text.contains(needs)).then_some(words)
}

/// The words of a command as compose takes it apart: quotes and backslashes hold blanks together, and
/// there is no shell. None where one is needed all the same, or a quote does not end.
pub(crate) fn quoted_words(text: &str) -> Option<Vec<String>> {
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().push(characters.next()?),
            (None, _) if character.is_whitespace() => words.extend(word.take()),
            (None, '&' | '|' | ';' | '<' | '>' | '(' | ')' | '`' | '$' | '*' | '?' | '~' | '#') => {
                return None;
            }
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    (quote.is_none() && !words.is_empty()).then_some(words)
}

/// The path of the first URL in a word, such as `/health` in `http://localhost:3000/health`; also of
/// one that begins with a variable. None where there is none but `/`.
pub(crate) fn path_of_url(word: &str) -> Option<String> {
    let word = word.trim_matches(['"', '\'', '`', ',', ';', '(', ')']);
    let rest = match word.split_once("://") {
        Some((scheme, rest)) if scheme.ends_with("http") || scheme.ends_with("https") => rest,
        Some(_) => return None,
        None => word.strip_prefix('$')?,
    };
    let path = &rest[rest.find('/')?..];
    let end = path.find(['?', '#', '"', '\'', '$', '|', ';', ')', '{']).unwrap_or(path.len());
    let path = path[..end].trim_end_matches('/');
    let fits = |it: char| it.is_ascii_alphanumeric() || "/-_.~".contains(it);
    (path.len() > 1 && path.len() <= 200 && path.chars().all(fits)).then(|| path.to_owned())
}

/// The path that a command asks, such as `curl -f http://localhost:3000`: `/` where the address ends
/// with its port. None for a command that asks no URL.
pub(crate) fn path_asked(words: &[&str]) -> Option<String> {
    let found = words.iter().find_map(|word| path_of_url(word));
    found.or_else(|| {
        let bare = |word: &&&str| {
            let word = word.trim_matches(['"', '\'', '`', ',', ';', '(', ')']);
            let rest = word.strip_prefix("http://").or_else(|| word.strip_prefix("https://"));
            rest.is_some_and(|rest| !rest.trim_end_matches('/').contains('/'))
        };
        let program = |word: &&&str| {
            let name = word.trim_matches(['"', '\'']).rsplit('/').next().unwrap_or_default();
            ["curl", "wget", "http", "httpie"].contains(&name)
        };
        if let Some(word) = words.iter().find(bare) {
            return (!word.contains("$(")).then(|| "/".to_owned());
        }
        // `curl -f localhost:3000/health`, without a scheme.
        words.iter().find(program)?;
        let here = words.iter().find_map(|word| {
            let word = word.trim_matches(['"', '\'', ';', ')']);
            let rest = word.strip_prefix("localhost").or_else(|| word.strip_prefix("127.0.0.1"))?;
            Some(format!("http://localhost{rest}"))
        })?;
        Some(path_of_url(&here).unwrap_or_else(|| "/".to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_of_other_tools_are_understood_or_left() {
        assert_eq!(duration("1m30s"), Some(Span::seconds(90)));
        assert_eq!(duration("500ms"), Some(Span(500)));
        assert_eq!(duration("2h"), Some(Span::hours(2)));
        for open in ["", "30", "10us", "1.5s", "-1s", "99999999999999999999h", "é"] {
            assert_eq!(duration(open), None, "{open}");
        }
        for (text, wanted) in [
            ("512M", Some("512MB")),
            ("1024m", Some("1GB")),
            ("2g", Some("2GB")),
            ("1536Mi", Some("1536MB")),
            ("10k", None),
            ("1.5g", None),
            ("", None),
            ("99999999999999999999g", None),
            ("18446744073709551615g", None),
        ] {
            assert_eq!(size(text).as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn a_command_that_needs_a_shell_is_not_taken() {
        assert_eq!(without_shell("node dist/main.js").unwrap(), ["node", "dist/main.js"]);
        for open in ["", "npm run build && node x", "sh -c 'x'", "node $FILE", "a | b"] {
            assert_eq!(without_shell(open), None, "{open}");
        }
    }

    #[test]
    fn quotes_hold_the_words_of_a_command_together() {
        let of = |text: &str| quoted_words(text).map(|words| words.join("_"));
        assert_eq!(of("npm run start").as_deref(), Some("npm_run_start"));
        assert_eq!(of("sh -c 'a | b'  \"c \\\" d\"").as_deref(), Some("sh_-c_a | b_c \" d"));
        assert_eq!(of("a\\ b ''").as_deref(), Some("a b_"));
        for open in ["", "  ", "a && b", "a | b", "node $FILE", "'a", "a\\", "a > b"] {
            assert_eq!(quoted_words(open), None, "{open}");
        }
    }

    #[test]
    fn the_path_that_a_healthcheck_asks_is_found_with_and_without_a_scheme() {
        for (text, wanted) in [
            ("curl -f http://localhost:3000/health || exit 1", Some("/health")),
            ("curl -f http://localhost:3000 || exit 1", Some("/")),
            ("curl -f http://localhost:3000/", Some("/")),
            ("wget -qO- localhost:3000/up", Some("/up")),
            ("/usr/bin/curl --fail 127.0.0.1:80", Some("/")),
            ("pg_isready -h localhost", None),
            ("node healthcheck.js", None),
        ] {
            let words: Vec<&str> = text.split_whitespace().collect();
            assert_eq!(path_asked(&words).as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn the_path_of_a_url_is_found_in_the_words_of_scripts() {
        for (word, wanted) in [
            ("http://localhost:3000/health", Some("/health")),
            ("\"https://api.example.com/v1/status\"", Some("/v1/status")),
            ("\"$BASE_URL/health\"", Some("/health")),
            ("${URL}/metrics", Some("/metrics")),
            ("http://localhost:$PORT/ready?full=1", Some("/ready")),
            ("http://localhost:3000/", None),
            ("http://localhost:3000", None),
            ("ftp://x/y", None),
            ("/usr/bin/curl", None),
            ("http://x/$ENVIRONMENT", None),
            ("$", None),
        ] {
            assert_eq!(path_of_url(word).as_deref(), wanted, "{word}");
        }
    }
}
