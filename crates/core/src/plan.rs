//! What a promotion will do, with a hash that changes when and only when that changes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::approvals::ApprovalRules;
use crate::calendar::Calendar;
use crate::ids::{Digest, LaneId, Name};
use crate::matrix::{LaneSpec, Step};
use crate::promotion::state::{Kind, Lane};
use crate::release::{ChangeType, Release, ReleaseRef};
use crate::settings::SettingChange;

/// What a promotion will do. A started promotion keeps it to its end, whatever is applied meanwhile
/// (I12). Holds no times, estimates, results or names of possible approvers: it stays the same
/// while people attest and checks answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Where.
    pub lane: LaneId,
    /// Forward or back.
    pub kind: Kind,
    /// What enters.
    pub release: ReleaseRef,
    /// What serves now, and what the traffic returns to until commit. None: a first release.
    pub blue: Option<ReleaseRef>,
    /// What is declared for the lane.
    pub section: LaneSpec,
    /// The steps as they will be taken: those of the section, or one of 100% without blue, or none
    /// without a router.
    pub steps: Vec<Step>,
    /// Demands that this version does not enforce and that a person accepted by name, sorted.
    pub accepted: Vec<String>,
    /// Whether the glass is broken for it: its section asks for nothing before the start but a second person.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub break_glass: bool,
    /// The settings that it changes, where it changes nothing else: the release serves already. Empty
    /// where it brings another release.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sets_up: Vec<SettingChange>,
    /// Files that the release brings for whoever agrees, by their digests: who agreed to one did not agree
    /// to another.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub evidence: BTreeMap<Name, Digest>,
}

impl Plan {
    /// Plans to carry `release` into the lane as it stands.
    pub fn new(
        lane: &Lane,
        kind: Kind,
        release: ReleaseRef,
        section: &LaneSpec,
        accepted: &[String],
    ) -> Self {
        let blue = lane.serving.as_ref().map(|serving| serving.deployment.release.clone());
        let mut accepted = accepted.to_vec();
        accepted.sort();
        accepted.dedup();
        Self {
            lane: lane.id.clone(),
            kind,
            release,
            steps: steps(kind, blue.is_some(), section),
            blue,
            section: section.clone(),
            accepted,
            break_glass: false,
            sets_up: Vec::new(),
            evidence: BTreeMap::new(),
        }
    }

    /// The same with the glass broken: nothing of what asks for time or people before the start is left, but
    /// for a second person where the matrix asks for one. What is asked of green, the guard and the way back stay as they are declared.
    #[must_use]
    pub fn breaking_glass(mut self) -> Self {
        self.break_glass = true;
        self.section.gate.prerequisites.clear();
        self.section.approvals = self.section.approvals.and_then(ApprovalRules::with_broken_glass);
        self.section.calendar = Calendar::default();
        self
    }

    /// The same, which changes these settings and nothing else.
    #[must_use]
    pub fn setting_up(mut self, changes: Vec<SettingChange>) -> Self {
        self.sets_up = changes;
        self
    }

    /// The same with what the release brings for whoever agrees; of one that serves already that was seen.
    #[must_use]
    pub fn showing(mut self, release: &Release) -> Self {
        if !self.is_settings_alone() {
            let brought = release.evidence.iter();
            self.evidence = brought.map(|(name, one)| (name.clone(), one.digest.clone())).collect();
        }
        self
    }

    /// Whether it changes the settings of what serves, and nothing else.
    pub fn is_settings_alone(&self) -> bool {
        !self.sets_up.is_empty()
    }

    /// Whether a review is owed for breaking the glass: nobody else agreed beforehand.
    pub fn owes_a_look(&self) -> bool {
        self.break_glass && self.section.approvals.is_none()
    }

    /// What kind of change it is: a release keeps its type only where it brings more than settings.
    pub fn change_type(&self, release: &Release) -> ChangeType {
        if self.is_settings_alone() { ChangeType::Configuration } else { release.change_type }
    }

    /// The settings that its lane declares for it, by their digest.
    pub fn settings(&self) -> Digest {
        crate::settings::digest(&self.section.settings)
    }

    /// The digest of all of it. People see its first 12 digits; any unique prefix of at least
    /// [`SHORTEST_PREFIX`] names it.
    pub fn hash(&self) -> Digest {
        Digest::of_json(self)
    }
}

/// Whether `text`, a whole hash or the beginning of one, names the plan with this hash.
pub fn is_named(hash: &Digest, text: &str) -> bool {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    digits.len() >= SHORTEST_PREFIX && hash.hex().starts_with(digits)
}

/// Shortest accepted prefix of a plan's hash, in hexadecimal digits (cli.md, rule 8).
pub const SHORTEST_PREFIX: usize = 8;

fn steps(kind: Kind, has_blue: bool, section: &LaneSpec) -> Vec<Step> {
    if section.router.is_none() || kind == Kind::Rollback {
        return Vec::new();
    }
    match (has_blue, section.rollout.steps.last()) {
        // Nothing to compare with and nothing to fall back to: one step, judged by absolute limits.
        (false, Some(last)) => vec![*last],
        _ => section.rollout.steps.clone(),
    }
}
