//! Whether words were signed by a key of ssh (SSHSIG, OpenSSH's PROTOCOL.sshsig), as `ssh-keygen -Y sign`
//! makes such signatures. Knows no person, and reads no private key.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use ssh_key::public::KeyData;
use ssh_key::{Algorithm, PublicKey, SshSig};
use towpath_core::speaking::{NAMESPACE, Signed};

/// Bytes of a signature by Ed25519 (RFC 8032).
const SIGNATURE: usize = 64;
/// Flags and a counter, which hardware adds to it (OpenSSH's PROTOCOL.u2f).
const TRAILER: usize = 5;
/// The flag that somebody touched the hardware.
const TOUCHED: u8 = 1;

/// Why words are not known to be signed by a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// The key is none, or of a kind that is not taken.
    #[error("it is no key of the kinds ssh-ed25519 and sk-ssh-ed25519@openssh.com")]
    Key,
    /// The signature is none.
    #[error("the signature is not one that `ssh-keygen -Y sign` makes")]
    Malformed,
    /// It was made for something else than Towpath.
    #[error("it was signed for another use: the namespace is not `towpath`")]
    Namespace,
    /// It is another key's.
    #[error("another key signed it")]
    OtherKey,
    /// Nobody touched the hardware.
    #[error("nobody touched the hardware key")]
    Untouched,
    /// It is not a signature of this text.
    #[error("the signature is not one of these words")]
    Wrong,
}

/// Whether `key`, a line such as `ssh-ed25519 AAAA…`, is one by which words can be signed here.
///
/// # Errors
/// [`Unproven::Key`].
pub fn is_key(key: &str) -> Result<(), Unproven> {
    read_key(key).map(|_| ())
}

fn read_key(key: &str) -> Result<KeyData, Unproven> {
    let key = PublicKey::from_openssh(key.trim()).map_err(|_| Unproven::Key)?;
    match key.key_data() {
        data @ (KeyData::Ed25519(_) | KeyData::SkEd25519(_)) => Ok(data.clone()),
        _ => Err(Unproven::Key),
    }
}

/// Whether `signed` was signed by `key`, in the namespace of Towpath. Says nothing of what it states.
///
/// # Errors
/// Why that is not proven.
pub fn verify(key: &str, signed: &Signed) -> Result<(), Unproven> {
    let key = read_key(key)?;
    let signature = SshSig::from_pem(&signed.signature).map_err(|_| Unproven::Malformed)?;
    if signature.namespace() != NAMESPACE {
        return Err(Unproven::Namespace);
    }
    if *signature.public_key() != key {
        return Err(Unproven::OtherKey);
    }
    let words = signed.statement.as_bytes();
    let text = SshSig::signed_data(NAMESPACE, signature.hash_alg(), words);
    let text = text.map_err(|_| Unproven::Malformed)?;
    let bytes = signature.signature_bytes();
    match (&key, signature.signature().algorithm()) {
        (KeyData::Ed25519(key), Algorithm::Ed25519) => check(&key.0, &text, bytes),
        (KeyData::SkEd25519(key), Algorithm::SkEd25519) => {
            let trailer = bytes.len().checked_sub(TRAILER).filter(|length| *length == SIGNATURE);
            let (bytes, trailer) = bytes.split_at(trailer.ok_or(Unproven::Malformed)?);
            if trailer[0] & TOUCHED == 0 {
                return Err(Unproven::Untouched);
            }
            let mut whole = digest(&SHA256, key.application().as_bytes()).as_ref().to_vec();
            whole.extend_from_slice(trailer);
            whole.extend_from_slice(digest(&SHA256, &text).as_ref());
            check(&key.public_key().0, &whole, bytes)
        }
        _ => Err(Unproven::Malformed),
    }
}

fn check(key: &[u8; 32], text: &[u8], signature: &[u8]) -> Result<(), Unproven> {
    UnparsedPublicKey::new(&ED25519, key).verify(text, signature).map_err(|_| Unproven::Wrong)
}
