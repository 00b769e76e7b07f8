//! Whether words were signed by a key of ssh (SSHSIG, OpenSSH's PROTOCOL.sshsig), as `ssh-keygen -Y sign`
//! makes such signatures. Knows no person, and reads no private key.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use ssh_key::public::KeyData;
use ssh_key::{Algorithm, LineEnding, PublicKey, SshSig};
use towpath_core::speaking::{NAMESPACE, Signed, unconditional};

/// Bytes of a signature by Ed25519 (RFC 8032).
const SIGNATURE: usize = 64;
/// Flags and a counter, which hardware adds to it (OpenSSH's PROTOCOL.u2f).
const TRAILER: usize = 5;
/// The flag that somebody touched the hardware.
const TOUCHED: u8 = 1;
/// The flag that it asked who that was, for a PIN or a finger.
const VERIFIED: u8 = 4;

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
    /// The hardware did not ask who touched it, and the key wants that.
    #[error("the hardware key asked for no PIN, and the matrix wants that (verify-required)")]
    Unverified,
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

/// The key, and whether the hardware must have asked who touched it.
fn read_key(line: &str) -> Result<(KeyData, bool), Unproven> {
    let (is_verified, line) = unconditional(line);
    let key = PublicKey::from_openssh(line.trim_end()).map_err(|_| Unproven::Key)?;
    match key.key_data() {
        data @ KeyData::SkEd25519(_) => Ok((data.clone(), is_verified)),
        // What is no hardware asks nobody.
        data @ KeyData::Ed25519(_) if !is_verified => Ok((data.clone(), false)),
        _ => Err(Unproven::Key),
    }
}

/// The same signature has one text: whoever changes a byte of that changes what was said, so that it is not
/// taken for as it was written.
fn read_signature(text: &str) -> Result<SshSig, Unproven> {
    let signature = SshSig::from_pem(text).map_err(|_| Unproven::Malformed)?;
    let canonical = signature.to_pem(LineEnding::LF).map_err(|_| Unproven::Malformed)?;
    let is_own = text.strip_suffix('\n').unwrap_or(text) == canonical.trim_end_matches('\n');
    if is_own { Ok(signature) } else { Err(Unproven::Malformed) }
}

/// Whether `signed` was signed by `key`, in the namespace of Towpath. Says nothing of what it states.
///
/// # Errors
/// Why that is not proven.
pub fn verify(key: &str, signed: &Signed) -> Result<(), Unproven> {
    let (key, wants_verified) = read_key(key)?;
    let signature = read_signature(&signed.signature)?;
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
            if wants_verified && trailer[0] & VERIFIED == 0 {
                return Err(Unproven::Unverified);
            }
            let mut whole = digest(&SHA256, key.application().as_bytes()).as_ref().to_vec();
            whole.extend_from_slice(trailer);
            whole.extend_from_slice(digest(&SHA256, &text).as_ref());
            check(&key.public_key().0, &whole, bytes)
        }
        _ => Err(Unproven::Malformed),
    }
}

/// Whether `signed` was signed by the key that stands in its own signature, whosever that is.
///
/// # Errors
/// Why that is not proven.
pub fn verify_itself(signed: &Signed) -> Result<(), Unproven> {
    let key = read_signature(&signed.signature)?.public_key().clone();
    let line = PublicKey::new(key, "").to_openssh().map_err(|_| Unproven::Key)?;
    verify(&line, signed)
}

fn check(key: &[u8; 32], text: &[u8], signature: &[u8]) -> Result<(), Unproven> {
    UnparsedPublicKey::new(&ED25519, key).verify(text, signature).map_err(|_| Unproven::Wrong)
}
