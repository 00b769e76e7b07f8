//! The matrix file: its tables, each value under an address of its own, what nothing acts on, and who changed what. The file
//! itself is looked at where one is (`e2e`).

use axum::http::StatusCode;
use towpath_core::ids::{Name, Person};
use towpath_core::matrix::{Matrix, Unenforced};
use towpath_core::people::Verb;
use towpath_engine::Order;

use crate::look::Browser;
use crate::world::{Life, World};

fn change(matrix: &mut Matrix) {
    let lane = matrix.environments[0].lanes.values_mut().next().unwrap();
    lane.settings.insert("DB_PASSWORD".to_owned(), "hunter2-and-more".to_owned());
    lane.settings.insert("GREETING".to_owned(), "<script>alert(1)</script>".to_owned());
    lane.unenforced = vec![Unenforced {
        path: "environments.dev.alerting".to_owned(),
        reason: "nothing acts on `alerting`".to_owned(),
        refuses: false,
    }];
}

async fn apply(life: &Life<'_>, matrix: Matrix, by: &str) {
    let order = Order::ApplyMatrix(Box::new(matrix), Person::new(by).unwrap(), None);
    life.engine.order_project(order).await.unwrap();
}

#[test]
fn what_holds_is_shown_by_table_by_value_and_by_what_is_looked_for() {
    let world = World::new("dev: root\nprod: after dev, steps 10%/5m 100%/5m").changed_by(change);
    world.live(async |life| {
        life.prepare().await;
        let anna = Browser::of(&life.engine, "anna");
        let page = anna.get("/matrix").await;
        page.says("Matrix file").says("id=\"table-").says("prod").says_not("hunter2");
        let all = anna.get("/matrix?show=resolved").await;
        all.says("id=\"environments.prod.rollout.steps\"").says_not("hunter2").says("********");
        all.says("&lt;script&gt;alert(1)").says_not("<script>alert");
        let some = anna.get("/matrix?show=resolved&q=prod+standby").await;
        some.says("environments.prod.standby").says_not("environments.dev.");
        anna.get("/matrix?show=resolved&q=%22%3E%3Cscript%3E").await.says_not("<script>alert");
        let kept = anna.get("/matrix?show=not-enforced").await;
        kept.says("environments.dev.alerting")
            .says("Nothing acts on `alerting`.")
            .says("kept, and nothing acts on it");
        anna.get("/matrix?show=file").await.says("It lies where it was applied from");
        let lost = anna.get("/matrix?show=nothing-of-the-kind").await;
        assert_eq!(lost.status, StatusCode::NOT_FOUND);
        for path in ["/matrix", "/matrix?show=resolved", "/matrix?show=changes"] {
            anna.get(path).await.says_not(" style=").says_not("onclick");
        }
    });
}

#[test]
fn each_change_says_who_when_and_what_and_shows_no_secret() {
    let world = World::new("dev: root\nprod: after dev").changed_by(change);
    world.live(async |life| {
        life.prepare().await;
        let anna = Browser::of(&life.engine, "anna");
        anna.get("/matrix?show=changes").await.says("The first one.");
        let mut next = life.engine.matrix().unwrap();
        next.who_may.insert(Verb::Freeze, vec![Name::new("lead").unwrap()]);
        let lane = next.environments[0].lanes.values_mut().next().unwrap();
        lane.settings.insert("DB_PASSWORD".to_owned(), "hunter3-and-more".to_owned());
        lane.settings.insert("LEVEL".to_owned(), "debug".to_owned());
        apply(life, next, "bert").await;
        let page = anna.get("/matrix?show=changes").await;
        page.says("By bert").says("who_may").says("environments.dev.settings.LEVEL").says("debug");
        page.says("environments.dev.settings.DB_PASSWORD").says("it is a secret");
        page.says_not("hunter").says("Nobody had to agree");
    });
}

#[test]
fn before_the_first_matrix_the_page_teaches_how_one_is_made() {
    let world = World::new("dev: root");
    world.live(async |life| {
        let page = Browser::of(&life.engine, "anna").get("/matrix").await;
        page.says("No matrix is in force yet").says("towpath init").says("towpath matrix apply");
        Browser::of(&life.engine, "anna").get("/admin").await.says("What is not set up");
    });
}
