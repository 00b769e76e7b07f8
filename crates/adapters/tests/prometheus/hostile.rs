//! Servers that misbehave: each leaves the source blind, in time and in bounded memory. Needs no
//! Prometheus.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// At `%`, the figure is that moment as well, so that it also answers when it was sampled.
const GOOD: &str = r#"{"status":"success","data":{"resultType":"scalar","result":[%,"%"]}}"#;

/// What a server does with every request.
#[derive(Clone)]
enum Does {
    Answers(String),
    /// The same bytes for ever.
    Floods(&'static str),
    Hangs,
    Closes,
}

/// A server, and the requests that it got.
async fn server(does: Does) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let got = Arc::<Mutex<Vec<String>>>::default();
    let heard = Arc::clone(&got);
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let (does, heard) = (does.clone(), Arc::clone(&heard));
            tokio::spawn(async move {
                let mut request = vec![0; 8192];
                let length = connection.read(&mut request).await.unwrap_or(0);
                heard
                    .lock()
                    .unwrap()
                    .push(String::from_utf8_lossy(&request[..length]).into_owned());
                match does {
                    Does::Answers(answer) => drop(connection.write_all(answer.as_bytes()).await),
                    Does::Floods(bytes) => {
                        while connection.write_all(bytes.as_bytes()).await.is_ok() {}
                    }
                    Does::Hangs => std::future::pending().await,
                    Does::Closes => {}
                }
            });
        }
    });
    (address, got)
}

fn page(status: u16, more: &str, body: &str) -> Does {
    let length = body.len();
    Does::Answers(format!(
        "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n{more}\r\n{body}"
    ))
}

fn good() -> String {
    GOOD.replace('%', &(now().0 / 1_000_000).to_string())
}

/// Whether a gauge can be read of a server that does this.
async fn asked(does: Does, more: &serde_json::Value) -> Result<(), Blind> {
    let (address, _) = server(does).await;
    let folder = tempfile::tempdir().unwrap();
    let mut given = json!({ "url": format!("http://{address}"), "timeout": "300ms" });
    given.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    gauge(source(&given, folder.path()).as_ref(), "up").await.map(|_| ())
}

#[tokio::test]
async fn a_server_that_misbehaves_leaves_the_source_blind_within_its_time() {
    assert_eq!(asked(page(200, "", &good()), &json!({})).await, Ok(()));
    let (other, heard) = server(page(200, "", &good())).await;
    let away = format!("location: http://{other}/api/v1/query\r\n");
    let flood = "HTTP/1.1 200 OK\r\n\r\n";
    for (name, does) in [
        ("garbage", page(200, "", "<html>sign in</html>")),
        ("no HTTP", Does::Answers("SSH-2.0-OpenSSH_9.2\r\n".to_owned())),
        ("an endless head", Does::Floods("HTTP/1.1 200 OK\r\nx: y\r\n")),
        ("an endless body", Does::Floods(flood)),
        (
            "a body that breaks off",
            Does::Answers("HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{".to_owned()),
        ),
        ("a fault", page(500, "", "")),
        ("a fault in its language", page(503, "", r#"{"status":"error","error":"busy"}"#)),
        ("a redirect to another place", page(307, &away, "")),
        ("a redirect to itself", page(307, "location: /api/v1/query\r\n", "")),
        ("silence", Does::Hangs),
        ("no answer", Does::Closes),
    ] {
        let begun = Instant::now();
        let blind = asked(does, &json!({})).await;
        assert!(matches!(blind, Err(Blind::Unavailable(_))), "{name}: {blind:?}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{name}");
    }
    assert!(heard.lock().unwrap().is_empty(), "nobody else is asked");
}

#[tokio::test]
async fn a_clock_that_is_far_off_is_stale_or_refused_to_be_believed() {
    let at = |offset: i64| {
        page(200, "", &GOOD.replace('%', &(now().0 / 1_000_000 + offset).to_string()))
    };
    let limit = json!({ "stale_after": "60s" });
    assert_eq!(asked(at(-50), &limit).await, Ok(()));
    assert_eq!(asked(at(50), &limit).await, Ok(()));
    assert!(matches!(asked(at(-70), &limit).await, Err(Blind::Stale { .. })));
    assert!(matches!(asked(at(70), &limit).await, Err(Blind::Unavailable(_))));
}

#[tokio::test]
async fn the_token_is_read_for_each_question_and_said_nowhere() {
    let (address, heard) = server(page(403, "", "no")).await;
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    let given = json!({ "url": format!("http://{address}/prefix/"), "token_file": "token" });
    let source = source(&given, folder.path());
    let missing = gauge(source.as_ref(), "up").await.unwrap_err();
    assert!(matches!(missing, Blind::Unavailable(_)), "{missing:?}");
    for secret in ["first-secret", "second-secret"] {
        std::fs::write(&token, format!("{secret}\n")).unwrap();
        let refused = gauge(source.as_ref(), "a + b").await.unwrap_err();
        assert_eq!(refused, Blind::Refused("it answered 403".to_owned()));
        let request = heard.lock().unwrap().pop().unwrap();
        assert!(request.starts_with("POST /prefix/api/v1/query HTTP/1.1"), "{request}");
        assert!(request.contains(&format!("authorization: Bearer {secret}")), "{request}");
    }
    for unusable in ["", "two\nlines", &"x".repeat(9000)] {
        std::fs::write(&token, unusable).unwrap();
        let blind = gauge(source.as_ref(), "up").await.unwrap_err();
        let Blind::Unavailable(sentence) = blind else { panic!("{blind:?}") };
        assert!(!sentence.contains("two") && !sentence.contains("xxx"), "{sentence}");
    }
}

#[test]
fn what_cannot_be_asked_is_refused_when_the_matrix_is_checked() {
    let entry = metrics::KINDS.iter().find(|kind| kind.entry.name == "prometheus").unwrap().entry;
    let problems = |given: serde_json::Value| -> Vec<String> {
        let problems = settings::check(&entry, &given).err().unwrap_or_default();
        problems.into_iter().map(|problem| problem.path).collect()
    };
    for url in [
        "http://169.254.169.254",
        "http://anna:secret@prometheus:9090",
        "http://prometheus:9090/?query=up",
        "{green}/metrics",
    ] {
        assert_eq!(problems(json!({ "url": url })), ["url"], "{url}");
    }
    let given =
        json!({ "url": "http://p", "every": "0s", "stale_after": "0s", "requests": "sum(x)" });
    assert_eq!(problems(given), ["every", "stale_after", "requests", "failures"]);
}
