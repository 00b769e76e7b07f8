//! The four figures of delivery, the wait for agreement and the share of rollbacks, each over the whole time and by
//! weeks. Owns what is counted and says how; draws nothing.

use std::collections::HashMap;

use towpath_core::ids::PromotionNumber;
use towpath_core::promotion::state::{Kind, Outcome};
use towpath_engine::Moments;

use super::digest::{Fact, seconds};
use super::figures::{middle, real};
use crate::pages::marks::took;

/// The time that is looked at, cut into pieces.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// In seconds since 1970.
    pub(super) since: i64,
    pub(super) now: i64,
    pub(super) days: i64,
}

impl Window {
    /// How many days one piece has: a week of 30 days, a day of a week.
    pub(super) fn piece(self) -> i64 {
        if self.days > 7 { 7 } else { 1 }
    }

    /// How many pieces there are; the first may be a part of one.
    pub(super) fn pieces(self) -> usize {
        let piece = self.piece();
        usize::try_from((self.days + piece - 1) / piece).unwrap_or(1).max(1)
    }

    /// In which piece a moment lies, counted back from now; none outside.
    fn of(self, at: i64) -> Option<usize> {
        let back = usize::try_from((self.now - at).max(0) / (self.piece() * 86_400)).ok()?;
        (at >= self.since).then(|| self.pieces().checked_sub(1 + back))?
    }
}

/// One figure.
#[derive(Debug)]
pub(super) struct Figure {
    pub(super) name: &'static str,
    pub(super) value: String,
    /// What stands beside it, small.
    pub(super) more: String,
    pub(super) means: &'static str,
    /// By pieces of the window, oldest first; none where nothing was counted.
    pub(super) weeks: Vec<Option<f64>>,
    /// The figure of a piece, in words.
    pub(super) said: fn(f64) -> String,
}

/// When promotions met what is counted here.
pub(super) struct Met<'a> {
    pub(super) condemned: &'a Moments,
    pub(super) return_ordered: &'a Moments,
    pub(super) returned: &'a Moments,
    pub(super) agreed: &'a Moments,
}

/// What is counted about: promotions into production, and what is known of them.
pub(super) struct Counted<'a> {
    pub(super) all: &'a [&'a Fact],
    pub(super) production: &'a [String],
    pub(super) met: &'a Met<'a>,
    pub(super) window: Window,
}

impl Counted<'_> {
    fn is_there(&self, one: &Fact) -> bool {
        self.production.is_empty() || self.production.iter().any(|name| **name == *one.to)
    }

    fn to_production(&self) -> impl Iterator<Item = &Fact> {
        let own = self.all.iter().copied().filter(|one| one.kind == Kind::Promote);
        own.filter(|one| self.is_there(one))
    }

    /// Promotions that moved a visitor, each with whether it went back, or was rolled back later.
    fn moved(&self) -> Vec<(i64, bool)> {
        let moved = self.to_production().filter(|one| {
            matches!(one.outcome, Some(Outcome::Succeeded | Outcome::RolledBack)) || one.moved
        });
        // The last rollback of each release in each lane.
        let mut back: HashMap<(&str, &str, &str), u64> = HashMap::new();
        for one in self.all.iter().filter(|one| one.kind == Kind::Rollback) {
            let Some(release) = &one.replaces else { continue };
            let last = back.entry((&*one.service, &*one.to, &**release)).or_default();
            *last = one.number.max(*last);
        }
        let was_taken_back = |one: &Fact| {
            let last = back.get(&(&*one.service, &*one.to, &*one.release));
            last.is_some_and(|last| *last > one.number)
        };
        let each = moved.map(|one| {
            let went = one.outcome == Some(Outcome::RolledBack) || was_taken_back(one);
            (one.ended, went)
        });
        each.collect()
    }

    /// By piece: the middle one of some spans.
    fn middles(&self, spans: &[(i64, f64)]) -> Vec<Option<f64>> {
        let of = |piece: usize| {
            let own = spans.iter().filter(|(at, _)| self.window.of(*at) == Some(piece));
            middle(own.map(|(_, span)| *span), 0.5)
        };
        (0..self.window.pieces()).map(of).collect()
    }

    /// By piece: the share of those that are so.
    fn shares(&self, all: &[(i64, bool)]) -> Vec<Option<f64>> {
        let of = |piece: usize| {
            let own: Vec<bool> = all
                .iter()
                .filter(|(at, _)| self.window.of(*at) == Some(piece))
                .map(|(_, so)| *so)
                .collect();
            let so = own.iter().filter(|so| **so).count();
            (!own.is_empty()).then(|| real(so) / real(own.len()))
        };
        (0..self.window.pieces()).map(of).collect()
    }
}

fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

fn per_day(rate: f64) -> String {
    format!("{rate:.1} a day")
}

fn none() -> String {
    "none yet".to_owned()
}

pub(super) fn figures(counted: &Counted<'_>) -> Vec<Figure> {
    vec![
        frequency(counted),
        lead(counted),
        failures(counted),
        recovery(counted),
        approvals(counted),
        rollbacks(counted),
    ]
}

fn frequency(counted: &Counted<'_>) -> Figure {
    let well = counted.to_production().filter(|one| one.outcome == Some(Outcome::Succeeded));
    let ends: Vec<i64> = well.map(|one| one.ended).collect();
    let window = counted.window;
    #[expect(clippy::cast_precision_loss, reason = "a few days")]
    let (days, piece) = (window.days.max(1) as f64, window.piece() as f64);
    let of = |at: usize| {
        let own = ends.iter().filter(|end| window.of(**end) == Some(at)).count();
        Some(real(own) / piece)
    };
    Figure {
        name: "Deployment frequency",
        value: per_day(real(ends.len()) / days),
        more: String::new(),
        means: "Promotions into production that succeeded, per day.",
        weeks: (0..window.pieces()).map(of).collect(),
        said: per_day,
    }
}

fn lead(counted: &Counted<'_>) -> Figure {
    let spans: Vec<(i64, f64)> = counted
        .to_production()
        .filter(|one| one.outcome == Some(Outcome::Succeeded))
        .filter_map(|one| Some((one.ended, one.lead?)))
        .collect();
    let all = || spans.iter().map(|(_, span)| *span);
    Figure {
        name: "Lead time",
        value: middle(all(), 0.5).map_or_else(none, took),
        more: middle(all(), 0.9)
            .map(|p90| format!("median, p90 {}", took(p90)))
            .unwrap_or_default(),
        means: "From the creation of a release, which is when its build was handed over, until it has 100% of the traffic in production. The time of its commit is not kept.",
        weeks: counted.middles(&spans),
        said: took,
    }
}

fn failures(counted: &Counted<'_>) -> Figure {
    let moved = counted.moved();
    let means = "Promotions into production that went back, or were rolled back later, by an incident or a person, of all that moved a visitor.";
    share(counted, "Change failure rate", means, &moved)
}

/// How many of some are so.
fn share(
    counted: &Counted<'_>,
    name: &'static str,
    means: &'static str,
    all: &[(i64, bool)],
) -> Figure {
    let so = all.iter().filter(|(_, so)| *so).count();
    let is_none = all.is_empty();
    Figure {
        name,
        value: if is_none { none() } else { percent(real(so) / real(all.len())) },
        more: if is_none { String::new() } else { format!("{so} of {}", all.len()) },
        means,
        weeks: counted.shares(all),
        said: percent,
    }
}

/// The middle one of some spans.
fn median(
    counted: &Counted<'_>,
    name: &'static str,
    means: &'static str,
    spans: &[(i64, f64)],
) -> Figure {
    Figure {
        name,
        value: middle(spans.iter().map(|(_, span)| *span), 0.5).map_or_else(none, took),
        more: if spans.is_empty() { String::new() } else { format!("median of {}", spans.len()) },
        means,
        weeks: counted.middles(spans),
        said: took,
    }
}

fn recovery(counted: &Counted<'_>) -> Figure {
    let spans: Vec<(i64, f64)> = counted
        .all
        .iter()
        .filter(|one| counted.is_there(one))
        .filter_map(|one| {
            let at = one.ended;
            if one.kind == Kind::Rollback {
                return (one.outcome == Some(Outcome::Succeeded)).then_some((at, one.seconds?));
            }
            if one.outcome != Some(Outcome::RolledBack) {
                return None;
            }
            let (met, number) = (counted.met, PromotionNumber(one.number));
            let seen = met.condemned.get(&number).or_else(|| met.return_ordered.get(&number))?.0;
            let back = met.returned.get(&number)?.1;
            Some((at, seconds(seen, back)))
        })
        .collect();
    let means = "In production: from the verdict, the alarm or the order until all traffic is back on the release before.";
    median(counted, "Recovery", means, &spans)
}

fn approvals(counted: &Counted<'_>) -> Figure {
    let spans: Vec<(i64, f64)> = counted
        .all
        .iter()
        .filter_map(|one| {
            let agreed = counted.met.agreed.get(&PromotionNumber(one.number))?.1;
            Some((one.ended, seconds(one.requested, agreed)))
        })
        .collect();
    let means = "From the order of a promotion until the last word that it waited for, everywhere.";
    median(counted, "Approval wait", means, &spans)
}

fn rollbacks(counted: &Counted<'_>) -> Figure {
    let all: Vec<(i64, bool)> = counted
        .all
        .iter()
        .filter(|one| one.began)
        .map(|one| {
            let back = one.kind == Kind::Rollback || one.outcome == Some(Outcome::RolledBack);
            (one.ended, back)
        })
        .collect();
    let means = "Rollbacks, and promotions that went back, of all that began, everywhere.";
    share(counted, "Rollback rate", means, &all)
}

#[cfg(test)]
mod tests {
    use super::Window;

    #[test]
    fn pieces_are_counted_back_from_now() {
        let day = 86_400;
        let window = Window { since: 0, now: 30 * day, days: 30 };
        assert_eq!((window.piece(), window.pieces()), (7, 5));
        assert_eq!(window.of(30 * day), Some(4));
        assert_eq!(window.of(23 * day + 1), Some(4));
        assert_eq!(window.of(23 * day), Some(3));
        assert_eq!(window.of(0), Some(0), "the first piece is what is left");
        assert_eq!(window.of(-1), None);
        assert_eq!(Window { since: 0, now: 7 * day, days: 7 }.pieces(), 7);
    }
}
