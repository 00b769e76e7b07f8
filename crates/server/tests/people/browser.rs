//! A browser in front of the real routes: it keeps its cookie, says from which page its forms come, and believes
//! nothing else. Expects nothing itself.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Extension;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::get;
use axum::{Router, extract::State};
use serde_json::json;
use tower::ServiceExt as _;
use towpath_core::ids::{LaneId, Person};
use towpath_core::matrix::Matrix;
use towpath_core::people::Verb;
use towpath_core::promotion::input::{Input, PromotionOrder};
use towpath_core::tokens::{self, Bounds, Wanted};
use towpath_core::units::Timestamp;
use towpath_engine::{EngineError, NewToken, Order};
use towpath_ports::accounts::Accounts;
use towpath_ports::clock::Clock;
use towpath_ports::secret::Secret;
use towpath_server::listen::{Encrypted, Remote};
use towpath_server::routes::{App, router};
use towpath_server::signin::{Provider, Settings, SignIn, Workloads, guard, leads_to};
use towpath_server::visitor::Visitor;
use towpath_store::SqlAccounts;

use crate::world::{As, HandClock, World};

pub(crate) const HOST: &str = "towpath.example";
pub(crate) const PASSWORD: &str = "five boats wait here";

/// A server at which people sign in.
pub(crate) struct Door {
    pub(crate) world: World,
    pub(crate) sign_in: SignIn,
    pub(crate) accounts: Arc<SqlAccounts>,
    routes: Router,
}

impl Door {
    pub(crate) async fn new(words: &str, change: impl FnOnce(&mut Matrix)) -> Self {
        Self::made(words, change, None, |_| (None, Workloads::default())).await
    }

    /// The same with somebody else who lets people in.
    pub(crate) async fn with(
        words: &str,
        change: impl FnOnce(&mut Matrix),
        provider: impl FnOnce(Arc<HandClock>) -> Provider,
    ) -> Self {
        let told = |clock| (Some(provider(clock)), Workloads::default());
        Self::made(words, change, None, told).await
    }

    /// The same with programs that others vouch for.
    pub(crate) async fn with_workloads(
        words: &str,
        change: impl FnOnce(&mut Matrix),
        workloads: impl FnOnce(Arc<HandClock>) -> Workloads,
    ) -> Self {
        Self::made(words, change, None, |clock| (None, workloads(clock))).await
    }

    /// One at which people sign in by another clock than that of the world: by that of a real provider.
    pub(crate) async fn of_now(
        words: &str,
        change: impl FnOnce(&mut Matrix),
        provider: Provider,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self::made(words, change, Some(clock), |_| (Some(provider), Workloads::default())).await
    }

    async fn made(
        words: &str,
        change: impl FnOnce(&mut Matrix),
        clock: Option<Arc<dyn Clock>>,
        told: impl FnOnce(Arc<HandClock>) -> (Option<Provider>, Workloads),
    ) -> Self {
        let mut world = World::new(words, change).await;
        let place = world.folder.path().join("server.db");
        let accounts = Arc::new(SqlAccounts::open(&place.to_string_lossy()).await.unwrap());
        let (provider, workloads) = told(Arc::clone(&world.clock));
        let settings =
            Settings { address: format!("https://{HOST}"), public: None, provider, workloads };
        let of_world: Arc<dyn Clock> = Arc::<HandClock>::clone(&world.clock);
        let clock = clock.unwrap_or(of_world);
        let kept: Arc<dyn Accounts> = Arc::<SqlAccounts>::clone(&accounts);
        let sign_in = SignIn::new(kept, clock, settings);
        sign_in.serves(&world.engine);
        world.app.sign_in = Some(sign_in.clone());
        let pages = Router::new()
            .route("/", get(whose))
            .route("/waiting", get(whose))
            .route("/do", get(whose).post(act))
            .layer(from_fn_with_state(world.app.clone(), guard))
            .with_state(world.app.clone());
        // What belongs to no page is the API's to answer.
        let routes = router(world.app.clone());
        let routes = Router::new().merge(pages).fallback_service(routes);
        Self { world, sign_in, accounts, routes }
    }

    /// Somebody with a password.
    pub(crate) async fn has_password(&self, name: &str) {
        has_password(&self.accounts, name, self.world.now()).await;
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::at(&self.routes)
    }

    /// A browser in which somebody signed in by password.
    pub(crate) async fn signed_in(&self, name: &str) -> Browser {
        let mut browser = self.browser();
        let page = browser.sign_in(name, PASSWORD).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{page:?}");
        browser
    }

    /// The secret of the link that somebody makes at the machine.
    pub(crate) async fn link_of(&self, name: &str) -> String {
        let answer = self.world.post(&As::Person(name), "/v1/sign-in-links", &json!({})).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        let address = answer.body["address"].as_str().unwrap().to_owned();
        address.strip_prefix(&format!("https://{HOST}")).unwrap().to_owned()
    }

    /// A browser in which somebody signed in by a link.
    pub(crate) async fn by_link(&self, name: &str) -> Browser {
        let link = self.link_of(name).await;
        let mut browser = self.browser();
        let page = browser.post(&link, &[]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{page:?}");
        browser
    }
}

/// Gives somebody a password, with the parameters of a test: what is right is asked of the pages, which make
/// their own.
pub(crate) async fn has_password(accounts: &SqlAccounts, name: &str, now: Timestamp) {
    let params = argon2::Params::new(64, 1, 1, None).unwrap();
    let hasher = argon2::Argon2::from(params);
    let hash: argon2::password_hash::phc::PasswordHash =
        argon2::PasswordHasher::hash_password_with_salt(
            &hasher,
            PASSWORD.as_bytes(),
            b"0123456789abcdef",
        )
        .unwrap();
    let (person, hash) = (person(name), Secret::new(hash.to_string()).unwrap());
    accounts.set_password(&person, &hash, now).await.unwrap();
}

pub(crate) fn person(name: &str) -> Person {
    Person::new(name).unwrap()
}

/// A page that says who looks, with a form.
async fn whose(Extension(visitor): Extension<Visitor>) -> Html<String> {
    let Visitor { person, form } = visitor;
    Html(format!("you: {person} <input type=\"hidden\" name=\"form\" value=\"{form}\">"))
}

/// A page that carries an order out: its field `verb` says which, `by` for whom.
async fn act(
    State(app): State<App>,
    Extension(visitor): Extension<Visitor>,
    body: String,
) -> Response {
    let field = |name: &str| {
        form_urlencoded::parse(body.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    let by = field("by").map_or(visitor.person, |by| person(&by));
    let lane: LaneId = format!("app/{}", field("in").unwrap()).try_into().unwrap();
    let done = match field("verb").unwrap().as_str() {
        "promote" => {
            let order: PromotionOrder = serde_json::from_value(json!({
                "by": by, "release": "1.0.0", "from": null, "plan": null,
                "accept_unenforced": [], "override_window": false, "reason": null,
                "offered_by": null,
            }))
            .unwrap();
            app.engine.order(&lane, Input::PromotionOrdered(order)).await
        }
        "freeze" => {
            let freeze = json!({
                "scope": { "environment": lane.environment, "service": null },
                "by": by, "reason": "x", "until": null,
            });
            app.engine.order_project(Order::Freeze(serde_json::from_value(freeze).unwrap())).await
        }
        "token" => {
            let secret = tokens::written(&[lane.environment.as_str().as_bytes()[0]; 32]);
            let wanted = Wanted {
                name: lane.environment.clone(),
                hash: tokens::hash_of(&app.engine.setup().project, &secret).unwrap(),
                bounds: Bounds {
                    verbs: [Verb::Promote].into(),
                    environments: [lane.environment.clone()].into(),
                },
                lasts: None,
            };
            let new = NewToken::new(wanted, None, by);
            app.engine.order_project(Order::CreateToken(Box::new(new))).await
        }
        other => panic!("{other}"),
    };
    match done {
        Ok(_) => StatusCode::OK.into_response(),
        Err(EngineError::Refused(refusal)) => match leads_to(&refusal, "/waiting") {
            Some(elsewhere) => elsewhere.into_response(),
            None => (StatusCode::FORBIDDEN, refusal.code.clone()).into_response(),
        },
        Err(error) => panic!("{error}"),
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Page {
    /// Where it leads.
    pub(crate) fn to(&self) -> &str {
        self.headers.get(header::LOCATION).map_or("", |value| value.to_str().unwrap())
    }

    /// The token of its first form.
    pub(crate) fn form(&self) -> String {
        let mark = "name=\"form\" value=\"";
        let Some(at) = self.text.find(mark) else { return String::new() };
        self.text[at + mark.len()..].split('"').next().unwrap().to_owned()
    }
}

/// Somebody's browser.
#[derive(Clone)]
pub(crate) struct Browser {
    routes: Router,
    pub(crate) cookie: Option<String>,
    pub(crate) address: IpAddr,
    pub(crate) secure: bool,
}

impl Browser {
    /// One that asks these routes, from an address of its own, over TLS.
    pub(crate) fn at(routes: &Router) -> Self {
        let address = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7));
        Self { routes: routes.clone(), cookie: None, address, secure: true }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        self.send(Method::GET, path, &[], "").await
    }

    /// Sends a form as a page of the server does; the token of the session is added.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let form = self.form_token().await;
        let mut all = fields.to_vec();
        if !form.is_empty() && !fields.iter().any(|(name, _)| *name == "form") {
            all.push(("form", &form));
        }
        let scheme = if self.secure { "https" } else { "http" };
        let origin = format!("{scheme}://{HOST}");
        let own = [("origin", origin.as_str()), ("sec-fetch-site", "same-origin")];
        self.send(Method::POST, path, &own, &encoded(&all)).await
    }

    /// The token that forms of this session carry.
    pub(crate) async fn form_token(&mut self) -> String {
        self.get("/waiting").await.form()
    }

    pub(crate) async fn sign_in(&mut self, name: &str, password: &str) -> Page {
        self.post("/sign-in", &[("name", name), ("password", password), ("to", "/waiting")]).await
    }

    /// Sends anything.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Page {
        let answer = self.ask(method, path, headers, body).await;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let bytes = axum::body::to_bytes(answer.into_body(), 1 << 24).await.unwrap();
        Page { status, headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    /// Keeps one cookie beside the others; one without a value is forgotten.
    fn keep(&mut self, pair: &str) {
        let (name, value) = pair.split_once('=').unwrap();
        let kept = self.cookie.take().unwrap_or_default();
        let others = kept.split("; ").filter(|it| !it.is_empty());
        let others = others.filter(|it| it.split_once('=').is_none_or(|(other, _)| other != name));
        let mut all: Vec<&str> = others.collect();
        if !value.is_empty() {
            all.push(pair);
        }
        self.cookie = (!all.is_empty()).then(|| all.join("; "));
    }

    /// The same, and the answer is not read yet.
    pub(crate) async fn ask(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, HOST);
        let has = |wanted: &str| headers.iter().any(|(name, _)| *name == wanted);
        if !has("content-type") {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        if let Some(cookie) = self.cookie.as_ref().filter(|_| !has("cookie")) {
            request = request.header(header::COOKIE, cookie);
        }
        let request = headers.iter().fold(request, |it, (name, value)| it.header(*name, *value));
        let remote = Remote((self.address, 1024).into());
        let request = request
            .extension(remote)
            .extension(Encrypted(self.secure))
            .body(Body::from(body.to_owned()))
            .unwrap();
        let answer = self.routes.clone().oneshot(request).await.unwrap();
        for set in answer.headers().get_all(header::SET_COOKIE) {
            let pair = set.to_str().unwrap().split(';').next().unwrap();
            self.keep(pair);
        }
        answer
    }
}

pub(crate) fn encoded(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}
