//! The pages of `help` about the matrix. Knows no option.

use crate::report::help::Page;

/// What there is to know about each command of `matrix`.
pub(crate) const PAGES: &[Page] = &[
    Page {
        command: "matrix",
        about: "Check, show and compare the matrix",
        examples: &[("towpath matrix check", "everything that is wrong with it, at once")],
        exits: &[],
        see: "",
    },
    Page {
        command: "matrix check",
        about: "Say everything that is wrong with the matrix",
        examples: &[
            ("towpath matrix check", "errors, warnings, and what is not enforced yet"),
            ("towpath matrix check --brief", "a line for each"),
            ("towpath matrix check --explain weight-order", "the rule behind an error"),
            ("towpath matrix check --deny-warnings --json", "in CI"),
        ],
        exits: &[
            "0 right   2 it has errors, or warnings with --deny-warnings   5 no such file or rule",
        ],
        see: "towpath matrix show --resolved",
    },
    Page {
        command: "matrix show",
        about: "Print the matrix",
        examples: &[
            ("towpath matrix show", "as the tables that people know it by"),
            ("towpath matrix show --table costs --as markdown", "one of them, for a wiki page"),
            (
                "towpath matrix show --resolved",
                "with every default, and where each value comes from",
            ),
        ],
        exits: &[],
        see: "towpath matrix check",
    },
    Page {
        command: "matrix diff",
        about: "Say what changes from one matrix to another, and what of it is looser",
        examples: &[
            ("towpath matrix diff old.yaml new.yaml", "every change in words, looser ones marked"),
            ("towpath matrix diff old.yaml", "beside the towpath.yaml of the project"),
            ("towpath matrix diff - --deny-looser", "in CI, with the old one on standard input"),
        ],
        exits: &[
            "0 compared   2 a file has errors   3 a change is looser or to check, with --deny-looser   5 no such file",
        ],
        see: "towpath matrix show --resolved",
    },
    Page {
        command: "matrix apply",
        about: "Bring the file into force, or propose it where people must agree",
        examples: &[
            (
                "towpath matrix apply",
                "an order such as promote does it as well, where nobody is asked",
            ),
            ("towpath matrix apply --dry-run", "who would have to agree"),
        ],
        exits: &[],
        see: "towpath matrix diff, towpath waiting",
    },
    Page {
        command: "matrix approve",
        about: "Say yes to a changed matrix",
        examples: &[("towpath matrix approve 7f3a91c20be4", "the change, as `waiting` shows it")],
        exits: &["0 said   4 your word does not count   5 nothing waits   6 another change waits"],
        see: "towpath matrix reject, towpath waiting",
    },
    Page {
        command: "matrix reject",
        about: "Say no to a changed matrix, which takes it off",
        examples: &[("towpath matrix reject 7f3a91c20be4 --note \"too wide\"", "one no is enough")],
        exits: &["0 said   4 your word does not count   5 nothing waits   6 another change waits"],
        see: "towpath matrix approve",
    },
    Page {
        command: "matrix schema",
        about: "Print the JSON Schema of towpath.yaml, for editors",
        examples: &[("towpath matrix schema", "draft 2020-12")],
        exits: &[],
        see: "",
    },
];
