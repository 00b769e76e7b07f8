//! Which ids the ledger must hold: the lines of the five documents that towpath was asked for, by
//! number. What a line says stands in the ledger's own rows; no text of a document is kept here.

use std::collections::BTreeSet;
use std::fmt;

/// A line of a seed document. Ordered by document, then line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id {
    /// Number of the document, 0 to 4.
    pub(crate) seed: u16,
    /// Number of the line in it, from 1.
    pub(crate) item: u16,
}

/// A seed document: how many numbered lines it has, and which of them demand nothing.
struct Seed {
    about: &'static str,
    items: u16,
    /// First and last line of each stretch that only tells: dates, summaries, praise, what exists
    /// already, references to other pages. Everything else demands something and has a row.
    background: &'static [(u16, u16)],
}

/// The documents in the order of their numbers. They do not change any more; nor do these numbers.
const SEEDS: &[Seed] = &[
    Seed { about: "promotion matrix of SoundBite", items: 254, background: &[(1, 3), (242, 249)] },
    Seed {
        about: "analysis of SoundBite's scripts",
        items: 219,
        background: &[(1, 47), (60, 60), (73, 73), (86, 86), (99, 99), (152, 153), (204, 219)],
    },
    Seed {
        about: "implementation plan of SoundBite",
        items: 282,
        background: &[
            (1, 9),
            (15, 17),
            (54, 56),
            (102, 104),
            (135, 137),
            (168, 170),
            (201, 204),
            (209, 212),
            (266, 282),
        ],
    },
    Seed {
        about: "environment strategy of a web service",
        items: 201,
        background: &[(1, 1), (199, 201)],
    },
    Seed {
        about: "promotion workflow of Security Design Assistant",
        items: 177,
        background: &[(1, 1), (175, 177)],
    },
];

impl Id {
    /// Reads `000-001`; `None` for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (seed, item) = text.split_once('-')?;
        let number = |digits: &str| {
            let plain = digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| digits.parse().ok()).flatten()
        };
        Some(Self { seed: number(seed)?, item: number(item)? })
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:03}-{:03}", self.seed, self.item)
    }
}

/// Every id that needs a row.
pub(crate) fn expected() -> BTreeSet<Id> {
    let mut ids = BTreeSet::new();
    for (seed, document) in (0..).zip(SEEDS) {
        let told =
            |item: u16| document.background.iter().any(|(from, to)| (*from..=*to).contains(&item));
        ids.extend((1..=document.items).filter(|item| !told(*item)).map(|item| Id { seed, item }));
    }
    ids
}

/// What the document of this number is; empty for a number that no document has.
pub(crate) fn about(seed: u16) -> &'static str {
    SEEDS.get(usize::from(seed)).map_or("", |document| document.about)
}

/// The ids as stretches: `000-004 to 000-009, 001-048`.
pub(crate) fn stretches(ids: impl IntoIterator<Item = Id>) -> String {
    let mut stretches: Vec<(Id, Id)> = Vec::new();
    for id in ids {
        match stretches.last_mut() {
            Some((_, last)) if last.seed == id.seed && last.item + 1 == id.item => *last = id,
            _ => stretches.push((id, id)),
        }
    }
    let written = stretches.iter().map(|(first, last)| {
        if first == last { first.to_string() } else { format!("{first} to {last}") }
    });
    written.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_that_demands_something_is_expected() {
        let ids = expected();
        let of = |seed| ids.iter().filter(|id| id.seed == seed).count();
        assert_eq!([0, 1, 2, 3, 4].map(of), [243, 150, 233, 197, 173]);
        assert_eq!(ids.first().map(Id::to_string).as_deref(), Some("000-004"));
        assert!(
            !ids.contains(&Id { seed: 1, item: 60 }) && ids.contains(&Id { seed: 1, item: 61 })
        );
    }

    #[test]
    fn an_id_has_two_numbers_of_three_digits() {
        assert_eq!(Id::parse("003-045"), Some(Id { seed: 3, item: 45 }));
        for wrong in ["", "3-45", "003-45", "003-0045", "003_045", "003-+45", "003-04x"] {
            assert_eq!(Id::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn neighbours_are_written_as_one_stretch() {
        let ids = ["000-254", "001-001", "001-002", "001-003", "001-007"]
            .map(|id| Id::parse(id).unwrap());
        assert_eq!(stretches(ids), "000-254, 001-001 to 001-003, 001-007");
    }
}
