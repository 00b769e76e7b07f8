//! An issuer of tokens on this machine, with keys of its own: it signs whatever a test wants, also what a good one
//! never would. Believes nobody, and checks what a good one checks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use aws_lc_rs::{digest, hmac, rand};
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

pub(crate) const CLIENT: &str = "towpath at example";
pub(crate) const SECRET: &str = "hush: 100% of it";

/// A key that signs.
pub(crate) enum Key {
    Ed(Ed25519KeyPair),
    Ec(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl Key {
    pub(crate) fn ed() -> Self {
        let made = Ed25519KeyPair::generate_pkcs8(&rand::SystemRandom::new()).unwrap();
        Self::Ed(Ed25519KeyPair::from_pkcs8(made.as_ref()).unwrap())
    }

    pub(crate) fn ec() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub(crate) fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Self::Ed(_) => "EdDSA",
            Self::Ec(_) => "ES256",
            Self::Rsa(_) => "RS256",
        }
    }

    /// As its issuer lists it.
    pub(crate) fn listed(&self, name: &str) -> Value {
        let mut key = match self {
            Self::Ed(pair) => json!({
                "kty": "OKP", "crv": "Ed25519", "x": encoded(pair.public_key().as_ref()),
            }),
            Self::Ec(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (encoded(&point[1..33]), encoded(&point[33..]));
                json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y })
            }
            Self::Rsa(pair) => {
                let public = pair.public_key();
                let number = |bytes: &[u8]| encoded(bytes);
                let modulus = public.modulus().big_endian_without_leading_zero().to_vec();
                let exponent = public.exponent().big_endian_without_leading_zero().to_vec();
                json!({ "kty": "RSA", "n": number(&modulus), "e": number(&exponent) })
            }
        };
        key["kid"] = json!(name);
        key["use"] = json!("sig");
        key["alg"] = json!(self.algorithm());
        key
    }

    fn sign(&self, text: &str) -> Vec<u8> {
        let chance = rand::SystemRandom::new();
        match self {
            Self::Ed(pair) => pair.sign(text.as_bytes()).as_ref().to_vec(),
            Self::Ec(pair) => pair.sign(&chance, text.as_bytes()).unwrap().as_ref().to_vec(),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &chance, text.as_bytes(), &mut signature).unwrap();
                signature
            }
        }
    }

    /// A token with this head and these claims.
    pub(crate) fn token(&self, head: &Value, claims: &Value) -> String {
        let text = unsigned(head, claims);
        let signature = encoded(&self.sign(&text));
        format!("{text}.{signature}")
    }
}

pub(crate) fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn unsigned(head: &Value, claims: &Value) -> String {
    format!("{}.{}", encoded(head.to_string().as_bytes()), encoded(claims.to_string().as_bytes()))
}

/// A token without a signature.
pub(crate) fn bare(head: &Value, claims: &Value) -> String {
    format!("{}.", unsigned(head, claims))
}

/// A token that is signed with something both sides know.
pub(crate) fn shared(secret: &[u8], head: &Value, claims: &Value) -> String {
    let text = unsigned(head, claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), text.as_bytes());
    format!("{text}.{}", encoded(tag.as_ref()))
}

/// A code, and what it is exchanged for.
struct Code {
    token: String,
    challenge: String,
    back: String,
}

#[derive(Default)]
struct Told {
    codes: BTreeMap<String, Code>,
    keys: Vec<Value>,
    /// What it says of itself beside what all say.
    also: Map<String, Value>,
    asked: BTreeMap<&'static str, u32>,
    is_down: bool,
}

/// An issuer that listens.
#[derive(Clone)]
pub(crate) struct Issuer {
    pub(crate) url: String,
    told: Arc<Mutex<Told>>,
}

impl Issuer {
    pub(crate) async fn new(keys: Vec<Value>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let told = Told { keys, ..Told::default() };
        let issuer = Self { url, told: Arc::new(Mutex::new(told)) };
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys_of))
            .route("/token", post(exchange))
            .with_state(issuer.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        issuer
    }

    fn told<T>(&self, change: impl FnOnce(&mut Told) -> T) -> T {
        change(&mut self.told.lock().unwrap())
    }

    pub(crate) fn says_also(&self, name: &str, value: Value) {
        self.told(|told| told.also.insert(name.to_owned(), value));
    }

    pub(crate) fn has_keys(&self, keys: Vec<Value>) {
        self.told(|told| told.keys = keys);
    }

    pub(crate) fn is_down(&self, is_down: bool) {
        self.told(|told| told.is_down = is_down);
    }

    /// How often it was asked for something.
    pub(crate) fn asked(&self, what: &str) -> u32 {
        self.told(|told| told.asked.get(what).copied().unwrap_or(0))
    }

    /// Has `code` exchanged for `token` by whoever began with this challenge.
    pub(crate) fn keeps(&self, code: &str, token: String, challenge: &str, back: &str) {
        let code_of = Code { token, challenge: challenge.to_owned(), back: back.to_owned() };
        self.told(|told| told.codes.insert(code.to_owned(), code_of));
    }

    fn counts(&self, what: &'static str) -> Result<(), StatusCode> {
        self.told(|told| {
            *told.asked.entry(what).or_default() += 1;
            if told.is_down { Err(StatusCode::SERVICE_UNAVAILABLE) } else { Ok(()) }
        })
    }
}

async fn discovery(State(issuer): State<Issuer>) -> Result<Json<Value>, StatusCode> {
    issuer.counts("discovery")?;
    let url = &issuer.url;
    let mut all = json!({
        "issuer": url, "jwks_uri": format!("{url}/keys"),
        "authorization_endpoint": format!("{url}/authorize?tenant=a"),
        "token_endpoint": format!("{url}/token"),
        "end_session_endpoint": format!("{url}/out"),
        "authorization_response_iss_parameter_supported": true,
    });
    let also = issuer.told(|told| told.also.clone());
    all.as_object_mut().unwrap().extend(also);
    Ok(Json(all))
}

async fn keys_of(State(issuer): State<Issuer>) -> Result<Json<Value>, StatusCode> {
    issuer.counts("keys")?;
    Ok(Json(json!({ "keys": issuer.told(|told| told.keys.clone()) })))
}

async fn exchange(
    State(issuer): State<Issuer>,
    headers: HeaderMap,
    Form(form): Form<BTreeMap<String, String>>,
) -> Response {
    if let Err(status) = issuer.counts("token") {
        return status.into_response();
    }
    let one = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let basic = STANDARD.encode(format!("{}:{}", one(CLIENT), one(SECRET)));
    let is_client = headers.get("authorization").is_some_and(|it| *it == format!("Basic {basic}"));
    let code = issuer.told(|told| told.codes.remove(&form["code"]));
    let verifier = digest::digest(&digest::SHA256, form["code_verifier"].as_bytes());
    let is_right = |code: &Code| {
        code.challenge == encoded(verifier.as_ref())
            && code.back == form["redirect_uri"]
            && form["grant_type"] == "authorization_code"
            && form["code_verifier"].len() >= 43
    };
    match code.filter(|code| is_client && is_right(code)) {
        Some(code) => {
            let tokens =
                json!({ "access_token": "x", "token_type": "Bearer", "id_token": code.token });
            Json(tokens).into_response()
        }
        None => {
            (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))).into_response()
        }
    }
}
