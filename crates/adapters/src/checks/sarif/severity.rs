//! How severe a finding is. Owns the order in which what tools say of it is believed; counts
//! nothing.

use std::collections::HashMap;

use serde_json::Value;

use super::log::{
    BaselineState, Component, ComponentReference, Finding, FindingKind, Level, Properties, Rule,
    Status, Tool,
};
use crate::reports::severities::Severity;

/// What a result comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weighed {
    /// A finding.
    Counts(Severity),
    /// Somebody let it be.
    Suppressed,
    /// It says that nothing is wrong, or no longer.
    Ignored,
}

/// The rules of a tool and its extensions.
pub(super) struct Rules<'a> {
    /// The driver first.
    components: Vec<Known<'a>>,
}

struct Known<'a> {
    component: &'a Component,
    by_id: HashMap<&'a str, &'a Rule>,
}

impl<'a> Known<'a> {
    fn new(component: &'a Component) -> Self {
        let rules = component.rules.iter().flatten();
        let by_id = rules.filter_map(|rule| Some((rule.id.as_deref()?, rule))).collect();
        Self { component, by_id }
    }

    /// The rule, or the one above it: `CA1000/1` is a case of `CA1000` (section 3.27.5).
    fn named(&self, id: &str) -> Option<&'a Rule> {
        let mut id = id;
        loop {
            if let Some(rule) = self.by_id.get(id) {
                return Some(rule);
            }
            id = id.rsplit_once('/')?.0;
        }
    }

    fn at(&self, index: i64) -> Option<&'a Rule> {
        self.component.rules.as_ref()?.get(usize::try_from(index).ok()?)
    }
}

impl<'a> Rules<'a> {
    /// Of one run.
    pub(super) fn new(tool: &'a Tool) -> Self {
        let extensions = tool.extensions.iter().flatten();
        Self {
            components: std::iter::once(&tool.driver).chain(extensions).map(Known::new).collect(),
        }
    }

    /// What a result comes to.
    ///
    /// What needs a person's eye (`review`) or could not be decided (`open`) counts like a failure:
    /// nobody has cleared it.
    pub(super) fn weigh(&self, finding: &Finding) -> Weighed {
        match finding.kind {
            Some(FindingKind::Pass | FindingKind::Informational | FindingKind::NotApplicable) => {
                return Weighed::Ignored;
            }
            Some(FindingKind::Fail | FindingKind::Review | FindingKind::Open) | None => {}
        }
        if finding.baseline_state == Some(BaselineState::Absent) {
            return Weighed::Ignored;
        }
        let Some(severity) = self.severity(finding) else { return Weighed::Ignored };
        let suppressions = finding.suppressions.as_deref().unwrap_or_default();
        let is_accepted = |status: Option<Status>| matches!(status, None | Some(Status::Accepted));
        if !suppressions.is_empty() && suppressions.iter().all(|one| is_accepted(one.status)) {
            return Weighed::Suppressed;
        }
        Weighed::Counts(severity)
    }

    /// None when the tool says that it matters to nobody.
    fn severity(&self, finding: &Finding) -> Option<Severity> {
        let rule = self.rule(finding);
        let of_rule = rule.and_then(|rule| rule.properties.as_ref());
        let said = [finding.properties.as_ref(), of_rule];
        let said = said.iter().flatten();
        let scored = said.clone().find_map(|properties| scored(properties));
        if let Some(severity) =
            scored.or_else(|| said.clone().find_map(|properties| worded(properties)))
        {
            return Some(severity);
        }
        let configured = rule.and_then(|rule| rule.default_configuration.as_ref()?.level);
        let level = match (finding.level, finding.kind) {
            // Such results have no other level (section 3.27.10), and still count here.
            (Some(Level::None), Some(FindingKind::Review | FindingKind::Open)) | (None, _) => {
                configured
            }
            (Some(level), _) => Some(level),
        };
        // What nobody says is a warning (section 3.27.10).
        match level.unwrap_or(Level::Warning) {
            Level::Error => Some(Severity::High),
            Level::Warning => Some(Severity::Medium),
            Level::Note => Some(Severity::Low),
            Level::None => None,
        }
    }

    /// The rule that a result breaks, by its place, else by its name.
    fn rule(&self, finding: &Finding) -> Option<&'a Rule> {
        let reference = finding.rule.as_ref();
        let of = reference.and_then(|rule| rule.tool_component.as_ref());
        let component = of.and_then(|of| self.component(of)).or(self.components.first())?;
        let id = finding.rule_name();
        let index = reference.and_then(|rule| rule.index).or(finding.rule_index);
        let placed = index.and_then(|index| component.at(index)).filter(|rule| is_named(rule, id));
        let elsewhere = || self.components.iter().find_map(|known| known.named(id?));
        placed.or_else(|| component.named(id?)).or_else(elsewhere)
    }

    /// Without a place, it is the driver (section 3.54.2).
    fn component(&self, of: &ComponentReference) -> Option<&Known<'a>> {
        let extensions = self.components.get(1..)?;
        if let Some(index) = of.index.and_then(|index| usize::try_from(index).ok()) {
            return extensions.get(index);
        }
        let is_same = |one: &Option<String>, other: &str| one.as_deref() == Some(other);
        self.components.iter().find(|known| {
            let own = known.component;
            own.guid.as_deref().is_some_and(|guid| is_same(&of.guid, guid))
                || is_same(&of.name, &own.name)
        })
    }
}

/// Whether the rule at a place is the one that is named too; tools differ in what they count.
fn is_named(rule: &Rule, id: Option<&str>) -> bool {
    match (rule.id.as_deref(), id) {
        (Some(own), Some(id)) => {
            id.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
        _ => true,
    }
}

/// GitHub's convention, of its documentation "SARIF support for code scanning": `security-severity`
/// from 0.0 to 10.0; over 9.0 critical, 7.0 to 8.9 high, 4.0 to 6.9 medium, 0.1 to 3.9 low; zero
/// and what is out of range says nothing. Its code and CVSS count 9.0 itself as critical.
fn scored(properties: &Properties) -> Option<Severity> {
    let score = match properties.security_severity.as_ref()? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    Severity::of_score(score)
}

/// bandit's own words.
fn worded(properties: &Properties) -> Option<Severity> {
    Severity::of_word(properties.issue_severity.as_ref()?.as_str()?)
}
