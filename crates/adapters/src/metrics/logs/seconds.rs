//! Moments as logs write them: `22/Nov/2026:00:19:43`. Owns that form; knows no format of lines.

use jiff::civil;
use jiff::tz::TimeZone;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A day and a time of day as the common log format writes them, without what is beyond the second.
pub(super) fn civil(text: &str) -> Option<civil::DateTime> {
    let text = text.get(..20)?;
    let bytes = text.as_bytes();
    let is_shaped =
        bytes[2] == b'/' && bytes[6] == b'/' && [11, 14, 17].iter().all(|at| bytes[*at] == b':');
    if !is_shaped || !text.is_ascii() {
        return None;
    }
    let month = MONTHS.iter().position(|month| *month == &text[3..6])?;
    let number = |range: std::ops::Range<usize>| digits(&text[range]);
    civil::DateTime::new(
        i16::try_from(number(7..11)?).ok()?,
        i8::try_from(month + 1).ok()?,
        i8::try_from(number(0..2)?).ok()?,
        i8::try_from(number(12..14)?).ok()?,
        i8::try_from(number(15..17)?).ok()?,
        i8::try_from(number(18..20)?).ok()?,
        0,
    )
    .ok()
}

/// Seconds since 1970 of `when` in `zone`. Of two moments that are called so, when clocks are set back,
/// the earlier.
pub(super) fn in_zone(when: civil::DateTime, zone: &TimeZone) -> Option<i64> {
    Some(when.to_zoned(zone.clone()).ok()?.timestamp().as_second())
}

/// Seconds since 1970 of `22/Nov/2026:00:19:43 +0100`.
pub(super) fn with_offset(text: &str) -> Option<i64> {
    let (when, offset) = text.split_at_checked(20)?;
    let offset = offset.strip_prefix(' ')?;
    let sign = match offset.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = (digits(offset.get(1..3)?)?, digits(offset.get(3..)?)?);
    let offset = i64::try_from(hours * 3600 + minutes * 60).ok().filter(|it| *it < 86_400)?;
    Some(in_zone(civil(when)?, &TimeZone::UTC)? - sign * offset)
}

/// At most nine digits.
pub(super) fn digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.len() <= 9 && text.bytes().all(|it| it.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The figures are those of `date -u -d ... +%s`.
    #[test]
    fn a_moment_is_read_with_its_offset_or_in_its_zone() {
        assert_eq!(with_offset("22/Nov/2026:00:19:43 +0000"), Some(1_795_306_783));
        assert_eq!(with_offset("22/Nov/2026:00:19:43 +0130"), Some(1_795_306_783 - 5400));
        assert_eq!(with_offset("22/Nov/2026:00:19:43 -0800"), Some(1_795_306_783 + 28_800));
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let at = civil("22/Nov/2026:00:19:43.024").unwrap();
        assert_eq!(in_zone(at, &berlin), Some(1_795_306_783 - 3600));
        for bad in [
            "",
            "22/Nov/2026:00:19:43",
            "22/Nov/2026:00:19:43 0000",
            "32/Nov/2026:00:19:43 +0000",
            "22/Foo/2026:00:19:43 +0000",
            "22/Nov/2026:24:19:43 +0000",
            "22/Nov/2026:00:19:43 +9900",
            "22/Növ/2026:00:19:43 +0000",
            "22/Nov/2026 00:19:43 +0000",
        ] {
            assert_eq!(with_offset(bad), None, "{bad}");
        }
    }
}
