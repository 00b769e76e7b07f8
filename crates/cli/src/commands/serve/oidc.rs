//! What the file of settings says of a provider of OpenID Connect. Owns names and defaults; asks no provider.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use towpath_ports::clock::SystemClock;
use towpath_server::signin::{Provider, ProviderSettings};

/// `sign_in.oidc`, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OidcSection {
    issuer: String,
    client_id: String,
    #[serde(default)]
    client_secret_file: Option<PathBuf>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    scopes: Option<Vec<String>>,
    #[serde(default)]
    person: Option<String>,
    #[serde(default)]
    groups: GroupsSection,
    #[serde(default)]
    second_factor: SecondSection,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupsSection {
    #[serde(default)]
    claim: Option<String>,
    #[serde(default)]
    any_of: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SecondSection {
    #[serde(default)]
    acr: Vec<String>,
    #[serde(default)]
    amr: Option<Vec<String>>,
}

impl OidcSection {
    /// What a server is told; `beside` finds files beside the one of the settings.
    ///
    /// # Errors
    /// What is wrong, with its key.
    pub(super) fn told(
        self,
        beside: impl Fn(PathBuf) -> PathBuf,
    ) -> Result<ProviderSettings, String> {
        let texts = |all: &[&str]| all.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        if self.client_id.trim().is_empty() {
            return Err("client_id: it is empty".to_owned());
        }
        let client_secret_file = self.client_secret_file.map(beside);
        if let Some(file) = &client_secret_file {
            let read = std::fs::read_to_string(file);
            let read = read.map_err(|error| error.to_string());
            let read = read.and_then(|text| match text.trim() {
                "" => Err("it is empty".to_owned()),
                _ => Ok(()),
            });
            read.map_err(|cause| format!("client_secret_file: {}: {cause}", file.display()))?;
        }
        let settings = ProviderSettings {
            name: self.name.unwrap_or_else(|| self.issuer.clone()),
            issuer: self.issuer,
            client_id: self.client_id,
            client_secret_file,
            scopes: self.scopes.unwrap_or_else(|| texts(&["email"])),
            person_claim: self.person.filter(|claim| claim != "email"),
            groups_claim: self.groups.claim.unwrap_or_else(|| "groups".to_owned()),
            groups: self.groups.any_of,
            second_acr: self.second_factor.acr,
            // What says by itself that there were several factors (RFC 8176, section 2).
            second_amr: self.second_factor.amr.unwrap_or_else(|| texts(&["mfa"])),
        };
        provider(settings.clone()).map(|_| settings)
    }
}

/// The provider of these settings.
///
/// # Errors
/// What is wrong, with its key.
pub(super) fn provider(settings: ProviderSettings) -> Result<Provider, String> {
    let made = Provider::new(settings, Arc::new(SystemClock::default()));
    made.map_err(|error| error.to_string())
}
