//! Store `env`: a variable of the environment that the engine was started with. Owns the reading of it;
//! whoever may look into the engine's process sees it as well.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use towpath_ports::secret::{Secret, SecretStore};
use towpath_ports::settings::Problem;
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry, KindState};

pub(super) const KIND: Kind<dyn SecretStore> = Kind {
    entry: KindEntry {
        family: Family::Secrets,
        name: "env",
        summary: "A variable of the program's own environment.",
        example: "{ kind: env, variable: SLACK_WEBHOOK_URL }",
        state: KindState::Built,
        capabilities: &[],
        fields: &[Field::optional(
            "variable",
            FieldType::Text,
            "The variable; left out, the secret's own name.",
        )],
        validate,
    },
    build: Some(|settings, _| Ok(Arc::new(Env { variable: variable(settings) }))),
};

fn variable(settings: &Value) -> Option<String> {
    settings.get("variable").and_then(Value::as_str).map(str::to_owned)
}

fn validate(settings: &Value) -> Vec<Problem> {
    match variable(settings) {
        Some(name) if name.contains(['=', '\0']) => {
            vec![Problem::new("variable", "`variable` names no variable".to_owned(), "a variable")]
        }
        Some(_) | None => Vec::new(),
    }
}

struct Env {
    variable: Option<String>,
}

#[async_trait]
impl SecretStore for Env {
    fn at_hand(&self, name: &str) -> Option<Secret> {
        Secret::new(std::env::var(self.variable.as_deref().unwrap_or(name)).ok()?)
    }

    async fn read(&self, name: &str) -> Result<Secret, String> {
        let variable = self.variable.as_deref().unwrap_or(name);
        let value = std::env::var_os(variable).ok_or_else(|| {
            format!("the engine was started without the variable {variable} (secret {name})")
        })?;
        let value =
            value.into_string().map_err(|_| format!("the variable {variable} is no text"))?;
        Secret::new(value)
            .ok_or_else(|| format!("the variable {variable} is empty (secret {name})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The environment of a test is not changed; what every machine has is enough.
    #[tokio::test]
    async fn a_variable_is_read_under_its_own_name_or_another() {
        let path = std::env::var("PATH").unwrap();
        let own = Env { variable: None };
        assert_eq!(own.read("PATH").await.unwrap().reveal(), path);
        let named = Env { variable: Some("PATH".to_owned()) };
        assert_eq!(named.read("SEARCHED").await.unwrap().reveal(), path);
        assert_eq!(named.at_hand("SEARCHED").unwrap().reveal(), path);
        assert_eq!(own.at_hand("TOWPATH_NO_SUCH_SECRET"), None);
        let absent = own.read("TOWPATH_NO_SUCH_SECRET").await.unwrap_err();
        assert!(absent.contains("without the variable TOWPATH_NO_SUCH_SECRET"), "{absent}");
    }
}
