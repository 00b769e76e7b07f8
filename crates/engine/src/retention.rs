//! Which kept bytes may still be needed, and a look once an hour that lets the others go. Owns that
//! choice; the store of the bytes knows how to remove them.
//!
//! In doubt bytes stay: those of a release that serves, stands by, is on its way, waits, may be gone
//! back to, was created lately or was never promoted.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use towpath_core::ids::{Digest, LaneId};
use towpath_core::project::Project;
use towpath_core::promotion::input::PromotionOrder;
use towpath_core::promotion::plan;
use towpath_core::promotion::state::{Lane, REMEMBERED};
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_core::release::{ArtifactForm, Release};
use towpath_core::units::{Span, Timestamp};
use towpath_ports::artifacts::Named;

use crate::run_loop::Engine;
use crate::shared::Shared;

/// Time between two looks.
const EVERY: Span = Span::hours(1);
/// How long the bytes of a release stay whatever became of it: a month, within which somebody may
/// still ask what it was.
const LATELY: Span = Span::hours(30 * 24);
/// Releases verified in a lane whose bytes stay for a rollback, the latest ones: as many as a lane
/// remembers ended promotions.
const VERIFIED_KEPT: usize = REMEMBERED;

/// A release, and whether it can still be started.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ReleaseView {
    /// The release.
    #[serde(flatten)]
    pub release: Release,
    /// Whether bytes of it are gone; it must be created again before it can be promoted.
    #[serde(default)]
    pub bytes_gone: bool,
}

/// Lets go what nobody needs, once at the start and then every hour of declared time, until the
/// engine stops.
pub(crate) fn spawn(shared: &Arc<Shared>) {
    let shared = Arc::clone(shared);
    let pause = Duration::from_millis(EVERY.faster(shared.setup.speed).milliseconds());
    tokio::spawn(async move {
        while !shared.is_stopped() {
            // An engine that cannot write its journal may not know what others did.
            if shared.store_answers.load(Ordering::SeqCst) {
                look(&shared).await;
            }
            tokio::time::sleep(pause).await;
        }
    });
}

async fn look(shared: &Shared) {
    let named = shared.read(|project| named(project, shared.now(), shared.setup.speed));
    match shared.setup.artifacts.sweep(&named).await {
        Ok(0) => {}
        Ok(bytes) => tracing::info!(bytes, "kept bytes that nobody needs any more were removed"),
        Err(error) => tracing::warn!(%error, "kept bytes could not be removed"),
    }
}

/// What the journal says of kept bytes; those of known releases that no release needs any more may go. Of what
/// it does not know nothing can be said, and it stays.
fn named(project: &Project, now: Timestamp, speed: u32) -> Named {
    let all: BTreeSet<Digest> = project.common.releases.iter().flat_map(bytes_of).collect();
    let unneeded = &all - &wanted(project, now, speed);
    Named { all, unneeded }
}

/// Digests of the bytes that must stay.
fn wanted(project: &Project, now: Timestamp, speed: u32) -> BTreeSet<Digest> {
    let lately = LATELY.faster(speed);
    let mut needed = BTreeSet::new();
    let mut promoted = BTreeSet::new();
    for lane in project.lanes.values() {
        needed.extend(needed_in(lane, now, lately));
        promoted.extend(promoted_in(lane));
    }
    let stays = |release: &&Release| {
        needed.contains(&release.digest)
            || !promoted.contains(&release.digest)
            || now.since(release.created_at) < lately
    };
    project.common.releases.iter().filter(stays).flat_map(bytes_of).collect()
}

/// Releases whose bytes the lane may still need.
fn needed_in(lane: &Lane, now: Timestamp, lately: Span) -> BTreeSet<Digest> {
    let mut needed = BTreeSet::new();
    needed.extend(lane.serving.iter().map(|it| it.deployment.release.digest.clone()));
    needed.extend(lane.standby.iter().map(|it| it.deployment.release.digest.clone()));
    for promotion in lane.active.iter().chain(&lane.waiting) {
        needed.insert(promotion.plan.release.digest.clone());
        let arms = promotion.blue.iter().chain(&promotion.green);
        needed.extend(arms.map(|deployment| deployment.release.digest.clone()));
    }
    let mut latest: Vec<&Digest> = Vec::new();
    for digest in lane.verified.iter().rev().map(|it| &it.release.digest) {
        // The same release under several settings is one.
        if !latest.contains(&digest) {
            latest.push(digest);
        }
    }
    let may_return = latest.into_iter().filter(|digest| lane.quarantine_of(digest).is_none());
    needed.extend(may_return.take(VERIFIED_KEPT).cloned());
    // What is being stopped may be of any of them.
    let is_stopping = !lane.stopping.is_empty() || !lane.stop_again.is_empty();
    let ended = lane.ended.iter().filter(|it| is_stopping || now.since(it.at) < lately);
    needed.extend(ended.map(|it| it.release.digest.clone()));
    needed
}

/// Releases that came into the lane, as far as it remembers. One that it forgot counts as never
/// promoted, and stays.
fn promoted_in(lane: &Lane) -> impl Iterator<Item = Digest> {
    let verified = lane.verified.iter().map(|it| it.release.digest.clone());
    let ended = lane.ended.iter().map(|it| it.release.digest.clone());
    let quarantined = lane.quarantined.iter().map(|it| it.release.digest.clone());
    verified.chain(ended).chain(quarantined)
}

/// Digests of all bytes that a release consists of here; of an image none, for a registry has them.
fn bytes_of(release: &Release) -> impl Iterator<Item = Digest> {
    let artifacts = release.artifacts.values();
    let here = artifacts.filter(|artifact| artifact.form != ArtifactForm::Image);
    let migrations = release.migrations.iter().map(|migration| migration.digest.clone());
    here.map(|artifact| artifact.digest.clone()).chain(migrations)
}

/// What a release needs to be started.
fn to_start(release: &Release) -> impl Iterator<Item = Digest> {
    let artifacts = release.artifacts.values();
    let here = artifacts.filter(|artifact| artifact.form != ArtifactForm::Image);
    here.map(|artifact| artifact.digest.clone())
}

impl Engine {
    /// All releases, oldest first, each with whether its bytes are still kept.
    pub async fn release_views(&self) -> Vec<ReleaseView> {
        self.shown_releases(self.releases(None)).await
    }

    /// These releases, each with whether its bytes are still kept.
    pub async fn shown_releases(&self, releases: Vec<Release>) -> Vec<ReleaseView> {
        let asked = releases.iter().flat_map(to_start).collect();
        let gone = self.shared.setup.artifacts.gone(&asked).await;
        let view = |release: Release| {
            let bytes_gone = to_start(&release).any(|digest| gone.contains(&digest));
            ReleaseView { release, bytes_gone }
        };
        releases.into_iter().map(view).collect()
    }

    /// Whether the release that `order` would carry can be started.
    ///
    /// # Errors
    /// A refusal when its bytes are gone. Every other reason not to promote is told by the order
    /// itself.
    pub async fn ensure_bytes(
        &self,
        lane: &LaneId,
        order: &PromotionOrder,
    ) -> Result<(), Box<Refusal>> {
        let planned = self.shared.read(|project| plan(project, lane, order));
        let Ok((_, release)) = planned else { return Ok(()) };
        let asked = to_start(&release).collect();
        if self.shared.setup.artifacts.gone(&asked).await.is_empty() {
            return Ok(());
        }
        Err(Box::new(bytes_gone(&release, lane)))
    }
}

fn bytes_gone(release: &Release, lane: &LaneId) -> Refusal {
    let version = &release.version;
    let message =
        format!("{version} cannot be started in {}; nothing was started", lane.environment);
    let cause = "its bytes are not kept any more";
    let sources = release.artifacts.iter().map(|(name, artifact)| (name, &artifact.source));
    let sources: Vec<_> =
        sources.map(|(name, from)| format!("--artifact {name} from {from}")).collect();
    Refusal::new(RefusalKind::Gate, "bytes-gone", message, cause).at(sources.join(", ")).next(
        format!("towpath release create {version} --artifact NAME=SOURCE"),
        "create it again from the same bytes",
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use towpath_core::deployment::Deployment;
    use towpath_core::ids::{Name, PromotionNumber, Version};
    use towpath_core::promotion::state::{
        Ended, Kind, Outcome, Quarantine, Serving, Standby, Verified,
    };
    use towpath_core::release::{Artifact, ChangeType, Migration, ReleaseRef};

    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn before(days: u64) -> Timestamp {
        Timestamp(NOW.0 - i64::try_from(days * 24 * 3_600_000_000).unwrap())
    }

    fn release(version: &str, days_ago: u64) -> Release {
        let digest = Digest::of(format!("bytes of {version}").as_bytes());
        let form = ArtifactForm::File;
        let artifact = Artifact { digest, form, source: String::new(), size: 1 };
        let artifacts = BTreeMap::from([(name("api"), artifact)]);
        let digest = Digest::of(format!("migration of {version}").as_bytes());
        let migrations = vec![Migration { name: "0001".to_owned(), digest, reversible: true }];
        Release {
            service: name("api"),
            version: Version::new(version).unwrap(),
            digest: Release::content_digest(&artifacts, &BTreeMap::new(), &migrations),
            artifacts,
            settings: BTreeMap::new(),
            migrations,
            commit: None,
            branch: None,
            author: None,
            change_type: ChangeType::Feature,
            type_by: None,
            evidence: std::collections::BTreeMap::new(),
            snapshot: false,
            created_by: None,
            behind: Vec::new(),
            created_at: before(days_ago),
        }
    }

    /// A lane in which all of these were verified long ago, in this order.
    fn lane(environment: &str, verified: &[&Release]) -> Lane {
        let mut lane = Lane::new(LaneId { service: name("api"), environment: name(environment) });
        for release in verified {
            let release = ReleaseRef::from(*release);
            lane.verified.push(Verified {
                release,
                promotion: PromotionNumber(1),
                at: before(90),
                evidence: BTreeSet::new(),
                settings: None,
            });
        }
        lane
    }

    fn deployment(release: &Release) -> Deployment {
        let (number, release) = (PromotionNumber(1), ReleaseRef::from(release));
        Deployment { number, release, capacity: 1, endpoints: Vec::new() }
    }

    fn project(releases: &[Release], lanes: Vec<Lane>) -> Project {
        let mut project = Project::default();
        project.common.releases = releases.iter().cloned().collect();
        project.lanes = lanes.into_iter().map(|lane| (lane.id.clone(), lane)).collect();
        project
    }

    /// The versions of `releases` whose bytes stay; all bytes of a release or none.
    fn stay(project: &Project) -> Vec<String> {
        let wanted = wanted(project, NOW, 1);
        let stays = |release: &&Release| {
            let kept = bytes_of(release).filter(|digest| wanted.contains(digest)).count();
            assert!(kept == 0 || kept == 2, "half of {}", release.version);
            kept == 2
        };
        let releases = project.common.releases.iter();
        releases.filter(stays).map(|release| release.version.to_string()).collect()
    }

    #[test]
    fn the_latest_that_may_be_gone_back_to_stay_in_each_lane_and_older_ones_go() {
        let releases: Vec<_> = (0..30).map(|index| release(&format!("1.{index}"), 90)).collect();
        let all: Vec<_> = releases.iter().collect();
        let mut live = lane("live", &all);
        let quarantined = Quarantine {
            release: ReleaseRef::from(&releases[29]),
            reason: String::new(),
            promotion: PromotionNumber(1),
            since: before(60),
            settings: None,
        };
        live.quarantined.push(quarantined);
        let kept = stay(&project(&releases, vec![live, lane("test", &all[..1])]));
        let wanted: Vec<_> =
            std::iter::once(0).chain(9..29).map(|index| format!("1.{index}")).collect();
        assert_eq!(kept, wanted, "1.0 for the sake of the other lane, 1.29 is quarantined");
    }

    #[test]
    fn what_runs_what_is_young_and_what_was_never_promoted_stays() {
        let releases = ["serves", "stands-by", "ended-lately", "ended", "never", "young"]
            .map(|version| release(version, if version == "young" { 29 } else { 90 }));
        let [serves, stands_by, ended_lately, ended, _, young] = &releases;
        let mut live = lane("live", &[]);
        let promotion = PromotionNumber(1);
        let since = before(80);
        live.serving =
            Some(Serving { deployment: deployment(serves), promotion, since, settings: None });
        live.standby = Some(Standby {
            deployment: deployment(stands_by),
            until: NOW,
            holdback: None,
            settings: None,
        });
        for (release, days) in [(ended_lately, 29), (ended, 31), (young, 31)] {
            live.ended.push(Ended {
                requested_at: None,
                trace: None,
                number: promotion,
                kind: Kind::Promote,
                release: ReleaseRef::from(release),
                outcome: Outcome::Failed,
                at: before(days),
                offered_by: None,
                settings: None,
            });
        }
        let mut project = project(&releases, vec![live]);
        assert_eq!(stay(&project), ["serves", "stands-by", "ended-lately", "never", "young"]);
        let live = project.lanes.values_mut().next().unwrap();
        live.stop_again.insert(PromotionNumber(1), NOW);
        assert!(stay(&project).contains(&"ended".to_owned()), "it may be what is being stopped");
    }

    #[test]
    fn versions_that_share_content_keep_it_for_each_other() {
        let old = release("1.0", 90);
        let same =
            Release { version: Version::new("2.0").unwrap(), created_at: NOW, ..old.clone() };
        let mut live = lane("live", &[]);
        live.ended.push(Ended {
            requested_at: None,
            trace: None,
            number: PromotionNumber(1),
            kind: Kind::Promote,
            release: ReleaseRef::from(&old),
            outcome: Outcome::Failed,
            at: before(60),
            offered_by: None,
            settings: None,
        });
        assert_eq!(stay(&project(&[old, same], vec![live])), ["1.0", "2.0"]);
    }
}
