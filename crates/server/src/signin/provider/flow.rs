//! To the provider and back: authorisation code with PKCE (RFC 7636), state, nonce and one exact address to come
//! back to (RFC 9700). Owns that what comes back belongs to the browser that went; shows no page.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use towpath_core::ids::{Digest, Person, SessionId};
use towpath_core::units::{Span, Timestamp};
use towpath_ports::accounts::UnderWay;

use super::{Provider, noted, was_asked_anew};
use crate::signin::keeping::Proof;
use crate::signin::visit::Visit;
use crate::signin::vouched::{Claims, Discovered, Expected, Web};
use crate::signin::{SignIn, SignInError, chance, returning};

/// How long somebody may take there.
const LASTS: Span = Span::minutes(10);
/// Where one comes back to.
pub(in crate::signin) const BACK: &str = "/sign-in/oidc/back";
/// Longest answer that is read, in bytes.
const LONGEST: usize = 8 * 1024;

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub(in crate::signin) enum Failed {
    /// As of every way.
    #[error("{0}")]
    Here(#[from] SignInError),
    /// The provider does not answer, or not as one does. The cause is for the log.
    #[error("{0}")]
    There(String),
    /// What came back was not begun in this browser, is over, or came back already.
    #[error("it was not begun in this browser, is over, or came back already")]
    NotBegun,
    /// The provider let nobody in: the word that it says (RFC 6749, section 4.1.2.1).
    #[error("the provider says {0}")]
    Refused(String),
    /// What it says does not hold. The cause is for the log.
    #[error("{0}")]
    Untrue(String),
    /// It means nobody whom a matrix names, or nobody of the groups that may.
    #[error("it means nobody who may sign in here")]
    Nobody,
    /// No second factor, or not now.
    #[error("it does not say that a second factor was shown now")]
    NoSecond,
}

/// What somebody goes there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::signin) enum Wish {
    /// Signing in.
    SignIn,
    /// Showing a second factor in the session that they have.
    Second,
}

/// What is remembered until somebody comes back. Nothing of it opens anything: the rest is in the browser.
#[derive(Debug, Serialize, Deserialize)]
struct Remembered {
    browser: Digest,
    to: String,
    began: i64,
    /// Whether the provider was told to ask them, whoever they are to it.
    anew: bool,
    /// The session in which a second factor is shown.
    second_of: Option<SessionId>,
}

/// Who came back, and where they go.
pub(in crate::signin) struct CameBack {
    pub(in crate::signin) to: String,
    pub(in crate::signin) outcome: Outcome,
}

/// What follows.
pub(in crate::signin) enum Outcome {
    /// They sign in.
    SignedIn(Proof),
    /// They showed a second factor in their session.
    Strengthened,
}

/// What is made of the secret of a browser and that of one way there, both of which must come back.
fn made_of(purpose: &str, browser: &str, state: &str) -> Digest {
    Digest::of(format!("towpath {purpose}\0{browser}\0{state}").as_bytes())
}

/// The verifier of PKCE and the nonce.
fn verifier(browser: &str, state: &str) -> String {
    made_of("oidc verifier", browser, state).hex().to_owned()
}

fn nonce(browser: &str, state: &str) -> String {
    made_of("oidc nonce", browser, state).hex().to_owned()
}

#[derive(Deserialize)]
struct Tokens {
    id_token: Option<String>,
}

/// What came back in the address, each at most once.
struct Answer {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    issuer: Option<String>,
}

impl Answer {
    /// None where something stands there twice: nobody knows which was meant.
    fn of(query: &str) -> Option<Self> {
        let mut answer = Self { state: None, code: None, error: None, issuer: None };
        if query.len() > LONGEST {
            return None;
        }
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = match &*name {
                "state" => &mut answer.state,
                "code" => &mut answer.code,
                "error" => &mut answer.error,
                "iss" => &mut answer.issuer,
                _ => continue,
            };
            if place.replace(value.into_owned()).is_some() {
                return None;
            }
        }
        Some(answer)
    }
}

impl SignIn {
    /// Where somebody goes, who comes back to `to`. `browser` is a secret of the browser, which keeps it meanwhile.
    pub(in crate::signin) async fn way_there(
        &self,
        provider: &Provider,
        browser: &str,
        to: &str,
        visit: Option<&Visit>,
        wish: Wish,
    ) -> Result<Url, Failed> {
        let discovered = discovered(provider).await?;
        let place = discovered.authorization_endpoint.as_deref().and_then(Web::place);
        let no_place = || Failed::There("it says no address over TLS to sign in at".to_owned());
        let mut place = place.ok_or_else(no_place)?;
        let state = chance::secret()?;
        let now = self.now();
        // Whoever has a session, and comes here all the same, is asked anew: the one they have is not enough.
        let anew = visit.is_some();
        let second_of =
            visit.filter(|_| wish == Wish::Second).map(|visit| visit.session.id.clone());
        let remembered = Remembered {
            browser: kept(browser)?,
            to: returning::within(Some(to)).to_owned(),
            began: now.0,
            anew,
            second_of,
        };
        let body = serde_json::to_string(&remembered).map_err(|_| SignInError::Machine)?;
        let hash = chance::kept("oidc state", &state).ok_or(SignInError::Machine)?;
        let under_way = UnderWay { hash, body, expires_at: now.plus(LASTS) };
        if !self
            .accounts()
            .keep_under_way(&under_way, self.now())
            .await
            .map_err(SignInError::from)?
        {
            return Err(SignInError::TooMany.into());
        }
        let settings = &provider.0.settings;
        let challenge = digest::digest(&digest::SHA256, verifier(browser, &state).as_bytes());
        let scopes: Vec<&str> =
            std::iter::once("openid").chain(settings.scopes.iter().map(String::as_str)).collect();
        let mut query = place.query_pairs_mut();
        query.append_pair("response_type", "code").append_pair("client_id", &settings.client_id);
        query.append_pair("redirect_uri", &self.way_back()).append_pair("scope", &scopes.join(" "));
        query.append_pair("state", &state).append_pair("nonce", &nonce(browser, &state));
        query.append_pair("code_challenge", &URL_SAFE_NO_PAD.encode(challenge));
        query.append_pair("code_challenge_method", "S256");
        if anew {
            query.append_pair("prompt", "login").append_pair("max_age", "0");
        }
        if wish == Wish::Second && !settings.second_acr.is_empty() {
            query.append_pair("acr_values", &settings.second_acr.join(" "));
        }
        drop(query);
        Ok(place)
    }

    /// The one address to come back to.
    fn way_back(&self) -> String {
        format!("{}{BACK}", self.0.settings.links())
    }

    /// What follows from what came back. Safe to repeat: the second time it was taken already.
    pub(in crate::signin) async fn came_back(
        &self,
        provider: &Provider,
        query: &str,
        browser: Option<&str>,
        visit: Option<&Visit>,
    ) -> Result<CameBack, Failed> {
        let answer = Answer::of(query).ok_or(Failed::NotBegun)?;
        let (Some(state), Some(browser)) = (answer.state.as_deref(), browser) else {
            return Err(Failed::NotBegun);
        };
        let remembered = self.remembered(state, browser).await?;
        let discovered = discovered(provider).await?;
        let is_named = answer.issuer.as_deref().map(|issuer| issuer == provider.0.issuer.url());
        if !is_named.unwrap_or(!discovered.authorization_response_iss_parameter_supported) {
            return Err(Failed::Untrue("the answer is another issuer's".to_owned()));
        }
        if let Some(error) = answer.error {
            return Err(Failed::Refused(error.chars().take(64).collect()));
        }
        let code = answer.code.ok_or_else(|| Failed::Untrue("there is no code".to_owned()))?;
        let claims = self.exchanged(provider, &discovered, &code, browser, state).await?;
        self.meant(provider, &claims, &remembered, visit)
    }

    async fn remembered(&self, state: &str, browser: &str) -> Result<Remembered, Failed> {
        let hash = chance::kept("oidc state", state).ok_or(Failed::NotBegun)?;
        let found = self.accounts().take_under_way(&hash, self.now()).await;
        let found = found.map_err(SignInError::from)?.ok_or(Failed::NotBegun)?;
        let found: Remembered = serde_json::from_str(&found.body).map_err(|_| Failed::NotBegun)?;
        let is_same = chance::kept("oidc browser", browser).is_some_and(|it| it == found.browser);
        if is_same { Ok(found) } else { Err(Failed::NotBegun) }
    }

    /// What the token says that a code is exchanged for.
    async fn exchanged(
        &self,
        provider: &Provider,
        discovered: &Discovered,
        code: &str,
        browser: &str,
        state: &str,
    ) -> Result<Claims, Failed> {
        let place = discovered.token_endpoint.as_deref().and_then(Web::place);
        let no_place = || Failed::There("it says no address over TLS for codes".to_owned());
        let place = place.ok_or_else(no_place)?;
        let secret = secret(provider).await?;
        let (id, back) = (provider.0.settings.client_id.as_str(), self.way_back());
        let verifier = verifier(browser, state);
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &back),
            ("code_verifier", &verifier),
        ];
        let ways = &discovered.token_endpoint_auth_methods_supported;
        let by_head = ways.is_empty() || ways.iter().any(|way| way == "client_secret_basic");
        let basic = secret.as_deref().filter(|_| by_head).map(|secret| (id, secret));
        if basic.is_none() {
            fields.push(("client_id", id));
            fields.extend(secret.as_deref().map(|secret| ("client_secret", secret)));
        }
        let tokens = provider.0.web.post::<Tokens>(&place, &fields, basic).await;
        let tokens = tokens.map_err(|error| Failed::There(error.to_string()))?;
        let token =
            tokens.id_token.ok_or_else(|| Failed::Untrue("there is no token".to_owned()))?;
        let issuer = provider.0.issuer.url();
        let expected = Expected { issuer, audience: id, may_be_shared: true, now: self.now() };
        let claims = provider.0.issuer.verified(&token, &expected).await;
        let claims = claims.map_err(|error| Failed::Untrue(error.to_string()))?;
        if claims.text("nonce") != Some(&nonce(browser, state)) {
            return Err(Failed::Untrue("its nonce is another".to_owned()));
        }
        if claims.text("sub").is_none() {
            return Err(Failed::Untrue("it names nobody".to_owned()));
        }
        Ok(claims)
    }

    /// Whom of us it means, and what they came for.
    fn meant(
        &self,
        provider: &Provider,
        claims: &Claims,
        remembered: &Remembered,
        visit: Option<&Visit>,
    ) -> Result<CameBack, Failed> {
        let began = Timestamp(remembered.began);
        if remembered.anew && !was_asked_anew(claims, began) {
            return Err(Failed::Untrue("it does not say that somebody was asked anew".to_owned()));
        }
        let person = self.person_meant(provider, claims).filter(|_| provider.is_in_a_group(claims));
        let person: Person = person.ok_or(Failed::Nobody)?;
        // Where a matrix names nobody a provider lets nobody in: everybody that it knows would be its owner.
        if !self.projects().iter().any(|engine| engine.may_sign_in(&person)) {
            return Err(Failed::Nobody);
        }
        let second = provider.has_shown_second(claims, began);
        let to = remembered.to.clone();
        let Some(session) = &remembered.second_of else {
            let claims = Some(noted(claims, &provider.0.settings.groups_claim));
            let proof = Proof { person, way: "oidc", second, claims };
            return Ok(CameBack { to, outcome: Outcome::SignedIn(proof) });
        };
        let is_theirs = visit
            .is_some_and(|visit| visit.session.id == *session && visit.session.person == person);
        if !is_theirs {
            return Err(Failed::NotBegun);
        }
        if !second {
            return Err(Failed::NoSecond);
        }
        Ok(CameBack { to, outcome: Outcome::Strengthened })
    }
}

fn kept(browser: &str) -> Result<Digest, SignInError> {
    chance::kept("oidc browser", browser).ok_or(SignInError::Machine)
}

async fn discovered(provider: &Provider) -> Result<std::sync::Arc<Discovered>, Failed> {
    let found = provider.0.issuer.discovered().await;
    found.map_err(|error| Failed::There(error.to_string()))
}

/// What the provider gave this server, as its file holds it now.
async fn secret(provider: &Provider) -> Result<Option<String>, Failed> {
    let Some(file) = &provider.0.settings.client_secret_file else { return Ok(None) };
    let read = tokio::fs::read_to_string(file).await;
    let read = read.map_err(|error| Failed::There(format!("{}: {error}", file.display())))?;
    Ok(Some(read.trim().to_owned()))
}
