//! A server with several projects, as those see it who belong to one of them: of another they learn nothing, not
//! even whether it is there (trust.md, T19).

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderMap, Method, StatusCode, header};
use serde_json::json;
use towpath_core::ids::Name;
use towpath_core::matrix::Matrix;
use towpath_core::units::Span;
use towpath_ports::accounts::Accounts;
use towpath_ports::clock::Clock;
use towpath_server::routes::App;
use towpath_server::signin::{PublicUrl, Settings, SignIn, Workloads};
use towpath_server::site::Site;
use towpath_store::SqlAccounts;

use crate::browser::{Browser, HOST, PASSWORD, has_password};
use crate::world::{As, HandClock, World, place};

const SHOP: &str = "
    people: lead lead; ada developer; sam developer; bot ci builder
    staging: root, tier staging, steps 100%/1m";
const DESK: &str = "
    people: lead lead; ada developer
    staging: root, tier staging, steps 100%/1m";
const NAMELESS: &str = "staging: root, tier staging, steps 100%/1m";

/// Some projects behind one door.
struct Several {
    worlds: Vec<World>,
    accounts: Arc<SqlAccounts>,
    sign_in: SignIn,
    routes: Router,
}

impl Several {
    async fn new(projects: &[(&str, &str)], public: Option<PublicUrl>) -> Self {
        let mut worlds = Vec::new();
        for (name, words) in projects {
            let named = |matrix: &mut Matrix| matrix.project = Name::new(name).unwrap();
            worlds.push(World::new(words, named).await);
        }
        let place = worlds[0].folder.path().join("server.db");
        let accounts = Arc::new(SqlAccounts::open(&place.to_string_lossy()).await.unwrap());
        let kept: Arc<dyn Accounts> = Arc::<SqlAccounts>::clone(&accounts);
        let clock: Arc<dyn Clock> = Arc::<HandClock>::clone(&worlds[0].clock);
        let settings = Settings {
            address: format!("https://{HOST}"),
            public,
            provider: None,
            workloads: Workloads::default(),
        };
        let sign_in = SignIn::new(kept, clock, settings);
        for world in &mut worlds {
            sign_in.serves(&world.engine);
            world.app.sign_in = Some(sign_in.clone());
        }
        let apps: Vec<App> = worlds.iter().map(|world| world.app.clone()).collect();
        let routes = Site::new(apps, "0").routes();
        Self { worlds, accounts, sign_in, routes }
    }

    fn browser(&self) -> Browser {
        Browser::at(&self.routes)
    }

    async fn signed_in(&self, name: &str) -> Browser {
        has_password(&self.accounts, name, self.worlds[0].now()).await;
        let mut browser = self.browser();
        let page = browser.sign_in(name, PASSWORD).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{page:?}");
        browser
    }
}

/// What somebody can see of an answer to a request about `project`, but for its name.
async fn seen(
    browser: &mut Browser,
    method: &Method,
    path: &str,
    project: &str,
    headers: &[(&str, &str)],
) -> (StatusCode, HeaderMap, String) {
    let path = path.replace("PROJECT", project);
    let page = browser.send(method.clone(), &path, headers, "{}").await;
    let mut told = HeaderMap::new();
    for (name, value) in &page.headers {
        let value = value.to_str().unwrap().replace(project, "PROJECT");
        told.append(name.clone(), value.parse().unwrap());
    }
    (page.status, told, page.text.replace(project, "PROJECT"))
}

/// Every address of a project that the tables know, and some that they do not.
fn addresses(asset: &str) -> Vec<(Method, String)> {
    let api = towpath_server::routes::routes().into_iter().map(|route| {
        let path = place(route.path);
        (route.method, format!("/v1/projects/PROJECT{}", path.strip_prefix("/v1").unwrap()))
    });
    let pages = towpath_server::pages::routes().into_iter().map(|route| {
        let path = place(route.path).replace("{version}", "1.0.0").replace("{file}", "none.css");
        (route.method, format!("/projects/PROJECT{}", path.strip_prefix("/v1").unwrap()))
    });
    let mut all: Vec<(Method, String)> = api.chain(pages).collect();
    for path in ["", "/", "/nothing", "/lanes/app/staging/nothing", "/waiting?mine=1", asset] {
        all.push((Method::GET, format!("/projects/PROJECT{path}")));
        all.push((Method::GET, format!("/v1/projects/PROJECT{path}")));
    }
    for method in [Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS, Method::POST] {
        for path in ["/projects/PROJECT/waiting", "/v1/projects/PROJECT/status"] {
            all.push((method.clone(), path.to_owned()));
        }
        all.push((method.clone(), "/v1/projects/PROJECT/openapi.json".to_owned()));
        all.push((method, format!("/projects/PROJECT{asset}")));
    }
    all
}

/// Who asks, from which browser, with which headers.
type Caller<'a> = (&'static str, Browser, Vec<(&'a str, &'a str)>);

#[tokio::test]
async fn t19_a_foreign_project_and_none_are_answered_alike_at_every_address() {
    let several = Several::new(&[("shop", SHOP), ("desk", DESK)], None).await;
    let mut sam = several.signed_in("sam").await;
    let page = sam.get("/projects/shop").await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    let asset = page.text.split("/projects/shop/assets/").nth(1).unwrap();
    let asset = format!("/assets/{}", asset.split('"').next().unwrap());
    assert_eq!(sam.get(&format!("/projects/shop{asset}")).await.status, StatusCode::OK);

    let own = json!({ "name": "mine", "may": ["promote"], "for": 3_600_000 });
    let made = several.worlds[0].post(&As::Person("sam"), "/v1/tokens", &own).await;
    let token = format!("Bearer {}", made.body["token"].as_str().unwrap());
    let same = ("x-request-id", "the-same");
    let callers: [Caller<'_>; 5] = [
        ("nobody", several.browser(), vec![same]),
        ("garbage", several.browser(), vec![same, ("authorization", "Bearer x")]),
        ("token of another", several.browser(), vec![same, ("authorization", &token)]),
        ("session of another", sam.clone(), vec![same]),
        (
            "form of another",
            sam,
            vec![same, ("origin", "https://towpath.example"), ("sec-fetch-site", "same-origin")],
        ),
    ];
    for (who, mut browser, headers) in callers {
        for (method, path) in addresses(&asset) {
            let foreign = seen(&mut browser, &method, &path, "desk", &headers).await;
            let none = seen(&mut browser, &method, &path, "wxyz", &headers).await;
            assert_eq!(foreign, none, "{who}: {method} {path}");
            let is_open = path.ends_with("openapi.json") || path.contains("/assets/");
            assert!(is_open || foreign.0 != StatusCode::OK, "{who}: {method} {path}");
        }
    }
}

#[tokio::test]
async fn a_project_that_names_nobody_is_open_to_no_session_beside_others() {
    let several = Several::new(&[("shop", SHOP), ("desk", NAMELESS)], None).await;
    let mut ada = several.signed_in("ada").await;
    assert_eq!(ada.get("/projects/shop").await.status, StatusCode::OK);
    assert!(!ada.get("/").await.text.contains("desk"));
    for path in ["/projects/desk", "/projects/desk/waiting"] {
        assert_eq!(ada.get(path).await.status, StatusCode::SEE_OTHER, "{path}");
    }
    for path in ["/v1/projects/desk/status", "/v1/projects/desk/events"] {
        assert_eq!(ada.get(path).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    // Nor does whoever has no project get in by it.
    has_password(&several.accounts, "mallory", several.worlds[0].now()).await;
    let page = several.browser().sign_in("mallory", PASSWORD).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    // Whoever has the machine acts there by its socket, and gets no link.
    let desk = &several.worlds[1];
    assert_eq!(desk.get(&As::Person("ada"), "/v1/status").await.status, StatusCode::OK);
    let link = desk.post(&As::Person("ada"), "/v1/sign-in-links", &json!({})).await;
    assert_eq!((link.status, link.code()), (StatusCode::FORBIDDEN, "not-allowed"));
}

#[tokio::test]
async fn alone_on_its_server_a_project_that_names_nobody_is_open_to_whoever_set_it_up() {
    let several = Several::new(&[("desk", NAMELESS)], None).await;
    let made = several.sign_in.first_link().await.unwrap().unwrap();
    let link = made.address.strip_prefix(&format!("https://{HOST}")).unwrap().to_owned();
    let mut browser = several.browser();
    let page = browser.post(&link, &[("name", "ada")]).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{page:?}");
    assert_eq!(browser.get("/waiting").await.status, StatusCode::OK);
}

#[tokio::test]
async fn whoever_is_nobody_is_led_to_sign_in_from_every_page_there_is_not() {
    let one = Several::new(&[("shop", SHOP)], None).await;
    let two = Several::new(&[("shop", SHOP), ("desk", DESK)], None).await;
    for several in [&one, &two] {
        let page = several.browser().get("/nothing?a=b").await;
        assert_eq!(
            (page.status, page.to()),
            (StatusCode::SEE_OTHER, "/sign-in?to=%2Fnothing%3Fa%3Db")
        );
        assert_eq!(several.browser().get("/v1/nothing").await.status, StatusCode::UNAUTHORIZED);
        let mut ada = several.signed_in("ada").await;
        for path in ["/nothing", "/projects/shop/nothing"] {
            let html = [("accept", "text/html")];
            let page = ada.send(Method::GET, path, &html, "").await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
            assert!(page.text.contains("<!DOCTYPE html>"), "{path}: {}", page.text);
        }
    }
}

#[tokio::test]
async fn at_the_root_a_token_reads_what_is_measured_of_its_own_project_and_anybody_the_description()
{
    let several = Several::new(&[("shop", SHOP), ("desk", DESK)], None).await;
    for (index, own, other) in [(0, "shop", "desk"), (1, "desk", "shop")] {
        let body = json!({ "name": "gauge", "may": [], "environments": [], "for": 3_600_000 });
        let made = several.worlds[index].post(&As::Person("ada"), "/v1/tokens", &body).await;
        let secret = made.body["token"].as_str().unwrap_or_else(|| panic!("{made:?}")).to_owned();
        let bearer = format!("Bearer {secret}");
        let mut browser = several.browser();
        let page = browser.send(Method::GET, "/metrics", &[("authorization", &bearer)], "").await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        let ready = format!("towpath_engine_ready{{project=\"{own}\"}} 1");
        assert!(page.text.contains(&ready) && page.text.ends_with("# EOF\n"), "{}", page.text);
        assert!(!page.text.contains(&format!("project=\"{other}\"")), "{}", page.text);
    }
    let mut browser = several.browser();
    assert_eq!(browser.get("/metrics").await.status, StatusCode::UNAUTHORIZED);
    let wrong = [("authorization", "Bearer towpath_wrong")];
    let page = browser.send(Method::GET, "/metrics", &wrong, "").await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    let page = browser.get("/v1/openapi.json").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.starts_with("{\"openapi\":\"3.1"), "{}", &page.text[..40]);
}

#[tokio::test]
async fn behind_a_proxy_the_public_address_is_what_counts() {
    let public = "https://public.example".parse().unwrap();
    let several = Several::new(&[("shop", SHOP)], Some(public)).await;
    has_password(&several.accounts, "ada", several.worlds[0].now()).await;
    let made = several.sign_in.first_link().await.unwrap();
    assert!(made.is_none(), "there is a local user");
    let link = several.worlds[0].post(&As::Person("ada"), "/v1/sign-in-links", &json!({})).await;
    let link = link.body["address"].as_str().unwrap().to_owned();
    assert!(link.starts_with("https://public.example/sign-in/link/"), "{link}");
    // A proxy on the same machine, which says its own name and nothing of TLS.
    let mut browser = several.browser();
    (browser.secure, browser.address) = (false, "127.0.0.1".parse().unwrap());
    let body = format!("name=ada&password={}", PASSWORD.replace(' ', "+"));
    for (origin, status) in [
        ("http://towpath.example", StatusCode::FORBIDDEN),
        ("https://towpath.example", StatusCode::FORBIDDEN),
        ("http://public.example", StatusCode::FORBIDDEN),
        ("https://public.example", StatusCode::SEE_OTHER),
    ] {
        let page = browser.send(Method::POST, "/sign-in", &[("origin", origin)], &body).await;
        assert_eq!(page.status, status, "{origin}");
    }
    let cookie = browser.cookie.clone().unwrap();
    assert!(cookie.starts_with("__Host-towpath="), "{cookie}");
    assert_eq!(browser.get("/waiting").await.status, StatusCode::OK);
    // Without TLS in front nobody gets in from another machine, whatever the address says.
    browser.address = "10.0.0.7".parse().unwrap();
    assert_eq!(browser.get("/waiting").await.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.get("/sign-in").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn t15_whoever_is_locked_out_writes_nothing_any_more() {
    let several = Several::new(&[("shop", SHOP)], None).await;
    has_password(&several.accounts, "ada", several.worlds[0].now()).await;
    let mut browser = several.browser();
    for _ in 0..10 {
        assert_eq!(browser.sign_in("ada", "wrong").await.status, StatusCode::FORBIDDEN);
    }
    let key = |kind: &str, text: &str| towpath_ports::accounts::AttemptKey::of(kind, text);
    let keys = [key("both", "ada\u{0}10.0.0.7"), key("account", "ada"), key("address", "10.0.0.7")];
    let counts = async || {
        let mut all = Vec::new();
        for key in &keys {
            let now = several.worlds[0].now();
            all.push(several.accounts.attempts(key, Span::minutes(15), now).await.unwrap());
        }
        all
    };
    assert_eq!(counts().await, [10, 10, 10]);
    for _ in 0..20 {
        let page = browser.sign_in("ada", PASSWORD).await;
        assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(counts().await, [10, 10, 10]);
    assert!(browser.get("/sign-in").await.headers.get(header::SET_COOKIE).is_none());
}
