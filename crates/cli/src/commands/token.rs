//! `token create`, `token list` and `token revoke`. Keeps no secret: it is on stdout once.

use towpath_engine::views::TokenView;
use towpath_server::requests::{AcceptedView, RevokeRequest, TokenAnswer, TokenRequest};

use crate::args::{TokenCommand, TokenCreateArguments, TokenListArguments, TokenRevokeArguments};
use crate::commands::Context;
use crate::commands::session::Session;
use crate::exit_code::{CliError, ExitCode};
use crate::report;

/// Runs `token …`.
pub(crate) async fn run(command: &TokenCommand, context: &Context) -> Result<ExitCode, CliError> {
    match command {
        TokenCommand::Create(arguments) => create(arguments, context).await,
        TokenCommand::List(arguments) => list(arguments, context).await,
        TokenCommand::Revoke(arguments) => revoke(arguments, context).await,
    }
}

/// Not safe to repeat: there is one of that name then (exit 6).
async fn create(arguments: &TokenCreateArguments, context: &Context) -> Result<ExitCode, CliError> {
    let session = Session::looking(context).await?;
    for environment in &arguments.environments {
        let retry = |name: &str| format!("towpath token create {} --in {name}", arguments.name);
        session.knows(environment, retry)?;
    }
    let request = TokenRequest {
        name: arguments.name.clone(),
        may: arguments.may.iter().copied().collect(),
        environments: arguments.environments.iter().cloned().collect(),
        lasts: arguments.lasts,
        program: arguments.for_program.clone(),
    };
    let answer: TokenAnswer = session.client.post("/v1/tokens", &request).await?;
    context.either(&answer, report::token::created(&answer, &context.err));
    Ok(ExitCode::Done)
}

async fn list(arguments: &TokenListArguments, context: &Context) -> Result<ExitCode, CliError> {
    let session = Session::reading(context).await?;
    let mut all: Vec<TokenView> = session.client.list("/v1/tokens").await?;
    all.retain(|token| arguments.all || token.in_force);
    context.either(&all, report::token::list(&all, &context.out));
    Ok(ExitCode::Done)
}

/// Safe to repeat: a second time it has ended already.
async fn revoke(arguments: &TokenRevokeArguments, context: &Context) -> Result<ExitCode, CliError> {
    let session = Session::looking(context).await?;
    let request = RevokeRequest { reason: arguments.reason.clone() };
    let path = format!("/v1/tokens/{}/revoke", arguments.id);
    let accepted: AcceptedView = session.client.post(&path, &request).await?;
    context.either(&accepted, report::token::revoked(&arguments.id, &context.out));
    Ok(ExitCode::Done)
}
