//! Sessions on the admin page: one's own to everybody, all of them to whoever may apply a matrix, and ended by them at once.

use axum::http::{Method, StatusCode};
use towpath_core::ids::Name;
use towpath_core::matrix::Matrix;
use towpath_core::people::Verb;

use crate::browser::{Browser, Door, encoded};

const WORDS: &str = "people: lead lead; ada developer; bob qa\nstaging: root";

fn lead_applies(matrix: &mut Matrix) {
    matrix.who_may.insert(Verb::ApplyMatrix, vec![Name::new("lead").unwrap()]);
}

async fn opened() -> (Door, Browser, Browser, Browser) {
    let door = Door::new(WORDS, lead_applies).await;
    for name in ["lead", "ada", "bob"] {
        door.has_password(name).await;
    }
    let (lead, ada, bob) =
        (door.signed_in("lead").await, door.signed_in("ada").await, door.signed_in("bob").await);
    (door, lead, ada, bob)
}

/// The session that the form of somebody's row ends.
fn session_of(page: &str, person: &str) -> String {
    let mark = format!(
        "name=\"person\" value=\"{person}\"><input type=\"hidden\" name=\"session\" value=\""
    );
    let after =
        page.split(&mark).nth(1).unwrap_or_else(|| panic!("no session of {person}: {page}"));
    after.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn sessions_are_seen_and_ended_by_whoever_may_and_the_journal_says_by_whom() {
    let (door, mut lead, mut ada, mut bob) = opened().await;
    let own = ada.get("/admin").await.text;
    assert!(own.contains("Your sessions") && own.contains("this one"), "{own}");
    assert!(!own.contains("value=\"lead\"><input type=\"hidden\" name=\"session\""), "{own}");
    let all = lead.get("/admin").await.text;
    let (of_lead, of_ada) = (session_of(&all, "lead"), session_of(&all, "ada"));
    let refused =
        ada.post("/admin/end-session", &[("person", "lead"), ("session", &of_lead)]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
    assert!(refused.text.contains("it is somebody else"), "{}", refused.text);
    assert_eq!(lead.get("/admin").await.status, StatusCode::OK, "and nothing ended");
    let ended = lead.post("/admin/end-session", &[("person", "ada"), ("session", &of_ada)]).await;
    assert_eq!(ended.to(), "/admin?done=ended", "{}", ended.text);
    assert_eq!(ada.get("/admin").await.status, StatusCode::SEE_OTHER, "it opens nothing any more");
    assert_eq!(bob.get("/admin").await.status, StatusCode::OK, "others go on");
    let again = lead.post("/admin/end-session", &[("person", "ada"), ("session", &of_ada)]).await;
    assert_eq!(again.to(), "/admin?done=ended-already", "{}", again.text);
    let rows = door.world.engine.events(0, 1000).await.unwrap();
    let said = rows
        .iter()
        .any(|row| row.kind == "session-changed" && row.body.to_string().contains("ended by lead"));
    assert!(said, "who ended it is in the journal");
    // Everybody ends their own.
    let own = session_of(&bob.get("/admin").await.text, "bob");
    let ended = bob.post("/admin/end-session", &[("person", "bob"), ("session", &own)]).await;
    assert_eq!(ended.status, StatusCode::SEE_OTHER, "{}", ended.text);
    assert_eq!(bob.get("/admin").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn all_sessions_of_somebody_end_at_once() {
    let (door, mut lead, mut ada, _) = opened().await;
    let mut second = door.signed_in("ada").await;
    let all = lead.get("/admin").await.text;
    assert!(all.contains("End all 2 of ada"), "{all}");
    let ended = lead.post("/admin/end-session", &[("person", "ada")]).await;
    assert_eq!(ended.to(), "/admin?done=ended", "{}", ended.text);
    assert_eq!(ada.get("/admin").await.status, StatusCode::SEE_OTHER);
    assert_eq!(second.get("/admin").await.status, StatusCode::SEE_OTHER);
    let unknown = lead.post("/admin/end-session", &[("person", "mallory")]).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND, "{}", unknown.text);
}

#[tokio::test]
async fn t7_no_other_page_ends_a_session_or_has_a_token_made() {
    let (door, mut lead, ..) = opened().await;
    let before = door.world.kinds().await.len();
    let form = lead.get("/admin").await.form();
    let deeds: [(&str, &[(&str, &str)]); 5] = [
        ("/admin/end-session", &[("person", "ada")]),
        ("/admin/tokens", &[("name", "ci"), ("days", "7")]),
        ("/admin/revoke", &[("id", "0123456789ab")]),
        ("/notifications/test", &[("channel", "slack")]),
        ("/waiting/matrix", &[("plan", "0123456789ab"), ("word", "yes")]),
    ];
    for (path, fields) in deeds {
        let guessed = [fields, &[("form", "guessed")]].concat();
        let refused = lead.post(path, &guessed).await;
        assert_eq!(
            refused.status,
            StatusCode::FORBIDDEN,
            "{path}: a word that is not the session's"
        );
        let right = encoded(&[fields, &[("form", form.as_str())]].concat());
        let elsewhere = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
        let refused = lead.send(Method::POST, path, &elsewhere, &right).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}: a page of another place");
    }
    assert_eq!(door.world.kinds().await.len(), before, "nothing was ordered");
}

#[tokio::test]
async fn somebody_whose_account_is_called_otherwise_is_still_who_they_signed_in_as() {
    let door = Door::new(WORDS, |matrix| {
        lead_applies(matrix);
        let bob = matrix.people.get_mut(&crate::browser::person("bob")).unwrap();
        bob.account = Some(crate::browser::person("bobs-machine"));
    })
    .await;
    door.has_password("bob").await;
    let mut bob = door.signed_in("bob").await;
    let page = bob.get("/admin").await.text;
    assert!(page.contains("Make the token") && page.contains("this one"), "{page}");
    let made = bob.post("/admin/tokens", &[("name", "ci"), ("days", "7")]).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert!(bob.get("/admin").await.text.contains("Revoke ci"), "it is their own");
}
