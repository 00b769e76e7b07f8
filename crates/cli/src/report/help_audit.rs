//! The pages of `help audit`: what the grammar cannot say about it. Knows no option.

use crate::report::help::Page;

/// `audit`.
pub(crate) const TOPIC: Page = Page {
    command: "audit",
    about: "Prove what happened",
    examples: &[
        ("towpath audit verify", "recomputes the whole chain of the journal"),
        ("towpath audit export --output journal.jsonl", "a file that proves itself"),
        ("towpath audit evidence 17", "all about one promotion, for an auditor"),
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
        (
            "towpath audit verify evidence-soundbite-17.tar --key audit.pub",
            "what was handed out about one promotion",
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

/// `audit evidence`.
pub(crate) const EVIDENCE: Page = Page {
    command: "audit evidence",
    about: "Write one file that proves what happened to a promotion, without Towpath",
    examples: &[
        ("towpath audit evidence 17", "evidence-soundbite-17.tar, for an auditor"),
        (
            "towpath audit verify evidence-soundbite-17.tar --key audit.pub",
            "what an auditor who has Towpath does with it",
        ),
    ],
    exits: &[
        "0 written   1 not written, or a piece is not kept any more   5 no such promotion",
        "6 it has not ended, or nothing could be signed",
    ],
    see: "towpath audit export",
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
