//! The API as it describes itself: the document, and what is answered to requests that cannot be read.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use towpath_server::openapi::document;
use towpath_server::route::{Effect, Rule};
use towpath_server::routes::routes;

use crate::words::world;
use crate::world::{As, place};

#[tokio::test]
async fn the_description_is_public_and_nothing_else_is() {
    let world = world().await;
    for route in routes().into_iter().filter(|route| route.method == Method::GET) {
        let request = Request::get(place(route.path)).body(Body::empty()).unwrap();
        let (parts, body) = world.send(request).await;
        let is_public = route.rule == Rule::Public;
        assert_eq!(parts.status == StatusCode::OK, is_public, "{} {}", route.path, parts.status);
        if route.path == "/openapi.json" {
            assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), document());
        } else {
            assert!(!is_public, "{} is open to everybody", route.path);
        }
    }
}

#[test]
fn every_operation_is_described_and_every_reference_leads_somewhere() {
    let document = document();
    let (mut ids, mut count) = (BTreeSet::new(), 0);
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            count += 1;
            assert!(ids.insert(operation["operationId"].to_string()), "{path} {method}");
            let answers = operation["responses"].as_object().unwrap();
            assert!(answers.keys().any(|status| status.starts_with('2')), "{path} {method}");
            assert!(answers.contains_key("401"), "{path} {method}");
            assert!(operation["x-towpath-rule"].is_string(), "{path} {method}");
        }
    }
    assert_eq!(count, routes().len());
    let mut open = vec![&document];
    let mut followed = 0;
    while let Some(value) = open.pop() {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(reference)) = fields.get("$ref") {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{reference}");
                    followed += 1;
                }
                open.extend(fields.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    assert!(followed > 100, "{followed}");
}

/// What it is, its headers, its body, the status and the code of the answer.
type Unreadable = (&'static str, Vec<(&'static str, &'static str)>, Vec<u8>, u16, &'static str);

/// What a route cannot read.
fn unreadable() -> Vec<Unreadable> {
    let json = || vec![("content-type", "application/json")];
    let packed = || vec![("content-type", "application/json"), ("content-encoding", "gzip")];
    let deep = [b"[".repeat(10_000), b"]".repeat(10_000)].concat();
    let wide = [b"[".to_vec(), b"1,".repeat(999_999), b"1]".to_vec()].concat();
    vec![
        ("nothing", json(), Vec::new(), 400, "bad-body"),
        ("half", json(), b"{\"by\":".to_vec(), 400, "bad-body"),
        ("null", json(), b"null".to_vec(), 400, "bad-body"),
        ("a number", json(), b"1e999999".to_vec(), 400, "bad-body"),
        ("a list", json(), b"[[]]".to_vec(), 400, "bad-body"),
        ("depth", json(), deep.clone(), 400, "bad-body"),
        (
            "depth in a field",
            json(),
            [b"{\"by\":".to_vec(), deep, b"}".to_vec()].concat(),
            400,
            "bad-body",
        ),
        ("width", json(), wide, 400, "bad-body"),
        ("wrong types", json(), b"{\"by\":[null]}".to_vec(), 400, "bad-body"),
        ("no text", json(), vec![b'"', 0xff, 0xfe, b'"'], 400, "bad-body"),
        ("an unknown field", json(), b"{\"no_such_field_at_all\":1}".to_vec(), 400, "bad-body"),
        ("too much", json(), vec![b' '; (8 << 20) + 1], 413, "too-large"),
        ("no type", Vec::new(), b"{}".to_vec(), 415, "not-json"),
        (
            "a form",
            vec![("content-type", "application/x-www-form-urlencoded")],
            b"by=ada".to_vec(),
            415,
            "not-json",
        ),
        ("packed", packed(), vec![0x1f, 0x8b, 8, 0], 415, "not-json"),
    ]
}

/// F32, and T18: whatever is sent, the answer is a problem that says what is wrong, and nothing is written.
#[tokio::test]
async fn f32_no_body_that_cannot_be_read_does_anything() {
    let world = world().await;
    let before = world.kinds().await;
    // Those that take any document, and those that read none.
    let any = ["sign_account", "sign_checkpoint"];
    let document = document();
    let takes = |path: &str| {
        let body = &document["paths"][path]["post"]["requestBody"];
        body["content"]["application/json"].is_object()
    };
    let mut asked = 0;
    for route in routes().into_iter().filter(|route| takes(route.path)) {
        for (what, headers, body, status, code) in unreadable() {
            let is_any = any.contains(&route.id);
            if route.effect == Effect::Looks || (is_any && status == 400) {
                continue;
            }
            let mut request = Request::post(place(route.path)).header("towpath-acting-as", "lead");
            // The same each time: what cannot be read takes no key.
            request = request.header("idempotency-key", "k");
            for (name, value) in &headers {
                request = request.header(*name, *value);
            }
            let (parts, said) = world.send(request.body(Body::from(body)).unwrap()).await;
            let problem: Value = serde_json::from_slice(&said).unwrap_or_default();
            let found = (parts.status.as_u16(), problem["code"].as_str().unwrap_or_default());
            assert_eq!(found, (status, code), "{} {what}: {problem}", route.path);
            assert_eq!(parts.headers["content-type"], "application/problem+json");
            assert_eq!(parts.headers["x-request-id"], problem["request_id"].as_str().unwrap());
            assert_eq!(problem["errors"].as_array().unwrap().len(), usize::from(status == 400));
            asked += 1;
        }
    }
    assert!(asked > 350, "{asked}");
    assert_eq!(world.kinds().await, before, "something was written");
}

#[tokio::test]
async fn a_problem_points_at_what_is_wrong() {
    let world = world().await;
    let lead = As::Person("lead");
    let path = "/v1/freezes";
    let body = json!({ "by": "lead", "reason": "x", "except": ["hotfix", "chore"] });
    let answer = world.post(&lead, path, &body).await;
    assert_eq!(answer.body["errors"][0]["pointer"], "/except/1", "{answer:?}");
    assert!(answer.body["detail"].as_str().unwrap().contains("unknown variant `chore`"));
    let answer = world.get(&lead, "/v1/promotions?limit=many").await;
    assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "bad-query"));
    assert_eq!(answer.body["errors"][0]["parameter"], "limit", "{answer:?}");
    for path in ["/v1/promotions?limits=5", "/v1/promotions?limit=1&limit=2"] {
        let answer = world.get(&lead, path).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::BAD_REQUEST, "bad-query"),
            "{path}"
        );
    }
    let answer = world.get(&lead, "/v1/promotions/seven").await;
    assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "bad-path"));
    let answer = world.ask(&lead, Method::DELETE, "/v1/freezes", &Value::Null).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (405, "no-such-method"));
    let answer = world.get(&lead, "/elsewhere").await;
    assert_eq!((answer.status.as_u16(), answer.code()), (404, "not-found"));
}

#[tokio::test]
async fn what_may_not_be_repeated_is_refused_when_it_is() {
    let world = world().await;
    let lead = As::Person("lead");
    let digest = format!("sha256:{}", "0".repeat(64));
    for (path, body, pointer) in [
        ("/v1/tokens", json!({ "name": "a", "may": ["promote", "promote"] }), "/may"),
        (
            "/v1/tokens",
            json!({ "name": "a", "environments": ["staging", "production", "staging"] }),
            "/environments",
        ),
        ("/v1/uploads/missing", json!({ "by": "lead", "digests": [digest, digest] }), "/digests"),
    ] {
        let answer = world.post(&lead, path, &body).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, "bad-body"), "{answer:?}");
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{answer:?}");
        let name = &document()["paths"][path.strip_prefix("/v1").unwrap()]["post"]["requestBody"];
        let name = name["content"]["application/json"]["schema"]["$ref"].as_str().unwrap();
        let form = document().pointer(name.strip_prefix('#').unwrap()).cloned().unwrap();
        let field = &form["properties"][pointer.strip_prefix('/').unwrap()];
        assert_eq!(field["uniqueItems"], true, "{field}");
    }
}
