//! Bytes of releases on their way to the server: kept under their digest before a release names them. Knows
//! no release, and removes nothing.

use axum::Json;
use axum::extract::{Request, State};
use futures_util::StreamExt as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use towpath_core::ids::Digest;
use towpath_core::people::Verb;
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_ports::artifacts::ArtifactError;
use towpath_ports::evidence::PIECE_BYTES_MOST;

use crate::asked::{Body, Path, Query};
use crate::caller::Caller;
use crate::error::{Answer, ApiError};
use crate::requests::{MissingAnswer, MissingRequest, UploadedAnswer};
use crate::routes::App;

/// Most digests that are asked about at once: more than any release has pieces.
const MOST_ASKED: usize = 1000;

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

/// Keeps a body under its digest. Who may is decided before a byte of it is read. Safe to repeat: the same
/// bytes are kept once.
pub(crate) async fn keep(
    State(app): State<App>,
    Caller(by): Caller,
    Path(digest): Path<Digest>,
    Query(wanted): Query<Wanted>,
    Streamed(body): Streamed,
) -> Answer<Json<UploadedAnswer>> {
    app.engine.may(&by, Verb::CreateRelease)?;
    let size = match wanted.purpose {
        Purpose::Artifact => artifact(&app, &digest, wanted.executable, body).await?,
        Purpose::Evidence => evidence(&app, &digest, body).await?,
    };
    Ok(Json(UploadedAnswer { digest, size }))
}

async fn artifact(
    app: &App,
    digest: &Digest,
    executable: bool,
    body: axum::body::Body,
) -> Result<u64, ApiError> {
    let mut receiving = app.engine.setup().artifacts.receive().await.map_err(not_kept)?;
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| broke_off(&error))?;
        receiving.take(&piece).map_err(not_kept)?;
    }
    receiving.finish(digest, executable).await.map_err(not_kept)
}

async fn evidence(app: &App, digest: &Digest, body: axum::body::Body) -> Result<u64, ApiError> {
    let most = usize::try_from(PIECE_BYTES_MOST).unwrap_or(usize::MAX);
    let bytes = axum::body::to_bytes(body, most).await;
    let bytes = bytes.map_err(|error| broke_off(&error))?;
    let size = bytes.len() as u64;
    if Digest::of(&bytes) != *digest {
        return Err(other_bytes(digest));
    }
    let store = std::sync::Arc::clone(&app.engine.setup().evidence);
    let kept = tokio::task::spawn_blocking(move || store.keep(&bytes)).await;
    match kept {
        Ok(Ok(_)) => Ok(size),
        Ok(Err(why)) => {
            Err(refused(RefusalKind::Conflict, "not-kept", "nothing was kept", why).into())
        }
        Err(_) => Err(ApiError::broken()),
    }
}

fn not_kept(error: ArtifactError) -> ApiError {
    match error {
        ArtifactError::Damaged(digest) => other_bytes(&digest),
        ArtifactError::Io { source, .. } if source.kind() == std::io::ErrorKind::FileTooLarge => {
            too_large(source.to_string())
        }
        other => {
            // Where the server keeps things is not for whoever sends them.
            tracing::error!(error = %other, "bytes could not be kept");
            let cause = "the server could not write them; its log says why";
            refused(RefusalKind::Conflict, "not-kept", "nothing was kept", cause).into()
        }
    }
}

fn too_large(cause: String) -> ApiError {
    let refusal = refused(RefusalKind::Usage, "too-large", "nothing was kept", cause);
    ApiError::of(refusal, axum::http::StatusCode::PAYLOAD_TOO_LARGE)
}

fn broke_off(error: &dyn std::error::Error) -> ApiError {
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
