//! Bytes of releases on their way to the server: kept under their digest before a release names them. Removes
//! nothing: what no release names goes by itself.

use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use futures_util::StreamExt as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use towpath_core::ids::Digest;
use towpath_core::people::Verb;
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_core::release::Release;
use towpath_ports::artifacts::ArtifactError;
use towpath_ports::evidence::PIECE_BYTES_MOST;

use crate::asked::{Body, Path, Query};
use crate::caller::{Caller, Through};
use crate::error::{self, Answer, ApiError};
use crate::listen::room::{Held, NoRoom};
use crate::requests::{MissingAnswer, MissingRequest, UploadedAnswer};
use crate::routes::App;

/// Most digests that are asked about at once: more than any release has pieces.
const MOST_ASKED: usize = 1000;
/// Bytes that are gathered before they are written: each writing costs a change of threads.
const WRITTEN_AT_ONCE: usize = 1 << 20;
/// How often whoever sends is asked again whether they may, however slowly they send.
const ASKED_AGAIN: Duration = Duration::from_secs(1);
/// Where the server keeps things is not for whoever sends them.
const BLIND: &str = "the server could not write them; its log says why";

/// For what the bytes are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Purpose {
    /// To be started, or a migration.
    #[default]
    Artifact,
    /// To be looked at by checks.
    Evidence,
}

/// What they are.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// For what.
    #[serde(default)]
    purpose: Purpose,
    /// Whether the file can be executed.
    #[serde(default)]
    executable: bool,
}

/// A body that is read as it comes, by whoever may send one.
pub(crate) struct Streamed(pub(crate) axum::body::Body);

impl<State: Send + Sync> axum::extract::FromRequest<State> for Streamed {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &State) -> Result<Self, ApiError> {
        if let Some(held) = request.extensions().get::<Held>() {
            held.passes();
        }
        Ok(Self(request.into_body()))
    }
}

/// Those of the digests under which nothing is kept: what has to be sent. Safe to repeat.
pub(crate) async fn missing(
    State(app): State<App>,
    Caller(by): Caller,
    Body(request): Body<MissingRequest>,
) -> Answer<Json<MissingAnswer>> {
    app.engine.may(&by, Verb::CreateRelease)?;
    if request.digests.len() > MOST_ASKED {
        let cause =
            format!("{} digests, and {MOST_ASKED} are looked for at once", request.digests.len());
        return Err(refused(RefusalKind::Usage, "too-many", "nothing was looked for", cause).into());
    }
    let missing = app.engine.setup().artifacts.gone(&request.digests).await;
    Ok(Json(MissingAnswer { missing }))
}

/// Keeps a body under its digest until a release names it, for a day at the least. Who may is decided before a
/// byte of it is read, and again while it comes. Safe to repeat: the same bytes are kept once.
pub(crate) async fn keep(
    State(app): State<App>,
    Caller(by): Caller,
    Through(token): Through,
    Path(digest): Path<Digest>,
    Query(wanted): Query<Wanted>,
    Streamed(body): Streamed,
) -> Answer<Json<UploadedAnswer>> {
    let may_still = || -> Result<(), ApiError> {
        app.engine.may(&by, Verb::CreateRelease)?;
        let is_in_force = token.as_ref().is_none_or(|token| app.engine.is_token_in_force(token));
        if is_in_force { Ok(()) } else { Err(ApiError::no_entry()) }
    };
    may_still()?;
    let _place = app.engine.place_for_upload(&by).ok_or_else(too_many)?;
    let most = match wanted.purpose {
        Purpose::Artifact => u64::MAX,
        Purpose::Evidence => PIECE_BYTES_MOST,
    };
    let mut receiving = app.engine.setup().artifacts.receive().await.map_err(not_kept)?;
    let (mut pieces, mut gathered, mut size) = (body.into_data_stream(), Vec::new(), 0);
    let mut asked = Instant::now();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| broke_off(&error))?;
        size += piece.len() as u64;
        if size > most {
            return Err(too_large(format!(
                "{} MiB is the most of one piece of evidence",
                most >> 20
            )));
        }
        gathered.extend_from_slice(&piece);
        if asked.elapsed() >= ASKED_AGAIN {
            may_still()?;
            asked = Instant::now();
        }
        if gathered.len() >= WRITTEN_AT_ONCE {
            receiving.take(std::mem::take(&mut gathered)).await.map_err(not_kept)?;
        }
    }
    may_still()?;
    receiving.take(gathered).await.map_err(not_kept)?;
    let size = receiving.finish(&digest, wanted.executable).await.map_err(not_kept)?;
    Ok(Json(UploadedAnswer { digest, size }))
}

/// Keeps with the evidence what was sent for a release that is about to name it. What was kept there before,
/// as a command on this machine does it, stays. Safe to repeat.
///
/// # Errors
/// When the disk does not give or take it.
pub(crate) async fn keep_evidence(app: &App, release: &Release) -> Result<(), ApiError> {
    let setup = app.engine.setup();
    for brought in release.evidence.values() {
        let taken = setup.artifacts.taken(&brought.digest, PIECE_BYTES_MOST).await;
        let Some(bytes) = taken.map_err(not_kept)? else { continue };
        let evidence = std::sync::Arc::clone(&setup.evidence);
        let kept = tokio::task::spawn_blocking(move || evidence.keep(&bytes)).await;
        if let Err(error) = kept.map_err(|_| ApiError::broken())? {
            tracing::error!(%error, "evidence could not be kept");
            return Err(
                refused(RefusalKind::Conflict, "not-kept", "nothing was created", BLIND).into()
            );
        }
    }
    Ok(())
}

fn too_many() -> ApiError {
    let cause = "as many releases are being sent as are taken at once, of one caller or of all";
    ApiError::too_many(refused(
        RefusalKind::Conflict,
        "too-many-uploads",
        "nothing was kept",
        cause,
    ))
}

fn not_kept(error: ArtifactError) -> ApiError {
    match error {
        ArtifactError::Damaged(digest) => other_bytes(&digest),
        ArtifactError::Io { source, .. } if source.kind() == std::io::ErrorKind::FileTooLarge => {
            too_large(source.to_string())
        }
        ArtifactError::Io { source, .. } if source.kind() == std::io::ErrorKind::QuotaExceeded => {
            let cause = source.to_string();
            let refusal = refused(RefusalKind::Conflict, "no-room", "nothing was kept", cause)
                .next("wait a day", "then what no release names is gone");
            ApiError::of(refusal, axum::http::StatusCode::INSUFFICIENT_STORAGE)
        }
        other => {
            tracing::error!(error = %other, "bytes could not be kept");
            refused(RefusalKind::Conflict, "not-kept", "nothing was kept", BLIND).into()
        }
    }
}

fn too_large(cause: String) -> ApiError {
    let refusal = refused(RefusalKind::Usage, "too-large", "nothing was kept", cause);
    ApiError::of(refusal, axum::http::StatusCode::PAYLOAD_TOO_LARGE)
}

fn broke_off(error: &axum::Error) -> ApiError {
    if error::is_caused_by::<NoRoom>(error) {
        return ApiError::busy("no-room", "the server reads as many bodies as it has room for");
    }
    let error: &dyn std::error::Error = error;
    let mut cause = error.to_string();
    let mut source = error.source();
    while let Some(next) = source {
        cause = next.to_string();
        source = next.source();
    }
    if cause.contains("length limit") {
        return too_large(cause);
    }
    refused(RefusalKind::Usage, "broke-off", "nothing was kept: the body broke off", cause).into()
}

fn other_bytes(digest: &impl std::fmt::Display) -> ApiError {
    let cause = format!("their digest is not {digest}");
    refused(RefusalKind::Usage, "wrong-digest", "nothing was kept", cause).into()
}

fn refused(kind: RefusalKind, code: &str, message: &str, cause: impl Into<String>) -> Refusal {
    Refusal::new(kind, code, message, cause.into())
        .next("towpath release create --help", "sends what a release needs by itself")
}

/// The schema of a `Query` is that of its type; those of bodies that are streamed have none.
impl crate::openapi::Takes for Streamed {
    fn takes(operation: &mut crate::openapi::Operation) {
        operation.bytes = true;
    }
}
