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

/// `number` bytes as a text that `bytes` reads as the same, the shortest of them; where no text says
/// just that, the next larger size that one says, at most 999,999.99 TiB.
pub fn written(number: u64) -> String {
    let written = UNITS.iter().filter_map(|unit| at_least(number, *unit));
    let least = written.min_by_key(|text| (bytes(text).unwrap_or(u64::MAX), text.len()));
    least.unwrap_or_else(|| "999999.99TiB".to_owned())
}

/// The least size that can be written in this unit and is not below `number` bytes.
fn at_least(number: u64, (unit, size): (&str, u64)) -> Option<String> {
    let (whole, rest) = (number / size, number % size);
    // Below a unit, which is at most 2^40 bytes.
    let hundredths = (rest * 100).div_ceil(size);
    let (whole, hundredths) = (whole + hundredths / 100, hundredths % 100);
    let part = match hundredths {
        0 => String::new(),
        tenths if tenths % 10 == 0 => format!(".{}", tenths / 10),
        hundredths => format!(".{hundredths:02}"),
    };
    (whole <= 999_999).then(|| format!("{whole}{part}{unit}"))
}

fn digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    #[test]
    fn a_size_that_cannot_be_written_is_written_as_the_next_larger_one() {
        for (number, text) in
            [(1_234_567, "1234.57KB"), ((1 << 30) - 1, "1GiB"), (u64::MAX, "999999.99TiB")]
        {
            assert_eq!(written(number), text, "{number}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_the_least_that_can_be_read_and_is_not_below(
            whole in 0..=999_999_u64, part in 0..100_u64, unit in 0..UNITS.len(), below: u64,
        ) {
            let text = format!("{whole}.{part:02}{}", UNITS[unit].0);
            let readable = bytes(&text).expect("a size");
            prop_assert_eq!(bytes(&written(readable)), Some(readable));
            for number in [readable.saturating_sub(below % 5000), below % (readable + 1)] {
                let read = bytes(&written(number)).expect("a size");
                prop_assert!((number..=readable).contains(&read), "{} of {}", read, number);
            }
        }
    }
}
