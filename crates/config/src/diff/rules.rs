//! Which direction of a key is the looser one, and what people call the key: one table for the
//! whole matrix. A key that is not in it is told as changed and judged neutral. Judges nothing
//! itself.

use super::path::{Path, Segment};

/// How a change of a key is judged. Where a key is left out, what it demands does not hold: a
/// demand that is removed is looser, one that is added stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// An amount of which more demands less.
    MoreIsLooser,
    /// An amount of which less demands less.
    LessIsLooser,
    /// A comparison that must hold; the more values meet it, the less it demands.
    Promise,
    /// A comparison at which something acts; the more values meet it, the sooner.
    Trigger,
    /// Words from the strictest to the loosest.
    Words(&'static [&'static str]),
    /// `true` demands something.
    OffIsLooser,
    /// `true` permits something.
    OnIsLooser,
    /// A part of the day in which something is permitted.
    MoreHoursAreLooser,
    /// A day from which on something is forbidden.
    LaterIsLooser,
    /// A day until which something is forbidden.
    EarlierIsLooser,
    /// A list or map of which each entry demands something; left out, none does.
    Demands,
    /// A list or map of which each entry permits something; left out, none does.
    Permits,
    /// A list of those to whom something is limited; left out, it is limited to nobody.
    LimitedTo,
    /// Something that helps when it is there, whatever it says.
    Said,
    /// Steps of a rollout, rising.
    Steps,
    /// A map whose parts are told one by one, also where all of it is new or gone.
    Apart,
}

use Rule::{
    Apart, Demands, EarlierIsLooser, LaterIsLooser, LessIsLooser, LimitedTo, MoreHoursAreLooser,
    MoreIsLooser, OffIsLooser, OnIsLooser, Permits, Promise, Said, Steps, Trigger, Words,
};

/// A path from its section on, the rule for it, and what people call it. In a part of a path `*` is
/// anything, `a|b` one of these and `a*` what begins so; `{1}` is what stands for the first part of
/// that kind. A path that begins with `..` may stand below anything. Without words of its own a key
/// is called by its path. The first row that fits decides.
type Row = (&'static str, Option<Rule>, &'static str);

const LEVELS: Rule = Words(&[
    "critical",
    "maximum",
    "comprehensive",
    "full",
    "high",
    "enhanced",
    "fast",
    "medium",
    "low",
    "basic",
    "none",
]);
const WHO: Rule = Words(&["automatic", "manual", "none"]);
const WHOLE: &[&[Row]] =
    &[PIPELINE, EVIDENCE, ROLLOUT, ROLLBACK, PERMISSIONS, WATCHING, STANDS_ON, MONEY, ANYWHERE];

/// Maps whose keys and values are free: what stands in them is a text, whatever it is called.
const FREE: &[&str] = &["settings", "links", "tags"];

const PIPELINE: &[Row] = &[
    ("tier", Some(Words(&["production", "staging", "testing", "development"])), "tier"),
    ("after", Some(Demands), "what comes before"),
    ("after_any", Some(LimitedTo), "what may come before"),
    ("promote", Some(WHO_LETS_IN), "promotion"),
    ("preempt", Some(Permits), "what may take the place of a promotion under way"),
    ("accept_unenforced", Some(Permits), "accepted though not enforced"),
    ("accept_warnings", Some(Permits), "accepted warnings"),
    ("change_types.*.skip", Some(Permits), "environments that a {1} skips"),
    ("triggers.*.does", Some(Words(&["validate", "promote"])), ""),
    ("windows", Some(LimitedTo), "windows"),
    ("windows.*.hours", Some(MoreHoursAreLooser), "hours of the window {1}"),
    ("windows.*.days", Some(LimitedTo), "days of the window {1}"),
    ("freezes", Some(Demands), "freezes"),
    ("freezes.*.from", Some(LaterIsLooser), "beginning of the freeze {1}"),
    ("freezes.*.until", Some(EarlierIsLooser), "end of the freeze {1}"),
    ("freezes.*.days", Some(Demands), "days of the freeze {1}"),
    ("freezes.*.except", Some(Permits), "exceptions to the freeze {1}"),
    ("branches.*.approvals", Some(LessIsLooser), "approvals on the branch {1}"),
    (
        "branches.*.status_checks|up_to_date|code_owners|signed_commits|dismiss_stale_reviews",
        Some(OffIsLooser),
        "branch {1}: {2}",
    ),
];

const WHO_LETS_IN: Rule = Words(&["manual", "automatic"]);

const EVIDENCE: &[Row] = &[
    ("gate", Some(Apart), ""),
    ("gate.*", Some(Demands), "{1}"),
    ("gate.*.*.by", Some(LimitedTo), "who may attest {2}"),
    ("gate.*.*.for", Some(LessIsLooser), "soak of {2}"),
    ("gate.*.*.at_least", Some(LessIsLooser), "{2}: at least"),
    ("gate.*.*.at_most|allow", Some(Demands), "{2}: {3}"),
    ("gate.*.*.at_most|allow.*", Some(MoreIsLooser), "{2}: {4} that are allowed"),
    ("gate.*.*.latency_*|error_rate", Some(Promise), "{2}: {3}"),
    ("gate.*.*.is", Some(Promise), "{2}: what must hold"),
    ("gate.*.*.requests|users|duration|reviews", Some(LessIsLooser), "{2}: {3}"),
    ("gate.*.*.checks|names", Some(Demands), "{2}: {3}"),
    ("gate.*.*.code_owners|signed|up_to_date", Some(OffIsLooser), "{2}: {3}"),
    ("gate.*.*.*", None, "{2}: {3}"),
    ("approvals.expires", Some(MoreIsLooser), "validity of an approval"),
    ("approvals.code_owners", Some(OffIsLooser), "approval of the code's owners"),
    ("approvals.author_may_approve", Some(OnIsLooser), "the author may approve"),
    ("approvals.remind_every", None, ""),
    ("approvals.all", None, "approvals for every change"),
    ("approvals.*", None, "approvals for a {1}"),
    ("approvals.all.*", Some(LessIsLooser), "approvals for every change by the role {1}"),
    ("approvals.*.*", Some(LessIsLooser), "approvals for a {1} by the role {2}"),
];

const ROLLOUT: &[Row] = &[
    ("..rollout.steps", Some(Steps), "rollout steps"),
    ("..rollout.steps.*.weight", Some(MoreIsLooser), "rollout step {1}: weight"),
    ("..rollout.steps.*.bake|min|max", Some(LessIsLooser), "rollout step {1}: {2}"),
    ("..rollout.steps.*.bake.min|max", Some(LessIsLooser), "rollout step {1}: {2} of its bake"),
    ("..rollout.proof", Some(Words(&["required", "optional"])), "proof that a release is healthy"),
    ("..rollout.hold_limit", Some(LessIsLooser), "wait for evidence"),
    ("..rollout.on_blind", Some(Words(&["rollback", "pause"])), "without evidence"),
    ("..rollout.on_lapse", Some(Words(&["rollback", "pause", "resume"])), "after a lapsed lease"),
    ("..rollout.lease", Some(MoreIsLooser), "lease"),
    ("..rollout.minimum_sample", Some(MoreIsLooser), "requests before anything is judged"),
    ("..rollout.warm_up", Some(LessIsLooser), "warm-up"),
    ("standby", Some(LessIsLooser), "standby of the old release"),
];

const ROLLBACK: &[Row] = &[
    ("rollback.mode", Some(WHO), "rollback after commit"),
    ("rollback.within", Some(MoreIsLooser), "time for a rollback"),
    ("rollback.practised_every", Some(MoreIsLooser), "time between practised rollbacks"),
    ("rollback.when.error_rate", Some(Trigger), "error trigger"),
    ("rollback.when.latency_*", Some(Trigger), "{1} trigger"),
    ("rollback.when.signals", Some(Demands), "signals that roll back"),
    ("rollback.when.alarms", Some(Demands), "alarms that roll back"),
    ("alarms", Some(Demands), "alarms"),
    ("..alarms.*.is", Some(Trigger), "alarm {1}: when it rings"),
    ("..alarms.*.for", Some(MoreIsLooser), "alarm {1}: how long before it rings"),
];

const PERMISSIONS: &[Row] = &[
    ("people.*.roles", Some(Permits), "roles of {1}"),
    ("who_may.*", Some(LimitedTo), "who may {1}"),
    ("iam.permissions", Some(Words(&["basic", "enhanced", "high", "maximum"])), "permissions"),
    ("iam.actions", Some(LimitedTo), "actions of the role"),
    ("iam.session", Some(MoreIsLooser), "length of a session"),
    ("iam.sign_in", Some(Words(&["oidc", "password", "none"])), "sign-in"),
    (
        "access.*.level",
        Some(Words(&["none", "emergency", "test", "limited", "read-only", "full"])),
        "access to {1}",
    ),
    ("access.*.by", Some(LimitedTo), "who has access to {1}"),
    ("access.*.approval", Some(OffIsLooser), "access to {1}: approval"),
    ("secrets.*.rotate_every", Some(MoreIsLooser), "rotation of {1}: every"),
    ("secrets.*.renew_before", Some(LessIsLooser), "renewal of {1}: before its end"),
    ("secret_store.access", Some(Demands), "guards of the secrets"),
    ("data.class", Some(Words(&["synthetic", "anonymized", "production-like", "real"])), "data"),
    ("data.masking", Some(Words(&["required", "none"])), "masking of data"),
    ("data.test_credentials", Some(Words(&["private", "public"])), "test credentials"),
    ("data.deletion", Some(Words(&["immediate", "manual"])), "deletion of a person's data"),
    ("data.cross_border", Some(OnIsLooser), "data may cross a border"),
    ("data.complies_with", Some(Demands), "rules for data"),
];

const WATCHING: &[Row] = &[
    ("health.every", Some(MoreIsLooser), "health checks: every"),
    ("health.timeout", Some(MoreIsLooser), "health checks: timeout"),
    ("health.retries", Some(MoreIsLooser), "health checks: failures that are borne"),
    ("health.endpoints", Some(Demands), "health checks: endpoints"),
    ("slo.window", None, ""),
    ("slo.*", Some(Promise), "promise for {1}"),
    ("goals.within_budget", Some(OffIsLooser), ""),
    ("goals.*", Some(Promise), "goal for {1}"),
    ("error_budget.tracked", Some(OffIsLooser), ""),
    (
        "error_budget.when_spent",
        Some(Words(&["freeze", "notify", "nothing"])),
        "what a spent error budget does",
    ),
    ("alerting.level", Some(LEVELS), "alerting"),
    ("alerting.channels", Some(Demands), "alerting channels"),
    ("alerting.escalation", Some(WHO), "escalation of alerts"),
    ("alerting.respond_within", Some(MoreIsLooser), "time to respond to alerts"),
    (
        "alerting.severities.*",
        Some(Words(&["page", "ticket", "log", "report", "nothing"])),
        "what a {1} alert does",
    ),
    ("monitoring.level", Some(LEVELS), "monitoring"),
    ("monitoring.metrics|business_metrics", Some(Demands), "what is measured"),
    ("monitoring.logs", Some(WHO), ""),
    ("monitoring.dashboards|traces|baseline|threats|costs", Some(OffIsLooser), ""),
    ("notify.*", Some(Demands), "who is told of {1}"),
    ("communication.stakeholders|before|summary|available", Some(Demands), ""),
];

const STANDS_ON: &[Row] = &[
    ("database|storage|queue|cache.monitoring", Some(LEVELS), "monitoring of the {1}"),
    (
        "infrastructure|database|storage|queue|cache.availability",
        Some(Words(&["multi-zone", "replicated", "single", "single-zone"])),
        "",
    ),
    ("infrastructure|database|storage|queue|cache.failover", Some(WHO), ""),
    ("infrastructure.firewall|rate_limiting|isolated", Some(OffIsLooser), ""),
    ("application.alerts|metrics", Some(OffIsLooser), ""),
    ("backups.every", Some(MoreIsLooser), "time between backups"),
    ("backups.keep", Some(LessIsLooser), "keeping of backups"),
    ("backups.tested_every", Some(MoreIsLooser), "time between tested backups"),
    ("recovery.rto", Some(Promise), "time to recover"),
    ("recovery.rpo", Some(Promise), "data that may be lost"),
    ("recovery.required", Some(OffIsLooser), "recovery is required"),
    ("recovery.rehearsed_every", Some(MoreIsLooser), "time between rehearsed recoveries"),
    ("migrations.reversible", Some(OffIsLooser), "migrations can be undone"),
    (
        "migrations.strategy",
        Some(Words(&["expand-contract", "in-place"])),
        "how stored data changes",
    ),
    ("migrations.tests", Some(Demands), "tests of migrations"),
    ("migrations.undo", Some(Said), "how a migration is undone"),
];

const MONEY: &[Row] = &[
    ("costs.budget", Some(MoreIsLooser), "budget"),
    (
        "costs.delete_unused",
        Some(Words(&["never", "after-standby", "at-once"])),
        "when what is unused is deleted",
    ),
];

/// Keys that mean the same wherever they stand.
const ANYWHERE: &[Row] = &[
    (
        "..encryption|backup|versioning|dead_letter_queue|logged|hsm|mfa|replication|point_in_time",
        Some(OffIsLooser),
        "",
    ),
    ("..rotation", Some(WHO), ""),
];

/// The rule for a path, if it has one.
pub(crate) fn find(path: &Path) -> Option<Rule> {
    row(path)?.0.1
}

/// What people call what stands at a path.
pub(crate) fn called(path: &Path) -> String {
    let Some((row, captured)) = row(path).filter(|(row, _)| !row.2.is_empty()) else {
        return path.words();
    };
    let places = captured.iter().enumerate();
    places.fold(row.2.to_owned(), |words, (at, captured)| {
        words.replace(&format!("{{{}}}", at + 1), captured)
    })
}

fn row(path: &Path) -> Option<(&'static Row, Vec<String>)> {
    let segments = path.segments();
    let (_, above) = segments.split_last()?;
    let is_free = above.iter().any(|it| FREE.contains(&it.key.as_str()));
    if is_free || segments.iter().any(|it| it.key.starts_with("x-")) {
        return None;
    }
    let mut rows = WHOLE.iter().flat_map(|table| table.iter());
    rows.find_map(|row| Some((row, fits(row.0, segments)?)))
}

/// What stands for the parts of `pattern` that may differ, when the path is such a one.
fn fits(pattern: &str, segments: &[Segment]) -> Option<Vec<String>> {
    let (pattern, anywhere) = match pattern.strip_prefix("..") {
        Some(pattern) => (pattern, true),
        None => (pattern, false),
    };
    let above = segments.len().checked_sub(pattern.split('.').count())?;
    if above > 0 && !anywhere {
        return None;
    }
    let mut captured = Vec::new();
    for (part, segment) in pattern.split('.').zip(&segments[above..]) {
        let mut choices = part.split('|');
        let fits = choices.any(|choice| match choice.strip_suffix('*') {
            Some(beginning) => segment.key.starts_with(beginning),
            None => segment.key == choice,
        });
        if !fits {
            return None;
        }
        if part.contains(['|', '*']) {
            captured.push(segment.words());
        }
    }
    Some(captured)
}

#[cfg(test)]
mod tests {
    use towpath_ports::catalogue::FieldType;

    use super::*;
    use crate::sections;
    use crate::shape::{Key, Shape};

    fn path(text: &str) -> Path {
        text.split('.').fold(Path::default(), |path, key| path.key(key))
    }

    #[test]
    fn the_first_row_that_fits_decides_and_a_section_is_known_only_at_its_place() {
        assert_eq!(find(&path("slo.latency_p99")), Some(Rule::Promise));
        assert_eq!(find(&path("slo.window")), None);
        assert_eq!(
            find(&path("tier")),
            Some(Words(&["production", "staging", "testing", "development"]))
        );
        assert_eq!(find(&path("target.tier")), None);
        assert_eq!(find(&path("change_types.hotfix.rollout.lease")), Some(Rule::MoreIsLooser));
        assert_eq!(find(&path("queue.encryption")), Some(Rule::OffIsLooser));
    }

    #[test]
    fn a_variable_is_a_text_whatever_it_is_called() {
        assert_eq!(find(&path("settings.encryption")), None);
        assert_eq!(find(&path("infrastructure.tags.backup")), None);
        assert_eq!(find(&path("queue.x-backup")), None);
    }

    #[test]
    fn a_key_is_called_by_its_words_or_by_its_path() {
        assert_eq!(called(&path("rollback.when.latency_p99")), "latency p99 trigger");
        assert_eq!(
            called(&path("approvals.hotfix.senior-developer")),
            "approvals for a hotfix by the role senior-developer"
        );
        assert_eq!(called(&path("storage.dead_letter_queue")), "storage dead letter queue");
    }

    /// The shapes that the rest of a pattern may mean below `shape`; none when it means nothing there.
    fn shapes(shape: Shape, parts: &[&str]) -> Vec<Shape> {
        let Some((part, rest)) = parts.split_first() else { return vec![shape] };
        let among = |keys: &[Key]| -> Vec<Shape> {
            let fits = |key: &&Key| {
                part.split('|').any(|choice| match choice.strip_suffix('*') {
                    Some(beginning) => key.name.starts_with(beginning),
                    None => key.name == choice,
                })
            };
            keys.iter().filter(fits).flat_map(|key| shapes(key.shape, rest)).collect()
        };
        match shape {
            Shape::Map(keys) => among(keys),
            Shape::Kinds(kinds, common) => among(
                &kinds.iter().flat_map(|it| it.keys).chain(common).copied().collect::<Vec<_>>(),
            ),
            Shape::MapOf(_, inner) | Shape::List(inner) if *part == "*" => shapes(*inner, rest),
            // What a kind of adapter may hold is in its own table.
            Shape::Adapter(..) | Shape::Bake => vec![shape],
            _ => Vec::new(),
        }
    }

    fn of_pattern(pattern: &str) -> Vec<Shape> {
        let (pattern, anywhere) =
            pattern.strip_prefix("..").map_or((pattern, false), |it| (it, true));
        let parts: Vec<&str> = pattern.split('.').collect();
        let all: Vec<Key> = sections::all().map(|section| section.key).collect();
        let all: &'static [Key] = all.leak();
        let mut found = shapes(Shape::Map(all), &parts);
        if anywhere {
            found.extend(all.iter().flat_map(|key| shapes(key.shape, &parts)));
        }
        found
    }

    #[test]
    fn every_row_is_about_a_key_that_there_is_and_knows_its_words() {
        let mut wrong = Vec::new();
        for (pattern, rule, _) in WHOLE.iter().flat_map(|table| table.iter()) {
            let shapes = of_pattern(pattern);
            if shapes.is_empty() {
                wrong.push(format!("{pattern}: no such key"));
            }
            for shape in shapes {
                match (rule, shape) {
                    (Some(Words(known)), Shape::Of(FieldType::Word(words))) => {
                        let unknown = words.iter().filter(|it| !known.contains(it));
                        wrong.extend(unknown.map(|it| format!("{pattern}: {it}")));
                    }
                    (Some(OffIsLooser | OnIsLooser), Shape::Of(FieldType::Flag))
                    | (Some(Words(_) | OffIsLooser | OnIsLooser), Shape::Adapter(..)) => {}
                    (Some(Words(_) | OffIsLooser | OnIsLooser), other) => {
                        wrong.push(format!("{pattern}: {other:?}"));
                    }
                    _ => {}
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn words_of_the_table_name_only_parts_that_may_differ() {
        for (pattern, _, words) in WHOLE.iter().flat_map(|table| table.iter()) {
            let parts = pattern.split('.').filter(|part| part.contains(['|', '*'])).count();
            for number in parts + 1..9 {
                assert!(!words.contains(&format!("{{{number}}}")), "{pattern}: {words}");
            }
        }
    }
}
