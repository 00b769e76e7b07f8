//! How severe findings are, and how many of each severity are borne. Owns the words, the order and
//! the setting `allow`; what tools say of a severity is read by their checks.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;
use towpath_ports::settings::Problem;

use super::grouped;

/// As they stand in `allow`, the most severe first.
pub(crate) const SEVERITIES: &[&str] = &["critical", "high", "medium", "low"];

/// The worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    Critical,
    High,
    Medium,
    Low,
}

impl Severity {
    /// Its word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }

    /// By its English word, in any case; none for another word.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "critical" => Some(Self::Critical),
            "high" => Some(Self::High),
            "medium" => Some(Self::Medium),
            "low" => Some(Self::Low),
            _ => None,
        }
    }

    /// Of a score from 0.0 to 10.0: from 9.0 critical, 7.0 high, 4.0 medium, 0.1 low (CVSS 3.1,
    /// section 5, "Qualitative Severity Rating Scale"); zero and what is out of range says nothing.
    pub(crate) fn of_score(score: f64) -> Option<Self> {
        match score {
            score if !(score > 0.0 && score <= 10.0) => None,
            score if score >= 9.0 => Some(Self::Critical),
            score if score >= 7.0 => Some(Self::High),
            score if score >= 4.0 => Some(Self::Medium),
            _ => Some(Self::Low),
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        })
    }
}

/// How many there are of each severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    critical: u64,
    high: u64,
    medium: u64,
    low: u64,
}

impl Counts {
    /// One more.
    pub(crate) fn count(&mut self, severity: Severity) {
        *match severity {
            Severity::Critical => &mut self.critical,
            Severity::High => &mut self.high,
            Severity::Medium => &mut self.medium,
            Severity::Low => &mut self.low,
        } += 1;
    }

    /// What came since these counts were `before`.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            critical: self.critical - before.critical,
            high: self.high - before.high,
            medium: self.medium - before.medium,
            low: self.low - before.low,
        }
    }
}

impl fmt::Display for Counts {
    /// `0 critical, 1 high, 2 medium, 0 low`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { critical, high, medium, low } = *self;
        let [critical, high, medium, low] = [critical, high, medium, low].map(grouped);
        write!(formatter, "{critical} critical, {high} high, {medium} medium, {low} low")
    }
}

/// How many of each severity are borne. Where `critical` is not named, such findings count as high;
/// those of severities below the last one named are borne.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) struct Allowed {
    critical: Option<u64>,
    high: Option<u64>,
    medium: Option<u64>,
    low: Option<u64>,
}

impl Allowed {
    /// What of `counts` is beyond what is borne, such as `0 high or worse`.
    pub(crate) fn beyond(&self, counts: Counts) -> Option<String> {
        let Counts { critical, high, medium, low } = counts;
        let high = if self.critical.is_none() { critical + high } else { high };
        let held = [
            (critical, self.critical, "critical"),
            (high, self.high, "high"),
            (medium, self.medium, "medium"),
            (low, self.low, "low"),
        ];
        let beyond = held.into_iter().filter_map(|(found, borne, what)| {
            let borne = borne.filter(|borne| found > *borne)?;
            let with = if what == "high" && self.critical.is_none() { " or worse" } else { "" };
            Some(format!("{} {what}{with}", grouped(borne)))
        });
        let beyond: Vec<String> = beyond.collect();
        (!beyond.is_empty()).then(|| beyond.join(" and "))
    }
}

/// What is wrong with `allow`: it names a severity and leaves out a worse one.
pub(crate) fn problems(settings: &Value) -> Vec<Problem> {
    let names = |severity: &str| settings["allow"].get(severity).is_some();
    let lowest = SEVERITIES.iter().rposition(|severity| names(severity)).unwrap_or(0);
    // Where `critical` is left out, such findings count as high.
    let left_out = SEVERITIES[1..lowest.max(1)].iter().filter(|severity| !names(severity));
    let told = left_out.map(|severity| {
        let least = SEVERITIES[lowest];
        let message =
            format!("`allow` names `{least}` and leaves out `{severity}`, which is worse");
        Problem::new("allow", message, format!("`{severity}: 0`, or how many are borne"))
    });
    told.collect()
}
