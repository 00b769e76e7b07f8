//! The forms in which a channel might repeat a secret. Owns the list of encodings; looks for nothing.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::SHORTEST;
use crate::secret::Secret;

/// Signs that encoders of addresses leave as they are: RFC 3986 (2.3), those that `encodeURIComponent`
/// of ECMAScript leaves as well, and those of Python's `quote`.
const PLAIN: [&[u8]; 3] = [b"-._~", b"-._~!*'()", b"-._~/"];
/// Columns after which Base64 is wrapped: RFC 7468 (2) and RFC 2045 (6.8).
const COLUMNS: [usize; 2] = [64, 76];

/// All forms of `secret`, in no order; the same one may come twice.
pub(super) fn of(secret: &Secret) -> Vec<String> {
    let value = secret.reveal();
    let mut own = vec![value.to_owned()];
    let lines = value.lines().map(str::trim).filter(|line| line.len() >= SHORTEST);
    own.extend(lines.map(str::to_owned));
    // An address is told without its scheme and host as well: the rest is what opens the door.
    own.extend(path_of(value).map(str::to_owned));
    let mut forms = own.clone();
    if value.len() >= SHORTEST {
        for one in &own {
            forms.extend(escaped(one));
            let hex = digits(one.as_bytes());
            forms.extend([hex.to_ascii_uppercase(), hex]);
            forms.extend((0..3).flat_map(|offset| base64(one.as_bytes(), offset)));
        }
        forms.extend(COLUMNS.into_iter().flat_map(|columns| wrapped(value, columns)));
    }
    // What a program printed becomes a text of JSON in evidence, answers and bodies, whatever form it had.
    let quoted = forms.iter().map(|form| json(form));
    forms.extend(quoted.collect::<Vec<_>>());
    forms.retain(|form| !form.is_empty());
    forms
}

/// With the escapes of JSON.
fn json(value: &str) -> String {
    let json = serde_json::Value::String(value.to_owned()).to_string();
    json[1..json.len() - 1].to_owned()
}

/// With the escapes of JSON, addresses, forms and terminals.
fn escaped(value: &str) -> Vec<String> {
    let json = json(value);
    let mut forms = vec![json.replace('/', "\\/"), ascii(&json), printable(value)];
    // Go's writer of JSON keeps three signs of HTML out of it (encoding/json, "HTMLEscape").
    let html = [('&', "\\u0026"), ('<', "\\u003c"), ('>', "\\u003e")];
    forms.push(replaced(&json, &html));
    forms.push(ascii(&replaced(&json, &html)));
    forms.push(json);
    // As text and as an attribute of XML and HTML (XML 1.0, 2.4).
    let text = [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;")];
    forms.push(replaced(value, &text));
    for (double, single) in [("&quot;", "&apos;"), ("&quot;", "&#39;"), ("&#34;", "&#39;")] {
        let attribute = [&text[..], &[('"', double), ('\'', single)]].concat();
        forms.push(replaced(value, &attribute));
    }
    for plain in PLAIN {
        let upper = percent(value, plain, |byte| format!("%{byte:02X}"));
        forms.push(upper.replace("%20", "+"));
        forms.push(percent(value, plain, |byte| format!("%{byte:02x}")));
        forms.push(upper);
    }
    forms
}

/// `text` with other words for some signs.
fn replaced(text: &str, words: &[(char, &str)]) -> String {
    let word = |sign: char| words.iter().find(|(own, _)| *own == sign).map(|(_, word)| *word);
    text.chars().fold(String::new(), |mut all, sign| {
        match word(sign) {
            Some(word) => all.push_str(word),
            None => all.push(sign),
        }
        all
    })
}

/// JSON as encoders write it that keep to ASCII.
fn ascii(json: &str) -> String {
    let mut units = [0; 2];
    json.chars()
        .map(|sign| match sign {
            sign if sign.is_ascii() => sign.to_string(),
            sign => {
                let units = sign.encode_utf16(&mut units).iter();
                units.map(|it| format!("\\u{it:04x}")).collect::<Vec<_>>().concat()
            }
        })
        .collect()
}

/// As what could harm a terminal is shown to people.
fn printable(value: &str) -> String {
    let shown = |sign: char| match sign {
        sign if sign.is_control() && sign != '\t' => sign.escape_default().to_string(),
        sign => sign.to_string(),
    };
    value.chars().map(shown).collect()
}

/// What stands behind the host of an address, if that is long enough to be a secret.
fn path_of(value: &str) -> Option<&str> {
    let (_, rest) = value.split_once("://")?;
    let (_, path) = rest.split_once('/')?;
    (path.len() >= SHORTEST).then_some(path)
}

/// Everything but letters, digits and `plain` as `escape` has it.
pub(super) fn percent(value: &str, plain: &[u8], escape: impl Fn(u8) -> String) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || plain.contains(&byte);
    value
        .bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { escape(byte) })
        .collect()
}

/// Two digits for each byte.
pub(super) fn digits(bytes: &[u8]) -> String {
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

/// The lines of `value` alone in Base64, where it needs more than one.
fn wrapped(value: &str, columns: usize) -> Vec<String> {
    let text = STANDARD.encode(value);
    let lines =
        text.as_bytes().chunks(columns).map(|line| String::from_utf8_lossy(line).into_owned());
    let lines: Vec<String> = lines.filter(|line| line.len() >= SHORTEST).collect();
    if text.len() > columns { lines } else { Vec::new() }
}
