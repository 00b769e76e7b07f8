//! Pages of help about who may act for whom. Owns the words; how they are laid out is in `help`.

use crate::report::help::Page;

/// The pages.
pub(crate) const PAGES: &[Page] = &[
    Page {
        command: "token",
        about: "Let a script act for you, within bounds and for a while",
        examples: &[("towpath token list", "which there are, and when each was last used")],
        exits: &[],
        see: "towpath matrix show --resolved, who may what",
    },
    Page {
        command: "token create",
        about: "Create a token; it is shown once, on stdout",
        examples: &[
            (
                "towpath token create nightly --may promote --may rollback --in staging --for 7d",
                "for what you may yourself, and for no longer than you may",
            ),
            ("towpath token create build --for-program ci --may create-release", "of a program"),
            ("towpath token create dashboard", "to look, and nothing else"),
        ],
        exits: &[
            "0 created   4 you may not do yourself what it would be for   6 you have that one",
        ],
        see: "towpath token revoke",
    },
    Page {
        command: "token list",
        about: "List tokens: whose, for what, until when, and when last used",
        examples: &[("towpath token list --all", "those that ended lately as well")],
        exits: &[],
        see: "towpath token revoke",
    },
    Page {
        command: "token revoke",
        about: "End a token, and whatever was created with it, at once",
        examples: &[(
            "towpath token revoke 0123456789ab --reason \"it was in a log\"",
            "as the list calls it",
        )],
        exits: &["0 it opens nothing   4 it is not yours   5 there is none"],
        see: "towpath token list",
    },
    Page {
        command: "login",
        about: "Know a server under a name, and who you are there",
        examples: &[
            ("towpath login https://towpath.example.com/projects/shop", "asks for a token"),
            ("towpath login https://towpath.example.com --token-file -", "takes it from stdin"),
            (
                "towpath login https://towpath.example.com --name prod --token-command \
                 secret-tool lookup service towpath",
                "asks a keyring, each time",
            ),
        ],
        exits: &["0 you are known there   1 it does not answer   4 the token opens nothing there"],
        see: "towpath token create, towpath logout",
    },
    Page {
        command: "logout",
        about: "Forget a server; what it knows of you stays",
        examples: &[("towpath logout shop", "and the token that login kept")],
        exits: &[],
        see: "towpath token revoke",
    },
];
