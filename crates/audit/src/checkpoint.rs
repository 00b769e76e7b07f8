//! The text of a checkpoint (<https://c2sp.org/tlog-checkpoint>): which journal, how many events, the
//! hash of the last of them, when. The hash is the head of a chain and not the root of a tree. Signs
//! nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use towpath_core::ids::Digest;
use towpath_core::units::Timestamp;
use towpath_ports::notary::Checkpoint;

/// What every origin begins with.
const PLACE: &str = "towpath.dev/";
/// Hexadecimal digits of the first event's hash that an origin has: 64 bits, of which nobody finds two
/// alike by chance; the hash that is signed has all of them.
const ID_DIGITS: usize = 16;

/// A text that is no checkpoint of a journal; what is wrong with it, one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no checkpoint of a journal: {0}")]
pub struct Malformed(&'static str);

/// The name of a journal: `towpath.dev/journal/PROJECT/ID`, for a rehearsal
/// `towpath.dev/rehearsal-SPEEDx/PROJECT/ID`. The id is the beginning of the first event's hash, which
/// holds the moment it was written, so that a journal begun anew has another one.
pub fn origin(project: &str, speed: u32, first: &Digest) -> String {
    let kind = if speed > 1 { format!("rehearsal-{speed}x") } else { "journal".to_owned() };
    format!("{PLACE}{kind}/{project}/{}", &first.hex()[..ID_DIGITS])
}

/// Whether `origin` names a journal of that project and speed; with its first event, that very one.
pub fn of_journal(origin_said: &str, project: &str, speed: u32, first: Option<&Digest>) -> bool {
    if let Some(first) = first {
        return origin_said == origin(project, speed, first);
    }
    let any = origin(project, speed, &Digest::of(&[]));
    let beginning = &any[..any.len() - ID_DIGITS];
    origin_said.strip_prefix(beginning).is_some_and(|id| {
        id.len() == ID_DIGITS
            && id.bytes().all(|it| it.is_ascii_digit() || (b'a'..=b'f').contains(&it))
    })
}

/// What is signed: four lines.
pub fn text(checkpoint: &Checkpoint) -> String {
    let hash = BASE64.encode(bytes_of(&checkpoint.hash));
    let at = jiff::Timestamp::from_microsecond(checkpoint.at.0).unwrap_or_default();
    let at = at.strftime("%Y-%m-%dT%H:%M:%SZ");
    format!("{}\n{}\n{hash}\n{at}\n", checkpoint.origin, checkpoint.events)
}

/// Reads what [`text`] writes, and nothing that differs from it in a byte.
///
/// # Errors
/// It is no checkpoint of a journal.
pub fn read(said: &str) -> Result<Checkpoint, Malformed> {
    let lines: Vec<&str> = said.lines().collect();
    let [origin, events, hash, at] = lines.as_slice() else {
        return Err(Malformed("it has not four lines"));
    };
    if !origin.starts_with(PLACE) {
        return Err(Malformed("it names no journal"));
    }
    let events = events.parse().map_err(|_| Malformed("it has no number of events"))?;
    let hash = BASE64.decode(hash).map_err(|_| Malformed("its hash is no base64"))?;
    if hash.len() != 32 || events == 0 {
        return Err(Malformed("its hash is none, or it has no events"));
    }
    let at: jiff::Timestamp = at.parse().map_err(|_| Malformed("it has no time"))?;
    let at = Timestamp(at.as_microsecond());
    let hash = Digest::from_hash(&hash);
    let found = Checkpoint { origin: (*origin).to_owned(), events, hash, at };
    if text(&found) == said { Ok(found) } else { Err(Malformed("it is written otherwise")) }
}

fn bytes_of(digest: &Digest) -> Vec<u8> {
    let digits = digest.hex().as_bytes().chunks_exact(2);
    let value = |digit: u8| u8::try_from(char::from(digit).to_digit(16).unwrap_or(0)).unwrap_or(0);
    digits.map(|pair| value(pair[0]) << 4 | value(pair[1])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        let hash = Digest::of(b"abc");
        let at = Timestamp(1_800_000_000_000_000);
        Checkpoint { origin: origin("shop", 1, &Digest::of(b"1")), events: 4800, hash, at }
    }

    #[test]
    fn what_was_written_is_read_and_everything_else_refused() {
        let whole = text(&checkpoint());
        assert_eq!(
            whole,
            "towpath.dev/journal/shop/6b86b273ff34fce1\n4800\n\
             ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=\n2027-01-15T08:00:00Z\n"
        );
        assert_eq!(read(&whole), Ok(checkpoint()));
        for (from, to) in [
            ("4800", "04800"),
            ("4800", "0"),
            ("4800", "-1"),
            ("ungW", "ung"),
            ("08:00:00Z", "8:00"),
            ("towpath.dev", "example.org"),
            ("2027", "\n2027"),
            ("Z\n", "+00:00\n"),
            ("Z\n", "Z"),
        ] {
            assert!(read(&whole.replacen(from, to, 1)).is_err(), "{from} as {to}");
        }
    }

    #[test]
    fn an_origin_belongs_to_one_project_one_speed_and_one_journal() {
        let (first, other) = (Digest::of(b"1"), Digest::of(b"2"));
        let said = origin("shop", 1, &first);
        assert!(of_journal(&said, "shop", 1, Some(&first)));
        assert!(of_journal(&said, "shop", 1, None));
        assert!(!of_journal(&said, "shop", 1, Some(&other)));
        assert!(!of_journal(&said, "shop", 60, None));
        assert!(!of_journal(&said, "sho", 1, None));
        assert!(!of_journal(&format!("{said}0"), "shop", 1, None));
    }
}
