//! Where whoever comes with a token or in a session is looked up: whose it is and how far it reaches at this
//! moment. Decides nothing about the owner's own rights.

use std::sync::Arc;

use towpath_core::ids::{Name, Person, TokenId};
use towpath_core::people::Verb;
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_core::sessions::{Act, Answer, Session};
use towpath_core::speaking::Signed;
use towpath_core::tokens::Token;
use towpath_core::units::Timestamp;

use crate::origin::Origin;
use crate::shared::Shared;
use crate::spoken;

/// The tokens in force at one moment.
pub(crate) struct Desk<'a> {
    shared: &'a Shared,
    now: Timestamp,
    session: Option<Arc<Session>>,
}

impl<'a> Desk<'a> {
    /// As it is now.
    pub(crate) fn new(shared: &'a Shared) -> Self {
        Self { shared, now: shared.now(), session: None }
    }

    /// The same for whoever gives an order from there.
    pub(crate) fn for_whom(self, origin: &Origin) -> Self {
        Self { session: origin.session.clone(), ..self }
    }

    /// Whoever acts in a session, where an order came in one: nobody else is ordered for in it, and nobody who
    /// says that they came in one is believed without it.
    ///
    /// # Errors
    /// The refusal: the order is of another one than the session is.
    pub(crate) fn in_session(&self, by: &Person) -> Result<Option<Person>, Box<Refusal>> {
        let named = by.session().map(|(_, person)| person);
        match (named, &self.session) {
            (None, None) => Ok(None),
            (Some(person), Some(session)) if person == session.person => Ok(Some(person)),
            (None, Some(session)) if *by == session.person => Ok(Some(by.clone())),
            (named, _) => Err(no_session(&named.unwrap_or_else(|| by.clone()))),
        }
    }

    /// Whether the session that somebody came in is enough for `verb` in `environment`; none came in: they
    /// are held to no session.
    ///
    /// # Errors
    /// The refusal: it is over, or wants a second factor first.
    pub(crate) fn lets_act(
        &self,
        by: &Person,
        verb: Verb,
        environment: Option<&Name>,
    ) -> Result<(), Box<Refusal>> {
        let (Some(_), Some(session)) = (self.in_session(by)?, &self.session) else { return Ok(()) };
        let act = Act::Order(verb);
        let answer = self.shared.read(|project| {
            // Before the first matrix nobody has said anything about sessions.
            let matrix = project.common.matrix.as_ref()?;
            Some(session.allows(matrix, act, environment, self.now))
        });
        match answer {
            None | Some(Answer::Allowed(_)) => Ok(()),
            Some(Answer::Expired(refusal) | Answer::StepUp(refusal)) => Err(refusal),
        }
    }

    /// The token, if it is in force.
    ///
    /// # Errors
    /// The refusal of one that ended.
    pub(crate) fn token(&self, id: &TokenId) -> Result<Token, Box<Refusal>> {
        let found = self.shared.read(|project| {
            let token = project.common.token(id);
            token.filter(|token| project.common.is_in_force(token, self.now)).cloned()
        });
        found.ok_or_else(|| {
            let message = "nothing was ordered: the token opens nothing any more";
            let cause = format!("{id} was revoked, is over, or its owner has left the matrix");
            let refusal = Refusal::new(RefusalKind::NotAllowed, "token-ended", message, cause);
            Box::new(refusal.next("towpath token list", "which tokens there are"))
        })
    }

    /// The owner of the token, if it reaches `verb` in `environment`.
    ///
    /// # Errors
    /// The refusal: it ended, or is not for that.
    pub(crate) fn reaches(
        &self,
        id: &TokenId,
        verb: Verb,
        environment: Option<&Name>,
    ) -> Result<Person, Box<Refusal>> {
        let token = self.token(id)?;
        if token.bounds.reach(verb, environment) {
            return Ok(token.owner);
        }
        let place = match environment {
            Some(name) if !verb.is_of_project() => format!(" in {name}"),
            None if !verb.is_of_project() => " everywhere".to_owned(),
            _ => String::new(),
        };
        let message = format!("the token {} may not {}{place}", token.name, verb.words());
        let cause = format!("it is for {}", token.bounds.words());
        let refusal = Refusal::new(RefusalKind::NotAllowed, "token-not-for-that", message, cause);
        let command = format!("towpath token create NAME --may {}", verb.key());
        Err(Box::new(refusal.next(command, "makes one that is, for whoever may do so in person")))
    }

    /// Whether the token `id` is `ancestor` or was created with it.
    pub(crate) fn comes_from(&self, id: &TokenId, ancestor: &TokenId) -> bool {
        self.shared.read(|project| project.common.comes_from(id, ancestor))
    }

    /// Who made the token, or one that it comes from, and is not its owner.
    pub(crate) fn makers(&self, id: &TokenId) -> Vec<Person> {
        self.shared.read(|project| project.common.makers(id))
    }

    /// Whether words are those of `by`, where they have a key.
    pub(crate) fn hears(&self, by: &Person, signed: Option<&Signed>) -> Result<(), Box<Refusal>> {
        spoken::heard(self.shared, by, signed)
    }

    /// The token with this id, whether or not it is in force.
    pub(crate) fn any(&self, id: &TokenId) -> Option<Token> {
        self.shared.read(|project| project.common.token(id).cloned())
    }
}

/// An order in a session that nobody brought: a fault of the program, and never an order.
fn no_session(person: &Person) -> Box<Refusal> {
    let message = format!("{person} has to sign in again");
    let cause = "the order came without the session that it says it was given in";
    let refusal = Refusal::new(RefusalKind::NotAllowed, "session-expired", message, cause);
    Box::new(refusal.next("sign in again", "at the server"))
}

/// A token is somebody's, and nobody is known.
pub(crate) fn nobody_known() -> Box<Refusal> {
    let message = "no token was created";
    let cause = "a token is somebody's, and the matrix names nobody";
    let refusal = Refusal::new(RefusalKind::Usage, "nobody-known", message, cause).at("people");
    Box::new(refusal.next(
        "people: { YOU: { account: ACCOUNT, roles: […] } }",
        "in the matrix; then towpath matrix apply",
    ))
}
