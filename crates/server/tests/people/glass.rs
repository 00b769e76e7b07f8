//! Breaking the glass is an act of its own (T5), claims of a request about who sent it are no fact (B28), and
//! nobody gives themselves a right (T14), by the real routes.

use axum::http::StatusCode;
use serde_json::{Value, json};
use towpath_core::ids::{Name, Person};
use towpath_core::people::Verb;

use crate::world::{Answered, As, World};

const LANE: &str = "/v1/lanes/app/production";

async fn world() -> World {
    let words = "
        people: lead lead; ada breaker; bo breaker approver; carl approver; eve developer; bot robot breaker; bot ci developer
        production: root, tier production, steps 100%/1m, approvals all approver 1";
    let right = |matrix: &mut towpath_core::matrix::Matrix, verb: Verb, roles: &[&str]| {
        let roles = roles.iter().map(|it| Name::new(it).unwrap()).collect();
        matrix.who_may.insert(verb, roles);
    };
    World::new(words, |matrix| {
        right(matrix, Verb::BreakGlass, &["breaker"]);
        right(matrix, Verb::Approve, &["approver"]);
        right(matrix, Verb::Promote, &["developer", "lead"]);
        right(matrix, Verb::ApplyMatrix, &["lead"]);
        let ada = Person::new("ada").unwrap();
        let makers = ["lead", "breaker"];
        right(matrix, Verb::CreateRelease, &makers);
        assert!(matrix.people.contains_key(&ada));
    })
    .await
}

fn breaking(release: Option<&str>, reason: Option<&str>) -> Value {
    json!({
        "by": "ada", "release": release, "from": null, "plan": null, "accept_unenforced": [],
        "override_window": false, "reason": reason, "offered_by": null, "break_glass": true,
    })
}

async fn break_it(world: &World, who: &str, body: &Value) -> Answered {
    world.post(&As::Person(who), &format!("{LANE}/promotions"), body).await
}

async fn settle(world: &World, who: &str, note: &str) -> Answered {
    let body = json!({ "kind": "review", "note": note, "by": "carl" });
    world.post(&As::Person(who), "/v1/promotions/1/settle", &body).await
}

/// The ten cases of trust.md, T5: who may not, what is missing, what is owed, and that it shows for ever.
#[tokio::test]
async fn t5_the_glass_is_broken_by_a_right_of_its_own_for_a_reason_and_is_owed_a_review() {
    let world = world().await;
    let whole = breaking(Some("1.0.0"), Some("checkout is down"));
    // 1 to 3: a right to agree, to promote or to change the matrix is not the right to break the glass.
    for who in ["carl", "eve", "lead", "stranger"] {
        let answer = break_it(&world, who, &whole).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "not-allowed"), "{who}");
    }
    // 4: a program has none, whatever its roles.
    let answer = break_it(&world, "robot", &whole).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
    // 5 to 7: no reason, a blank one, no release.
    for (release, reason) in
        [(Some("1.0.0"), None), (Some("1.0.0"), Some(" \t")), (None, Some("x"))]
    {
        let answer = break_it(&world, "ada", &breaking(release, reason)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{release:?} {reason:?} {answer:?}");
    }
    assert!(!world.kinds().await.contains(&"promotion-requested".to_owned()));
    // 8: it starts at once, without the yes that others wait for.
    let broken = break_it(&world, "bo", &whole).await;
    assert_eq!(broken.status, StatusCode::ACCEPTED, "{broken:?}");
    let kinds = world.kinds().await;
    assert!(kinds.contains(&"promotion-started".to_owned()), "{kinds:?}");
    assert!(kinds.contains(&"debt-incurred".to_owned()), "a review is owed: {kinds:?}");
    // 9: whoever broke it reviews nothing, nor does anybody without the right to agree.
    for who in ["bo", "ada", "eve", "robot"] {
        let answer = settle(&world, who, "read it").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{who} {answer:?}");
    }
    // 10: another settles it, and the mark stays for ever.
    let settled = settle(&world, "carl", "read it").await;
    assert!(settled.status.is_success(), "{settled:?}");
    let shown = world.get(&As::Person("eve"), "/v1/promotions/1").await;
    assert_eq!((&shown.body["broke_glass"], &shown.body["by"]), (&json!(true), &json!("bo")));
}

#[tokio::test]
async fn cve_b28_whoever_a_request_says_to_be_is_not_who_sent_it() {
    let world = world().await;
    let body = json!({ "name": "ci", "program": "ci", "may": ["promote"] });
    let token = world.post(&As::Person("lead"), "/v1/tokens", &body).await.body["token"].clone();
    let bearer = format!("Bearer {}", token.as_str().unwrap());
    let order = json!({
        "by": "lead", "release": "1.0.0", "from": null, "plan": null, "accept_unenforced": [],
        "override_window": false, "reason": null, "offered_by": null,
    });
    let path = format!("{LANE}/promotions");
    let json = ("content-type", "application/json");
    // Whoever comes with a token and says to be somebody else is nobody.
    let both =
        As::Headers(vec![("authorization", bearer.as_str()), ("towpath-acting-as", "lead"), json]);
    assert_eq!(world.post(&both, &path, &order).await.status, StatusCode::UNAUTHORIZED);
    // Headers with which proxies and workers name somebody are nothing to us.
    let claims = As::Headers(vec![
        ("authorization", bearer.as_str()),
        ("x-forwarded-user", "lead"),
        ("x-remote-user", "lead"),
        ("x-agent-id", "1"),
        json,
    ]);
    let ordered = world.post(&claims, &path, &order).await;
    assert_eq!(ordered.status, StatusCode::ACCEPTED, "{ordered:?}");
    let shown = world.get(&As::Person("eve"), "/v1/promotions/1").await;
    assert_eq!(shown.body["by"], json!("ci"), "{shown:?}");
    // Nor does a token of one program settle, hold or end by claiming to be its owner.
    let word = json!({ "by": "carl", "reason": "x" });
    let held = world.post(&claims, "/v1/promotions/1/abort", &word).await;
    assert_eq!(held.status, StatusCode::FORBIDDEN, "{held:?}");
}

type Change = fn(&mut towpath_core::matrix::Matrix);

/// Each way to more than one has, through the configuration.
#[tokio::test]
async fn t14_nobody_gives_themselves_a_right() {
    let world = world().await;
    let changes: [(&str, Change); 5] = [
        ("a role", |matrix| {
            let eve = matrix.people.get_mut(&Person::new("eve").unwrap()).unwrap();
            eve.roles.insert(Name::new("lead").unwrap());
        }),
        ("a verb", |matrix| {
            matrix.who_may.insert(Verb::ApplyMatrix, vec![Name::new("developer").unwrap()]);
        }),
        ("no verb at all", |matrix| matrix.who_may.clear()),
        ("nobody", |matrix| matrix.people.clear()),
        ("an account", |matrix| {
            let lead = matrix.people.get_mut(&Person::new("lead").unwrap()).unwrap();
            lead.account = Some(Person::new("eve").unwrap());
        }),
    ];
    let before = world.kinds().await;
    for (what, change) in changes {
        let mut matrix = world.matrix.clone();
        change(&mut matrix);
        for who in ["eve", "ada", "carl", "robot", "stranger"] {
            let body = json!({ "matrix": matrix, "by": "lead" });
            let answer = world.post(&As::Person(who), "/v1/matrix", &body).await;
            let told = (answer.status, answer.code());
            assert_eq!(told, (StatusCode::FORBIDDEN, "not-allowed"), "{what} {who}");
        }
    }
    assert_eq!(world.kinds().await, before, "something was written");
}
