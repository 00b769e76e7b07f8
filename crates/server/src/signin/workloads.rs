//! Programs that another issuer vouches for: a build brings the token that its runner signed for it, and has one of
//! ours for an hour (trust.md, T13). Owns which tokens of which issuer stand for whom; what that program may is the
//! matrix's to say.
//!
//! A token is exchanged, and never a bearer by itself: it counts once, what it was exchanged for is in the journal
//! and can be revoked, and orders do not wait for an issuer.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use towpath_core::ids::{Digest, Name, Person};
use towpath_core::tokens::Bounds;
use towpath_core::units::Span;
use towpath_engine::Engine;
use towpath_ports::accounts::UnderWay;
use towpath_ports::clock::Clock;

use super::SignIn;
use super::vouched::{Claims, Expected, Issuer, Keys, SKEW, Untrue, Web, issuer_named_in};

/// What stands for one program. All of it must hold to the letter: patterns are how others let strangers in.
#[derive(Clone, Debug)]
pub struct Workload {
    /// The project; none: the only one of the server.
    pub project: Option<Name>,
    /// The program of `people` as which it acts.
    pub acts_as: Person,
    /// Who signs its tokens.
    pub issuer: String,
    /// For whom they are.
    pub audience: String,
    /// Whose they are.
    pub subject: String,
    /// What else they say: texts, numbers and flags as they are written.
    pub claims: BTreeMap<String, String>,
    /// How far what they are exchanged for reaches; never beyond the program's own rights.
    pub bounds: Bounds,
    /// How long that lasts.
    pub lasts: Span,
    /// A file with the issuer's keys, read each time, where it cannot be asked.
    pub keys_file: Option<PathBuf>,
}

/// A workload that proved who it is.
#[derive(Clone, Debug)]
pub(crate) struct Vouched {
    /// As whom it acts.
    pub(crate) program: Person,
    pub(crate) bounds: Bounds,
    pub(crate) lasts: Span,
    /// Who vouches for whom, for the record.
    pub(crate) by: String,
}

/// All that the settings name, each with its issuer. Cheap to clone.
#[derive(Clone, Default)]
pub struct Workloads(Arc<Vec<(Workload, Arc<Issuer>)>>);

impl std::fmt::Debug for Workloads {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.0.iter().map(|(workload, _)| workload)).finish()
    }
}

impl Workloads {
    /// Those. Asks no issuer yet.
    ///
    /// # Errors
    /// Which issuer is no address over TLS, or that nothing can be asked from this machine.
    pub fn new(all: Vec<Workload>, clock: &Arc<dyn Clock>) -> Result<Self, String> {
        let web = Web::new()?;
        let mut issuers: BTreeMap<String, Arc<Issuer>> = BTreeMap::new();
        let mut made = Vec::new();
        for workload in all {
            let place = Web::place(&workload.issuer);
            if place.is_none_or(|url| url.query().is_some() || url.fragment().is_some()) {
                let issuer = &workload.issuer;
                return Err(format!("issuer: `{issuer}` is no address over TLS without a query"));
            }
            let new = || Issuer::new(&workload.issuer, web.clone(), Arc::clone(clock));
            let issuer = issuers.entry(workload.issuer.clone()).or_insert_with(|| Arc::new(new()));
            made.push((workload.clone(), Arc::clone(issuer)));
        }
        Ok(Self(Arc::new(made)))
    }
}

impl Workload {
    fn is_of(&self, engine: &Engine, is_alone: bool) -> bool {
        self.project.as_ref().map_or(is_alone, |project| *project == engine.setup().project)
    }

    /// Whether a true token is this one's.
    fn is_meant_by(&self, claims: &Claims) -> bool {
        let says = |(name, wanted): (&String, &String)| match claims.value(name) {
            Some(Value::String(said)) => said == wanted,
            Some(said @ (Value::Number(_) | Value::Bool(_))) => {
                said.to_string().as_str() == wanted.as_str()
            }
            _ => false,
        };
        claims.text("sub") == Some(&self.subject) && self.claims.iter().all(says)
    }

    async fn verified(
        &self,
        issuer: &Issuer,
        token: &str,
        expected: &Expected<'_>,
    ) -> Result<Claims, String> {
        let Some(file) = &self.keys_file else {
            return issuer.verified(token, expected).await.map_err(|error| error.to_string());
        };
        let told = |error: String| format!("{}: {error}", file.display());
        let text = tokio::fs::read(file).await.map_err(|error| told(error.to_string()))?;
        let keys = Keys::from_json(&text).map_err(told)?;
        super::vouched::verified(token, &keys, expected).map_err(|error: Untrue| error.to_string())
    }
}

impl SignIn {
    /// The workload that `token` proves, in the project of `engine`; none of any other, whatever the cause: it is
    /// in the log. Counts a token once.
    pub(crate) async fn workload(
        &self,
        engine: &Engine,
        token: &str,
        place: &str,
    ) -> Option<Vouched> {
        let named = issuer_named_in(token)?;
        let is_alone = self.projects().len() == 1;
        let all = Arc::clone(&self.0.settings.workloads.0);
        for (workload, issuer) in all.iter() {
            if workload.issuer != named || !workload.is_of(engine, is_alone) {
                continue;
            }
            let audience = workload.audience.as_str();
            let now = self.now();
            let expected = Expected { issuer: &named, audience, may_be_shared: false, now };
            let found = workload.verified(issuer, token, &expected).await;
            let claims = match found {
                Ok(claims) if workload.is_meant_by(&claims) => claims,
                Ok(_) => continue,
                Err(cause) => {
                    let acts_as = workload.acts_as.as_str();
                    tracing::warn!(acts_as, issuer = %named, cause, place, "a token of another issuer was not taken");
                    continue;
                }
            };
            return self.counted_once(engine, workload, token, &claims).await;
        }
        None
    }

    /// The same, if that token was not exchanged before, here or at another replica.
    async fn counted_once(
        &self,
        engine: &Engine,
        workload: &Workload,
        token: &str,
        claims: &Claims,
    ) -> Option<Vouched> {
        let program = engine.account_of_program(&workload.acts_as)?;
        let (signed, _) = token.rsplit_once('.')?;
        let own = claims.text("jti").unwrap_or(signed);
        let (project, issuer) = (&engine.setup().project, &workload.issuer);
        let hash = Digest::of(format!("towpath workload\0{project}\0{issuer}\0{own}").as_bytes());
        let expires_at = claims.moment("exp")?.plus(SKEW);
        let used = UnderWay { hash, body: "workload".to_owned(), expires_at };
        match self.accounts().keep_under_way(&used, self.now()).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(
                    issuer,
                    "a token of another issuer came twice, or too many are on their way"
                );
                return None;
            }
            Err(error) => {
                tracing::warn!(%error, "whether a token came before cannot be known");
                return None;
            }
        }
        let by = format!("{issuer} for {}", workload.subject);
        let (bounds, lasts) = (workload.bounds.clone(), workload.lasts);
        Some(Vouched { program, bounds, lasts, by })
    }
}
