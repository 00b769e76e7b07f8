//! Listens on the unix socket. Owns the socket file; knows no route.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

use crate::caller::Peer;
use crate::routes::{App, router};

/// Why the socket cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another engine listens there.
    #[error("another engine already listens on {0}")]
    Taken(PathBuf),
    /// The path cannot be used.
    #[error("cannot listen on {path}: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Serves the API on `socket` until `stopped` completes. A file that nobody listens on any more is
/// replaced; the caller holds the journal's lock, so nobody else can be doing the same.
pub async fn serve_unix(
    app: App,
    socket: &Path,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let io = |source| ServeError::Io { path: socket.to_owned(), source };
    if UnixStream::connect(socket).await.is_ok() {
        return Err(ServeError::Taken(socket.to_owned()));
    }
    match std::fs::remove_file(socket) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(error)),
        _ => {}
    }
    let listener = UnixListener::bind(socket).map_err(io)?;
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o600)).map_err(io)?;
    let service = router(app).into_make_service_with_connect_info::<Peer>();
    let served = axum::serve(listener, service).with_graceful_shutdown(stopped).await;
    // The next engine replaces a file that is left behind.
    let _ = std::fs::remove_file(socket);
    served.map_err(io)
}
