//! Certificates: from two files to a TLS configuration, and whether the files changed since. Owns
//! the protocol offer; keeps no listener. What serves pages takes its certificates from here as well.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::TlsFiles;

/// What tells one state of the two files from another: size and time of change.
pub type FileMarks = [Option<(u64, SystemTime)>; 2];

/// Looks at the files without reading them. Safe to repeat.
pub fn marks(files: &TlsFiles) -> FileMarks {
    [&files.certificate, &files.key].map(|path| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.len(), metadata.modified().ok()?))
    })
}

/// Reads both files and offers HTTP/2 and HTTP/1.1. Safe to repeat.
///
/// # Errors
/// The reason for a failure names the file and never shows what is in the key.
pub fn load(files: &TlsFiles) -> Result<Arc<ServerConfig>, String> {
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable(&files.certificate, &error))?;
    if chain.is_empty() {
        return Err(format!("{} holds no certificate", files.certificate.display()));
    }
    let key =
        PrivateKeyDer::from_pem_file(&files.key).map_err(|error| unusable(&files.key, &error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| unusable(&files.certificate, &error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn unusable(path: &Path, error: &impl std::fmt::Display) -> String {
    format!("{}: {error}", path.display())
}
