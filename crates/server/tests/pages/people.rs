//! What waits for somebody, one lane with all that is declared for it, and texts of people who mean harm.

use std::time::Duration;

use axum::http::StatusCode;
use towpath_core::ids::Person;
use towpath_core::promotion::input::Input;
use towpath_core::promotion::state::Outcome;
use towpath_guard::Arm;

use crate::look::{Browser, Seen, WORD};
use crate::world::{Life, World, prod};

pub(crate) fn word() -> String {
    WORD.replace(' ', "+").replace('\'', "%27")
}

/// The value of a hidden field of the first form that has it.
pub(crate) fn field(page: &Seen, name: &str) -> String {
    let after = page.text.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap();
    after.split('"').next().unwrap().replace('%', "%25").replace('/', "%2F")
}

async fn waiting(life: &Life<'_>) {
    life.prepare().await;
    life.promote("1.0.0").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
}

#[test]
fn bob_approves_in_two_actions_and_anna_may_not() {
    let world = World::new(
        "people: anna developer; bob qa\nprod: root, steps 10%/2m 100%/2m, approvals all qa 1",
    );
    world.live(async |life| {
        waiting(life).await;
        let (anna, bob) = (Browser::of(&life.engine, "anna"), Browser::of(&life.engine, "bob"));
        anna.get("/waiting")
            .await
            .says("Nothing waits for you")
            .says("Waits for others")
            .says("app 1.0.0 to prod");
        let page = bob.get("/waiting").await;
        page.says("1 waits for you")
            .says("app 1.0.0 to prod")
            .says("Approve 1.0.0")
            .says("Your word counts as qa");
        let (seen, plan) = (field(&page, "seen"), field(&page, "plan"));
        let stale = format!("form={}&seen={seen}&plan=000000000000", word());
        let refused = bob.post("/promotions/1/approve", &stale).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.readable());
        let silent = format!("form={}&seen={seen}&plan={plan}", word());
        let refused = bob.post("/promotions/1/reject", &silent).await;
        refused.says("a reason is needed");
        let agreed =
            bob.post("/promotions/1/approve", &format!("{silent}&link=javascript:alert(1)")).await;
        assert_eq!(agreed.status, StatusCode::SEE_OTHER, "{}", agreed.readable());
        let page = anna.get("/promotions/1").await;
        page.says("Approvals, 1 of 1").says("javascript:alert(1)").says_not("href=\"javascript");
    });
}

#[test]
fn what_people_write_is_text_wherever_it_is_shown() {
    let world = World::new("prod: root, steps 10%/2m 100%/2m");
    world.live(async |life| {
        let (second, _) = life.begin_second().await;
        let evil = "\"><script>alert(1)</script>' onmouseover=x javascript:alert(1) {{7*7}}";
        let pause = Input::PauseOrdered {
            number: second,
            by: Person::new("anna").unwrap(),
            reason: Some(evil.to_owned()),
        };
        life.engine.order(&prod(), pause).await.unwrap();
        let browser = Browser::of(&life.engine, "anna");
        for path in ["/", "/promotions/2", "/lanes/app/prod", "/waiting"] {
            let page = browser.get(path).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            page.says_not("<script>").says_not("\"><script>").says_not(" onmouseover=x j\"");
        }
        browser.get("/promotions/2").await.says("&lt;script&gt;alert(1)&lt;/script&gt;");
        let back = browser.get("/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E").await;
        back.says("&quot;&gt;&lt;script&gt;").says_not("<script>alert");
        browser.get("/lanes/app/%3Cscript%3E").await.says_not("<script>");
        browser.get("/?done=%3Cscript%3E").await.says_not("<script>");
    });
}

#[test]
fn a_lane_says_what_serves_and_goes_back_in_one_click() {
    let world = World::new("prod: root, steps 10%/2m 100%/2m, standby 1h, check tests");
    world.live(async |life| {
        let (second, _) = life.begin_second().await;
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
        world.router.visit(&prod(), Arm::Blue, 500, 100);
        tokio::time::sleep(Duration::from_mins(1)).await;
        let browser = Browser::of(&life.engine, "anna");
        let page = browser.get("/lanes/app/prod").await;
        page.says("2.0.0 serves")
            .says("1.0.0 stands by at full capacity")
            .says("What a release must show");
        page.says("Roll back to 1.0.0").says("which stands by").says("p99").says("History");
        let wrong = format!("form={}&seen=9.9.9%2F0", word());
        let stale = browser.post("/lanes/app/prod/rollback", &wrong).await;
        assert_eq!(stale.status, StatusCode::CONFLICT, "{}", stale.readable());
        let right = format!("form={}&seen={}&reason=slow", word(), field(&page, "seen"));
        let back = browser.post("/lanes/app/prod/rollback", &right).await;
        assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.readable());
        life.until("1.0.0 serves", |lane| {
            lane.serving
                .as_ref()
                .is_some_and(|it| it.deployment.release.version.as_str() == "1.0.0")
        })
        .await;
        let page = browser.get("/lanes/app/prod").await;
        page.says("2.0.0 may not enter").says("Lift the quarantine");
        let lift = format!("form={}&release=2.0.0", word());
        browser.post("/lanes/app/prod/lift", &lift).await.says("a reason is needed");
        let lifted = browser.post("/lanes/app/prod/lift", &format!("{lift}&reason=mended")).await;
        assert_eq!(lifted.status, StatusCode::SEE_OTHER, "{}", lifted.readable());
        assert!(life.lane().quarantined.is_empty());
    });
}

#[test]
fn nobody_sees_a_page_or_sends_a_form() {
    let world = World::new("prod: root");
    world.live(async |life| {
        life.prepare().await;
        for route in towpath_server::pages::routes() {
            let path = route.path.replace("{number}", "1").replace("{service}", "app");
            let path = path.replace("{environment}", "prod").replace("{file}", "none.css");
            let path = path.replace("{version}", "1.0.0");
            let seen = Browser::nobody(&life.engine, route.method.clone(), &path).await;
            let is_open = route.rule == towpath_server::route::Rule::Public;
            let expected = if is_open { StatusCode::NOT_FOUND } else { StatusCode::FORBIDDEN };
            assert_eq!(seen.status, expected, "{path}: {}", seen.text);
            assert!(!seen.text.contains("1.0.0"), "{path}");
        }
    });
}

#[test]
fn releases_their_comparison_the_pipeline_and_the_journal_have_pages() {
    let world = World::new("dev: root\nprod: after dev, steps 10%/1m 100%/1m, check tests");
    world.live(async |life| {
        life.prepare().await;
        let browser = Browser::of(&life.engine, "anna");
        browser.get("/releases").await.says("app 3.0.0").says("nowhere yet");
        let release = browser.get("/releases/app/2.0.0").await;
        release.says("What it is made of").says("Where it has been").says("with 3.0.0");
        let compared = browser.get("/compare?service=app&from=1.0.0&to=2.0.0").await;
        compared.says("1 of 1 artefact differ").says("other bytes");
        let parity = browser.get("/compare?service=app&left=dev&right=prod").await;
        parity.says("app in dev and prod").says("Both serve nothing").says("differs");
        browser.get("/compare").await.says("Two environments");
        browser
            .get("/pipeline")
            .await
            .says("The same as a list")
            .says("class=\"edge\"")
            .says("dev");
        let audit = browser.get("/audit").await;
        audit.says("release-created").says("engine-started").says("Verify the whole chain");
        browser
            .get("/audit?q=release-created+3.0.0&kind=release")
            .await
            .says("release-created")
            .says_not("engine-started");
        browser.get("/audit?verify=yes").await.says("The chain holds: all");
        for lost in
            ["/releases/app/9.9.9", "/releases/%3Cscript%3E/1", "/compare?service=app&from=1&to=2"]
        {
            let seen = browser.get(lost).await;
            assert_eq!(seen.status, StatusCode::NOT_FOUND, "{lost}");
            seen.says_not("<script>");
        }
        for path in ["/releases", "/audit", "/pipeline", "/compare"] {
            browser.get(path).await.says_not(" style=").says_not("onclick");
        }
    });
}

#[test]
fn every_page_leads_to_pages_of_its_own_project_that_are_there() {
    let world = World::new("dev: root\nprod: after dev, steps 10%/1m 100%/1m, standby 1h");
    world.live(async |life| {
        life.prepare().await;
        let dev = towpath_testkit::declared::lane("dev").unwrap();
        for version in ["1.0.0", "2.0.0"] {
            let number = life.promote_in(&dev, version).await;
            life.ended_in(&dev, number).await;
        }
        life.begin_second_of_it().await;
        let browser = Browser::of(&life.engine, "anna");
        browser.get("/insights").await.says("Promotion success").says("100.0%").says("3 of 3");
        for base in ["", "/projects/project"] {
            let (mut open, mut known) =
                (vec![format!("{base}/")], std::collections::BTreeSet::new());
            while let Some(path) = open.pop() {
                if !known.insert(path.clone()) || known.len() > 150 {
                    continue;
                }
                let asked = if base.is_empty() || path != format!("{base}/") {
                    path.clone()
                } else {
                    base.to_owned()
                };
                let page = browser.under(base, &asked).await;
                assert_eq!(page.status, StatusCode::OK, "{path}");
                for (name, mark) in
                    [("href", "href=\""), ("action", "action=\""), ("src", "src=\"")]
                {
                    for part in page.text.split(mark).skip(1) {
                        let to = part.split('"').next().unwrap().replace("&amp;", "&");
                        // Signing out belongs to the server, and not to a project.
                        if to.starts_with('#') || to.starts_with("data:") || to == "/sign-out" {
                            continue;
                        }
                        assert!(
                            to.starts_with(base) && to.starts_with('/'),
                            "{name} {to} on {path}"
                        );
                        if name == "href" && !to.contains("/assets/") {
                            open.push(to);
                        }
                    }
                }
            }
            assert!(known.len() > 10, "{known:?}");
        }
    });
}
