//! Lists of signed checkpoints: the one beside the journal, and those outside. Adds to them and never
//! takes anything away; signs nothing.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use towpath_audit::note::{split, whole};
use towpath_core::ids::Name;

use crate::checks::{Record, Repository};

/// The largest list that is read: a quarter of a million checkpoints.
const LARGEST_LIST: u64 = 64 << 20;

/// A list; empty where there is none yet.
pub(super) fn read(file: &Path) -> Result<String, String> {
    let place = file.display();
    match fs::metadata(file) {
        Ok(found) if found.len() > LARGEST_LIST => {
            return Err(format!("{place} is larger than {LARGEST_LIST} bytes; begin a new list"));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        Ok(_) | Err(_) => {}
    }
    fs::read_to_string(file).map_err(|error| format!("{place}: {error}"))
}

/// Adds a note to the list beside the journal. Half a note at its end, which a crash left, goes.
pub(super) fn add_own(file: &Path, note: &str) -> Result<(), String> {
    let list = read(file)?;
    let end = whole(&list);
    let between = if end == 0 { "" } else { "\n" };
    let failed = |error: io::Error| format!("{}: {error}", file.display());
    let mut options = fs::OpenOptions::new();
    let options = options.create(true).truncate(false).write(true).mode(0o600);
    let mut writing = options.open(file).map_err(failed)?;
    let written = writing.set_len(end as u64).and_then(|()| {
        use std::io::Seek as _;
        writing.seek(io::SeekFrom::End(0))?;
        writing.write_all(format!("{between}{note}").as_bytes())?;
        writing.sync_all()
    });
    written.map_err(failed)
}

/// Adds the `notes` that a list outside lacks, in their order, and answers how many. Its folder must be
/// there: of a disk that is not mounted nothing is to be written into the empty folder.
pub(super) fn add_missing(file: &Path, notes: &[String]) -> Result<usize, String> {
    let place = file.display();
    if let Some(folder) = file.parent()
        && !folder.is_dir()
    {
        return Err(format!("there is no folder {} for checkpoints", folder.display()));
    }
    let list = read(file)?;
    let there: BTreeSet<String> = split(&list).into_iter().collect();
    let missing: Vec<&String> = notes.iter().filter(|note| !there.contains(*note)).collect();
    if missing.is_empty() {
        return Ok(0);
    }
    // Half a note at the end stays, ended so that it spoils no other.
    let end = whole(&list);
    let mut text = if end == list.len() { "" } else { "\n\n\n" }.to_owned();
    for note in &missing {
        if end > 0 || text.contains('\n') {
            text.push('\n');
        }
        text.push_str(note);
    }
    let added = fs::OpenOptions::new().create(true).append(true).open(file).and_then(|mut it| {
        it.write_all(text.as_bytes())?;
        it.sync_all()
    });
    added.map_err(|error| format!("{place}: {error}"))?;
    Ok(missing.len())
}

/// The list of a project in a git repository.
pub(super) fn list_in(folder: &Path, project: &Name) -> PathBuf {
    folder.join(list_name(project))
}

fn list_name(project: &Name) -> String {
    format!("{project}.checkpoints")
}

/// The same in a git repository, committed. Nothing is pushed and no hook of the repository runs.
pub(super) async fn commit_missing(
    folder: &Path,
    project: &Name,
    notes: &[String],
) -> Result<(), String> {
    let file = list_in(folder, project);
    let name = list_name(project);
    let repository =
        Repository { folder: folder.to_owned(), allowed_signers: None, record: Record::default() };
    // Also refuses what is no repository, before anything is written.
    repository.told(&["rev-parse", "--git-dir"]).await?;
    let notes = notes.to_vec();
    super::blocking(move || add_missing(&file, &notes).map(drop)).await?;
    if repository
        .told(&[
            "status",
            "--porcelain",
            "--untracked-files=all",
            "--ignored=matching",
            "--",
            &name,
        ])
        .await?
        .trim()
        .is_empty()
    {
        return Ok(());
    }
    repository.told(&["add", "--force", "--", &name]).await?;
    let message = format!("Checkpoints of the journal of {project}");
    // Whoever verifies asks the signatures in the file, not who committed it.
    let [who, mail] = ["user.name=towpath", "user.email=towpath@localhost"];
    let words = [
        "-c",
        who,
        "-c",
        mail,
        "-c",
        "commit.gpgSign=false",
        "commit",
        "--quiet",
        "--no-verify",
        "--only",
        "-m",
        &message,
        "--",
        &name,
    ];
    repository.told(&words).await?;
    Ok(())
}
