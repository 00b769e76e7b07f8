//! Secrets that a test plants, in the forms in which programs repeat such things. Owns what counts as
//! showing one; masks nothing.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// How much of a form already shows it, in characters: what cuts a text must not leave half of one.
/// The values differ from each other and from whatever else is written long before.
const TELLING: usize = 12;

/// So many secrets, each in six forms.
pub struct Planted {
    forms: Vec<(String, String)>,
    search: AhoCorasick,
}

impl Planted {
    /// Makes up the first `count` of them, always the same.
    ///
    /// # Panics
    /// When there are more than a search can hold.
    pub fn new(count: usize) -> Self {
        let forms: Vec<_> =
            (0..count).flat_map(|index| forms(index, &Self::value(index))).collect();
        let begins = forms.iter().map(|(_, form)| form.chars().take(TELLING).collect::<String>());
        let search = AhoCorasick::new(begins).expect("a few thousand short texts");
        Self { forms, search }
    }

    /// A value of the lengths and signs that stores hand out; the same for the same `index`.
    pub fn value(index: usize) -> String {
        const SIGNS: &[u8] = b"abzAZ019+/=-_.!\"\\%&?#";
        let mut state = (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut value = format!("k{index}");
        for _ in 0..10 + index % 30 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let place = usize::try_from(state >> 33).unwrap_or_default() % SIGNS.len();
            value.push(char::from(SIGNS[place]));
        }
        value + "z"
    }

    /// Writes them into a new folder as the store `file` reads them, `S0` and so on.
    ///
    /// # Panics
    /// When that cannot be written.
    pub fn keep(&self, folder: &Path) {
        std::fs::create_dir(folder).expect("a new folder");
        for index in 0..self.forms.len() / 6 {
            let file = folder.join(format!("S{index}"));
            std::fs::write(&file, Self::value(index)).expect("the secret is written");
            let mode = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(&file, mode).expect("its mode is set");
        }
    }

    /// All of them in all forms, one line each: `S3 hex …;`.
    pub fn said(&self) -> String {
        self.forms.iter().fold(String::new(), |mut said, (name, form)| {
            let _ = writeln!(said, "{name} {form};");
            said
        })
    }

    /// Which outputs show one of them, or its beginning: the name of each, and of the form, once.
    pub fn shown<'a>(&self, outputs: &'a [(String, Vec<u8>)]) -> Vec<(&'a str, &str)> {
        let mut shown = Vec::new();
        for (name, bytes) in outputs {
            let found = self.search.find_iter(bytes);
            let found = found.map(|hit| self.forms[hit.pattern().as_usize()].0.as_str());
            shown.extend(found.map(|form| (name.as_str(), form)));
        }
        shown.dedup();
        shown
    }
}

/// The forms of one value, with their names.
fn forms(index: usize, value: &str) -> [(String, String); 6] {
    let escaped = serde_json::Value::String(value.to_owned()).to_string();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let url = value.bytes().map(|byte| match byte {
        byte if plain(&byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    [
        ("raw", value.to_owned()),
        ("base64", STANDARD.encode(value)),
        ("base64url", URL_SAFE.encode(value)),
        ("url", url.collect()),
        ("json", escaped[1..escaped.len() - 1].to_owned()),
        ("hex", value.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()),
    ]
    .map(|(name, form)| (format!("S{index} {name}"), form))
}
