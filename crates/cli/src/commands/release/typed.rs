//! Of which type a release is that nobody gave one. Owns where the signs come from; what they mean is the
//! core's to say.

use towpath_core::change_types::beside_settings;
use towpath_core::deriving::{self, Signs};
use towpath_core::matrix::Matrix;
use towpath_core::release::{ChangeType, Release};
use towpath_engine::ReleaseView;

use crate::commands::session::Session;
use crate::exit_code::{CliError, ExitCode};

/// Sets the type of `release`, and by what it was found. One that exists keeps its own, so that the same
/// command again says the same.
///
/// # Errors
/// The commit names a type that there is not, or the files that it changes cannot be told although the
/// matrix says that they decide.
pub(super) async fn derive(
    release: &mut Release,
    trailer: Option<String>,
    session: &Session,
) -> Result<(), CliError> {
    let known: Vec<ReleaseView> = session.client.list("/v1/releases").await?;
    let own = |one: &&ReleaseView| one.release.service == release.service;
    let known: Vec<&Release> = known.iter().filter(own).map(|one| &one.release).collect();
    if let Some(same) = known.iter().find(|one| one.version == release.version) {
        (release.change_type, release.type_by) = (same.change_type, same.type_by.clone());
        return Ok(());
    }
    let (paths, other_paths) = paths(release, &known, session).await?;
    let (settings_alone, beside_settings) = beside(release, &known, session);
    let branch = release.branch.clone();
    let signs = Signs { trailer, branch, paths, other_paths, settings_alone, beside_settings };
    (release.change_type, release.type_by) = deriving::derived(&signs).map_err(|cause| {
        CliError::new(ExitCode::Usage, "unknown-type", "nothing was kept").because(cause).next(
            format!("towpath release create {} --artifact NAME=PATH --type TYPE", release.version),
            "says its type, whatever the commit says",
        )
    })?;
    Ok(())
}

/// Whether only settings differ from what serves in every environment, and what else differs anywhere.
fn beside(release: &Release, known: &[&Release], session: &Session) -> (bool, Vec<String>) {
    let lanes = session.status.lanes.iter().filter(|lane| lane.service == release.service.as_str());
    let mut differs: Vec<String> = Vec::new();
    let (mut everywhere, mut any) = (true, false);
    for lane in lanes {
        let serves = lane.serves.as_ref();
        let serves =
            serves.and_then(|it| known.iter().find(|one| one.version.as_str() == it.release));
        match serves {
            Some(serves) => {
                any |= serves.settings != release.settings;
                differs.extend(beside_settings(serves, release));
            }
            None => everywhere = false,
        }
    }
    differs.sort();
    differs.dedup();
    (everywhere && any && differs.is_empty(), differs)
}

/// Files that the release changes and that the `paths` of a type cover, and whether it changes others.
async fn paths(
    release: &Release,
    known: &[&Release],
    session: &Session,
) -> Result<(Vec<(String, ChangeType)>, bool), CliError> {
    let matrix: Matrix = session.client.get("/v1/matrix").await?;
    let lanes = matrix.environments.iter().filter_map(|one| one.lanes.get(&release.service));
    let mut patterns: Vec<(ChangeType, Vec<String>)> = Vec::new();
    for (of_type, rules) in lanes.flat_map(|lane| &lane.change_types) {
        if !rules.paths.is_empty() {
            patterns.push((*of_type, rules.paths.clone()));
        }
    }
    let before = known.iter().rev().find_map(|one| one.commit.as_deref());
    let (Some(before), false) = (before, patterns.is_empty()) else {
        return Ok((Vec::new(), false));
    };
    let wrong = |cause: String| {
        CliError::new(ExitCode::Failed, "files-unknown", "nothing was kept")
            .because(format!(
                "the files that {} changes decide its type, and they cannot be told: {cause}",
                release.version
            ))
            .at("change_types: paths")
            .next(
                format!(
                    "towpath release create {} --artifact NAME=PATH --type TYPE",
                    release.version
                ),
                "says its type",
            )
    };
    let without = || wrong("nobody knows its commit".to_owned());
    let commit = release.commit.as_deref().ok_or_else(without)?;
    let folder = &session.project.root;
    let files = towpath_adapters::changed::between(folder, before, commit).await.map_err(wrong)?;
    let (mut found, mut others) = (Vec::new(), false);
    for file in files {
        let mut is_named = false;
        for (of_type, patterns) in &patterns {
            if towpath_adapters::changed::is_covered(patterns, &file).map_err(wrong)? {
                found.push((file.clone(), *of_type));
                is_named = true;
            }
        }
        others |= !is_named;
    }
    Ok((found, others))
}
