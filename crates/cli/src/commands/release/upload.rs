//! Sends what a release needs to the server that will run it: only what is not kept there. Decides nothing.

use std::collections::BTreeSet;
use std::path::Path;

use towpath_adapters::artifacts::Artifacts;
use towpath_adapters::evidence::KeptEvidence;
use towpath_core::ids::Digest;
use towpath_core::release::{ArtifactForm, Release};
use towpath_ports::evidence::EvidenceStore as _;
use towpath_server::requests::{MissingAnswer, MissingRequest, UploadedAnswer};

use crate::client::Sent;
use crate::commands::Context;
use crate::commands::session::Session;
use crate::exit_code::{CliError, ExitCode};
use crate::person;

/// Sends the artefacts, migrations and evidence of a release that are kept in `place` and not at the server.
/// Safe to repeat: what arrived is not sent again.
///
/// # Errors
/// What the server refuses with, and `not-kept` (exit 1) where a file here is gone.
pub(super) async fn all(
    release: &Release,
    place: &Path,
    session: &Session,
    context: &Context,
) -> Result<(), CliError> {
    let kept = release.artifacts.values().filter(|one| one.form != ArtifactForm::Image);
    let migrations = release.migrations.iter().map(|one| &one.digest);
    let digests: BTreeSet<Digest> =
        kept.map(|one| &one.digest).chain(migrations).cloned().collect();
    if !digests.is_empty() {
        let request = MissingRequest { by: person::current(), digests };
        let found: MissingAnswer = session.client.ask("/v1/uploads/missing", &request).await?;
        let store = Artifacts::new(place);
        for digest in found.missing {
            let (file, executable) = store.bytes_of(&digest).ok_or_else(|| gone(&digest))?;
            context.aside(&format!("sending {}\n", digest.short()));
            let path = format!("/v1/uploads/{digest}?executable={executable}");
            let _: UploadedAnswer = session.client.send(&path, Sent::File(file)).await?;
        }
    }
    let evidence = KeptEvidence::new(place);
    for brought in release.evidence.values() {
        let found = evidence.read(&brought.digest).ok().flatten();
        let bytes = found.ok_or_else(|| gone(&brought.digest))?;
        let path = format!("/v1/uploads/{}?purpose=evidence", brought.digest);
        let _: UploadedAnswer = session.client.send(&path, Sent::Bytes(bytes.into())).await?;
    }
    Ok(())
}

fn gone(digest: &Digest) -> CliError {
    let message = "nothing was created: what was kept a moment ago is gone";
    CliError::new(ExitCode::Failed, "not-kept", message)
        .because(format!("nothing is kept under {digest}"))
        .next("towpath doctor", "whether this machine is in order")
}
