//! The matrix: cells, the strip, the filter, the frame around all pages.

use axum::http::{Method, StatusCode};
use towpath_guard::Arm;

use crate::look::Browser;
use crate::world::{Life, SHORT, World, prod};

/// The address of the style sheet, the script and the icon of a page.
fn assets(page: &str) -> Vec<String> {
    let all = page.split('"').filter(|part| part.starts_with("/assets/"));
    all.map(str::to_owned).collect()
}

async fn matrix(life: &Life<'_>) -> crate::look::Seen {
    Browser::of(&life.engine, "anna").get("/").await
}

#[test]
fn a_cell_says_what_serves_and_what_is_on_its_way() {
    let world = World::new("prod: root, steps 10%/5m 100%/5m, check tests");
    world.live(async |life| {
        life.prepare().await;
        let empty = matrix(life).await;
        empty.says("nothing yet").says("Nothing is on its way");
        life.begin_second_of_it().await;
        world.router.visit(&prod(), Arm::Blue, 900, 300);
        world.router.visit(&prod(), Arm::Green, 100, 0);
        tokio::time::sleep(std::time::Duration::from_secs(30)).await;
        let page = matrix(life).await;
        page.says("1.0.0 → 2.0.0").says("blue 90%").says("green 10%").says("1</span>moving now");
        page.says("href=\"/promotions/2\"").says("data-s=\"moving exception\"");
        assert_eq!(assets(&page.text).len(), 3, "a style sheet, a script and an icon of our own");
        for asset in assets(&page.text) {
            let got = Browser::of(&life.engine, "anna").get(&asset).await;
            assert_eq!(got.status, StatusCode::OK, "{asset}");
        }
    });
}

#[test]
fn a_page_has_nothing_that_its_policy_forbids_and_is_light() {
    let world = World::new(
        "services: api web worker\nstaging: root\nprod: after staging, steps 10%/5m 100%/5m",
    );
    world.live(async |life| {
        life.prepare_services(&["api", "web", "worker"]).await;
        let page = matrix(life).await;
        for forbidden in [" style=", "<style", " onclick", "http://", "https://"] {
            page.says_not(forbidden);
        }
        println!("the matrix of 3 services: {} bytes of HTML", page.text.len());
        let mut whole = page.text.len();
        for asset in assets(&page.text) {
            whole += Browser::of(&life.engine, "anna").get(&asset).await.text.len();
        }
        println!("with style sheet, script and icon: {whole} bytes");
        assert!(whole < 100 * 1024, "{whole}");
    });
}

#[test]
fn what_is_not_there_is_a_page_for_people_and_a_problem_for_programs() {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.prepare().await;
        let browser = Browser::of(&life.engine, "anna");
        let page = browser.get("/no/such/page").await;
        assert_eq!(page.status, StatusCode::NOT_FOUND);
        page.says("There is no such page").says("towpath status");
        let problem = browser.ask(Method::GET, "/v1/nothing", &[], "").await;
        assert_eq!(problem.status, StatusCode::NOT_FOUND);
        assert!(problem.text.starts_with('{'), "{}", problem.text);
    });
}

#[test]
fn without_a_matrix_the_page_teaches_how_one_is_made() {
    let world = World::new(SHORT);
    world.live(async |life| {
        let page = matrix(life).await;
        page.says("No matrix is in force yet").says("towpath init");
    });
}

#[test]
fn fifty_services_are_one_table_with_low_lines_and_its_filter_is_an_address() {
    let names: Vec<String> = (1..=50).map(|number| format!("service-{number:02}")).collect();
    let text = format!(
        "services: {}\ndev: root\ntest: after dev\nstaging: after test, check tests\nprod: after staging, steps 10%/5m 100%/5m",
        names.join(" ")
    );
    let world = World::new(text.leak());
    world.live(async |life| {
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        life.prepare_services(&all[..4]).await;
        let page = matrix(life).await;
        page.says("class=\"mx many\"").says("All 200").says("service-50");
        let one = Browser::of(&life.engine, "anna").get("/?q=service-07").await;
        assert_eq!(
            one.text.matches("class=\"cell off\"").count(),
            196,
            "a filter fades what it is not about"
        );
        println!("the matrix of 50 services in 4 environments: {} bytes", page.text.len());
    });
}
