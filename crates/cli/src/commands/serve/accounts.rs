//! Where people sign in at the server: the place of its accounts, and the link of whoever is the first. Owns that
//! place; signs nobody in.

use std::path::Path;
use std::sync::Arc;

use towpath_ports::clock::SystemClock;
use towpath_server::signin::{Settings, SignIn};
use towpath_store::SqlAccounts;

use super::cannot;
use super::settings::Settings as ServerSettings;
use crate::commands::Context;
use crate::exit_code::CliError;
use crate::project::{ProjectFolder, shown_database};

/// The file beside the first project's journal, where no database is given.
const FILE: &str = "server.db";

/// Signing in at the pages on `address`, as the settings have it; none where there are none.
///
/// # Errors
/// When the accounts cannot be opened: nobody is let in without them.
pub(super) async fn open(
    address: Option<String>,
    told: &ServerSettings,
    database: Option<&str>,
    project: &ProjectFolder,
) -> Result<Option<SignIn>, CliError> {
    let Some(address) = address else { return Ok(None) };
    project.prepare().map_err(|error| cannot(&project.state, &error.to_string()))?;
    let beside = project.state.join(FILE);
    let location = database.map_or_else(|| beside.to_string_lossy().into_owned(), str::to_owned);
    let opened = SqlAccounts::open(&location).await;
    let place = shown_database(&location);
    let accounts = opened.map_err(|error| cannot(Path::new(&place), &error.to_string()))?;
    let address = address.trim_end_matches('/').to_owned();
    let provider = told.provider.clone().map(super::oidc::provider).transpose();
    let provider = provider.map_err(|cause| cannot(Path::new("sign_in.oidc"), &cause))?;
    let workloads = super::workloads::ready(told.workloads.clone());
    let workloads = workloads.map_err(|cause| cannot(Path::new("workloads"), &cause))?;
    let settings = Settings { address, public: told.public_url.clone(), provider, workloads };
    Ok(Some(SignIn::new(Arc::new(accounts), Arc::new(SystemClock::default()), settings)))
}

/// Says by which link the first local user sets themselves up, as long as there is none.
pub(super) async fn tell_first_link(sign_in: Option<&SignIn>, context: &Context) {
    let Some(sign_in) = sign_in else { return };
    match sign_in.first_link().await {
        Ok(None) => {}
        Ok(Some(made)) => context.aside(&format!(
            "nobody can sign in by password yet; once, within 30 minutes, by {}\n",
            made.address
        )),
        // What runs stays in hand by the socket.
        Err(error) => tracing::error!(%error, "there is no link for the first local user"),
    }
}
