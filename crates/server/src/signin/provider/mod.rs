//! Signing in at a provider of OpenID Connect: what is told about one, and whom of us it means by what it says. Owns
//! that its word never gives more than the matrix does; leads nobody there.
//!
//! Reading order: `flow` (there and back), this file (what the answer means).

mod flow;

use std::path::PathBuf;
use std::sync::Arc;

pub(super) use flow::{BACK, CameBack, Failed, Outcome, Wish};
use serde_json::{Map, Value, json};
use towpath_core::ids::Person;
use towpath_core::units::Timestamp;
use towpath_ports::clock::Clock;

use super::SignIn;
use super::vouched::{Claims, Issuer, SKEW, Web};

/// What a server is told about its provider.
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    /// Its address, as its tokens name it to the letter.
    pub issuer: String,
    /// What it calls this server.
    pub client_id: String,
    /// The file with the secret that it gave this server, read each time; none: it gave none.
    pub client_secret_file: Option<PathBuf>,
    /// What people call it.
    pub name: String,
    /// What is asked for beside `openid`.
    pub scopes: Vec<String>,
    /// The claim that is somebody's name in the matrix; none: the verified address of mail, as `people` has it.
    pub person_claim: Option<String>,
    /// The claim that lists groups.
    pub groups_claim: String,
    /// Only whoever is in one of these signs in; empty: everybody whom the matrix names.
    pub groups: Vec<String>,
    /// Values of `acr` that say that a second factor was shown; they are asked for.
    pub second_acr: Vec<String>,
    /// Values of `amr` that say the same (RFC 8176).
    pub second_amr: Vec<String>,
}

/// A provider. Cheap to clone.
#[derive(Clone)]
pub struct Provider(Arc<Inner>);

struct Inner {
    settings: ProviderSettings,
    issuer: Issuer,
    web: Web,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Provider").field(&self.0.settings.issuer).finish()
    }
}

/// Why there is no such provider.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongProvider {
    /// No address over TLS, or one with a query.
    #[error(
        "issuer: `{0}` is no address over TLS without a query, such as https://login.example; http is for this machine alone"
    )]
    Issuer(String),
    /// Nothing can be asked from here.
    #[error("no provider can be asked from this machine: {0}")]
    Machine(String),
}

impl Provider {
    /// The provider that the settings tell about. Asks it nothing yet: one that is down stops no server.
    ///
    /// # Errors
    /// Where its address is none.
    pub fn new(settings: ProviderSettings, clock: Arc<dyn Clock>) -> Result<Self, WrongProvider> {
        let place = Web::place(&settings.issuer);
        if place.is_none_or(|url| url.query().is_some() || url.fragment().is_some()) {
            return Err(WrongProvider::Issuer(settings.issuer));
        }
        let web = Web::new().map_err(WrongProvider::Machine)?;
        let issuer = Issuer::new(&settings.issuer, web.clone(), clock);
        Ok(Self(Arc::new(Inner { settings, issuer, web })))
    }

    /// What people call it.
    pub(super) fn name(&self) -> &str {
        &self.0.settings.name
    }

    /// Where one signs out of it, where it says so and answers.
    pub(super) async fn way_out(&self) -> Option<String> {
        let discovered = self.0.issuer.discovered().await.ok()?;
        let place = Web::place(discovered.end_session_endpoint.as_deref()?)?;
        Some(place.to_string())
    }

    fn is_in_a_group(&self, claims: &Claims) -> bool {
        let settings = &self.0.settings;
        let said = claims.texts(&settings.groups_claim);
        settings.groups.is_empty() || settings.groups.iter().any(|one| said.contains(&one.as_str()))
    }

    /// Whether a second factor was shown, and not before `began`: one of this morning proves nothing now.
    fn has_shown_second(&self, claims: &Claims, began: Timestamp) -> bool {
        let settings = &self.0.settings;
        let by_acr =
            claims.text("acr").is_some_and(|acr| settings.second_acr.iter().any(|one| one == acr));
        let amr = claims.texts("amr");
        let by_amr = settings.second_amr.iter().any(|one| amr.contains(&one.as_str()));
        (by_acr || by_amr) && was_asked_anew(claims, began)
    }
}

/// Whether somebody signed in there after `began`.
fn was_asked_anew(claims: &Claims, began: Timestamp) -> bool {
    claims.moment("auth_time").is_some_and(|at| at.plus(SKEW) >= began)
}

/// What is kept of a token beside the session, for whoever looks: nothing of it opens anything.
fn noted(claims: &Claims, groups: &str) -> String {
    let mut kept = Map::new();
    for name in ["iss", "sub", "sid", "email", "acr", "amr", "auth_time", groups] {
        if let Some(value) = claims.value(name) {
            kept.insert(name.to_owned(), value.clone());
        }
    }
    let text = Value::Object(kept).to_string();
    // Hundreds of groups are no use to anybody who looks.
    if text.len() <= 4096 { text } else { json!({ "sub": claims.text("sub") }).to_string() }
}

impl SignIn {
    /// Whom of us the provider means: by the claim that is the person's name, or by the verified address of mail.
    /// Nobody where projects disagree: whoever may change one matrix shall not become somebody of another.
    fn person_meant(&self, provider: &Provider, claims: &Claims) -> Option<Person> {
        if let Some(claim) = &provider.0.settings.person_claim {
            let person = Person::new(claims.text(claim)?).ok()?;
            return Some(person).filter(|person| !person.is_program());
        }
        let address = claims.text("email").filter(|_| claims.is_so("email_verified"))?;
        let projects = self.projects();
        let mut found = projects.iter().filter_map(|engine| engine.person_with_email(address));
        let person = found.next()?;
        let agrees = |engine: &towpath_engine::Engine| {
            !engine.may_sign_in(&person)
                || engine.person_with_email(address).as_ref() == Some(&person)
        };
        (found.all(|other| other == person) && projects.iter().all(agrees)).then_some(person)
    }
}
