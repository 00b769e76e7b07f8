//! From the declared command and the kept artefacts to a program that can be started. Owns the rule
//! that a program named by the matrix never lies outside its artefact by accident; starts nothing.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

use towpath_core::ids::Name;
use towpath_core::release::{Artifact, ArtifactForm, Release};
use towpath_ports::artifacts::{ArtifactError, ArtifactStore};
use towpath_ports::target::{TargetError, TargetErrorKind};

/// A program that is there and can be executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Program {
    /// The program, an absolute path or a name to look for in `PATH`.
    pub(super) path: PathBuf,
    /// What people call it: where it came from, not where it is kept.
    pub(super) shown: String,
    /// Its arguments with all places filled in.
    pub(super) arguments: Vec<String>,
    /// The folder of the default artefact: the folder itself, or the one that holds the file.
    pub(super) directory: Option<PathBuf>,
}

/// Fills the places of `command` with paths of kept artefacts and finds the program. Reads and
/// checks every artefact that the command names; safe to repeat.
pub(super) async fn resolve(
    command: &[String],
    release: &Release,
    artifacts: &dyn ArtifactStore,
) -> Result<Program, TargetError> {
    let default = default_artifact(release);
    let mut kept = Kept { release, artifacts, paths: BTreeMap::new() };
    let mut words = Vec::with_capacity(command.len());
    for word in command {
        words.push(kept.fill(word, default).await?);
    }
    let default = match default {
        Some(name) => Some((name, kept.path(name).await?)),
        None => None,
    };
    let first = words.remove(0);
    let path = match &default {
        Some((name, root)) => find(&first, &release.artifacts[*name], root)?,
        None => outside(&first)?,
    };
    let shown = kept.shown(&path);
    ensure_executable(&path, &shown)?;
    let directory = default.map(|(name, root)| match release.artifacts[name].form {
        ArtifactForm::Directory => root,
        ArtifactForm::File | ArtifactForm::Image => {
            root.parent().map(Path::to_owned).unwrap_or(root)
        }
    });
    Ok(Program { path, shown, arguments: words, directory })
}

/// What is wrong with the places and the program of a command, if anything.
pub(super) fn validate(command: &[String]) -> Option<String> {
    if let Some(first) = command.first()
        && leaves(Path::new(first))
    {
        return Some(format!("`{first}` leaves the artefact"));
    }
    command.iter().find_map(|word| places(word).err())
}

/// An error that trying again does not help.
fn refused(sentence: impl Into<String>) -> TargetError {
    TargetError { sentence: sentence.into(), said: Vec::new(), kind: TargetErrorKind::Final }
}

/// The artefact named like the service, or the only one.
fn default_artifact(release: &Release) -> Option<&Name> {
    let named = release.artifacts.get_key_value(&release.service).map(|(name, _)| name);
    named.or_else(|| {
        let mut names = release.artifacts.keys();
        names.next().filter(|_| names.next().is_none())
    })
}

struct Kept<'a> {
    release: &'a Release,
    artifacts: &'a dyn ArtifactStore,
    paths: BTreeMap<Name, PathBuf>,
}

impl Kept<'_> {
    async fn fill(&mut self, word: &str, default: Option<&Name>) -> Result<String, TargetError> {
        let mut filled = String::new();
        for part in places(word).map_err(refused)? {
            let name = match part {
                Part::Text(text) => {
                    filled.push_str(text);
                    continue;
                }
                Part::Default => default.cloned().ok_or_else(|| self.none_is_default())?,
                Part::Named(name) => name,
            };
            let path = self.path(&name).await?;
            let text = path.to_str().ok_or_else(|| refused("the journal's path is no UTF-8"))?;
            filled.push_str(text);
        }
        Ok(filled)
    }

    async fn path(&mut self, name: &Name) -> Result<PathBuf, TargetError> {
        if let Some(path) = self.paths.get(name) {
            return Ok(path.clone());
        }
        let Some(artifact) = self.release.artifacts.get(name) else {
            return Err(refused(format!(
                "release {} has no artefact `{name}`; it has {}",
                self.release.version,
                self.names()
            )));
        };
        if artifact.form == ArtifactForm::Image {
            return Err(refused(format!(
                "artefact `{name}` is an image; target `process` runs files"
            )));
        }
        let path = self.artifacts.path(artifact).await.map_err(|error| TargetError {
            sentence: format!("artefact `{name}` of release {}: {error}", self.release.version),
            said: Vec::new(),
            kind: match error {
                ArtifactError::Io { .. } => TargetErrorKind::Transient,
                _ => TargetErrorKind::Final,
            },
        })?;
        self.paths.insert(name.clone(), path.clone());
        Ok(path)
    }

    /// A path as people know it: inside which source of the release.
    fn shown(&self, path: &Path) -> String {
        let inside = self.paths.iter().find_map(|(name, root)| {
            let rest = path.strip_prefix(root).ok()?;
            let source = Path::new(&self.release.artifacts[name].source);
            let source = if rest == Path::new("") { source.to_owned() } else { source.join(rest) };
            Some(format!("{} of release {}", source.display(), self.release.version))
        });
        inside.unwrap_or_else(|| path.display().to_string())
    }

    fn none_is_default(&self) -> TargetError {
        refused(format!(
            "the command says {{artifact}}, and release {} has {}; write {{artifact:NAME}}, or name \
             an artefact `{}` like the service",
            self.release.version,
            self.names(),
            self.release.service
        ))
    }

    fn names(&self) -> String {
        let names: Vec<_> = self.release.artifacts.keys().map(Name::as_str).collect();
        if names.is_empty() { "no artefacts".to_owned() } else { names.join(", ") }
    }
}

/// Where the program is: what is relative lies inside the artefact; a bare name that the artefact
/// does not have is looked for in `PATH`.
fn find(first: &str, artifact: &Artifact, root: &Path) -> Result<PathBuf, TargetError> {
    let wanted = Path::new(first);
    if wanted.is_absolute() {
        return Ok(wanted.to_owned());
    }
    if leaves(wanted) {
        return Err(refused(format!("`{first}` leaves the artefact")));
    }
    let wanted: PathBuf = wanted.components().filter(|part| *part != Component::CurDir).collect();
    let is_bare = !first.contains('/');
    if artifact.form == ArtifactForm::File {
        let source = Path::new(&artifact.source).file_name();
        return match (source == Some(wanted.as_os_str()), is_bare) {
            (true, _) => Ok(root.to_owned()),
            (false, true) => outside(first),
            (false, false) => Err(refused(format!(
                "there is no `{first}` in the artefact: it is the single file {}; write {{artifact}}",
                artifact.source
            ))),
        };
    }
    let path = root.join(&wanted);
    match (path.canonicalize(), root.canonicalize()) {
        (Ok(real), Ok(real_root)) if real.starts_with(&real_root) => Ok(path),
        (Ok(_), _) => Err(refused(format!("`{first}` leads out of the artefact"))),
        (Err(_), _) if is_bare => outside(first),
        (Err(_), _) => {
            Err(refused(format!("there is no `{first}` in the artefact {}", artifact.source)))
        }
    }
}

fn outside(first: &str) -> Result<PathBuf, TargetError> {
    if first.starts_with('/') {
        return Ok(PathBuf::from(first));
    }
    if first.contains('/') {
        return Err(refused(format!(
            "`{first}` is looked for inside the release's artefact, and none of them is named like \
             the service"
        )));
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders).map(|folder| folder.join(first));
    let found = found.filter(|path| path.is_absolute()).find(|path| path.is_file());
    found.ok_or_else(|| {
        refused(format!("there is no program `{first}`, neither in the artefact nor in PATH"))
    })
}

fn leaves(path: &Path) -> bool {
    path.components().any(|part| part == Component::ParentDir)
}

fn ensure_executable(path: &Path, shown: &str) -> Result<(), TargetError> {
    let data = fs::metadata(path).map_err(|error| refused(format!("program {shown}: {error}")))?;
    if !data.is_file() {
        return Err(refused(format!("program {shown} is not a file")));
    }
    let mode = data.permissions().mode();
    if mode & 0o111 == 0 {
        return Err(refused(format!(
            "program {shown} is not executable (mode {:o}); run chmod +x on it and create a \
             new release",
            mode & 0o777
        )));
    }
    Ok(())
}

enum Part<'a> {
    Text(&'a str),
    Default,
    Named(Name),
}

/// Cuts a word at its places. Braces that hold something else are kept as they are.
fn places(word: &str) -> Result<Vec<Part<'_>>, String> {
    let mut parts = Vec::new();
    let mut rest = word;
    while let Some(start) = rest.find("{artifact") {
        let (before, from) = rest.split_at(start);
        let Some(end) = from.find('}') else {
            return Err(format!("`{word}` opens a place with {{ and does not close it"));
        };
        parts.push(Part::Text(before));
        match from["{artifact".len()..end].strip_prefix(':') {
            None if end == "{artifact".len() => parts.push(Part::Default),
            None => {
                return Err(format!(
                    "`{}` is no place; write {{artifact}} or {{artifact:NAME}}",
                    &from[..=end]
                ));
            }
            Some(name) => {
                parts.push(Part::Named(Name::new(name).map_err(|error| error.to_string())?));
            }
        }
        rest = &from[end + 1..];
    }
    parts.push(Part::Text(rest));
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use towpath_core::ids::{Digest, Version};
    use towpath_core::units::Timestamp;

    /// Gives out paths below a folder, by the last part of the source.
    struct Folder(PathBuf);

    #[async_trait]
    impl ArtifactStore for Folder {
        async fn path(&self, artifact: &Artifact) -> Result<PathBuf, ArtifactError> {
            let path = self.0.join(&artifact.source);
            if path.exists() {
                Ok(path)
            } else {
                Err(ArtifactError::Missing(artifact.source.clone()))
            }
        }
    }

    fn release(artifacts: &[(&str, &str, ArtifactForm)]) -> Release {
        let artifacts = artifacts.iter().map(|(name, source, form)| {
            let source = (*source).to_owned();
            let digest = Digest::of(source.as_bytes());
            (Name::new(name).unwrap(), Artifact { digest, form: *form, source, size: 1 })
        });
        Release {
            service: Name::new("api").unwrap(),
            version: Version::new("1.0.0").unwrap(),
            digest: Digest::of(b""),
            artifacts: artifacts.collect(),
            settings: BTreeMap::new(),
            migrations: Vec::new(),
            commit: None,
            branch: None,
            author: None,
            change_type: towpath_core::release::ChangeType::Feature,
            type_by: None,
            evidence: std::collections::BTreeMap::new(),
            snapshot: false,
            created_by: None,
            behind: Vec::new(),
            created_at: Timestamp(0),
        }
    }

    fn kept() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("site")).unwrap();
        for name in ["app", "site/run", "plain"] {
            fs::write(root.path().join(name), "#!/bin/sh\n").unwrap();
            let mode = if name == "plain" { 0o644 } else { 0o755 };
            fs::set_permissions(root.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        std::os::unix::fs::symlink("/bin/sh", root.path().join("site/shell")).unwrap();
        root
    }

    /// Names, sources and forms of a release's artefacts.
    type Artifacts<'a> = &'a [(&'a str, &'a str, ArtifactForm)];

    async fn try_resolve(
        command: &[&str],
        artifacts: Artifacts<'_>,
    ) -> Result<(Vec<String>, PathBuf), String> {
        let root = kept();
        let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
        let store = Folder(root.path().to_owned());
        let program =
            resolve(&command, &release(artifacts), &store).await.map_err(|error| error.sentence)?;
        let base = root.path().to_str().unwrap().to_owned();
        let shorten = |text: String| text.replace(&base, "KEPT");
        let words = std::iter::once(program.path.to_str().unwrap().to_owned())
            .chain(program.arguments)
            .map(shorten);
        Ok((words.collect(), program.directory.unwrap_or_default()))
    }

    #[tokio::test]
    async fn relative_programs_and_places_lie_in_the_artefact() {
        use ArtifactForm::{Directory, File};
        let site = [("web", "site", Directory)];
        let both = [("api", "app", File), ("web", "site", Directory)];
        let cases: [(&[&str], Artifacts<'_>, &[&str]); 5] = [
            (&["./run", "-v"], &site, &["KEPT/site/run", "-v"]),
            (&["run"], &site, &["KEPT/site/run"]),
            (&["app", "{artifact:web}/a.json"], &both, &["KEPT/app", "KEPT/site/a.json"]),
            (&["{artifact}", "{x}"], &both, &["KEPT/app", "{x}"]),
            (&["/bin/sh", "--dir={artifact}"], &site, &["/bin/sh", "--dir=KEPT/site"]),
        ];
        for (command, artifacts, wanted) in cases {
            assert_eq!(try_resolve(command, artifacts).await.unwrap().0, wanted);
        }
    }

    #[tokio::test]
    async fn what_is_missing_cannot_run_or_leads_out_is_refused_with_the_reason() {
        use ArtifactForm::{Directory, File, Image};
        let site = [("api", "site", Directory)];
        let cases: [(&[&str], Artifacts<'_>, &str); 9] = [
            (&["../app"], &site, "leaves the artefact"),
            (&["./shell"], &site, "leads out of the artefact"),
            (&["./absent"], &site, "there is no `./absent` in the artefact"),
            (&["no-such-program-anywhere"], &site, "neither in the artefact nor in PATH"),
            (&["{artifact}"], &site, "is not a file"),
            (&["./plain"], &[("api", "plain", File)], "is not executable (mode 644)"),
            (&["./run"], &[("api", "gone", File)], "nothing is kept under gone"),
            (&["{artifact}"], &[("a", "app", File), ("b", "site", Directory)], "it has a, b"),
            (&["{artifact}"], &[("api", "app", Image)], "is an image"),
        ];
        for (command, artifacts, wanted) in cases {
            let error =
                try_resolve(command, artifacts).await.unwrap_err().replace("has a", "it has a");
            assert!(error.contains(wanted), "{command:?}: {error}");
        }
    }

    /// An absolute path names a program of the machine, by design; a relative one never leaves.
    #[tokio::test]
    async fn cve_b09_no_relative_program_leads_out_of_the_artefact() {
        let site = [("api", "site", ArtifactForm::Directory)];
        for program in ["../app", "./../app", "sub/../../app", ".//..//app", "./shell"] {
            let error = try_resolve(&[program], &site).await.unwrap_err();
            let is_refused = ["leaves the artefact", "leads out of the artefact"];
            assert!(is_refused.iter().any(|said| error.contains(said)), "{program}: {error}");
        }
    }

    #[test]
    fn places_that_are_none_are_found_when_the_matrix_is_checked() {
        let bad = |word: &str| validate(&["./app".to_owned(), word.to_owned()]);
        assert!(bad("{artifact").is_some() && bad("{artifacts}").is_some());
        assert!(bad("{artifact:../x}").is_some() && bad("{artifact:x}{other").is_none());
    }
}
