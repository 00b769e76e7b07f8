//! Checks that parse and do nothing yet. A matrix that names one refuses promotions until that is
//! accepted by name.

use towpath_ports::check::Check;
use towpath_ports::{Family, Kind};

pub(super) const JUNIT: Kind<dyn Check> = Kind::planned(
    Family::Check,
    "junit",
    "Test reports in JUnit's form: how many failed, how many ran.",
    "{ check: junit, path: \"reports/**/*.xml\" }",
);
pub(super) const COVERAGE: Kind<dyn Check> = Kind::planned(
    Family::Check,
    "coverage",
    "Coverage reports: how much of the code the tests ran.",
    "{ check: coverage, path: coverage.xml, at_least: \"80%\" }",
);
pub(super) const SARIF: Kind<dyn Check> = Kind::planned(
    Family::Check,
    "sarif",
    "Findings of scanners in SARIF, by severity.",
    "{ check: sarif, path: scan.sarif, at_most: { high: 0 } }",
);
pub(super) const PERFORMANCE: Kind<dyn Check> = Kind::planned(
    Family::Check,
    "performance",
    "A short load with limits on latency and errors.",
    "{ check: performance, url: \"{green}/\", latency_p95: \"< 300ms\" }",
);
pub(super) const GITHUB: Kind<dyn Check> = Kind::planned(
    Family::Check,
    "github",
    "The state of a commit's checks at GitHub.",
    "{ check: github, repository: soundbite/api, checks: [build, test] }",
);
