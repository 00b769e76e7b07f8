//! The page of the events: what each says and what it is told with. Names and forms are those of the stored examples,
//! which a test of the core holds against the code; what they mean is what the code says of its own types. Owns how that
//! is laid out.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Map, Value};
use towpath_core::notices::Occasion;

/// Where events are declared, and the types that they hold.
const DECLARED: &str = "crates/core/src/journal.rs";
const TYPES: &str = "crates/core/src";
/// Where each event has its stored example.
const EXAMPLES: &str = "crates/core/tests/golden";
const OCCASIONS: &str = "crates/core/src/notices/mod.rs";

const HEAD: &str = "\
# Events

Written from the code. What happens is one of these events, wherever it is read:

| where | what one line or message is |
|---|---|
| `GET /v1/events`, `history --json` | an object with the envelope below; the event is its `body` |
| `GET /v1/stream` | `event: journal`, `id:` the position, and the same object as `data:` |
| `audit export`, `GET /v1/audit/export` | the envelope and the body as the text that was hashed: [Formats of the audit](audit-formats.md) |

| field of the envelope | what it is |
|---|---|
| `seq` | the position in the journal, from 1, without gaps |
| `at` | microseconds since 1970, UTC |
| `lane` | `SERVICE/ENVIRONMENT`; null: it belongs to the project |
| `promotion` | the number of the promotion that it belongs to, or null |
| `actor` | who caused it |
| `kind` | its name, as below |
| `body` | what the table of its name has, and `event` with the name once more. Secrets of a matrix are hidden from readers |
| `hash` | over the hash before it and all of the above |

Events and fields are added, and never change their meaning. A field that may be missing is left out where there is
nothing to say. Times are microseconds since 1970, durations milliseconds, weights fractions of 1.

The stream has two more messages: `telemetry`, once a second at the most, for a lane that rolls, when its weights, evidence
or verdict changed (it has no `id`: it is not in the journal); and `resync`, the state as `GET /v1/status` has it, for
whoever missed too much to be told one by one.
";

/// What the code says of something.
#[derive(Default)]
struct Said {
    /// The comment over it.
    about: String,
    /// Its fields: what each is called in JSON, the comment, and whether it may be missing.
    fields: Vec<(String, String, bool)>,
    /// The type that it holds instead.
    holds: Option<String>,
}

/// The whole page.
///
/// # Errors
/// When a source or an example cannot be read, or one has no other.
pub(crate) fn page(root: &Path) -> Result<String> {
    let events = variants(&read(&root.join(DECLARED))?);
    let types = types(&root.join(TYPES))?;
    let mut text = HEAD.to_owned();
    for (name, said) in &events {
        let kind = kebab(name);
        let file = root.join(EXAMPLES).join(format!("{kind}.json"));
        let example: Map<String, Value> = serde_json::from_str(&read(&file)?)
            .with_context(|| format!("{} is no object", file.display()))?;
        let of = said.holds.as_ref().and_then(|name| types.get(name)).unwrap_or(said);
        let _ = write!(text, "\n## `{kind}`\n\n{}\n", said.about);
        fields(&mut text, &example, of);
    }
    ensure!(events.len() > 60, "the events of {DECLARED} are not found any more");
    notices(&mut text, &read(&root.join(OCCASIONS))?)?;
    Ok(text)
}

fn fields(text: &mut String, example: &Map<String, Value>, said: &Said) {
    let rows: Vec<_> = example.iter().filter(|(name, _)| *name != "event").collect();
    if rows.is_empty() {
        return;
    }
    text.push_str("\n| field | form | what it is |\n|---|---|---|\n");
    for (name, value) in rows {
        let found = said.fields.iter().find(|(own, ..)| own == name);
        let about = found.map(|(_, about, _)| about.as_str()).unwrap_or_default();
        let missing =
            if found.is_some_and(|(.., missing)| *missing) { ", may be missing" } else { "" };
        let _ = writeln!(text, "| `{name}` | {}{missing} | {} |", form(value), cell(about));
    }
}

/// What is told of what, with the types of the bodies.
fn notices(text: &mut String, source: &str) -> Result<()> {
    text.push_str(
        "\n# Notices\n\nWhat [channels are told](../how-to/tell-people.md), by its key in `notify`. The type is that of the \
         default form of a `webhook`, CloudEvents; `cdevents` has types of its own.\n\n\
         | occasion | told when | type of the event |\n|---|---|---|\n",
    );
    let said: BTreeMap<String, Said> = block(source, "pub enum Occasion {").into_iter().collect();
    for occasion in Occasion::RULED.into_iter().chain([Occasion::Before, Occasion::Test]) {
        let key = occasion.key();
        let name: String = key.split('_').map(capital).collect();
        let about = &said.get(&name).with_context(|| format!("nothing says what {key} is"))?.about;
        let about_what = if occasion == Occasion::Test { "channel" } else { "promotion" };
        let _ = writeln!(text, "| `{key}` | {} | `towpath.{about_what}.{key}` |", cell(about));
    }
    Ok(())
}

fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_uppercase() + rest
}

fn cell(text: &str) -> String {
    text.trim_end_matches('.').replace('|', "\\|")
}

fn form(value: &Value) -> &'static str {
    match value {
        Value::Null => "null or more",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for character in name.chars() {
        if character.is_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.extend(character.to_lowercase());
    }
    kebab
}

fn variants(source: &str) -> Vec<(String, Said)> {
    block(source, "pub enum Event {")
}

/// Every public type with fields below `folder`, by name.
fn types(folder: &Path) -> Result<BTreeMap<String, Said>> {
    let mut found = BTreeMap::new();
    for file in sources(folder)? {
        let text = read(&file)?;
        for line in text.lines() {
            let name = line.strip_prefix("pub struct ").and_then(|rest| rest.strip_suffix(" {"));
            if let Some(name) = name {
                let fields = block(&text, line).into_iter();
                let said = Said {
                    fields: fields
                        .map(|(name, said)| (name, said.about, said.fields.len() == 1))
                        .collect(),
                    ..Said::default()
                };
                found.insert(name.to_owned(), said);
            }
        }
    }
    Ok(found)
}

fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// What stands one step in from a declaration that begins with the line `begin`, in its order: the variants of an enum with
/// their fields, or the fields of a struct, where one that may be missing has a mark for a field. As the formatter lays it out.
fn block(source: &str, begin: &str) -> Vec<(String, Said)> {
    let inside =
        source.lines().skip_while(|line| *line != begin).skip(1).take_while(|line| *line != "}");
    let (mut found, mut about, mut attributes) =
        (Vec::<(String, Said)>::new(), String::new(), String::new());
    for line in inside {
        let (depth, line) = (line.len() - line.trim_start().len(), line.trim());
        if let Some(comment) = line.strip_prefix("///") {
            format!("{about} {}", comment.trim()).trim().clone_into(&mut about);
        } else if line.starts_with("#[") {
            attributes.push_str(line);
        } else if depth == 4 && line.starts_with(|sign: char| sign.is_alphabetic()) {
            found.push(item(line, std::mem::take(&mut about), &std::mem::take(&mut attributes)));
        } else if depth == 8 && line.starts_with(|sign: char| sign.is_alphabetic()) {
            let (name, said) =
                item(line, std::mem::take(&mut about), &std::mem::take(&mut attributes));
            if let Some((_, variant)) = found.last_mut() {
                variant.fields.push((name, said.about, said.fields.len() == 1));
            }
        }
    }
    found
}

/// A variant or a field by its line, its comment and its attributes.
fn item(line: &str, about: String, attributes: &str) -> (String, Said) {
    let line = line.strip_prefix("pub ").unwrap_or(line);
    let end = line.find([':', '(', ' ', ',']).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    let renamed = attributes.split("rename = \"").nth(1).and_then(|rest| rest.split('"').next());
    let held = rest.strip_prefix('(').and_then(|rest| rest.split(')').next());
    let holds = held.map(|held| held.trim_start_matches("Box<").trim_end_matches('>').to_owned());
    let mut fields = Vec::new();
    if attributes.contains("skip_serializing_if") {
        fields.push((String::new(), String::new(), true));
    }
    (renamed.unwrap_or(name).to_owned(), Said { about, fields, holds })
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_code_says_is_read_with_names_marks_and_what_is_held() {
        let source = "pub enum Event {\n    /// One.\n    /// Twice.\n    First {\n        /// Why.\n        \
             #[serde(default, skip_serializing_if = \"Option::is_none\")]\n        reason: Option<String>,\n        \
             /// For how long.\n        #[serde(rename = \"for\")]\n        lasts: u64,\n    },\n    /// Two.\n    \
             TwoWords(Box<Held>),\n}\n";
        let found = variants(source);
        let (name, first) = &found[0];
        assert_eq!((kebab(name), first.about.as_str()), ("first".to_owned(), "One. Twice."));
        let field = |name: &str, about: &str, missing| (name.to_owned(), about.to_owned(), missing);
        assert_eq!(
            first.fields,
            [field("reason", "Why.", true), field("for", "For how long.", false)]
        );
        assert_eq!(kebab(&found[1].0), "two-words");
        assert_eq!(found[1].1.holds.as_deref(), Some("Held"));
    }
}
