//! Check `error_budget`: so much of what may fail has not failed yet. Owns what a budget is; which promise it
//! is counted against stands in `slo`.
//!
//! The terms are those of the Site Reliability Workbook (Google, 2018, chapters 2 and 5): the budget is one
//! minus the objective, counted in requests over a window; a burn rate of one spends exactly all of it.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;
use towpath_core::check::CheckAnswer;
use towpath_core::ids::Name;
use towpath_core::release::ChangeType;
use towpath_core::units::Span;
use towpath_ports::check::{Check, CheckRequest, ServedRecord};
use towpath_ports::condition::{Comparison, Condition, Limit};
use towpath_ports::settings::Problem;
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry, KindState, Site};

use crate::promises::{self, Promise, Promised, Unread, WINDOW};
use crate::question;

pub(super) const KIND: Kind<dyn Check> = Kind {
    entry: KindEntry {
        family: Family::Check,
        name: "error_budget",
        summary: "Enough of an environment's error budget is left: what `slo` lets fail, less what failed.",
        example: "{ check: error_budget, in: production, left: \"> 10%\", except: hotfixes }",
        state: KindState::Built,
        capabilities: &["telemetry", "promises"],
        fields: &[
            Field::optional(
                "in",
                FieldType::Texts,
                "Environments of the same service, in all of which so much must be left. Left out: the one \
                 that the release wants to enter.",
            ),
            Field::optional(
                "for",
                FieldType::Span,
                "Time over which failures are counted, up to now. Left out: the window of `error_budget`, \
                 which is 30 days where nothing else is said.",
            ),
            Field {
                name: "left",
                of: FieldType::Condition,
                default: Some("> 0%"),
                doc: "How much of it must be left.",
            },
            Field {
                name: "except",
                of: FieldType::Word(&["nothing", "hotfixes", "fixes"]),
                default: Some("nothing"),
                doc: "What may enter whatever is left: nothing, hotfixes, or hotfixes and other fixes.",
            },
        ],
        validate,
    },
    build: Some(|settings, site| Ok(Arc::new(Budget::new(settings, site)?))),
};

fn validate(settings: &Value) -> Vec<Problem> {
    let mut problems = question::wrong_environments(settings);
    problems.extend(promises::wrong_window(settings, "a duration such as 30d"));
    if let Some(text) = settings.get("left").and_then(Value::as_str) {
        let wrong = match text.parse::<Condition>() {
            Ok(Condition { limit: Limit::Share(_), comparison }) => match comparison {
                Comparison::More | Comparison::AtLeast => None,
                _ => Some(format!("`{text}` would let in only what has too little left")),
            },
            Ok(_) => Some(format!("`{text}` does not speak of a share")),
            Err(wrong) => Some(wrong),
        };
        problems.extend(wrong.map(|wrong| Problem::new("left", wrong, "such as \"> 10%\"")));
    }
    problems
}

/// Checked settings; `promised` is filled in from the sections of the environments.
#[derive(Debug, Deserialize)]
struct Settings {
    r#for: Option<Span>,
    left: String,
    #[serde(default)]
    except: Except,
    #[serde(default)]
    promised: Vec<Promised>,
}

/// What may enter whatever is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Except {
    #[default]
    Nothing,
    Hotfixes,
    Fixes,
}

impl Except {
    fn lets_in(self, change: ChangeType) -> bool {
        match self {
            Self::Nothing => false,
            Self::Hotfixes => change == ChangeType::Hotfix,
            Self::Fixes => matches!(change, ChangeType::Hotfix | ChangeType::Fix),
        }
    }
}

struct Budget {
    time: Option<Span>,
    left: Condition,
    except: Except,
    promised: Vec<Promised>,
    speed: u32,
}

impl Budget {
    fn new(settings: &Value, site: &Site) -> Result<Self, String> {
        let settings = Settings::deserialize(settings)
            .map_err(|error| format!("check `error_budget`: {error}"))?;
        Ok(Self {
            time: settings.r#for,
            left: settings.left.parse()?,
            except: settings.except,
            promised: settings.promised,
            speed: site.speed,
        })
    }

    /// The answer for a release that may enter whatever is left; none for all others.
    async fn excepted(&self, request: &CheckRequest) -> Option<CheckAnswer> {
        if self.except == Except::Nothing {
            return None;
        }
        let asked = request.evidence.release(&request.lane.service, &request.release).await;
        let release = match asked {
            Ok(release) => release?,
            Err(why) => {
                let what = format!("what type of change it is cannot be read: {why}");
                return Some(CheckAnswer::inconclusive(what));
            }
        };
        let own = release.change_type.as_str();
        self.except.lets_in(release.change_type).then(|| {
            let version = &release.version;
            CheckAnswer::pass(format!("{version} is a {own}, which may enter whatever is left"))
        })
    }

    async fn ask_in(
        &self,
        promised: &Promised,
        request: &CheckRequest,
        kept: &mut Vec<Value>,
    ) -> CheckAnswer {
        let environment = &promised.environment;
        let read = promised.slo.iter().filter_map(|(key, text)| Promise::read(key, text));
        let read: Vec<Promise> = read.filter(|it| it.budget().is_some()).collect();
        if read.is_empty() {
            return CheckAnswer::inconclusive(format!(
                "{environment} promises no availability, error rate or uptime, so that there is no budget"
            ));
        }
        let window = self.time.or(promised.window).unwrap_or(WINDOW).faster(self.speed);
        let (record, over) = match promises::served(request, promised, window).await {
            Ok(found) => found,
            Err(Unread::Source(why)) => return CheckAnswer::inconclusive(why),
            Err(Unread::NothingServes) => {
                let what = format!("nothing serves in {environment} yet, so that nothing is spent");
                return CheckAnswer::pass(what);
            }
        };
        kept.push(promises::told(promised, &record, over));
        let answers = read.iter().map(|it| self.judge(it, &record, (environment, over)));
        question::all_of(&answers.collect::<Vec<_>>())
    }

    /// What is left of the budget of one promise.
    fn judge(
        &self,
        promise: &Promise,
        record: &ServedRecord,
        (environment, over): (&Name, Span),
    ) -> CheckAnswer {
        let budget = promise.budget().unwrap_or_default();
        let counted = match promise.counted(record) {
            Ok(counted) => counted,
            Err(why) => {
                return CheckAnswer::inconclusive(format!("{environment}, {}: {why}", promise.key));
            }
        };
        let unknown = counted.unknown(over);
        // Where nobody came nothing failed; of time that nobody counted that is not known.
        let (best, worst) = counted.failed_share(unknown).unwrap_or((0.0, unknown));
        let left = |failed: f64| {
            if failed <= 0.0 {
                1.0
            } else if budget > 0.0 {
                to_hundredths(1.0 - failed / budget)
            } else {
                f64::MIN
            }
        };
        let holds = |failed: f64| self.left.holds_for_share(left(failed));
        let (most, least) = (percent(left(best)), percent(left(worst)));
        let many = if most == least { most } else { format!("{least} to {most}") };
        let may = percent(budget);
        let said = format!(
            "{environment} has {many} of its error budget left over {over} ({}: {}, {may} may), wanted {}",
            promise.key,
            counted.said(),
            self.left
        );
        match (holds(best), holds(worst)) {
            (Some(true), Some(true)) => CheckAnswer::pass(said),
            (Some(false), _) => CheckAnswer::fail(said),
            _ => CheckAnswer::inconclusive(format!(
                "{said}; nothing is known of {} for {}",
                counted.what, counted.gaps
            )),
        }
    }
}

/// A share in whole hundredths of a percent, as the matrix writes them, rounded down: what is left is never
/// said to be more than it is.
fn to_hundredths(share: f64) -> f64 {
    // Shares such as 0.3 are a little more or less than that in binary.
    const NOISE: f64 = 1e-6;
    (share * 10_000.0 + NOISE).floor() / 10_000.0
}

/// A share as people read it; more than all of it is spent below zero.
fn percent(share: f64) -> String {
    if share <= f64::MIN {
        return "less than nothing".to_owned();
    }
    let hundredths = (share * 10_000.0).round() / 100.0;
    // No minus before a zero.
    format!("{}%", hundredths + 0.0)
}

#[async_trait]
impl Check for Budget {
    async fn ask(&self, request: &CheckRequest) -> CheckAnswer {
        if let Some(answer) = self.excepted(request).await {
            return answer;
        }
        let (mut answers, mut kept) = (Vec::new(), Vec::new());
        for promised in &self.promised {
            answers.push(self.ask_in(promised, request, &mut kept).await);
        }
        question::keep(request, "error-budget.json", &kept.into());
        question::worst_of(answers, "environments")
    }
}

#[cfg(test)]
mod tests;
