//! What other tools' files say about a project. One file for each source; owns which of them is read.

mod bounds;
mod cloudformation;
mod complete;
mod compose;
mod findings;
mod foreign;
mod names;
mod place;
mod scripts;
mod words;

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use towpath_core::ids::Name;

use crate::exit_code::CliError;
use cloudformation::sam;
pub(crate) use complete::complete;
pub(crate) use findings::{Findings, FoundEnvironment, FoundLane, Said};
pub(crate) use foreign::shown;
pub(crate) use names::{listed, nearest};
use place::{Candidates, Wanted};
pub(crate) use words::without_shell;

/// What `init --from` reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Source {
    /// A compose file.
    Compose,
    /// A CDK app.
    Cdk,
    /// A SAM template.
    Sam,
    /// Shell scripts.
    Scripts,
}

/// Answers which of several files is meant; none leaves it open.
pub(crate) type Choose<'a> = &'a mut dyn FnMut(&[String]) -> Result<Option<usize>, CliError>;

/// Reads a source: `path` is its file or the folder that it is in; without it, the current folder.
/// `project` names what has no name of its own.
///
/// # Errors
/// Exit 5 where nothing is found, 2 for several candidates and for what cannot be read.
pub(crate) fn read(
    source: Source,
    path: Option<&Path>,
    project: &Name,
    choose: Choose<'_>,
) -> Result<Findings, CliError> {
    match source {
        Source::Compose => {
            let file = pick(path, &compose::WANTED, compose::base, choose)?;
            compose::read(&file, project)
        }
        Source::Scripts => scripts::read(path, project),
        Source::Cdk => cloudformation::cdk::read(path, project),
        Source::Sam => {
            let file = pick(path, &sam::WANTED, sam::leading, choose)?;
            sam::read(&file, project)
        }
    }
}

/// A file of each source that lies in `folder`, and what the source is called.
pub(crate) fn beside(folder: &Path) -> Vec<(String, &'static str)> {
    let first = |inside: &str, wanted: &Wanted| {
        let files = Candidates::find(&[folder.join(inside)], wanted).ok()?.files;
        let file = files.first()?.strip_prefix(folder).unwrap_or(&files[0]).to_owned();
        Some(shown(&file))
    };
    let app = ["", "cdk", "infra"].iter().map(|inside| Path::new(inside).join("cdk.json"));
    let app = app.filter(|file| folder.join(file).is_file()).map(|file| shown(&file)).next();
    let found = [
        (first("", &compose::WANTED), "compose"),
        (first("", &sam::WANTED), "sam"),
        (app, "cdk"),
        (first("scripts", &scripts::WANTED), "scripts"),
    ];
    found.into_iter().filter_map(|(file, source)| Some((file?, source))).collect()
}

/// The one file that is meant.
fn pick(
    path: Option<&Path>,
    wanted: &Wanted,
    leading: fn(&Candidates) -> Option<PathBuf>,
    choose: Choose<'_>,
) -> Result<PathBuf, CliError> {
    let folder = match path {
        Some(path) if path.is_dir() => path.to_owned(),
        Some(file) => return Ok(file.to_owned()),
        None => PathBuf::new(),
    };
    let candidates = Candidates::find(&[folder], wanted)?;
    if let [one] = candidates.files.as_slice() {
        return Ok(one.clone());
    }
    if let Some(file) = leading(&candidates) {
        return Ok(file);
    }
    let names: Vec<String> = candidates.files.iter().map(|file| shown(file)).collect();
    let chosen = choose(&names)?.and_then(|index| candidates.files.get(index));
    chosen.cloned().ok_or_else(|| candidates.ambiguous(wanted))
}

#[cfg(test)]
mod tests;
