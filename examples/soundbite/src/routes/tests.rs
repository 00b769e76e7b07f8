//! Requests through the real router, without a network. How the process starts and ends is
//! tested from outside, in tests/process.rs.

use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::*;
use crate::config::tests::config;

fn service(pairs: &[(&str, &str)]) -> Router {
    router(App::new(config(pairs).unwrap(), 7))
}

async fn call(service: &Router, request: Request) -> (StatusCode, HeaderMap, Vec<u8>) {
    let response = service.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    (head.status, head.headers, body.collect().await.unwrap().to_bytes().to_vec())
}

async fn get_json(service: &Router, path: &str) -> (StatusCode, Value) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let (status, _, body) = call(service, request).await;
    (status, serde_json::from_slice(&body).unwrap())
}

fn order(kind: &str, body: impl Into<Body>) -> Request {
    Request::post("/v1/sounds").header(CONTENT_TYPE, kind).body(body.into()).unwrap()
}

#[tokio::test]
async fn text_goes_in_and_real_audio_comes_out() {
    let service = service(&[("AUDIO_BITRATE", "64"), ("RELEASE", "1.2.0")]);
    let json = order("application/json", r#"{"text":"hello"}"#);
    let (status, headers, body) = call(&service, json).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(headers["x-release"], "1.2.0");
    let job: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(job["status"], "accepted");
    assert_eq!(job["duration_ms"], 200);

    let audio = Request::get(job["audio_url"].as_str().unwrap()).body(Body::empty()).unwrap();
    let (status, headers, bytes) = call(&service, audio).await;
    assert_eq!((status, &headers["content-type"]), (StatusCode::OK, &"audio/wav".parse().unwrap()));
    assert!(bytes.starts_with(b"RIFF") && bytes.len() == 44 + 8 * 200);

    let (_, shown) = get_json(&service, headers_location(&job).as_str()).await;
    assert_eq!(shown["status"], "ready");
    let (_, listed) = get_json(&service, "/v1/sounds").await;
    assert_eq!(listed["sounds"][0]["id"], job["id"]);
}

fn headers_location(job: &Value) -> String {
    format!("/v1/sounds/{}", job["id"].as_str().unwrap())
}

#[tokio::test]
async fn plain_text_is_taken_too() {
    let (status, headers, _) = call(&service(&[]), order("text/plain", "hello")).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert!(headers["location"].to_str().unwrap().starts_with("/v1/sounds/"));
}

#[tokio::test]
async fn bad_bounded_and_unknown_input_is_refused_in_words() {
    let service = service(&[]);
    let too_long = "x".repeat(TEXT_CHARACTERS_MAX + 1);
    for (request, expected) in [
        (order("text/plain", " "), StatusCode::BAD_REQUEST),
        (order("text/plain", too_long), StatusCode::BAD_REQUEST),
        (order("application/json", r#"{"txt":"a"}"#), StatusCode::BAD_REQUEST),
        (order("text/plain", vec![0xff, 0xfe]), StatusCode::BAD_REQUEST),
        (order("text/plain", "x".repeat(BODY_BYTES_MAX + 1)), StatusCode::PAYLOAD_TOO_LARGE),
        (Request::get("/v1/sounds/none").body(Body::empty()).unwrap(), StatusCode::NOT_FOUND),
        (Request::get("/elsewhere").body(Body::empty()).unwrap(), StatusCode::NOT_FOUND),
    ] {
        let name = format!("{request:?}");
        let (status, _, body) = call(&service, request).await;
        assert_eq!(status, expected, "{name}");
        assert!(!body.is_empty(), "{name}");
    }
}

#[tokio::test]
async fn operators_see_release_settings_faults_and_counts() {
    let service = service(&[
        ("RELEASE", "1.3.0"),
        ("NODE_ENV", "production"),
        ("AUDIO_CACHE", "cluster"),
        ("FAIL_RATE", "1"),
    ]);
    assert_eq!(get_json(&service, "/v1/sounds").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(get_json(&service, "/health").await.1["release"], "1.3.0");
    assert_eq!(get_json(&service, "/ready").await.1["status"], "ready");
    assert_eq!(get_json(&service, "/aws").await.1["simulated"], true);
    let (_, status) = get_json(&service, "/status").await;
    assert_eq!(status["settings"]["AUDIO_CACHE"], "cluster");
    assert_eq!(status["faults"], "fails 100%");
    assert_eq!((&status["requests"], &status["errors"]), (&json!(4), &json!(1)));
    let request = Request::get("/metrics").body(Body::empty()).unwrap();
    let (_, headers, text) = call(&service, request).await;
    assert_eq!(headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("{class=\"sounds\",status=\"5xx\"} 1"), "{text}");
}

#[tokio::test]
async fn a_fifth_of_the_sounds_fails_and_no_operator_page_does() {
    let service = service(&[("FAIL_RATE", "0.2")]);
    let mut failed = Vec::new();
    for number in 1..=15 {
        assert_eq!(get_json(&service, "/health").await.0, StatusCode::OK);
        let (status, _) = get_json(&service, "/v1/sounds/welcome").await;
        if status == StatusCode::SERVICE_UNAVAILABLE {
            failed.push(number);
        }
    }
    assert_eq!(failed, [5, 10, 15]);
}

#[tokio::test(start_paused = true)]
async fn declared_latency_is_added_to_sounds_alone() {
    let service = service(&[("LATENCY_MS", "250")]);
    let start = Instant::now();
    get_json(&service, "/health").await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    get_json(&service, "/v1/sounds/welcome").await;
    assert!(start.elapsed() >= Duration::from_millis(250));
}

#[tokio::test(start_paused = true)]
async fn readiness_comes_after_loading_and_goes_with_stopping() {
    let app = App::new(config(&[("SLOW_LOAD_MS", "1000")]).unwrap(), 7);
    let service = router(app.clone());
    assert_eq!(get_json(&service, "/ready").await.0, StatusCode::SERVICE_UNAVAILABLE);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(get_json(&service, "/ready").await.0, StatusCode::OK);
    app.begin_stop();
    assert_eq!(get_json(&service, "/ready").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(get_json(&service, "/health").await.0, StatusCode::OK);
}

#[tokio::test]
async fn health_and_aws_fail_on_request() {
    let service = service(&[("HEALTH_FAIL", "1"), ("AWS_FAIL", "1")]);
    assert_eq!(get_json(&service, "/health").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(get_json(&service, "/aws").await.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn aws_may_fail_only_where_a_variable_has_a_value() {
    let fault = [("AWS_FAIL", "1"), ("AWS_FAIL_WHEN", "LOG_LEVEL=warn")];
    for (level, answer) in [("warn", StatusCode::SERVICE_UNAVAILABLE), ("info", StatusCode::OK)] {
        let service = service(&[&fault[..], &[("LOG_LEVEL", level)]].concat());
        assert_eq!(get_json(&service, "/aws").await.0, answer, "{level}");
    }
}
