//! Probes, hours, error budgets, alerts, personal data and the rotation of one secret: when the
//! rules about them speak and when they are silent.

use super::{NOTHING, in_live, said};

#[test]
fn a_probe_is_answered_before_the_next_is_due() {
    let told =
        |key: &str| vec![format!("timeout-longer-than-every environments.live.health.{key}")];
    let of = |rest: &str| in_live(&format!("health: {{ endpoints: [/health], {rest} }}"));
    assert_eq!(of("every: 10s, timeout: 30s"), told("timeout"));
    assert_eq!(of("every: 2s"), told("every"), "an answer may take 5s where nothing is said");
    assert_eq!(of("timeout: 2m"), told("timeout"), "a round comes every minute");
    assert_eq!(of("every: 30s, timeout: 30s"), NOTHING);
    assert_eq!(of("every: manual, timeout: 10m"), NOTHING, "no round follows");
    assert_eq!(in_live("health: { every: 10s, timeout: 30s }"), NOTHING, "nothing is probed");
}

#[test]
fn production_is_there_at_all_hours() {
    let schedule = |days: &str, hours: &str, off: &str| {
        format!("schedule: {{ active: {{ days: {days}, hours: {hours} }}, off_hours: {off} }}")
    };
    let (some, all) = ("[mon, fri]", "[mon, tue, wed, thu, fri, sat, sun]");
    let told = ["shutdown-in-production environments.live.schedule.off_hours"];
    assert_eq!(in_live(&schedule(some, "07:00-19:00", "shutdown")), told);
    assert_eq!(in_live(&schedule(all, "07:00-19:00", "shutdown")), told, "at night");
    assert_eq!(in_live(&schedule(all, "00:00-23:59", "shutdown")), NOTHING);
    assert_eq!(in_live(&schedule(some, "07:00-19:00", "scale-down")), NOTHING);
    let staging = schedule(some, "07:00-19:00", "shutdown");
    assert_eq!(said(["", &staging, "", ""]), NOTHING, "production alone is meant");
}

#[test]
fn an_error_budget_that_is_not_counted_has_no_consequence() {
    let told = ["error-budget-untracked environments.live.error_budget.when_spent"];
    let of = |rest: &str| in_live(&format!("error_budget: {{ {rest} }}"));
    assert_eq!(of("tracked: false, when_spent: freeze"), told);
    assert_eq!(of("tracked: false, when_spent: notify"), told);
    assert_eq!(of("tracked: false, when_spent: nothing"), NOTHING);
    assert_eq!(of("tracked: false"), NOTHING);
    assert_eq!(of("tracked: true, when_spent: freeze"), NOTHING);
    let shared = "defaults: { all: { error_budget: { when_spent: freeze } } }";
    let off = "error_budget: { tracked: false }";
    assert_eq!(said(["", "", off, shared]), NOTHING, "one turns off what all have");
}

#[test]
fn alerts_are_heard_where_they_matter_and_only_there() {
    let top =
        "notifiers: { pager: { kind: webhook, url_secret: P } }\nsecrets: { P: { kind: env } }";
    let of = |alerting: &str| said(["", "", &format!("alerting: {{ {alerting} }}"), top]);
    let told = |key: &str| vec![format!("alerting-channels environments.live.alerting.{key}")];
    assert_eq!(of("level: critical"), told("level"));
    assert_eq!(of("severities: { high: ticket, critical: page }"), told("severities.critical"));
    assert_eq!(of("level: none, channels: [pager]"), told("channels"));
    assert_eq!(of("level: critical, channels: [pager]"), NOTHING);
    assert_eq!(of("level: high, channels: [pager], severities: { critical: page }"), NOTHING);
    assert_eq!(of("level: high, severities: { critical: ticket }"), NOTHING);
    assert_eq!(of("level: none"), NOTHING);
    let shared = format!("defaults: {{ all: {{ alerting: {{ channels: [pager] }} }} }}\n{top}");
    let off = said(["alerting: { level: none }", "", "alerting: { level: critical }", &shared]);
    assert_eq!(off, NOTHING, "dev turns off what all have, and live has what all have");
}

#[test]
fn personal_data_is_kept_as_what_it_is() {
    let told = ["personal-data environments.live.data.personal_data"];
    let of = |data: &str| in_live(&format!("data: {{ class: real, personal_data: {data} }}"));
    assert_eq!(of("plain"), told);
    assert_eq!(of("plain, encryption: true"), NOTHING);
    let database = "database: { kind: postgres, encryption: true }";
    let beside = format!("{database}\ndata: {{ class: real, personal_data: plain }}");
    assert_eq!(in_live(&beside), NOTHING);
    assert_eq!(of("encrypted"), NOTHING);
    assert_eq!(of("none, masking: required"), told);
    assert_eq!(of("none, deletion: immediate"), told);
    assert_eq!(of("none, cross_border: false"), told);
    assert_eq!(of("none, complies_with: [GDPR]"), told);
    assert_eq!(of("none"), NOTHING, "a weather station names nobody");
    assert_eq!(of("none, masking: none, complies_with: [ISO 27001]"), NOTHING);
    let synthetic = "data: { class: synthetic, personal_data: none, masking: required }";
    assert_eq!(in_live(synthetic), NOTHING);
    let shared = "defaults: { all: { data: { complies_with: [GDPR] } } }";
    let own = "data: { class: real, personal_data: none }";
    assert_eq!(said(["", "", own, shared]), NOTHING, "what holds for all says nothing of this one");
}

#[test]
fn one_secret_is_replaced_alike_in_staging_and_in_production() {
    let every =
        |time: &str| format!("secrets: {{ JWT: {{ type: signing-key, rotate_every: {time} }} }}");
    let pair = |staging: &str, live: &str| said(["", &every(staging), &every(live), ""]);
    let told = ["rotation-disagrees environments.live.secrets.JWT.rotate_every"];
    assert_eq!(pair("180d", "90d"), told);
    assert_eq!(pair("90d", "180d"), told);
    assert_eq!(pair("90d", "90d"), NOTHING);
    assert_eq!(said([&every("180d"), "", &every("90d"), ""]), NOTHING, "in dev it guards nothing");
    assert_eq!(said(["", "", &every("90d"), &every("180d")]), told, "staging has it of the top");
    let shared = format!("defaults: {{ all: {{ {} }} }}", every("180d"));
    assert_eq!(said(["", "", "secrets: { JWT: { rotate_every: 90d } }", &shared]), told);
}
