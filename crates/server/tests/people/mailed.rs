//! Signing in by a link that is mailed: to the address that the matrix has of somebody, and with no word to anybody
//! else (trust.md, T15).

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;
use towpath_core::ids::Name;
use towpath_core::matrix::{AdapterSpec, Matrix};
use towpath_core::notices::{Channel, Notice, Occasion};
use towpath_core::units::Span;
use towpath_ports::accounts::Accounts as _;
use towpath_ports::secret::Secret;

use crate::browser::{Browser, Door, HOST, person};
use crate::world::World;

const WORDS: &str = "
    people: lead lead; ada developer; bob developer; carl developer; bot ci builder
    staging: root, tier staging, steps 100%/1m";

/// A server whose matrix has addresses of some, and a channel that mails beside one that does not.
async fn door() -> Door {
    Door::new(WORDS, |matrix: &mut Matrix| {
        for name in ["bob", "carl", "ci"] {
            matrix.people.get_mut(&person(name)).unwrap().email =
                Some(format!("{name}@example.org"));
        }
        for kind in ["command", "smtp"] {
            let adapter = AdapterSpec { kind: kind.to_owned(), settings: json!({}) };
            let channel = Channel { adapter, secrets: BTreeMap::new(), missing: None };
            matrix.notifiers.insert(Name::new(&format!("by-{kind}")).unwrap(), channel);
        }
    })
    .await
}

/// The letters, as soon as there are so many.
async fn letters(door: &Door, count: usize) -> Vec<(String, Notice)> {
    let there = async {
        loop {
            let letters = door.world.letters.lock().unwrap().clone();
            if letters.len() >= count {
                return letters;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), there).await.expect("no letter came")
}

fn link_in(letter: &Notice) -> String {
    let text = letter.text();
    let link = text.split_whitespace().find(|word| word.starts_with("https://")).unwrap();
    link.strip_prefix(&format!("https://{HOST}")).unwrap().to_owned()
}

async fn by_mail(door: &Door, name: &str) -> Browser {
    let before = door.world.letters.lock().unwrap().len();
    let mut browser = door.browser();
    let page = browser.post("/sign-in/mail", &[("name", name)]).await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    let letters = letters(door, before + 1).await;
    let link = link_in(&letters.last().unwrap().1);
    let page = browser.post(&link, &[]).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{page:?}");
    browser
}

#[tokio::test]
async fn a_link_comes_to_the_address_of_the_matrix_works_once_and_is_on_no_record() {
    let door = door().await;
    let page = door.browser().get("/sign-in").await;
    assert!(page.text.contains("formaction=\"/sign-in/mail\""), "{}", page.text);
    let mut browser = door.browser();
    browser.post("/sign-in/mail", &[("name", " bob ")]).await;
    let (to, letter) = letters(&door, 1).await.remove(0);
    assert_eq!((to.as_str(), letter.occasion), ("bob@example.org", Occasion::SignIn));
    assert_eq!(letter.channel, "by-smtp");
    let link = link_in(&letter);
    assert!(browser.get(&link).await.text.contains("<b>bob</b>"));
    let page = browser.post(&link, &[("to", "/waiting")]).await;
    assert_eq!((page.status, page.to()), (StatusCode::SEE_OTHER, "/waiting"));
    assert!(browser.get("/waiting").await.text.contains("you: bob"));
    assert_eq!(door.browser().post(&link, &[]).await.status, StatusCode::NOT_FOUND, "twice");
    let rows = door.world.engine.events(0, 1000).await.unwrap();
    let secret = link.rsplit('/').next().unwrap();
    assert!(rows.iter().all(|row| !row.body.to_string().contains(secret)));
    let began = rows.iter().find(|row| row.kind == "session-changed").unwrap();
    assert_eq!(began.body["by"], "mail");
    assert!(rows.iter().any(|row| row.kind == "notice-delivered" && row.actor == "bob"));
    // A late one opens nothing.
    browser.post("/sign-in/mail", &[("name", "bob")]).await;
    let late = link_in(&letters(&door, 2).await[1].1);
    door.world.pass(Span::minutes(15));
    assert_eq!(browser.post(&late, &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn t15_whoever_asks_for_a_link_by_mail_learns_nothing_of_who_there_is() {
    let door = door().await;
    let mut answers = Vec::new();
    for name in ["nobody", "ada", "ci", "a b", "<script>", "bob"] {
        let page = door.browser().post("/sign-in/mail", &[("name", name)]).await;
        let shown = name.replace('<', "&lt;").replace('>', "&gt;");
        answers.push((page.status, page.text.replace(&format!("<b>{shown}</b>"), "NAME")));
    }
    assert_eq!(answers[0].0, StatusCode::OK);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    // One without an address, a program and those who are nobody get none.
    let all = letters(&door, 1).await;
    assert_eq!(all.iter().map(|(to, _)| to.as_str()).collect::<Vec<_>>(), ["bob@example.org"]);
    for (name, most) in [("carl", 5), ("nobody", 4)] {
        let mut browser = door.browser();
        for _ in 0..most {
            let page = browser.post("/sign-in/mail", &[("name", name)]).await;
            assert_eq!(page.status, StatusCode::OK, "{name}");
        }
        let page = browser.post("/sign-in/mail", &[("name", name)]).await;
        assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS, "{name}");
    }
    let empty = door.browser().post("/sign-in/mail", &[("name", " ")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn t15_a_mailed_link_gives_a_password_and_the_first_second_factor_and_no_other() {
    let door = door().await;
    let mut browser = by_mail(&door, "bob").await;
    let new = "a new way to the lock";
    let fields = [("new", new), ("again", new)];
    let page = browser.post("/sign-in/password", &fields).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{page:?}");
    assert_eq!(browser.get("/sign-in/second").await.status, StatusCode::OK);
    let bob = person("bob");
    let secret = Secret::new("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP".to_owned()).unwrap();
    door.accounts.offer_second(&bob, &secret).await.unwrap();
    door.accounts.take_step(&bob, 1, door.world.now()).await.unwrap();
    let mut browser = by_mail(&door, "bob").await;
    assert_eq!(browser.get("/sign-in/second").await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.post("/sign-in/second", &[]).await.status, StatusCode::FORBIDDEN);
    let kept = door.accounts.user(&bob).await.unwrap().unwrap().second.unwrap();
    assert_eq!(kept.secret, secret);
}

#[tokio::test]
async fn where_nothing_mails_nobody_is_offered_it() {
    let door = Door::new(WORDS, |_: &mut Matrix| {}).await;
    let page = door.browser().get("/sign-in").await;
    assert!(!page.text.contains("/sign-in/mail"), "{}", page.text);
    let page = door.browser().post("/sign-in/mail", &[("name", "bob")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn t19_a_server_of_several_projects_mails_no_links_for_a_session_opens_them_all() {
    let door = door().await;
    let other = World::new(WORDS, |matrix: &mut Matrix| {
        matrix.project = Name::new("other").unwrap();
    })
    .await;
    door.sign_in.serves(&other.engine);
    let page = door.browser().get("/sign-in").await;
    assert!(!page.text.contains("/sign-in/mail"), "{}", page.text);
    let page = door.browser().post("/sign-in/mail", &[("name", "bob")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
}
