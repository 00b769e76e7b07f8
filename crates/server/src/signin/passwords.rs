//! Passwords of local users. Owns how they are hashed; keeps none.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use towpath_core::ids::Person;
use towpath_ports::accounts::LocalUser;
use towpath_ports::secret::Secret;

use super::{SignIn, SignInError, chance};

/// Fewest characters: NIST SP 800-63B-4, section 3.1.1.2, asks for 15 where a password is the only factor and 8
/// beside a second one.
pub(super) const SHORTEST: usize = 15;
/// Most bytes that are hashed.
pub(super) const LONGEST: usize = 1024;
/// 19 MiB, two passes, one lane: OWASP's Password Storage Cheat Sheet, argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// What is hashed for an account that there is not, so that it takes as long: of the same parameters, and of no
/// password that anybody knows.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$dG93cGF0aC1ub2JvZHlzIQ$\
     s0Vp1KcVlQp0bq0b0oQ3f2m3m0yqvQ3cQe0QxKJm3Qk";

fn hasher() -> Result<Argon2<'static>, SignInError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| SignInError::Machine)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &str) -> Result<Secret, SignInError> {
    let salt = chance::bytes::<16>()?;
    let hash: PasswordHash = hasher()?
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map_err(|_| SignInError::Machine)?;
    Secret::new(hash.to_string()).ok_or(SignInError::Machine)
}

fn is_right(password: &str, kept: &str) -> Result<bool, SignInError> {
    let kept = PasswordHash::new(kept).map_err(|_| SignInError::Machine)?;
    Ok(hasher()?.verify_password(password.as_bytes(), &kept).is_ok())
}

/// Why a password is not taken; none: it is.
pub(super) fn refused(password: &str, person: &Person) -> Option<String> {
    let characters = password.chars().count();
    if characters < SHORTEST {
        return Some(format!("It has {characters} characters; {SHORTEST} are the fewest."));
    }
    if password.len() > LONGEST {
        return Some(format!("It is longer than {LONGEST} bytes."));
    }
    let mut different: Vec<char> = password.to_lowercase().chars().collect();
    different.sort_unstable();
    different.dedup();
    if different.len() < 5 || password.to_lowercase().contains(&person.as_str().to_lowercase()) {
        let rule = "It repeats a few characters, or has your name in it: both are tried first.";
        return Some(rule.to_owned());
    }
    None
}

impl SignIn {
    /// Whether `password` is that of `user`; of nobody it is not, after as long a time.
    pub(super) async fn is_password_of(
        &self,
        user: Option<&LocalUser>,
        password: &str,
    ) -> Result<bool, SignInError> {
        let kept = user.map_or(NOBODYS, |user| user.password.reveal()).to_owned();
        let password = password.to_owned();
        let right = self.hashing(move || is_right(&password, &kept)).await?;
        Ok(right && user.is_some())
    }

    /// What is to be kept of `password`.
    pub(super) async fn hashed(&self, password: &str) -> Result<Secret, SignInError> {
        let password = password.to_owned();
        self.hashing(move || hash(&password)).await
    }

    /// Hashes beside the requests, and few at once.
    async fn hashing<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, SignInError> + Send + 'static,
    ) -> Result<T, SignInError> {
        let turn = Arc::clone(&self.0.hashing).acquire_owned().await;
        let turn = turn.map_err(|_| SignInError::Machine)?;
        // The turn ends with the work: whoever hangs up meanwhile makes no room for the next one.
        let work = move || {
            let done = work();
            drop(turn);
            done
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| SignInError::Machine)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_kept_as_owasp_asks_and_found_again() {
        let kept = hash("a long way to the lock").unwrap();
        assert!(kept.reveal().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", kept.reveal());
        assert!(is_right("a long way to the lock", kept.reveal()).unwrap());
        assert!(!is_right("a long way to the lock ", kept.reveal()).unwrap());
        assert_ne!(kept, hash("a long way to the lock").unwrap(), "salted");
    }

    #[test]
    fn t15_an_unknown_account_takes_the_same_work_and_no_password_opens_it() {
        let parameters = |text: &str| PasswordHash::new(text).unwrap().params;
        let real = hash("a long way to the lock").unwrap();
        assert_eq!(parameters(NOBODYS), parameters(real.reveal()));
        assert!(!is_right("", NOBODYS).unwrap());
    }

    #[test]
    fn what_is_tried_first_is_no_password() {
        let ada = Person::new("ada").unwrap();
        for bad in ["short", "aaaaaaaaaaaaaaaaaaaa", "towpath-ada-2027!", "ababababababababab"] {
            assert!(refused(bad, &ada).is_some(), "{bad}");
        }
        assert!(refused(&"x1y2z3".repeat(200), &ada).is_some());
        assert_eq!(refused("five boats wait here", &ada), None);
    }
}
