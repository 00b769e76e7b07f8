//! What the examples of the journal's events are made of, beside the nouns. Decides nothing.

use towpath_core::code_owners::{Change, OwnedFiles, OwnersTold};
use towpath_core::ids::{CommandId, Revision};
use towpath_core::promotion::state::{Holdback, HoldbackEnd};
use towpath_core::speaking::Signed;
use towpath_core::units::{Timestamp, Weight};
use towpath_guard::{Evidence, Probes, Standing, Verdict};

pub(crate) fn verdict() -> Verdict {
    let evidence = Evidence {
        green_requests: 21,
        green_failed: 4,
        blue_requests: 1986,
        blue_failed: 2,
        green_p99_us: Some(120_000),
        blue_p99_us: None,
        probes: Probes { total: 3, failed: 1 },
        once_in: None,
        against: None,
        strata: Vec::new(),
    };
    Verdict { standing: Standing::Unhealthy, sentence: "green failed 4 of 21".to_owned(), evidence }
}

pub(crate) fn signed() -> Signed {
    Signed { statement: r#"{"towpath":1}"#.to_owned(), signature: "-----BEGIN".to_owned() }
}

/// What a repository said, and why it could not say all.
pub(crate) fn owners_told() -> OwnersTold {
    let owners = vec!["@ada".to_owned(), "@example/payments".to_owned()];
    OwnersTold {
        change: Change { before: Some("a".repeat(40)), commit: "b".repeat(40), file: None },
        files: vec![OwnedFiles { owners, file: "src/payments.rs".to_owned(), files: 2 }],
        trouble: Some("the rest could not be read".to_owned()),
    }
}

/// A holdback that is being ended.
pub(crate) fn holdback(at: Timestamp, sentence: String) -> Holdback {
    let share = Weight::from_basis_points(500).unwrap();
    Holdback {
        share,
        observed: share,
        until: at,
        acts: true,
        ending: Some(HoldbackEnd {
            sentence,
            retires: true,
            command: Some(CommandId(12)),
            revision: Revision(6),
            first: Some(Revision(5)),
            since: at,
            retry_at: Some(at),
        }),
    }
}
