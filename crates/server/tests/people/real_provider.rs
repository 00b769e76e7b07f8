//! Signing in at a real provider: `oidc-provider` of npm, in a process of its own, which `.ci/run` installs. What its
//! own answers look like nobody here has written.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use axum::http::{StatusCode, header};
use reqwest::{Client, redirect};
use towpath_ports::clock::{Clock, SystemClock};
use towpath_server::signin::{Provider, ProviderSettings};

use crate::browser::{Browser, Door};
use crate::elsewhere::{WORDS, named, who};

/// The program, which ends with the test.
struct Running {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _it_may_have_ended = self.child.kill();
        let _it_may_have_ended = self.child.wait();
    }
}

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn tools() -> Option<PathBuf> {
    let folder = std::env::var_os("TOWPATH_REPORT_TOOLS").map(PathBuf::from);
    let found = folder.filter(|it| it.join("node_modules/oidc-provider/package.json").is_file());
    assert!(found.is_some() || std::env::var_os("CI").is_none(), "the provider is not installed");
    if found.is_none() {
        eprintln!("skipped: TOWPATH_REPORT_TOOLS names no folder with oidc-provider");
    }
    found
}

fn start(tools: &Path) -> (Running, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.ci/report-tools/provider.mjs");
    let mut command = Command::new("node");
    command.arg(script).arg(tools).arg("https://towpath.example/sign-in/oidc/back");
    let mut child =
        command.stdout(Stdio::piped()).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let said = BufReader::new(child.stdout.take().unwrap());
    let mut running = Running { child, said };
    let mut line = String::new();
    running.said.read_line(&mut line).unwrap();
    (running, line.trim().to_owned())
}

/// What a browser does at the provider until it is led back: it keeps cookies and follows.
async fn through(mut place: String, ours: &str, kept: &mut BTreeMap<String, String>) -> String {
    let client = Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap();
    for _ in 0..20 {
        if place.starts_with(ours) {
            return place;
        }
        let cookies: Vec<String> =
            kept.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = client.get(&place).header(header::COOKIE, cookies.join("; "));
        let answer = request.send().await.unwrap();
        for set in answer.headers().get_all(header::SET_COOKIE) {
            let pair = set.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            kept.insert(name.to_owned(), value.to_owned());
        }
        let to = answer.headers().get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned());
        let url = answer.url().clone();
        let status = answer.status();
        let Some(to) = to else { panic!("{place} {status}: {}", answer.text().await.unwrap()) };
        place = url.join(&to).unwrap().to_string();
    }
    panic!("it leads round in circles: {place}");
}

async fn there_and_back(
    browser: &mut Browser,
    place: &str,
    kept: &mut BTreeMap<String, String>,
) -> String {
    let page = browser.get(place).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{page:?}");
    let ours = "https://towpath.example";
    let back = through(page.to().to_owned(), ours, kept).await;
    back.strip_prefix(ours).unwrap().to_owned()
}

#[tokio::test]
#[ignore = "heavy"]
async fn a_real_provider_signs_somebody_in_and_asks_anew_for_a_second_factor() {
    let Some(tools) = tools() else { return };
    let (_running, issuer) = start(&tools);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "hush of the provider, forty letters long").unwrap();
    let settings = ProviderSettings {
        issuer: issuer.clone(),
        client_id: "towpath".to_owned(),
        client_secret_file: Some(file),
        name: "Example".to_owned(),
        scopes: vec!["email".to_owned(), "groups".to_owned()],
        person_claim: None,
        groups_claim: "groups".to_owned(),
        groups: vec!["towpath".to_owned()],
        second_acr: Vec::new(),
        second_amr: vec!["mfa".to_owned()],
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let provider = Provider::new(settings, Arc::clone(&clock)).unwrap();
    // Its tokens are of the machine's own time.
    let door = Door::of_now(WORDS, named, provider, clock).await;
    let (mut browser, mut kept) = (door.browser(), BTreeMap::new());
    let back = there_and_back(&mut browser, "/sign-in/oidc?to=%2Fwaiting", &mut kept).await;
    let page = browser.get(&back).await;
    assert_eq!((page.status, page.to()), (StatusCode::SEE_OTHER, "/waiting"), "{page:?}");
    assert_eq!(who(&mut browser).await.as_deref(), Some("ada"));
    // The same answer, and one for the code that was taken already.
    assert_eq!(browser.get(&back).await.status, StatusCode::FORBIDDEN);
    let session = browser.cookie.clone().unwrap();
    let back =
        there_and_back(&mut browser, "/sign-in/oidc?for=second&to=%2Fwaiting", &mut kept).await;
    let page = browser.get(&back).await;
    assert_eq!((page.status, page.to()), (StatusCode::SEE_OTHER, "/waiting"), "{page:?}");
    assert_ne!(browser.cookie.clone().unwrap(), session, "the cookie is another");
    assert_eq!(who(&mut browser).await.as_deref(), Some("ada"));
    let page = browser.post("/sign-out", &[]).await;
    assert_eq!(page.to(), "/sign-out/done");
    let page = browser.get("/sign-out/done").await;
    assert!(page.text.contains(&format!("{issuer}/session/end")), "{}", page.text);
    assert_eq!(who(&mut browser).await, None);
}
