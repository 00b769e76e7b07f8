//! Sizes as the matrix writes them: `512MB`, `1.5GiB`. Owns their spelling; knows nothing of what is
//! measured.

/// Units with their bytes; `KB` is 1000 and `KiB` 1024 (IEC 80000-13).
const UNITS: &[(&str, u64)] = &[
    ("B", 1),
    ("KB", 1000),
    ("MB", 1000 * 1000),
    ("GB", 1000 * 1000 * 1000),
    ("TB", 1000 * 1000 * 1000 * 1000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// `text` in bytes: a number of at most six digits, at most two decimals and a unit, without a space.
/// None for anything else.
pub fn bytes(text: &str) -> Option<u64> {
    let unit = text.find(|character: char| character.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit);
    let size = UNITS.iter().find(|(name, _)| *name == unit)?.1;
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    if whole.len() > 6 || part.len() > 2 {
        return None;
    }
    let whole = digits(whole)?.checked_mul(size)?;
    let part = digits(part)?.checked_mul(size)? / 10_u64.pow(u32::try_from(part.len()).ok()?);
    whole.checked_add(part)
}

/// `bytes` with the largest unit by 1024 in which it is a whole number: what `bytes` reads as the
/// same, up to 999,999 TiB.
pub fn written(bytes: u64) -> String {
    let whole = |(_, size): &&(&str, u64)| bytes > 0 && bytes.is_multiple_of(*size);
    let binary = UNITS.iter().filter(|(name, size)| *size == 1 || name.contains('i'));
    let (unit, size) = binary.rev().find(whole).unwrap_or(&UNITS[0]);
    format!("{}{unit}", bytes / size)
}

fn digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_read_exactly_or_not_at_all() {
        assert_eq!((bytes("512MB"), bytes("1.5GiB")), (Some(512_000_000), Some(1_610_612_736)));
        for bad in ["", "512", "512mb", "-1GB", "GB", "1.GB", "1.234GB", "9999999TB", "1 GB"] {
            assert_eq!(bytes(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_size_is_read_as_it_was_written() {
        for (number, text) in [(10_485_760, "10MiB"), (4096, "4KiB"), (1 << 30, "1GiB"), (7, "7B")]
        {
            assert_eq!((written(number).as_str(), bytes(text)), (text, Some(number)));
        }
        assert_eq!(written(0), "0B");
    }
}
