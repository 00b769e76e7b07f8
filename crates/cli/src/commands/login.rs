//! `towpath login` and `logout`: which server this user knows under which name, and by which token. Owns
//! the conversation; contexts are kept in [`crate::server`].

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;
use towpath_engine::views::YouView;
use towpath_server::requests::{SignInLinkAnswer, SignInLinkRequest};

use crate::args::{LoginArguments, LogoutArguments};
use crate::client::Client;
use crate::commands::Context;
use crate::commands::session::Session;
use crate::exit_code::{CliError, ExitCode};
use crate::project::ProjectFolder;
use crate::report;
use crate::report::style::Symbol;
use crate::server::{self, Known, Server};
use crate::token::Token;

/// Runs `login`. Safe to repeat: the context of that name is replaced.
pub(crate) async fn run(
    arguments: &LoginArguments,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let Some(server) = &arguments.server else { return web(context).await };
    let server = Server::at(server)?;
    let name = arguments.name.clone().unwrap_or_else(|| server.usual_name());
    let mut known = Known {
        server: server.shown(),
        token_file: None,
        token_command: arguments.token_command.clone(),
    };
    let token = if known.token_command.is_empty() {
        let given = Token::given(context.global.token_file.as_deref())?;
        given.map_or_else(|| asked(context, &server), Ok)?
    } else {
        let token = Token::of_context(&name, &known)?;
        token.ok_or_else(|| no_token(&server))?
    };
    let here = std::env::current_dir().map_err(anyhow::Error::new)?;
    let project = ProjectFolder {
        server: Some(server),
        token: Some(token.clone()),
        ..ProjectFolder::elsewhere(&here)
    };
    // Whoever cannot look keeps nothing.
    let you: YouView = Client::of_engine(&Arc::new(project)).get("/v1/you").await?;
    if known.token_command.is_empty() {
        let file = token_file(&name)?;
        server::write_private(&file, &format!("{}\n", token.secret()))?;
        known.token_file = Some(file);
    }
    let mut contexts = server::contexts()?;
    contexts.insert(name.clone(), known.clone());
    server::keep_contexts(&contexts)?;
    let noted = note_here(context, &here, &name)?;
    say(context, &name, &known, &you, noted);
    Ok(ExitCode::Done)
}

/// Prints a link that signs in at the pages whoever has this machine. Not safe to repeat: each works once.
async fn web(context: &Context) -> Result<ExitCode, CliError> {
    let session = Session::reading(context).await?;
    let asked = SignInLinkRequest {};
    let made: SignInLinkAnswer = session.client.post("/v1/sign-in-links", &asked).await?;
    let mark = context.err.symbol(Symbol::Passed);
    let until = context.err.minute(&made.expires_at);
    let said = format!("{mark} it signs {} in, once, until {until}\n", made.person);
    context.either(&made, (format!("{}\n", made.address), said));
    Ok(ExitCode::Done)
}

/// Commands in the folder of a matrix mean that server from now on.
fn note_here(context: &Context, here: &std::path::Path, name: &str) -> Result<bool, CliError> {
    let Ok(project) = ProjectFolder::find(here, context.global.rehearsal) else { return Ok(false) };
    server::note(&project.state, name).map_err(anyhow::Error::new)?;
    Ok(true)
}

fn say(context: &Context, name: &str, known: &Known, you: &YouView, noted: bool) {
    if context.global.json {
        context.object(&json!({
            "context": name, "server": known.server, "you": you, "noted_here": noted,
        }));
        return;
    }
    let who = you.you.as_deref().unwrap_or("nobody that its matrix names");
    let mark = context.out.symbol(Symbol::Passed);
    let place =
        if noted { "commands in this folder mean it from now on" } else { "nothing else changes" };
    context.answer(&format!("{mark} {name} is {}, where you are {who}; {place}\n", known.server));
    let next = [towpath_core::reason::Next::new(
        format!("towpath status --server {name}"),
        "what serves where",
    )];
    context.aside(&report::block::next(&next));
}

fn token_file(name: &str) -> Result<PathBuf, CliError> {
    let safe: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    let folder = server::settings_folder().ok_or_else(|| {
        CliError::new(ExitCode::Failed, "no-settings", "there is no place for the token")
            .because("neither XDG_CONFIG_HOME nor HOME names a folder")
            .next("towpath login URL --token-command COMMAND", "takes it from a keyring")
    })?;
    Ok(folder.join("towpath").join(format!("{safe}.token")))
}

/// Reads a token that somebody types, without showing it.
fn asked(context: &Context, server: &Server) -> Result<Token, CliError> {
    if !context.asks || !std::io::stdin().is_terminal() {
        return Err(no_token(server));
    }
    context.aside(&format!("token for {}: ", server.shown()));
    let _ = std::io::stderr().flush();
    let text = hidden_line().map_err(anyhow::Error::new)?;
    context.aside("\n");
    Token::read(&text, "what was typed")
}

/// A line of the terminal that is not echoed.
fn hidden_line() -> std::io::Result<String> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    let input = std::io::stdin();
    let before = tcgetattr(&input)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&input, OptionalActions::Flush, &silent)?;
    let mut line = String::new();
    let read = input.read_line(&mut line);
    tcsetattr(&input, OptionalActions::Flush, &before)?;
    read.map(|_| line)
}

fn no_token(server: &Server) -> CliError {
    CliError::new(ExitCode::Usage, "no-token", "nothing was kept: there is no token")
        .because("over the network nobody is known without one")
        .at(server.shown())
        .next("towpath login URL --token-file FILE", "or - for stdin, or TOWPATH_TOKEN")
        .next(
            "towpath token create NAME",
            "on the machine of the server, or at its pages: makes one",
        )
}

/// Runs `logout`. Safe to repeat.
pub(crate) fn out(arguments: &LogoutArguments, context: &Context) -> Result<ExitCode, CliError> {
    let mut contexts = server::contexts()?;
    let known = contexts.remove(&arguments.name);
    if let Some(known) = &known {
        server::keep_contexts(&contexts)?;
        let own = token_file(&arguments.name)?;
        if known.token_file.as_ref() == Some(&own) {
            // One that is gone already opens nothing either.
            let _ = std::fs::remove_file(own);
        }
    }
    let here = std::env::current_dir().map_err(anyhow::Error::new)?;
    if let Ok(project) = ProjectFolder::find(&here, context.global.rehearsal) {
        server::forget(&project.state, &arguments.name).map_err(anyhow::Error::new)?;
    }
    if context.global.json {
        context.object(&json!({ "context": arguments.name, "changed": known.is_some() }));
        return Ok(ExitCode::Done);
    }
    let mark = context.out.symbol(Symbol::Passed);
    let said = match known {
        Some(known) => format!(
            "{mark} {} is forgotten; the token is in force at {} until somebody revokes it\n",
            arguments.name, known.server
        ),
        None => format!("{mark} no server was called {}\n", arguments.name),
    };
    context.answer(&said);
    Ok(ExitCode::Done)
}
