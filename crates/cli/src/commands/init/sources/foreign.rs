//! Files of other tools, read into plain values: YAML with its tags, or JSON. Owns the bounds of
//! that; knows no tool.

use std::cell::Cell;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Tagged, budget, options};

use crate::exit_code::{CliError, ExitCode};
use crate::report::style::{grouped, printable};

/// Largest file that is read, in bytes. CloudFormation takes templates of 1 MB at the most
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>); the
/// assembly that CDK keeps beside them may be larger.
pub(crate) const LARGEST: u64 = 4 << 20;
/// Lists and maps inside each other, those that aliases stand for among them. Templates have about
/// twenty; each costs up to 30 KB of stack in a build without optimisation (measured), of 2 MB.
const DEEPEST: usize = 40;
/// Values of one file, those of repeated aliases among them.
const MOST_NODES: usize = 250_000;

/// A value with the tag that stood before it, such as `!Ref`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Value {
    tag: Option<String>,
    plain: Plain,
}

#[derive(Clone, Debug, PartialEq)]
enum Plain {
    Nothing,
    Flag(bool),
    /// A number as it would be written.
    Number(String),
    Text(String),
    List(Vec<Value>),
    Map(Vec<(String, Value)>),
}

/// A text file, whole.
///
/// # Errors
/// `source-unreadable` (exit 2): it is larger than `LARGEST`, no UTF-8, no file, or cannot be read.
/// `source-not-found` (exit 5): it is not there.
pub(crate) fn text(file: &Path) -> Result<String, CliError> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let found = std::fs::metadata(file);
    if found.as_ref().is_ok_and(|found| !found.is_file()) {
        return Err(unreadable(file, "it is not a file"));
    }
    let open = found.and_then(|_| std::fs::File::open(file));
    let read = open.and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        let exit = match error.kind() {
            std::io::ErrorKind::NotFound => ExitCode::NotFound,
            _ => ExitCode::Usage,
        };
        let code =
            if exit == ExitCode::NotFound { "source-not-found" } else { "source-unreadable" };
        let message = format!("nothing was written: {} could not be read", shown(file));
        return Err(CliError::new(exit, code, message)
            .because(error.to_string())
            .next("towpath help init", "which files are read"));
    }
    if bytes.len() as u64 > LARGEST {
        let cause = format!("it is larger than the {} bytes that are read", grouped(LARGEST));
        return Err(unreadable(file, cause));
    }
    String::from_utf8(bytes).map_err(|_| unreadable(file, "it is no text in UTF-8"))
}

/// The value in a file: JSON where its name ends so, else YAML.
///
/// # Errors
/// As `text`, and `source-unreadable` (exit 2) for what is no YAML or JSON, or out of bounds.
pub(crate) fn value(file: &Path) -> Result<Value, CliError> {
    let text = text(file)?;
    if file.extension().is_some_and(|it| it.eq_ignore_ascii_case("json")) {
        json(&text).map_err(|reason| unreadable(file, format!("this is not JSON: {reason}")))
    } else {
        yaml(&text).map_err(|reason| unreadable(file, format!("this is not YAML: {reason}")))
    }
}

/// The one document of `text`.
pub(crate) fn yaml(text: &str) -> Result<Value, String> {
    let options = options! {
        budget: budget! {
            max_depth: DEEPEST,
            max_nodes: MOST_NODES,
            max_events: 4 * MOST_NODES,
            max_documents: 1,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MOST_NODES,
            max_replay_stack_depth: 16,
            max_alias_expansions_per_anchor: 1000,
        },
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::AsString,
        ignore_binary_tag_for_string: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| one_line(&error.to_string()))
}

/// The one value of `text`.
pub(crate) fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| one_line(&error.to_string()))
}

/// The path as it was given, safe to print.
pub(crate) fn shown(file: &Path) -> String {
    let file: PathBuf = file.strip_prefix("./").unwrap_or(file).to_owned();
    printable(&file.display().to_string())
}

/// An error about a file that is there and says nothing that can be read.
pub(crate) fn unreadable(file: &Path, cause: impl Into<String>) -> CliError {
    let message = format!("nothing was written: {} was not read", shown(file));
    CliError::new(ExitCode::Usage, "source-unreadable", message)
        .because(cause)
        .at(shown(file))
        .next("towpath help init", "which files are read")
}

fn one_line(text: &str) -> String {
    let line = text.lines().map(str::trim).filter(|line| !line.is_empty());
    printable(&line.collect::<Vec<_>>().join(" ")).chars().take(300).collect()
}

impl Value {
    /// The value under `key` of a map.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The value at the end of a path of keys.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |value, key| value.get(key))
    }

    /// Keys and values of a map, in the order of the file; empty for what is none.
    pub(crate) fn entries(&self) -> &[(String, Self)] {
        if let Plain::Map(entries) = &self.plain { entries } else { &[] }
    }

    /// Items of a list; empty for what is none.
    pub(crate) fn items(&self) -> &[Self] {
        if let Plain::List(items) = &self.plain { items } else { &[] }
    }

    /// The text of a scalar, of a number too; none for lists, maps and nothing.
    pub(crate) fn text(&self) -> Option<String> {
        match &self.plain {
            Plain::Text(text) | Plain::Number(text) => Some(text.clone()),
            Plain::Flag(flag) => Some(flag.to_string()),
            Plain::Nothing | Plain::List(_) | Plain::Map(_) => None,
        }
    }

    /// The texts of a list; the only one of a scalar.
    pub(crate) fn texts(&self) -> Vec<String> {
        match self.items() {
            [] => self.text().into_iter().collect(),
            items => items.iter().filter_map(Self::text).collect(),
        }
    }

    /// About how much memory it takes, in bytes; none for more than `most`, at which counting ends.
    pub(crate) fn weight(&self, most: usize) -> Option<usize> {
        let (own, inner): (usize, &mut dyn Iterator<Item = (usize, &Self)>) = match &self.plain {
            Plain::Text(text) | Plain::Number(text) => (text.len(), &mut std::iter::empty()),
            Plain::Nothing | Plain::Flag(_) => (0, &mut std::iter::empty()),
            Plain::List(items) => (0, &mut items.iter().map(|item| (0, item))),
            Plain::Map(entries) => (0, &mut entries.iter().map(|(key, it)| (key.len(), it))),
        };
        let mut sum = own.checked_add(size_of::<Self>()).filter(|sum| *sum <= most)?;
        for (key, value) in inner {
            sum = sum.checked_add(key).filter(|sum| *sum <= most)?;
            sum += value.weight(most - sum)?;
        }
        Some(sum)
    }

    /// A map.
    pub(crate) fn of_entries(entries: Vec<(String, Self)>) -> Self {
        Self { tag: None, plain: Plain::Map(entries) }
    }

    /// A list.
    pub(crate) fn of_items(items: Vec<Self>) -> Self {
        Self { tag: None, plain: Plain::List(items) }
    }

    /// A text.
    pub(crate) fn of_text(text: &str) -> Self {
        Self { tag: None, plain: Plain::Text(text.to_owned()) }
    }

    /// Whether this is `true`.
    pub(crate) fn is_true(&self) -> bool {
        self.plain == Plain::Flag(true)
    }

    /// Whether this is a map.
    pub(crate) fn is_map(&self) -> bool {
        matches!(self.plain, Plain::Map(_))
    }

    /// Whether this is a list.
    pub(crate) fn is_list(&self) -> bool {
        matches!(self.plain, Plain::List(_))
    }

    /// The local tag of the value without its `!`, such as `Ref`; none for the tags of YAML itself.
    pub(crate) fn tag(&self) -> Option<&str> {
        self.tag.as_deref()?.strip_prefix('!')
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Tagged(plain, tag) = Tagged::<Plain>::deserialize(deserializer)?;
        Ok(Self { tag, plain })
    }
}

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlainVisitor)
    }
}

thread_local! {
    /// How deep the value is that is being read; the parser counts aliases as one level.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// One level of lists and maps, until it is dropped.
struct Level;

impl Level {
    fn enter<E: serde::de::Error>() -> Result<Self, E> {
        let depth = DEPTH.get();
        if depth >= DEEPEST {
            return Err(E::custom(format!("lists and maps stand more than {DEEPEST} deep")));
        }
        DEPTH.set(depth + 1);
        Ok(Self)
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get().saturating_sub(1));
    }
}

struct PlainVisitor;

impl<'de> Visitor<'de> for PlainVisitor {
    type Value = Plain;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text, a number, a list or a map")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Plain, E> {
        Ok(Plain::Flag(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Plain, E> {
        Ok(Plain::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Plain, E> {
        Ok(Plain::Number(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Plain, E> {
        Ok(Plain::Number(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Plain, E> {
        Ok(Plain::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Plain, E> {
        Ok(Plain::Number(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Plain, E> {
        Ok(Plain::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Plain, E> {
        Ok(Plain::Text(value))
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Plain, E> {
        Ok(Plain::Text(String::from_utf8_lossy(value).into_owned()))
    }

    fn visit_unit<E>(self) -> Result<Plain, E> {
        Ok(Plain::Nothing)
    }

    fn visit_none<E>(self) -> Result<Plain, E> {
        Ok(Plain::Nothing)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Plain, D::Error> {
        Plain::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Plain, A::Error> {
        let _level = Level::enter::<A::Error>()?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Plain::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Plain, A::Error> {
        let _level = Level::enter::<A::Error>()?;
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry::<String, Value>()? {
            entries.push(entry);
        }
        Ok(Plain::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_a_template_are_kept_beside_their_values() {
        let value = yaml(
            "a: !Ref Stage\nb: !Sub '${Stage}-x'\nc: !FindInMap [Sizes, !Ref Stage, memory]\n\
             d: !GetAtt Table.Arn\ne: {Ref: Stage}\nf: !If [IsProd, 10, 5]\ng: !Not [!Equals [a, b]]\n",
        )
        .unwrap();
        assert_eq!(value.get("a").unwrap().tag(), Some("Ref"));
        assert_eq!(value.get("a").unwrap().text().as_deref(), Some("Stage"));
        assert_eq!(value.get("b").unwrap().tag(), Some("Sub"));
        let found = value.get("c").unwrap();
        assert_eq!((found.tag(), found.items().len()), (Some("FindInMap"), 3));
        assert_eq!(found.items()[1].tag(), Some("Ref"));
        assert_eq!(value.at(&["e", "Ref"]).unwrap().text().as_deref(), Some("Stage"));
        assert_eq!(value.get("f").unwrap().items()[1].text().as_deref(), Some("10"));
    }

    #[test]
    fn anchors_and_merge_keys_of_compose_files_are_followed() {
        let value = yaml("x: &x {a: 1, b: two}\ny: {<<: *x, a: 3}\nz: *x\nw: ~\nv: 3000:3000\n");
        let value = value.unwrap();
        assert_eq!(value.at(&["y", "a"]).unwrap().text().as_deref(), Some("3"));
        assert_eq!(value.at(&["y", "b"]).unwrap().text().as_deref(), Some("two"));
        assert_eq!(value.at(&["z", "a"]).unwrap().text().as_deref(), Some("1"));
        assert_eq!(value.get("w").unwrap().text(), None);
        assert_eq!(value.get("v").unwrap().text().as_deref(), Some("3000:3000"));
    }

    #[test]
    fn json_is_read_into_the_same_values() {
        let text = r#"{"a": [1, true, null, "x"], "b": {"Ref": "c"}}"#;
        assert_eq!(json(text).unwrap(), yaml(text).unwrap());
    }

    #[test]
    fn hostile_texts_are_refused_and_never_panic() {
        let bomb = (0..12).fold("a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned(), |text, level| {
            let next = level + 1;
            format!("{text}a{next}: &a{next} [{}]\n", vec![format!("*a{level}"); 9].join(","))
        });
        let deep = ["[".repeat(100_000), "- ".repeat(10_000), "{a: ".repeat(5_000)];
        let nest = |inside: &str| format!("{}{inside}{}", "[".repeat(30), "]".repeat(30));
        let nested = (0..14).fold(format!("a0: &a0 {}\n", nest("x")), |text, level| {
            let next = level + 1;
            format!("{text}a{next}: &a{next} {}\n", nest(&format!("*a{level}")))
        });
        let wide = format!("[{}]", "x,".repeat(300_000));
        let wrong =
            ["a: [", "\t- x: y\n z", "a: 1\na: 2", "---\na\n---\nb", "*nobody", "? [a]\n: b"];
        for text in [bomb, nested, wide].iter().map(String::as_str).chain(wrong) {
            let said = yaml(text).expect_err(&text.chars().take(40).collect::<String>());
            assert!(said.len() < 1300 && !said.contains('\n'), "{said}");
        }
        for text in &deep {
            assert!(yaml(text).is_err() && json(text).is_err());
        }
        for text in
            ["", "\0", "!!binary x", "!", "&a *a", "%YAML 9.9\n---\n", "\u{feff}a: b", "- - -"]
        {
            let _ = yaml(text);
        }
    }

    #[test]
    fn files_out_of_bounds_say_what_is_wrong_with_them() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("compose.yaml");
        std::fs::write(&file, vec![b'#'; 10 << 20]).unwrap();
        let said = |file: &Path| value(file).unwrap_err().trouble().clone();
        assert_eq!(
            said(&file).cause.as_deref(),
            Some("it is larger than the 4,194,304 bytes that are read")
        );
        std::fs::write(&file, [0xff, 0xfe]).unwrap();
        assert_eq!(said(&file).cause.as_deref(), Some("it is no text in UTF-8"));
        assert_eq!(said(folder.path()).exit, ExitCode::Usage);
        assert_eq!(said(&folder.path().join("none")).exit, ExitCode::NotFound);
    }
}
