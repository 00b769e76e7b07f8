//! What a folder says about the project in it. Reads a few well-known files; asks nobody.

use std::fs;
use std::path::Path;

use serde_json::Value;
use towpath_config::holds_a_secret;
use towpath_core::ids::Name;

use super::sources::nearest;

/// Largest file that is looked into, in bytes; such files are small.
const LARGEST: u64 = 1 << 20;
/// Environments unless something else is asked for: the shortest pipeline with a rehearsal stage.
pub(crate) const ENVIRONMENTS: [&str; 3] = ["dev", "staging", "production"];
/// Path that answers 2xx when all is well, unless something else is asked for.
pub(crate) const HEALTH_PATH: &str = "/health";

/// What was found.
#[derive(Clone, Debug)]
pub(crate) struct Guess {
    /// One sentence for the person.
    pub(crate) found: String,
    /// What the project may be called.
    pub(crate) project: Name,
    /// Where that comes from.
    pub(crate) project_from: &'static str,
    /// How a release may be started.
    pub(crate) command: Vec<String>,
    /// Where that comes from; none when nothing says it.
    pub(crate) command_from: Option<&'static str>,
    /// The port that the image of the folder listens on.
    pub(crate) port: Option<u16>,
}

/// Looks at a folder.
pub(crate) fn look(folder: &Path) -> Guess {
    let package =
        read(folder, "package.json").and_then(|it| serde_json::from_str::<Value>(&it).ok());
    let docker = read(folder, "Dockerfile");
    let cargo = read(folder, "Cargo.toml");
    let named = package.as_ref().and_then(|it| it.get("name")?.as_str().map(str::to_owned));
    let crate_name = cargo.as_deref().and_then(package_name);
    let folder_name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let (project, project_from) = [
        (named, "package.json"),
        (crate_name.clone(), "Cargo.toml"),
        (folder_name, "the folder's name"),
    ]
    .into_iter()
    .find_map(|(name, from)| Some((name_from(&name?)?, from)))
    .unwrap_or_else(|| (Name::new("project").expect("a name"), "nothing that has a name"));
    let plain = |words: &Vec<String>| {
        !holds_a_secret(&words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let start = package.as_ref().and_then(start_command).filter(plain);
    let own = crate_name.map(|name| vec![format!("./{name}")]);
    let command = [
        (start.clone(), "package.json"),
        (docker.as_deref().and_then(docker_command).filter(plain), "the Dockerfile"),
        (own, "Cargo.toml"),
    ]
    .into_iter()
    .find_map(|(command, from)| Some((command?, from)));
    let found =
        found(package.as_ref(), start.as_deref(), &project, cargo.is_some(), docker.as_deref());
    Guess {
        found,
        project,
        project_from,
        command_from: command.as_ref().map(|(_, from)| *from),
        command: command.map_or_else(|| vec!["./start".to_owned()], |(command, _)| command),
        port: docker.as_deref().and_then(exposed),
    }
}

/// The sentence about a folder.
fn found(
    package: Option<&Value>,
    start: Option<&[String]>,
    project: &Name,
    cargo: bool,
    docker: Option<&str>,
) -> String {
    let mut found = Vec::new();
    if package.is_some() {
        found.push(match start {
            Some(start) => format!("package.json ({project}, \"{}\")", start.join(" ")),
            None => format!("package.json ({project})"),
        });
    }
    if cargo {
        found.push("Cargo.toml".to_owned());
    }
    if let Some(docker) = docker {
        found.push(match exposed(docker) {
            Some(port) => format!("a Dockerfile (port {port})"),
            None => "a Dockerfile".to_owned(),
        });
    }
    if found.is_empty() {
        "This folder has nothing that says how it is started.".to_owned()
    } else {
        format!("This folder has {}.", found.join(" and "))
    }
}

/// Environments as a person types them: names between commas or blanks, each once.
pub(crate) fn environments(typed: &str) -> Result<Vec<Name>, String> {
    let mut names: Vec<Name> = Vec::new();
    let words = typed.split([',', ' ']).map(str::trim).filter(|word| !word.is_empty());
    for word in words {
        let name = Name::new(word).map_err(|error| error.to_string())?;
        if names.contains(&name) {
            return Err(format!("{name} is named twice"));
        }
        names.push(name);
    }
    if names.is_empty() {
        Err("a matrix has at least one environment".to_owned())
    } else {
        Ok(names)
    }
}

/// The path of a URL, as a person types it.
pub(crate) fn health_path(typed: &str) -> Result<String, String> {
    if typed.starts_with('/') {
        Ok(typed.to_owned())
    } else {
        Err("a path begins with /, such as /health".to_owned())
    }
}

/// A program and its arguments, as a person types them.
pub(crate) fn command(typed: &str) -> Result<Vec<String>, String> {
    let words: Vec<String> = typed.split_whitespace().map(str::to_owned).collect();
    if words.is_empty() { Err("a command has a program".to_owned()) } else { Ok(words) }
}

fn read(folder: &Path, name: &str) -> Option<String> {
    let file = folder.join(name);
    let small = fs::metadata(&file).is_ok_and(|found| found.is_file() && found.len() <= LARGEST);
    if small { fs::read_to_string(file).ok() } else { None }
}

/// The nearest name that may stand in a matrix.
fn name_from(text: &str) -> Option<Name> {
    // The scope of an npm package is no part of its name.
    nearest(text.rsplit('/').next().unwrap_or(text))
}

fn start_command(package: &Value) -> Option<Vec<String>> {
    let start = package.get("scripts")?.get("start")?.as_str()?;
    // What needs a shell is not a command.
    super::sources::without_shell(start)
}

fn package_name(cargo: &str) -> Option<String> {
    let package = cargo.split("[package]").nth(1)?;
    let line = package.lines().find(|line| line.trim_start().starts_with("name"))?;
    Some(line.split('"').nth(1)?.to_owned())
}

/// The last `CMD` of the list form.
pub(crate) fn docker_command(docker: &str) -> Option<Vec<String>> {
    let line = docker.lines().rfind(|line| line.trim_start().starts_with("CMD"))?;
    let words: Vec<String> =
        serde_json::from_str(line.trim_start().strip_prefix("CMD")?.trim()).ok()?;
    words.first().is_some_and(|program| !program.trim().is_empty()).then_some(words)
}

/// The first port that the image says it listens on.
fn exposed(docker: &str) -> Option<u16> {
    let line = docker.lines().find(|line| line.trim_start().starts_with("EXPOSE"))?;
    let port = line.split_whitespace().nth(1)?;
    port.split('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_project_with_a_dockerfile_is_understood() {
        let folder = tempfile::tempdir().expect("a folder");
        let write =
            |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
        write(
            "package.json",
            r#"{"name":"@acme/SoundBite","scripts":{"start":"node dist/main.js"}}"#,
        );
        write("Dockerfile", "FROM node:22\nEXPOSE 8080/tcp\nCMD [\"node\", \"server.js\"]\n");
        let guess = look(folder.path());
        assert_eq!(guess.project.as_str(), "soundbite");
        assert_eq!(guess.command, ["node", "dist/main.js"]);
        assert_eq!(guess.port, Some(8080));
        assert_eq!(
            guess.found,
            "This folder has package.json (soundbite, \"node dist/main.js\") and a Dockerfile (port 8080)."
        );
    }

    #[test]
    fn a_start_script_that_needs_a_shell_is_not_taken() {
        let package = serde_json::json!({ "scripts": { "start": "npm run build && node x.js" } });
        assert_eq!(start_command(&package), None);
    }

    #[test]
    fn a_start_command_with_a_secret_in_it_is_not_taken() {
        let folder = tempfile::tempdir().expect("a folder");
        let write =
            |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
        write("package.json", r#"{"scripts":{"start":"node a.js --password hunter1"}}"#);
        write("Dockerfile", "CMD [\"node\", \"a.js\", \"--password=hunter1\"]\n");
        let guess = look(folder.path());
        assert_eq!((guess.command_from, guess.command), (None, vec!["./start".to_owned()]));
        assert!(!guess.found.contains("hunter"), "{}", guess.found);
    }

    #[test]
    fn environments_may_be_typed_with_commas_or_blanks_and_each_once() {
        let names = environments("dev-localstack, staging production").expect("three names");
        assert_eq!(names.len(), 3);
        for wrong in ["", "  , ", "dev dev", "Dev", "-x"] {
            assert!(environments(wrong).is_err(), "{wrong:?}");
        }
    }
}
