//! Sessions: how one begins, grows stronger and ends, each on record in the journals of the projects that it
//! opens. Owns that nothing opens what is not on record; shows no page.

use towpath_core::ids::Person;
use towpath_core::journal::{SessionChange, SessionStep};
use towpath_ports::accounts::KeptSession;

use super::visit::Visit;
use super::{LONGEST, SignIn, SignInError, chance, form};

/// How somebody proved who they are.
#[derive(Clone, Debug)]
pub(super) struct Proof {
    /// Who.
    pub(super) person: Person,
    /// By what: `password`, `link`, `mail` or `oidc`.
    pub(super) way: &'static str,
    /// Whether a second factor was shown with it.
    pub(super) second: bool,
    /// What whoever vouches for them said beside the name, as JSON.
    pub(super) claims: Option<String>,
}

impl SignIn {
    /// Begins a session, and ends the one that the same browser had: whoever planted a cookie there has nothing
    /// of it. Answers the new cookie's secret.
    pub(super) async fn begin(
        &self,
        proof: Proof,
        before: Option<&Visit>,
        place: &str,
    ) -> Result<String, SignInError> {
        self.count_beginning(proof.person.as_str()).await?;
        let secret = chance::secret()?;
        let now = self.now();
        let session = KeptSession {
            id: chance::session_id()?,
            hash: chance::kept("session", &secret).ok_or(SignInError::Machine)?,
            person: proof.person,
            way: proof.way.to_owned(),
            place: place.to_owned(),
            started: now,
            first: now,
            second: proof.second.then_some(now),
            expires_at: now.plus(LONGEST),
            claims: proof.claims,
        };
        self.record(&session, SessionStep::Began, proof.way, place).await?;
        self.accounts().begin_session(&session).await?;
        if let Some(before) = before {
            self.end(&before.session, "signed in again", place).await?;
        }
        Ok(secret)
    }

    /// Notes that a second factor was shown, by a code or at the provider; answers the new cookie's secret, and none where the session ended
    /// meanwhile.
    pub(super) async fn strengthen(
        &self,
        visit: &Visit,
        by: &str,
        place: &str,
    ) -> Result<Option<String>, SignInError> {
        let secret = chance::secret()?;
        let next = chance::kept("session", &secret).ok_or(SignInError::Machine)?;
        let session = &visit.session;
        self.record(session, SessionStep::Strengthened, by, place).await?;
        let done = self.accounts().strengthen_session(&session.hash, &next, self.now()).await?;
        Ok(done.then_some(secret))
    }

    /// Ends a session at once. Safe to repeat.
    pub(super) async fn end(
        &self,
        session: &KeptSession,
        why: &str,
        place: &str,
    ) -> Result<(), SignInError> {
        let ended = self.accounts().end_session(&session.id, self.now()).await?;
        self.0.looked_at.lock().expect("no holder of this lock panics").remove(&session.id);
        match ended {
            // What is over is over, also where that cannot be put on record.
            Some(ended) => self.record(&ended, SessionStep::Ended, why, place).await,
            None => Ok(()),
        }
    }

    /// Ends all sessions of somebody but `kept`, after what opened them changed.
    pub(super) async fn end_others(&self, kept: &Visit, why: &str) -> Result<(), SignInError> {
        for session in self.accounts().sessions_of(&kept.session.person, self.now()).await? {
            if session.id != kept.session.id {
                self.end(&session, why, &kept.session.place).await?;
            }
        }
        Ok(())
    }

    /// Puts what becomes of a session on record in every project that it opens.
    async fn record(
        &self,
        session: &KeptSession,
        became: SessionStep,
        by: &str,
        from: &str,
    ) -> Result<(), SignInError> {
        for engine in self.projects_of(&session.person) {
            let change = SessionChange {
                session: session.id.clone(),
                person: session.person.clone(),
                became,
                by: by.to_owned(),
                from: from.to_owned(),
            };
            engine.session_changed(change).await?;
        }
        Ok(())
    }

    /// The open session whose cookie holds `secret`.
    pub(super) async fn find(&self, secret: &str) -> Result<Option<Visit>, SignInError> {
        let Some(hash) = chance::kept("session", secret) else { return Ok(None) };
        let session = self.accounts().session(&hash, self.now()).await?;
        Ok(session.map(|session| Visit { session, form: form::token_of(secret) }))
    }
}
