//! What the file of settings says of a repository that is followed. Owns which are asked at all: nothing that is
//! written here becomes an option of git, or has it start another program.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use towpath_core::ids::Name;
use towpath_core::units::Span;

/// One of `follow`, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FollowSection {
    #[serde(default)]
    project: Option<String>,
    repository: String,
    #[serde(default)]
    branch: Option<String>,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    every: Option<String>,
    #[serde(default)]
    allowed_signers: Option<PathBuf>,
}

/// A repository that is followed.
#[derive(Clone, Debug)]
pub(crate) struct Follow {
    /// For which project; none: the only one.
    pub(crate) project: Option<Name>,
    pub(crate) repository: String,
    /// Whether it is a folder of this machine.
    pub(crate) is_local: bool,
    /// A branch, or a whole name such as `refs/tags/live`.
    pub(crate) branch: String,
    /// Where the matrix is in it.
    pub(crate) path: String,
    pub(crate) every: Duration,
    /// Whose signatures a commit must have; none: it needs none.
    pub(crate) allowed_signers: Option<PathBuf>,
}

impl Follow {
    /// Whether it is followed for this project, one of so many.
    pub(crate) fn is_for(&self, project: &Name, of: usize) -> bool {
        self.project.as_ref().map_or(of == 1, |name| name == project)
    }
}

impl FollowSection {
    /// What a server is told; `beside` finds files beside the one of the settings.
    ///
    /// # Errors
    /// What is wrong, with its key.
    pub(crate) fn told(self, beside: impl Fn(PathBuf) -> PathBuf) -> Result<Follow, String> {
        let project = self.project.as_deref().map(Name::new).transpose();
        let project = project.map_err(|error| format!("project: {error}"))?;
        let is_local = is_local(&self.repository).map_err(|it| format!("repository: {it}"))?;
        let branch = self.branch.unwrap_or_else(|| "main".to_owned());
        if !is_reference(&branch) {
            return Err(format!("branch: `{}` is the name of no branch", branch.escape_debug()));
        }
        let path = self.path.unwrap_or_else(|| "towpath.yaml".to_owned());
        let path = inside("", &path).map_err(|why| format!("path: {why}"))?;
        let every = self.every.as_deref().unwrap_or("1m").parse::<Span>();
        let every = every.map_err(|error| format!("every: {error}"))?;
        if every < Span::seconds(5) || every > Span::hours(24) {
            return Err(format!("every: {every} is not from 5s to 24h"));
        }
        // Git is run in another folder.
        let absolute = |file: PathBuf| std::path::absolute(beside(file));
        let allowed_signers = self.allowed_signers.map(absolute).transpose();
        let allowed_signers =
            allowed_signers.map_err(|error| format!("allowed_signers: {error}"))?;
        if let Some(file) = &allowed_signers {
            std::fs::metadata(file)
                .map_err(|error| format!("allowed_signers: {}: {error}", file.display()))?;
        }
        let (repository, every) = (self.repository, every.into());
        Ok(Follow { project, repository, is_local, branch, path, every, allowed_signers })
    }
}

/// Whether a repository is a folder of this machine, or else one that is asked over TLS or SSH.
///
/// # Errors
/// One sentence: it is neither. Git has more ways, and some of them start programs (git-remote-ext(1)).
fn is_local(repository: &str) -> Result<bool, String> {
    let shown = repository.escape_debug();
    let is_text = repository.chars().all(|it| !it.is_control() && !it.is_whitespace());
    if repository.starts_with('-') || repository.contains("::") || !is_text {
        return Err(format!("`{shown}` is no repository"));
    }
    if repository.starts_with('/') {
        return Ok(true);
    }
    if let Some((scheme, rest)) = repository.split_once("://") {
        let host = rest.split('/').next().unwrap_or_default();
        if !matches!(scheme, "https" | "ssh") || host.is_empty() || host.starts_with('-') {
            return Err(format!("`{shown}` is asked neither by https nor by ssh"));
        }
        // A token is written as a user as well; of SSH the user is a name.
        let user = host.rsplit_once('@').map(|(user, _)| user);
        if user.is_some_and(|user| scheme == "https" || user.contains([':', '%'])) {
            return Err("a password or token belongs to a credential helper of git, and not here"
                .to_owned());
        }
        return Ok(false);
    }
    // As people write it: USER@HOST:PATH.
    match repository.split_once(':') {
        Some((host, path))
            if !path.is_empty()
                && !host.contains('/')
                && !host.starts_with('-')
                && !host.is_empty() =>
        {
            Ok(false)
        }
        _ => Err(format!("`{shown}` is no https:// or ssh:// address, nor a whole path")),
    }
}

/// As git-check-ref-format(1) has it, and without anything that could be read as an option.
fn is_reference(name: &str) -> bool {
    let is_plain = |it: char| it.is_alphanumeric() || "._-/+#".contains(it);
    let is_part = |part: &str| {
        !part.is_empty() && !part.starts_with(['.', '-']) && part.strip_suffix(".lock").is_none()
    };
    name.len() <= 255
        && name.chars().all(is_plain)
        && !name.contains("..")
        && !name.ends_with('.')
        && name.split('/').all(is_part)
}

/// The place of a file that is named from a folder of the repository on.
///
/// # Errors
/// It leads out of the repository.
pub(super) fn inside(folder: &str, named: &str) -> Result<String, String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in Path::new(named).components() {
        match part {
            Component::CurDir => {}
            Component::Normal(part) => parts.push(part.to_str().ok_or("it is no text")?),
            _ => return Err(format!("`{}` leaves its folder", named.escape_debug())),
        }
    }
    let is_plain = |part: &&str| !part.contains([':', '\n', '\0']) && !part.starts_with('-');
    if parts.is_empty() || !parts.iter().all(is_plain) {
        return Err(format!("`{}` is no path in a repository", named.escape_debug()));
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Result<Follow, String> {
        let section: FollowSection = serde_saphyr::from_str(text).map_err(|it| it.to_string())?;
        section.told(|path| path)
    }

    #[test]
    fn a_repository_is_asked_by_tls_or_ssh_or_is_a_folder_that_was_named() {
        for (repository, is_local) in [
            ("https://git.example/team/shop.git", false),
            ("ssh://git@git.example:2222/shop.git", false),
            ("git@git.example:team/shop.git", false),
            ("/srv/git/shop.git", true),
        ] {
            let follow = told(&format!("repository: '{repository}'")).unwrap();
            assert_eq!(
                (follow.is_local, &*follow.path),
                (is_local, "towpath.yaml"),
                "{repository}"
            );
            assert_eq!((&*follow.branch, follow.every.as_secs()), ("main", 60));
        }
    }

    #[test]
    fn t12_nothing_that_is_written_becomes_an_option_or_starts_a_program() {
        for repository in [
            "ext::sh -c 'touch /tmp/x'",
            "ext::/bin/sh",
            "fd::17",
            "--upload-pack=/bin/sh",
            "-oProxyCommand=x",
            "file:///srv/git",
            "http://git.example/shop",
            "git://git.example/shop",
            "ssh://-oProxyCommand=x/shop",
            "-oProxyCommand=x:shop",
            "https://name:secret@git.example/shop",
            "https://secret@git.example/shop",
            "ssh://name%3Asecret@git.example/shop",
            "shop.git",
            "../shop",
            "",
        ] {
            let text = format!("repository: \"{repository}\"");
            let said = told(&text).unwrap_err();
            assert!(said.starts_with("repository: ") && !said.contains("secret"), "{said}");
        }
        for branch in
            ["-x", "--force", "a/-b", "a..b", "a b", "a:b", "+a^", "", "/a", "a.lock", "@{u}"]
        {
            let text = format!("{{ repository: /srv/git, branch: \"{branch}\" }}");
            assert!(told(&text).unwrap_err().starts_with("branch: "), "{branch}");
        }
        for path in ["../towpath.yaml", "/etc/passwd", "a:b", "-x", "."] {
            let text = format!("{{ repository: /srv/git, path: \"{path}\" }}");
            assert!(told(&text).unwrap_err().starts_with("path: "), "{path}");
        }
        for (key, value) in [("every", "1s"), ("every", "soon"), ("allowed_signers", "/no/such")] {
            let text = format!("{{ repository: /srv/git, {key}: {value} }}");
            assert!(told(&text).unwrap_err().starts_with(key), "{key}");
        }
    }

    #[test]
    fn files_beside_the_matrix_stay_in_the_repository() {
        assert_eq!(inside("ops", "calendars/./a.ics").unwrap(), "ops/calendars/a.ics");
        for named in ["../a.ics", "a/../../b", "/a", "", "a:b"] {
            assert!(inside("ops", named).is_err() || named.is_empty(), "{named}");
        }
    }
}
