//! The file that a matrix was resolved from, as whoever applies it sends it. Owns that both say the same; applies
//! neither.

use towpath_config::{Beside, Checked};
use towpath_core::governing::MatrixSource;
use towpath_core::matrix::Matrix;
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_core::units::Timestamp;
use towpath_engine::Engine;
use towpath_ports::Catalogue;

use crate::error::ApiError;
use crate::requests::SourceRequest;

/// What is kept of the file; none where nobody here can read a matrix.
///
/// # Errors
/// It says another matrix than the one that is applied: then it would show where other values come from.
pub(super) async fn checked(
    engine: &Engine,
    source: SourceRequest,
    matrix: &Matrix,
) -> Result<Option<MatrixSource>, ApiError> {
    let setup = engine.setup();
    let Some(catalogue) = setup.adapters.catalogue() else { return Ok(None) };
    let (speed, now, digest) = (setup.speed, setup.clock.now(), matrix.digest());
    // Some milliseconds of reading: nobody else's answer waits for it.
    let read = tokio::task::spawn_blocking(move || {
        let checked = read(&source, &catalogue, now);
        (source, checked)
    });
    let (source, checked) = read.await.map_err(|_| ApiError::broken())?;
    let says_it = checked.matrix.clone().is_some_and(|read| read.rehearsed(speed) == *matrix);
    if !says_it {
        let message = "the matrix was not applied: its file says something else";
        let cause = "what `source` says, as this version reads it, is not what `matrix` says";
        let refusal = Refusal::new(RefusalKind::Usage, "source-differs", message, cause);
        let next = "with the same version as the server; or without `source`";
        return Err(refusal.at("source").next("towpath matrix apply", next).into());
    }
    let text = towpath_config::shown_text(&checked).to_owned();
    let SourceRequest { file, beside, .. } = source;
    Ok(Some(MatrixSource { matrix: digest, file, text, beside, commit: None }))
}

fn read(source: &SourceRequest, catalogue: &Catalogue, now: Timestamp) -> Checked {
    let absent = || "it was not sent with the file".to_owned();
    let named = |name: &str| source.beside.get(name).map(|text| text.clone().into_bytes());
    let beside = Beside { read: &|name| named(name).ok_or_else(absent), now };
    towpath_config::parse_beside(&source.file, source.text.as_bytes(), catalogue, &beside)
}
