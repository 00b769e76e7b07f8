//! `release create`: keeps the bytes, then tells the engine what was kept.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use towpath_adapters::artifacts::shown;
use towpath_core::ids::{Digest, Name, Version};
use towpath_core::release::{Artifact, Migration, Release};
use towpath_engine::ReleaseView;
use towpath_server::requests::{AcceptedView, ReleaseRequest};

use crate::args::CreateArguments;
use crate::commands::Context;
use crate::commands::release::{brought, keep, origin, typed, upload};
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
    let service = session.service(&again(&arguments))?;
    let tree = tree(&arguments, &session.project.root)?;
    let place = place(&arguments, &session)?;
    let settings = settings(&arguments)?;
    let artifacts = kept(&place, &service, tree.as_deref(), &arguments, context).await?;
    let migrations = migrations(&place, &arguments.migrations).await?;
    let beside = place.folder().unwrap_or(&session.project.state);
    let evidence = brought::all(&arguments, beside)?;
    let origin = origin(&arguments, tree.as_deref(), &session.project.root).await;
    let commit = arguments.commit.or(origin.commit);
    let branch = arguments.branch.or(origin.branch);
    let digest = Release::content_digest(&artifacts, &settings, &migrations);
    let version = match arguments.version {
        Some(version) => version,
        None => snapshot_version(commit.as_deref(), &digest)?,
    };
    let mut release = Release {
        digest,
        service,
        version,
        artifacts,
        settings,
        migrations,
        commit,
        branch,
        author: arguments.author.or(origin.author),
        change_type: arguments.change_type.unwrap_or_default(),
        type_by: None,
        evidence,
        snapshot: tree.is_some(),
        created_by: None,
        behind: Vec::new(),
        created_at: towpath_core::units::Timestamp(Timestamp::now().as_microsecond()),
    };
    if arguments.change_type.is_none() && !release.snapshot {
        typed::derive(&mut release, origin.trailer, &session).await?;
    }
    if arguments.dry_run {
        context.either(&release, report::release::would_keep(&release, &context.out));
        return Ok(ExitCode::Done);
    }
    if let Some(folder) = place.folder() {
        upload::all(&release, folder, &session, context).await?;
    }
    let request = ReleaseRequest { release, by: person::current() };
    let accepted: AcceptedView = session.client.post("/v1/releases", &request).await?;
    let first = session.status.lanes.first().map(|lane| lane.environment.as_str());
    let release = &request.release;
    let known: Vec<ReleaseView> = session.client.list("/v1/releases").await?;
    if let Some(note) = report::release::same_content(release, &known) {
        context.aside(&note);
    }
    context
        .either(release, report::release::created(release, accepted.changed, first, &context.out));
    Ok(ExitCode::Done)
}

/// Where its bytes go. What a server keeps has no copy here, and a look keeps nothing.
fn place(arguments: &CreateArguments, session: &Session) -> Result<keep::Place, CliError> {
    let state = &session.project.state;
    if arguments.dry_run || session.project.server.is_some() {
        return keep::Place::scratch(state);
    }
    Ok(keep::Place::of(state))
}

/// What git says of the tree, or of the folder of the matrix.
async fn origin(arguments: &CreateArguments, tree: Option<&Path>, root: &Path) -> origin::Origin {
    let mut origin = origin::of(tree.unwrap_or(root)).await;
    if let Some(tree) = tree {
        origin.mark_if_changed(tree).await;
    }
    // Where somebody names another commit git speaks of one that is not meant.
    let is_meant = arguments.commit.is_none() || arguments.commit == origin.commit;
    if !is_meant {
        (origin.branch, origin.trailer) = (None, None);
    }
    origin
}

/// How the command begins that is to be repeated.
fn again(arguments: &CreateArguments) -> String {
    let rest = match &arguments.version {
        Some(version) => version.as_str(),
        None => "--snapshot",
    };
    format!("towpath release create {rest}")
}

/// The working tree that is asked for; none without `--snapshot`.
fn tree(arguments: &CreateArguments, root: &Path) -> Result<Option<PathBuf>, CliError> {
    let Some(given) = arguments.snapshot.as_deref() else { return Ok(None) };
    let folder = if given.is_empty() { root.to_owned() } else { PathBuf::from(given) };
    if folder.is_dir() {
        return Ok(Some(folder));
    }
    let mut error = CliError::new(ExitCode::NotFound, "source-not-found", "nothing was kept")
        .because("there is no such folder to take a snapshot of")
        .at(given.to_owned());
    if let Ok(version) = Version::new(given) {
        let command = format!("towpath release create {version} --snapshot");
        error = error.next(command, "when that was meant to be the version");
    }
    Err(error.next("towpath release create --snapshot", "the folder of the matrix"))
}

/// Digits of a commit in a version, as many as git shows of it at least.
const COMMIT_DIGITS: usize = 7;

/// The version of a snapshot that nobody named: the same content has the same.
fn snapshot_version(commit: Option<&str>, digest: &Digest) -> Result<Version, CliError> {
    let commit = commit.map_or("none", |commit| commit.get(..COMMIT_DIGITS).unwrap_or(commit));
    let text = format!("0.0.0-snapshot.{commit}.{}", digest.short());
    Version::new(&text).map_err(|error| {
        CliError::new(ExitCode::Usage, "version-needed", "nothing was kept")
            .because(error.to_string())
            .next("towpath release create VERSION --snapshot", "with a version of your own")
    })
}

async fn kept(
    place: &keep::Place,
    service: &Name,
    tree: Option<&Path>,
    arguments: &CreateArguments,
    context: &Context,
) -> Result<BTreeMap<Name, Artifact>, CliError> {
    let own = arguments.artifacts.iter().map(|(name, _)| name);
    let mut names: Vec<&Name> = own.chain(tree.map(|_| service)).collect();
    names.sort();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        let error = twice("artefact", pair[0].as_str());
        let of_the_tree = tree.is_some() && pair[0] == service;
        return Err(if of_the_tree {
            error.because("a snapshot keeps the working tree under the name of the service")
        } else {
            error
        });
    }
    let say = |name: &Name, source: &str| {
        if !arguments.dry_run {
            context.aside(&format!("keeping {name} from {}\n", shown(source)));
        }
    };
    let mut artifacts = BTreeMap::new();
    if let Some(tree) = tree {
        say(service, &tree.display().to_string());
        artifacts.insert(service.clone(), keep::tree(place, tree).await?);
    }
    for (name, source) in &arguments.artifacts {
        say(name, source);
        artifacts.insert(name.clone(), keep::artifact(place, source).await?);
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

pub(super) fn twice(what: &str, name: &str) -> CliError {
    CliError::new(ExitCode::Usage, "named-twice", format!("the {what} {name} is given twice"))
        .because("a release has each name once")
        .next("towpath release create --help", "how it is typed, with examples")
}

/// Migrations in the order in which they were given; their bytes are kept beside the artefacts.
async fn migrations(place: &keep::Place, files: &[String]) -> Result<Vec<Migration>, CliError> {
    let mut migrations = Vec::new();
    for given in files {
        migrations.push(migration(place, given).await?);
    }
    Ok(migrations)
}

async fn migration(place: &keep::Place, given: &str) -> Result<Migration, CliError> {
    let (file, reversible) = match given.strip_prefix("irreversible:") {
        Some(file) => (file, false),
        None => (given, true),
    };
    let wrong = |cause: String| {
        CliError::new(ExitCode::NotFound, "migration-unreadable", "nothing was kept")
            .because(cause)
            .at(file.to_owned())
            .next("towpath release create --help", "how it is typed, with examples")
    };
    let data = std::fs::metadata(file)
        .map_err(|error| wrong(format!("the migration could not be read: {error}")))?;
    if data.len() > LARGEST_MIGRATION {
        return Err(wrong(format!("the migration is larger than {LARGEST_MIGRATION} bytes")));
    }
    let name = std::path::Path::new(file).file_name().map(|name| name.to_string_lossy());
    let name = name.ok_or_else(|| wrong("the migration has no name".to_owned()))?;
    let kept = keep::file(place, Path::new(file)).await?;
    Ok(Migration { name: name.into_owned(), digest: kept.digest, reversible })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_migration_is_named_by_its_file_and_its_bytes_are_kept() {
        use towpath_adapters::artifacts::Artifacts;
        use towpath_core::release::ArtifactForm;
        use towpath_ports::artifacts::ArtifactStore as _;
        let folder = tempfile::tempdir().expect("a folder");
        let place = keep::Place::of(folder.path());
        let file = folder.path().join("0007-add-voice.sql");
        std::fs::write(&file, "alter table sounds add voice text").expect("a file");
        let path = file.to_str().expect("a path of ASCII");
        let given = [path.to_owned(), format!("irreversible:{path}")];
        let found = migrations(&place, &given).await.expect("both");
        assert_eq!(found[0].name, "0007-add-voice.sql");
        assert_eq!(found[0].digest, Digest::of(b"alter table sounds add voice text"));
        assert!(found[0].reversible && !found[1].reversible);
        std::fs::remove_file(&file).expect("it is gone");
        let digest = found[0].digest.clone();
        let kept = Artifact { digest, form: ArtifactForm::File, source: String::new(), size: 33 };
        let kept = Artifacts::new(folder.path()).path(&kept).await.expect("its bytes are kept");
        assert_eq!(std::fs::read(kept).expect("bytes"), b"alter table sounds add voice text");
    }

    #[tokio::test]
    async fn a_migration_that_is_not_there_is_not_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = keep::Place::of(folder.path());
        let error = migration(&place, "no/such/file.sql").await.expect_err("no file");
        assert_eq!(error.trouble().exit, ExitCode::NotFound);
        assert_eq!(error.trouble().place.as_deref(), Some("no/such/file.sql"));
    }
}
