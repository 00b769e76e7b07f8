//! Who may enter a lane: verified in the predecessors, not quarantined, nothing demanded that is
//! not enforced. Owns the refusals of `plan` and `promote`, but for those of `accepting`; starts
//! nothing.

use crate::change_types::predecessors;
use crate::ids::{LaneId, Name};
use crate::matrix::{Environment, LaneSpec, Matrix, Predecessors, Tier};
use crate::plan::{Plan, SHORTEST_PREFIX, is_named};
use crate::project::Project;
use crate::promotion::accepting::{accepts_something, unenforced};
use crate::promotion::held::has_window;
use crate::promotion::input::PromotionOrder;
use crate::promotion::state::{Kind, Lane, Outcome, Promotion};
use crate::promotion::{approving, changing, owing, owning, setting_up};
use crate::reason::{Refusal, RefusalKind};
use crate::release::{ChangeType, Release, ReleaseRef};
use crate::settings::{self, SettingChange};

/// What is asked of an order, or why it is refused.
pub(super) type Checked<T> = Result<T, Box<Refusal>>;

/// The plan of a promotion as it would be now, or why there is none. Decides nothing.
///
/// # Errors
/// The refusal that an order of the same promotion would meet, with commands to be pasted.
pub fn plan(
    project: &Project,
    lane_id: &LaneId,
    order: &PromotionOrder,
) -> Checked<(Plan, Release)> {
    planned(project, &project.lane(lane_id), order)
        .map_err(|refusal| Box::new(project.common.naming(lane_id, *refusal)))
}

/// The same of a lane as it stands in the middle of a decision.
pub(super) fn planned(
    project: &Project,
    lane: &Lane,
    order: &PromotionOrder,
) -> Checked<(Plan, Release)> {
    let (matrix, environment, section) = declared(project, &lane.id)?;
    changing::breaks_for_a_reason(lane, order)?;
    named_predecessor(matrix, environment, section, order)?;
    let release = wanted(project, lane, environment, order).map_err(|refusal| {
        // What is not enforced refuses whatever release comes next.
        let also = unenforced(lane, environment, section, None, order).err();
        let also = also.filter(|_| refusal.kind == RefusalKind::Gate);
        let all = std::iter::once(refusal.clone()).chain(also);
        Refusal::together(all).err().unwrap_or(refusal)
    })?;
    let (release, sets_up) = not_here_already(lane, section, release)?;
    let accepted = unenforced(lane, environment, section, Some(&release), order);
    // In this order: the first decides the exit code.
    let refused = [
        tier_takes_it(lane, environment, &release),
        asks(order, || approving::type_is_let_in(matrix, lane, environment, section, &release)),
        asks(order, || {
            owning::commit_is_known(matrix, lane, environment, section, (&release, &sets_up))
        }),
        asks(order, || verified(project, lane, environment, &release)),
        not_quarantined(lane, section, &release),
        changing::settings_alone(project, lane, &release, &sets_up),
        accepts_something(section, &release, order),
        asks(order, || owing::lets_in(lane, &release)),
        asks(order, || has_window(lane, environment, section, &release, order)),
    ];
    let refused = refused.into_iter().filter_map(Result::err);
    Refusal::together(refused.chain(accepted.as_ref().err().cloned()))?;
    let accepted = accepted?;
    let own = section.of_release(&release);
    let plan = Plan::new(lane, Kind::Promote, ReleaseRef::from(&release), &own, &accepted);
    let plan = plan.setting_up(sets_up).showing(&release);
    let plan = if order.break_glass { plan.breaking_glass() } else { plan };
    fresh(lane, environment, order, &plan)?;
    Ok((plan, release))
}

/// Asks what asks for time or for people before a release may enter: whoever breaks the glass goes past it.
fn asks(order: &PromotionOrder, question: impl FnOnce() -> Checked<()>) -> Checked<()> {
    if order.break_glass { Ok(()) } else { question() }
}

/// The plan of a promotion that waits, as it is by now, or why it may not enter any more.
pub(super) fn plan_again(project: &Project, lane: &Lane, waiting: &Promotion) -> Checked<Plan> {
    let (matrix, environment, section) = declared(project, &lane.id)?;
    let reference = &waiting.plan.release;
    let release = project.common.release_of(&lane.id.service, reference);
    let (release, sets_up) = setting_up::again(lane, section, waiting, release)?;
    let release = release.as_ref();
    let order = PromotionOrder {
        accept_unenforced: waiting.plan.accepted.clone(),
        // It was asked for when it was ordered.
        reason: Some("as it was ordered".to_owned()),
        override_window: waiting.overrides_window,
        break_glass: waiting.plan.break_glass,
        ..PromotionOrder::of(waiting.by.clone())
    };
    if let Some(release) = release {
        tier_takes_it(lane, environment, release)?;
        asks(&order, || verified(project, lane, environment, release))?;
        asks(&order, || approving::type_is_let_in(matrix, lane, environment, section, release))?;
        let entering = (release, sets_up.as_slice());
        asks(&order, || owning::commit_is_known(matrix, lane, environment, section, entering))?;
        changing::settings_alone(project, lane, release, &sets_up)?;
        asks(&order, || owing::lets_in(lane, release))?;
        asks(&order, || has_window(lane, environment, section, release, &order))?;
    }
    let accepted = unenforced(lane, environment, section, release, &order)?;
    let of_type = release.map(|release| section.of_release(release));
    let section = of_type.as_ref().unwrap_or(section);
    let plan = Plan::new(lane, waiting.plan.kind, reference.clone(), section, &accepted);
    let plan = plan.setting_up(sets_up);
    let plan = match release {
        Some(release) => plan.showing(release),
        None => plan,
    };
    Ok(if waiting.plan.break_glass { plan.breaking_glass() } else { plan })
}

fn declared<'a>(
    project: &'a Project,
    lane: &LaneId,
) -> Checked<(&'a Matrix, &'a Environment, &'a LaneSpec)> {
    let Some(matrix) = &project.common.matrix else {
        return Err(Box::new(Refusal::new(
            RefusalKind::Usage,
            "no-matrix",
            "nothing can be promoted",
            "no matrix has been applied",
        )));
    };
    if let Some((environment, section)) = matrix.lane(lane) {
        return Ok((matrix, environment, section));
    }
    Err(Box::new(unknown(matrix, lane)))
}

fn unknown(matrix: &Matrix, lane: &LaneId) -> Refusal {
    let known = |names: Vec<&str>| format!("the matrix has {}", names.join(", "));
    if matrix.environment(&lane.environment).is_some() {
        let services = matrix.services.keys().map(Name::as_str).collect();
        let message = format!("there is no service `{}`", lane.service);
        return Refusal::new(RefusalKind::NotFound, "no-service", message, known(services));
    }
    let names: Vec<_> = matrix.environments.iter().map(|one| one.name.as_str()).collect();
    let message = format!("there is no environment `{}`", lane.environment);
    Refusal::new(RefusalKind::NotFound, "no-environment", message, known(names))
        .next("towpath status", "what there is, and what serves where")
}

fn named_predecessor(
    matrix: &Matrix,
    environment: &Environment,
    section: &LaneSpec,
    order: &PromotionOrder,
) -> Checked<()> {
    let Some(from) = &order.from else { return Ok(()) };
    // What a hotfix comes from, for instance, where it goes round an environment.
    let is_of = |of| predecessors(matrix, environment, section, of).names().contains(from);
    if environment.after.names().contains(from) || ChangeType::ALL.into_iter().any(is_of) {
        return Ok(());
    }
    if matrix.environment(from).is_none() {
        let lane = LaneId { service: from.clone(), environment: from.clone() };
        return Err(Box::new(unknown(matrix, &lane)));
    }
    let names = environment.after.names();
    let cause = if names.is_empty() {
        format!("{} is where releases start; nothing comes before it", environment.name)
    } else {
        format!("{} comes after {}", environment.name, listed(names, "and"))
    };
    let message = format!("{from} is not where the releases of {} come from", environment.name);
    Err(Box::new(
        Refusal::new(RefusalKind::Usage, "not-a-predecessor", message, cause)
            .at(format!("environments.{}.after", environment.name))
            .next(
                format!("towpath promote {}{}", environment.name, named_release(order)),
                "without the first name",
            ),
    ))
}

/// The newest release verified in the predecessors as the matrix demands; none when there is none.
pub fn newest_verified<'a>(
    project: &'a Project,
    lane: &LaneId,
    environment: &Environment,
) -> Option<&'a Release> {
    let releases = project.common.releases.iter().rev();
    let mut own = releases.filter(|release| release.service == lane.service);
    own.find(|release| missing(project, lane, environment, release).is_empty())
}

fn wanted(
    project: &Project,
    lane: &Lane,
    environment: &Environment,
    order: &PromotionOrder,
) -> Checked<Release> {
    let service = &lane.id.service;
    let to = &environment.name;
    if let Some(version) = &order.release {
        if let Some(release) = project.common.release(service, version) {
            return Ok(release.clone());
        }
        let message = format!("there is no release {version} of {service}");
        let refusal = Refusal::new(
            RefusalKind::NotFound,
            "no-release",
            message,
            format!("{} releases of {service} are known", count_of(project, service)),
        );
        return Err(Box::new(refusal.next("towpath release list", "those that exist")));
    }
    if environment.after == Predecessors::Root {
        let message = format!("which release shall enter {to}?");
        let cause = format!("{to} is where releases start, so none is verified before it");
        let newest = project.common.releases.iter().rev().find(|one| one.service == *service);
        let version = newest.map_or("VERSION".to_owned(), |one| one.version.to_string());
        return Err(Box::new(
            Refusal::new(RefusalKind::Usage, "release-needed", message, cause)
                .next(format!("towpath promote {to} --release {version}"), "the newest release"),
        ));
    }
    newest_verified(project, &lane.id, environment).cloned().ok_or_else(|| {
        let names = listed(environment.after.names(), "and");
        let message = format!("nothing may enter {to}; {}", serves(lane));
        Box::new(
            Refusal::new(
                RefusalKind::Gate,
                "not-verified",
                message,
                format!("no release of {service} is verified in {names}"),
            )
            .at(format!("environments.{to}.after"))
            .next("towpath status", "what serves where"),
        )
    })
}

fn count_of(project: &Project, service: &Name) -> usize {
    project.common.releases.iter().filter(|release| release.service == *service).count()
}

/// The release, and the settings that alone would change where it serves already: it enters again under
/// them, as a change of another type.
fn not_here_already(
    lane: &Lane,
    section: &LaneSpec,
    release: Release,
) -> Checked<(Release, Vec<SettingChange>)> {
    let Some(serving) = &lane.serving else { return Ok((release, Vec::new())) };
    let same = serving.deployment.release == ReleaseRef::from(&release);
    if same && lane.is_verified(&release.digest) {
        let moved = setting_up::moved(lane, section, &release);
        if !moved.is_empty() {
            return Ok((setting_up::as_configuration(release), moved));
        }
        let to = &lane.id.environment;
        let message =
            format!("{to} already serves {}; there is nothing to promote", release.version);
        return Err(Box::new(Refusal {
            code: "already-serves".to_owned(),
            kind: RefusalKind::AlreadySo,
            message,
            cause: None,
            place: None,
            next: Vec::new(),
            also: Vec::new(),
        }));
    }
    Ok((release, Vec::new()))
}

fn tier_takes_it(lane: &Lane, environment: &Environment, release: &Release) -> Checked<()> {
    if !release.snapshot || environment.tier == Tier::Development {
        return Ok(());
    }
    let message =
        format!("{} may not enter {}; {}", release.version, environment.name, serves(lane));
    Err(Box::new(
        Refusal::new(
            RefusalKind::Gate,
            "snapshot",
            message,
            "it is a snapshot of a working tree, which only development tiers take",
        )
        .next("towpath release create VERSION --artifact NAME=PATH", "a release of the same"),
    ))
}

/// Predecessors in which the release is not verified, as far as the matrix demands them.
fn missing(
    project: &Project,
    lane: &LaneId,
    environment: &Environment,
    release: &Release,
) -> Vec<Name> {
    let verified_in = |name: &Name| {
        let before = LaneId { service: lane.service.clone(), environment: name.clone() };
        project.is_verified(&before, &release.digest)
    };
    match changing::predecessors(project, lane, environment, release) {
        Predecessors::Root => Vec::new(),
        Predecessors::All(names) => names.into_iter().filter(|name| !verified_in(name)).collect(),
        Predecessors::Any(names) if names.iter().any(verified_in) => Vec::new(),
        Predecessors::Any(names) => names,
    }
}

fn verified(
    project: &Project,
    lane: &Lane,
    environment: &Environment,
    release: &Release,
) -> Checked<()> {
    let missing = missing(project, &lane.id, environment, release);
    let Some(first) = missing.first() else { return Ok(()) };
    let version = &release.version;
    let to = &environment.name;
    let before = LaneId { service: lane.id.service.clone(), environment: first.clone() };
    let before = project.lane(&before);
    let cause = format!(
        "{version} is not verified in {}{}",
        listed(&missing, "and"),
        why_not_verified(&before, release)
    );
    let message = format!("{version} may not enter {to} yet; {}", serves(lane));
    let mut refusal = Refusal::new(RefusalKind::Gate, "not-verified", message, cause)
        .at(format!("environments.{to}.after"));
    if let Some(active) =
        before.active.as_ref().filter(|one| one.plan.release.digest == release.digest)
    {
        refusal = refusal.next(format!("towpath watch {}", active.number), "until it ends");
    } else {
        refusal = refusal
            .next(format!("towpath promote {first} --release {version}"), "verify it there first");
    }
    if let Some(newest) = newest_verified(project, &lane.id, environment) {
        let what = format!("{}, the newest that is verified", newest.version);
        refusal = refusal.next(format!("towpath promote {first} {to}"), what);
    }
    Err(Box::new(refusal))
}

fn why_not_verified(before: &Lane, release: &Release) -> String {
    let is_it = |other: &ReleaseRef| other.digest == release.digest;
    if let Some(active) = before.active.as_ref().filter(|one| is_it(&one.plan.release)) {
        return format!(": its promotion there ({}) is {}", active.number, active.state.word());
    }
    if let Some(waiting) = before.waiting.iter().find(|one| is_it(&one.plan.release)) {
        return format!(": its promotion there ({}) waits", waiting.number);
    }
    match before.ended.iter().rev().find(|ended| is_it(&ended.release)) {
        Some(ended) if ended.outcome == Outcome::Succeeded => {
            format!(": promotion {} verified it there, and that was taken back since", ended.number)
        }
        Some(ended) => {
            format!(": its promotion there ({}) ended {}", ended.number, ended.outcome.as_str())
        }
        None => ": it was never promoted there".to_owned(),
    }
}

fn not_quarantined(lane: &Lane, section: &LaneSpec, release: &Release) -> Checked<()> {
    let settings = settings::digest(&section.settings);
    let found = lane.quarantine_under(&release.digest, Some(&settings));
    let Some(quarantine) = found else { return Ok(()) };
    let to = &lane.id.environment;
    let version = &release.version;
    let (what, place) = match &quarantine.settings {
        None => (
            "quarantined",
            format!(
                "sha256:{}; the same content under another version is refused as well",
                release.digest.short()
            ),
        ),
        Some(_) => (
            "quarantined under these settings",
            format!("environments.{to}.settings; other settings of it may enter"),
        ),
    };
    let cause = format!("{what}: {} (promotion {})", quarantine.reason, quarantine.promotion);
    let message = format!("{version} may not enter {to}; {}", serves(lane));
    Err(Box::new(Refusal::new(RefusalKind::Gate, "quarantined", message, cause).at(place).next(
        format!("towpath quarantine lift {to} {version} --reason \"REASON\""),
        "lets it try again",
    )))
}

/// The predecessor that the order named, to stand before the environment in a command.
pub(super) fn named_from(order: &PromotionOrder) -> String {
    order.from.as_ref().map(|from| format!("{from} ")).unwrap_or_default()
}

/// The release that the order named, to stand at the end of a command.
pub(super) fn named_release(order: &PromotionOrder) -> String {
    order.release.as_ref().map(|version| format!(" --release {version}")).unwrap_or_default()
}

fn fresh(
    lane: &Lane,
    environment: &Environment,
    order: &PromotionOrder,
    plan: &Plan,
) -> Checked<()> {
    let Some(wanted) = &order.plan else { return Ok(()) };
    let wanted = wanted.strip_prefix("sha256:").unwrap_or(wanted);
    let hash = plan.hash();
    if is_named(&hash, wanted) {
        return Ok(());
    }
    let to = &environment.name;
    if wanted.len() < SHORTEST_PREFIX {
        let cause = format!("a plan is named by at least {SHORTEST_PREFIX} digits of its hash");
        let message = format!("`{wanted}` does not name a plan");
        return Err(Box::new(Refusal::new(RefusalKind::Usage, "plan-too-short", message, cause)));
    }
    let shown: String = wanted.chars().take(12).collect();
    let message = format!("plan {shown} is no longer what would happen; {}", serves(lane));
    let cause =
        "since that plan the release, what serves, or what is declared for the lane changed";
    let from = named_from(order);
    let release = named_release(order);
    Err(Box::new(
        Refusal::new(RefusalKind::Conflict, "stale-plan", message, cause)
            .next(format!("towpath plan {from}{to}{release}"), "the plan as it is now")
            .next(
                format!("towpath promote {from}{to}{release} --plan {}", hash.short()),
                "carries that one out",
            ),
    ))
}

/// What serves, for the end of a refusal's first line.
pub(super) fn serves(lane: &Lane) -> String {
    let environment = &lane.id.environment;
    match &lane.serving {
        Some(serving) => {
            format!("{environment} still serves {}", serving.deployment.release.version)
        }
        None => format!("{environment} serves nothing yet"),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(names: &[Name], last: &str) -> String {
    match names {
        [] => String::new(),
        [one] => one.to_string(),
        [most @ .., end] => {
            let most: Vec<_> = most.iter().map(Name::as_str).collect();
            format!("{} {last} {end}", most.join(", "))
        }
    }
}
