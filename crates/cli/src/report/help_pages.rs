//! The pages of `help`: what the grammar cannot say about a command. Examples can be typed as they
//! stand; a test types them all. Knows no option.

use crate::report::help::Page;

/// Exit codes of what is watched to its end.
pub(crate) const WATCHED: &[&str] = &[
    "0 succeeded   1 failed or aborted   2 wrong usage or matrix   3 refused, rejected or rolled back",
    "4 not allowed   5 not found   6 plan is stale, lane is busy or superseded   7 stopped waiting",
    "130 interrupted (the promotion goes on)",
];

/// All pages, in the order of the overview.
pub(crate) const PAGES: &[Page] = &[
    Page {
        command: "init",
        about: "Write a towpath.yaml for this folder",
        examples: &[
            ("towpath init", "looks at the folder, asks four things, writes the file"),
            ("towpath init --no-input", "takes what it would have offered"),
            ("towpath init --from compose", "reads compose.yaml or docker-compose.*.yml"),
            ("towpath init --from scripts", "reads scripts/*.sh, and the compose file beside them"),
            (
                "towpath init --from sam infra/template.yaml",
                "reads a SAM template and samconfig.toml",
            ),
            (
                "towpath init --from cdk",
                "reads cdk.out after `cdk synth`, else the names in bin/*.ts",
            ),
        ],
        exits: &[],
        see: "towpath matrix check, towpath release create",
    },
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
        command: "matrix schema",
        about: "Print the JSON Schema of towpath.yaml, for editors",
        examples: &[("towpath matrix schema", "draft 2020-12")],
        exits: &[],
        see: "",
    },
    Page {
        command: "release",
        about: "Create, list, show and compare releases",
        examples: &[("towpath release list", "the newest first")],
        exits: &[],
        see: "",
    },
    Page {
        command: "release create",
        about: "Keep what shall be deployed, under a version, for ever",
        examples: &[
            ("towpath release create 1.5.0 --artifact api=dist/", "a folder, kept by its digest"),
            (
                "towpath release create 1.5.0 --artifact api=build/api --setting CACHE=local",
                "a file, with a setting",
            ),
            (
                "towpath release create 1.5.0 --artifact api=. --type hotfix --migration db/0007.sql",
                "a hotfix that changes stored data",
            ),
            (
                "towpath release create --snapshot",
                "what is in this folder now, for development environments",
            ),
        ],
        exits: &[
            "0 kept, or it was kept before with the same bytes   6 the version has other bytes",
        ],
        see: "towpath promote, towpath release diff",
    },
    Page {
        command: "release list",
        about: "List releases, the newest first",
        examples: &[("towpath release list", "with where each is verified")],
        exits: &[],
        see: "",
    },
    Page {
        command: "release show",
        about: "Show one release",
        examples: &[("towpath release show 1.5.0", "what it consists of, and where it got")],
        exits: &[],
        see: "",
    },
    Page {
        command: "release diff",
        about: "Compare two releases",
        examples: &[("towpath release diff 1.4.2 1.5.0", "artefacts, settings and migrations")],
        exits: &[],
        see: "",
    },
    Page {
        command: "plan",
        about: "Say what a promotion would do; changes nothing",
        examples: &[
            ("towpath plan staging production", "the newest release verified in staging"),
            ("towpath plan production --release 1.4.2", "a certain one"),
        ],
        exits: &[],
        see: "towpath promote --plan HASH, towpath why",
    },
    Page {
        command: "promote",
        about: "Carry a release into an environment",
        examples: &[
            ("towpath promote staging production", "the newest release verified in staging"),
            ("towpath promote production --release 1.4.2", "a certain one"),
            (
                "towpath promote dev-localstack --release 1.6.0",
                "into the first environment, where nothing comes before",
            ),
            (
                "towpath promote staging production --plan 7f3a91c20be4",
                "exactly that plan, or nothing",
            ),
            (
                "towpath promote staging production --yes --no-wait",
                "from a script, without watching",
            ),
        ],
        exits: WATCHED,
        see: "towpath plan, towpath why, towpath rollback, towpath abort",
    },
    Page {
        command: "rollback",
        about: "Put the last good release back; asks nothing",
        examples: &[
            ("towpath rollback production", "the release that served before"),
            ("towpath rollback production --reason \"empty audio since 02:50\"", "and says why"),
            ("towpath rollback production --dry-run", "which release that would be"),
            ("towpath rollback production staging", "the form of the old scripts; the same"),
            ("towpath rollback --amend 153 --reason \"empty audio\"", "the reason, given later"),
        ],
        exits: WATCHED,
        see: "towpath quarantine list, towpath history",
    },
    Page {
        command: "signal",
        about: "Say that something is wrong that no request shows",
        examples: &[(
            "towpath signal production security-incident --reason \"leaked key in 1.5.0\"",
            "goes back, where the matrix says so",
        )],
        exits: &[],
        see: "towpath rollback",
    },
    Page {
        command: "freeze",
        about: "Stop promotions in one environment, of one service, or everywhere",
        examples: &[
            (
                "towpath freeze production --reason \"the payment provider is down\" --for 2h",
                "nothing starts and no weight rises; rollbacks work as always",
            ),
            ("towpath freeze --reason \"an audit\" --except hotfix", "everything but hotfixes"),
        ],
        exits: &[],
        see: "towpath thaw, towpath status",
    },
    Page {
        command: "thaw",
        about: "End a freeze before its time",
        examples: &[("towpath thaw production --reason \"it is up again\"", "what waited goes on")],
        exits: &[],
        see: "towpath freeze, towpath waiting",
    },
    Page {
        command: "pause",
        about: "Hold a promotion where it is",
        examples: &[(
            "towpath pause 148 --reason \"looking at the logs\"",
            "until resumed or its time is up",
        )],
        exits: &[],
        see: "towpath resume, towpath abort",
    },
    Page {
        command: "resume",
        about: "Let a held promotion go on",
        examples: &[("towpath resume 148", "from the step that it is at")],
        exits: &[],
        see: "towpath pause",
    },
    Page {
        command: "abort",
        about: "End a promotion and return all traffic",
        examples: &[("towpath abort 148", "the release is not quarantined by this")],
        exits: &[],
        see: "towpath rollback, for one that has succeeded",
    },
    Page {
        command: "approve",
        about: "Say yes to a plan",
        examples: &[
            ("towpath approve 149", "the plan of promotion 149 as it is now"),
            ("towpath approve 7f3a91c20be4", "a plan by its hash, before anybody has ordered it"),
            ("towpath approve production --note \"looks right\"", "of what waits there"),
        ],
        exits: &[
            "0 said   4 your word does not count here   5 nothing waits   6 the plan has changed",
        ],
        see: "towpath reject, towpath waiting, towpath plan",
    },
    Page {
        command: "reject",
        about: "Say no to a plan, which ends its promotion",
        examples: &[("towpath reject 149 --reason \"not before the audit\"", "one no is enough")],
        exits: &["0 said   4 not allowed   5 nothing waits   6 it has started or ended"],
        see: "towpath approve, towpath abort for one that has started",
    },
    Page {
        command: "attest",
        about: "State that a check is done",
        examples: &[(
            "towpath attest production \"Performance testing complete\"",
            "kept for ever",
        )],
        exits: &[],
        see: "towpath why",
    },
    Page {
        command: "status",
        about: "Say what serves where",
        examples: &[
            ("towpath status", "a row for each environment"),
            ("towpath status --json", "for programs"),
        ],
        exits: &[],
        see: "towpath why, towpath history",
    },
    Page {
        command: "why",
        about: "Say what blocks an environment, and who can unblock it",
        examples: &[("towpath why production", "with the commands that help")],
        exits: &[],
        see: "towpath waiting, towpath status",
    },
    Page {
        command: "waiting",
        about: "List what waits for somebody",
        examples: &[("towpath waiting", "in all environments")],
        exits: &[],
        see: "towpath why",
    },
    Page {
        command: "watch",
        about: "Follow a promotion to its end",
        examples: &[
            ("towpath watch 148", "as promote does; leaving changes nothing"),
            ("towpath watch production", "what is under way or waits there"),
        ],
        exits: WATCHED,
        see: "towpath abort, towpath history",
    },
    Page {
        command: "history",
        about: "List promotions, the newest first",
        examples: &[
            ("towpath history", "of all environments"),
            ("towpath history production --all", "of one"),
        ],
        exits: &[],
        see: "towpath watch, towpath logs",
    },
    Page {
        command: "logs",
        about: "Print what the instances of a promotion wrote",
        examples: &[
            ("towpath logs 148", "of all instances"),
            ("towpath logs 148 --instance 2", "of one"),
        ],
        exits: &[],
        see: "",
    },
    Page {
        command: "validate",
        about: "Ask the validation checks of what serves",
        examples: &[("towpath validate production", "changes nothing")],
        exits: &["0 all pass   3 one does not"],
        see: "towpath health",
    },
    Page {
        command: "health",
        about: "Probe what serves, now",
        examples: &[("towpath health production", "each endpoint of the matrix")],
        exits: &["0 all answer   1 one does not"],
        see: "towpath validate",
    },
    Page {
        command: "quarantine",
        about: "Releases that may not return",
        examples: &[("towpath quarantine list", "where, since when and why")],
        exits: &[],
        see: "",
    },
    Page {
        command: "quarantine list",
        about: "List releases that may not return",
        examples: &[("towpath quarantine list production", "of one environment")],
        exits: &[],
        see: "",
    },
    Page {
        command: "quarantine lift",
        about: "Let a release enter an environment again",
        examples: &[(
            "towpath quarantine lift production 1.5.0 --reason \"the proxy was at fault\"",
            "kept in the journal",
        )],
        exits: &[],
        see: "towpath quarantine list",
    },
    Page {
        command: "notify",
        about: "Whether people can be told, and what they were not told",
        examples: &[("towpath notify list", "channels, what is on its way, what never arrived")],
        exits: &[],
        see: "",
    },
    Page {
        command: "notify test",
        about: "Send a message that says that it is a test",
        examples: &[("towpath notify test slack", "through the channel as the file has it")],
        exits: &["0 it was taken   1 it was not"],
        see: "towpath notify list",
    },
    Page {
        command: "notify list",
        about: "List channels, and notices that did not arrive yet or never did",
        examples: &[("towpath notify list --json", "with their ids and what channels said")],
        exits: &[],
        see: "towpath notify retry",
    },
    Page {
        command: "notify retry",
        about: "Send a notice again that never arrived",
        examples: &[("towpath notify retry 6635b5a8dc000-3-17-0", "under the same id")],
        exits: &[],
        see: "towpath notify list",
    },
    Page {
        command: "audit",
        about: "Prove what happened",
        examples: &[("towpath audit verify", "recomputes the whole chain of the journal")],
        exits: &[],
        see: "",
    },
    Page {
        command: "audit verify",
        about: "Say whether the journal is as it was written",
        examples: &[("towpath audit verify", "recomputes the whole chain")],
        exits: &["0 whole   1 changed"],
        see: "",
    },
    crate::report::simulation::HELP,
    Page {
        command: "adapters",
        about: "List the kinds of targets, routers and checks",
        examples: &[
            ("towpath adapters", "with how far each is"),
            ("towpath adapters --json", "with every setting"),
        ],
        exits: &[],
        see: "",
    },
    Page {
        command: "doctor",
        about: "Look for what is wrong with this project on this machine",
        examples: &[("towpath doctor", "matrix, engine, journal, git")],
        exits: &["0 nothing is wrong   1 something is"],
        see: "",
    },
    Page {
        command: "completions",
        about: "Print completions for a shell",
        examples: &[(
            "towpath completions bash",
            "for ~/.local/share/bash-completion/completions/towpath",
        )],
        exits: &[],
        see: "",
    },
    Page {
        command: "help",
        about: "Show help",
        examples: &[
            ("towpath help exit-codes", "what each exit code means"),
            ("towpath help everything", "all pages, one after the other"),
        ],
        exits: &[],
        see: "",
    },
    Page {
        command: "serve",
        about: "Run the engine of a project until it is stopped",
        examples: &[("towpath serve", "in the foreground")],
        exits: &[],
        see: "towpath engine status",
    },
    Page {
        command: "engine",
        about: "The engine that runs in the background",
        examples: &[],
        exits: &[],
        see: "towpath serve",
    },
    Page {
        command: "engine start",
        about: "Start an engine in the background; it ends when nothing needs it any more",
        examples: &[("towpath engine start", "every order does the same by itself")],
        exits: &[],
        see: "towpath serve, towpath status",
    },
    Page {
        command: "engine status",
        about: "Say whether an engine runs, since when, and whether anything needs it",
        examples: &[("towpath engine status", "")],
        exits: &[],
        see: "",
    },
    Page {
        command: "engine stop",
        about: "Stop the engine; what serves goes on serving, and nothing advances",
        examples: &[
            ("towpath engine stop", "the next order starts it again"),
            ("towpath engine stop --everything", "after a rehearsal: ends every release, too"),
        ],
        exits: &[],
        see: "",
    },
    Page {
        command: "proxy",
        about: "Run a proxy; started by the engine",
        examples: &[],
        exits: &[],
        see: "",
    },
    Page {
        command: "supervise",
        about: "Run instances; started by the engine",
        examples: &[],
        exits: &[],
        see: "",
    },
    Page {
        command: "sample-service",
        about: "Run the service of the demo; started by it",
        examples: &[],
        exits: &[],
        see: "",
    },
    Page {
        command: "demo",
        about: "Watch the whole story with a sample service",
        examples: &[("towpath demo", "five releases, one bad one caught, in one minute")],
        exits: &[],
        see: "towpath init",
    },
];
