//! Public keys, and what they signed. Owns which algorithm belongs to a key: the key says it, and never
//! what was signed.

use std::path::Path;

use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject as _;
use tokio::io::AsyncReadExt as _;

use crate::printable::escaped;

/// The most that is read of a file with a key, in bytes: a hundred times what one has.
const FILE_MOST: u64 = 16 * 1024;
/// What stands before the 32 bytes of a key: SubjectPublicKeyInfo with id-Ed25519 (RFC 8410, section 4).
pub(super) const ED25519: &[u8] =
    &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// What stands before the 65 bytes of an uncompressed point: SubjectPublicKeyInfo with id-ecPublicKey and
/// secp256r1 (RFC 5480, section 2).
pub(super) const P256: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// One public key.
pub(super) struct Key {
    algorithm: &'static dyn VerificationAlgorithm,
    bytes: Vec<u8>,
}

impl Key {
    /// From PEM.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence.
    pub(super) fn of_pem(pem: &[u8]) -> Result<Self, String> {
        let der = SubjectPublicKeyInfoDer::from_pem_slice(pem)
            .map_err(|_| "holds no public key in PEM (`-----BEGIN PUBLIC KEY-----`)".to_owned())?;
        let of = |prefix: &[u8], length: usize| {
            let bytes = der.strip_prefix(prefix)?;
            (bytes.len() == length).then(|| bytes.to_vec())
        };
        if let Some(bytes) = of(ED25519, 32) {
            return Ok(Self { algorithm: &signature::ED25519, bytes });
        }
        match of(P256, 65) {
            Some(bytes) => Ok(Self { algorithm: &signature::ECDSA_P256_SHA256_ASN1, bytes }),
            None => Err("is neither a key of Ed25519 nor one of ECDSA on P-256".to_owned()),
        }
    }

    /// Whether the key signed `message` so.
    pub(super) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(self.algorithm, &self.bytes).verify(message, signature).is_ok()
    }
}

/// The key in the file at `path`, from the folder of the matrix on.
///
/// # Errors
/// One sentence that names the file.
pub(super) async fn read(root: &Path, path: &str) -> Result<Key, String> {
    let shown = escaped(path.as_bytes());
    let text = async {
        let file = tokio::fs::File::open(root.join(path)).await?;
        let mut bytes = Vec::new();
        file.take(FILE_MOST + 1).read_to_end(&mut bytes).await?;
        Ok::<_, std::io::Error>(bytes)
    };
    let bytes = text.await.map_err(|error| format!("the key {shown} cannot be read: {error}"))?;
    if bytes.len() as u64 > FILE_MOST {
        return Err(format!("the key {shown} is larger than {} KiB", FILE_MOST / 1024));
    }
    Key::of_pem(&bytes).map_err(|why| format!("{shown} {why}"))
}
