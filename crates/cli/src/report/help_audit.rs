//! The pages of `help audit`: what the grammar cannot say about it. Knows no option.

use crate::report::help::Page;

/// `audit`.
pub(crate) const TOPIC: Page = Page {
    command: "audit",
    about: "Prove what happened",
    examples: &[
        ("towpath audit verify", "recomputes the whole chain of the journal"),
        ("towpath audit export --output journal.jsonl", "a file that proves itself"),
    ],
    exits: &[],
    see: "",
};

/// `audit verify`.
pub(crate) const VERIFY: Page = Page {
    command: "audit verify",
    about: "Say whether the journal, or an export of it, is as it was written",
    examples: &[
        ("towpath audit verify", "the journal here, and the checkpoints beside it"),
        (
            "towpath audit verify --checkpoints /mnt/audit/soundbite.checkpoints",
            "against a list that was kept elsewhere, which also shows a journal that was cut",
        ),
        (
            "towpath audit verify journal.jsonl --key audit.pub --checkpoints soundbite.checkpoints",
            "an export, on any machine",
        ),
    ],
    exits: &["0 whole   1 changed, or not proven   2 wrong usage or key   5 no such file"],
    see: "towpath audit export",
};

/// `audit export`.
pub(crate) const EXPORT: Page = Page {
    command: "audit export",
    about: "Write every event of the journal into a file that proves itself",
    examples: &[
        ("towpath audit export --output journal.jsonl", "one JSON object on a line"),
        ("towpath audit export --format csv --output journal.csv", "for a spreadsheet"),
        ("towpath audit export --from 3901 --output part.jsonl", "from one event on"),
    ],
    exits: &["0 written   1 not written   5 there is no such event"],
    see: "towpath audit verify",
};

/// `audit checkpoint`.
pub(crate) const CHECKPOINT: Page = Page {
    command: "audit checkpoint",
    about: "Sign where the journal ends now, and keep that where the matrix says",
    examples: &[("towpath audit checkpoint", "beside those that are made every 100 events")],
    exits: &[
        "0 signed, or nothing new to sign   1 a place outside does not have it yet   6 not signed",
    ],
    see: "towpath audit verify",
};
