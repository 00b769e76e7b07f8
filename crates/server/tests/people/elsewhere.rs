//! A door with a provider of OpenID Connect on this machine, and the way there and back. Expects nothing itself.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use towpath_core::ids::Person;
use towpath_core::matrix::Matrix;
use towpath_ports::clock::Clock;
use towpath_server::signin::{Provider, ProviderSettings};

use crate::browser::{Browser, Door, Page, encoded as form};
use crate::issuer::{CLIENT, Issuer, Key, SECRET};
use crate::world::HandClock;

pub(crate) const WORDS: &str = "
    people: lead lead; ada developer; bob developer; bot ci builder
    staging: root, tier staging, steps 100%/1m";
pub(crate) const BACK: &str = "https://towpath.example/sign-in/oidc/back";

/// A door with a provider.
pub(crate) struct Elsewhere {
    pub(crate) door: Door,
    pub(crate) issuer: Issuer,
    pub(crate) key: Arc<Key>,
}

/// What a way to the provider says.
#[derive(Clone)]
pub(crate) struct Way(Vec<(String, String)>);

impl Way {
    pub(crate) fn of(page: &Page) -> Self {
        let (_, query) = page.to().split_once('?').unwrap_or_default();
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    pub(crate) fn one(&self, name: &str) -> &str {
        let mut all = self.0.iter().filter(|(key, _)| key == name);
        let found = all.next().map_or("", |(_, value)| value.as_str());
        assert!(all.next().is_none(), "{name} stands there twice");
        found
    }
}

impl Elsewhere {
    pub(crate) async fn new(key: Key, change: impl FnOnce(&mut ProviderSettings)) -> Self {
        let issuer = Issuer::new(vec![key.listed("one")]).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.keep().join("secret");
        std::fs::write(&file, format!("{SECRET}\n")).unwrap();
        let mut settings = ProviderSettings {
            issuer: issuer.url.clone(),
            client_id: CLIENT.to_owned(),
            client_secret_file: Some(file),
            name: "Example".to_owned(),
            scopes: vec!["email".to_owned(), "groups".to_owned()],
            person_claim: None,
            groups_claim: "groups".to_owned(),
            groups: vec!["towpath".to_owned(), "ops".to_owned()],
            second_acr: vec!["two".to_owned()],
            second_amr: vec!["mfa".to_owned()],
        };
        change(&mut settings);
        let provider =
            |clock: Arc<HandClock>| Provider::new(settings, clock as Arc<dyn Clock>).unwrap();
        let door = Door::with(WORDS, named, provider).await;
        Self { door, issuer, key: Arc::new(key) }
    }

    pub(crate) fn now(&self) -> i64 {
        self.door.world.now().0 / 1_000_000
    }

    /// What a good provider says of ada.
    pub(crate) fn claims(&self, way: &Way) -> Value {
        json!({
            "iss": self.issuer.url, "aud": CLIENT, "sub": "00u1", "nonce": way.one("nonce"),
            "iat": self.now(), "exp": self.now() + 300, "auth_time": self.now(),
            "email": "ada@example.org", "email_verified": true, "groups": ["towpath", "x"],
        })
    }

    pub(crate) fn head(&self) -> Value {
        json!({ "alg": self.key.algorithm(), "kid": "one", "typ": "JWT" })
    }

    /// The answer in the address to whoever went that way, for a code that is good for `token`.
    pub(crate) fn answer(&self, way: &Way, token: String) -> Map<String, Value> {
        let code = format!("code of {}", way.one("state"));
        self.issuer.keeps(&code, token, way.one("code_challenge"), way.one("redirect_uri"));
        let answer = json!({ "code": code, "state": way.one("state"), "iss": self.issuer.url });
        answer.as_object().unwrap().clone()
    }

    pub(crate) async fn go(&self, browser: &mut Browser, place: &str) -> Way {
        let page = browser.get(place).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{page:?}");
        assert!(page.to().starts_with(&format!("{}/authorize?tenant=a&", self.issuer.url)));
        Way::of(&page)
    }

    /// A whole way there and back, with changes of what is said.
    pub(crate) async fn sign_in(
        &self,
        browser: &mut Browser,
        change: impl FnOnce(&mut Value),
    ) -> Page {
        let way = self.go(browser, "/sign-in/oidc?to=%2Fwaiting").await;
        let mut claims = self.claims(&way);
        change(&mut claims);
        let answer = self.answer(&way, self.key.token(&self.head(), &claims));
        browser.get(&back(&answer)).await
    }
}

pub(crate) fn named(matrix: &mut Matrix) {
    for (name, address) in
        [("ada", "ada@example.org"), ("lead", "lead@example.org"), ("ci", "ci@example.org")]
    {
        let person = matrix.people.get_mut(&Person::new(name).unwrap()).unwrap();
        person.email = Some(address.to_owned());
    }
}

pub(crate) fn back(answer: &Map<String, Value>) -> String {
    let fields: Vec<(&str, &str)> =
        answer.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
    format!("/sign-in/oidc/back?{}", form(&fields))
}

pub(crate) async fn who(browser: &mut Browser) -> Option<String> {
    let page = browser.get("/waiting").await;
    let said = page.text.strip_prefix("you: ")?;
    said.split(' ').next().map(str::to_owned)
}
