//! The hash chain: how an event's hash is made and how a chain is walked. Reads no database.
//!
//! An event's hash is the SHA-256 over these bytes, in this order and with nothing between them:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | [`FORMAT`], the version of this table |
//! | 32 | the hash of the event before it; for event 1 the [`genesis`] hash |
//! | 8 | `seq`, big-endian |
//! | 8 | `at` in microseconds, big-endian, two's complement |
//! | 1, or 1 + 8 + n | `lane`: `00`, or `01`, length and text |
//! | 1, or 1 + 8 | `promotion`: `00`, or `01` and the number, big-endian |
//! | 8 + n | `actor`: length and text |
//! | 8 + n | `kind` |
//! | 8 + n | `body`: the JSON text exactly as it is stored, not parsed and written anew |
//!
//! Lengths are bytes of UTF-8, 8 bytes big-endian. Every part is of fixed size or says its size, so
//! no two different events have the same bytes.
//!
//! The head row holds the last sequence number and its hash, which is how a missing tail shows.
//! Somebody who may write to the database can recompute the whole chain and the head; against that
//! helps only a signed checkpoint that was copied elsewhere before.

use sha2::Digest as _;
use towpath_core::ids::{Digest, Name};
use towpath_ports::store::{ChainBreak, WrittenEvent};

/// The version of the table above. It is hashed, so no event of one format passes for another's.
pub const FORMAT: u8 = 1;

/// What event 1 is linked to: [`FORMAT`], the project's name with its length, and the rehearsal
/// speed. Ties the chain to its project.
pub fn genesis(project: &Name, speed: u32) -> Digest {
    let mut hasher = sha2::Sha256::new();
    hasher.update([FORMAT]);
    add_text(&mut hasher, project.as_str());
    hasher.update(u64::from(speed).to_be_bytes());
    Digest::from_hash(&hasher.finalize())
}

/// The hash of `event` behind an event with the hash `previous`. The event's own `hash` is not read.
pub fn link(previous: &Digest, event: &WrittenEvent) -> Digest {
    let mut hasher = sha2::Sha256::new();
    hasher.update([FORMAT]);
    hasher.update(hash_bytes(previous));
    hasher.update(event.seq.to_be_bytes());
    hasher.update(event.at.to_be_bytes());
    match &event.lane {
        None => hasher.update([0]),
        Some(lane) => {
            hasher.update([1]);
            add_text(&mut hasher, lane);
        }
    }
    match event.promotion {
        None => hasher.update([0]),
        Some(promotion) => {
            hasher.update([1]);
            hasher.update(promotion.to_be_bytes());
        }
    }
    add_text(&mut hasher, &event.actor);
    add_text(&mut hasher, &event.kind);
    add_text(&mut hasher, &event.body);
    Digest::from_hash(&hasher.finalize())
}

fn add_text(hasher: &mut sha2::Sha256, text: &str) {
    hasher.update((text.len() as u64).to_be_bytes());
    hasher.update(text.as_bytes());
}

fn hash_bytes(digest: &Digest) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digest.hex().as_bytes().chunks_exact(2)) {
        *byte = nibble(pair[0]) << 4 | nibble(pair[1]);
    }
    bytes
}

fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => digit - b'a' + 10,
    }
}

/// Walks a chain from its first event and stops at the first that is not as it was written.
#[derive(Debug)]
pub struct Walk {
    seq: i64,
    hash: Digest,
}

impl Walk {
    /// The hash of the last event that was taken; at the beginning what it began with.
    pub fn hash(&self) -> &Digest {
        &self.hash
    }

    /// After the event `seq`, whose hash is `hash`: the chain before it was walked already.
    pub fn after(seq: u64, hash: Digest) -> Self {
        Self { seq: i64::try_from(seq).unwrap_or(i64::MAX), hash }
    }

    /// Before the first event of the chain that begins at `genesis`.
    pub fn new(genesis: Digest) -> Self {
        Self { seq: 0, hash: genesis }
    }

    /// The sequence number of the event that must come next.
    pub fn next_seq(&self) -> u64 {
        u64::try_from(self.seq).expect("a walk begins at 0 and only grows") + 1
    }

    /// Takes the next event.
    ///
    /// # Errors
    /// It is not the one that was written there; the walk does not move.
    pub fn step(&mut self, event: &WrittenEvent) -> Result<(), ChainBreak> {
        let wanted = self.seq + 1;
        if event.seq < wanted {
            return Err(self.broken(format!(
                "event {} stands before event {wanted} and was never written",
                event.seq
            )));
        }
        if event.seq > wanted {
            return Err(self.broken(format!(
                "event {wanted} is missing: event {} follows event {}",
                event.seq, self.seq
            )));
        }
        let hash = link(&self.hash, event);
        if hash.as_str() != event.hash {
            return Err(
                self.broken(format!("event {wanted} is not as it was written: its hash differs"))
            );
        }
        self.seq = wanted;
        self.hash = hash;
        Ok(())
    }

    /// Compares the end with the head row.
    ///
    /// # Errors
    /// The head row says another end.
    pub fn finish(&self, head: Option<(i64, &str)>) -> Result<(), ChainBreak> {
        let Some((head_seq, head_hash)) = head else {
            return Err(self.broken("the row that says where the journal ends is missing".into()));
        };
        if head_seq > self.seq {
            return Err(self.broken(format!(
                "event {} is missing: the journal ends at event {}, but {head_seq} were written",
                self.seq + 1,
                self.seq
            )));
        }
        if head_seq < self.seq {
            let seq = u64::try_from(head_seq.max(0)).unwrap_or(0) + 1;
            let sentence = format!("event {seq} was added: only {head_seq} were written");
            return Err(ChainBreak { seq, sentence });
        }
        if head_hash != self.hash.as_str() {
            let seq = u64::try_from(self.seq).unwrap_or(0);
            let sentence =
                format!("event {seq} is not the one that was written last: the hash differs");
            return Err(ChainBreak { seq, sentence });
        }
        Ok(())
    }

    /// A break at the event that must come next.
    pub fn broken(&self, sentence: String) -> ChainBreak {
        ChainBreak { seq: self.next_seq(), sentence }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The two hashes were computed from the table above by a program of its own.
    #[test]
    fn a_known_event_keeps_its_hash_for_ever() {
        let genesis = genesis(&Name::new("soundbite").unwrap(), 1);
        let mut event = WrittenEvent {
            seq: 1,
            at: 1_800_000_000_000_000,
            lane: Some("api/staging".into()),
            promotion: Some(7),
            actor: "anna".into(),
            kind: "promotion-started".into(),
            body: r#"{"release":"1.0.0"}"#.into(),
            hash: String::new(),
        };
        assert_eq!(
            link(&genesis, &event).as_str(),
            "sha256:e08b9de7353581183b4703b96be7eec42813cbfffa09e92b6fbf99efc643202b",
            "the stored format changed: every journal there is would no longer verify"
        );
        event.lane = None;
        event.promotion = None;
        assert_eq!(
            link(&genesis, &event).as_str(),
            "sha256:79641130901b83d6a894b0468c96b85a7ea4fe0191015385955f664731bdd602"
        );
    }

    #[test]
    fn text_cannot_wander_from_one_field_into_the_next() {
        let previous = genesis(&Name::new("p").unwrap(), 1);
        let whole = event(1, "ab", "c", "{}");
        let moved = event(1, "a", "bc", "{}");
        assert_ne!(link(&previous, &whole), link(&previous, &moved));
    }

    fn event(seq: i64, actor: &str, kind: &str, body: &str) -> WrittenEvent {
        WrittenEvent {
            seq,
            at: 5,
            lane: None,
            promotion: None,
            actor: actor.into(),
            kind: kind.into(),
            body: body.into(),
            hash: String::new(),
        }
    }

    fn chain(bodies: &[String]) -> (Digest, Vec<WrittenEvent>) {
        let genesis = genesis(&Name::new("p").unwrap(), 60);
        let mut previous = genesis.clone();
        let mut events = Vec::new();
        for (place, body) in bodies.iter().enumerate() {
            let mut next = event(i64::try_from(place).unwrap() + 1, "anna", "noted", body);
            next.lane = place.is_multiple_of(2).then(|| "api/staging".to_owned());
            next.promotion = place.is_multiple_of(3).then_some(4);
            previous = link(&previous, &next);
            next.hash = previous.as_str().to_owned();
            events.push(next);
        }
        (genesis, events)
    }

    fn walk(
        genesis: &Digest,
        events: &[WrittenEvent],
        head: (i64, &str),
    ) -> Result<(), ChainBreak> {
        let mut walk = Walk::new(genesis.clone());
        for event in events {
            walk.step(event)?;
        }
        walk.finish(Some(head))
    }

    /// Changes one byte of one field to another that keeps it valid text or a valid number.
    fn change(event: &mut WrittenEvent, field: usize, byte: usize, bit: u8) {
        let flip_text = |text: &mut String| {
            let mut bytes = std::mem::take(text).into_bytes();
            if bytes.is_empty() {
                bytes.push(b'x');
            } else {
                let place = byte % bytes.len();
                bytes[place] ^= 1 << (bit % 5);
            }
            *text = String::from_utf8(bytes).unwrap();
        };
        let flip_number = |number: &mut i64| *number ^= 1_i64 << (byte % 63);
        match field {
            0 => flip_number(&mut event.seq),
            1 => flip_number(&mut event.at),
            2 => flip_text(event.lane.get_or_insert_default()),
            3 => flip_number(event.promotion.get_or_insert_default()),
            4 => flip_text(&mut event.actor),
            5 => flip_text(&mut event.kind),
            6 => flip_text(&mut event.body),
            7 => flip_text(&mut event.hash),
            8 => event.lane = event.lane.is_none().then(String::new),
            _ => event.promotion = event.promotion.is_none().then_some(0),
        }
    }

    proptest! {
        #[test]
        fn every_changed_removed_swapped_repeated_or_cut_event_is_found(
            bodies in proptest::collection::vec("[ -~]{0,30}", 2..12),
            place in any::<proptest::sample::Index>(),
            other in any::<proptest::sample::Index>(),
            act in 0..5_usize,
            field in 0..10_usize,
            byte in 0..200_usize,
            bit in 0..8_u8,
        ) {
            let (genesis, events) = chain(&bodies);
            let end = events.last().unwrap().clone();
            let head = (end.seq, end.hash.as_str());
            prop_assert_eq!(walk(&genesis, &events, head), Ok(()));
            let mut changed = events.clone();
            let at = place.index(changed.len());
            let mut first = at;
            match act {
                0 => change(&mut changed[at], field, byte, bit),
                1 => { changed.remove(at); }
                2 => changed.truncate(at),
                3 => { let copy = changed[at].clone(); changed.insert(at, copy); first = at + 1; }
                _ => {
                    let to = other.index(changed.len());
                    prop_assume!(to != at);
                    changed.swap(at, to);
                    first = at.min(to);
                }
            }
            let found = walk(&genesis, &changed, head);
            prop_assert_eq!(found.map_err(|broken| broken.seq), Err(first as u64 + 1));
        }
    }
}
