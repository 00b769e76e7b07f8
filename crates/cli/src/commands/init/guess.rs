//! What a folder says about the project in it. Reads a few well-known files; asks nobody.

use std::fs;
use std::path::Path;

use serde_json::Value;
use towpath_config::{FIRST_PORT, StarterInput};
use towpath_core::ids::Name;

/// Largest file that is looked into, in bytes; such files are small.
const LARGEST: u64 = 1 << 20;
/// Environments unless something else is asked for: the shortest pipeline with a rehearsal stage.
const ENVIRONMENTS: [&str; 3] = ["dev", "staging", "production"];

/// What was found.
pub(crate) struct Guess {
    /// One sentence for the person.
    pub(crate) found: String,
    /// What the matrix would be made from.
    pub(crate) input: StarterInput,
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
    let project = [named, crate_name.clone(), folder_name]
        .into_iter()
        .flatten()
        .find_map(|name| name_from(&name))
        .unwrap_or_else(|| Name::new("project").expect("a name"));
    let start = package.as_ref().and_then(start_command);
    let from_docker = docker.as_deref().and_then(docker_command);
    let command = start
        .clone()
        .or(from_docker)
        .or_else(|| crate_name.map(|name| vec![format!("./{name}")]))
        .unwrap_or_else(|| vec!["./start".to_owned()]);
    let mut found = Vec::new();
    if package.is_some() {
        found.push(match &start {
            Some(start) => format!("package.json ({project}, \"{}\")", start.join(" ")),
            None => format!("package.json ({project})"),
        });
    }
    if cargo.is_some() {
        found.push("Cargo.toml".to_owned());
    }
    if let Some(docker) = &docker {
        found.push(match exposed(docker) {
            Some(port) => format!("a Dockerfile (port {port})"),
            None => "a Dockerfile".to_owned(),
        });
    }
    let found = if found.is_empty() {
        "This folder has nothing that says how it is started.".to_owned()
    } else {
        format!("This folder has {}.", found.join(" and "))
    };
    Guess {
        found,
        input: StarterInput {
            service: project.clone(),
            project,
            environments: ENVIRONMENTS.iter().map(|it| Name::new(it).expect("a name")).collect(),
            command,
            health_path: "/health".to_owned(),
            first_port: docker.as_deref().and_then(exposed).unwrap_or(FIRST_PORT),
        },
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

fn read(folder: &Path, name: &str) -> Option<String> {
    let file = folder.join(name);
    let small = fs::metadata(&file).is_ok_and(|found| found.is_file() && found.len() <= LARGEST);
    if small { fs::read_to_string(file).ok() } else { None }
}

/// The nearest name that may stand in a matrix.
fn name_from(text: &str) -> Option<Name> {
    // The scope of an npm package is no part of its name.
    let own = text.rsplit('/').next().unwrap_or(text).to_lowercase();
    let mut name = String::new();
    for character in own.chars() {
        match character {
            'a'..='z' | '0'..='9' => name.push(character),
            _ if name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    Name::new(name.trim_matches('-').get(..63).unwrap_or(name.trim_matches('-'))).ok()
}

fn start_command(package: &Value) -> Option<Vec<String>> {
    let start = package.get("scripts")?.get("start")?.as_str()?;
    let words: Vec<String> = start.split_whitespace().map(str::to_owned).collect();
    // What needs a shell is not a command.
    let plain = !words.is_empty() && !start.contains(['&', '|', ';', '$', '"', '\'', '<', '>']);
    plain.then_some(words)
}

fn package_name(cargo: &str) -> Option<String> {
    let package = cargo.split("[package]").nth(1)?;
    let line = package.lines().find(|line| line.trim_start().starts_with("name"))?;
    Some(line.split('"').nth(1)?.to_owned())
}

/// The last `CMD` of the list form.
fn docker_command(docker: &str) -> Option<Vec<String>> {
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
        assert_eq!(guess.input.project.as_str(), "soundbite");
        assert_eq!(guess.input.command, ["node", "dist/main.js"]);
        assert_eq!(guess.input.first_port, 8080);
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
    fn environments_may_be_typed_with_commas_or_blanks_and_each_once() {
        let names = environments("dev-localstack, staging production").expect("three names");
        assert_eq!(names.len(), 3);
        for wrong in ["", "  , ", "dev dev", "Dev", "-x"] {
            assert!(environments(wrong).is_err(), "{wrong:?}");
        }
    }
}
