//! Values made from the tables of the sections, by way of the JSON Schema that comes from them. Knows
//! no section by name; what keys mean together is the business of whoever asks for a value.

use std::cell::Cell;

use serde_json::{Map, Value, json};
use towpath_config::schema;
use towpath_ports::catalogue::{Catalogue, Family};

/// Texts that YAML reads as something else, or not at all, unless they are written with care.
const TEXTS: &[&str] = &[
    "alpha",
    "a text",
    "yes",
    "null",
    "5",
    "1e3",
    "~",
    "true",
    "a: b",
    "a #b",
    "#a",
    "- a",
    "é 检查",
    " led",
    "tail ",
    "two\nlines",
    "a\tb",
    "{green}",
    "[a]",
    "\"quoted\"",
    "it's",
    "&a",
    "*a",
    "!a",
    "%a",
    "@a",
    "`a`",
    "|",
    ">",
    "? a",
    "a:",
    ",",
    "/a/b",
    "$x",
    "0x10",
    "2026-12-24",
    "\\",
    "a  b",
];

/// Texts for each pattern of the schema. A pattern that is not here is a new shape, which asks for
/// its texts.
const PATTERNS: &[(&str, &[&str])] = &[
    (
        r"^\s*[0-9]+(ms|s|m|h|d)(\s+[0-9]+(ms|s|m|h|d))*\s*$",
        &["30s", "5m", "250ms", "1h 30m", "365d"],
    ),
    (
        r"^\s*(0+(ms|s|m|h|d)\s+)*0*[1-9][0-9]*(ms|s|m|h|d)(\s+[0-9]+(ms|s|m|h|d))*\s*$",
        &["30s", "5m", "250ms", "1h 30m", "365d"],
    ),
    (
        r"^(([0-9]{1,2}|0[0-9]{2})([.][0-9]{1,2})?|100([.]0{1,2})?)%$",
        &["10%", "0.5%", "99.95%", "100%"],
    ),
    (r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", &["alpha", "beta"]),
    (r"^(x-|[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$)", &["alpha", "beta"]),
    (r"^[+]?0*([1-9][0-9]{0,5}|1000000)\s*requests?$", &["1 request", "500 requests"]),
    (r"^>\s*(([0-9]{1,2}|0[0-9]{2})([.][0-9]{1,2})?|100([.]0{1,2})?)%\s*$", &["> 5%", ">0.25%"]),
    (
        r"^([+]\s*((0{0,2}[1-9]|0?[1-9][0-9])([.][0-9]{1,2})?|0{1,3}[.](0[1-9]|[1-9][0-9]?)|100([.]0{1,2})?)%|>\s*(0+(ms|s|m|h|d)\s+)*0*[1-9][0-9]*(ms|s|m|h|d)(\s+[0-9]+(ms|s|m|h|d))*)\s*$",
        &["+20%", "> 300ms"],
    ),
    (r"^/", &["/health", "/a b?c={d}#e"]),
    (
        r"^(/[^/.?#%\u0000-\u0020\u007f][^/?#%\u0000-\u0020\u007f]*)+/?$",
        &["/checkout", "/caf\u{e9}/@{x}:y,z/"],
    ),
    (r"^[$€£¥][0-9]{1,12}([.][0-9]{2})?/(hour|day|month|year)$", &["$420/month", "€0.50/hour"]),
    (r"^[0-9]{1,6}([.][0-9]{1,2})?(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$", &["512MB", "1GiB"]),
    (r"^[0-9]{1,6}(m|[.][0-9]{1,2})?$", &["0.5", "2", "500m"]),
    (r"^[0-9]{1,12}/(s|m|h|d)$", &["100/s", "5/d"]),
    (
        r"^(<=?|>=?|=)\s*(([0-9]{1,2}|0[0-9]{2})([.][0-9]{1,2})?|100([.]0{1,2})?)%\s*$",
        &[">= 99.9%", "<5%"],
    ),
    (
        r"^(>=?|=)\s*(([0-9]{1,2}|0[0-9]{2})([.][0-9]{1,2})?|100([.]0{1,2})?)%\s*$",
        &[">= 99.9%", ">5%", "= 100%"],
    ),
    (
        r"^(<=?|=)\s*(([0-9]{1,2}|0[0-9]{2})([.][0-9]{1,2})?|100([.]0{1,2})?)%\s*$",
        &["< 0.1%", "<=5%", "= 0%"],
    ),
    (r"^(<=?|=)\s*[0-9]+(ms|s|m|h|d)(\s+[0-9]+(ms|s|m|h|d))*\s*$", &["< 200ms", "<= 1h 30m"]),
    (r"^(>=?|=)\s*[0-9]{1,12}/(s|m|h|d)\s*$", &[">= 100/s"]),
    (
        r"^(<=?|>=?|=)\s*((([0-9]{1,2}|0[0-9]{2})([.][0-9]{1,2})?|100([.]0{1,2})?)%|[0-9]+(ms|s|m|h|d)(\s+[0-9]+(ms|s|m|h|d))*|[0-9]{1,12}/(s|m|h|d)|([0-9]+([.][0-9]+)?|[.][0-9]+))\s*$",
        &["> 5%", "> 300ms", "= 0", "> 5/m"],
    ),
    (r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$", &["2027-12-24", "2028-02-29"]),
    (
        r"^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$",
        &["09:00-16:00", "22:00-06:00"],
    ),
    (r"^(UTC|[A-Za-z]+(/[A-Za-z0-9_+-]+)+)$", &["UTC", "Europe/Berlin", "America/New_York"]),
    (r"^(x-|[A-Za-z_][A-Za-z0-9_]{0,254}$)", &["APP_LEVEL", "kind", "no"]),
    (
        r"^(x-|([A-Za-z0-9_*+#@-]+([.][A-Za-z0-9_*+#@-]+)*[.]?/)*[A-Za-z0-9_*+#@-]+([.][A-Za-z0-9_*+#@-]+)*$)",
        &["main", "release/*", "5"],
    ),
    (r"^[^=\u0000]+$", &["NODE_ENV", "a.b", "5", "no", "x y"]),
    (
        r"^((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])([.](25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}|\[[0-9A-Fa-f:.]+(%[0-9]+)?\]):0*([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$",
        &["127.0.0.1:3000", "[::1]:80"],
    ),
    (r"^https?://", &["https://example.org/a?b=c#d", "http://127.0.0.1:1"]),
    (r"^(https?://|[{]green[}])", &["https://example.org/a?b=c#d", "http://127.0.0.1:1"]),
    (r"^[<>=+]", &["< 5%", "> 300ms"]),
];

/// Makes values from one schema.
pub(crate) struct Generator {
    root: Value,
    catalogue: Catalogue,
    state: u64,
    /// Which text is next where any text may stand.
    next_text: Cell<usize>,
}

impl Generator {
    /// The same seed gives the same values.
    pub(crate) fn new(seed: u64) -> Self {
        let catalogue = towpath_adapters::catalogue();
        Self { root: schema(&catalogue), catalogue, state: seed, next_text: Cell::new(0) }
    }

    /// Sections of a place (`environment`, `service`, `shared`, or the top for the empty name), each
    /// with its part of the schema.
    pub(crate) fn sections(&self, place: &str) -> Vec<(String, Value)> {
        let of = if place.is_empty() { &self.root } else { &self.root["$defs"][place] };
        let all = of["properties"].as_object().expect("a place has sections").iter();
        all.map(|(name, section)| (name.clone(), section.clone())).collect()
    }

    /// A number below `many` (splitmix64, <https://prng.di.unimi.it/splitmix64.c>).
    pub(crate) fn below(&mut self, many: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % many as u64).expect("below a usize")
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// Any value that fits `schema`.
    pub(crate) fn value(&mut self, schema: &Value) -> Value {
        let all = self.alternatives(schema);
        if !all.is_empty() {
            let schema = self.one(&all).clone();
            return self.value(&schema);
        }
        if let Some(words) = schema["enum"].as_array() {
            return self.one(words).clone();
        }
        match type_of(schema) {
            Some("object") => self.object(schema),
            Some("array") => {
                let many = 1 + self.below(2);
                let mut items: Vec<_> = (0..many).map(|_| self.value(&schema["items"])).collect();
                if schema["uniqueItems"] == json!(true) {
                    items.dedup();
                }
                json!(items)
            }
            _ => {
                let all = leaves(schema);
                self.one(&all).clone()
            }
        }
    }

    fn object(&mut self, schema: &Value) -> Value {
        let mut made = Map::new();
        if schema["additionalProperties"].is_object() {
            let keys = keys(&schema["propertyNames"]);
            for _ in 0..=self.below(2) {
                let key = self.one(&keys).clone();
                made.insert(key, self.value(&schema["additionalProperties"]));
            }
            return Value::Object(made);
        }
        for (key, of) in schema["properties"].as_object().into_iter().flatten() {
            if is_required(schema, key) || self.below(3) == 0 {
                made.insert(key.clone(), self.value(of));
            }
        }
        if self.below(8) == 0 {
            made.insert("x-own".to_owned(), json!([{ "kind": null }]));
        }
        Value::Object(made)
    }

    /// Values of which each holds one thing more than must be there; together they hold every key,
    /// every kind and every word.
    pub(crate) fn each_alone(&self, schema: &Value) -> Vec<Value> {
        let all = self.alternatives(schema);
        if !all.is_empty() {
            return all.iter().flat_map(|schema| self.each_alone(schema)).collect();
        }
        if let Some(words) = schema["enum"].as_array() {
            return words.clone();
        }
        match type_of(schema) {
            Some("array") => {
                self.each_alone(&schema["items"]).into_iter().map(|it| json!([it])).collect()
            }
            Some("object") if schema["additionalProperties"].is_object() => {
                let inner = self.each_alone(&schema["additionalProperties"]);
                let keys = keys(&schema["propertyNames"]);
                let first = keys[0].clone();
                let values = inner.iter().map(|value| json!({ first.clone(): value }));
                values.chain(keys.iter().map(|key| json!({ key.clone(): inner[0] }))).collect()
            }
            Some("object") => self.each_key_alone(schema),
            Some("string") if schema["pattern"].is_null() => vec![json!(self.next_text())],
            _ => leaves(schema),
        }
    }

    /// One text after the other, so that each stands under many keys and not all under each.
    fn next_text(&self) -> &'static str {
        let at = self.next_text.get();
        self.next_text.set(at + 1);
        TEXTS[at % TEXTS.len()]
    }

    fn each_key_alone(&self, schema: &Value) -> Vec<Value> {
        let properties = schema["properties"].as_object().expect("a closed map");
        let least: Map<String, Value> = properties
            .iter()
            .filter(|(key, _)| is_required(schema, key))
            .map(|(key, of)| (key.clone(), self.each_alone(of)[0].clone()))
            .collect();
        let with = |key: &String, value: Value| {
            let mut made = least.clone();
            made.insert(key.clone(), value);
            Value::Object(made)
        };
        let keys = properties.iter();
        let mut all: Vec<Value> = keys
            .flat_map(|(key, of)| self.each_alone(of).into_iter().map(move |it| (key, it)))
            .map(|(key, value)| with(key, value))
            .collect();
        all.push(with(&"x-own".to_owned(), json!(1)));
        all
    }

    /// What a part of the schema is made of, where that is more than one thing: a reference, a
    /// choice, or a map with a kind as one closed map for each kind.
    fn alternatives(&self, schema: &Value) -> Vec<Value> {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.strip_prefix("#/$defs/").expect("references stay in the file");
            let of = &self.root["$defs"][name];
            let family = match name {
                "secret_store" => Some(Family::Secrets),
                _ => Family::ALL.into_iter().find(|family| family.as_str() == name),
            };
            return match family {
                Some(family) => self.kinds(of, Some(family)),
                None => vec![of.clone()],
            };
        }
        for word in ["oneOf", "anyOf"] {
            if let Some(choices) = schema[word].as_array() {
                return choices.clone();
            }
        }
        if schema["allOf"].is_array() { self.kinds(schema, None) } else { Vec::new() }
    }

    fn kinds(&self, schema: &Value, family: Option<Family>) -> Vec<Value> {
        let word = if family == Some(Family::Check) { "check" } else { "kind" };
        let rules = schema["allOf"].as_array().expect("one rule for each kind").iter();
        let closed = rules.map(|rule| {
            let kind = &rule["if"]["properties"][word]["const"];
            let mut then = rule["then"].clone();
            let properties = then["properties"].as_object_mut().expect("a closed map");
            for (key, of) in properties.iter_mut().filter(|(_, of)| **of == json!(true)) {
                *of = schema["properties"][key.as_str()].clone();
            }
            properties.insert(word.to_owned(), json!({ "enum": [kind] }));
            let mut required = required(&then);
            required.push(json!(word));
            let entry = family.and_then(|it| self.catalogue.find(it, kind.as_str()?));
            let fields = entry.map(|entry| entry.fields).unwrap_or_default();
            let needed = fields.iter().filter(|field| field.default.is_none());
            required.extend(needed.map(|field| json!(field.name)));
            then["required"] = json!(required);
            then
        });
        closed.collect()
    }
}

/// The type; of a map that may be left empty, that of the map.
fn type_of(schema: &Value) -> Option<&str> {
    let first = schema["type"][0].as_str().filter(|it| *it == "object");
    first.or(schema["type"].as_str())
}

fn is_required(schema: &Value, key: &str) -> bool {
    required(schema).contains(&json!(key))
}

/// What is needed here, or where a section is joined with a shared one.
pub(crate) fn required(schema: &Value) -> Vec<Value> {
    let words = ["required", "x-required"].map(|word| schema[word].as_array());
    words.into_iter().flatten().flatten().cloned().collect()
}

/// Every value that stands for a scalar.
fn leaves(schema: &Value) -> Vec<Value> {
    if let Some(word) = schema.get("const") {
        return vec![word.clone()];
    }
    let types = match &schema["type"] {
        // What has a pattern is a text, which may be written like a number.
        Value::Array(_) if schema["pattern"].is_string() => vec!["string"],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        one => vec![one.as_str().unwrap_or_default()],
    };
    let of = |name: &str| match name {
        "boolean" => vec![json!(true), json!(false)],
        "integer" => {
            let least = schema["minimum"].as_u64().expect("a count has a least");
            let most = schema["maximum"].as_u64().unwrap_or(1000);
            vec![json!(least), json!(most)]
        }
        "number" => vec![json!(5), json!(-1.5)],
        "string" => texts(schema).iter().map(|text| json!(text)).collect(),
        other => panic!("{other}: a part of the schema that nothing is known about: {schema}"),
    };
    types.into_iter().flat_map(of).collect()
}

fn texts(schema: &Value) -> &'static [&'static str] {
    let Some(pattern) = schema["pattern"].as_str() else { return TEXTS };
    let known = PATTERNS.iter().find(|(known, _)| *known == pattern);
    known.unwrap_or_else(|| panic!("texts for the pattern {pattern}")).1
}

/// Names for a map whose keys people choose.
fn keys(names: &Value) -> Vec<String> {
    match names["enum"].as_array() {
        Some(words) => words.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        None => texts(names).iter().map(|text| (*text).to_owned()).collect(),
    }
}
