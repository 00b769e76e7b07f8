//! The policy engine against a second reading of the same rules: every cell of one matrix, and random
//! matrices of all kinds.

#![expect(clippy::unwrap_used, reason = "in a test program a failed expectation is the point")]

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use towpath_access::Authority;
use towpath_core::ids::{Name, Person};
use towpath_core::matrix::Matrix;
use towpath_core::people::Verb;

const ROLES: [&str; 4] = ["developer", "devops", "qa", "business"];
const ENVIRONMENTS: [&str; 3] = ["dev", "staging", "production"];
/// Keys of `who_may` whose right is another one's where nobody is named.
const ELSE: [(&str, &str); 2] = [("thaw", "freeze"), ("lift_quarantine", "promote")];
/// What no program may do.
const WORDS: [&str; 4] = ["approve", "attest", "break_glass", "apply_matrix"];
const OF_PROJECT: [&str; 2] = ["create_release", "apply_matrix"];

fn matrix(people: &Value, top: &Value, of_environments: &[Value]) -> Matrix {
    let environments: Vec<Value> = ENVIRONMENTS
        .iter()
        .zip(of_environments)
        .map(|(name, who_may)| {
            json!({
                "name": name, "tier": "staging", "title": null, "purpose": null, "url": null,
                "after": "root", "promote": "manual", "lanes": {}, "who_may": who_may,
            })
        })
        .collect();
    let matrix = json!({
        "project": "shop", "services": {}, "environments": environments,
        "people": people, "who_may": top,
    });
    serde_json::from_value(matrix).unwrap()
}

fn somebody(roles: &[&str], bot: bool, account: Option<&str>) -> Value {
    json!({
        "name": null, "email": null, "key": null, "account": account, "roles": roles, "bot": bot,
    })
}

/// The rules read a second time, from the JSON alone.
fn reference(matrix: &Value, account: &str, verb: &str, environment: Option<&str>) -> bool {
    let people = matrix["people"].as_object().cloned().unwrap_or_default();
    if people.is_empty() {
        return true;
    }
    let explicit = people.iter().find(|(_, it)| it["account"].as_str() == Some(account));
    let same = people.get_key_value(account).filter(|(_, it)| it["account"].is_null());
    let Some((_, person)) = explicit.or(same) else { return false };
    if person["bot"] == true && WORDS.contains(&verb) {
        return false;
    }
    // An environment that is not there says nothing, so that the top counts.
    let environment = environment.filter(|_| !OF_PROJECT.contains(&verb));
    let listed = |value: &Value| -> Option<Vec<String>> {
        Some(value.as_array()?.iter().map(|it| it.as_str().unwrap().to_owned()).collect())
    };
    let mut roles = listed(&person["roles"]).unwrap_or_default();
    if let Some(environment) = environment {
        roles.extend(listed(&person["roles_in"][environment]).unwrap_or_default());
    }
    let of = |key: &str| {
        let all = matrix["environments"].as_array().unwrap().iter();
        let mut here = all.filter(|it| environment.is_some_and(|name| it["name"] == name));
        let here = here.next().and_then(|it| listed(&it["who_may"][key]));
        here.or_else(|| listed(&matrix["who_may"][key]))
    };
    let other = ELSE.iter().find(|(key, _)| *key == verb).map(|(_, other)| *other);
    match of(verb).or_else(|| other.and_then(of)) {
        Some(named) => named.iter().any(|role| roles.contains(role)),
        None => verb != "break_glass",
    }
}

fn decided(authority: &Authority, account: &str, verb: Verb, environment: Option<&str>) -> bool {
    let environment = environment.map(|name| Name::new(name).unwrap());
    authority.decide(&Person::new(account).unwrap(), verb, environment.as_ref()).is_ok()
}

/// Every account, verb and place; answers how many were asked.
fn agree(matrix: &Matrix, accounts: &[&str]) -> usize {
    let authority = Authority::new(matrix).unwrap();
    let read = serde_json::to_value(matrix).unwrap();
    let places = ENVIRONMENTS.iter().copied().map(Some).chain([None, Some("that-was-once")]);
    let mut asked = 0;
    for place in places {
        for verb in Verb::ALL {
            for account in accounts {
                let allowed = decided(&authority, account, verb, place);
                let expected = reference(&read, account, verb.key(), place);
                assert_eq!(allowed, expected, "{account} {verb:?} {place:?} {read}");
                asked += 1;
            }
        }
    }
    asked
}

#[test]
fn t14_every_cell_of_verbs_roles_and_environments_is_as_declared() {
    let mut people = serde_json::Map::new();
    for role in ROLES {
        people.insert(role.to_owned(), somebody(&[role], false, None));
        people.insert(format!("{role}-bot"), somebody(&[role], true, None));
    }
    people.insert("nobody".to_owned(), somebody(&[], false, None));
    let top = json!({ "promote": ["developer", "devops"], "apply_matrix": ["devops"] });
    let staging = json!({ "freeze": ["qa"], "attest": ["qa", "business"] });
    let production = json!({
        "promote": ["devops"], "rollback": ["developer", "devops"], "break_glass": ["devops"],
    });
    let matrix = matrix(&Value::Object(people.clone()), &top, &[json!({}), staging, production]);
    let mut accounts: Vec<&str> = people.keys().map(String::as_str).collect();
    accounts.push("stranger");
    assert_eq!(agree(&matrix, &accounts), 5 * 12 * 10);
    // Some cells by hand, so that two readings which err alike are found.
    let authority = Authority::new(&matrix).unwrap();
    for (account, verb, place, allowed) in [
        ("developer", Verb::Promote, Some("production"), false),
        ("developer", Verb::Promote, Some("dev"), true),
        ("devops", Verb::Promote, Some("production"), true),
        ("devops-bot", Verb::Promote, Some("production"), true),
        ("devops-bot", Verb::BreakGlass, Some("production"), false),
        ("devops", Verb::BreakGlass, Some("production"), true),
        ("devops", Verb::BreakGlass, Some("staging"), false),
        ("qa", Verb::Thaw, Some("staging"), true),
        ("developer", Verb::Thaw, Some("staging"), false),
        ("developer", Verb::Thaw, Some("dev"), true),
        ("devops", Verb::LiftQuarantine, Some("production"), true),
        ("developer", Verb::LiftQuarantine, Some("production"), false),
        ("qa-bot", Verb::Attest, Some("staging"), false),
        ("devops", Verb::ApplyMatrix, None, true),
        ("developer", Verb::ApplyMatrix, None, false),
        ("stranger", Verb::Rollback, Some("dev"), false),
        ("qa", Verb::Rollback, Some("production"), false),
        ("qa", Verb::Rollback, Some("renamed"), true),
        ("stranger", Verb::Rollback, Some("renamed"), false),
    ] {
        assert_eq!(
            decided(&authority, account, verb, place),
            allowed,
            "{account} {verb:?} {place:?}"
        );
    }
}

fn roles() -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(ROLES.to_vec(), 0..=3)
}

fn person() -> impl Strategy<Value = Value> {
    let account = prop::option::weighted(0.3, prop::sample::select(vec!["root", "deploy", "ann"]));
    let in_one = prop::option::of((prop::sample::select(ENVIRONMENTS.to_vec()), roles()));
    (roles(), prop::bool::weighted(0.2), account, in_one).prop_map(
        |(roles, bot, account, in_one)| {
            let mut person = somebody(&roles, bot, account);
            if let Some((place, roles)) = in_one {
                person["roles_in"] = json!({ place: roles });
            }
            person
        },
    )
}

fn rights() -> impl Strategy<Value = Value> {
    let keys: Vec<&str> = Verb::ALL.iter().map(|verb| verb.key()).collect();
    prop::collection::btree_map(prop::sample::select(keys), roles(), 0..6).prop_map(|it| json!(it))
}

fn any_matrix() -> impl Strategy<Value = Matrix> {
    let names = prop::sample::select(vec!["ann", "bob", "cy", "dan", "eve"]);
    let people = prop::collection::btree_map(names, person(), 0..5);
    let environments = prop::collection::vec(rights(), ENVIRONMENTS.len());
    (people, rights(), environments).prop_map(|(mut people, top, environments)| {
        // Two people with one account are refused when a matrix is checked.
        let mut taken: Vec<String> = people.keys().map(|name| (*name).to_owned()).collect();
        for person in people.values_mut() {
            let account = person["account"].as_str().map(str::to_owned);
            if account.as_ref().is_some_and(|account| taken.contains(account)) {
                person["account"] = Value::Null;
            }
            taken.extend(account);
        }
        matrix(&json!(people), &top, &environments)
    })
}

fn agree_on(requests: usize) {
    let accounts = ["ann", "bob", "cy", "dan", "eve", "root", "deploy", "mallory"];
    let mut runner = TestRunner::deterministic();
    let mut asked = 0;
    while asked < requests {
        let matrix = any_matrix().new_tree(&mut runner).unwrap().current();
        asked += agree(&matrix, &accounts);
    }
}

#[test]
fn t14_the_engine_and_a_second_reading_agree_on_random_requests() {
    agree_on(20_000);
}

#[test]
#[ignore = "heavy"]
fn t14_the_engine_and_a_second_reading_agree_on_a_million_random_requests() {
    agree_on(1_000_000);
}

#[test]
fn a_denial_says_who_was_denied_why_and_who_could() {
    let people = json!({
        "ada": somebody(&["developer"], false, None),
        "chen": somebody(&["devops"], false, Some("deploy")),
        "ci": somebody(&["devops"], true, None),
    });
    let production = json!({ "promote": ["devops"], "attest": ["devops"] });
    let matrix = matrix(&people, &json!({}), &[json!({}), json!({}), production]);
    let authority = Authority::new(&matrix).unwrap();
    let place = Name::new("production").unwrap();
    let denied = |account: &str, verb: Verb| {
        let account = Person::new(account).unwrap();
        authority.refusal(&authority.decide(&account, verb, Some(&place)).unwrap_err())
    };
    let refusal = denied("ada", Verb::Promote);
    assert_eq!(refusal.message, "ada may not promote in production");
    assert_eq!(
        refusal.cause.as_deref(),
        Some("it needs the role devops; ada has the role developer; chen, ci may")
    );
    assert_eq!(refusal.place.as_deref(), Some("environments.production.who_may.promote"));
    let refusal = denied("ci", Verb::Attest);
    assert_eq!(
        refusal.cause.as_deref(),
        Some("ci is a program, whose word is no person's; chen may")
    );
    let refusal = denied("chen", Verb::Promote);
    assert_eq!(
        refusal.cause.as_deref(),
        Some("the account chen is nobody whom `people` names; chen, ci may"),
        "an account that is another one's is not taken for the person of that name"
    );
    let refusal = denied("ada", Verb::BreakGlass);
    assert_eq!(
        refusal.cause.as_deref(),
        Some("nobody may until `who_may.break_glass` names a role; nobody may")
    );
    let deploy = Person::new("deploy").unwrap();
    let allowed = authority.decide(&deploy, Verb::Promote, Some(&place)).unwrap();
    assert_eq!(allowed.as_str(), "chen", "the journal names the person and not the account");
}

#[test]
fn the_program_itself_and_matrices_without_people_are_refused_nothing() {
    let nobody =
        matrix(&json!({}), &json!({ "promote": ["devops"] }), &[json!({}), json!({}), json!({})]);
    assert!(decided(&Authority::new(&nobody).unwrap(), "anybody", Verb::Promote, Some("dev")));
    let people = json!({ "ada": somebody(&[], false, None) });
    let strict = matrix(&people, &json!({ "rollback": [] }), &[json!({}), json!({}), json!({})]);
    let authority = Authority::new(&strict).unwrap();
    let dev = Name::new("dev").unwrap();
    for program in [Person::guard(), Person::automatic()] {
        assert!(authority.decide(&program, Verb::Rollback, Some(&dev)).is_ok());
    }
    assert!(!decided(&authority, "ada", Verb::Rollback, Some("dev")));
}
