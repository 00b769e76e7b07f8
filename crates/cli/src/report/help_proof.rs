//! The pages of `help` about what gates opened by. Owns no option.

use crate::report::help::Page;

/// In the order of the overview.
pub(crate) const PAGES: &[Page] = &[
    Page {
        command: "evidence",
        about: "What gates opened by, kept by digest",
        examples: &[("towpath evidence list", "reports, answers and statements")],
        exits: &[],
        see: "",
    },
    Page {
        command: "evidence list",
        about: "List what checks read for the answers that decided, and what people stated",
        examples: &[
            ("towpath evidence list production", "of one environment"),
            ("towpath evidence list 148", "of one promotion"),
            ("towpath evidence list --release 1.5.0", "about one release"),
        ],
        exits: &[],
        see: "towpath history",
    },
    Page {
        command: "evidence show",
        about: "Show the bytes of a piece as they were read",
        examples: &[
            ("towpath evidence show 3f1a9c0d77e2", "on stdout"),
            ("towpath evidence show 3f1a9c0d77e2 --output report.xml", "into a new file"),
        ],
        exits: &["0 shown   2 several have these digits   5 nothing is kept under it"],
        see: "towpath evidence list",
    },
    Page {
        command: "evidence withdraw",
        about: "Take a piece or a statement back: what rested on it counts no more",
        examples: &[(
            "towpath evidence withdraw 3f1a9c0d77e2 --reason \"the scan ran on another commit\"",
            "kept in the journal, for ever",
        )],
        exits: &["0 withdrawn   4 not allowed   5 nothing is kept under it"],
        see: "towpath evidence list, towpath status",
    },
];
