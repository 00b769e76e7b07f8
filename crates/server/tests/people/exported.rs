//! The journal at its pages: looked through, under addresses that stay, and taken along whole, in both forms.

use axum::http::{StatusCode, header};
use towpath_audit::export::lines;
use towpath_audit::verify::verify;
use towpath_core::freezing::{Freeze, Scope, Thaw};
use towpath_core::ids::Name;
use towpath_core::units::{Span, Timestamp};
use towpath_engine::Order;

use crate::browser::{Door, person};
use crate::world::As;

const WORDS: &str = "people: lead lead; ada developer\nstaging: root\nprod: after staging";

/// `lead` freezes and thaws `environment` so often.
async fn frozen(door: &Door, environment: &str, often: usize) {
    let scope = || Scope { environment: Some(Name::new(environment).unwrap()), service: None };
    for turn in 0..often {
        let freeze = Freeze {
            scope: scope(),
            by: person("lead"),
            reason: format!("=HYPERLINK(\"http://evil.example\") turn-{turn}-of-many"),
            until: None,
            except: Vec::new(),
            since: Timestamp(0),
        };
        door.world.engine.order_project(Order::Freeze(freeze)).await.unwrap();
        let thaw = Thaw { scope: scope(), by: person("lead"), reason: None, signed: None };
        door.world.engine.order_project(Order::Thaw(thaw)).await.unwrap();
    }
}

#[tokio::test]
async fn an_export_is_the_whole_journal_in_both_forms_and_proves_itself() {
    let door = Door::new(WORDS, |matrix| {
        let lane = matrix.environments[0].lanes.values_mut().next().unwrap();
        lane.settings.insert("DB_PASSWORD".to_owned(), "hunter2-and-more".to_owned());
    })
    .await;
    door.has_password("ada").await;
    // More than any page lists, and than are read at once.
    frozen(&door, "prod", 520).await;
    let mut ada = door.signed_in("ada").await;
    let last = door.world.engine.last_event().await.unwrap();
    assert!(last > 1000, "{last}");
    for (format, kind) in [("jsonl", "application/x-ndjson"), ("csv", "text/csv")] {
        let seen = ada.get(&format!("/audit/export?format={format}")).await;
        assert_eq!(seen.status, StatusCode::OK, "{}", seen.text);
        let head = |name| seen.headers.get(name).unwrap().to_str().unwrap();
        assert!(head(header::CONTENT_TYPE).starts_with(kind));
        let name = format!("filename=\"{}-journal.{format}\"", door.world.matrix.project);
        assert!(head(header::CONTENT_DISPOSITION).ends_with(&name));
        assert!(!seen.text.contains("hunter2"), "a secret of the matrix");
        let read = lines(&seen.text);
        let report = verify(&read, 1, &[], &[]);
        assert_eq!((report.events, &report.findings), (last, &Vec::new()));
        assert!(!report.withheld.is_empty(), "the matrix holds a secret, and its body is withheld");
    }
    let part = ada.get("/audit/export?format=csv&kind=frozen&environment=prod").await;
    assert_eq!(part.text.lines().count(), 521, "a line of names, and what was looked for");
    let wrong = ada.get("/audit/export?format=xml").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let mut nobody = door.browser();
    let refused = nobody.get("/audit/export?format=csv").await;
    assert_eq!(refused.status, StatusCode::SEE_OTHER, "whoever is nobody is led to the door");
}

#[tokio::test]
async fn the_journal_is_looked_through_by_kind_person_place_time_and_words() {
    let door = Door::new(WORDS, |_| {}).await;
    door.has_password("ada").await;
    frozen(&door, "prod", 20).await;
    door.world.pass(Span::hours(48));
    frozen(&door, "staging", 1).await;
    let mut ada = door.signed_in("ada").await;
    let count = |text: &str| text.matches("<details id=\"event-").count();
    for (query, expected) in [
        ("kind=frozen&environment=prod", 20),
        ("kind=frozen&who=LEAD", 21),
        ("kind=thawed&environment=staging", 1),
        ("kind=frozen&since=2027-01-16", 1),
        ("kind=frozen&until=2027-01-15", 20),
        ("kind=frozen&until=2027-01-14", 0),
        ("q=hyperlink+turn-17-of", 1),
        ("who=nobody-of-the-kind", 0),
        ("promotion=7", 0),
    ] {
        let seen = ada.get(&format!("/audit?{query}")).await;
        assert_eq!(seen.status, StatusCode::OK, "{query}");
        assert_eq!(count(&seen.text), expected, "{query}");
    }
    // Page by page everything is seen once.
    let (mut path, mut seen) = ("/audit?kind=".to_owned(), Vec::new());
    for _ in 0..10 {
        let page = ada.get(&path).await.text;
        seen.extend(
            page.split("<details id=\"event-")
                .skip(1)
                .map(|part| part.split('"').next().unwrap().parse::<u64>().unwrap()),
        );
        let Some(next) =
            page.split("rel=\"next\"").next().filter(|_| page.contains("rel=\"next\""))
        else {
            break;
        };
        path =
            next.rsplit("href=\"").next().unwrap().split('"').next().unwrap().replace("&amp;", "&");
    }
    let last = door.world.engine.last_event().await.unwrap();
    seen.sort_unstable();
    assert_eq!(seen, (1..=last).collect::<Vec<_>>());
    for wrong in ["promotion=x", "since=yesterday", "until=%3Cscript%3E"] {
        let seen = ada.get(&format!("/audit?{wrong}")).await;
        assert_eq!(seen.status, StatusCode::BAD_REQUEST, "{wrong}");
        assert!(!seen.text.contains("<script>alert"), "{wrong}");
    }
}

#[tokio::test]
async fn an_event_has_an_address_that_stays_and_leads_to_its_neighbours() {
    let door = Door::new(WORDS, |matrix| {
        let lane = matrix.environments[0].lanes.values_mut().next().unwrap();
        lane.settings.insert("DB_PASSWORD".to_owned(), "hunter2-and-more".to_owned());
    })
    .await;
    door.has_password("ada").await;
    let mut ada = door.signed_in("ada").await;
    let first = ada.get("/audit/1").await.text;
    assert!(
        first.contains("the beginning of the chain") && !first.contains("rel=\"prev\""),
        "{first}"
    );
    let rows = door.world.engine.events(0, 100).await.unwrap();
    let applied = rows.iter().find(|row| row.kind == "matrix-applied").unwrap();
    let page = ada.get(&format!("/audit/{}", applied.seq)).await.text;
    assert!(page.contains("matrix-applied") && page.contains("********"), "{page}");
    assert!(!page.contains("hunter2") && page.contains(applied.hash.as_str()), "{page}");
    assert!(page.contains("rel=\"prev\"") && page.contains("rel=\"next\""));
    for lost in ["/audit/0", "/audit/999999", "/audit/18446744073709551615"] {
        assert_eq!(ada.get(lost).await.status, StatusCode::NOT_FOUND, "{lost}");
    }
    let verified = ada.get("/audit?verify=yes").await.text;
    assert!(verified.contains("The chain holds: all"), "{verified}");
}

#[tokio::test]
async fn the_api_exports_the_very_lines_of_the_pages_from_any_event_on() {
    let door = Door::new(WORDS, |matrix| {
        let lane = matrix.environments[0].lanes.values_mut().next().unwrap();
        lane.settings.insert("DB_PASSWORD".to_owned(), "hunter2-and-more".to_owned());
    })
    .await;
    door.has_password("ada").await;
    // More than are read at once.
    frozen(&door, "prod", 260).await;
    let mut ada = door.signed_in("ada").await;
    let page = ada.get("/audit/export?format=jsonl").await.text;
    let ask = async |query: &str| {
        door.world.get(&As::Person("lead"), &format!("/v1/audit/export{query}")).await
    };
    let whole = ask("").await;
    assert!(whole.text == page, "{} and {} bytes", whole.text.len(), page.len());
    assert!(whole.text.lines().count() > 520 && !whole.text.contains("hunter2"));
    let part: String = page.split_inclusive('\n').skip(510).collect();
    assert!(ask("?after=510").await.text == part);
    assert_eq!(ask("?after=99999").await.text, "");
    for wrong in ["?after=x", "?from=1", "?after=1&after=2"] {
        assert_eq!(ask(wrong).await.code(), "bad-query", "{wrong}");
    }
}
