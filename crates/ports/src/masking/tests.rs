//! Planted secrets in every form, in whole texts and in parts of them.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::forms::{digits, percent};
use super::*;

const PLAIN: &[u8] = b"-._~";

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
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
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
            percent(&value, PLAIN, |byte| format!("%{byte:02X}")),
            percent(&value, PLAIN, |byte| format!("%{byte:02X}")).replace("%20", "+"),
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
fn a_short_secret_is_masked_as_it_is_and_does_not_swallow_everything() {
    assert_eq!(masker("ab").mask("cab and YWI"), "c*** and YWI");
}

#[test]
fn what_two_secrets_share_is_left_of_neither() {
    let secrets = ["abcdefgh", "fghijklm", "ijk-xyz"].map(|it| Secret::new(it.to_owned()).unwrap());
    let masker = Masker::new(&secrets);
    assert_eq!(masker.mask("<abcdefghijklm>"), "<***>");
    assert_eq!(masker.mask("<abcdefghabcdefgh ijk-xyz>"), "<*** ***>");
}

#[test]
fn other_writers_of_json_and_addresses_are_known() {
    let masker = masker(r"pass/wörd'(x)\n😀");
    for text in [
        r"pass\/wörd'(x)\\n😀",
        r"pass/w\u00f6rd'(x)\\n\ud83d\ude00",
        "pass%2Fw%C3%B6rd'(x)%5Cn%F0%9F%98%80",
        "pass/w%C3%B6rd%27%28x%29%5Cn%F0%9F%98%80",
    ] {
        assert_eq!(masker.mask(&format!("{text};")), "***;", "{text}");
    }
}

#[test]
fn what_go_and_writers_of_xml_make_of_it_is_known() {
    let masker = masker("p&ss<w0rd>\"it's\"");
    for text in [
        r#"p\u0026ss\u003cw0rd\u003e\"it's\""#,
        "p&amp;ss&lt;w0rd&gt;\"it's\"",
        "p&amp;ss&lt;w0rd&gt;&quot;it&apos;s&quot;",
        "p&amp;ss&lt;w0rd&gt;&quot;it&#39;s&quot;",
        "p&amp;ss&lt;w0rd&gt;&#34;it&#39;s&#34;",
    ] {
        assert_eq!(masker.mask(&format!("{text};")), "***;", "{text}");
    }
}

#[test]
fn a_long_secret_is_found_in_base64_that_is_wrapped() {
    let value: String = (0..40).map(planted).collect();
    let masker = masker(&value);
    for columns in [64, 76] {
        let text = STANDARD.encode(&value);
        let lines: Vec<&str> = text
            .as_bytes()
            .chunks(columns)
            .map(|line| std::str::from_utf8(line).unwrap())
            .collect();
        let masked = masker.mask(&lines.join("\n"));
        assert!(masked.lines().all(|line| line == MASK || line.len() < SHORTEST), "{masked}");
    }
}

#[test]
fn what_is_known_is_masked_from_then_on_and_stays_known() {
    let (known, old, new) = (Known::default(), planted(1), planted(2));
    let elsewhere = known.clone();
    assert_eq!(elsewhere.mask(&old), old);
    known.learn([&Secret::new(old.clone()).unwrap()]);
    known.learn([&Secret::new(new.clone()).unwrap()]);
    assert_eq!(elsewhere.mask(&format!("{old} {new}")), "*** ***");
    assert!(!format!("{elsewhere:?}").contains(&old));
}

#[test]
fn no_half_of_one_is_left_where_a_text_was_cut() {
    let secret = Secret::new("hunter2/\"tiger\"-k9".to_owned()).unwrap();
    let masker = Masker::new([&secret]);
    for form in forms::of(&secret) {
        for end in (1..form.len()).filter(|end| form.is_char_boundary(*end)) {
            let masked = masker.mask(&format!("it said {}… and {}…", &form[..end], &form[..end]));
            let shown = if end < SHORTEST { &form[..end] } else { MASK };
            assert_eq!(masked, format!("it said {shown}… and {shown}…"), "{form}");
        }
    }
    let plain = "nothing of that… and … nothing of this";
    assert_eq!(masker.mask(plain), plain);
}

#[test]
fn what_a_program_wrote_as_json_is_known_again_as_a_text_of_json() {
    let secret = Secret::new("a\"b\\c&d\"e".to_owned()).unwrap();
    let masker = Masker::new([&secret]);
    let quoted = |text: &str| serde_json::json!({ "said": text }).to_string();
    let said = quoted(secret.reveal());
    for said in [secret.reveal(), &said] {
        let masked = masker.mask(&quoted(said));
        assert!(masked.contains(MASK) && !masked.contains("&d"), "{masked}");
    }
}

proptest! {
    /// Texts of few signs, so that secrets stand in them, overlap and begin without an end.
    #[test]
    fn any_parts_give_what_the_whole_gives(
        secrets in prop::collection::vec("[ab]{1,9}", 1..5),
        parts in prop::collection::vec("[abc%6=]{0,12}", 0..12),
    ) {
        let secrets: Vec<Secret> =
            secrets.into_iter().map(|value| Secret::new(value).unwrap()).collect();
        let masker = Masker::new(&secrets);
        let (mut stream, mut out) = (masker.stream(), Vec::new());
        for part in &parts {
            stream.push(part.as_bytes(), &mut out);
            prop_assert!(stream.held.len() < masker.longest);
        }
        stream.finish(&mut out);
        let whole = parts.concat();
        prop_assert_eq!(std::str::from_utf8(&out).unwrap(), masker.mask(&whole));
        // The plainest rule there is: a sign stays when no form has it.
        let mut gone = vec![false; whole.len()];
        for form in secrets.iter().flat_map(forms::of) {
            for (begin, _) in whole.char_indices().filter(|(at, _)| whole[*at..].starts_with(&form)) {
                gone[begin..begin + form.len()].fill(true);
            }
        }
        let mut plain = String::new();
        for (index, sign) in whole.char_indices() {
            match gone[index] {
                false => plain.push(sign),
                true if index == 0 || !gone[index - 1] => plain.push_str(MASK),
                true => {}
            }
        }
        prop_assert_eq!(std::str::from_utf8(&out).unwrap(), plain);
    }
}
