//! Who may give which order, by the matrix in force. Owns which right an order needs; the decision is
//! the policy engine's.

use towpath_access::Authority;
use towpath_core::governing::can_be_changed;
use towpath_core::ids::{LaneId, Name, Person, TokenId};
use towpath_core::matrix::Matrix;
use towpath_core::people::Verb;
use towpath_core::promotion::input::Input;
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_core::speaking::Signed;
use towpath_core::units::Timestamp;

use crate::desk::{self, Desk};
use crate::orders::{Order, Taking};
use crate::shared::Shared;

/// The rights of the matrix in force; none before the first one. A matrix whose rights cannot be decided
/// about is never taken; if an older program took one, nobody may do anything but apply another.
#[derive(Debug)]
pub(crate) struct Rights(Result<Option<Authority>, Box<Refusal>>);

type Allowed = Result<(), Box<Refusal>>;

impl Rights {
    /// Those of a matrix that is being brought into force, which was looked at when it was proposed.
    pub(crate) fn of(matrix: &Matrix) -> Self {
        Self(authority(matrix).map(Some))
    }

    /// Those of the matrix in force.
    pub(crate) fn in_force(shared: &Shared) -> Self {
        shared.read(|project| Self(project.common.matrix.as_ref().map(authority).transpose()))
    }

    /// Whether whoever sent `input` may; notes the person behind the account or the token in it, and
    /// answers the token.
    pub(crate) fn about_lane(
        &self,
        desk: &Desk<'_>,
        lane: &LaneId,
        input: &mut Input,
    ) -> Result<Option<TokenId>, Box<Refusal>> {
        if let Input::PromotionOrdered(order) = input
            && order.override_window
        {
            let place = Some(&lane.environment);
            self.decide(desk, &mut order.by.clone(), Verb::BreakGlass, place)?;
        }
        let Some(verb) = verb_of(input).map(|(verb, _)| verb) else { return Ok(None) };
        let Some(by) = giver(input) else {
            let (message, cause) = ("nothing was ordered", "the order does not say who gave it");
            return Err(Box::new(Refusal::new(RefusalKind::NotAllowed, "nobody", message, cause)));
        };
        let token = by.token();
        self.decide(desk, by, verb, Some(&lane.environment))?;
        if let Some((by, signed)) = words_of(input) {
            desk.hears(by, signed)?;
        }
        if let Input::PromotionOrdered(order) = input {
            order.behind = token.as_ref().map(|token| desk.makers(token)).unwrap_or_default();
            if !order.accept_unenforced.is_empty() {
                self.takes_the_word_of(&order.by, token.as_ref())?;
            }
        }
        Ok(token)
    }

    /// To go without a demand takes a person's word, which a token is not.
    fn takes_the_word_of(&self, by: &Person, token: Option<&TokenId>) -> Allowed {
        let is_bot = matches!(&self.0, Ok(Some(authority)) if authority.is_bot(by));
        let cause = match token {
            _ if is_bot => format!("{by} is a program, whose word is no person's"),
            Some(token) => format!("the token {token} is not {by} in person"),
            None => return Ok(()),
        };
        let message = format!("{by} may not accept what is not enforced");
        let refusal = Refusal::new(RefusalKind::NotAllowed, "not-allowed", message, cause);
        Err(Box::new(
            refusal.at("--accept-unenforced").next(
                "accept_unenforced: [NAME]",
                "in the matrix, for good, which a person applies",
            ),
        ))
    }

    /// The same of an order that belongs to no lane; looks also at the rights that a matrix would bring.
    pub(crate) fn about_project(
        &self,
        desk: &Desk<'_>,
        order: &mut Order,
    ) -> Result<Option<TokenId>, Box<Refusal>> {
        let token = order.by().token();
        match order {
            Order::ApplyMatrix(matrix, by, signed) => {
                let account = by.clone();
                self.decide(desk, by, Verb::ApplyMatrix, None)?;
                desk.hears(by, signed.as_ref())?;
                let next = authority(matrix)?;
                self.locks_nobody_out(&next, &account)?;
                if !can_be_changed(matrix) {
                    let cause = "by it nobody could agree to the next one".to_owned();
                    return Err(locked_out(cause, "people with the roles of `matrix_approvals`"));
                }
            }
            // Once it counts the rights are those of the matrix that it brings into force.
            Order::AgreeToMatrix(word) => {
                self.decide(desk, &mut word.by, Verb::Approve, None)?;
                desk.hears(&word.by, word.signed.as_ref())?;
            }
            Order::CreateRelease(new) => {
                self.decide(desk, &mut new.by, Verb::CreateRelease, None)?;
                let makers = token.as_ref().map(|token| desk.makers(token));
                new.release.behind = makers.unwrap_or_default();
            }
            Order::Attest(statement) => {
                let environment = statement.attested.lane.environment.clone();
                let attested = &mut statement.attested;
                self.decide(desk, &mut attested.by, Verb::Attest, Some(&environment))?;
                desk.hears(&attested.by, attested.signed.as_ref())?;
            }
            Order::Withdraw(taking) => {
                let Taking { withdrawal, environments } = taking;
                self.decide_in(desk, &mut withdrawal.by, Verb::Attest, environments.iter())?;
            }
            Order::Freeze(freeze) => {
                let place = freeze.scope.environment.clone();
                self.decide(desk, &mut freeze.by, Verb::Freeze, place.as_ref())?;
            }
            Order::Thaw(thaw) => {
                match thaw.scope.environment.clone() {
                    Some(own) => self.decide(desk, &mut thaw.by, Verb::Thaw, Some(&own))?,
                    None => self.decide_everywhere(desk, &mut thaw.by, Verb::Thaw)?,
                }
                desk.hears(&thaw.by, thaw.signed.as_ref())?;
            }
            Order::CreateToken(new) => self.about_new_token(desk, new)?,
            Order::RevokeToken(revoked) => self.about_revoking(desk, revoked)?,
        }
        Ok(token)
    }

    /// Whoever lets all environments go on must have the right in each: where one asks for more than the
    /// others, nobody gets round that by meaning all of them.
    fn decide_everywhere(&self, desk: &Desk<'_>, by: &mut Person, verb: Verb) -> Allowed {
        if let Some(token) = by.token() {
            // One that is bound to environments does not reach all of them, however many it names.
            desk.reaches(&token, verb, None)?;
        }
        let names = match &self.0 {
            Ok(Some(authority)) => authority.environments().collect::<Vec<_>>(),
            _ => Vec::new(),
        };
        self.decide_in(desk, by, verb, names.into_iter())
    }

    /// Whoever does something that counts in several environments must have the right in each.
    fn decide_in<'a>(
        &self,
        desk: &Desk<'_>,
        by: &mut Person,
        verb: Verb,
        names: impl Iterator<Item = &'a Name>,
    ) -> Allowed {
        let mut person = None;
        for name in names {
            let mut account = by.clone();
            self.decide(desk, &mut account, verb, Some(name))?;
            person = Some(account);
        }
        match person {
            Some(person) => *by = person,
            None => self.decide(desk, by, verb, None)?,
        }
        Ok(())
    }

    /// The same of telling people something: whoever may report an incident may.
    pub(crate) fn about_telling(&self, desk: &Desk<'_>, by: &mut Person) -> Allowed {
        self.decide(desk, by, Verb::Signal, None)
    }

    pub(crate) fn decide(
        &self,
        desk: &Desk<'_>,
        by: &mut Person,
        verb: Verb,
        environment: Option<&Name>,
    ) -> Allowed {
        if let Some(token) = by.token() {
            *by = desk.reaches(&token, verb, environment)?;
            return self.of_owner(by, verb, environment);
        }
        if let Some(person) = desk.in_session(by)? {
            desk.lets_act(by, verb, environment)?;
            *by = person;
            return match &self.0 {
                Ok(None) => Ok(()),
                Ok(Some(authority)) if !authority.knows_people() => Ok(()),
                // As of an account below.
                Err(_) if verb == Verb::ApplyMatrix => Ok(()),
                _ => self.of_owner(by, verb, environment),
            };
        }
        let authority = match &self.0 {
            Ok(Some(authority)) => authority,
            Ok(None) => return Ok(()),
            Err(_) if verb == Verb::ApplyMatrix => return Ok(()),
            Err(refusal) => return Err(refusal.clone()),
        };
        let decided = authority.decide(by, verb, environment);
        *by = decided.map_err(|denial| Box::new(authority.refusal(&denial)))?;
        Ok(())
    }

    /// Whether `by` may give orders of a kind that belongs to the whole project.
    pub(crate) fn of_project(&self, desk: &Desk<'_>, by: &Person, verb: Verb) -> Allowed {
        self.decide(desk, &mut by.clone(), verb, None)
    }

    /// Whether somebody may whom the matrix names, by whatever they came.
    pub(crate) fn of_owner(
        &self,
        owner: &Person,
        verb: Verb,
        environment: Option<&Name>,
    ) -> Allowed {
        let authority = self.authority()?;
        let decided = authority.decide_person(owner, verb, environment);
        decided.map_err(|denial| Box::new(authority.refusal(&denial)))
    }

    /// Who may do what; nobody anything where nobody's rights can be known.
    pub(crate) fn authority(&self) -> Result<&Authority, Box<Refusal>> {
        match &self.0 {
            Ok(Some(authority)) => Ok(authority),
            Ok(None) => Err(desk::nobody_known()),
            Err(refusal) => Err(refusal.clone()),
        }
    }

    /// A matrix that nobody could change again is not taken, nor is the first one that names people
    /// and not whoever applies it.
    fn locks_nobody_out(&self, next: &Authority, account: &Person) -> Allowed {
        let knew_people = matches!(&self.0, Ok(Some(now)) if now.knows_people());
        if !next.knows_people() && knew_people {
            let cause = "it names nobody any more, and then anybody may do anything".to_owned();
            return Err(locked_out(cause, "at least one person in `people`"));
        }
        if !next.knows_people() {
            return Ok(());
        }
        if !knew_people && !account.is_program() {
            let may = match account.session() {
                Some((_, person)) => next.decide_person(&person, Verb::ApplyMatrix, None).is_ok(),
                None => next.decide(account, Verb::ApplyMatrix, None).is_ok(),
            };
            if may {
                return Ok(());
            }
            let cause = format!(
                "it names people, and by it the account {account} may not apply the next one"
            );
            return Err(locked_out(
                cause,
                &format!("people: {{ YOU: {{ account: {account}, roles: […] }} }}"),
            ));
        }
        if next.who_could(Verb::ApplyMatrix, None).is_empty() {
            let cause = "by it nobody may apply the next one".to_owned();
            return Err(locked_out(cause, "a role in who_may.apply_matrix that a person has"));
        }
        Ok(())
    }
}

/// Whether an order changes nothing, so that nobody needs a right for it.
pub(crate) fn changes_nothing(shared: &Shared, order: &Order, now: Timestamp) -> bool {
    let Order::ApplyMatrix(matrix, _, signed) = order else { return false };
    shared.read(|project| {
        let common = &project.common;
        // Whoever signs what waits may be the very one for whom it waits.
        common.matrix.as_ref() == Some(&**matrix)
            || (signed.is_none() && common.waits_for_agreement(matrix, now))
    })
}

fn authority(matrix: &Matrix) -> Result<Authority, Box<Refusal>> {
    Authority::new(matrix).map_err(|error| {
        let message = "nobody's rights can be decided about";
        let refusal = Refusal::new(RefusalKind::Usage, "no-rights", message, error.to_string());
        Box::new(refusal.next("towpath matrix check", "what is wrong with the matrix"))
    })
}

fn locked_out(cause: String, needed: &str) -> Box<Refusal> {
    let message = format!("the matrix was not applied: it needs {needed}");
    let refusal = Refusal::new(RefusalKind::Usage, "locks-out", message, cause).at("people");
    Box::new(
        refusal.next("towpath matrix show --resolved", "who has which roles, and what they may"),
    )
}

/// The words of an order that are a person's own, and whose they are.
fn words_of(input: &Input) -> Option<(&Person, Option<&Signed>)> {
    match input {
        Input::ApprovalOrdered(order) => Some((&order.by, order.signed.as_ref())),
        Input::PromotionOrdered(order) => Some((&order.by, order.signed.as_ref())),
        Input::DebtSettled(order) => Some((&order.by, order.signed.as_ref())),
        Input::QuarantineLiftOrdered { by, signed, .. }
        | Input::ResumeOrdered { by, signed, .. } => Some((by, signed.as_ref())),
        _ => None,
    }
}

/// The right that an order needs, and who gave it; none for what the world or the program did.
pub(crate) fn verb_of(input: &Input) -> Option<(Verb, &Person)> {
    Some(match input {
        Input::PromotionOrdered(order) => {
            let verb = if order.break_glass { Verb::BreakGlass } else { Verb::Promote };
            (verb, &order.by)
        }
        Input::DebtSettled(order) => match order.found_in {
            // What the program finds it finds by itself; no request says so.
            Some(_) => return None,
            None => (Verb::Approve, &order.by),
        },
        Input::ApprovalOrdered(order) => (Verb::Approve, &order.by),
        Input::RollbackOrdered { by, .. } | Input::ReasonGiven { by, .. } => (Verb::Rollback, by),
        Input::Signalled { by, .. } => (Verb::Signal, by),
        Input::PauseOrdered { by, .. }
        | Input::ResumeOrdered { by, .. }
        | Input::AbortOrdered { by, .. } => (Verb::Pause, by),
        Input::QuarantineLiftOrdered { by, .. } => (Verb::LiftQuarantine, by),
        Input::CommandEnded { .. }
        | Input::Judged { .. }
        | Input::LeaseLapsed { .. }
        | Input::RouteObserved { .. }
        | Input::BudgetLooked { .. }
        | Input::OwnersTold(_)
        | Input::HealthLost { .. }
        | Input::Woken { .. } => return None,
    })
}

/// The same of an order that belongs to no lane.
pub(crate) fn verb_of_project(order: &Order) -> (Verb, &Person) {
    match order {
        Order::ApplyMatrix(_, by, _) => (Verb::ApplyMatrix, by),
        Order::AgreeToMatrix(word) => (Verb::Approve, &word.by),
        // Whoever asks for one may have it for what they may themselves; nobody else's ends by them.
        Order::CreateToken(new) => (Verb::ApplyMatrix, &new.by),
        Order::RevokeToken(revoked) => (Verb::ApplyMatrix, &revoked.by),
        Order::CreateRelease(new) => (Verb::CreateRelease, &new.by),
        Order::Attest(statement) => (Verb::Attest, &statement.attested.by),
        Order::Withdraw(taking) => (Verb::Attest, &taking.withdrawal.by),
        Order::Freeze(freeze) => (Verb::Freeze, &freeze.by),
        Order::Thaw(thaw) => (Verb::Thaw, &thaw.by),
    }
}

/// Who gave an order, to be noted by the name that the matrix has for them.
fn giver(input: &mut Input) -> Option<&mut Person> {
    match input {
        Input::PromotionOrdered(order) => Some(&mut order.by),
        Input::ApprovalOrdered(order) => Some(&mut order.by),
        Input::DebtSettled(order) => Some(&mut order.by),
        Input::RollbackOrdered { by, .. }
        | Input::ReasonGiven { by, .. }
        | Input::Signalled { by, .. }
        | Input::PauseOrdered { by, .. }
        | Input::ResumeOrdered { by, .. }
        | Input::AbortOrdered { by, .. }
        | Input::QuarantineLiftOrdered { by, .. } => Some(by),
        Input::CommandEnded { .. }
        | Input::Judged { .. }
        | Input::LeaseLapsed { .. }
        | Input::RouteObserved { .. }
        | Input::BudgetLooked { .. }
        | Input::OwnersTold(_)
        | Input::HealthLost { .. }
        | Input::Woken { .. } => None,
    }
}
