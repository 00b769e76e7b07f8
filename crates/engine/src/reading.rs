//! What clients ask an engine without changing anything. Never waits for the run loop.

use std::sync::Arc;

use towpath_core::change_types::predecessors;
use towpath_core::code_owners::OwnersTold;
use towpath_core::ids::{LaneId, Name, Person, PromotionNumber};
use towpath_core::matrix::{LaneSpec, Matrix, Unenforced};
use towpath_core::plan::Plan;
use towpath_core::project::Project;
use towpath_core::promotion::input::PromotionOrder;
use towpath_core::promotion::plan;
use towpath_core::promotion::state::Lane;
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_core::release::Release;
use towpath_core::settings;
use towpath_core::units::{Span, Timestamp};
use towpath_ports::store::{ChainReport, EventRow, StoreError};
use towpath_ports::target::LogLine;

use crate::executor::{self, Role};
use crate::quiet::Asked;
use crate::run_loop::Engine;
use crate::views::{
    self, CheckView, EngineView, FORMAT, LaneView, PlanView, PromotionView, ProposalView,
    RefusedView, Status, time,
};
use crate::{freezes, governing, planned, prober, promises, questions, telemetry};

/// How long after the last question or order an engine is not idle: a person who reads a plan or
/// keeps a large artefact comes back to it.
const PATIENCE_WITH_PEOPLE: Span = Span::minutes(10);

/// The name of the event of a refused attempt.
const ORDER_REFUSED: &str = "order-refused";

impl Engine {
    /// Notes that somebody is there.
    pub fn asked(&self) {
        self.shared.last_asked.store(self.shared.now().0, std::sync::atomic::Ordering::SeqCst);
    }

    /// What serves where.
    pub fn status(&self) -> Status {
        self.asked();
        self.status_unasked()
    }

    /// The same for a program that watches: an engine in the background does not stay for it.
    pub fn status_unasked(&self) -> Status {
        let shared = &self.shared;
        let now = shared.now();
        let lanes = shared.read(|project| lanes_of(project.common.matrix.as_ref()));
        Status {
            format: FORMAT,
            project: shared.setup.project.to_string(),
            rehearsal: Some(shared.setup.speed).filter(|speed| *speed > 1),
            at: time(now),
            engine: EngineView::of(shared),
            frozen: shared.read(|project| freezes::views(&project.common, now)),
            lanes: lanes.iter().filter_map(|id| views::lane(shared, id, now)).collect(),
            dead_notices: shared.read(|project| project.common.dead.len()),
            following: self.following(),
        }
    }

    /// One lane as it stands; none when the matrix does not declare it.
    pub fn lane(&self, id: &LaneId) -> Option<LaneView> {
        views::lane(&self.shared, id, self.shared.now())
    }

    /// The matrix in force.
    pub fn matrix(&self) -> Option<Matrix> {
        self.shared.read(|project| project.common.matrix.clone())
    }

    /// Lanes, as far as something happened in them.
    pub fn lane_state(&self, id: &LaneId) -> Lane {
        self.shared.read(|project| project.lane(id))
    }

    /// The lane in which a promotion is, if it has not ended.
    pub fn lane_of(&self, number: PromotionNumber) -> Option<LaneId> {
        self.shared.read(|project| {
            let mut lanes = project.lanes.values();
            lanes.find(|lane| lane.promotion(number).is_some()).map(|lane| lane.id.clone())
        })
    }

    /// A promotion, live while it has not ended.
    pub async fn promotion(
        &self,
        number: PromotionNumber,
    ) -> Result<Option<PromotionView>, StoreError> {
        let now = self.shared.now();
        let live = self.lane_of(number).and_then(|id| {
            let lane = self.lane_state(&id);
            lane.promotion(number).map(|one| views::promotion(&self.shared, &lane, one, now))
        });
        if live.is_some() {
            return Ok(live);
        }
        let next = PromotionNumber(number.0 + 1);
        let rows = self.shared.setup.store.promotions(None, Some(next), 1).await?;
        let found = rows.into_iter().find(|row| row.number == number);
        Ok(found.and_then(|row| serde_json::from_value(row.body).ok()))
    }

    /// Promotions, newest first.
    pub async fn promotions(
        &self,
        lane: Option<&LaneId>,
        before: Option<PromotionNumber>,
        limit: u32,
    ) -> Result<Vec<PromotionView>, StoreError> {
        let rows = self.shared.setup.store.promotions(lane, before, limit).await?;
        let now = self.shared.now();
        let views = rows.into_iter().filter_map(|row| {
            if row.ended {
                return serde_json::from_value(row.body).ok();
            }
            let lane = self.lane_state(&row.lane);
            match lane.promotion(row.number) {
                Some(live) => Some(views::promotion(&self.shared, &lane, live, now)),
                None => serde_json::from_value(row.body).ok(),
            }
        });
        Ok(views.collect())
    }

    /// Refused attempts, newest first: at this environment, of this service, or all. What is counted
    /// and not yet written is not among them.
    ///
    /// # Errors
    /// Whatever the store says, and [`StoreError::Refused`] when one cannot be read.
    pub async fn refused(
        &self,
        service: Option<&Name>,
        environment: Option<&Name>,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<RefusedView>, StoreError> {
        let mut lanes = Vec::new();
        if service.is_some() || environment.is_some() {
            lanes = self.shared.read(|project| {
                let mut known = lanes_of(project.common.matrix.as_ref());
                known.extend(project.lanes.keys().cloned());
                known.sort();
                known.dedup();
                known.retain(|lane| {
                    service.is_none_or(|own| *own == lane.service)
                        && environment.is_none_or(|own| *own == lane.environment)
                });
                known
            });
            if lanes.is_empty() {
                return Ok(Vec::new());
            }
        }
        let store = &self.shared.setup.store;
        let rows = store.events_named(ORDER_REFUSED, &lanes, before, limit).await?;
        rows.into_iter().map(views::refused).collect()
    }

    /// Events after `after`, in order.
    pub async fn events(&self, after: u64, limit: u32) -> Result<Vec<EventRow>, StoreError> {
        self.shared.setup.store.events(after, limit).await
    }

    /// The changed matrix that waits for people; none where none does.
    pub fn proposal(&self) -> Option<ProposalView> {
        governing::view(&self.shared, self.shared.now())
    }

    /// All of the changed matrix that waits for people, resolved, its secrets included.
    pub fn proposed_matrix(&self) -> Option<Matrix> {
        let now = self.shared.now();
        self.shared
            .read(|project| project.common.proposal(now).map(|proposal| (*proposal.matrix).clone()))
    }

    /// Who must agree before this matrix counts, should `by` apply it; empty where nobody has to, or it does.
    pub fn asked_before(&self, matrix: &Matrix, by: &Person) -> Vec<String> {
        governing::asks_first(&self.shared, matrix, self.named(by).as_ref())
    }

    /// Whether `by` must sign an order to apply this matrix.
    pub fn must_sign(&self, matrix: &Matrix, by: &Person) -> bool {
        self.named(by).is_some_and(|by| governing::must_sign(&self.shared, matrix, &by))
    }

    /// Recomputes the journal's whole chain.
    pub async fn verify(&self) -> Result<ChainReport, StoreError> {
        // One after the other: several at once would leave no reader for anybody else.
        let _one = self.shared.under_way.verifying.lock().await;
        self.shared.setup.store.verify().await
    }

    /// The plan of a promotion as it would be now, with whose files it changes, as far as their owners must
    /// agree, and the hour in which the least traffic is to be expected.
    ///
    /// # Errors
    /// What refuses the order would refuse this.
    pub async fn whole_plan(
        &self,
        lane: &LaneId,
        order: &PromotionOrder,
    ) -> Result<PlanView, Box<Refusal>> {
        let owners = self.owners_of(lane, order).await;
        let (mut view, asked) = self.planned(lane, order, owners)?;
        if let Some(asked) = asked {
            view.quiet_hour = Some(asked.answered(&self.shared).await);
        }
        Ok(view)
    }

    /// The same without what has to be asked for.
    ///
    /// # Errors
    /// The same.
    pub fn plan(&self, lane: &LaneId, order: &PromotionOrder) -> Result<PlanView, Box<Refusal>> {
        self.planned(lane, order, None).map(|(view, _)| view)
    }

    fn planned(
        &self,
        lane: &LaneId,
        order: &PromotionOrder,
        owners: Option<OwnersTold>,
    ) -> Result<(PlanView, Option<Asked>), Box<Refusal>> {
        self.shared.read(|project| {
            let (plan, release) = plan(project, lane, order)
                .map_err(|refusal| Box::new(naming(project, lane, *refusal)))?;
            let found = (&plan, &release);
            let mut view = self.plan_view(project, found, order.override_window);
            view.approvals = planned::approvals(project, found, owners, self.shared.now());
            let how = (release.change_type, order.override_window);
            Ok((view, Asked::about(project, &plan, how, self.shared.now())))
        })
    }

    /// Whether nothing needs an engine any more: no promotion, standby or stop, and no lane that
    /// serves with scheduled health, a soak that looks at it, or an automatic edge; and no notice is on
    /// its way.
    pub fn is_idle(&self) -> bool {
        let asked = self.shared.last_asked.load(std::sync::atomic::Ordering::SeqCst);
        let quiet = self.shared.now().since(Timestamp(asked)) >= PATIENCE_WITH_PEOPLE;
        quiet
            && self.shared.deliveries.is_quiet()
            && self.shared.read(|project| {
                let waits = project.common.proposed.is_some();
                if waits || project.lanes.values().any(|lane| !lane.is_quiet()) {
                    return false;
                }
                let Some(matrix) = &project.common.matrix else { return true };
                project.lanes.values().all(|lane| {
                    let Some((environment, section)) = matrix.lane(&lane.id) else { return true };
                    let watched = section.health.every.is_some()
                        || matrix.successors(&environment.name).any(is_automatic)
                        || soaked(matrix, &lane.id);
                    lane.serving.is_none() || !watched
                })
            })
    }

    /// Probes what serves once, now, and answers how it stands. Those who ask at once share the answers.
    pub async fn probe_now(&self, id: &LaneId) -> Option<LaneView> {
        let round = async {
            for (lane, section, deployment, role) in executor::deployments_of(&self.shared) {
                if lane == *id && role == Role::Serving {
                    let shared = Arc::clone(&self.shared);
                    prober::round(shared, lane, section, deployment, role).await;
                }
            }
            promises::look(&self.shared, id).await;
        };
        self.probed_once(id, Box::pin(round)).await;
        self.lane(id)
    }

    /// Asks the validation checks of what serves, as `validate` does; changes nothing.
    pub async fn validate(&self, id: &LaneId) -> Result<Vec<CheckView>, Box<Refusal>> {
        let found = executor::deployments_of(&self.shared);
        let serving =
            found.into_iter().find(|(lane, _, _, role)| lane == id && *role == Role::Serving);
        let Some((lane, section, deployment, _)) = serving else {
            let message = format!("{} serves nothing that could be validated", id.environment);
            let cause = "no release was promoted into it yet";
            return Err(Box::new(Refusal::new(
                RefusalKind::NotFound,
                "serves-nothing",
                message,
                cause,
            )));
        };
        Ok(questions::ask_all(&self.shared, &lane, &section, &deployment).await)
    }

    /// What visitors and probes met in a lane over the last `minutes`: totals and failures of
    /// visitors, then of probes; none where nothing serves.
    pub async fn record(&self, id: &LaneId, minutes: u64) -> Option<((u64, u64), (u64, u64))> {
        let lane = self.lane_state(id);
        let deployment = lane.serving?.deployment.number;
        let span = Span::minutes(minutes).faster(self.shared.setup.speed);
        let micros = i64::try_from(span.milliseconds() * 1000).unwrap_or(i64::MAX);
        let since = Timestamp(self.shared.now().0 - micros);
        let record = telemetry::record_of(&self.shared, id, Some(deployment), since).await.ok()?;
        Some((record.visitors, record.probes))
    }

    /// The last lines that a promotion's instances wrote, oldest first.
    pub async fn logs(
        &self,
        number: PromotionNumber,
        limit: usize,
    ) -> Result<Vec<LogLine>, String> {
        let next = Some(PromotionNumber(number.0 + 1));
        let rows = self.shared.setup.store.promotions(None, next, 1).await;
        let rows = rows.map_err(|error| error.to_string())?;
        let row = rows.into_iter().find(|row| row.number == number);
        let lane =
            row.map(|row| row.lane).ok_or_else(|| format!("there is no promotion {number}"))?;
        let spec = self.shared.read(|project| {
            let matrix = project.common.matrix.as_ref()?;
            matrix.lane(&lane).map(|(_, section)| section.target.clone())
        });
        let spec = spec.ok_or_else(|| format!("{lane} is not in the matrix any more"))?;
        let target = self.shared.setup.adapters.target(&spec)?;
        let lines = target.logs(&lane, number, limit).await.map_err(|error| error.sentence)?;
        // What was written before a secret was one is not masked on the disk.
        let masker = self.shared.setup.known.masker();
        Ok(lines
            .into_iter()
            .map(|line| LogLine { text: masker.mask(&line.text), ..line })
            .collect())
    }

    fn plan_view(&self, project: &Project, found: (&Plan, &Release), past: bool) -> PlanView {
        let ((plan, release), now) = (found, self.shared.now());
        let change = release.change_type;
        let (held, opens) = planned::holds(project, plan, change, past, now);
        let lane = project.lane(&plan.lane);
        let environment = project.common.matrix.as_ref().and_then(|matrix| matrix.lane(&plan.lane));
        let section = &plan.section;
        let serving = lane.serving.as_ref();
        let old = serving
            .and_then(|one| project.common.release_of(&plan.lane.service, &one.deployment.release));
        let steps = views::StepView::all(plan);
        let concerns = |it: &&Unenforced| it.concerns(release.change_type);
        let unenforced = || section.unenforced.iter().filter(concerns);
        let (prerequisites, validation) =
            planned::checks(project, plan).into_iter().partition(|one| one.list == "prerequisites");
        PlanView {
            format: FORMAT,
            hash: plan.hash().hex().to_owned(),
            service: plan.lane.service.to_string(),
            from: environment
                .map(|_| before(project, plan, release).iter().map(ToString::to_string).collect())
                .unwrap_or_default(),
            to: plan.lane.environment.to_string(),
            tier: environment.map_or("", |(own, _)| own.tier.as_str()).to_owned(),
            release: release.version.to_string(),
            change_type: release.change_type,
            author: release.author.as_ref().map(ToString::to_string),
            commit: release.commit.clone(),
            verified: verified_in(project, plan, release),
            replaces: serving.map(|it| (it.deployment.release.version.to_string(), time(it.since))),
            settings_changed: settings_changed(&lane, plan, old, release),
            sets_up: plan.sets_up.clone(),
            evidence: planned::brought(plan),
            migrations: release.migrations.len(),
            retires: lane
                .standby
                .as_ref()
                .map(|standby| standby.deployment.release.version.to_string()),
            retires_holdback: lane
                .standby
                .as_ref()
                .and_then(|standby| standby.holdback.as_ref().filter(|it| it.has_visitors()))
                .map(|holdback| holdback.observed.share()),
            prerequisites,
            validation,
            approvals: Vec::new(),
            instances: (section.instances, serving.map(|one| one.deployment.capacity)),
            bake_seconds: steps.iter().map(|step| step.bake_seconds).sum(),
            steps,
            standby_seconds: views::span_seconds(section.standby),
            holdback: planned::holdback(plan, release.is_irreversible()),
            goes_back: goes_back(section),
            without_evidence: planned::without_evidence(section).to_owned(),
            served_again: planned::served_again(plan),
            weights_chosen: planned::weights_chosen(plan),
            not_enforced: unenforced().map(|it| it.path.clone()).collect(),
            unenforced: unenforced().map(views::UnenforcedView::from).collect(),
            windows: planned::windows(plan, change),
            held,
            opens: opens.map(time),
            quiet_hour: None,
            overrides_window: past,
            breaks_glass: plan.break_glass,
            owes: planned::owes(plan),
            at: time(now),
        }
    }
}

fn lanes_of(matrix: Option<&Matrix>) -> Vec<LaneId> {
    let environments = matrix.into_iter().flat_map(|matrix| &matrix.environments);
    environments
        .flat_map(|environment| {
            environment.lanes.keys().map(|service| LaneId {
                service: service.clone(),
                environment: environment.name.clone(),
            })
        })
        .collect()
}

fn is_automatic(environment: &towpath_core::matrix::Environment) -> bool {
    environment.promote == towpath_core::matrix::Decider::Automatic
}

/// Whether a check of this kind looks at a lane over a long time, so that somebody has to count there.
fn is_long_look(kind: &str) -> bool {
    matches!(kind, "soak" | "stable_for" | "slo" | "error_budget")
}

/// Whether some gate looks at this lane over a long time.
fn soaked(matrix: &Matrix, lane: &LaneId) -> bool {
    let names_it = |named: Option<&serde_json::Value>| {
        let named = named.and_then(|names| names.as_array()).into_iter().flatten();
        named.filter_map(|name| name.as_str()).any(|name| name == lane.environment.as_str())
    };
    let lanes = matrix.environments.iter().flat_map(|environment| environment.lanes.values());
    let mut checks = lanes.flat_map(|lane| &lane.gate.prerequisites);
    checks.any(|check| is_long_look(&check.check.kind) && names_it(check.check.settings.get("in")))
}

/// Where a release of its type must be verified before.
fn before(project: &Project, plan: &Plan, release: &Release) -> Vec<Name> {
    let Some(matrix) = &project.common.matrix else { return Vec::new() };
    let Some((environment, section)) = matrix.lane(&plan.lane) else { return Vec::new() };
    predecessors(matrix, environment, section, release.change_type).names().to_vec()
}

fn verified_in(project: &Project, plan: &Plan, release: &Release) -> Vec<String> {
    let before = before(project, plan, release);
    let verified = before.iter().filter_map(|name| {
        let id = LaneId { service: plan.lane.service.clone(), environment: name.clone() };
        let lane = project.lanes.get(&id)?;
        let found = lane.verified.iter().find(|one| one.release.digest == plan.release.digest)?;
        Some(format!("{name} since {}", time(found.at)))
    });
    verified.collect()
}

/// Whether commands about a lane have to name its service.
pub(crate) fn has_several_services(project: &Project) -> bool {
    project.common.matrix.as_ref().is_some_and(|matrix| matrix.services.len() > 1)
}

/// The refusal with commands that work in this project as they are.
pub(crate) fn naming(project: &Project, lane: &LaneId, refusal: Refusal) -> Refusal {
    if has_several_services(project) { refusal.of_service(&lane.service) } else { refusal }
}

/// Settings of the release and of its lane; of the lane none where nobody knows those of what serves.
fn settings_changed(lane: &Lane, plan: &Plan, old: Option<&Release>, new: &Release) -> Vec<String> {
    let Some(old) = old else { return Vec::new() };
    let after = &plan.section.settings;
    let before = lane.settings_of_serving().unwrap_or(after);
    let (before, after) = (settings::in_force(old, before), settings::in_force(new, after));
    settings::changes(&before, &after).into_iter().map(|change| change.name).collect()
}

fn goes_back(section: &LaneSpec) -> Vec<String> {
    let mut phrases = Vec::new();
    let limits = &section.rollback.limits;
    if let Some(rate) = limits.error_rate {
        phrases.push(format!("errors above {}%", (rate * 10_000.0).round() / 100.0));
    }
    for limit in &limits.latency {
        phrases.push(match limit {
            towpath_guard::LatencyLimit::Factor(quantile, factor) => {
                format!("p{} {}% slower", quantile.0, ((factor - 1.0) * 100.0).round())
            }
            towpath_guard::LatencyLimit::AtMost(quantile, microseconds) => {
                format!("p{} above {}ms", quantile.0, microseconds / 1000)
            }
        });
    }
    phrases.extend(section.rollback.signals.iter().map(|signal| signal.as_str().to_owned()));
    phrases
}
