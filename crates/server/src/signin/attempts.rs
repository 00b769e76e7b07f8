//! How often somebody may try. Owns the limits; the counts are in the database, so that neither a restart nor
//! another replica begins them anew (T15).

use std::net::IpAddr;

use towpath_core::units::Span;
use towpath_ports::accounts::AttemptKey;

use super::{SignIn, SignInError};

/// A quarter of an hour.
pub(super) const WITHIN: Span = Span::minutes(15);
/// Of one account from one address: whoever mistypes gets there slowly, and locks nobody else out.
const OF_BOTH: u64 = 10;
/// Of one account from all addresses together: at this rate a password of 12 characters of chance lasts for ever,
/// and one of a list of a million for years.
const OF_ACCOUNT: u64 = 50;
/// Of one address for all accounts: an office behind one address.
const OF_ADDRESS: u64 = 100;
/// Sessions of one person that begin: more is a loop, and each is an entry of the journal.
const OF_BEGINNINGS: u64 = 40;
/// Ways to a provider that begin at one address: each is a row for ten minutes.
const OF_WAYS: u64 = 300;
/// Links that are mailed to one person: more would fill somebody's mail.
const OF_MAILS: u64 = 5;
/// Links that are asked for from one address: an office behind one address.
const OF_MAILS_FROM: u64 = 50;
/// How often what is over is removed.
const SWEPT_EVERY: Span = Span::hours(1);

impl SignIn {
    /// Counts an attempt on `account` from `address`, before anything is compared.
    ///
    /// # Errors
    /// [`SignInError::TooMany`], whether or not there is such an account.
    pub(super) async fn count(&self, account: &str, address: &str) -> Result<(), SignInError> {
        self.sweep_now_and_then();
        let [both, of_account, of_address] = keys(account, address);
        let all = [(both, OF_BOTH), (of_account, OF_ACCOUNT), (of_address, OF_ADDRESS)];
        self.count_all(&all).await
    }

    /// Counts what only an address is known of.
    pub(super) async fn count_address(&self, address: &str) -> Result<(), SignInError> {
        self.sweep_now_and_then();
        let [_, _, of_address] = keys("", address);
        self.count_all(&[(of_address, OF_ADDRESS)]).await
    }

    /// Counts somebody who goes to a provider.
    pub(super) async fn count_way(&self, address: &str) -> Result<(), SignInError> {
        self.sweep_now_and_then();
        self.count_all(&[(AttemptKey::of("way", address), OF_WAYS)]).await
    }

    /// Counts a link that is to be mailed.
    pub(super) async fn count_mail(&self, account: &str, address: &str) -> Result<(), SignInError> {
        self.sweep_now_and_then();
        let key = |kind, text| AttemptKey::of(kind, text);
        let all =
            [(key("mailed", account), OF_MAILS), (key("mailed-from", address), OF_MAILS_FROM)];
        self.count_all(&all).await
    }

    /// Counts a session that begins.
    pub(super) async fn count_beginning(&self, account: &str) -> Result<(), SignInError> {
        self.count_all(&[(AttemptKey::of("beginning", account), OF_BEGINNINGS)]).await
    }

    /// Counts one more of each, where none has had its most. What is locked is only read: whoever goes on trying
    /// costs the database no write.
    async fn count_all(&self, keys: &[(AttemptKey, u64)]) -> Result<(), SignInError> {
        for (key, most) in keys {
            if self.accounts().attempts(key, WITHIN, self.now()).await? >= *most {
                return Err(SignInError::TooMany);
            }
        }
        for (key, most) in keys {
            // Those who ask at once are counted each.
            if self.accounts().count_attempt(key, WITHIN, self.now()).await? > *most {
                return Err(SignInError::TooMany);
            }
        }
        Ok(())
    }

    /// Forgets the attempts of whoever got in, but not those of the address.
    pub(super) async fn succeeded(&self, account: &str, address: &str) -> Result<(), SignInError> {
        let [both, of_account, _] = keys(account, address);
        for key in [both, of_account] {
            self.accounts().forget_attempts(&key).await?;
        }
        Ok(())
    }

    fn sweep_now_and_then(&self) {
        let now = self.now();
        {
            let mut swept = self.0.swept.lock().expect("no holder of this lock panics");
            if now.since(*swept) < SWEPT_EVERY {
                return;
            }
            *swept = now;
        }
        let sign_in = self.clone();
        tokio::spawn(async move {
            if let Err(error) = sign_in.accounts().sweep(WITHIN, now).await {
                tracing::warn!(%error, "what is over of sessions and links was not removed");
            }
        });
    }
}

fn keys(account: &str, address: &str) -> [AttemptKey; 3] {
    [
        AttemptKey::of("both", &format!("{account}\0{address}")),
        AttemptKey::of("account", account),
        AttemptKey::of("address", address),
    ]
}

/// What attempts from an address are counted by: of IPv6 the network of 64 bits, of which whoever has one address
/// has all.
pub(super) fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_addresses_of_one_network_are_one() {
        let network = |text: &str| network(text.parse().unwrap());
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:10.0.0.7"), "10.0.0.7");
    }
}
