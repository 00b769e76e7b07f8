//! The page of `towpath help simulate`: what the grammar cannot say about it. Knows no option.

use crate::report::help::Page;

/// The page.
pub(crate) const HELP: Page = Page {
    command: "simulate",
    about: "Run a rollout many times over in virtual time, beside other tools' rules",
    examples: &[
        ("towpath simulate production", "good and bad releases against the usual traffic"),
        (
            "towpath simulate production --rate 40/s --errors 0.2% --fault errors=5% --onset 10m",
            "one that begins to fail after ten minutes",
        ),
        (
            "towpath simulate production --log access.log",
            "against the traffic and the errors that there are today",
        ),
        (
            "towpath simulate production --fault latency=2x --latency p50=50ms,p99=400ms",
            "one that is slow",
        ),
        (
            "towpath simulate production --policy towpath.yaml --policy stricter.yaml --svg both.svg",
            "two rollouts side by side, as a picture too",
        ),
    ],
    exits: &[
        "0 simulated   2 wrong usage, matrix or traffic   5 no such environment, service or file",
    ],
    see: "towpath plan, towpath matrix diff",
};
