//! Sessions as whoever looks after a project sees them: which are open, and ending one for somebody. Whether they may is
//! the engine's to say.

use towpath_core::ids::{Person, SessionId};
use towpath_ports::accounts::KeptSession;

use super::{SignIn, SignInError};

impl SignIn {
    /// The open sessions of these people, by person, the youngest of each first.
    pub(crate) async fn open_sessions(
        &self,
        people: &[Person],
    ) -> Result<Vec<KeptSession>, SignInError> {
        let mut all = Vec::new();
        for person in people {
            all.extend(self.accounts().sessions_of(person, self.now()).await?);
        }
        Ok(all)
    }

    /// Ends the open session `id` of `person`, or all of theirs; answers how many ended. Safe to repeat.
    pub(crate) async fn end_for(
        &self,
        person: &Person,
        id: Option<&SessionId>,
        (by, place): (&Person, &str),
    ) -> Result<usize, SignInError> {
        let open = self.accounts().sessions_of(person, self.now()).await?;
        let meant = open.iter().filter(|session| id.is_none_or(|id| session.id == *id));
        let mut ended = 0;
        for session in meant {
            self.end(session, &format!("ended by {by}"), place).await?;
            ended += 1;
        }
        Ok(ended)
    }
}
