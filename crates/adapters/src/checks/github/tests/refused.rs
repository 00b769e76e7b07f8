//! Pages, limits, errors and masses.

use std::time::Duration;

use super::hub::refusal;
use super::*;
use towpath_core::units::Span;

fn one() -> Value {
    json!({ "reviews": 1 })
}

#[tokio::test]
async fn all_pages_of_a_list_are_read() {
    let hub = Hub::new().await;
    let page = |number: u64, review: Value| {
        let next = format!(
            "<{}/repos/octo/api/pulls/7/reviews?page={}>; rel=\"next\"",
            hub.url(),
            number + 1
        );
        let link = if number < 3 { next } else { "<http://x/>; rel=\"first\"".to_owned() };
        let path = match number {
            1 => "pulls/7/reviews".to_owned(),
            _ => format!("pulls/7/reviews?page={number}"),
        };
        hub.answers(&path, 200, &[("link", &link)], &json!([review]).to_string());
    };
    page(1, review("ada", "APPROVED"));
    page(2, review("bilal", "APPROVED"));
    page(3, review("ada", "CHANGES_REQUESTED"));
    says(&ask(&hub, HEAD, one()).await, Fail, "ada asks for changes in #7");
}

#[tokio::test]
async fn pages_without_an_end_and_pages_elsewhere_are_no_answer() {
    let hub = Hub::new().await;
    let link = format!("<{}/repos/octo/api/pulls/7/reviews>; rel=\"next\"", hub.url());
    hub.answers("pulls/7/reviews", 200, &[("link", &link)], "[]");
    begins(&ask(&hub, HEAD, one()).await, Inconclusive, "has more than 30 pages");
    let other = Hub::new().await;
    let link = format!("<{}/repos/octo/api/pulls/7/reviews>; rel=\"next\"", other.url());
    hub.answers("pulls/7/reviews", 200, &[("link", &link)], "[]");
    begins(&ask(&hub, HEAD, one()).await, Inconclusive, "goes on at another server");
    let there = format!("{}/elsewhere", other.url());
    hub.answers("pulls/7/reviews", 302, &[("location", &there)], "");
    begins(&ask(&hub, HEAD, one()).await, Inconclusive, "redirects to another place");
    assert_eq!(other.requests(), [""; 0]);
}

#[tokio::test]
async fn a_limit_of_requests_is_waited_for_and_not_asked_against() {
    let hub = Hub::new().await;
    let now = u64::try_from(NOW.0 / 1_000_000).unwrap();
    let reset = (now + 600).to_string();
    let limit = refusal("API rate limit exceeded for 192.0.2.1.");
    for (status, headers, seconds) in [
        (429, vec![("retry-after", "90")], 90),
        (403, vec![("retry-after", "7")], 7),
        (403, vec![("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset.as_str())], 601),
        (429, vec![("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1")], 1),
        (429, vec![], 60),
        (403, vec![], 60),
        (429, vec![("retry-after", "99999999999999999999")], 60),
        (429, vec![("retry-after", "18446744073709551615")], 48 * 3600),
    ] {
        hub.answers("pulls/7/reviews", status, &headers, &limit);
        let before = hub.requests().len();
        let answer =
            ask(&hub, HEAD, json!({ "reviews": 1, "signed": true, "checks": ["x"] })).await;
        assert_eq!(answer.result, Pending { ask_again_at: at(seconds) }, "{headers:?}: {answer:?}");
        begins(
            &answer,
            answer.result,
            "GitHub's limit of requests is reached (API rate limit exceeded",
        );
        begins(&answer, answer.result, "; with `token_file` it allows more");
        assert_eq!(hub.requests().len() - before, 3, "after the limit nothing more is asked");
    }
}

#[tokio::test]
async fn what_github_refuses_is_told_with_what_to_do() {
    let hub = Hub::new().await;
    let forbidden = refusal("Resource not accessible by personal access token");
    hub.answers("pulls/7/reviews", 403, &[], &forbidden);
    let said = "GitHub refuses to show the reviews (Resource not accessible by personal access token); \
                let `token_file` hold a token that may read it";
    says(&ask(&hub, HEAD, one()).await, Inconclusive, said);
    hub.answers("pulls/7/reviews", 401, &[], &refusal("Bad credentials"));
    let said =
        "GitHub does not accept the token (Bad credentials); put a valid one into `token_file`";
    says(&ask(&hub, HEAD, one()).await, Inconclusive, said);
    let path = format!("commits/{HEAD}/pulls");
    hub.answers(&path, 404, &[], &refusal("Not Found"));
    let said = "GitHub shows no repository (Not Found); correct `repository`, or let `token_file` hold \
                a token that may read it";
    says(&ask(&hub, HEAD, one()).await, Inconclusive, said);
    let unknown = format!("No commit found for SHA: {HEAD}");
    hub.answers(&path, 422, &[], &refusal(&unknown));
    let said = format!("GitHub does not have commit 1111111 ({unknown}); push it there");
    says(&ask(&hub, HEAD, one()).await, Inconclusive, &said);
}

#[tokio::test]
async fn a_server_that_fails_or_is_silent_proves_nothing() {
    let hub = Hub::new().await;
    for (status, body) in [
        (500, "{}"),
        (502, "<html>"),
        (503, ""),
        (200, "not json"),
        (200, "{}"),
        (200, "[{}]"),
        (200, ""),
        (200, "[{\"user\": null, \"state\": \"APPROVED\"}]"),
        (204, ""),
        (301, ""),
    ] {
        hub.answers("pulls/7/reviews", status, &[], body);
        let answer = ask(&hub, HEAD, one()).await;
        assert_eq!(answer.result, Inconclusive, "{status} {body}: {answer:?}");
    }
    hub.answers("pulls/7/reviews", 200, &[], &"[".repeat(100_000));
    assert_eq!(ask(&hub, HEAD, one()).await.result, Inconclusive);
    hub.answers("pulls/7/reviews", 200, &[], &format!("[{}]", " ".repeat(17 << 20)));
    begins(&ask(&hub, HEAD, one()).await, Inconclusive, "answers more than is read");

    hub.answers("pulls/7/reviews", 0, &[], "");
    let settings = json!({ "reviews": 1, "url": hub.url(), "repository": "octo/api" });
    let asked = check("github", &settings, &site(std::path::Path::new("/"), 1));
    let evidence = Evidence { commit: Some(HEAD.to_owned()), ..Evidence::default() };
    let mut request = request(&[], evidence);
    request.timeout = Span(300);
    let answer = tokio::time::timeout(Duration::from_secs(5), asked.ask(&request)).await.unwrap();
    begins(&answer, Inconclusive, "GitHub did not answer all questions within 300ms");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings = json!({ "reviews": 1, "url": format!("http://{closed}"), "repository": "o/r" });
    let asked = check("github", &settings, &site(std::path::Path::new("/"), 1));
    begins(&asked.ask(&request).await, Inconclusive, "did not answer: ");
}

#[tokio::test]
async fn what_a_stranger_wrote_is_safe_to_print() {
    let hub = Hub::new().await;
    let mut odd = review("ada", "APPROVED");
    odd["user"]["login"] = json!("a\u{1b}[2J\u{202e}b\nc");
    hub.gives("pulls/7/reviews", &json!([odd]));
    let answer = ask(&hub, HEAD, one()).await;
    says(&answer, Pass, "#7 has 1 approval (a\\u{1b}[2J\\u{202e}b)");
    hub.answers("pulls/7/reviews", 500, &[], &refusal(&"x\n\u{1b}".repeat(10_000)));
    let answer = ask(&hub, HEAD, one()).await;
    assert!(answer.sentence.len() < 400 && !answer.sentence.contains('\u{1b}'), "{answer:?}");
}

#[tokio::test]
async fn the_token_is_sent_with_every_request_and_shown_nowhere() {
    let hub = Hub::new().await;
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    let settings = json!({ "reviews": 1, "url": hub.url(), "repository": "octo/api",
        "token_file": "token" });
    let evidence = || Evidence { commit: Some(HEAD.to_owned()), ..Evidence::default() };
    let asked = check("github", &settings, &site(folder.path(), 1));
    let answer = asked.ask(&request(&[], evidence())).await;
    begins(&answer, Inconclusive, "token cannot be used: No such file");
    assert_eq!(hub.requests(), [""; 0], "who has a token to use does not ask without it");
    std::fs::write(&token, "ghp_0123456789\n").unwrap();
    hub.gives("pulls/7/reviews", &json!([review("ada", "APPROVED")]));
    let answer = asked.ask(&request(&[], evidence())).await;
    assert_eq!(answer.result, Pass, "{answer:?}");
    let requests = hub.requests();
    assert_eq!(requests.len(), 3);
    for request in requests {
        assert!(request.ends_with("authorization: Bearer ghp_0123456789"), "{request}");
    }
    hub.answers("pulls/7/reviews", 500, &[], &refusal("down"));
    let answer = asked.ask(&request(&[], evidence())).await;
    assert!(!format!("{answer:?}").contains("ghp_"), "{answer:?}");
}
