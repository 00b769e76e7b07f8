//! Simulations from an address: found or not, where and how soon; what is refused; and the same answer for the same address.

use axum::http::StatusCode;

use crate::look::Browser;
use crate::world::World;

/// A service that is quiet, so that a test draws few requests.
const LANE: &str = "lane=app/prod&rate=5&errors=1&seed=7&runs=20";

#[test]
fn a_fault_is_found_and_the_page_says_how_soon_where_and_at_what_cost() {
    let world = World::new("dev: root\nprod: after dev, steps 10%/2m 50%/2m 100%/2m");
    world.live(async |life| {
        life.prepare().await;
        let anna = Browser::of(&life.engine, "anna");
        let empty = anna.get("/simulate").await;
        empty.says("Describe a fault").says("app/prod").says_not("It is found in");
        let all = anna.get(&format!("/simulate?{LANE}&fail=100")).await;
        all.says("<b>20 of 20 rollouts</b>").says("Time to rollback").says("Requests harmed");
        all.says("The same as a table")
            .says("role=\"img\"")
            .says_not(" style=")
            .says_not("onclick");
        let again = anna.get(&format!("/simulate?{LANE}&fail=100")).await;
        let told = |seen: &crate::look::Seen| seen.text.split("<main").nth(1).unwrap().to_owned();
        assert_eq!(told(&all), told(&again), "the same address gives the same answer");
        let late = anna.get(&format!("/simulate?{LANE}&fail=100&from=3")).await;
        let text = late.readable();
        assert!(text.contains("Found at 10% 50% 100% Rollouts 0 0 20"), "{text}");
        let none = anna.get(&format!("/simulate?{LANE}&fail=1")).await;
        none.says("is promoted (").says("Went back").says("in vain");
    });
}

#[test]
fn what_cannot_be_simulated_says_why_and_what_helps() {
    let world = World::new("dev: root\nprod: after dev, steps 10%/2m 100%/2m");
    world.live(async |life| {
        life.prepare().await;
        let anna = Browser::of(&life.engine, "anna");
        for (query, said) in [
            ("lane=app/nowhere", "There is no such lane"),
            ("lane=app/prod&rate=-1", "query: rate"),
            ("lane=app/prod&rate=NaN", "query: rate"),
            ("lane=app/prod&rate=1e300", "query: rate"),
            ("lane=app/prod&errors=5&fail=1", "has no fault"),
            ("lane=app/prod&fail=101", "query: fail"),
            ("lane=app/prod&from=9", "The rollout has 2 steps"),
            ("lane=app/prod&from=0", "query: from"),
            ("lane=app/prod&runs=5", "query: runs"),
            ("lane=app/prod&runs=1000000", "query: runs"),
            ("lane=app/prod&seed=x", "query: seed"),
            ("lane=app/prod&slower=0.5", "query: slower"),
            ("lane=app/prod&rate=100000&errors=50&slower=2", "That is too much to simulate here"),
            ("lane=%3Cscript%3Ealert(1)%3C/script%3E", "There is no such lane"),
        ] {
            let seen = anna.get(&format!("/simulate?{query}")).await;
            assert_eq!(seen.status, StatusCode::OK, "{query}");
            assert!(seen.text.contains("role=\"alert\""), "{query}: {}", seen.readable());
            assert!(seen.readable().contains(said), "{query}: {}", seen.readable());
            seen.says_not("<script>alert");
        }
    });
}

#[test]
fn where_nothing_can_be_simulated_the_page_says_what_a_rollout_needs() {
    let world = World::new("prod: root");
    world.live(async |life| {
        let page = Browser::of(&life.engine, "anna").get("/simulate").await;
        page.says("A rollout can be simulated where").says("strategy: canary");
    });
}
