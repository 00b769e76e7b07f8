//! Tokens as the loop writes them and clients see them: who may have which, who may end one, and when
//! each was used. What a token reaches is the core's to say.

use towpath_access::Authority;
use towpath_core::ids::{LaneId, Name, Person, TokenId};
use towpath_core::journal::Event;
use towpath_core::people::Verb;
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_core::tokens::{Bounds, Revoked, Token, hash_of};
use towpath_core::units::Timestamp;

use crate::desk::{self, Desk};
use crate::orders::{EngineError, NewToken};
use crate::rights::Rights;
use crate::rows::TokenUses;
use crate::run_loop::{Engine, Message};
use crate::shared::Shared;
use crate::views::{TokenView, time};

/// How exactly it is noted when a token was used: what is kept changes no more often than that.
const USE_NOTED_EVERY: i64 = 60_000_000;

/// What is written for an order: the event, no lane, and who gave it.
type Written = (Event, Option<LaneId>, String);

impl Rights {
    /// Whose the wanted token becomes, if whoever asks may have it. Nobody gets one for another person.
    pub(crate) fn about_new_token(
        &self,
        desk: &Desk<'_>,
        new: &mut NewToken,
    ) -> Result<(), Box<Refusal>> {
        let authority = self.authority()?;
        if !authority.knows_people() {
            return Err(desk::nobody_known());
        }
        let asks = match new.by.token() {
            Some(token) => desk.token(&token)?.owner,
            None => match behind(authority, desk, &new.by)? {
                Some(person) => person,
                None => return Err(stranger(&new.by)),
            },
        };
        let owner = match new.program.clone() {
            Some(program) if program != asks => {
                // Whoever may apply a matrix says anyway what a program may, and who acts as it.
                self.decide(desk, &mut new.by.clone(), Verb::ApplyMatrix, None)?;
                if !authority.is_bot(&program) {
                    return Err(no_program(&program));
                }
                program
            }
            _ => asks.clone(),
        };
        // A token outlives the session that made it, whatever it may.
        desk.lets_act(&new.by, Verb::ApplyMatrix, None)?;
        // What asks for a second factor asks for it here too, and not only of whoever has no token.
        for (verb, place) in reached(authority, &new.wanted.bounds) {
            desk.lets_act(&new.by, verb, place.as_ref())?;
            self.of_owner(&owner, verb, place.as_ref())?;
        }
        new.by = asks;
        new.owner = Some(owner);
        Ok(())
    }

    /// Whether somebody may end a token: in person its owner and whoever may apply a matrix, and by a token
    /// that one itself and what came from it alone, however far it reaches.
    pub(crate) fn about_revoking(
        &self,
        desk: &Desk<'_>,
        order: &mut Revoked,
    ) -> Result<(), Box<Refusal>> {
        let Some(token) = desk.any(&order.id) else { return Ok(()) };
        if let Some(own) = order.by.token() {
            let by = desk.token(&own)?.owner;
            if desk.comes_from(&order.id, &own) {
                order.by = by;
                return Ok(());
            }
            return Err(not_its_own(&own, &token));
        } else if let Some(person) = behind(self.authority()?, desk, &order.by)?
            && person == token.owner
        {
            order.by = person;
            return Ok(());
        }
        self.decide(desk, &mut order.by, Verb::ApplyMatrix, None)
    }
}

/// The person who asks, in a session or by an account.
fn behind(
    authority: &Authority,
    desk: &Desk<'_>,
    by: &Person,
) -> Result<Option<Person>, Box<Refusal>> {
    Ok(match desk.in_session(by)? {
        Some(person) => Some(person).filter(|person| authority.is_named(person)),
        None => authority.person_of(by).cloned(),
    })
}

/// Everything that a token would reach, place by place.
fn reached(authority: &Authority, bounds: &Bounds) -> Vec<(Verb, Option<Name>)> {
    let all = bounds.environments.is_empty();
    let here = |name: &&Name| all || bounds.environments.contains(*name);
    let places = |verb: Verb| -> Vec<Option<Name>> {
        if verb.is_of_project() {
            return vec![None];
        }
        authority.environments().filter(here).cloned().map(Some).collect()
    };
    let verbs = bounds.verbs.iter().copied();
    verbs.flat_map(|verb| places(verb).into_iter().map(move |place| (verb, place))).collect()
}

fn stranger(account: &Person) -> Box<Refusal> {
    let cause = format!("the account {account} is nobody whom `people` names");
    let refusal =
        Refusal::new(RefusalKind::NotAllowed, "not-allowed", "no token was created", cause);
    Box::new(refusal.at("people").next("towpath matrix show --resolved", "who is named"))
}

fn no_program(name: &Person) -> Box<Refusal> {
    let cause = format!("{name} is no program that `people` names, and a person asks in person");
    let refusal =
        Refusal::new(RefusalKind::NotAllowed, "not-allowed", "no token was created", cause);
    Box::new(
        refusal.at(format!("people.{name}.bot")).next("towpath matrix show --resolved", "who is"),
    )
}

fn not_its_own(own: &TokenId, token: &Token) -> Box<Refusal> {
    let cause =
        format!("by the token {own} ends what came from it alone, and {} did not", token.id);
    let refusal =
        Refusal::new(RefusalKind::NotAllowed, "not-allowed", "nothing was revoked", cause);
    let command = format!("towpath token revoke {}", token.id);
    Box::new(refusal.next(command, "without a token, as its owner or whoever may apply a matrix"))
}

/// What follows from the wish for a token.
pub(crate) fn create(
    shared: &Shared,
    new: NewToken,
    parent: Option<&TokenId>,
    now: Timestamp,
) -> Result<Written, EngineError> {
    let NewToken { wanted, by, owner, .. } = new;
    let owner = owner.unwrap_or_else(|| by.clone());
    let asked_by = Some(by.clone()).filter(|by| *by != owner);
    let event = shared.read(|project| {
        let common = &project.common;
        let parent = parent.and_then(|id| common.token(id));
        common.create_token(wanted, owner, asked_by, parent, now)
    });
    Ok((event.map_err(EngineError::Refused)?, None, by.to_string()))
}

/// What follows from the order to end one.
pub(crate) fn revoke(
    shared: &Shared,
    order: Revoked,
    now: Timestamp,
) -> Result<Written, EngineError> {
    let actor = order.by.to_string();
    let event = shared.read(|project| project.common.revoke_token(order, now));
    Ok((event.map_err(EngineError::Refused)?, None, actor))
}

/// Has the loop keep when tokens were used.
pub(crate) async fn keep_uses(shared: &Shared) {
    // An engine that has stopped keeps nothing any more.
    let _ = shared.inputs.send(Message::TokensUsed).await;
}

impl Shared {
    /// When each token was last used, of those that are known.
    pub(crate) fn token_uses(&self) -> TokenUses {
        let mut uses = self.token_uses.lock().expect("no holder of this lock panics").clone();
        self.read(|project| uses.retain(|id, _| project.common.token(id).is_some()));
        uses
    }
}

impl Engine {
    /// The token that `secret` is, if it is in force, and notes that it was used. What is compared are
    /// hashes of what nobody can choose, so that the time it takes tells nothing of a secret.
    pub fn token(&self, secret: &str) -> Option<TokenId> {
        let shared = &self.shared;
        let hash = hash_of(&shared.setup.project, secret)?;
        let now = shared.now();
        let found = |token: &Token| token.id.clone();
        let id = shared.read(|project| project.common.token_of(&hash, now).map(found))?;
        let minute = Timestamp(now.0 - now.0.rem_euclid(USE_NOTED_EVERY));
        let mut uses = shared.token_uses.lock().expect("no holder of this lock panics");
        uses.insert(id.clone(), minute);
        Some(id)
    }

    /// Whether the token is in force still.
    pub fn is_token_in_force(&self, id: &TokenId) -> bool {
        let now = self.shared.now();
        // Asked before each event of each stream: nothing is copied.
        self.shared.read(|project| {
            project.common.token(id).is_some_and(|token| project.common.is_in_force(token, now))
        })
    }

    /// Whether somebody who came with a token may `verb` in `environment` by it. Whoever came without
    /// one may: what this is asked for needs no right of theirs.
    ///
    /// # Errors
    /// The refusal.
    pub fn reaches(
        &self,
        by: &Person,
        verb: Verb,
        environment: Option<&Name>,
    ) -> Result<(), EngineError> {
        let Some(token) = by.token() else { return Ok(()) };
        let desk = Desk::new(&self.shared);
        desk.reaches(&token, verb, environment).map(|_| ()).map_err(EngineError::Refused)
    }

    /// Every token that is kept, in the order of creation, without what is kept of its secret.
    pub fn tokens(&self) -> Vec<TokenView> {
        self.asked();
        let now = self.shared.now();
        let uses = self.shared.token_uses();
        self.shared.read(|project| {
            let common = &project.common;
            let view = |token: &Token| TokenView {
                id: token.id.to_string(),
                name: token.name.to_string(),
                owner: token.owner.to_string(),
                by: token.by.as_ref().unwrap_or(&token.owner).to_string(),
                parent: token.parent.as_ref().map(ToString::to_string),
                may: token.bounds.verbs.iter().map(|verb| verb.key().to_owned()).collect(),
                environments: token.bounds.environments.iter().map(ToString::to_string).collect(),
                created_at: time(token.created_at),
                expires_at: time(token.expires_at),
                in_force: common.is_in_force(token, now),
                ended_at: token.ended.map(time),
                last_used_at: uses.get(&token.id).copied().map(time),
            };
            common.tokens.iter().map(view).collect()
        })
    }
}
