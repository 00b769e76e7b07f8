//! Sessions of people who signed in at the server, as the project sees them: whether somebody may have one,
//! whether it is enough, and what of it is put on record. Opens none and keeps none.

use towpath_core::ids::{Name, Person};
use towpath_core::journal::{Event, SessionChange};
use towpath_core::people::Verb;
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_core::sessions::{Act, Answer, Session, SessionRules};

use crate::delivery::Record;
use crate::orders::EngineError;
use crate::refusals::Asked;
use crate::run_loop::{Engine, Message};

impl Engine {
    /// Whether `person` may have a session here: the matrix in force names them, and as no program. Where it
    /// names nobody, or there is none yet, nobody may; whoever has the machine acts at its socket.
    pub fn may_sign_in(&self, person: &Person) -> bool {
        self.shared.read(|project| {
            let matrix = project.common.matrix.as_ref();
            matrix.and_then(|matrix| matrix.people.get(person)).is_some_and(|known| !known.bot)
        })
    }

    /// The account as which a program of the matrix in force acts; none whom it does not name, or as a person.
    pub fn account_of_program(&self, program: &Person) -> Option<Person> {
        self.shared.read(|project| {
            let known = project.common.matrix.as_ref()?.people.get(program)?;
            known.bot.then(|| known.account.clone().unwrap_or_else(|| program.clone()))
        })
    }

    /// Whether the matrix in force names people, so that nobody else may have a session.
    pub fn knows_people(&self) -> bool {
        self.shared.read(|project| {
            project.common.matrix.as_ref().is_some_and(towpath_core::matrix::Matrix::knows_people)
        })
    }

    /// The one person whose mail is read at `address`, whatever its case; none where there are several.
    pub fn person_with_email(&self, address: &str) -> Option<Person> {
        self.shared.read(|project| {
            let people = &project.common.matrix.as_ref()?.people;
            let has = |email: &Option<String>| {
                email.as_ref().is_some_and(|email| email.eq_ignore_ascii_case(address))
            };
            let mut found = people.iter().filter(|(_, spec)| has(&spec.email));
            match (found.next(), found.next()) {
                (Some((person, _)), None) => Some(person.clone()),
                _ => None,
            }
        })
    }

    /// The person of the matrix behind an account, a token or a session; none whom it does not name. Where it
    /// names nobody, whoever it is.
    pub fn person_behind(&self, by: &Person) -> Option<Person> {
        if !self.knows_people() && by.token().is_none() {
            return Some(by.session().map_or_else(|| by.clone(), |(_, person)| person));
        }
        self.named(by)
    }

    /// What sessions must be in `environment`, by the matrix in force; none before the first.
    pub fn session_rules(&self, environment: Option<&Name>) -> Option<SessionRules> {
        self.shared.read(|project| {
            project.common.matrix.as_ref().map(|matrix| matrix.session_rules(environment))
        })
    }

    /// Whether a session is enough for `verb` in `environment` now, so that a page can say so before
    /// somebody tries. The order itself is held against it again.
    pub fn session_allows(
        &self,
        session: &Session,
        verb: Verb,
        environment: Option<&Name>,
    ) -> Answer {
        let now = self.now();
        let answer = self.shared.read(|project| {
            let matrix = project.common.matrix.as_ref()?;
            Some(session.allows(matrix, Act::Order(verb), environment, now))
        });
        answer.unwrap_or_else(|| Answer::Allowed("no matrix is in force yet".to_owned()))
    }

    /// Puts on record what became of a session.
    ///
    /// # Errors
    /// Of the journal; nothing is on record then.
    pub async fn session_changed(&self, change: SessionChange) -> Result<(), EngineError> {
        let actor = change.person.to_string();
        let events = vec![Event::SessionChanged(change)];
        self.keep_record(Record { actor, events, ..Record::default() }).await
    }

    /// Puts on record that somebody at `from` tried to sign in as `person` in vain, in the way of refused
    /// orders: the first of its kind at once, those like it within an hour as one event.
    pub async fn sign_in_refused(&self, person: Option<&Person>, from: String) {
        let known = person.filter(|person| self.may_sign_in(person));
        let asked = Box::new(Asked::to_sign_in(known.cloned(), from));
        let message = "nobody was signed in";
        let cause = "what was shown is not what is kept";
        let refusal = Refusal::new(RefusalKind::NotAllowed, "sign-in-failed", message, cause);
        let refusal = Box::new(refusal);
        // An engine that has stopped puts nothing on record any more.
        let _ = self.shared.inputs.send(Message::Refused { asked, refusal }).await;
    }
}
