//! One route in the controller: its state, its sockets, its counts and its stream. Owns keeping the
//! four together; asks nobody for permission.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustls::ServerConfig;
use towpath_guard::{Observed, Past};

use crate::evidence::Evidence;
use crate::judge::Judge;
use crate::live::{Deployment, Listener, LiveArm, LiveEndpoint, LiveRoute, RouteShared};
use crate::publish::live_route;
use crate::state::{Hold, Now, RouteState};
use crate::status::{ArmStatus, DrainingStatus, RouteStatus};
use crate::stream::{Arms, Entry, Ring, RouteEvent};
use crate::tls::{self, FileMarks};
use crate::{EndpointSpec, Refusal};

/// What a route needs to be reachable.
#[derive(Clone, Debug)]
pub(crate) struct Serving {
    pub(crate) listener: Arc<Listener>,
    pub(crate) certificate: Option<Arc<ServerConfig>>,
    /// The state of the certificate's files when they were last read.
    pub(crate) marks: Option<FileMarks>,
}

/// One route.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) state: RouteState,
    pub(crate) serving: Result<Serving, Refusal>,
    pub(crate) live: Arc<LiveRoute>,
    pub(crate) evidence: Evidence,
    pub(crate) ring: Ring,
    /// What went wrong while the evidence was read.
    pub(crate) evidence_problem: Option<String>,
    certificate_problem: Option<String>,
    /// Who judges whoever is judged here.
    judge: Option<Judge>,
    /// What the default arm's traffic is like while it is alone, for the guard of what comes.
    past: Past,
    /// Deployments that left the route, for as long as they have requests under way.
    leaving: Vec<Arc<Deployment>>,
    shared: Arc<RouteShared>,
}

impl Slot {
    pub(crate) fn new(
        state: RouteState,
        serving: Result<Serving, Refusal>,
        shared: Arc<RouteShared>,
    ) -> Self {
        let live = Arc::new(live_route(&state, &[], Arc::clone(&shared)));
        let past = Past::default();
        let judge = state.spec.guard.clone().map(|spec| Judge::new(spec, past.clone(), 1));
        Self {
            state,
            serving,
            live,
            evidence: Evidence::default(),
            ring: Ring::new(u64::from(rand::random::<u32>())),
            evidence_problem: None,
            certificate_problem: None,
            judge,
            past,
            leaving: Vec::new(),
            shared,
        }
    }

    /// Takes on a new state without showing it to the workers yet.
    pub(crate) fn change(&mut self, state: RouteState, serving: Serving, now: Now) {
        let served =
            |state: &RouteState| state.spec.default.as_ref().map(|arm| arm.deployment.clone());
        if served(&state) != served(&self.state) {
            self.past.fade();
        }
        self.follow_guard(&state, now);
        let moved = match &self.serving {
            Ok(before) => before.listener.id != serving.listener.id,
            Err(_) => true,
        };
        let before = self.arms();
        self.live = Arc::new(live_route(&state, &before, Arc::clone(&self.shared)));
        self.note_leaving(&before);
        self.state = state;
        self.serving = Ok(serving);
        self.certificate_problem = None;
        // Whoever was found unhealthy gets no weight by another apply.
        self.bar(now);
        if moved {
            // Nobody listens there yet, so nobody must find the empty route.
            self.publish();
        }
    }

    /// Goes on with a guard that was saved, if it is about whom the route judges.
    pub(crate) fn resume_judge(&mut self, mut saved: Judge, now: Now) {
        let Some(spec) = &self.state.spec.guard else { return };
        if saved.follow(spec) {
            self.judge = Some(saved);
            self.go_back(now);
        }
    }

    /// Shows the state in force to the workers.
    pub(crate) fn publish(&self) {
        if let Ok(serving) = &self.serving {
            let cell = &serving.listener.cell;
            cell.tls.store(serving.certificate.clone());
            cell.live.store(Arc::clone(&self.live));
        }
    }

    /// Makes the workers follow a change of the state alone.
    pub(crate) fn republish(&mut self) {
        self.live = Arc::new(live_route(&self.state, &self.arms(), Arc::clone(&self.shared)));
        self.publish();
    }

    /// Makes the workers follow a renewal.
    pub(crate) fn publish_deadline(&self) {
        let deadline_us = self.state.deadline_us.unwrap_or(u64::MAX);
        self.live.deadline_us.store(deadline_us, Ordering::Relaxed);
    }

    /// Every endpoint of every arm.
    pub(crate) fn endpoints(&self) -> Vec<Arc<LiveEndpoint>> {
        self.arms().iter().flat_map(|arm| arm.endpoints.iter().cloned()).collect()
    }

    /// The endpoints of the default arm.
    pub(crate) fn default_endpoints(&self) -> Vec<Arc<LiveEndpoint>> {
        self.live.default.as_ref().map_or_else(Vec::new, |arm| arm.endpoints.clone())
    }

    /// Whether the default arm could take the traffic.
    pub(crate) fn default_ready(&self, now_us: u64) -> bool {
        self.live.default.as_ref().is_some_and(|arm| arm.ready(now_us) > 0)
    }

    /// Whether more than half of the lease went by without a word.
    pub(crate) fn is_silent(&self, now: Now) -> bool {
        let lease_ms = self.state.spec.candidate.as_ref().and_then(|candidate| candidate.lease_ms);
        match (self.state.lease_left_ms(now), lease_ms) {
            (Some(left), Some(lease)) => left < lease / 2,
            _ => false,
        }
    }

    /// Whether a worker noted something for the stream since this was last asked.
    pub(crate) fn take_ringing(&self) -> bool {
        self.shared.ringing.swap(false, Ordering::AcqRel)
    }

    /// Brings what the workers noted into the counts, the stream and the guard; says whether the guard
    /// took the candidate's weight away.
    pub(crate) fn collect(&mut self, now: Now) -> bool {
        self.evidence.advance(now.unix_ms, self.state.spec.bucket_ms);
        // A worker that read the old route a moment ago counts itself before it goes on.
        self.leaving.retain(|deployment| Arc::strong_count(deployment) > 1);
        let shared = Arc::clone(&self.shared);
        for log in shared.collect() {
            log.deltas.iter().for_each(|delta| self.evidence.absorb(delta));
            self.evidence.absorb_unassigned(log.lost, log.unserved);
            for (arms, observed) in log.outcomes {
                self.learn(&arms, &observed, now.monotonic_us);
                self.ring.push(Entry::Outcome(arms, observed.outcome));
            }
            for (arms, observed) in log.mirrored {
                // Beside a weight the request itself is evidence already.
                if let Some(judge) = self.judge.as_mut().filter(|_| self.state.weight_bp() == 0) {
                    judge.observe_pair(&arms, &observed);
                }
                self.ring.push(Entry::Mirrored(arms, observed.outcome));
            }
            self.ring.skip(log.missed);
            for event in log.events {
                self.tell(event);
            }
        }
        self.judge(now)
    }

    /// Hands on to the guard what has waited long enough, and does what it says; see
    /// [`Self::collect`].
    pub(crate) fn judge(&mut self, now: Now) -> bool {
        let Some(judge) = &mut self.judge else { return false };
        judge.advance(now.monotonic_us);
        let news = judge.take_news();
        let went_back = self.go_back(now);
        if let Some(judged) = news {
            let standing = judged.verdict.standing;
            tracing::info!(route = self.state.spec.name, ?standing, "{}", judged.verdict.sentence);
            self.tell(RouteEvent::Judged(Box::new(judged)));
        }
        went_back
    }

    /// When [`Self::judge`] is due if nothing happens until then.
    pub(crate) fn judge_due_us(&self) -> Option<u64> {
        self.judge.as_ref()?.due_us()
    }

    /// What is to be written of the guard; none where nothing changed, and where there is none.
    pub(crate) fn take_unwritten_judge(&mut self) -> Option<Vec<u8>> {
        self.judge.as_mut()?.take_unwritten()
    }

    /// Whether this deployment is the candidate and was found unhealthy, while the default arm can
    /// serve: then it must not take that arm's place.
    pub(crate) fn is_barred(&self, deployment: &str, now_us: u64) -> bool {
        self.is_condemned()
            && self.candidate_name() == Some(deployment)
            && self.default_ready(now_us)
    }

    /// Whether this deployment is the candidate, on a lease.
    pub(crate) fn lends(&self, deployment: &str) -> bool {
        let candidate = self.state.spec.candidate.as_ref().filter(|it| it.lease_ms.is_some());
        candidate.is_some_and(|candidate| candidate.arm.deployment == deployment)
    }

    /// Puts an event into the stream.
    pub(crate) fn tell(&mut self, event: RouteEvent) {
        self.ring.push(Entry::Event(event));
    }

    /// Reads the certificate again if its files changed or the reading is `forced`. A bad one
    /// leaves the old one in force.
    pub(crate) fn reload_certificate(&mut self, forced: bool) {
        let (Some(files), Ok(serving)) = (&self.state.spec.tls, &mut self.serving) else { return };
        let marks = Some(tls::marks(files));
        if !forced && marks == serving.marks {
            return;
        }
        serving.marks = marks;
        match tls::load(files) {
            Ok(config) => {
                serving.listener.cell.tls.store(Some(Arc::clone(&config)));
                serving.certificate = Some(config);
                self.certificate_problem = None;
            }
            Err(reason) => {
                tracing::error!(route = self.state.spec.name, reason, "the old certificate stays");
                self.certificate_problem = Some(format!("the old certificate stays: {reason}"));
            }
        }
    }

    /// The route as it is now.
    pub(crate) fn status(&self, now: Now, saving_problem: Option<&str>) -> RouteStatus {
        let state = &self.state;
        let now_us = now.monotonic_us;
        let problems =
            [self.certificate_problem.as_deref(), self.evidence_problem.as_deref(), saving_problem];
        let totals = &self.evidence.totals;
        RouteStatus {
            spec: state.spec.clone(),
            epoch: state.epoch,
            revision: state.revision,
            effective_weight_bp: self.live.candidate_share_bp(now_us),
            hold: state.hold,
            lapsed: state.hold == Hold::Lapsed,
            lease_left_ms: state.lease_left_ms(now),
            default: self.live.default.as_ref().map(|arm| arm_status(arm, now_us)),
            candidate: self.live.candidate.as_ref().map(|arm| arm_status(arm, now_us)),
            standby: self.live.standby.as_ref().map(|arm| arm_status(arm, now_us)),
            draining: self.leaving.iter().filter_map(|one| draining_status(one)).collect(),
            in_flight: self.shared.in_flight.load(Ordering::Relaxed),
            deployments: totals.deployments.clone(),
            lost: totals.lost,
            unserved: totals.unserved,
            judged: self.judge.as_ref().map(Judge::judged),
            last_switch: state.last_switch.clone(),
            stream: self.ring.begin(None),
            broken: self.serving.as_ref().err().map(ToString::to_string),
            warnings: problems.into_iter().flatten().map(str::to_owned).collect(),
        }
    }

    /// Takes on whom a new state judges.
    fn follow_guard(&mut self, state: &RouteState, now: Now) {
        let Some(spec) = &state.spec.guard else {
            self.judge = None;
            return;
        };
        let follows = self.judge.as_mut().is_some_and(|judge| judge.follow(spec));
        if !follows {
            let first = self.shared.assigned.load(Ordering::Relaxed) + 1;
            self.judge = Some(Judge::new(spec.clone(), self.past.clone(), first));
        }
        if let Some(judge) = &mut self.judge
            && state.weight_bp() != self.state.weight_bp()
        {
            judge.weight_changed(now.monotonic_us);
        }
    }

    fn learn(&mut self, arms: &Arms, observed: &Observed, now_us: u64) {
        if arms.green.is_none() {
            self.past.saw(observed);
        }
        let mut usual_us = self.past.usual_us();
        if let Some(judge) = &mut self.judge {
            judge.observe(arms, observed, now_us);
            usual_us = judge.usual_us(arms).or(usual_us);
        }
        self.shared.usual_us.store(usual_us.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn candidate_name(&self) -> Option<&str> {
        self.state.spec.candidate.as_ref().map(|candidate| candidate.arm.deployment.as_str())
    }

    /// Whether the candidate was found unhealthy by a guard that acts.
    fn is_condemned(&self) -> bool {
        let judge = self.judge.as_ref().zip(self.candidate_name());
        judge.is_some_and(|(judge, candidate)| judge.bars(candidate))
    }

    /// Takes the weight of a candidate that was found unhealthy, once the default arm can serve; says
    /// whether it did. The workers are not shown yet.
    fn bar(&mut self, now: Now) -> bool {
        let has_weight = self.state.hold == Hold::Held && self.state.weight_bp() > 0;
        if !has_weight || !self.is_condemned() || !self.default_ready(now.monotonic_us) {
            return false;
        }
        self.state.judge(now.unix_ms);
        self.live = Arc::new(live_route(&self.state, &self.arms(), Arc::clone(&self.shared)));
        true
    }

    fn go_back(&mut self, now: Now) -> bool {
        let went_back = self.bar(now);
        if went_back {
            self.publish();
        }
        went_back
    }

    fn note_leaving(&mut self, before: &[Arc<LiveArm>]) {
        let stays = self.arms();
        let stays = |one: &Arc<Deployment>| stays.iter().any(|a| Arc::ptr_eq(&a.deployment, one));
        let left = before.iter().map(|arm| &arm.deployment).filter(|one| !stays(one));
        self.leaving.extend(left.cloned());
    }

    fn arms(&self) -> Vec<Arc<LiveArm>> {
        let LiveRoute { default, candidate, standby, .. } = &*self.live;
        default.iter().chain(candidate).chain(standby).cloned().collect()
    }
}

fn draining_status(deployment: &Deployment) -> Option<DrainingStatus> {
    let in_flight = deployment.in_flight.load(Ordering::Relaxed);
    (in_flight > 0).then(|| DrainingStatus {
        deployment: deployment.id.clone(),
        label: deployment.label.clone(),
        in_flight,
    })
}

fn arm_status(arm: &LiveArm, now_us: u64) -> ArmStatus {
    let resting = arm.endpoints.iter().filter(|endpoint| !endpoint.is_ready(now_us));
    ArmStatus {
        deployment: arm.deployment.id.clone(),
        label: arm.deployment.label.clone(),
        capacity: arm.capacity,
        ready: arm.ready(now_us),
        resting: resting
            .map(|endpoint| EndpointSpec { id: endpoint.id.clone(), address: endpoint.address })
            .collect(),
        in_flight: arm.deployment.in_flight.load(Ordering::Relaxed),
    }
}
