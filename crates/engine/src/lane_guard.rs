//! What the engine knows of how one lane's release stands: the router's own guard, which sees every
//! request, and the engine's, which sees the probes. Owns how the two make one verdict; asks nobody.

use towpath_core::guarding::{self, ROUTER_SHARE};
use towpath_core::ids::{LaneId, PromotionNumber};
use towpath_core::matrix::{AdapterSpec, LaneSpec};
use towpath_core::project::Project;
use towpath_core::promotion::command::Route;
use towpath_core::promotion::state::{Lane, State};
use towpath_core::units::{Span, Timestamp};
use towpath_guard::{Counts, Evidence, Guard, Horizon, Outcome, Policy, Probes, Standing, Verdict};
use towpath_ports::router::GuardOrder;

use crate::shared::Shared;

/// After commit counts that are older than this are forgotten, so that figures people see are recent;
/// what the guards know is not forgotten with them.
const WINDOW: Span = Span::minutes(5);

/// Who is judged in a lane, and by what.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Subject {
    pub(crate) deployment: PromotionNumber,
    pub(crate) beside: Option<PromotionNumber>,
    /// What the engine's own guard tolerates.
    pub(crate) policy: Policy,
    pub(crate) router: AdapterSpec,
    pub(crate) step: Option<usize>,
    pub(crate) since: Timestamp,
}

/// What is known of one lane.
#[derive(Default)]
pub(crate) struct LaneGuard {
    subject: Option<Subject>,
    /// Since the subject first had visitors.
    total: Sides,
    /// Since the step began, or the window.
    recent: Sides,
    recent_since: Timestamp,
    /// What the router's guard said last that was not "too little to say".
    of_router: Option<Verdict>,
    own: Option<Guard>,
    /// What the own guard has been told of the prober.
    probed: Probes,
    sent: Option<Standing>,
}

/// The counts of both arms.
#[derive(Clone, Default)]
pub(crate) struct Sides {
    pub(crate) green: Counts,
    pub(crate) blue: Counts,
}

impl Sides {
    fn record(&mut self, is_green: bool, outcome: &Outcome) {
        let side = if is_green { &mut self.green } else { &mut self.blue };
        side.record(outcome);
    }
}

impl LaneGuard {
    /// Whom it has followed until now.
    pub(crate) fn deployment(&self) -> Option<PromotionNumber> {
        self.subject.as_ref().map(|subject| subject.deployment)
    }

    /// What both arms did since the subject first had visitors.
    pub(crate) fn total(&self) -> Sides {
        self.total.clone()
    }

    /// Takes the router's own counts as the past. What was said already is not said again.
    pub(crate) fn begin(&mut self, subject: Subject, total: Sides, now: Timestamp) {
        if self.deployment() != Some(subject.deployment) {
            *self = Self::of(subject, now);
        }
        self.total = total;
    }

    /// Keeps up with who is judged: a new step or a full window begins a new count.
    pub(crate) fn follow(&mut self, subject: Subject, now: Timestamp, speed: u32) {
        if self.deployment() != Some(subject.deployment) {
            *self = Self::of(subject, now);
            return;
        }
        let window_over =
            subject.step.is_none() && now.since(self.recent_since) >= WINDOW.faster(speed);
        let before = self.subject.as_ref().and_then(|own| own.step);
        if before != subject.step {
            // What was proven at another weight is to be proven anew.
            self.of_router = self.of_router.take().filter(is_unhealthy);
        }
        if before != subject.step || window_over {
            self.recent = Sides::default();
            self.recent_since = now;
            self.sent = None;
        }
        if window_over {
            self.total = Sides::default();
        }
        self.subject = Some(subject);
    }

    /// Takes in what the router told of single requests.
    pub(crate) fn record(&mut self, outcomes: &[(PromotionNumber, Outcome)]) {
        let Some(subject) = &self.subject else { return };
        for (deployment, outcome) in outcomes {
            let is_green = *deployment == subject.deployment;
            if is_green || subject.beside == Some(*deployment) {
                self.total.record(is_green, outcome);
                self.recent.record(is_green, outcome);
            }
        }
    }

    /// Takes in what the router's guard says. Safe to repeat.
    pub(crate) fn hear(&mut self, deployment: PromotionNumber, verdict: &Verdict) {
        let is_word = matches!(verdict.standing, Standing::Healthy | Standing::Unhealthy);
        let is_worse = self.of_router.as_ref().map(|it| it.standing) != Some(Standing::Unhealthy);
        if is_word && is_worse && self.deployment() == Some(deployment) {
            // What is drawn is kept beside the journal; a verdict carries what it rests on.
            let mut verdict = verdict.clone();
            verdict.evidence.against = None;
            self.of_router = Some(verdict);
        }
    }

    /// How the release stands, with what the prober saw until now. Unhealthy when either guard found
    /// it so; a step that saw no visitor is as blind as if there had been none before.
    pub(crate) fn verdict(&mut self, probes: Probes) -> Option<Verdict> {
        self.probe(probes);
        let subject = self.subject.as_ref()?;
        if let Some(found) = self.of_router.as_ref().filter(|it| is_unhealthy(it)) {
            return Some(found.clone());
        }
        if let Some(found) = self.own.as_ref().map(Guard::verdict).filter(is_unhealthy) {
            return Some(found);
        }
        let sides = if self.recent.green.requests > 0 { &self.total } else { &self.recent };
        let blue = subject.beside.map(|_| &sides.blue);
        let evidence = Evidence::of(&sides.green, blue, probes);
        let is_proven = self.of_router.is_some() || self.own.as_ref().is_some_and(Guard::is_proven);
        Some(evidence.unbroken(is_proven, subject.policy.minimum_sample))
    }

    /// The verdict, if it is one that changes something and was not sent yet.
    pub(crate) fn news(&mut self, probes: Probes) -> Option<(PromotionNumber, Verdict)> {
        let verdict = self.verdict(probes)?;
        let deployment = self.deployment()?;
        let tells = self.sent != Some(verdict.standing)
            && matches!(verdict.standing, Standing::Unhealthy | Standing::Healthy);
        self.sent = Some(verdict.standing);
        tells.then_some((deployment, verdict))
    }

    fn of(subject: Subject, now: Timestamp) -> Self {
        let own = Guard::new(subject.policy.clone(), Horizon::default(), 1);
        Self { subject: Some(subject), own: Some(own), recent_since: now, ..Self::default() }
    }

    /// Tells the own guard of probes that it has not heard of. The prober's rounds come in sums; inside
    /// one the order is fixed beforehand, so that it favours nobody.
    fn probe(&mut self, probes: Probes) {
        let Some(own) = &mut self.own else { return };
        let failed = probes.failed.saturating_sub(self.probed.failed);
        let answered = probes.total.saturating_sub(self.probed.total).saturating_sub(failed);
        for round in [(answered, false), (failed, true)] {
            for _ in 0..round.0 {
                own.observe_probe(round.1);
            }
        }
        self.probed = probes;
    }
}

/// Who is judged in a lane now: what is coming while it has visitors, and what serves while the release
/// before it stands by.
pub(crate) fn subject_of(project: &Project, lane: &Lane, speed: u32) -> Option<Subject> {
    let share = |section: &LaneSpec, since| {
        guarding::after_starts(section.guard.probes_share(), project.common.starts_since(since))
    };
    if let Some(promotion) = &lane.active {
        let step = match promotion.state {
            State::Shifting { step, .. }
            | State::Baking { step, .. }
            | State::Reconciling { step, .. } => step,
            // Until the commit is observed it can be taken back; a rollback's has no visitors yet.
            State::Committing { .. } => promotion.plan.steps.len().checked_sub(1)?,
            _ => return None,
        };
        let section = &promotion.plan.section;
        let since = promotion.started_at.unwrap_or_default();
        let attempt = guarding::attempt(lane, &promotion.plan.release, since);
        return Some(Subject {
            deployment: promotion.green.as_ref()?.number,
            beside: promotion.blue.as_ref().map(|blue| blue.number),
            policy: guarding::policy(section, attempt, share(section, since), speed),
            router: section.router.clone()?,
            step: Some(step),
            since,
        });
    }
    let standby = lane.standby.as_ref()?;
    let (_, section) = project.common.matrix.as_ref()?.lane(&lane.id)?;
    let (serving, kept) = (lane.serving.as_ref()?, standby.deployment.number);
    Some(Subject {
        deployment: serving.deployment.number,
        beside: standby.holdback.as_ref().filter(|it| it.has_visitors()).map(|_| kept),
        policy: guarding::policy(section, 1, share(section, serving.since), speed),
        router: section.router.clone()?,
        step: None,
        since: serving.since,
    })
}

/// Whom the router shall judge under a route: what is coming, or else what serves.
pub(crate) fn order(shared: &Shared, lane: &LaneId, route: &Route) -> Option<GuardOrder> {
    let speed = shared.setup.speed;
    shared.read(|project| order_of(project, project.lanes.get(lane)?, route, speed))
}

fn order_of(project: &Project, lane: &Lane, route: &Route, speed: u32) -> Option<GuardOrder> {
    let candidate = route.candidate.as_ref().map(|(candidate, _)| candidate);
    let judged = candidate.or(route.default.as_ref())?;
    let active = lane.active.as_ref();
    let planned =
        active.filter(|one| one.green.as_ref().is_some_and(|it| it.number == judged.number));
    let section: &LaneSpec = match planned {
        Some(promotion) => &promotion.plan.section,
        None => project.common.matrix.as_ref()?.lane(&lane.id)?.1,
    };
    let since = active.and_then(|one| one.started_at).unwrap_or_default();
    let attempt = planned.map_or(1, |one| guarding::attempt(lane, &one.plan.release, since));
    Some(GuardOrder {
        subject: judged.number,
        policy: guarding::policy(section, attempt, ROUTER_SHARE, speed),
        client: section.guard.client.clone(),
    })
}

fn is_unhealthy(verdict: &Verdict) -> bool {
    verdict.standing == Standing::Unhealthy
}
