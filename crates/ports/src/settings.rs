//! Checks the settings of an adapter against its fields, and fills in the defaults. Reports every
//! problem, not the first; knows nothing of files and positions.

use serde_json::{Map, Value, json};
use towpath_core::ids::Name;
use towpath_core::units::{Span, Weight};

use crate::catalogue::{FieldType, KindEntry};
use crate::size;

/// Something wrong with a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, from the adapter's own map: `command`, `settings.LOG_LEVEL`, `run[2]`.
    pub path: String,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// What was expected.
    pub expected: Option<String>,
    /// The nearest known name.
    pub nearest: Option<String>,
}

impl Problem {
    /// A problem at `path`, with what was expected instead.
    pub fn new(path: &str, message: impl Into<String>, expected: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            message: message.into(),
            expected: Some(expected.into()),
            nearest: None,
        }
    }
}

/// Checks `settings`, an object without `kind`, `check` and other keys that all kinds share, and
/// answers it with defaults filled in and quantities as numbers (milliseconds, basis points).
pub fn check(entry: &KindEntry, settings: &Value) -> Result<Value, Vec<Problem>> {
    let empty = Map::new();
    let given = settings.as_object().unwrap_or(&empty);
    let mut problems = unknown_keys(entry, given);
    let mut checked = Map::new();
    for field in entry.fields {
        match given.get(field.name) {
            Some(value) => match read(field.of, field.name, value) {
                Ok(value) => {
                    checked.insert(field.name.to_owned(), value);
                }
                Err(problem) => problems.push(problem),
            },
            None => match field.default {
                Some("") => {}
                Some(text) => {
                    let value = read(field.of, field.name, &written(field.of, text));
                    checked.insert(field.name.to_owned(), value.expect("a default fits its field"));
                }
                None => problems.push(Problem::new(
                    field.name,
                    format!("{} `{}` needs `{}`", entry.family.as_str(), entry.name, field.name),
                    expected(field.of),
                )),
            },
        }
    }
    let checked = Value::Object(checked);
    if problems.is_empty() {
        problems = (entry.validate)(&checked);
    }
    if problems.is_empty() { Ok(checked) } else { Err(problems) }
}

fn unknown_keys(entry: &KindEntry, given: &Map<String, Value>) -> Vec<Problem> {
    /// Unknown keys of one adapter that are told of: several times the keys that any kind has, and
    /// few enough to be asked for again in every place that shares the adapter.
    const MOST: usize = 100;
    let known: Vec<&str> = entry.fields.iter().map(|field| field.name).collect();
    let unknown =
        given.keys().filter(|key| !known.contains(&key.as_str()) && !key.starts_with("x-"));
    unknown
        .take(MOST)
        .map(|key| Problem {
            path: key.clone(),
            message: format!("{} `{}` has no key `{key}`", entry.family.as_str(), entry.name),
            expected: Some(known.join(", ")),
            nearest: nearest(key, known.iter().copied()),
        })
        .collect()
}

/// The known name that `text` most likely means; none when nothing is near.
pub fn nearest<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    /// Jaro-Winkler similarity below which a hint would be a guess; found by trying typos of our
    /// own keys (`timout` 0.97, `retires` 0.94, `colour` against `command` 0.67).
    const NEAR: f64 = 0.8;
    let scored = known.into_iter().map(|name| (strsim::jaro_winkler(text, name), name));
    let best = scored.filter(|(score, _)| *score >= NEAR).max_by(|a, b| a.0.total_cmp(&b.0));
    best.map(|(_, name)| name.to_owned())
}

fn written(of: FieldType, default: &str) -> Value {
    match of {
        FieldType::Flag => json!(default == "true"),
        FieldType::Count(..) => json!(default.parse::<u64>().expect("a default count is a number")),
        FieldType::Argv | FieldType::Texts | FieldType::Roles => {
            json!(default.split(' ').collect::<Vec<_>>())
        }
        FieldType::TextMap | FieldType::Counts(_) => json!({}),
        FieldType::Text
        | FieldType::Name
        | FieldType::Word(_)
        | FieldType::Span
        | FieldType::Share
        | FieldType::Size(..)
        | FieldType::Address
        | FieldType::Path
        | FieldType::Url
        | FieldType::Condition => json!(default),
    }
}

/// What a field of this type expects, for messages.
pub fn expected(of: FieldType) -> String {
    match of {
        FieldType::Text => "a text".to_owned(),
        FieldType::Word(words) => words.join(", "),
        FieldType::Argv => "a list: the program and its arguments".to_owned(),
        FieldType::Texts => "a text or a list of texts".to_owned(),
        FieldType::Roles => "the name of a role, or a list of them".to_owned(),
        FieldType::Flag => "true or false".to_owned(),
        FieldType::Count(least, most) => format!("a whole number from {least} to {most}"),
        FieldType::Span => "a duration such as 30s, 5m or 24h".to_owned(),
        FieldType::Share => "a share such as 10%".to_owned(),
        FieldType::Size(least, most) => {
            format!("a size from {} to {}", size::written(least), size::written(most))
        }
        FieldType::Address => "an address and port such as 127.0.0.1:3000".to_owned(),
        FieldType::Path => "a path inside the project, or an absolute one".to_owned(),
        FieldType::Url => "an address that begins with http://, https:// or {green}".to_owned(),
        FieldType::Condition => "a comparison in quotes such as \"< 5%\"".to_owned(),
        FieldType::TextMap => "a map of texts".to_owned(),
        FieldType::Counts(words) => {
            format!("a map of counts such as {{ {}: 0 }}, by {}", words[0], words.join(", "))
        }
        FieldType::Name => "a name: 1 to 63 of a-z, 0-9 and -".to_owned(),
    }
}

fn read(of: FieldType, path: &str, value: &Value) -> Result<Value, Problem> {
    let wrong = || Problem::new(path, format!("`{path}` is {}", described(value)), expected(of));
    let told = |message: String| Problem::new(path, message, expected(of));
    match of {
        FieldType::Flag => value.as_bool().map(Value::from).ok_or_else(wrong),
        FieldType::Count(least, most) => {
            let count = value.as_u64().filter(|count| (least..=most).contains(count));
            count.map(Value::from).ok_or_else(wrong)
        }
        FieldType::Argv => texts(path, value, of).and_then(|texts| match texts.first() {
            None => Err(wrong()),
            Some(program) if program.trim().is_empty() => {
                Err(told(format!("`{path}` names no program")))
            }
            Some(_) => Ok(json!(texts)),
        }),
        FieldType::Texts | FieldType::Roles => match value.as_str() {
            Some(one) => Ok(json!([one])),
            None => texts(path, value, of).map(|texts| json!(texts)),
        },
        FieldType::TextMap => text_map(path, value, of),
        FieldType::Counts(words) => counts(path, value, of, words),
        FieldType::Text
        | FieldType::Name
        | FieldType::Word(_)
        | FieldType::Span
        | FieldType::Share
        | FieldType::Size(..)
        | FieldType::Address
        | FieldType::Path
        | FieldType::Url
        | FieldType::Condition => {
            let text = value.as_str().filter(|text| !text.is_empty()).ok_or_else(wrong)?;
            read_text(of, path, text).map_err(|message| match message {
                Some(message) => told(message),
                None => wrong(),
            })
        }
    }
}

fn read_text(of: FieldType, path: &str, text: &str) -> Result<Value, Option<String>> {
    match of {
        FieldType::Word(words) if !words.contains(&text) => {
            Err(Some(format!("`{path}` cannot be `{text}`")))
        }
        FieldType::Span => {
            text.parse::<Span>().map(|span| json!(span.milliseconds())).map_err(Some)
        }
        FieldType::Share => {
            text.parse::<Weight>().map(|share| json!(share.basis_points())).map_err(Some)
        }
        FieldType::Size(least, most) => {
            let bytes = size::bytes(text).filter(|bytes| (least..=most).contains(bytes));
            bytes.map(Value::from).ok_or(None)
        }
        FieldType::Name => Name::new(text).map(|_| json!(text)).map_err(|_| None),
        FieldType::Address => {
            text.parse::<std::net::SocketAddr>().map(|_| json!(text)).map_err(|_| None)
        }
        FieldType::Path if text.split('/').any(|part| part == "..") || text.contains('\0') => {
            Err(Some(format!("`{text}` leaves the project")))
        }
        FieldType::Url
            if !["http://", "https://", "{green}"].iter().any(|start| text.starts_with(start)) =>
        {
            Err(None)
        }
        FieldType::Condition if !text.starts_with(['<', '>', '=', '+']) => Err(None),
        _ => Ok(json!(text)),
    }
}

fn texts(path: &str, value: &Value, of: FieldType) -> Result<Vec<String>, Problem> {
    let list = value.as_array().ok_or_else(|| {
        Problem::new(path, format!("`{path}` is {}", described(value)), expected(of))
    })?;
    let read = list.iter().enumerate().map(|(index, item)| {
        item.as_str().map(str::to_owned).ok_or_else(|| {
            let path = format!("{path}[{index}]");
            Problem::new(&path, format!("`{path}` is {}", described(item)), "a text".to_owned())
        })
    });
    read.collect()
}

fn text_map(path: &str, value: &Value, of: FieldType) -> Result<Value, Problem> {
    let map = value.as_object().ok_or_else(|| {
        Problem::new(path, format!("`{path}` is {}", described(value)), expected(of))
    })?;
    for (key, item) in map {
        if !item.is_string() {
            let path = format!("{path}.{key}");
            return Err(Problem::new(&path, format!("`{path}` is {}", described(item)), "a text"));
        }
    }
    Ok(value.clone())
}

fn counts(path: &str, value: &Value, of: FieldType, words: &[&str]) -> Result<Value, Problem> {
    let map = value.as_object().filter(|map| !map.is_empty()).ok_or_else(|| {
        Problem::new(path, format!("`{path}` is {}", described(value)), expected(of))
    })?;
    for (key, item) in map {
        let path = format!("{path}.{key}");
        if !words.contains(&key.as_str()) {
            let mut problem =
                Problem::new(&path, format!("`{path}` counts nothing"), words.join(", "));
            problem.nearest = nearest(key, words.iter().copied());
            return Err(problem);
        }
        if !item.is_u64() {
            let message = format!("`{path}` is {}", described(item));
            return Err(Problem::new(&path, message, "a count such as 0"));
        }
    }
    Ok(value.clone())
}

fn described(value: &Value) -> String {
    match value {
        Value::Null => "empty".to_owned(),
        Value::Bool(flag) => format!("the yes-no value `{flag}`"),
        Value::Number(number) => format!("the number `{number}`"),
        Value::String(text) if text.is_empty() => "an empty text".to_owned(),
        Value::String(text) => format!("the text `{text}`"),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a map".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Family, Field, KindState};

    const ENTRY: KindEntry = KindEntry {
        family: Family::Target,
        name: "sample",
        summary: "",
        example: "",
        state: KindState::Built,
        capabilities: &[],
        fields: &[
            Field { name: "command", of: FieldType::Argv, default: None, doc: "" },
            Field { name: "wait", of: FieldType::Span, default: Some("30s"), doc: "" },
            Field { name: "folder", of: FieldType::Path, default: Some(""), doc: "" },
            Field { name: "log", of: FieldType::Size(1000, 2048), default: Some("2KiB"), doc: "" },
        ],
        validate: |_| Vec::new(),
    };

    #[test]
    fn defaults_are_filled_in_and_quantities_are_numbers() {
        let checked = check(&ENTRY, &json!({"command": ["./app"], "x-own": 1})).unwrap();
        assert_eq!(checked, json!({"command": ["./app"], "wait": 30_000, "log": 2048}));
    }

    #[test]
    fn a_size_carries_its_unit_and_keeps_its_bounds() {
        let read = |text: &str| check(&ENTRY, &json!({"command": ["./app"], "log": text}));
        assert_eq!(read("1KB").unwrap()["log"], 1000);
        for bad in ["999B", "3KiB", "1000", "1 KB"] {
            let problems = read(bad).unwrap_err();
            assert_eq!(problems[0].expected.as_deref(), Some("a size from 1KB to 2KiB"), "{bad}");
        }
        assert!(check(&ENTRY, &json!({"command": ["./app"], "log": 1000})).is_err());
    }

    #[test]
    fn every_problem_is_reported_with_the_nearest_name() {
        let problems =
            check(&ENTRY, &json!({"comand": ["x"], "wait": "-5m", "folder": "a/../../b"}))
                .unwrap_err();
        let paths: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(paths, ["comand", "command", "wait", "folder"]);
        assert_eq!(problems[0].nearest.as_deref(), Some("command"));
    }
}
