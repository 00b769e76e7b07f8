//! Signs what happened to one promotion that has ended, as its events tell it. Signs nothing that a
//! client says, and keeps nothing: the journal is the record.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use towpath_audit::account::{Account, NoAccount, may_concern};
use towpath_audit::statement::{Statement, subjects, summary};
use towpath_core::ids::{Digest, PromotionNumber};
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_ports::store::WrittenEvent;

use crate::run_loop::{Engine, PROGRAM};
use crate::shared::Shared;

/// Events that are read at once.
const BATCH: u32 = 1000;

/// What was signed about one promotion.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SignedAccount {
    /// Which.
    pub promotion: u64,
    /// The statement in its envelope (DSSE), JSON text.
    pub statement: String,
    /// The verification summary likewise; null for a rollback, of which nothing is asked.
    pub summary: Option<String>,
    /// The first and the last event that it rests on.
    pub events: (i64, i64),
    /// What its checks rested on.
    pub evidence: Vec<Digest>,
    /// When it ended, RFC 3339.
    pub ended_at: String,
}

impl Engine {
    /// Signs what happened to a promotion. Reads the whole journal up to its end. Safe to repeat: the
    /// same promotion has the same statement for ever.
    ///
    /// # Errors
    /// A refusal: there is no such promotion, it has not ended, or nothing could be signed, with why.
    pub async fn attest(&self, number: PromotionNumber) -> Result<SignedAccount, Box<Refusal>> {
        self.asked();
        let shared = &self.shared;
        let Some(notary) = shared.setup.notary.clone() else {
            return Err(unsigned("nobody signs here".to_owned()));
        };
        let own = i64::try_from(number.0).unwrap_or(i64::MAX);
        let (first, events) = events(shared, own).await.map_err(unsigned)?;
        let account = Account::of(own, &events).map_err(|error| untold(number, &error))?;
        let origin = towpath_audit::origin(
            shared.setup.project.as_str(),
            shared.setup.speed,
            &first.ok_or_else(|| untold(number, &NoAccount::Unknown(own)))?,
        );
        let artifacts = artifacts(shared, &account.release.digest);
        let parts = artifacts.iter().map(|(name, digest)| (name.as_str(), digest));
        let subject = subjects(&account, parts);
        let about = summary(&account, &subject, &origin, PROGRAM);
        let mut view = SignedAccount {
            promotion: number.0,
            statement: String::new(),
            summary: None,
            events: (account.first(), account.last()),
            evidence: account.evidence().into_iter().cloned().collect(),
            ended_at: account.ended_at.clone(),
        };
        let bytes =
            |value: serde_json::Result<Vec<u8>>| value.map_err(|it| unsigned(it.to_string()));
        let statement = Statement::of(account, subject, &origin);
        let statement = bytes(serde_json::to_vec(&statement))?;
        view.statement = notary.attest(statement).await.map_err(unsigned)?;
        if let Some(about) = about {
            let about = bytes(serde_json::to_vec(&about))?;
            view.summary = Some(notary.attest(about).await.map_err(unsigned)?);
        }
        Ok(view)
    }
}

/// The hash of the journal's first event, and all events that may belong to the promotion, up to its end.
async fn events(
    shared: &Shared,
    number: i64,
) -> Result<(Option<Digest>, Vec<WrittenEvent>), String> {
    let (mut first, mut found, mut after) = (None, Vec::new(), 0);
    loop {
        let page = shared.setup.store.written(after, BATCH).await;
        let page = page.map_err(|error| error.to_string())?;
        let Some(last) = page.last() else { return Ok((first, found)) };
        after = u64::try_from(last.seq).map_err(|error| error.to_string())?;
        if first.is_none() {
            first = page.first().and_then(|event| Digest::new(&event.hash).ok());
        }
        for event in page {
            if !may_concern(&event, number) {
                continue;
            }
            let is_end = event.kind == "promotion-ended";
            found.push(event);
            if is_end {
                return Ok((first, found));
            }
        }
    }
}

fn artifacts(shared: &Shared, digest: &Digest) -> Vec<(String, Digest)> {
    shared.read(|project| {
        let mut releases = project.common.releases.iter();
        let release = releases.find(|one| one.digest == *digest);
        let parts = release.map(|one| one.artifacts.iter()).into_iter().flatten();
        parts.map(|(name, part)| (name.to_string(), part.digest.clone())).collect()
    })
}

fn untold(number: PromotionNumber, error: &NoAccount) -> Box<Refusal> {
    let refusal = match error {
        NoAccount::Unknown(_) => {
            let message = format!("there is no promotion {number}");
            Refusal::new(RefusalKind::NotFound, "not-found", message, "nobody ordered it")
                .next("towpath history", "those that there are")
        }
        NoAccount::NotEnded(_) => {
            let message = format!("promotion {number} has not ended");
            let cause = "what is signed about it must be all of it";
            Refusal::new(RefusalKind::Conflict, "not-ended", message, cause)
                .next(format!("towpath watch {number}"), "until it ends")
        }
        NoAccount::Unreadable(_) => return unsigned(error.to_string()),
    };
    Box::new(refusal)
}

fn unsigned(cause: String) -> Box<Refusal> {
    let refusal = Refusal::new(RefusalKind::Conflict, "unsigned", "nothing was signed", cause);
    Box::new(refusal.next("towpath audit verify", "whether the journal is as it was written"))
}
