//! `decide(project, lane, input, now)`: everything that happens to a lane goes through here.
//!
//! An input is taken in by `intake`, then the active promotion is moved on, state by state (one
//! file each), until nothing more follows. Every step is recorded as events, which are folded into
//! a copy of the lane as they are recorded, so that no state is ever changed in two ways.
//! Core is total: an input that does not fit is answered by a note or a refusal, never by an error.

pub mod command;
mod fold;
pub mod input;
pub mod state;

mod accepting;
pub mod approving;
mod baking;
pub mod blocking;
mod budget;
mod changing;
mod committing;
mod doubting;
pub mod earliest;
mod entering;
mod gate;
mod going_back;
mod health;
pub mod held;
mod holdback;
mod holding;
mod intake;
mod lane;
pub mod owing;
pub mod owning;
mod reminding;
mod rollback;
pub mod setting_up;
mod shifting;
mod standby;
mod starting;
mod triggers;
mod validating;
mod waiting;
mod wake;

pub use entering::{newest_verified, plan};
pub use shifting::lent_route;

use crate::ids::{CommandId, LaneId, PromotionNumber, Revision};
use crate::journal::Event;
use crate::matrix::{Environment, LaneSpec, Matrix};
use crate::project::Common;
use crate::project::Project;
use crate::reason::{Refusal, Wake};
use crate::units::{Span, Timestamp};

use command::{Command, Order};
use input::Input;
use state::{Lane, Promotion, State};

/// How long a promotion waits for checks, people or the lane before it ends `rejected`
/// (prototype/towpath.yaml: approvals expire after 72h).
pub const WAIT_LIMIT: Span = Span::hours(72);
/// How long a paused promotion waits for a person before it goes back by itself: every wait has a
/// deadline (I6), and a day reaches whoever is on call next.
pub const PAUSE_LIMIT: Span = Span::hours(24);
/// How long until a route that was not obeyed is ordered again.
pub const ROUTE_RETRY: Span = Span::seconds(2);
/// The same when it has failed for a while: waits double up to this, so that a router that is away
/// for an hour does not fill the journal. A third of the default lease.
pub const SLOWEST_ROUTE_RETRY: Span = Span::seconds(10);
/// The same once a person was called: days of a router that is away do not fill the journal.
pub const RETRY_ONCE_CALLED: Span = Span::minutes(1);
/// How long until an inconclusive check is asked again.
pub const CHECK_RETRY: Span = Span::seconds(10);
/// The same for a prerequisite that stays inconclusive: waits double up to this, so that a gap in the
/// evidence of a day does not fill the journal.
pub const SLOWEST_CHECK_RETRY: Span = Span::minutes(2);
/// How old the pass of a prerequisite may be when its promotion starts: a promotion waits up to
/// [`WAIT_LIMIT`] for other checks, people or the lane, and what held then may not hold now. Longer
/// than people and checks of one gate take when nothing is in the way, so that it costs nothing then.
pub const PASS_LASTS: Span = Span::minutes(10);
/// How long until instances that could not be stopped are told again: they have no visitors, and cost
/// little.
pub const STOP_RETRY: Span = Span::minutes(1);
/// How soon a check that is pending is asked again at the earliest, whatever it says: a check that
/// says `now` would be asked as fast as it answers.
pub const SOONEST_ASKING: Span = Span::seconds(1);
/// When a check that is pending is asked again at the latest, whatever it says: with
/// [`VALIDATION_ATTEMPTS`] this bounds how long green waits for its validation (I6).
pub const LATEST_ASKING: Span = Span::hours(1);
/// How often an inconclusive or pending check of green is asked before it counts as failed: nobody
/// can make a source answer while green waits at weight 0.
pub const VALIDATION_ATTEMPTS: u32 = 10;

/// What follows from an input.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// What happened, in order. Empty when nothing did.
    pub events: Vec<Event>,
    /// What shall be done, in order.
    pub commands: Vec<Command>,
    /// The lane after it.
    pub lane: Option<Lane>,
    /// When the lane wants to be woken, whatever this input was.
    pub wake: Option<Wake>,
    /// Why the order is not carried out; then nothing else is set but `wake`.
    pub refusal: Option<Refusal>,
    /// Why nothing followed, where a reader would expect something.
    pub notes: Vec<String>,
}

/// Decides what follows from `input` in `lane`, and nothing else: the caller writes the events,
/// folds them into its own copy of the project and carries out the commands.
pub fn decide(project: &Project, lane: &LaneId, input: &Input, now: Timestamp) -> Decision {
    let mut turn = Turn::new(project, lane, now);
    match intake::take(&mut turn, input) {
        Ok(()) => turn.advance(input),
        Err(refusal) => {
            let refusal = project.common.naming(lane, *refusal);
            let wake = wake::next(&turn.lane, turn.common(), now);
            return Decision { wake, ..refused(refusal) };
        }
    }
    let wake = wake::next(&turn.lane, turn.common(), now);
    Decision {
        events: turn.events,
        commands: turn.commands,
        lane: Some(turn.lane),
        wake,
        refusal: None,
        notes: turn.notes,
    }
}

fn refused(refusal: Refusal) -> Decision {
    Decision { refusal: Some(refusal), ..Decision::default() }
}

/// One decision in the making: a copy of the lane with what was recorded so far folded in.
struct Turn<'a> {
    project: &'a Project,
    lane: Lane,
    now: Timestamp,
    events: Vec<Event>,
    commands: Vec<Command>,
    notes: Vec<String>,
    /// Something that waiting checks may wait for happened: they are asked at once.
    ask_now: bool,
}

/// A refusal is large and rare.
type Taken = Result<(), Box<Refusal>>;

impl<'a> Turn<'a> {
    fn new(project: &'a Project, lane: &LaneId, now: Timestamp) -> Self {
        Self {
            project,
            lane: project.lane(lane),
            now,
            events: Vec::new(),
            commands: Vec::new(),
            notes: Vec::new(),
            ask_now: false,
        }
    }

    fn record(&mut self, event: Event) {
        self.lane.apply(&event, self.now);
        self.events.push(event);
    }

    fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    fn next_command(&self) -> CommandId {
        let issued = self.commands.last().map_or(CommandId(0), |command| command.id);
        CommandId(self.lane.last_command.max(issued).0 + 1)
    }

    fn next_revision(&self) -> Revision {
        Revision(self.lane.last_revision.0 + 1)
    }

    /// Orders something under `id`, which came from [`Turn::next_command`] and stands in the event
    /// that was just recorded.
    fn order(&mut self, id: CommandId, order: Order) {
        self.commands.push(Command { id, lane: self.lane.id.clone(), order });
    }

    fn common(&self) -> &'a Common {
        &self.project.common
    }

    fn matrix(&self) -> Option<&'a Matrix> {
        self.common().matrix.as_ref()
    }

    fn declared(&self) -> Option<(&'a Environment, &'a LaneSpec)> {
        self.matrix()?.lane(&self.lane.id)
    }

    fn next_promotion(&self) -> PromotionNumber {
        PromotionNumber(self.common().last_promotion.0 + 1)
    }

    fn active(&self) -> Option<&Promotion> {
        self.lane.active.as_ref()
    }

    /// Moves everything on until nothing more follows. Bounded: each round either records an event
    /// or ends, and no state follows itself without an outcome from outside.
    fn advance(&mut self, input: &Input) {
        /// More rounds than states: reaching it means that two states follow each other for ever.
        const MOST_ROUNDS: usize = 64;
        for _ in 0..MOST_ROUNDS {
            let before = self.events.len();
            // Before the standby's time is looked at, which it may return to, and before anything that
            // waits takes the lane.
            triggers::act_on_remembered(self);
            standby::advance(self);
            doubting::advance(self);
            waiting::advance(self);
            owing::advance(self);
            reminding::advance(self);
            self.advance_active(input);
            setting_up::by_itself(self);
            if self.events.len() == before {
                return;
            }
        }
        debug_assert!(false, "two states follow each other for ever: {:?}", self.lane.active);
    }

    fn advance_active(&mut self, input: &Input) {
        let Some(promotion) = self.lane.active.clone() else { return };
        if self.overdue_pause(&promotion) || held::advance(self, &promotion) {
            return;
        }
        match &promotion.state {
            State::Waiting { .. } | State::Starting { .. } | State::Shifting { .. } => {}
            State::Validating => validating::advance(self, &promotion),
            State::Baking { .. } => baking::advance(self, &promotion, input),
            State::Reconciling { .. } => shifting::reconcile(self, &promotion),
            State::Committing { .. } => committing::advance(self, &promotion),
            State::GoingBack { .. } => going_back::advance(self, &promotion),
        }
    }

    fn overdue_pause(&mut self, promotion: &Promotion) -> bool {
        let Some(pause) = &promotion.paused else { return false };
        if self.now < pause.until {
            return false;
        }
        if promotion.may_have_visitors() && !promotion.can_return() {
            // A person is called again, for the same reason.
            baking::hold_for_a_person(self, promotion, pause.reason.clone());
        } else {
            let sentence = format!("nobody let it go on within {PAUSE_LIMIT}: {}", pause.reason);
            going_back::begin(self, promotion, going_back::failed(sentence));
        }
        true
    }
}
