//! How text is written: symbols, colours, times, numbers. Owns no sentence; asks no terminal and no
//! clock, both are given.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};
use towpath_core::ids::Name;
use towpath_core::reason::Next;
use towpath_core::units::Span;
pub(crate) use towpath_core::units::{counted, grouped, percent};
use unicode_width::UnicodeWidthStr;

/// Everything that the same view may be written differently by.
#[derive(Clone, Debug)]
pub(crate) struct Style {
    /// Only ASCII symbols.
    pub(crate) ascii: bool,
    /// With colours; the word always stands beside them.
    pub(crate) colour: bool,
    /// Columns before a sentence is folded; none never folds.
    pub(crate) width: Option<usize>,
    /// Where times are shown; none writes RFC 3339 in UTC.
    pub(crate) local_time_zone: Option<TimeZone>,
    /// What "today" is.
    pub(crate) now: Timestamp,
    /// How commands that are offered name the service.
    pub(crate) services: Services,
}

/// How commands that are offered name the service that they are about. Clones share what is learnt.
#[derive(Clone, Debug, Default)]
pub(crate) struct Services {
    named: Option<Name>,
    several: Arc<AtomicBool>,
}

impl Services {
    /// Commands that follow name the service that the person named.
    pub(crate) fn named(service: Option<Name>) -> Self {
        Self { named: service, several: Arc::default() }
    }

    /// Notes whether the matrix has several, so that commands about a lane must say whose it is.
    pub(crate) fn note(&self, several: bool) {
        self.several.store(several, Ordering::Relaxed);
    }
}

/// The one meaning of each colour (cli.md section 0, rule 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    /// Passed.
    Green,
    /// Failed, went back.
    Red,
    /// Waits, warning.
    Yellow,
}

/// What a symbol says (cli.md section 0, rule 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Symbol {
    /// Passed, done.
    Passed,
    /// Failed, refused, went back.
    Failed,
    /// Runs now.
    Running,
    /// Waits for somebody or something.
    Waits,
    /// To come.
    ToCome,
    /// Warning.
    Warning,
    /// Not known: inconclusive, blind.
    Unknown,
}

impl Symbol {
    /// Its two forms and its colour.
    fn forms(self) -> (&'static str, &'static str, Option<Colour>) {
        match self {
            Self::Passed => ("✓", "+", Some(Colour::Green)),
            Self::Failed => ("✗", "x", Some(Colour::Red)),
            Self::Running => ("▸", ">", None),
            Self::Waits => ("◌", "~", Some(Colour::Yellow)),
            Self::ToCome => ("·", ".", None),
            Self::Warning => ("!", "!", Some(Colour::Yellow)),
            Self::Unknown => ("?", "?", Some(Colour::Yellow)),
        }
    }
}

/// Cells of a step's bar (cli.md section 4).
const BAR: u16 = 20;

impl Style {
    /// A command about what the person named; it works as it is, also where a matrix has several
    /// services.
    pub(crate) fn naming(&self, next: Next) -> Next {
        match &self.services.named {
            Some(service) => next.of_service(service),
            None => next,
        }
    }

    /// A command about a lane of `service`; it works as it is, also where a matrix has several
    /// services.
    pub(crate) fn of_lane(&self, service: &str, next: Next) -> Next {
        match Name::new(service) {
            Ok(service) if self.is_among_several() => next.of_service(&service),
            _ => self.naming(next),
        }
    }

    /// Whether the matrix has several services.
    pub(crate) fn is_among_several(&self) -> bool {
        self.services.several.load(Ordering::Relaxed)
    }

    /// For programs and files: ASCII, never folded, RFC 3339.
    pub(crate) fn plain(now: Timestamp) -> Self {
        let services = Services::default();
        Self { ascii: true, colour: false, width: None, local_time_zone: None, now, services }
    }

    /// A symbol, coloured where colours are on.
    pub(crate) fn symbol(&self, symbol: Symbol) -> String {
        let (unicode, ascii, colour) = symbol.forms();
        let form = if self.ascii { ascii } else { unicode };
        match colour {
            Some(colour) => self.paint(colour, form),
            None => form.to_owned(),
        }
    }

    /// The arrow between where from and where to.
    pub(crate) fn arrow(&self) -> &'static str {
        if self.ascii { "->" } else { "→" }
    }

    /// How far a step is; `share` is a fraction of 1 and is clamped to it.
    pub(crate) fn bar(&self, share: f64) -> String {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 20")]
        let full = (share.clamp(0.0, 1.0) * f64::from(BAR)).floor() as usize;
        let (done, open) = if self.ascii { ("#", "-") } else { ("█", "░") };
        format!("{}{}", done.repeat(full), open.repeat(usize::from(BAR) - full))
    }

    /// `text` in a colour.
    pub(crate) fn paint(&self, colour: Colour, text: &str) -> String {
        let code = match colour {
            Colour::Green => 32,
            Colour::Red => 31,
            Colour::Yellow => 33,
        };
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// A name.
    pub(crate) fn bold(&self, text: &str) -> String {
        if self.colour { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// A moment for a sentence: today `14:26:12`, within six days `Wed 13 Jan 06:00`, else
    /// `2027-01-09 14:00`. What is no RFC 3339 time is shown as it is.
    pub(crate) fn moment(&self, at: &str) -> String {
        self.written(at, "%H:%M:%S", "%a %-d %b %H:%M", "%Y-%m-%d %H:%M")
    }

    /// The same to the minute: today `14:26`.
    pub(crate) fn minute(&self, at: &str) -> String {
        self.written(at, "%H:%M", "%a %-d %b %H:%M", "%Y-%m-%d %H:%M")
    }

    /// A moment for a table: today `14:26`, within six days `Sat 9 Jan`, else `2027-01-09`.
    pub(crate) fn day(&self, at: &str) -> String {
        self.written(at, "%H:%M", "%a %-d %b", "%Y-%m-%d")
    }

    /// A moment for a list: `12 Jan 14:20`, of another year `2026-01-12 14:20`.
    pub(crate) fn listed(&self, at: &str) -> String {
        let Ok(moment) = at.parse::<Timestamp>() else { return at.to_owned() };
        let Some(zone) = &self.local_time_zone else { return rfc3339(moment) };
        let (then, now) = (moment.to_zoned(zone.clone()), self.now.to_zoned(zone.clone()));
        let form = if then.year() == now.year() { "%e %b %H:%M" } else { "%Y-%m-%d %H:%M" };
        then.strftime(form).to_string()
    }

    /// Now, with its zone, as a first line shows it: `Tue 12 Jan 15:31 UTC`.
    pub(crate) fn heading(&self, at: &str) -> String {
        let Ok(moment) = at.parse::<Timestamp>() else { return at.to_owned() };
        match &self.local_time_zone {
            Some(zone) => moment.to_zoned(zone.clone()).strftime("%a %-d %b %H:%M %Z").to_string(),
            None => rfc3339(moment),
        }
    }

    fn written(&self, at: &str, today: &str, this_week: &str, else_: &str) -> String {
        let Ok(moment) = at.parse::<Timestamp>() else { return at.to_owned() };
        let Some(zone) = &self.local_time_zone else { return rfc3339(moment) };
        let (then, now) = (moment.to_zoned(zone.clone()), self.now.to_zoned(zone.clone()));
        let days = now.date().since((Unit::Day, then.date())).map_or(i32::MAX, |it| it.get_days());
        let form = match days.abs() {
            0 => today,
            1..=6 => this_week,
            _ => else_,
        };
        then.strftime(form).to_string()
    }

    /// How long ago, such as `2m ago`; nothing off a terminal, where times are exact.
    pub(crate) fn ago(&self, at: &str) -> Option<String> {
        self.local_time_zone.as_ref()?;
        let since = self.now.duration_since(at.parse::<Timestamp>().ok()?);
        let seconds = u64::try_from(since.as_secs()).unwrap_or(0);
        let rounded = match seconds {
            0..60 => seconds,
            60..3600 => seconds / 60 * 60,
            3600..86_400 => seconds / 3600 * 3600,
            _ => seconds / 86_400 * 86_400,
        };
        Some(format!(
            "{} ago",
            if rounded == 0 { "0s".to_owned() } else { declared_whole(rounded) }
        ))
    }
}

/// RFC 3339 in UTC, to the second.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Microseconds since 1970 as RFC 3339 in UTC.
pub(crate) fn stamp(at: towpath_core::units::Timestamp) -> String {
    Timestamp::from_microsecond(at.0).map_or_else(|_| "never".to_owned(), rfc3339)
}

/// Measured seconds: `9ms`, `0.3s`, `41s`, `3m 00s`, `1h 10m`.
pub(crate) fn measured(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative")]
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        _ if seconds < 0.1 => format!("{:.0}ms", seconds.max(0.0) * 1000.0),
        _ if seconds < 9.95 && (seconds - seconds.round()).abs() > 0.05 => format!("{seconds:.1}s"),
        0..60 => format!("{whole}s"),
        60..3600 => format!("{}m {:02}s", whole / 60, whole % 60),
        _ => format!("{}h {:02}m", whole / 3600, whole % 3600 / 60),
    }
}

/// Seconds as the matrix would write them: `5m`, `24h`, `1m 30s`.
pub(crate) fn declared(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative")]
    let milliseconds = (seconds.max(0.0) * 1000.0).round() as u64;
    if milliseconds == 0 { "0s".to_owned() } else { Span(milliseconds).to_string() }
}

fn declared_whole(seconds: u64) -> String {
    Span::seconds(seconds).to_string()
}

/// What becomes of the release before, for as long as the plan says: "stands by for 24h, with 5% of the
/// requests for 1h". `held_back` is a share from 0 to 1 and for how many seconds.
pub(crate) fn stands_by(seconds: f64, held_back: Option<(f64, f64)>) -> String {
    let time = declared(seconds);
    let with = held_back.map_or_else(String::new, |(share, lasts)| {
        let share = percent(share);
        if lasts < seconds {
            format!(", with {share} of the requests for {}", declared(lasts))
        } else {
            format!(", with {share} of the requests")
        }
    });
    format!("stands by for {time}{with}")
}

/// Columns that `text` takes, without its colours.
pub(crate) fn width(text: &str) -> usize {
    if !text.contains('\x1b') {
        return text.width();
    }
    let mut columns = 0;
    for (index, part) in text.split('\x1b').enumerate() {
        let shown = if index == 0 { part } else { part.split_once('m').map_or("", |it| it.1) };
        columns += shown.width();
    }
    columns
}

/// `text` and blanks up to `columns`.
pub(crate) fn padded(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// What came from outside, fit for a terminal: control characters are shown as escapes.
pub(crate) fn printable(text: &str) -> String {
    let harmless = |character: char| !character.is_control();
    if text.chars().all(harmless) {
        return text.to_owned();
    }
    let escaped = text.chars().map(|character| {
        if harmless(character) {
            character.to_string()
        } else {
            character.escape_default().to_string()
        }
    });
    escaped.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn times_get_coarser_the_further_away_they_are() {
        let style = samples::terminal("2027-01-12T15:31:08Z");
        assert_eq!(style.moment("2027-01-12T14:26:12Z"), "14:26:12");
        assert_eq!(style.moment("2027-01-13T06:00:00Z"), "Wed 13 Jan 06:00");
        assert_eq!(style.moment("2026-12-09T14:00:02Z"), "2026-12-09 14:00");
        assert_eq!(style.day("2027-01-09T14:00:02Z"), "Sat 9 Jan");
        assert_eq!(style.heading("2027-01-12T15:31:08Z"), "Tue 12 Jan 15:31 UTC");
        assert_eq!(style.ago("2027-01-12T15:29:00Z").as_deref(), Some("2m ago"));
    }

    #[test]
    fn off_a_terminal_every_time_is_rfc_3339_in_utc() {
        let style = samples::plain("2027-01-12T15:31:08Z");
        assert_eq!(style.moment("2027-01-12T15:26:12+01:00"), "2027-01-12T14:26:12Z");
        assert_eq!(style.day("2027-01-09T14:00:02Z"), "2027-01-09T14:00:02Z");
        assert_eq!(style.ago("2027-01-12T15:29:00Z"), None);
    }

    #[test]
    fn durations_are_written_as_people_say_them() {
        let table = [
            (0.012, "12ms"),
            (0.3, "0.3s"),
            (41.0, "41s"),
            (60.0, "1m 00s"),
            (167.2, "2m 47s"),
            (4200.0, "1h 10m"),
        ];
        for (seconds, text) in table {
            assert_eq!(measured(seconds), text);
        }
        assert_eq!(declared(180.0), "3m");
        assert_eq!(declared(86_400.0), "24h");
        assert_eq!(declared(0.0), "0s");
    }

    #[test]
    fn counts_have_separators_and_shares_no_useless_digits() {
        assert_eq!(grouped(4_812), "4,812");
        assert_eq!(grouped(108_000), "108,000");
        assert_eq!(grouped(12), "12");
        assert_eq!(percent(0.01), "1%");
        assert_eq!(percent(0.025), "2.5%");
    }

    #[test]
    fn colours_take_no_columns_and_control_characters_no_effect() {
        let mut style = samples::terminal("2027-01-12T15:31:08Z");
        style.colour = true;
        assert_eq!(width(&style.symbol(Symbol::Passed)), 1);
        assert_eq!(printable("a\x1b[2Jb\n"), "a\\u{1b}[2Jb\\n");
    }

    #[test]
    fn every_symbol_has_an_ascii_form() {
        let plain = samples::plain("2027-01-12T15:31:08Z");
        let all = [
            Symbol::Passed,
            Symbol::Failed,
            Symbol::Running,
            Symbol::Waits,
            Symbol::ToCome,
            Symbol::Warning,
            Symbol::Unknown,
        ];
        let shown: String = all.iter().map(|symbol| plain.symbol(*symbol)).collect();
        assert_eq!(shown, "+x>~.!?");
        assert_eq!(plain.bar(0.5), "##########----------");
    }
}
