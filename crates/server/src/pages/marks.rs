//! What all pages are made of: icons, times, spans, counts, states and links. Knows no page.

use jiff::Timestamp;
use maud::{Markup, PreEscaped, html};
pub(super) use towpath_core::units::{counted, grouped, percent};

/// Every icon of a page, drawn once; [`icon`] refers to them. The two patterns are those of the green arm.
pub(super) const DEFINITIONS: PreEscaped<&str> = PreEscaped(include_str!("assets/icons.svg"));

/// A mark of 16 by 16 that stands beside a word and is not read out.
pub(super) fn icon(name: &str) -> Markup {
    html! { svg.ic aria-hidden="true" { use href={ "#i-" (name) } {} } }
}

/// A state: an icon and a word; `class` is one of the exceptions or empty.
pub(super) fn state(mark: &str, class: &str, word: &str) -> Markup {
    html! { span class=(classes("st", class)) { (icon(mark)) (word) } }
}

/// A state in a box of its own.
pub(super) fn tag(mark: &str, class: &str, words: &Markup) -> Markup {
    html! { span class=(classes("tag", class)) { (icon(mark)) span { (words) } } }
}

fn classes(first: &str, more: &str) -> String {
    if more.is_empty() { first.to_owned() } else { format!("{first} {more}") }
}

/// How a time is written; the script writes it anew in local time and keeps it up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum As {
    /// To the minute.
    Clock,
    /// To the second.
    Exact,
    /// How long ago: `12 min`.
    Age,
    /// How long until then: `3:20`.
    Left,
}

impl As {
    fn word(self) -> &'static str {
        match self {
            Self::Clock => "clock",
            Self::Exact => "exact",
            Self::Age => "age",
            Self::Left => "left",
        }
    }
}

/// A time, with UTC on hover; what is none is written as it is.
pub(super) fn time(at: &str, form: As, now: Timestamp) -> Markup {
    let Ok(moment) = at.parse::<Timestamp>() else { return html! { (at) } };
    let whole = moment.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    let text = match form {
        As::Age => age(now.duration_since(moment).as_secs()),
        As::Left => left(moment.duration_since(now).as_secs()),
        As::Clock | As::Exact => clock(moment, now, form == As::Exact),
    };
    html! { time datetime=(at) title=(whole) data-as=(form.word()) { (text) } }
}

fn clock(at: Timestamp, now: Timestamp, exact: bool) -> String {
    let of_day = if exact { "%H:%M:%S UTC" } else { "%H:%M UTC" };
    let is_today = at.strftime("%F").to_string() == now.strftime("%F").to_string();
    let form = if is_today { of_day.to_owned() } else { format!("%-d %b %Y, {of_day}") };
    at.strftime(&form).to_string()
}

/// How long something has been so, in one figure.
pub(super) fn age(seconds: i64) -> String {
    match seconds.max(0) {
        few @ 0..60 => format!("{few} s"),
        few @ 60..3600 => format!("{} min", few / 60),
        few @ 3600..172_800 => format!("{} h", few / 3600),
        many => format!("{} d", many / 86_400),
    }
}

/// How much time is left, in two figures.
pub(super) fn left(seconds: i64) -> String {
    match seconds.max(0) {
        few @ 0..3600 => format!("{}:{:02}", few / 60, few % 60),
        few @ 3600..86_400 => format!("{} h {} m", few / 3600, few % 3600 / 60),
        many => format!("{} d {} h", many / 86_400, many % 86_400 / 3600),
    }
}

/// How long something took: `31 ms`, `43 s`, `1 m 11 s`, `2 h 5 m`.
pub(super) fn took(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative")]
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        _ if seconds < 0.95 => format!("{:.0} ms", seconds.max(0.0) * 1000.0),
        0..60 => format!("{whole} s"),
        60..3600 if whole.is_multiple_of(60) => format!("{} m", whole / 60),
        60..3600 => format!("{} m {} s", whole / 60, whole % 60),
        3600..172_800 if whole % 3600 < 60 => format!("{} h", whole / 3600),
        3600..172_800 => format!("{} h {} m", whole / 3600, whole % 3600 / 60),
        _ => format!("{} d", whole / 86_400),
    }
}

/// What somebody gave as a link: one that leads to a page of the web can be followed, anything else is only
/// read (`javascript:` and its like do something where they are followed).
pub(super) fn link(text: &str) -> Markup {
    let lower = text.trim_start().to_ascii_lowercase();
    let is_web = lower.starts_with("https://") || lower.starts_with("http://");
    if is_web && !text.chars().any(char::is_control) {
        return html! { a href=(text.trim()) rel="noopener noreferrer nofollow" { (text) } };
    }
    html! { (text) }
}

/// The first and last digits of a digest, all of it on hover.
pub(super) fn digest(text: &str) -> Markup {
    let hex = text.strip_prefix("sha256:").unwrap_or(text);
    let short: String = if hex.is_ascii() && hex.len() > 12 {
        format!("{}…{}", &hex[..8], &hex[hex.len() - 4..])
    } else {
        hex.to_owned()
    };
    html! { span.mono title=(text) { (short) } }
}

/// A sentence with a capital letter and its full stop: those of the engine have neither.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.trim().chars();
    let Some(first) = letters.next() else { return String::new() };
    let mut whole: String = first.to_uppercase().collect();
    whole.push_str(letters.as_str());
    if !whole.ends_with(['.', '!', '?', ':']) {
        whole.push('.');
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_leads_to_the_web_can_be_followed() {
        let is_link = |text: &str| link(text).into_string().starts_with("<a ");
        assert!(is_link("https://ci.example/runs/7?a=1&b=2") && is_link("HTTP://ci.example"));
        for text in [
            "javascript:alert(1)",
            " javascript:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            "vbscript:x",
            "//evil.example",
            "https:evil",
            "http\u{0}://x",
            "https://a\nb",
            "",
        ] {
            assert!(!is_link(text), "{text:?}");
        }
        let quoted = link("https://x/\"><script>alert(1)</script>").into_string();
        assert!(!quoted.contains("<script>") && !quoted.contains("\"><"), "{quoted}");
    }

    #[test]
    fn spans_are_said_as_people_say_them() {
        assert_eq!([age(59), age(60), age(7200), age(200_000)], ["59 s", "1 min", "2 h", "2 d"]);
        assert_eq!([left(200), left(78_000), left(97_200)], ["3:20", "21 h 40 m", "1 d 3 h"]);
        assert_eq!(left(-5), "0:00");
        let of = |all: [f64; 5]| all.map(took);
        assert_eq!(
            of([0.031, 43.0, 71.0, 300.0, 7500.0]),
            ["31 ms", "43 s", "1 m 11 s", "5 m", "2 h 5 m"]
        );
        assert_eq!(
            [grouped(999), grouped(65_698), grouped(1_000_000)],
            ["999", "65,698", "1,000,000"]
        );
    }

    #[test]
    fn a_time_is_read_without_a_script_and_what_is_none_is_shown_as_text() {
        let now: Timestamp = "2026-11-19T13:23:40Z".parse().unwrap();
        let text = |at: &str, form| time(at, form, now).into_string();
        assert!(text("2026-11-19T13:09:51Z", As::Exact).ends_with(">13:09:51 UTC</time>"));
        assert!(text("2026-11-18T16:40:00Z", As::Clock).contains("18 Nov 2026, 16:40 UTC"));
        assert!(text("2026-11-19T13:27:00Z", As::Left).contains(">3:20<"));
        assert_eq!(text("<b>", As::Age), "&lt;b&gt;");
    }
}
