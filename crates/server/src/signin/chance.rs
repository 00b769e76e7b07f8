//! Secrets of chance, and what is kept of them. Shows none.

use aws_lc_rs::rand;
use towpath_core::ids::{Digest, SessionId};

use super::SignInError;

/// 256 bits of chance as 64 hexadecimal digits.
pub(super) fn secret() -> Result<String, SignInError> {
    let mut chance = [0; 32];
    rand::fill(&mut chance).map_err(|_| SignInError::Machine)?;
    Ok(hexadecimal(&chance))
}

/// The name of a new session.
pub(super) fn session_id() -> Result<SessionId, SignInError> {
    let mut chance = [0; 6];
    rand::fill(&mut chance).map_err(|_| SignInError::Machine)?;
    SessionId::new(&hexadecimal(&chance)).map_err(|_| SignInError::Machine)
}

/// So many bytes of chance.
pub(super) fn bytes<const LENGTH: usize>() -> Result<[u8; LENGTH], SignInError> {
    let mut chance = [0; LENGTH];
    rand::fill(&mut chance).map_err(|_| SignInError::Machine)?;
    Ok(chance)
}

/// What is kept of a secret of chance, told apart by what it is for. SHA-256 without salt or stretching, as of
/// a token: nobody guesses 256 bits. None for a text that is no such secret.
pub(super) fn kept(purpose: &str, secret: &str) -> Option<Digest> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (secret.len() == 64 && secret.bytes().all(is_digit))
        .then(|| Digest::of(format!("towpath {purpose}\0{secret}").as_bytes()))
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes all");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_secret_opens_nothing_else() {
        let one = secret().unwrap();
        assert_ne!(one, secret().unwrap());
        assert_ne!(kept("session", &one), kept("link", &one));
        assert_eq!(kept("session", &one), kept("session", &one));
        for bad in ["", "0", &one[1..], &one.to_uppercase().replace(char::is_numeric, "A")] {
            assert_eq!(kept("session", bad), None, "{bad}");
        }
    }
}
