//! `release create`, `list`, `show` and `diff`.

mod brought;
mod create;
mod keep;
mod origin;
mod typed;
mod upload;

use towpath_core::ids::Version;
use towpath_engine::ReleaseView;
use towpath_engine::views::FORMAT;

use crate::args::ReleaseCommand;
use crate::commands::Context;
use crate::commands::session::Session;
use crate::exit_code::{CliError, ExitCode};
use crate::report;
use crate::report::usage::nearest;

/// Runs `release …`.
pub(crate) async fn run(command: ReleaseCommand, context: &Context) -> Result<ExitCode, CliError> {
    match command {
        ReleaseCommand::Create(arguments) => create::run(arguments, context).await,
        ReleaseCommand::List => list(context).await,
        ReleaseCommand::Show(arguments) => show(&arguments.version, context).await,
        ReleaseCommand::Diff(arguments) => diff(&arguments.old, &arguments.new, context).await,
    }
}

async fn list(context: &Context) -> Result<ExitCode, CliError> {
    let session = Session::reading(context).await?;
    let releases = read(&session, context).await?;
    let view = serde_json::json!({ "format": FORMAT, "releases": releases });
    context.either(&view, report::release::list(&releases, &session.status, &context.out));
    Ok(ExitCode::Done)
}

async fn show(version: &Version, context: &Context) -> Result<ExitCode, CliError> {
    let session = Session::reading(context).await?;
    let releases = read(&session, context).await?;
    let release = find(&releases, version, |near| format!("towpath release show {near}"))?;
    context.either(release, report::release::show(release, &session.status, &context.out));
    Ok(ExitCode::Done)
}

async fn diff(old: &Version, new: &Version, context: &Context) -> Result<ExitCode, CliError> {
    let session = Session::reading(context).await?;
    let releases = read(&session, context).await?;
    let before = find(&releases, old, |near| format!("towpath release diff {near} {new}"))?;
    let after = find(&releases, new, |near| format!("towpath release diff {old} {near}"))?;
    let view = serde_json::json!({
        "format": FORMAT, "same": before.release.digest == after.release.digest, "old": before, "new": after,
    });
    context.either(&view, report::release::diff(&before.release, &after.release, &context.out));
    Ok(ExitCode::Done)
}

/// Releases of the named service, or of all.
async fn read(session: &Session, context: &Context) -> Result<Vec<ReleaseView>, CliError> {
    let mut releases: Vec<ReleaseView> = session.client.list("/v1/releases").await?;
    if let Some(service) = &context.global.service {
        releases.retain(|one| one.release.service == *service);
    }
    Ok(releases)
}

fn find<'a>(
    releases: &'a [ReleaseView],
    version: &Version,
    retry: impl Fn(&str) -> String,
) -> Result<&'a ReleaseView, CliError> {
    let mut found = releases.iter().filter(|one| one.release.version == *version);
    let missing = || {
        let known: Vec<&str> = releases.iter().map(|one| one.release.version.as_str()).collect();
        let message = format!("there is no release {version}");
        let error = CliError::new(ExitCode::NotFound, "no-release", message)
            .because(format!("{} releases are known", known.len()));
        match nearest(version.as_str(), &known) {
            Some(near) => error.next(retry(near), "the nearest version"),
            None => error.next("towpath release list", "what there is"),
        }
    };
    let first = found.next().ok_or_else(missing)?;
    let mut others = found.peekable();
    if others.peek().is_none() {
        return Ok(first);
    }
    let message = format!("which {version} is meant?");
    let error = CliError::new(ExitCode::Usage, "service-needed", message)
        .because("several services have a release of that version");
    // More than a screenful of choices is no help.
    let choices = std::iter::once(first).chain(others).take(5);
    Err(choices.fold(error, |error, one| {
        error.next(format!("{} --service {}", retry(version.as_str()), one.release.service), "")
    }))
}
