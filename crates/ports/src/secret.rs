//! Hands out secrets, and makes sure that they are shown nowhere. Keeps none longer than it is used;
//! knows no store.

use std::fmt;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Where secrets are kept.
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// Reads the secret that the matrix calls `name`, as it is now. Safe to repeat; never answers from
    /// memory, so that a secret that was replaced counts at once.
    ///
    /// # Errors
    /// One sentence for a person, which holds nothing of the secret. Whoever needed it goes without,
    /// and never with an empty one.
    async fn read(&self, name: &str) -> Result<Secret, String>;
}

/// A value that is shown nowhere: neither in messages nor in the journal nor to whoever debugs.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes `value`, which is not empty.
    pub fn new(value: String) -> Option<Self> {
        (!value.is_empty()).then_some(Self(value))
    }

    /// The value, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(MASK)
    }
}

/// What stands where a secret stood.
pub const MASK: &str = "***";

/// The shortest value whose encoded forms are looked for, in bytes: of shorter ones these are so short
/// that they stand in any text.
const ENCODED_FROM: usize = 6;

/// Takes secrets out of texts that others wrote: as they are, in Base64 wherever they begin in it, in
/// hexadecimal digits, with the escapes of addresses, forms and JSON, and line by line where a secret has several.
#[derive(Clone, Default)]
pub struct Masker {
    /// Longest first, so that no part of a longer one stays.
    needles: Vec<String>,
}

impl fmt::Debug for Masker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Masker of {} forms", self.needles.len())
    }
}

impl Masker {
    /// For these secrets.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut needles: Vec<String> = secrets.into_iter().flat_map(forms).collect();
        needles.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
        needles.dedup();
        Self { needles }
    }

    /// `text` without them. A text that came in parts is put together first: a secret may stand on
    /// both sides of a cut.
    pub fn mask(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for needle in &self.needles {
            if text.contains(needle) {
                text = text.replace(needle, MASK);
            }
        }
        text
    }
}

fn forms(secret: &Secret) -> Vec<String> {
    let value = secret.reveal();
    let mut forms = vec![value.to_owned()];
    let lines = value.lines().map(str::trim).filter(|line| line.len() >= ENCODED_FROM);
    forms.extend(lines.map(str::to_owned));
    // An address is told without its scheme and host as well: the rest is what opens the door.
    forms.extend(path_of(value).map(str::to_owned));
    if value.len() >= ENCODED_FROM {
        for own in forms.clone() {
            let escaped = serde_json::Value::String(own.clone()).to_string();
            forms.push(escaped[1..escaped.len() - 1].to_owned());
            let upper = percent(&own, |byte| format!("%{byte:02X}"));
            forms.push(upper.replace("%20", "+"));
            forms.push(percent(&own, |byte| format!("%{byte:02x}")));
            forms.push(upper);
            let hex = digits(own.as_bytes());
            forms.push(hex.to_ascii_uppercase());
            forms.push(hex);
            forms.extend((0..3).flat_map(|offset| base64(own.as_bytes(), offset)));
        }
    }
    forms.retain(|form| !form.is_empty());
    forms.sort();
    forms.dedup();
    forms
}

/// What stands behind the host of an address, if that is long enough to be a secret.
fn path_of(value: &str) -> Option<&str> {
    let (_, rest) = value.split_once("://")?;
    let (_, path) = rest.split_once('/')?;
    (path.len() >= ENCODED_FROM).then_some(path)
}

/// Everything but the unreserved characters of RFC 3986 (2.3) as `escape` has it.
fn percent(value: &str, escape: impl Fn(u8) -> String) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    value
        .bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { escape(byte) })
        .collect()
}

/// Two digits for each byte.
fn digits(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

/// The characters that are the same whatever stands before and behind `value`, which begins `offset`
/// bytes behind a multiple of three; in both alphabets of RFC 4648.
fn base64(value: &[u8], offset: usize) -> [String; 2] {
    let bytes = [&vec![0; offset], value].concat();
    let (first, last) = ((offset * 8).div_ceil(6), bytes.len() * 8 / 6);
    [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)]
        .map(|text| text[first..last].to_owned())
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn masker(value: &str) -> Masker {
        Masker::new([&Secret::new(value.to_owned()).unwrap()])
    }

    #[test]
    fn a_secret_is_masked_in_every_form_that_a_channel_might_repeat() {
        let value = "p\"ss wörd/+&?7";
        let masker = masker(value);
        let inside = |text: String| {
            let masked = masker.mask(&text);
            assert!(masked.contains(MASK), "{text} became {masked}");
        };
        inside(format!("login with {value} failed"));
        inside(serde_json::json!({ "password": value }).to_string());
        inside("q=p%22ss%20w%C3%B6rd%2F%2B%26%3F7&x".to_owned());
        inside("q=p%22ss+w%C3%B6rd%2F%2B%26%3F7".to_owned());
        inside("q=p%22ss%20w%c3%b6rd%2f%2b%26%3f7".to_owned());
        for before in ["", "a", "ab", "abc", "user:"] {
            let wrapped = format!("{before}{value} and more");
            inside(STANDARD.encode(&wrapped));
            inside(URL_SAFE_NO_PAD.encode(&wrapped));
        }
        assert_eq!(masker.mask("nothing to see"), "nothing to see");
    }

    /// Secrets of the lengths and signs that stores hand out.
    fn planted(index: u64) -> String {
        let signs: Vec<char> = "abzAZ019+/=-_.!\"\\ %&?#ä€".chars().collect();
        let mut state = index.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap()
        };
        let length = 8 + next() % 40;
        let body: String = (0..length).map(|_| signs[next() % signs.len()]).collect();
        format!("k{index}{body}z")
    }

    #[test]
    fn t1_two_hundred_planted_secrets_are_found_in_none_of_six_encodings() {
        let mut texts = 0;
        for index in 0..200 {
            let value = planted(index);
            let masker = masker(&value);
            let escaped = serde_json::Value::String(value.clone()).to_string();
            let hex = digits(value.as_bytes());
            let encoded = [
                value.clone(),
                percent(&value, |byte| format!("%{byte:02X}")),
                percent(&value, |byte| format!("%{byte:02X}")).replace("%20", "+"),
                escaped[1..escaped.len() - 1].to_owned(),
                hex.to_ascii_uppercase(),
                hex,
            ];
            for form in &encoded {
                let masked = masker.mask(&format!("said: {form}; and more"));
                assert_eq!(masked, format!("said: {MASK}; and more"), "{form}");
                texts += 1;
            }
            for before in ["", "u", "us", "use"] {
                let whole = format!("{before}{value}!");
                for text in [STANDARD.encode(&whole), URL_SAFE_NO_PAD.encode(&whole)] {
                    let masked = masker.mask(&text);
                    // What is left has no more than the signs that share bits with what is beside.
                    assert!(masked.contains(MASK), "{text}");
                    assert!(masked.len() <= MASK.len() + 10, "{text} became {masked}");
                    texts += 1;
                }
            }
        }
        assert_eq!(texts, 200 * 14);
    }

    #[test]
    fn an_address_is_masked_without_its_host_too() {
        let masker = masker("https://hooks.example.org/services/T00/B00/XXXX");
        assert_eq!(masker.mask("no such hook: /services/T00/B00/XXXX"), "no such hook: /***");
    }

    #[test]
    fn a_secret_is_not_shown_to_whoever_debugs() {
        let secret = Secret::new("hunter2-hunter2".to_owned()).unwrap();
        assert_eq!(format!("{secret:?} {:?}", Masker::new([&secret])).matches("hunter").count(), 0);
        assert_eq!(Secret::new(String::new()), None);
    }

    #[test]
    fn a_short_secret_is_masked_as_it_is_and_does_not_swallow_everything() {
        assert_eq!(masker("ab").mask("cab and YWI"), "c*** and YWI");
    }
}
