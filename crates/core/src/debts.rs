//! What a promotion leaves owed: a review by somebody else, a backport of what was repaired. Says what is
//! owed for which change and what of it blocks; takes no word and looks into no repository.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{Person, PromotionNumber, Version};
use crate::promotion::state::{Kind, Promotion};
use crate::release::{ChangeType, ReleaseRef};
use crate::speaking::Signed;
use crate::units::{Span, Timestamp};

/// How soon somebody else looks at a hotfix, or at a promotion that broke the glass, where the matrix
/// does not say it (trust.md, T5; issue of seed 004's special paths: within 24 hours).
pub const REVIEW_WITHIN: Span = Span::hours(24);
/// How soon the reason of a rollback that was ordered without one is given: as soon as a review.
pub const REASON_WITHIN: Span = REVIEW_WITHIN;
/// How often people are told again of what is owed and overdue, and of what waits for them where the matrix does
/// not say it: as often as whoever is on call changes.
pub const REMIND_EVERY: Span = Span::hours(24);

/// What is owed for a type of change once it serves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owes {
    /// Within which time somebody else looks at it; none: nobody has to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_within: Option<Span>,
    /// The branch that it must reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backport_to: Option<String>,
    /// Types of change that may not enter the lane while something is owed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<ChangeType>,
}

/// What is owed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum DebtKind {
    /// That somebody else looks at what was done.
    Review,
    /// That what was repaired reaches the branch that the next releases come from.
    Backport,
    /// That a rollback that was ordered without its reason gets it. No promotion leaves that, and whoever
    /// gives it amends the rollback.
    Reason,
}

impl DebtKind {
    /// Those that a promotion leaves and somebody settles.
    pub const ALL: [Self; 2] = [Self::Review, Self::Backport];

    /// As written in JSON and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Review => "review",
            Self::Backport => "backport",
            Self::Reason => "reason",
        }
    }
}

/// Something that is owed for a promotion. Each promotion owes each kind once at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debt {
    /// For which promotion.
    pub number: PromotionNumber,
    /// What.
    pub kind: DebtKind,
    /// The release that it carried.
    pub release: ReleaseRef,
    /// What served before it; a fix is what came since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<ReleaseRef>,
    /// Who ordered it.
    pub by: Person,
    /// Who made the token by which that was done, where that is somebody else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub behind: Vec<Person>,
    /// Whether the glass was broken for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub broke_glass: bool,
    /// The branch that a backport must reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Until when; none: no time is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// Types of change that may not enter the lane before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<ChangeType>,
}

/// A debt as a lane remembers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenDebt {
    /// What is owed.
    pub debt: Debt,
    /// Since when.
    pub since: Timestamp,
    /// When people were told last that it is overdue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reminded_at: Option<Timestamp>,
}

impl OpenDebt {
    /// When people are told again; none where no time is set.
    pub fn remind_at(&self) -> Option<Timestamp> {
        match self.reminded_at {
            Some(at) => Some(at.plus(REMIND_EVERY)),
            None => self.debt.due,
        }
    }

    /// `a review of promotion 12 (1.4.2)`, and where to a backport goes.
    pub fn words(&self) -> String {
        let Debt { number, kind, release, .. } = &self.debt;
        let to = self.debt.branch.as_ref().map(|to| format!(" to {to}")).unwrap_or_default();
        let why = if self.debt.broke_glass { ", which broke the glass" } else { "" };
        format!("a {}{to} of promotion {number} ({}{why})", kind.as_str(), release.version)
    }
}

/// How a debt was settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// For which promotion it was owed.
    pub number: PromotionNumber,
    /// What.
    pub kind: DebtKind,
    /// Who says so; the program, where it found the fix itself.
    pub by: Person,
    /// What they add.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Where the evidence is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The release in whose history the fix was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found_in: Option<Version>,
    /// The word as it was signed, of whoever has a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Signed>,
}

/// What is owed once a promotion that goes forward serves, in the order of [`DebtKind::ALL`]. Of one that
/// broke the glass alone the review is owed from its start.
pub(crate) fn of_commit(promotion: &Promotion, now: Timestamp) -> Vec<Debt> {
    let Some(owes) = promotion.plan.section.owes.as_ref().filter(|_| goes_forward(promotion))
    else {
        return Vec::new();
    };
    let mut all = Vec::new();
    if let Some(within) = owes.review_within.filter(|_| !promotion.plan.owes_a_look()) {
        all.push(Debt { due: Some(now.plus(within)), ..of(promotion, DebtKind::Review) });
    }
    if let Some(branch) = &owes.backport_to {
        all.push(Debt { branch: Some(branch.clone()), ..of(promotion, DebtKind::Backport) });
    }
    all
}

/// What is owed once a promotion that broke the glass takes the lane, where nobody else agreed to that.
pub(crate) fn of_start(promotion: &Promotion, now: Timestamp) -> Option<Debt> {
    let breaks = promotion.plan.owes_a_look() && goes_forward(promotion);
    let owes = promotion.plan.section.owes.as_ref();
    let within = owes.and_then(|owes| owes.review_within).unwrap_or(REVIEW_WITHIN);
    let due = Some(now.plus(within.min(REVIEW_WITHIN)));
    breaks.then(|| Debt { due, ..of(promotion, DebtKind::Review) })
}

fn goes_forward(promotion: &Promotion) -> bool {
    promotion.plan.kind == Kind::Promote
}

fn of(promotion: &Promotion, kind: DebtKind) -> Debt {
    let plan = &promotion.plan;
    Debt {
        number: promotion.number,
        kind,
        release: plan.release.clone(),
        before: plan.blue.clone(),
        by: promotion.by.clone(),
        behind: promotion.behind.clone(),
        broke_glass: plan.break_glass,
        branch: None,
        due: None,
        blocks: plan.section.owes.as_ref().map(|owes| owes.blocks.clone()).unwrap_or_default(),
    }
}
