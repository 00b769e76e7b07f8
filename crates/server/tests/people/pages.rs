//! The real pages behind the real door: who sees them, and whose forms are taken. What they say is tested beside
//! the fakes of the engine.

use axum::http::{Method, StatusCode};

use crate::browser::{Door, encoded};
use crate::words::order;
use crate::world::As;

const WORDS: &str = "people: lead lead; ada developer; bob qa\n\
    staging: root, steps 10%/1m 100%/1m, approvals all qa 1";

#[tokio::test]
async fn t7_forms_of_the_real_pages_count_from_these_pages_alone_and_in_the_name_of_the_session() {
    let door = Door::new(WORDS, |_| {}).await;
    door.has_password("bob").await;
    let path = "/v1/lanes/app/staging/promotions";
    let ordered = door.world.post(&As::Person("ada"), path, &order("1.0.0")).await;
    assert_eq!(ordered.status, StatusCode::ACCEPTED, "{ordered:?}");
    let mut nobody = door.browser();
    for path in ["/promotions/1", "/releases", "/audit", "/lanes/app/staging"] {
        let seen = nobody.get(path).await;
        assert_eq!(seen.status, StatusCode::SEE_OTHER, "{path}");
        assert!(seen.to().starts_with("/sign-in") && !seen.text.contains("1.0.0"), "{path}");
    }
    let mut bob = door.signed_in("bob").await;
    let page = bob.get("/promotions/1").await;
    assert!(page.text.contains("Approve 1.0.0"), "{}", page.text);
    let field = |name: &str| {
        let mark = format!("name=\"{name}\" value=\"");
        let after = page.text.split(&mark).nth(1).unwrap();
        after.split('"').next().unwrap().to_owned()
    };
    let (seen, plan) = (field("seen"), field("plan"));
    let fields = [("seen", seen.as_str()), ("plan", plan.as_str()), ("form", "guessed")];
    let guessed = bob.post("/promotions/1/approve", &fields).await;
    assert_eq!(guessed.status, StatusCode::FORBIDDEN, "a word that is not the session's");
    let form = page.form();
    let fields = [("seen", seen.as_str()), ("plan", plan.as_str()), ("form", form.as_str())];
    let elsewhere = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
    let body = encoded(&fields);
    let foreign = bob.send(Method::POST, "/promotions/1/approve", &elsewhere, &body).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN, "a page of another place");
    let events = door.world.kinds().await;
    assert!(!events.contains(&"approval-given".to_owned()), "{events:?}");
    let own = bob.post("/promotions/1/approve", &fields).await;
    assert_eq!((own.status, own.to()), (StatusCode::SEE_OTHER, "/promotions/1?done=approved"));
    assert!(door.world.kinds().await.contains(&"approval-given".to_owned()));
}
