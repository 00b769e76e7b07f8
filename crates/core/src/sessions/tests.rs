//! Every cell: each verb, each environment of the seeds' table of IAM roles, each state of a session.

use serde_json::json;

use super::*;
use crate::matrix::{AuditRules, Decider, Environment, Predecessors, Tier};
use crate::notices::NotifyRules;
use crate::people::PersonSpec;

/// The seeds' table (seed 000, "IAM Roles"): session, second factor; none: nothing is declared.
const SEEDS: [(&str, Option<(&str, bool)>); 5] = [
    ("dev-localstack", None),
    ("dev-aws", Some(("1h", false))),
    ("dev-aws-deployed", Some(("1h", false))),
    ("staging", Some(("30m", true))),
    ("production", Some(("15m", true))),
];
const NOW: Timestamp = Timestamp(1_800_000_000_000_000);
const SAFE: [Verb; 4] = [Verb::Rollback, Verb::Pause, Verb::Freeze, Verb::Signal];
const OF_PROJECT: [Verb; 2] = [Verb::CreateRelease, Verb::ApplyMatrix];

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn person(text: &str) -> Person {
    Person::new(text).unwrap()
}

fn environment(text: &str, iam: Option<Value>) -> Environment {
    Environment {
        name: name(text),
        tier: Tier::Production,
        title: None,
        purpose: None,
        url: None,
        after: Predecessors::Root,
        promote: Decider::Manual,
        who_may: BTreeMap::new(),
        notify: NotifyRules::default(),
        promises: Vec::new(),
        lanes: BTreeMap::new(),
        declared: iam.map(|iam| ("iam".to_owned(), iam)).into_iter().collect(),
    }
}

fn matrix() -> Matrix {
    let of = |(text, rules): (&str, Option<(&str, bool)>)| {
        environment(text, rules.map(|(session, mfa)| json!({ "session": session, "mfa": mfa })))
    };
    let spec = PersonSpec::default;
    let bot = PersonSpec { bot: true, ..spec() };
    Matrix {
        project: name("shop"),
        services: BTreeMap::new(),
        environments: SEEDS.map(of).into(),
        people: [(person("ada"), spec()), (person("ci"), bot)].into(),
        who_may: BTreeMap::new(),
        approvals: Vec::new(),
        notifiers: BTreeMap::new(),
        audit: AuditRules::default(),
        declared: BTreeMap::new(),
    }
}

/// A session whose factors were shown so many minutes ago.
fn session(first: i64, second: Option<i64>) -> Session {
    let ago = |minutes: i64| Timestamp(NOW.0 - minutes * 60_000_000);
    let first = (Factor::First, ago(first));
    let second = second.map(|minutes| (Factor::Second, ago(minutes)));
    let factors = [first].into_iter().chain(second).collect();
    Session { person: person("ada"), started: ago(600), ended: None, factors }
}

fn word(answer: &Answer) -> &'static str {
    match answer {
        Answer::Allowed(_) => "allowed",
        Answer::Expired(refusal) if refusal.code == "session-expired" => "expired",
        Answer::StepUp(refusal) if refusal.code == "second-factor" => "step-up",
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_verb_in_each_environment_with_each_session_is_answered_as_the_table_of_the_seeds_says() {
    let matrix = matrix();
    let mut cells = 0;
    for (place, rules) in SEEDS {
        for verb in Verb::ALL {
            // Strictest of all for what belongs to the project.
            let of_project = OF_PROJECT.contains(&verb);
            let (minutes, mfa) = match rules {
                _ if of_project => (15, true),
                Some(("1h", mfa)) => (60, mfa),
                Some(("30m", mfa)) => (30, mfa),
                Some(("15m", mfa)) => (15, mfa),
                _ => (60, false),
            };
            let wants = mfa && !SAFE.contains(&verb);
            let stepped = if wants { "step-up" } else { "allowed" };
            for (first, second, expected) in [
                (0, None, stepped),
                (minutes - 1, None, stepped),
                (minutes - 1, Some(minutes - 1), "allowed"),
                (minutes - 1, Some(minutes), stepped),
                (minutes - 1, Some(-1), stepped),
                (minutes, None, "expired"),
                (minutes, Some(0), "expired"),
                (-1, Some(0), "expired"),
            ] {
                let session = session(first, second);
                let act = Act::Order(verb);
                let found = session.allows(&matrix, act, Some(&name(place)), NOW);
                let cell = (place, verb, first, second);
                assert_eq!(word(&found), expected, "{cell:?} {found:?}");
                let goes_on = session.allows(&matrix, Act::GoesOn, Some(&name(place)), NOW);
                assert_eq!(word(&goes_on), "allowed", "{cell:?}");
                cells += 1;
            }
        }
    }
    assert_eq!(cells, 5 * 12 * 8);
}

#[test]
fn whoever_is_not_known_or_is_a_program_or_ended_the_session_is_refused_by_any_rules() {
    let matrix = matrix();
    let good = session(0, Some(0));
    let stranger = Session { person: person("stranger"), ..good.clone() };
    let program = Session { person: person("ci"), ..good.clone() };
    let ended = Session { ended: Some(NOW), ..good.clone() };
    let before = Session { factors: BTreeMap::new(), ..good.clone() };
    let later = Session { started: NOW.plus(Span::minutes(1)), ..good.clone() };
    for session in [stranger, program, ended, before, later] {
        for verb in Verb::ALL {
            let answer = session.allows(&matrix, Act::Order(verb), Some(&name("dev-aws")), NOW);
            assert_eq!(word(&answer), "expired", "{verb:?} {session:?}");
        }
        let goes_on = session.allows(&matrix, Act::GoesOn, Some(&name("production")), NOW);
        assert_eq!(word(&goes_on), "allowed", "a rollback that runs is not stopped");
    }
}

#[test]
fn a_factor_of_another_session_an_unknown_place_and_unreadable_rules_are_no_way_round() {
    let mut matrix = matrix();
    let mut stolen = session(1, Some(1));
    stolen.started = Timestamp(NOW.0 - 30_000_000);
    let promote = Act::Order(Verb::Promote);
    let answer = stolen.allows(&matrix, promote, Some(&name("dev-aws")), NOW);
    assert_eq!(word(&answer), "expired", "what was shown before the session is not of it");
    let nowhere = session(0, None).allows(&matrix, promote, Some(&name("nowhere")), NOW);
    assert_eq!(word(&nowhere), "step-up", "the strictest rules hold");
    for iam in [json!({ "session": 5, "mfa": "yes" }), json!({ "session": "0s", "mfa": 1 })] {
        matrix.environments = vec![environment("odd", Some(iam))];
        let rules = matrix.session_rules(Some(&name("odd")));
        assert_eq!(
            rules,
            SessionRules { lasts: STRICTEST, second_factor: true, ..SessionRules::default() }
        );
    }
}

#[test]
fn each_refusal_says_who_what_where_why_and_what_to_do() {
    let matrix = matrix();
    let production = name("production");
    let promote = Act::Order(Verb::Promote);
    let Answer::StepUp(refusal) = session(1, None).allows(&matrix, promote, Some(&production), NOW)
    else {
        panic!("a second factor is wanted")
    };
    assert_eq!(refusal.message, "ada has to show a second factor to promote in production");
    let Answer::Expired(refusal) =
        session(20, None).allows(&matrix, promote, Some(&production), NOW)
    else {
        panic!("it is over")
    };
    assert_eq!(refusal.message, "ada has to sign in again to promote in production");
    assert_eq!(refusal.cause.as_deref(), Some("a session lasts 15m there"));
    assert!(refusal.next[0].what.contains("goes on meanwhile"), "{refusal:?}");
}

#[test]
fn where_one_signs_in_at_the_provider_no_other_way_is_enough_but_for_what_stops_harm() {
    let mut matrix = matrix();
    let declared = |sign_in: Value| Some(json!({ "session": "15m", "sign_in": sign_in }));
    for (text, said, wanted) in [
        ("oidc", json!("oidc"), true),
        ("odd", json!("saml"), true),
        ("number", json!(7), true),
        ("password", json!("password"), false),
        ("none", json!("none"), false),
        ("nothing", Value::Null, false),
    ] {
        matrix.environments = vec![environment(text, declared(said))];
        let place = name(text);
        assert_eq!(matrix.session_rules(Some(&place)).provider, wanted, "{text}");
        let other = session(0, Some(0));
        let mut by_provider = other.clone();
        by_provider.factors.insert(Factor::Provider, NOW);
        for verb in Verb::ALL {
            let is_refused = wanted && !SAFE.contains(&verb);
            let answer = other.allows(&matrix, Act::Order(verb), Some(&place), NOW);
            let expected = if is_refused { "expired" } else { "allowed" };
            assert_eq!(word(&answer), expected, "{text} {verb:?}");
            let answer = by_provider.allows(&matrix, Act::Order(verb), Some(&place), NOW);
            assert_eq!(word(&answer), "allowed", "{text} {verb:?}");
        }
    }
}
