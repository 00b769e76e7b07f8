//! Files that a release brings for whoever lets it in: read, bounded, kept by digest. Judges none.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use towpath_adapters::evidence::KeptEvidence;
use towpath_core::ids::{Digest, Name};
use towpath_core::release::Brought;
use towpath_ports::evidence::{EvidenceStore as _, PIECE_BYTES_MOST};

use crate::args::CreateArguments;
use crate::exit_code::{CliError, ExitCode};

/// Keeps every file that was named with `--evidence` below the journal's folder `state`; only looks at them
/// for a look. Safe to repeat: the same bytes are kept once.
///
/// # Errors
/// A name twice (exit 2), a file that is not there (exit 5), is too large (exit 2) or cannot be kept (exit 1).
pub(super) fn all(
    arguments: &CreateArguments,
    state: &Path,
) -> Result<BTreeMap<Name, Brought>, CliError> {
    let mut all = BTreeMap::new();
    for (name, source) in &arguments.evidence {
        let bytes = read(source)?;
        let digest = if arguments.dry_run {
            Digest::of(&bytes)
        } else {
            let kept = KeptEvidence::new(state).keep(&bytes);
            kept.map_err(|why| wrong(ExitCode::Failed, source, why))?
        };
        let brought = Brought { digest, size: bytes.len() as u64, source: source.clone() };
        if all.insert(name.clone(), brought).is_some() {
            return Err(super::create::twice("evidence", name.as_str()));
        }
    }
    Ok(all)
}

fn read(source: &str) -> Result<Vec<u8>, CliError> {
    let cannot = |error: std::io::Error| {
        let why = format!("the file could not be read: {error}");
        wrong(ExitCode::NotFound, source, why)
    };
    let mut bytes = Vec::new();
    let file = File::open(source).map_err(cannot)?;
    file.take(PIECE_BYTES_MOST + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > PIECE_BYTES_MOST {
        let why = format!("the file is larger than {} MiB", PIECE_BYTES_MOST >> 20);
        return Err(wrong(ExitCode::Usage, source, why));
    }
    Ok(bytes)
}

fn wrong(exit: ExitCode, source: &str, why: String) -> CliError {
    CliError::new(exit, "evidence-not-kept", "nothing was created")
        .because(why)
        .at(source.to_owned())
        .next("towpath release create --help", "how it is typed, with examples")
}
