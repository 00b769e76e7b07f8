//! `${NAME:-default}` in the values of a compose file, and files of `NAME=value`. Owns what a value is
//! without a shell; says nothing by itself.

use std::collections::BTreeMap;

use towpath_config::is_secret;

/// Most variables of one file.
const MOST_VARIABLES: usize = 500;
/// Defaults inside defaults.
const MOST_LEVELS: usize = 8;
/// Most bytes of a value that is put together; a matrix takes 8 KB.
const LONGEST: usize = 4096;

/// A text with its variables filled in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Filled {
    pub(super) text: String,
    /// Variables whose default was taken, and the default.
    pub(super) defaults: Vec<(String, String)>,
    /// Variables that the file `.env` says.
    pub(super) known: Vec<String>,
}

/// Why a text could not be filled in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Gap {
    /// This variable is said nowhere.
    Missing(String),
    /// This variable is a secret.
    Secret(String),
    /// It is no text that compose takes.
    Malformed,
}

/// `text` with what `known` says of its variables, else with their defaults.
///
/// # Errors
/// The first variable that is not known, or is a secret.
pub(super) fn fill(text: &str, known: &BTreeMap<String, String>) -> Result<Filled, Gap> {
    let mut filled = Filled { text: String::new(), defaults: Vec::new(), known: Vec::new() };
    filled.text = inside(text, known, MOST_LEVELS, &mut filled)?;
    Ok(filled)
}

fn inside(
    text: &str,
    known: &BTreeMap<String, String>,
    left: usize,
    filled: &mut Filled,
) -> Result<String, Gap> {
    let left = left.checked_sub(1).ok_or(Gap::Malformed)?;
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let (variable, otherwise, after) = reference(after)?;
        out.push_str(&value_of(variable, otherwise, known, left, filled)?);
        rest = after;
        if out.len() > LONGEST {
            return Err(Gap::Malformed);
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// What stands behind a `$`: the variable, what holds otherwise with its sign, and the rest.
fn reference(text: &str) -> Result<(&str, &str, &str), Gap> {
    let (inner, rest) = match text.strip_prefix('{') {
        Some(inner) => {
            let mut depth = 1_usize;
            let end = inner.bytes().position(|byte| {
                depth = match byte {
                    b'{' => depth + 1,
                    b'}' => depth - 1,
                    _ => depth,
                };
                depth == 0
            });
            let end = end.ok_or(Gap::Malformed)?;
            (&inner[..end], &inner[end + 1..])
        }
        None => text.split_at(text.find(|it: char| !is_part(it)).unwrap_or(text.len())),
    };
    let (variable, otherwise) =
        inner.split_at(inner.find(|it: char| !is_part(it)).unwrap_or(inner.len()));
    if variable.is_empty() { Err(Gap::Malformed) } else { Ok((variable, otherwise, rest)) }
}

fn is_part(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

fn value_of(
    variable: &str,
    otherwise: &str,
    known: &BTreeMap<String, String>,
    left: usize,
    filled: &mut Filled,
) -> Result<String, Gap> {
    let (empty_counts, rest) =
        otherwise.strip_prefix(':').map_or((true, otherwise), |rest| (false, rest));
    let value = known.get(variable).filter(|value| empty_counts || !value.is_empty());
    if let Some(alternative) = rest.strip_prefix('+') {
        return match value {
            Some(_) => inside(alternative, known, left, filled),
            None => Ok(String::new()),
        };
    }
    let value = match (value, rest.strip_prefix('-')) {
        (Some(value), _) => {
            filled.known.push(variable.to_owned());
            value.clone()
        }
        (None, Some(default)) => {
            let value = inside(default, known, left, filled)?;
            filled.defaults.push((variable.to_owned(), value.clone()));
            value
        }
        (None, None) => return Err(Gap::Missing(variable.to_owned())),
    };
    if is_secret(variable, &value) { Err(Gap::Secret(variable.to_owned())) } else { Ok(value) }
}

/// Whether a variable is a secret by its name alone.
pub(super) fn is_called_secret(name: &str) -> bool {
    is_secret(name, "some-value")
}

/// The variables of a file of lines `NAME=value`; a value is none where it is that of the shell, and
/// it is marked whether variables in it are filled in.
pub(super) fn lines(text: &str) -> Vec<(String, Option<String>, bool)> {
    let line = |line: &str| {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let Some((name, value)) = line.split_once('=') else {
            return Some((line.to_owned(), None, false));
        };
        let value = value.trim();
        let quoted = |quote: char| {
            let inner = value.strip_prefix(quote)?;
            Some(inner[..inner.find(quote)?].to_owned())
        };
        let name = name.trim().to_owned();
        Some(match (quoted('\''), quoted('"')) {
            (Some(value), _) => (name, Some(value), false),
            (None, Some(value)) => (name, Some(value), true),
            (None, None) => {
                let value = value.split(" #").next().unwrap_or(value).trim_end();
                (name, Some(value.to_owned()), true)
            }
        })
    };
    text.lines().filter_map(line).take(MOST_VARIABLES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> BTreeMap<String, String> {
        let pairs = [("PORT", "4000"), ("EMPTY", ""), ("DB_PASSWORD", "hunter2hunter2")];
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    #[test]
    fn variables_are_filled_in_as_compose_does_it() {
        let of = |text: &str| fill(text, &known()).map(|it| it.text);
        for (text, wanted) in [
            ("${PORT:-3000}:80", "4000:80"),
            ("$PORT", "4000"),
            ("${OTHER:-3000}:80", "3000:80"),
            ("${OTHER-${PORT}}", "4000"),
            ("${OTHER:-${ANOTHER:-x}}/y", "x/y"),
            ("${EMPTY:-full}", "full"),
            ("${EMPTY-full}", ""),
            ("${PORT:+set}", "set"),
            ("${OTHER:+set}", ""),
            ("a$$b", "a$b"),
        ] {
            assert_eq!(of(text).as_deref(), Ok(wanted), "{text}");
        }
        assert_eq!(of("${OTHER}"), Err(Gap::Missing("OTHER".to_owned())));
        assert_eq!(of("${OTHER:?say it}"), Err(Gap::Missing("OTHER".to_owned())));
        assert_eq!(of("${DB_PASSWORD}"), Err(Gap::Secret("DB_PASSWORD".to_owned())));
        let nested = format!("{}x{}", "${A:-".repeat(9), "}".repeat(9));
        for wrong in ["${", "$", "${}", "$ {A}", nested.as_str()] {
            assert_eq!(of(wrong), Err(Gap::Malformed), "{wrong}");
        }
    }

    #[test]
    fn files_of_variables_are_read_line_by_line() {
        let read = lines("# all\nA=1 # one\nexport B=\"two $A\"\nC='$A'\n\nD\nE=\nF=a#b\n=x");
        let said: Vec<(&str, Option<&str>, bool)> = read
            .iter()
            .map(|(name, value, fills)| (name.as_str(), value.as_deref(), *fills))
            .collect();
        assert_eq!(
            said,
            [
                ("A", Some("1"), true),
                ("B", Some("two $A"), true),
                ("C", Some("$A"), false),
                ("D", None, false),
                ("E", Some(""), true),
                ("F", Some("a#b"), true),
                ("", Some("x"), true),
            ]
        );
    }
}
