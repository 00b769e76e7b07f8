//! Mail to one person: the link by which they sign in, through a channel of the matrix that can write to the address
//! that the matrix has of them. It is sent at once or not at all, for it holds a secret: no outbox keeps it. Makes no
//! link.

use towpath_core::ids::{Name, Person};
use towpath_core::matrix::{AdapterSpec, Matrix};
use towpath_core::notices::{Channel, Way, way_in};

use crate::delivery::{self, Record};
use crate::run_loop::Engine;
use crate::shared::Shared;

impl Engine {
    /// Whether there is anybody whom a link could be mailed to.
    pub fn mails_anybody(&self) -> bool {
        self.shared.read(|project| {
            let Some(matrix) = &project.common.matrix else { return false };
            let mut people = matrix.people.iter().filter(|(_, spec)| !spec.bot);
            people.any(|(person, _)| channel_to(&self.shared, matrix, person).is_some())
        })
    }

    /// Whether a link can be mailed to `person`.
    pub fn mails(&self, person: &Person) -> bool {
        self.shared.read(|project| {
            let matrix = project.common.matrix.as_ref();
            matrix.is_some_and(|matrix| channel_to(&self.shared, matrix, person).is_some())
        })
    }

    /// Mails somebody the way to sign in, once; that it was sent is on record, and the link is not. Not safe to
    /// repeat: each is another mail.
    ///
    /// # Errors
    /// One sentence, in which no secret stands: it did not go, or nobody knows.
    pub async fn mail_way_in(&self, way: &Way<'_>) -> Result<(), String> {
        let shared = &self.shared;
        let found =
            shared.read(|project| channel_to(shared, project.common.matrix.as_ref()?, way.person));
        let (name, channel) = found.ok_or("the matrix in force has no channel for that person")?;
        let setup = &shared.setup;
        let notice = way_in(&setup.project, &name, way, shared.now(), setup.speed);
        let (sent, secrets) = delivery::through(shared, &channel, &notice).await;
        sent.map_err(|failure| failure.sentence.replace(way.link, "(the link)"))?;
        let events = vec![delivery::delivered(&notice, 1, secrets)];
        let record = Record { actor: way.person.to_string(), events, ..Record::default() };
        self.keep_record(record).await.map_err(|error| error.to_string())
    }
}

/// The first channel, by name, that can write to the address that the matrix has of `person`, and to no other.
fn channel_to(shared: &Shared, matrix: &Matrix, person: &Person) -> Option<(Name, Channel)> {
    let email = matrix.people.get(person)?.email.as_deref()?;
    let addressed = |channel: &Channel| -> Option<AdapterSpec> {
        let can_be_used = channel.missing.is_none();
        shared.setup.adapters.addressed(&channel.adapter, email).filter(|_| can_be_used)
    };
    let mut channels = matrix.notifiers.iter();
    channels.find_map(|(name, channel)| {
        let adapter = addressed(channel)?;
        Some((name.clone(), Channel { adapter, ..channel.clone() }))
    })
}
