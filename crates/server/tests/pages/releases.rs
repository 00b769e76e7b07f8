//! A release with what speaks for it, and two of them side by side.

use axum::http::StatusCode;
use serde_json::json;
use towpath_core::ids::{Digest, Name, Person};
use towpath_core::promotion::state::Outcome;
use towpath_core::release::Brought;
use towpath_core::units::Timestamp;
use towpath_engine::{NewRelease, Order};
use towpath_ports::evidence::EvidenceStore as _;
use towpath_testkit::declared::{self, ReleaseWords};

use crate::fakes::Answer;
use crate::look::Browser;
use crate::world::{Life, World};

const BILLS: &str = "prod: root, tier production, steps 10%/2m 100%/2m, standby 1h, check bill";

/// What a check reads of the first release, as the fakes of adapters read bills.
const FIRST: &str = r#"{"components":{"log4j-core":["2.14.1"],"serde":["1.0.0"]},
    "vulnerabilities":{"CVE-2021-44228":{"log4j-core 2.14.1":"critical"}},"tells_vulnerabilities":true}"#;
/// And of the second.
const SECOND: &str = r#"{"components":{"log4j-core":["2.17.1"],"evil":["0.1"],"serde":["1.0.0"]},
    "vulnerabilities":{"CVE-2026-1":{"evil 0.1":null}},"tells_vulnerabilities":false}"#;

/// A world in which a gate reads a bill of materials.
fn world() -> World {
    World::new(BILLS).changed_by(|matrix| {
        let lanes = matrix.environments.iter_mut().flat_map(|one| one.lanes.values_mut());
        for check in lanes.flat_map(|lane| &mut lane.gate.prerequisites) {
            "cyclonedx".clone_into(&mut check.check.kind);
        }
    })
}

/// 1.0.0 serves by the first bill, 2.0.0 came by the second.
async fn both(world: &World, life: &Life<'_>) {
    life.prepare().await;
    world.checks.answers("bill", Answer::Reads(FIRST));
    let first = life.promote("1.0.0").await;
    assert_eq!(life.end_of(first).await, Outcome::Succeeded);
    world.checks.answers("bill", Answer::Reads(SECOND));
    life.promote("2.0.0").await;
    life.bakes_at(0).await;
}

#[test]
fn a_release_is_held_against_what_serves_in_production() {
    let world = world();
    world.live(async |life| {
        both(&world, life).await;
        let browser = Browser::of(&life.engine, "anna");
        let page = browser.get("/releases/app/2.0.0").await;
        page.says("Against 1.0.0, which serves in prod").says("1 vulnerability").says("CVE-2026-1");
        page.says("nobody says").says("CVE-2021-44228").says("log4j-core").says("2.17.1");
        page.says("tells of no vulnerabilities, and does not say that it looked");
        page.says("1 of 1 checks passed").says("Download the evidence").says("report");
        let own = browser.get("/releases/app/1.0.0").await;
        own.says("There is nothing to hold it against").says("2 components");
        let compared = browser.get("/compare?service=app&from=1.0.0&to=2.0.0").await;
        compared.says("CVE-2026-1").says("Compare others").says("selected>2.0.0");
        let other = browser.get("/compare?service=app&from=2.0.0&to=3.0.0").await;
        other.says("Nothing is known of the materials of 3.0.0");
    });
}

#[test]
fn the_pieces_and_the_file_of_all_of_them_are_handed_out_as_bytes_and_never_shown() {
    let world = world();
    world.live(async |life| {
        both(&world, life).await;
        let browser = Browser::of(&life.engine, "anna");
        let digest = Digest::of(FIRST.as_bytes());
        let piece = browser.get(&format!("/evidence/{}", digest.hex())).await;
        assert_eq!((piece.status, piece.text.as_str()), (StatusCode::OK, FIRST));
        for lost in ["0".repeat(64), "..%2Fjournal".to_owned(), "abc".to_owned()] {
            let seen = browser.get(&format!("/evidence/{lost}")).await;
            assert_eq!(seen.status, StatusCode::NOT_FOUND, "{lost}");
        }
        let one = browser.get("/releases/app/1.0.0/evidence.tar").await;
        assert_eq!(one.status, StatusCode::OK);
        one.says(FIRST).says(&format!("evidence/sha256-{}", digest.hex())).says("README.txt");
        one.says("missing.txt").says("promotion 1:");
        let again = browser.get("/releases/app/1.0.0/evidence.tar").await;
        assert_eq!(one.text, again.text, "the same promotions give the same bytes");
        one.says_not(SECOND);
        let none = browser.get("/releases/app/9.9.9/evidence.tar").await;
        assert_eq!(none.status, StatusCode::NOT_FOUND);
    });
}

#[test]
fn two_environments_show_the_artefacts_that_they_serve_in_place() {
    let world = World::new("dev: root\nprod: after dev");
    world.live(async |life| {
        life.prepare().await;
        let browser = Browser::of(&life.engine, "anna");
        let place = "/compare?service=app&left=dev&right=prod";
        browser.get(place).await.says("Neither serves anything yet.");
        let lane = |environment: &str| format!("app/{environment}").try_into().unwrap();
        let first = life.promote_in(&lane("dev"), "1.0.0").await;
        life.ended_in(&lane("dev"), first).await;
        browser.get(place).await.says("Only dev serves anything");
        let on = life.promote_in(&lane("prod"), "1.0.0").await;
        life.ended_in(&lane("prod"), on).await;
        browser.get(place).await.says("The same release.").says("Artefacts").says("the same");
        let second = life.promote_in(&lane("dev"), "2.0.0").await;
        life.ended_in(&lane("dev"), second).await;
        let page = browser.get(place).await;
        page.says("dev serves 2.0.0, prod 1.0.0")
            .says("other bytes")
            .says("Migrations on the way to prod");
        page.says("Components and vulnerabilities").says("wherever they are");
    });
}

#[test]
fn a_release_that_brings_its_bill_needs_no_check_that_reads_it() {
    let world = World::new("prod: root, tier production");
    world.live(async |life| {
        life.prepare().await;
        for (version, bill) in [("7.0.0", FIRST), ("7.1.0", SECOND)] {
            let digest = world.evidence.keep(bill.as_bytes()).unwrap();
            let size = bill.len() as u64;
            let brought = Brought { digest, size, source: "sbom.json".to_owned() };
            let words = ReleaseWords { content: version.to_owned(), ..ReleaseWords::default() };
            let app = Name::new("app").unwrap();
            let mut release = declared::release(&app, version, &words, Timestamp(0)).unwrap();
            release.evidence.insert(Name::new("sbom").unwrap(), brought);
            let by = Person::new("anna").unwrap();
            let order = Order::CreateRelease(Box::new(NewRelease { release, by }));
            life.engine.order_project(order).await.unwrap();
        }
        let browser = Browser::of(&life.engine, "anna");
        browser.get("/releases/app/7.0.0").await.says("2 components").says("1 known weakness");
        let page = browser.get("/compare?service=app&from=7.0.0&to=7.1.0").await;
        page.says("CVE-2026-1").says("log4j-core").says("2.17.1");
        let none = browser.get("/compare?service=app&from=1.0.0&to=7.1.0").await;
        none.says("Nothing is known of the materials of 1.0.0").says("--evidence sbom=FILE");
    });
}

#[test]
fn two_environments_stand_side_by_side_in_the_tables_of_the_team() {
    let world = World::new(
        "dev: root, setting LOG_LEVEL debug, instances 1\nprod: after dev, setting LOG_LEVEL warn, setting API_TOKEN hunter2, instances 3",
    )
    .changed_by(|matrix| {
        matrix.environments[0].declared.insert("costs".to_owned(), json!({ "budget": "$20/month" }));
    });
    world.live(async |life| {
        life.prepare().await;
        let browser = Browser::of(&life.engine, "anna");
        let page = browser.get("/compare?service=app&left=dev&right=prod").await;
        page.says("As the matrix has both").says("LOG_LEVEL").says("debug").says("warn");
        page.says("Instances").says("$20").says_not("hunter2");
        let choose = browser.get("/compare").await;
        choose
            .says("name=\"from\"")
            .says("name=\"left\"")
            .says("selected>2.0.0")
            .says("selected>3.0.0");
    });
}
