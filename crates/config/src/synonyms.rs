//! What other tools and people call the keys and words of a matrix, with what ours mean. Offered only
//! where the key that is meant may stand; spellings that are merely near are found elsewhere.

use towpath_ports::settings;

/// A key, what it is called elsewhere (small letters, no separators), and what it says here.
type Row = (&'static str, &'static [&'static str], &'static str);

/// The vocabulary of Argo Rollouts, Flagger, Kargo, compose files, Kubernetes and GitHub Actions, by
/// their documentation, and of the wiki pages that a matrix replaces. Of two rows for the same word
/// the first whose key may stand there holds.
const KEYS: &[Row] = &[
    ("kind", &["type", "uses", "driver", "engine", "backend"], "which one it is"),
    ("check", &["type", "uses", "kind", "provider"], "which check it is"),
    ("until", &["to", "till", "end", "ends", "enddate", "through"], "the last day"),
    ("from", &["start", "begin", "begins", "since", "startdate"], "where it begins"),
    ("hours", &["time", "times", "between", "duration"], "the part of the day"),
    ("days", &["weekdays", "day", "daysofweek", "on"], "days of the week"),
    ("zone", &["timezone", "tz"], "the time zone of days and hours"),
    ("except", &["unless", "exclude", "allow"], "what may pass all the same"),
    ("fix", &["bugfix", "patch", "bug", "defect"], "a fault repaired"),
    ("feature", &["feat", "enhancement", "story"], "something new"),
    ("hotfix", &["emergency", "urgent", "incident"], "a fault repaired at once"),
    ("configuration", &["config", "settings"], "a change of how it is set up"),
    ("infrastructure", &["infra", "platform", "cloud"], "what it runs on"),
    (
        "weight",
        &["setweight", "percent", "percentage", "traffic", "canaryweight", "share"],
        "the share of visitors after this step",
    ),
    (
        "bake",
        &["pause", "duration", "wait", "hold", "interval", "delay", "sleep", "baketime"],
        "how long a step is watched before the next",
    ),
    (
        "steps",
        &["maxweight", "stepweight", "stepweights", "setweight", "stages", "phases", "weights"],
        "each weight with its bake: [{ weight: 10%, bake: 5m }, { weight: 100%, bake: 5m }]",
    ),
    ("strategy", &["type", "kind", "method", "style"], "the shape of the rollout"),
    (
        "every",
        &["interval", "period", "frequency", "periodseconds", "cron", "schedule", "cadence"],
        "the time between two rounds",
    ),
    ("timeout", &["timeoutseconds", "deadline", "maxtime"], "how long one answer may take"),
    (
        "retries",
        &["failurethreshold", "unhealthythreshold", "attempts", "maxfailures"],
        "failures in a row that count",
    ),
    (
        "endpoints",
        &["path", "paths", "urls", "url", "httpget", "test", "probes"],
        "the paths that must answer",
    ),
    (
        "health",
        &["healthcheck", "healthchecks", "livenessprobe", "readinessprobe", "probes"],
        "how the environment is probed",
    ),
    (
        "is",
        &[
            "threshold",
            "thresholdrange",
            "successcondition",
            "failurecondition",
            "condition",
            "value",
        ],
        "the comparison, in quotes",
    ),
    (
        "when",
        &["threshold", "thresholds", "triggers", "conditions", "analysis", "metrics"],
        "what sends a release back",
    ),
    (
        "error_rate",
        &["errors", "failurerate", "errorpercentage", "threshold"],
        "the share of failed requests, in quotes",
    ),
    ("for", &["duration", "soaktime", "wait", "holdfor", "over"], "for how long it must be so"),
    (
        "instances",
        &["replicas", "count", "copies", "scale", "desiredcount", "replicacount"],
        "how many copies run",
    ),
    ("image", &["container", "dockerimage"], "the artefact of the release that is the image"),
    (
        "port",
        &["ports", "expose", "containerport", "targetport"],
        "the port that the service listens on",
    ),
    (
        "listen",
        &["port", "ports", "bind", "address", "expose"],
        "the address and port that visitors call",
    ),
    (
        "router",
        &[
            "ports",
            "ingress",
            "trafficrouting",
            "loadbalancer",
            "proxy",
            "gateway",
            "expose",
            "port",
        ],
        "what sends visitors here, with the address that it listens on",
    ),
    (
        "target",
        &[
            "image",
            "container",
            "command",
            "cluster",
            "runtime",
            "runson",
            "build",
            "host",
            "entrypoint",
        ],
        "what runs releases here, such as { kind: docker, image: api }",
    ),
    (
        "target",
        &["replicas", "count", "copies", "desiredcount", "replicacount"],
        "`instances` in it says how many copies run",
    ),
    (
        "command",
        &["cmd", "entrypoint", "run", "args", "exec", "script"],
        "the program and its arguments",
    ),
    ("run", &["command", "cmd", "script", "exec", "args"], "the program and its arguments"),
    (
        "settings",
        &[
            "env",
            "environment",
            "envvars",
            "variables",
            "environmentvariables",
            "vars",
            "config",
            "envfile",
        ],
        "environment variables of the service",
    ),
    (
        "secrets",
        &["secret", "envfrom", "secretrefs", "externalsecrets"],
        "names of secrets and where they are kept, never their values",
    ),
    (
        "approvals",
        &[
            "approvers",
            "reviewers",
            "requiredreviewers",
            "manualapproval",
            "requiredapprovals",
            "signoff",
        ],
        "who must agree, by the kind of change",
    ),
    (
        "after",
        &[
            "needs",
            "dependson",
            "requires",
            "upstream",
            "promotefrom",
            "requestedfreight",
            "previous",
            "sources",
        ],
        "which environment a release comes from",
    ),
    (
        "environments",
        &["stages", "stage", "envs", "environment", "clusters", "namespaces"],
        "the places releases run",
    ),
    ("environment", &["stage", "env", "namespace", "cluster"], "the place a release runs"),
    ("in", &["stage", "environment", "env"], "the environment that is meant"),
    (
        "gate",
        &["checks", "verification", "gates", "qualitygate", "conditions", "analysis", "tests"],
        "what a release must show",
    ),
    (
        "prerequisites",
        &["pre", "before", "predeployment", "entry", "requiredchecks", "checks"],
        "checks before anything changes",
    ),
    (
        "validation",
        &["post", "after", "postdeployment", "verification", "smoketests", "analysis", "webhooks"],
        "checks of the new release before visitors meet it",
    ),
    (
        "windows",
        &[
            "syncwindows",
            "deploymentwindows",
            "deploymentwindow",
            "maintenancewindows",
            "maintenancewindow",
            "changewindow",
            "changewindows",
            "cron",
        ],
        "when promotions may run",
    ),
    (
        "freezes",
        &["blackout", "blackouts", "freezeperiods", "moratorium", "embargo"],
        "when no promotion may run",
    ),
    ("triggers", &["on", "trigger", "events", "webhook"], "what makes a promotion by itself"),
    (
        "rollout",
        &["deployment", "deploy", "canary", "bluegreen", "progressive", "trafficshift"],
        "how visitors move to a new release",
    ),
    (
        "guard",
        &["canaryanalysis", "judge", "judgement", "statistics"],
        "how sure the guard must be",
    ),
    (
        "rollback",
        &["revert", "autorollback", "analysis", "abort"],
        "what brings the old release back",
    ),
    (
        "standby",
        &["scaledowndelay", "scaledowndelayseconds", "keepold", "terminationwait"],
        "how long the old release stays ready",
    ),
    (
        "holdback",
        &["baseline", "controlgroup", "holdout", "keepshare"],
        "the share that stays on the old release after commit",
    ),
    (
        "warm_up",
        &["initialdelay", "initialdelayseconds", "startperiod", "graceperiod"],
        "the time before it is judged",
    ),
    (
        "start_within",
        &["startuptimeout", "progressdeadlineseconds", "startperiod", "initialdelayseconds"],
        "how long a start may take",
    ),
    (
        "stop_within",
        &["stopgraceperiod", "terminationgraceperiodseconds", "graceperiod"],
        "how long an end may take",
    ),
    (
        "drain",
        &["deregistrationdelay", "draintimeout", "connectiondraining"],
        "how long open requests may last",
    ),
    (
        "on_blind",
        &["onnodata", "inconclusivelimit", "oninconclusive", "nodata"],
        "what happens without evidence",
    ),
    (
        "minimum_sample",
        &["minrequests", "samplesize", "minsamples", "minimumrequests"],
        "requests below which nothing is proven",
    ),
    (
        "harm_budget",
        &["maxharmed", "harmlimit", "maxfailedrequests"],
        "requests that a rollout may harm",
    ),
    ("notify", &["notifications", "subscribers", "onfailure", "onsuccess"], "who is told of what"),
    (
        "notifiers",
        &["channels", "integrations", "webhooks", "notificationservices"],
        "the ways of telling people",
    ),
    ("resources", &["limits", "requests", "size"], "how much it may use"),
    ("memory", &["mem", "memlimit", "ram", "memorylimit"], "memory of each copy"),
    ("cpu", &["cpus", "vcpu", "vcpus", "cpulimit", "cores"], "processors of each copy"),
    ("scaling", &["autoscaling", "hpa", "autoscaler"], "how many copies there may be"),
    ("min", &["minreplicas", "minimum", "mininstances", "mincapacity"], "the fewest copies"),
    ("max", &["maxreplicas", "maximum", "maxinstances", "maxcapacity"], "the most copies"),
    (
        "utilization",
        &["cputarget", "targetcpu", "averageutilization", "targetcpuutilization"],
        "the load that scaling aims at",
    ),
    ("services", &["components", "apps", "applications", "microservices"], "what is released"),
    ("project", &["name", "app", "product", "appname"], "whose matrix this is"),
    ("owners", &["owner", "maintainers", "team"], "whose service it is"),
    ("teams", &["groups", "group", "usergroups"], "people who have roles together"),
    ("tier", &["type", "class", "level", "stage", "envtype"], "how much is at stake"),
    ("purpose", &["description", "about", "comment", "notes"], "what it is for"),
    ("alarms", &["alerts", "alertrules", "monitors", "cloudwatchalarms"], "what is watched"),
    ("alerting", &["paging", "oncall", "pager", "pagerduty"], "who is called, and how soon"),
    ("slo", &["sla", "slos", "objectives", "slis"], "what the service promises"),
    ("goals", &["kpi", "kpis", "successcriteria"], "what the pipeline promises"),
    ("iam", &["identity", "serviceaccount", "serviceaccountname"], "the role that it runs under"),
    ("who_may", &["rbac", "permissions", "acl", "accesscontrol"], "which roles may do what"),
    (
        "migrations",
        &["migrate", "dbmigrations", "flyway", "liquibase", "alembic"],
        "how the database is changed",
    ),
    ("costs", &["cost", "pricing", "spend"], "what it may cost"),
    ("expect", &["status", "statuscode", "expectedstatus", "code"], "the status that is right"),
    (
        "url",
        &["uri", "address", "endpoint", "host", "hostname", "domain", "baseurl"],
        "where it answers",
    ),
    ("query", &["promql", "expression", "expr", "metric"], "what the source is asked"),
    ("source", &["provider", "datasource", "prometheus"], "the metrics source that is asked"),
    ("path", &["file", "filename", "location", "report"], "where the file lies"),
];

/// A word, and what it is called elsewhere.
const WORDS: &[(&str, &[&str])] = &[
    ("production", &["prod", "prd", "live"]),
    ("staging", &["stage", "stg", "preprod", "preproduction", "uat"]),
    ("testing", &["test", "qa", "ci"]),
    ("development", &["dev", "local", "sandbox"]),
    ("automatic", &["auto"]),
    ("all-at-once", &["recreate", "bigbang", "direct"]),
    ("fix", &["bugfix", "patch"]),
    ("aws", &["amazon"]),
    ("rollback", &["revert"]),
];

/// The key among `known` that `text` most likely means: what other tools call it, or what is nearest.
pub(crate) fn nearest_key<'a>(
    text: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<String> {
    let bare = bare(text);
    let spelled = known.clone().into_iter().find(|key| self::bare(key) == bare);
    let called = || {
        let called = KEYS.iter().filter(|(_, others, _)| others.contains(&&*bare));
        called.map(|(key, ..)| *key).find(|key| known.clone().into_iter().any(|it| it == *key))
    };
    match spelled.map(str::to_owned).or_else(|| called().map(str::to_owned)) {
        Some(key) => Some(key),
        None => settings::nearest(text, known),
    }
}

/// What `key` says, where `text` is what other tools call it.
pub(crate) fn reason(text: &str, key: &str) -> Option<&'static str> {
    let bare = bare(text);
    let mut rows =
        KEYS.iter().filter(|(known, others, _)| *known == key && others.contains(&&*bare));
    rows.next().map(|(.., reason)| *reason)
}

/// The word among `known` that other tools call `text`.
pub(crate) fn word(text: &str, known: &[&'static str]) -> Option<&'static str> {
    let bare = bare(text);
    let called = WORDS.iter().filter(|(_, others)| others.contains(&&*bare));
    called.map(|(word, _)| *word).find(|word| known.contains(word))
}

/// `maxWeight`, `max_weight` and `max-weight` alike.
fn bare(text: &str) -> String {
    text.chars().filter(|it| !"_- ".contains(*it)).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_another_tool_is_offered_only_where_its_key_may_stand() {
        assert_eq!(nearest_key("setWeight", ["weight", "bake"]).as_deref(), Some("weight"));
        assert_eq!(nearest_key("set-weight", ["steps", "lease"]).as_deref(), Some("steps"));
        assert_eq!(nearest_key("replicas", ["instances"]).as_deref(), Some("instances"));
        assert_eq!(nearest_key("replicas", ["weight"]), None);
        assert_eq!(nearest_key("logLevel", ["log_level"]).as_deref(), Some("log_level"));
        assert_eq!(nearest_key("timout", ["timeout"]).as_deref(), Some("timeout"));
        assert_eq!(reason("replicas", "instances"), Some("how many copies run"));
        assert_eq!((reason("instnces", "instances"), reason("replicas", "weight")), (None, None));
        assert_eq!(word("Prod", &["staging", "production"]), Some("production"));
        assert_eq!(word("prod", &["staging"]), None);
    }

    #[test]
    fn rows_are_written_as_they_are_looked_up_and_none_calls_a_key_by_its_own_name() {
        let rows = KEYS.iter().map(|(key, others, _)| (*key, *others)).chain(WORDS.iter().copied());
        for (key, others) in rows {
            assert!(others.iter().all(|it| bare(it) == **it && bare(key) != **it), "{key}");
            assert!((1..others.len()).all(|at| !others[..at].contains(&others[at])), "{key}");
        }
    }
}
