//! The admin page: who may what and why, the engine, tokens. Sessions are tested where people sign in.

use axum::http::StatusCode;

use crate::governed::governed;
use crate::look::Browser;
use crate::people::word;
use crate::world::World;

#[test]
fn rights_say_where_they_stand_and_the_engine_how_it_is() {
    let world = World::new("dev: root\nprod: after dev").changed_by(|matrix| {
        use towpath_core::ids::Name;
        use towpath_core::people::Verb;
        governed(matrix);
        let lead = || vec![Name::new("lead").unwrap()];
        matrix.who_may.insert(Verb::Freeze, lead());
        matrix.environments[1].who_may.insert(Verb::Promote, lead());
    });
    world.live(async |life| {
        life.prepare().await;
        let page = Browser::of(&life.engine, "anna").get("/admin").await;
        page.says("environments.prod.who_may.promote").says("who_may.freeze").says("the default");
        page.says("people.carl").says("developer").says("runs, and its journal answers");
        page.says("engine 1 of this journal").says("nothing that the engine knows of");
        page.says("Towpath makes none").says("Nobody signs in at this engine");
        let text = page.readable();
        assert!(text.contains("Thaw every environment lead anna, bert who_may.freeze"), "{text}");
        assert!(text.contains("Promote prod lead anna, bert environments.prod.who_may"), "{text}");
        assert!(
            text.contains("Break the glass every environment nobody nobody the default"),
            "{text}"
        );
        page.says_not(" style=").says_not("onclick");
    });
}

#[test]
fn a_token_is_shown_once_and_ended_by_whoever_may() {
    let world = World::new("dev: root\nprod: after dev").changed_by(governed);
    world.live(async |life| {
        life.prepare().await;
        let (anna, carl) = (Browser::of(&life.engine, "anna"), Browser::of(&life.engine, "carl"));
        carl.get("/admin").await.says("None. A program that promotes").says("Make a token");
        let form = word();
        let wanted =
            format!("form={form}&name=ci&days=7&may=promote&may=rollback&environments=dev");
        let made = carl.post("/admin/tokens", &wanted).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.readable());
        made.says("Its secret is shown this once").says("value=\"twp_");
        let secret = made.text.split("value=\"twp_").nth(1).unwrap().split('"').next().unwrap();
        assert!(life.engine.token(&format!("twp_{secret}")).is_some(), "it opens the project");
        let page = carl.get("/admin").await;
        page.says("promote, rollback in dev").says("Revoke ci").says_not(secret);
        let id = page.text.split("id=\"token-").nth(1).unwrap().split('"').next().unwrap();
        Browser::of(&life.engine, "bert").get("/admin").await.says("Revoke ci");
        let twice = carl.post("/admin/tokens", &wanted).await;
        assert_eq!(twice.status, StatusCode::CONFLICT, "{}", twice.readable());
        for wrong in ["name=CI&days=7", "name=x&days=0", "name=x&days=365", "name=x&days=7&may=fly"]
        {
            let seen = carl.post("/admin/tokens", &format!("form={form}&{wrong}")).await;
            assert_eq!(seen.status, StatusCode::BAD_REQUEST, "{wrong}: {}", seen.readable());
        }
        let own = anna.post("/admin/tokens", &format!("form={form}&name=mine&days=7")).await;
        assert_eq!(own.status, StatusCode::CREATED, "{}", own.readable());
        let ended = anna.post("/admin/revoke", &format!("form={form}&id={id}&reason=leaked")).await;
        assert_eq!(ended.status, StatusCode::SEE_OTHER, "{}", ended.readable());
        assert!(life.engine.token(&format!("twp_{secret}")).is_none(), "at once");
        anna.get("/admin?done=revoked").await.says("Revoked: the token opens nothing");
        let broken = anna.post("/admin/revoke", &format!("form={form}")).await;
        assert_eq!(broken.status, StatusCode::BAD_REQUEST, "{}", broken.readable());
        broken.says("the form cannot be read");
        let unknown = anna.post("/admin/revoke", &format!("form={form}&id=0123456789ab")).await;
        assert_eq!(unknown.status, StatusCode::NOT_FOUND, "{}", unknown.readable());
    });
}

#[test]
fn whoever_may_not_apply_a_matrix_ends_no_token_of_others_and_sees_no_button_for_it() {
    let world = World::new("dev: root").changed_by(|matrix| {
        use towpath_core::ids::Name;
        use towpath_core::people::Verb;
        governed(matrix);
        matrix.who_may.insert(Verb::ApplyMatrix, vec![Name::new("lead").unwrap()]);
    });
    world.live(async |life| {
        life.prepare().await;
        let (anna, carl) = (Browser::of(&life.engine, "anna"), Browser::of(&life.engine, "carl"));
        let form = word();
        anna.post("/admin/tokens", &format!("form={form}&name=mine&days=7")).await;
        let page = carl.get("/admin").await;
        page.says("mine").says_not("Revoke mine").says_not("value=\"apply_matrix\"");
        let id = page.text.split("id=\"token-").nth(1).unwrap().split('"').next().unwrap();
        let refused = carl.post("/admin/revoke", &format!("form={form}&id={id}")).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.readable());
        let beyond = format!("form={form}&name=more&days=7&may=apply_matrix");
        let refused = carl.post("/admin/tokens", &beyond).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.readable());
        let stranger = Browser::of(&life.engine, "mallory");
        stranger
            .get("/admin")
            .await
            .says("The matrix does not name you")
            .says_not("Make the token");
        let refused = stranger.post("/admin/tokens", &format!("form={form}&name=a&days=7")).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.readable());
    });
}

#[test]
fn where_nobody_is_named_the_page_says_so_and_makes_no_token() {
    let world = World::new("dev: root");
    world.live(async |life| {
        life.prepare().await;
        let anna = Browser::of(&life.engine, "anna");
        let page = anna.get("/admin").await;
        page.says("The matrix names nobody").says("nobody can make one").says_not("Make the token");
        let refused = anna.post("/admin/tokens", &format!("form={}&name=a&days=7", word())).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.readable());
    });
}
