//! `release create`: keeps the bytes, then tells the engine what was kept.

use std::collections::BTreeMap;
use std::io::Read as _;

use jiff::Timestamp;
use towpath_adapters::artifacts::shown;
use towpath_core::ids::{Digest, Name};
use towpath_core::release::{Artifact, Migration, Release};
use towpath_server::requests::{AcceptedView, ReleaseRequest};

use crate::args::CreateArguments;
use crate::commands::Context;
use crate::commands::release::{keep, origin};
use crate::commands::session::Session;
use crate::exit_code::{CliError, ExitCode};
use crate::{person, report};

/// Largest migration that is read, in bytes: text that people wrote, and generously.
const LARGEST_MIGRATION: u64 = 16 << 20;

/// Runs `release create`. Safe to repeat: the same bytes under the same version change nothing,
/// other bytes are refused (exit 6).
pub(crate) async fn run(
    arguments: CreateArguments,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let session = Session::following(context).await?;
    let service = session.service(&format!("towpath release create {}", arguments.version))?;
    let artifacts = kept(&session, &arguments, context).await?;
    let settings = settings(&arguments)?;
    let migrations = migrations(&arguments.migrations)?;
    let origin = origin::of(&session.project.root).await;
    let now = towpath_core::units::Timestamp(Timestamp::now().as_microsecond());
    let release = Release {
        digest: Release::content_digest(&artifacts, &settings, &migrations),
        service,
        version: arguments.version,
        artifacts,
        settings,
        migrations,
        commit: arguments.commit.or(origin.commit),
        author: arguments.author.or(origin.author),
        change_type: arguments.change_type,
        snapshot: arguments.snapshot,
        created_at: now,
    };
    if arguments.dry_run {
        context.either(&release, report::release::would_keep(&release, &context.out));
        return Ok(ExitCode::Done);
    }
    let request = ReleaseRequest { release, by: person::current() };
    let accepted: AcceptedView = session.client.post("/v1/releases", &request).await?;
    let first = session.status.lanes.first().map(|lane| lane.environment.as_str());
    let release = &request.release;
    context
        .either(release, report::release::created(release, accepted.changed, first, &context.out));
    Ok(ExitCode::Done)
}

async fn kept(
    session: &Session,
    arguments: &CreateArguments,
    context: &Context,
) -> Result<BTreeMap<Name, Artifact>, CliError> {
    let mut artifacts = BTreeMap::new();
    for (name, source) in &arguments.artifacts {
        let artifact = if arguments.dry_run {
            let scratch = keep::Scratch::new()?;
            keep::artifact(scratch.folder(), source).await?
        } else {
            context.aside(&format!("keeping {name} from {}\n", shown(source)));
            keep::artifact(&session.project.state, source).await?
        };
        if artifacts.insert(name.clone(), artifact).is_some() {
            return Err(twice("artefact", name.as_str()));
        }
    }
    Ok(artifacts)
}

fn settings(arguments: &CreateArguments) -> Result<BTreeMap<String, String>, CliError> {
    let mut settings = BTreeMap::new();
    for (key, value) in &arguments.settings {
        if settings.insert(key.clone(), value.clone()).is_some() {
            return Err(twice("setting", key));
        }
    }
    Ok(settings)
}

fn twice(what: &str, name: &str) -> CliError {
    CliError::new(ExitCode::Usage, "named-twice", format!("the {what} {name} is given twice"))
        .because("a release has each name once")
        .next("towpath release create --help", "how it is typed, with examples")
}

/// Migrations in the order in which they were given.
fn migrations(files: &[String]) -> Result<Vec<Migration>, CliError> {
    files.iter().map(|given| migration(given)).collect()
}

fn migration(given: &str) -> Result<Migration, CliError> {
    let (file, reversible) = match given.strip_prefix("irreversible:") {
        Some(file) => (file, false),
        None => (given, true),
    };
    let mut bytes = Vec::new();
    let read = std::fs::File::open(file)
        .and_then(|file| file.take(LARGEST_MIGRATION + 1).read_to_end(&mut bytes));
    let wrong = |cause: String| {
        CliError::new(ExitCode::NotFound, "migration-unreadable", "nothing was kept")
            .because(cause)
            .at(file.to_owned())
            .next("towpath release create --help", "how it is typed, with examples")
    };
    read.map_err(|error| wrong(format!("the migration could not be read: {error}")))?;
    if bytes.len() as u64 > LARGEST_MIGRATION {
        return Err(wrong(format!("the migration is larger than {LARGEST_MIGRATION} bytes")));
    }
    let name = std::path::Path::new(file).file_name().map(|name| name.to_string_lossy());
    let name = name.ok_or_else(|| wrong("the migration has no name".to_owned()))?;
    Ok(Migration { name: name.into_owned(), digest: Digest::of(&bytes), reversible })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_migration_is_named_by_its_file_and_known_by_its_bytes() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("0007-add-voice.sql");
        std::fs::write(&file, "alter table sounds add voice text").expect("a file");
        let path = file.to_str().expect("a path of ASCII");
        let found = migrations(&[path.to_owned(), format!("irreversible:{path}")]).expect("both");
        assert_eq!(found[0].name, "0007-add-voice.sql");
        assert_eq!(found[0].digest, Digest::of(b"alter table sounds add voice text"));
        assert!(found[0].reversible && !found[1].reversible);
    }

    #[test]
    fn a_migration_that_is_not_there_is_not_found() {
        let error = migration("no/such/file.sql").expect_err("no file");
        assert_eq!(error.trouble().exit, ExitCode::NotFound);
        assert_eq!(error.trouble().place.as_deref(), Some("no/such/file.sql"));
    }
}
