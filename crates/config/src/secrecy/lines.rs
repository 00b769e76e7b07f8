//! Secrets in a text of which there is no tree, because it is not YAML: by the shape of its lines. Hides
//! rather too much than too little, and tells of nothing.

use super::argv;
use crate::consistency::{is_secret, names_a_secret};
use crate::problem::Problems;
use crate::source::{Extent, Source};

/// Signs that stand around keys and values and belong to neither.
const AROUND: [char; 7] = ['"', '\'', '{', '}', '[', ']', ','];
/// The section that says where secrets are kept.
const SECTION: &str = "secrets";
/// Characters of a value that are looked at, so that a line of many keys is read about once.
const LONGEST: usize = 256;

/// Hides what follows a key that is called like a secret, in its line and in the deeper lines below it,
/// and each line with a value that tells itself.
pub(crate) fn hide_lines(source: &Source, problems: &mut Problems) {
    let mut start = 0;
    // Indentation of the key below which everything is a secret.
    let mut below: Option<usize> = None;
    for line in source.text().split_inclusive('\n') {
        let text = line.trim();
        let indent = line.len() - line.trim_start().len();
        let whole = Extent { start: start + indent, end: start + indent + text.len() };
        start += line.len();
        if text.is_empty() {
            continue;
        }
        if below.is_some_and(|key| indent > key) {
            problems.hide(whole);
            continue;
        }
        below = None;
        // In a list, so that no brace at the beginning makes the line a place to be filled in.
        if is_secret("", &format!("- {text}")) || argv::holds_secret(text) {
            problems.hide(whole);
        } else if let Some((at, is_block)) = secret_value(text) {
            problems.hide(Extent { start: whole.start + at, end: whole.end });
            below = is_block.then_some(indent);
        }
    }
}

/// Where in a line the first value begins that is a secret by its key, and whether it goes on below.
fn secret_value(line: &str) -> Option<(usize, bool)> {
    let mut from = 0;
    for (at, _) in line.match_indices(':') {
        let rest = &line[at + 1..];
        let value = rest.trim_start();
        if !rest.is_empty() && value.len() == rest.len() {
            continue;
        }
        let key = line[from..at].rsplit(['{', '[', ',', ' ']).next().unwrap_or_default();
        let key = key.trim_matches(AROUND);
        from = at + 1;
        if key == SECTION {
            continue;
        }
        let is_block = value.is_empty() || value.starts_with(['|', '>']);
        let first = value.char_indices().take(LONGEST).find(|(_, it)| [',', '}', ']'].contains(it));
        let end = first.map_or_else(|| value.len().min(LONGEST), |(at, _)| at);
        let called = || is_secret(key, value.get(..end).unwrap_or("any").trim_matches(AROUND));
        if names_a_secret(key) && (is_block || called()) {
            return Some((line.len() - value.len(), is_block));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::hide_lines;
    use crate::problem::Problems;
    use crate::source::Source;

    fn shown(text: &str) -> String {
        let (mut source, mut problems) = (Source::indexed(text.to_owned()), Problems::default());
        hide_lines(&source, &mut problems);
        source.hide(&problems.take_hidden());
        source.text().to_owned()
    }

    #[test]
    fn secrets_are_hidden_by_the_shape_of_their_lines() {
        for (text, expected) in [
            ("  DB_PASSWORD: abc\n  LEVEL: info\n", "  DB_PASSWORD: ***\n  LEVEL: info\n"),
            ("- { LEVEL: info, \"token\": abc }", "- { LEVEL: info, \"token\": *****"),
            ("a: [ghp_abcdef", "**************"),
            (
                "TLS_PRIVATE_KEY: |\n  ab\n\n  cd\nLEVEL: info",
                "TLS_PRIVATE_KEY: *\n  **\n\n  **\nLEVEL: info",
            ),
            ("password:\n  value: abc\n", "password:\n  **********\n"),
            ("{ url: postgres://a:b@c }", "*************************"),
            ("CMD: mysql -phunter5", "********************"),
            ("{ password: \"a,b\" }", "{ password: *******"),
            ("password: {abc", "password: ****"),
        ] {
            assert_eq!(shown(text), expected);
        }
    }

    #[test]
    fn what_is_no_secret_is_shown() {
        for text in [
            "secrets: { TLS_KEY: { kind: env }",
            "secrets:\n  TLS_KEY: { kind: env\n",
            "password: ${DB_PASSWORD}",
            "url: https://example.com:8080/a",
            "error_rate: > 5%",
        ] {
            assert_eq!(shown(text), text);
        }
    }
}
