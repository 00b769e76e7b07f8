//! From what was typed as an artefact's source to kept bytes. The only file of this crate that
//! calls the artefact store.

use std::io::ErrorKind;
use std::path::Path;

use towpath_adapters::artifacts::{Artifacts, KeepError, shown};
use towpath_core::ids::Digest;
use towpath_core::release::{Artifact, ArtifactForm};

use crate::exit_code::{CliError, ExitCode};

/// What a source is, by its form.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// A file or folder of this machine.
    Path(String),
    /// Bytes that are downloaded once, now.
    Url(String),
    /// An image that a registry keeps.
    Image(String, Digest),
}

/// Where bytes go.
pub(crate) struct Place {
    store: Artifacts,
    scratch: Option<Scratch>,
}

impl Place {
    /// The store of the journal in `state`.
    pub(crate) fn of(state: &Path) -> Self {
        Self { store: Artifacts::new(state), scratch: None }
    }

    /// A store that is gone again with this value, for a look at what that of `state` would keep.
    pub(crate) fn scratch(state: &Path) -> Result<Self, CliError> {
        let scratch = Scratch::new()?;
        Ok(Self { store: Artifacts::apart(&scratch.folder, state), scratch: Some(scratch) })
    }

    /// The folder of a store that is gone again with this value.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.scratch.as_ref().map(|scratch| scratch.folder.as_path())
    }
}

/// Keeps the working tree at `folder` and says what was kept. Safe to repeat.
///
/// # Errors
/// `not-kept`: it holds what is not kept or is too large (exit 2), or could not be read (exit 1).
pub(crate) async fn tree(place: &Place, folder: &Path) -> Result<Artifact, CliError> {
    let kept = place.store.keep_tree(folder).await;
    kept.map_err(|error| not_kept(&folder.display().to_string(), &error))
}

/// Keeps the bytes of one file and says what was kept. Safe to repeat.
///
/// # Errors
/// `not-kept`: it is no file (exit 2), or could not be read (exit 1).
pub(crate) async fn file(place: &Place, path: &Path) -> Result<Artifact, CliError> {
    let kept = place.store.keep_file(path).await;
    kept.map_err(|error| not_kept(&path.display().to_string(), &error))
}

/// Keeps an artefact and says what was kept. Safe to repeat: the same bytes are kept once.
///
/// # Errors
/// `source-wrong` (exit 2) when it cannot be a source, `source-not-found` (exit 5) when there is
/// nothing at that place, `not-kept` when it is of a form that is not kept (exit 2), or reading or
/// downloading failed (exit 1).
pub(crate) async fn artifact(place: &Place, source: &str) -> Result<Artifact, CliError> {
    let store = &place.store;
    let kept = match read(source)? {
        Source::Image(name, digest) => {
            return Ok(Artifact { digest, form: ArtifactForm::Image, source: name, size: 0 });
        }
        Source::Url(url) => store.keep_url(&url).await,
        Source::Path(path) => {
            let path = Path::new(&path);
            let found = std::fs::metadata(path).map_err(|error| not_found(source, &error))?;
            if found.is_dir() {
                store.keep_directory(path).await
            } else {
                store.keep_file(path).await
            }
        }
    };
    kept.map_err(|error| not_kept(source, &error))
}

fn read(source: &str) -> Result<Source, CliError> {
    if source.starts_with("https://") || source.starts_with("http://") {
        return Ok(Source::Url(source.to_owned()));
    }
    if let Some((image, digest)) = source.rsplit_once('@')
        && digest.starts_with("sha256:")
    {
        let digest = Digest::new(digest).map_err(|error| wrong(source, &error.to_string()))?;
        if image.is_empty() {
            return Err(wrong(source, "an image has a name before its digest"));
        }
        return Ok(Source::Image(source.to_owned(), digest));
    }
    if source.contains('\0') || source.contains('\n') {
        return Err(wrong(source, "a path has no line break"));
    }
    Ok(Source::Path(source.to_owned()))
}

fn wrong(source: &str, cause: &str) -> CliError {
    let message = format!("`{}` is nothing that can be kept", source.escape_debug());
    CliError::new(ExitCode::Usage, "source-wrong", message).because(cause).next(
        "towpath release create --help",
        "a path, an https address, or an image with its digest",
    )
}

fn not_found(source: &str, error: &std::io::Error) -> CliError {
    CliError::new(ExitCode::NotFound, "source-not-found", "nothing was kept")
        .because(format!("there is no artefact: {error}"))
        .at(source.to_owned())
        .next("towpath release create --help", "what may stand there")
}

fn not_kept(source: &str, error: &KeepError) -> CliError {
    let cannot_be_kept = match error {
        KeepError::Refused(_) => true,
        KeepError::Io { source, .. } => {
            matches!(source.kind(), ErrorKind::InvalidInput | ErrorKind::FileTooLarge)
        }
        KeepError::Download { .. } => false,
    };
    let exit = if cannot_be_kept { ExitCode::Usage } else { ExitCode::Failed };
    let refusal = CliError::new(exit, "not-kept", "nothing was kept")
        .because(error.to_string())
        .at(shown(source));
    if cannot_be_kept {
        refusal.next("towpath release create --help", "what may be kept")
    } else {
        refusal.next("towpath doctor", "whether this machine is in order")
    }
}

/// A folder that is gone again when it is dropped, for a look that keeps nothing.
struct Scratch {
    folder: std::path::PathBuf,
}

impl Scratch {
    /// Makes an empty folder that only this user can read.
    fn new() -> Result<Self, CliError> {
        use std::os::unix::fs::DirBuilderExt as _;
        let name = format!("towpath-kept-for-now-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::DirBuilder::new().mode(0o700).create(&folder).map_err(|error| {
            anyhow::Error::new(error).context(format!("{} could not be made", folder.display()))
        })?;
        Ok(Self { folder })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays behind is a copy in a folder for such copies.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_known_by_its_form() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let image = format!("registry.example/api@{digest}");
        let table = [
            ("dist/", Source::Path("dist/".to_owned())),
            ("https://ci.example/api.tar", Source::Url("https://ci.example/api.tar".to_owned())),
            (
                image.as_str(),
                Source::Image(image.clone(), Digest::new(&digest).expect("64 digits")),
            ),
            ("user@host", Source::Path("user@host".to_owned())),
        ];
        for (typed, wanted) in table {
            assert_eq!(read(typed).expect(typed), wanted);
        }
    }

    #[test]
    fn an_image_without_a_whole_digest_or_name_is_wrong_usage() {
        for typed in ["registry.example/api@sha256:12", &format!("@sha256:{}", "a".repeat(64))] {
            let error = read(typed).expect_err(typed);
            assert_eq!(error.trouble().exit, ExitCode::Usage);
        }
    }

    #[tokio::test]
    async fn a_path_where_nothing_is_is_not_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let error =
            artifact(&Place::of(folder.path()), "no/such/thing").await.expect_err("nothing there");
        assert_eq!(error.trouble().exit, ExitCode::NotFound);
    }
}
