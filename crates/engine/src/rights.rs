//! Who may give which order, by the matrix in force. Owns which right an order needs; the decision is
//! the policy engine's.

use towpath_access::Authority;
use towpath_core::ids::{LaneId, Name, Person};
use towpath_core::matrix::Matrix;
use towpath_core::people::Verb;
use towpath_core::promotion::input::Input;
use towpath_core::reason::{Refusal, RefusalKind};

use crate::orders::Order;

/// The rights of the matrix in force; none before the first one.
#[derive(Debug)]
pub(crate) struct Rights(Option<Authority>);

type Allowed = Result<(), Box<Refusal>>;

impl Rights {
    /// Those of `matrix`.
    ///
    /// # Errors
    /// When they cannot be decided about: the matrix must not come into force then.
    pub(crate) fn of(matrix: Option<&Matrix>) -> Result<Self, Box<Refusal>> {
        let authority = matrix.map(Authority::new).transpose();
        authority.map(Self).map_err(|error| {
            let message = "the matrix cannot be taken into force";
            let refusal = Refusal::new(RefusalKind::Usage, "no-rights", message, error.to_string());
            Box::new(refusal.next("towpath matrix check", "what is wrong with it"))
        })
    }

    /// Whether whoever sent `input` may; notes the person behind the account in it.
    pub(crate) fn about_lane(&self, lane: &LaneId, input: &mut Input) -> Allowed {
        let Some((verb, by)) = asked(input) else { return Ok(()) };
        self.decide(by, verb, Some(&lane.environment))
    }

    /// The same of an order that belongs to no lane.
    pub(crate) fn about_project(&self, order: &mut Order) -> Allowed {
        match order {
            Order::ApplyMatrix(matrix, by) => {
                let account = by.clone();
                self.decide(by, Verb::ApplyMatrix, None)?;
                self.locks_nobody_out(matrix, &account)
            }
            Order::CreateRelease(new) => self.decide(&mut new.by, Verb::CreateRelease, None),
            Order::Attest(statement) => {
                let environment = statement.attested.lane.environment.clone();
                self.decide(&mut statement.attested.by, Verb::Attest, Some(&environment))
            }
        }
    }

    fn decide(&self, by: &mut Person, verb: Verb, environment: Option<&Name>) -> Allowed {
        let Some(authority) = &self.0 else { return Ok(()) };
        let decided = authority.decide(by, verb, environment);
        *by = decided.map_err(|denial| Box::new(authority.refusal(&denial)))?;
        Ok(())
    }

    /// A matrix that nobody could change again is not taken, nor is the first one that names people
    /// and not whoever applies it.
    fn locks_nobody_out(&self, matrix: &Matrix, account: &Person) -> Allowed {
        let next = Self::of(Some(matrix))?;
        let Some(next) = next.0.filter(|_| matrix.knows_people()) else { return Ok(()) };
        let names_us_first = self.0.as_ref().is_none_or(|now| !now.knows_people());
        if names_us_first && !account.is_program() {
            if next.decide(account, Verb::ApplyMatrix, None).is_ok() {
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

fn locked_out(cause: String, needed: &str) -> Box<Refusal> {
    let message = format!("the matrix was not applied: it needs {needed}");
    let refusal = Refusal::new(RefusalKind::Usage, "locks-out", message, cause).at("people");
    Box::new(refusal.next("towpath matrix show", "who has which roles, and what they may"))
}

/// The right that an order needs, and who gave it; none for what the world or the program did.
fn asked(input: &mut Input) -> Option<(Verb, &mut Person)> {
    Some(match input {
        Input::PromotionOrdered(order) => (Verb::Promote, &mut order.by),
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
        | Input::HealthLost { .. }
        | Input::Woken { .. } => return None,
    })
}
