//! What environments promise, looked at for as long as something serves: what people are shown of it, and
//! that a budget is told of once when it is spent and once when some of it is left again.

use std::collections::BTreeMap;
use std::time::Duration;

use towpath_core::ids::Name;
use towpath_core::matrix::{AdapterSpec, CheckSpec, Matrix};
use towpath_core::notices::{Channel, Occasion};
use towpath_core::units::{Span, Weight};

use crate::fakes::Answer;
use crate::world::{Life, World, prod};

const TITLE: &str = "Error budget";

fn promising(matrix: &mut Matrix) {
    let name = |text: &str| Name::new(text).unwrap();
    let adapter =
        |kind: &str| AdapterSpec { kind: kind.to_owned(), settings: serde_json::json!({}) };
    let channel = Channel { adapter: adapter("fake"), secrets: BTreeMap::new(), missing: None };
    matrix.notifiers = BTreeMap::from([(name("ops"), channel)]);
    for environment in &mut matrix.environments {
        environment.notify.on = BTreeMap::from([(Occasion::ErrorBudget, vec![name("ops")])]);
        environment.promises = vec![CheckSpec {
            slug: "error-budget".to_owned(),
            title: TITLE.to_owned(),
            check: adapter("error_budget"),
            timeout: Span::seconds(30),
            at: Weight::ZERO,
        }];
    }
}

fn changes(rows: &[towpath_ports::store::EventRow]) -> Vec<bool> {
    let own = rows.iter().filter(|row| row.kind == "budget-changed");
    own.map(|row| row.body["spent"].as_bool().unwrap()).collect()
}

async fn told(life: &Life<'_>) -> Vec<bool> {
    changes(&life.engine.events(0, 1000).await.unwrap())
}

#[test]
fn a_budget_is_told_of_once_when_it_is_spent_and_once_when_some_of_it_is_left() {
    let world = World::new("prod: root, steps 100%/2s").changed_by(promising);
    world.live(async |life| {
        life.begin().await;
        tokio::time::sleep(Duration::from_mins(12)).await;
        assert!(told(life).await.is_empty(), "as it should be is no news");
        world.checks.answers(TITLE, Answer::Fail);
        tokio::time::sleep(Duration::from_mins(30)).await;
        assert_eq!(told(life).await, [true]);
        assert_eq!(life.lane().budget_spent.unwrap().reason, "not as it should be");
        let view = life.engine.lane(&prod()).unwrap();
        assert_eq!(
            (view.promises[0].title.as_str(), view.promises[0].state.as_str()),
            (TITLE, "fail")
        );
        world.checks.answers(TITLE, Answer::Hangs);
        tokio::time::sleep(Duration::from_mins(30)).await;
        assert_eq!(told(life).await, [true], "what cannot be told is no news");
        assert_eq!(life.engine.lane(&prod()).unwrap().promises[0].state, "inconclusive");
    });
    world.live(async |life| {
        tokio::time::sleep(Duration::from_mins(30)).await;
        assert_eq!(told(life).await, [true], "the next engine knows that it was told");
        world.checks.answers(TITLE, Answer::Pass);
        life.engine.probe_now(&prod()).await.unwrap();
        life.until("it is told", |lane| lane.budget_spent.is_none()).await;
        assert_eq!(told(life).await, [true, false]);
        tokio::time::sleep(Duration::from_mins(2)).await;
    });
    let subject = "[project] the error budget of prod";
    assert_eq!(world.notifiers.subjects("ops"), [subject, subject]);
}
