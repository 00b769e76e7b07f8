//! Names in the sources of a CDK app, read by their words: no TypeScript is understood here. Takes
//! only what can hardly mean anything else; what the app computes stays unknown.

use std::path::{Path, PathBuf};

use super::super::foreign::{self, shown};
use super::cdk::{entries, environment_in, name_of};
use super::says_environment;
use crate::exit_code::CliError;

/// Most source files that are read.
const MOST_FILES: usize = 50;
/// Most names of one kind that are kept.
const MOST_NAMES: usize = 100;

/// What the words of an app name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// Environments in the order of the source.
    pub(super) environments: Vec<String>,
    /// Where those were.
    pub(super) place: String,
    /// Stacks by the name in their constructor.
    pub(super) stacks: Vec<String>,
}

/// `config/environments.ts` and `bin/*.ts` of an app, in that order; the same in JavaScript.
pub(super) fn sources(app: &Path) -> Vec<PathBuf> {
    let script = |path: &PathBuf| {
        let name = name_of(path);
        let is_script = [".ts", ".js", ".mjs"].iter().any(|it| name.ends_with(it));
        is_script && !name.ends_with(".d.ts") && path.is_file()
    };
    let configuration = ["environments.ts", "environments.js", "environments.mjs"]
        .map(|name| app.join("config").join(name));
    let mut found: Vec<PathBuf> = configuration.into_iter().filter(|it| script(it)).collect();
    found.extend(entries(&app.join("bin")).into_iter().filter(script));
    found.truncate(MOST_FILES);
    found
}

/// The first of these that names environments wins: keys of objects in `environments.ts`, names of
/// stacks, names of the files in `bin`.
///
/// # Errors
/// What `foreign::text` refuses a file for.
pub(super) fn environments(sources: &[PathBuf]) -> Result<Words, CliError> {
    let mut keyed: (Vec<String>, String) = Default::default();
    let mut stacks = Vec::new();
    for file in sources {
        let text = foreign::text(file)?;
        if name_of(file).starts_with("environments.") {
            keyed = (keys(&text), format!("the keys of {}", shown(file)));
        } else {
            stacks.extend(constructed(&text));
        }
    }
    stacks.truncate(MOST_NAMES);
    let of_stacks = unique(stacks.iter().filter_map(|it| environment_in(it)));
    let files: Vec<&PathBuf> =
        sources.iter().filter(|it| !name_of(it).starts_with("environments.")).collect();
    let of_files =
        unique(files.iter().filter_map(|file| {
            environment_in(name_of(file).split('.').next().unwrap_or_default())
        }));
    let (environments, place) = if !keyed.0.is_empty() {
        keyed
    } else if !of_stacks.is_empty() {
        (of_stacks, "the names of stacks in bin".to_owned())
    } else {
        (of_files, "the names of files in bin".to_owned())
    };
    Ok(Words { environments, place, stacks })
}

fn unique(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for name in names {
        if !all.contains(&name) && all.len() < MOST_NAMES {
            all.push(name);
        }
    }
    all
}

/// Keys that begin a line, open an object and name an environment: `staging: {`, `'dev-aws': {`.
fn keys(text: &str) -> Vec<String> {
    let key = |line: &str| {
        let (key, rest) = line.trim().split_once(':')?;
        let key = key.trim().trim_matches(['"', '\'']);
        let plain = key.chars().all(|it| it.is_ascii_alphanumeric() || it == '-' || it == '_');
        let opens = rest.trim_start().starts_with('{');
        (opens
            && plain
            && !key.is_empty()
            && says_environment(&super::super::names::hyphenated(key)))
        .then(|| key.to_owned())
    };
    unique(text.lines().filter_map(key))
}

/// The names in `new ApiStack(app, 'SoundBite-Staging-Api'`, where they are plain texts.
fn constructed(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for part in text.split("new ").skip(1) {
        let Some((class, arguments)) = part.split_once('(') else { continue };
        if !class.trim().ends_with("Stack") && !class.trim().ends_with("Stage") {
            continue;
        }
        let Some((_, after)) = arguments.split_once(',') else { continue };
        let after = after.trim_start();
        let Some(quote) = after.chars().next().filter(|it| "'\"`".contains(*it)) else { continue };
        let Some((name, _)) = after[1..].split_once(quote) else { continue };
        let plain = !name.is_empty() && name.len() <= 128 && !name.contains(['$', '\n', '{']);
        if plain && names.len() < MOST_NAMES {
            names.push(name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_that_can_hardly_mean_anything_else_are_taken() {
        let text = "export const environments = {
  'dev-localstack': { region: 'us-east-1' },
  staging: {
    tags: { Environment: 'staging' },
  },
  production: computed(),
  network: { cidr: '10.0.0.0/16' },
  // qa: { }
};";
        assert_eq!(keys(text), ["dev-localstack", "staging"]);
        let text = "new ApiStack(app, 'SoundBite-Staging-Api', {});
new DatabaseStack(\n  app,\n  \"SoundBite-Production-Database\",\n);
new ApiStack(app, `SoundBite-${stage}-Api`); new Thing(app, 'Staging'); new XStack(";
        assert_eq!(constructed(text), ["SoundBite-Staging-Api", "SoundBite-Production-Database"]);
    }
}
