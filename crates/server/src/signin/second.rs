//! Second factors of local users: codes that change with time (RFC 6238). Owns what a code is; a code that was
//! taken is taken once, in the database.
//!
//! What codes are made with has to be read again, and therefore is kept as it is: in a file that its owner alone
//! can read (mode 0600), or in the PostgreSQL database, whose readers can make codes and still need a password.

use totp_rs::{Builder, Secret as CodeSecret, Totp};
use towpath_core::ids::Person;
use towpath_ports::secret::Secret;

use super::{SignIn, SignInError, chance};

/// Seconds that a code counts for.
const STEP_SECONDS: u64 = 30;
/// Codes before and after the one of now that are taken too: clocks of telephones differ (RFC 6238, section 5.2).
const SKEW: u16 = 1;
/// What applications call the account's issuer.
const ISSUER: &str = "Towpath";

fn codes(secret: &Secret) -> Option<Totp> {
    let secret = CodeSecret::try_from_base32(secret.reveal()).ok()?;
    let builder =
        Builder::new().with_secret(secret).with_skew(SKEW).with_step_duration(STEP_SECONDS);
    builder.build().ok()
}

/// The address by which applications take a secret over.
pub(super) fn address(person: &Person, secret: &Secret) -> String {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let (person, secret) = (encoded(person.as_str()), secret.reveal());
    format!("otpauth://totp/{ISSUER}:{person}?secret={secret}&issuer={ISSUER}")
}

impl SignIn {
    /// Gives somebody a second factor that counts from its first code on; none: there is no such local user.
    pub(super) async fn offer(&self, person: &Person) -> Result<Option<Secret>, SignInError> {
        let secret = CodeSecret::new(chance::bytes::<20>()?.into()).to_base32();
        let secret = Secret::new(secret).ok_or(SignInError::Machine)?;
        let known = self.accounts().offer_second(person, &secret).await?;
        Ok(known.then_some(secret))
    }

    /// Whether `code` is one of the person's, of now, and was never taken; takes it.
    pub(super) async fn takes_code(
        &self,
        person: &Person,
        code: &str,
    ) -> Result<bool, SignInError> {
        let user = self.accounts().user(person).await?;
        let Some(second) = user.and_then(|user| user.second) else { return Ok(false) };
        let now = self.now();
        let seconds = u64::try_from(now.0 / 1_000_000).unwrap_or(0);
        let digits: String = code.chars().filter(|digit| !digit.is_whitespace()).collect();
        let step = codes(&second.secret).and_then(|codes| codes.check(&digits, seconds));
        let Some(step) = step.and_then(|step| i64::try_from(step).ok()) else { return Ok(false) };
        Ok(self.accounts().take_step(person, step, now).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, SHA-1: the last six of its eight digits.
        let secret = CodeSecret::new(b"12345678901234567890".as_slice().into()).to_base32();
        let codes = codes(&Secret::new(secret).unwrap()).unwrap();
        for (time, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")]
        {
            assert_eq!(codes.check(code, time), Some(time / STEP_SECONDS), "{time}");
        }
        assert_eq!(codes.check("287082", 59 + 30), Some(1), "one step late");
        assert_eq!(codes.check("287082", 59 + 61), None);
        assert_eq!(codes.check("28708", 59), None);
        assert_eq!(codes.check("", 59), None);
    }

    #[test]
    fn an_application_takes_the_secret_over_by_an_address() {
        let secret = Secret::new("JBSWY3DPEHPK3PXP".to_owned()).unwrap();
        let address = address(&Person::new("ada@example").unwrap(), &secret);
        assert_eq!(
            address,
            "otpauth://totp/Towpath:ada%40example?secret=JBSWY3DPEHPK3PXP&issuer=Towpath"
        );
    }
}
