//! The file of the matrix that lies beside the journal, if one does: read, checked, and held against what is in force.
//! Reads no other file than that, and what it names in its own folder.

use std::path::Path;

use towpath_config::{Beside, Checked, MAX_BYTES, MAX_CALENDAR, ResolvedLine, Symbols};
use towpath_core::matrix::Matrix;
use towpath_core::units::Timestamp;
use towpath_engine::beside;
use towpath_ports::Catalogue;

use crate::pages::frame::Look;

/// What a matrix is called in its folder.
const NAME: &str = "towpath.yaml";

/// What is known of the file.
pub(super) enum Written {
    /// Nobody here can read a matrix.
    Unknown,
    /// It could not be read, and why.
    Unread(String),
    /// It is no matrix.
    Wrong {
        /// How many errors it has.
        errors: usize,
        /// All of them, a line each.
        report: String,
    },
    /// It is one.
    Read(Box<Read>),
}

/// A file that is a matrix.
pub(super) struct Read {
    /// Whether it means what is in force.
    pub(super) is_in_force: bool,
    /// What it means.
    pub(super) matrix: Matrix,
    /// Every value with where it comes from, secrets hidden.
    pub(super) lines: Vec<ResolvedLine>,
    /// As it is written, secrets hidden.
    pub(super) text: String,
    /// What is worth knowing about it, by line.
    pub(super) warnings: Vec<(usize, String)>,
}

/// The file as it is now.
pub(super) async fn of(look: &Look) -> Written {
    let setup = look.engine.setup();
    let Some(catalogue) = setup.adapters.catalogue() else { return Written::Unknown };
    let (root, speed, now) = (setup.root.clone(), setup.speed, setup.clock.now());
    let force = look.engine.matrix();
    // The disk, and some milliseconds of reading: nobody else's answer waits for it.
    let read = tokio::task::spawn_blocking(move || read(&root, &catalogue, now));
    match read.await {
        Err(_) => Written::Unread("reading it broke down".to_owned()),
        Ok(Err(why)) => Written::Unread(why),
        Ok(Ok(checked)) => held(&checked, force.as_ref(), speed),
    }
}

fn read(root: &Path, catalogue: &Catalogue, now: Timestamp) -> Result<Checked, String> {
    let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let bytes = beside::read(root, NAME, limit)?;
    let most = u64::try_from(MAX_CALENDAR).unwrap_or(u64::MAX).saturating_add(1);
    let beside = Beside { read: &|named| beside::read(root, named, most), now };
    Ok(towpath_config::parse_beside(NAME, &bytes, catalogue, &beside))
}

fn held(checked: &Checked, force: Option<&Matrix>, speed: u32) -> Written {
    let Some(matrix) = checked.matrix.clone() else {
        let report = towpath_config::brief(checked, Symbols::Unicode);
        return Written::Wrong { errors: checked.errors.len(), report };
    };
    let matrix = matrix.rehearsed(speed);
    let warnings = checked.warnings.iter().map(|one| (one.line, one.message.clone()));
    Written::Read(Box::new(Read {
        is_in_force: force == Some(&matrix),
        lines: towpath_config::resolved_lines(checked),
        text: towpath_config::shown_text(checked).to_owned(),
        warnings: warnings.collect(),
        matrix,
    }))
}
