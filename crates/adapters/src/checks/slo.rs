//! Check `slo`: an environment keeps what the matrix promises of it. Owns over which time; the promises are
//! those of the section `slo`, and the counts are the telemetry's.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use towpath_core::check::CheckAnswer;
use towpath_core::units::Span;
use towpath_ports::check::{Check, CheckRequest};
use towpath_ports::settings::Problem;
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry, KindState, Site};

use crate::promises::{self, Judged, Promise, Promised, Unread, WINDOW};
use crate::question;

pub(super) const KIND: Kind<dyn Check> = Kind {
    entry: KindEntry {
        family: Family::Check,
        name: "slo",
        summary: "An environment keeps what `slo` promises of it: uptime, availability, errors, latency.",
        example: "{ check: slo, in: staging, for: 7d }",
        state: KindState::Built,
        capabilities: &["telemetry", "promises"],
        fields: &[
            Field::optional(
                "in",
                FieldType::Texts,
                "Environments of the same service, all of which must keep their promises. Left out: the \
                 one that the release wants to enter, by what serves there.",
            ),
            Field::optional(
                "for",
                FieldType::Span,
                "How long something must have served there, up to now; counted over that time. Left out: \
                 the window of `slo`, or 30 days, or as long as something serves.",
            ),
        ],
        validate,
    },
    build: Some(|settings, site| Ok(Arc::new(Slo::new(settings, site)?))),
};

fn validate(settings: &Value) -> Vec<Problem> {
    let mut problems = question::wrong_environments(settings);
    problems.extend(promises::wrong_window(settings, "a duration such as 7d"));
    problems
}

/// Checked settings; `promised` is filled in from the sections of the environments.
#[derive(Debug, Deserialize)]
struct Settings {
    r#for: Option<Span>,
    #[serde(default)]
    promised: Vec<Promised>,
}

struct Slo {
    time: Option<Span>,
    promised: Vec<Promised>,
    speed: u32,
}

impl Slo {
    fn new(settings: &Value, site: &Site) -> Result<Self, String> {
        let settings =
            Settings::deserialize(settings).map_err(|error| format!("check `slo`: {error}"))?;
        let speed = site.speed;
        let time = settings.r#for.map(|time| time.faster(speed));
        Ok(Self { time, promised: settings.promised, speed })
    }

    async fn ask_in(
        &self,
        promised: &Promised,
        request: &CheckRequest,
        kept: &mut Vec<Value>,
    ) -> CheckAnswer {
        let environment = &promised.environment;
        let read = promised.slo.iter().filter_map(|(key, text)| Promise::read(key, text));
        let read: Vec<Promise> = read.collect();
        if read.is_empty() {
            return CheckAnswer::inconclusive(format!(
                "{environment} promises nothing that counts could tell"
            ));
        }
        let window =
            self.time.unwrap_or_else(|| promised.window.unwrap_or(WINDOW).faster(self.speed));
        let (record, over) = match promises::served(request, promised, window).await {
            Ok(found) => found,
            Err(Unread::Source(why)) => return CheckAnswer::inconclusive(why),
            Err(Unread::NothingServes) => {
                return CheckAnswer::inconclusive(format!("nothing serves in {environment} yet"));
            }
        };
        kept.push(promises::told(promised, &record, over));
        let judged: Vec<Judged> = read.iter().map(|it| it.judge(&record, over)).collect();
        let broken = judged.iter().any(|it| it.kept == Some(false));
        if let Some(wanted) = self.time.filter(|wanted| over < *wanted && !broken) {
            let at = record.serving_since.unwrap_or(request.now).plus(wanted);
            let what = format!("something has served in {environment} for {over} of {wanted}");
            return CheckAnswer::pending(at, what);
        }
        answer(&judged, environment.as_str(), over)
    }
}

/// A broken promise outweighs one of which nobody can tell.
fn answer(judged: &[Judged], environment: &str, over: Span) -> CheckAnswer {
    let sentences = |kept: Option<bool>| {
        let these = judged.iter().filter(|it| it.kept == kept).map(|it| it.sentence.as_str());
        these.collect::<Vec<_>>().join("; ")
    };
    let said = |kept| format!("{environment} over {over}: {}", sentences(kept));
    let lines: Vec<&str> = judged.iter().map(|it| it.sentence.as_str()).collect();
    let answer = if judged.iter().any(|it| it.kept == Some(false)) {
        CheckAnswer::fail(said(Some(false)))
    } else if judged.iter().any(|it| it.kept.is_none()) {
        CheckAnswer::inconclusive(said(None))
    } else {
        CheckAnswer::pass(said(Some(true)))
    };
    answer.with_output(lines.join("\n"))
}

#[async_trait]
impl Check for Slo {
    async fn ask(&self, request: &CheckRequest) -> CheckAnswer {
        let (mut answers, mut kept) = (Vec::new(), Vec::new());
        for promised in &self.promised {
            answers.push(self.ask_in(promised, request, &mut kept).await);
        }
        question::keep(request, "slo.json", &json!(kept));
        question::worst_of(answers, "environments")
    }
}

#[cfg(test)]
mod tests;
