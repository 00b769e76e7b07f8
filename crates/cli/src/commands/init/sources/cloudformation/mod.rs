//! CloudFormation templates: parameters, mappings and resources, as SAM writes them and CDK
//! synthesises them. Owns what a value means in one environment; asks AWS nothing.

mod around;
pub(crate) mod cdk;
mod containers;
mod deployed;
mod functions;
mod resources;
pub(crate) mod sam;
mod shifting;
mod typescript;
mod variables;

use std::path::Path;

use super::foreign::{self, Value, shown};
use super::names::{is_environment_word, nearest};
use crate::exit_code::{CliError, ExitCode};

/// Values of parameters; those that are given win over their defaults.
pub(super) type Given = Vec<(String, String)>;

/// References inside references that are followed.
const MOST_REFERENCES: usize = 8;

/// A template.
pub(super) struct Template {
    root: Value,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// `source-unreadable`, or `source-empty` where it has no resources.
    pub(super) fn open(file: &Path) -> Result<Self, CliError> {
        let root = foreign::value(file)?;
        if root.get("Resources").is_none_or(|it| it.entries().is_empty()) {
            let message = format!("nothing was written: {} has no resources", shown(file));
            return Err(CliError::new(ExitCode::Usage, "source-empty", message)
                .because("a template has a map `Resources:` with at least one entry")
                .at(shown(file))
                .next("towpath init", "asks instead of reading"));
        }
        Ok(Self { root })
    }

    /// Resources of one type, with their logical names.
    pub(super) fn of_type<'a>(
        &'a self,
        types: &'a [&'a str],
    ) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let all = self.root.get("Resources").map(Value::entries).unwrap_or_default();
        all.iter()
            .filter(|(_, resource)| {
                let kind = resource.get("Type").and_then(Value::text);
                kind.is_some_and(|kind| types.contains(&kind.as_str()))
            })
            .map(|(name, resource)| (name.as_str(), resource))
    }

    /// The parameter that says the environment, and what it may be.
    pub(super) fn stages(&self) -> Option<(&str, Vec<String>)> {
        let parameters = self.root.get("Parameters").map(Value::entries).unwrap_or_default();
        parameters.iter().find_map(|(name, parameter)| {
            let values = parameter.get("AllowedValues")?.texts();
            let said = values.iter().filter(|it| says_environment(it)).count();
            (said >= 2 || (said == 1 && values.len() == 1)).then_some((name.as_str(), values))
        })
    }

    /// The mapping with an entry for each environment, and its name.
    pub(super) fn mapped_stages(&self) -> Option<(&str, Vec<String>)> {
        let mappings = self.root.get("Mappings").map(Value::entries).unwrap_or_default();
        mappings.iter().find_map(|(name, mapping)| {
            let keys: Vec<String> = mapping.entries().iter().map(|(key, _)| key.clone()).collect();
            let said = keys.iter().filter(|key| says_environment(key)).count();
            (said >= 2).then_some((name.as_str(), keys))
        })
    }

    /// The parameter that picks from a mapping of environments, whatever it is called.
    pub(super) fn parameter_named(&self, names: &[&str]) -> Option<&str> {
        let parameters = self.root.get("Parameters").map(Value::entries).unwrap_or_default();
        let found = parameters
            .iter()
            .find(|(name, _)| names.iter().any(|wanted| name.eq_ignore_ascii_case(wanted)));
        found.map(|(name, _)| name.as_str())
    }

    /// The text that `value` is under the given parameters; none where only AWS knows it.
    pub(super) fn text(&self, value: &Value, given: &Given) -> Option<String> {
        self.resolved(value, given, MOST_REFERENCES)
    }

    fn resolved(&self, value: &Value, given: &Given, left: usize) -> Option<String> {
        let left = left.checked_sub(1)?;
        let (function, argument) = match (value.tag(), value.entries()) {
            (Some(tag), _) => (tag, value),
            (None, [(key, argument)]) => (key.strip_prefix("Fn::").unwrap_or(key), argument),
            (None, _) => return value.text(),
        };
        match function {
            "Ref" => self.parameter(&argument.text()?, given),
            "Sub" => {
                let text = argument.text().or_else(|| argument.items().first()?.text())?;
                self.substituted(&text, given)
            }
            "FindInMap" => {
                let keys: Option<Vec<String>> =
                    argument.items().iter().map(|key| self.resolved(key, given, left)).collect();
                let keys = keys?;
                let path: Vec<&str> =
                    std::iter::once("Mappings").chain(keys.iter().map(String::as_str)).collect();
                self.resolved(self.root.at(&path)?, given, left)
            }
            "Join" => {
                let [separator, parts] = argument.items() else { return None };
                let parts = parts.items().iter().map(|part| self.resolved(part, given, left));
                let parts: Option<Vec<String>> = parts.collect();
                Some(parts?.join(&separator.text()?)).filter(|it| it.len() <= LONGEST)
            }
            "If" => {
                let [condition, yes, no] = argument.items() else { return None };
                let holds = self.holds(&condition.text()?, given, left)?;
                self.resolved(if holds { yes } else { no }, given, left)
            }
            _ => None,
        }
    }

    /// Whether a condition of the template holds; none where only AWS knows it.
    fn holds(&self, name: &str, given: &Given, left: usize) -> Option<bool> {
        self.is_so(self.root.at(&["Conditions", name])?, given, left)
    }

    fn is_so(&self, condition: &Value, given: &Given, left: usize) -> Option<bool> {
        let left = left.checked_sub(1)?;
        let (function, argument) = match (condition.tag(), condition.entries()) {
            (Some(tag), _) => (tag, condition),
            (None, [(key, argument)]) => (key.strip_prefix("Fn::").unwrap_or(key), argument),
            (None, _) => return None,
        };
        // Inside a condition there are a few items, and each costs a level.
        let mut inner = argument.items().iter().take(10).map(|it| self.is_so(it, given, left));
        match function {
            "Equals" => {
                let [one, other] = argument.items() else { return None };
                Some(self.resolved(one, given, left)? == self.resolved(other, given, left)?)
            }
            "Not" => inner.next()?.map(|it| !it),
            "And" => inner.try_fold(true, |all, it| Some(all && it?)),
            "Or" => inner.try_fold(false, |any, it| Some(any || it?)),
            "Condition" => self.holds(&argument.text()?, given, left),
            _ => None,
        }
    }

    fn parameter(&self, name: &str, given: &Given) -> Option<String> {
        let given = given.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        given.or_else(|| self.root.at(&["Parameters", name, "Default"])?.text())
    }

    /// `${Name}` as the parameter's value; none when something else stands there.
    fn substituted(&self, text: &str, given: &Given) -> Option<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}')?;
            out.push_str(before);
            out.push_str(&self.parameter(name, given)?);
            rest = after;
            if out.len() > LONGEST {
                return None;
            }
        }
        out.push_str(rest);
        Some(out)
    }
}

/// Characters of a text that is put together; longer ones are no names.
const LONGEST: usize = 1000;

/// Whether a value such as `Staging` or `dev-aws` names an environment.
pub(super) fn says_environment(text: &str) -> bool {
    nearest(text).is_some_and(|name| name.as_str().split('-').any(is_environment_word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_followed_to_what_they_are_in_one_environment() {
        let root = foreign::yaml(
            "Parameters:
  Stage: { Default: dev, AllowedValues: [dev, staging, prod] }
  Loop: { Default: !Ref Loop }
Mappings:
  Sizes: { dev: { memory: 512 }, prod: { memory: 2048 } }
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsDev: !Not [!Condition IsProd]
  Loop: !Not [!Condition Loop]
  Either: { 'Fn::Or': [{ Condition: IsDev }, !And [!Condition IsProd, !Equals [a, a]]] }
values:
  - !Ref Stage
  - !Sub 'api-${Stage}'
  - !FindInMap [Sizes, !Ref Stage, memory]
  - { 'Fn::FindInMap': [Sizes, { Ref: Stage }, memory] }
  - !Join ['-', [a, !Ref Stage]]
  - !Sub '${AWS::StackName}-x'
  - !Ref AWS::Region
  - !GetAtt Table.Arn
  - !If [IsProd, 1, 2]
  - !FindInMap [Sizes, staging, memory]
  - plain
  - !Sub ['${Stage}!', {}]
  - !If [IsDev, 1, 2]
  - !If [Either, { Ref: Stage }, 2]
  - !If [Loop, 1, 2]
  - !If [Nothing, 1, 2]
",
        )
        .unwrap();
        let values = root.get("values").unwrap().items().to_vec();
        let template = Template { root };
        let given = vec![("Stage".to_owned(), "prod".to_owned())];
        let texts: Vec<Option<String>> =
            values.iter().map(|it| template.text(it, &given)).collect();
        let texts: Vec<&str> = texts.iter().map(|it| it.as_deref().unwrap_or("?")).collect();
        assert_eq!(
            texts,
            [
                "prod", "api-prod", "2048", "2048", "a-prod", "?", "?", "?", "1", "?", "plain",
                "prod!", "2", "prod", "?", "?"
            ]
        );
        assert_eq!(template.stages().unwrap().0, "Stage");
        assert_eq!(template.mapped_stages().unwrap().1, ["dev", "prod"]);
    }
}
