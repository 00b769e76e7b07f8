//! Channels that take notices until they are told not to, and a store of secrets. Tell nobody.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use towpath_ports::notifier::{Delivery, Failure, Notifier, Taken};
use towpath_ports::secret::{Secret, SecretStore};

/// How a channel behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ChannelManner {
    Takes,
    /// Not now, and says the secret that it was given.
    Fails,
    Refuses,
    /// Never answers, whatever the time it was given.
    Hangs,
}

/// All channels of a world, by name.
#[derive(Default)]
pub(crate) struct FakeNotifiers {
    manners: Mutex<BTreeMap<String, ChannelManner>>,
    /// Channel, id and subject of each attempt.
    sent: Mutex<Vec<(String, String, String)>>,
    taken: Mutex<Vec<(String, String)>>,
    summaries: Mutex<Vec<String>>,
}

impl FakeNotifiers {
    /// From now on the channel behaves so.
    pub(crate) fn behaves(&self, channel: &str, manner: ChannelManner) {
        self.manners.lock().unwrap().insert(channel.to_owned(), manner);
    }

    /// The ids that were sent to a channel, in order, as often as they were.
    pub(crate) fn sent(&self, channel: &str) -> Vec<String> {
        let sent = self.sent.lock().unwrap();
        sent.iter().filter(|(own, ..)| own == channel).map(|(_, id, _)| id.clone()).collect()
    }

    /// The subjects that were sent to a channel, in order.
    pub(crate) fn subjects(&self, channel: &str) -> Vec<String> {
        let sent = self.sent.lock().unwrap();
        let own = sent.iter().filter(|(own, ..)| own == channel);
        own.map(|(_, _, subject)| subject.clone()).collect()
    }

    /// The ids that a channel took, in order.
    pub(crate) fn taken(&self, channel: &str) -> Vec<String> {
        let taken = self.taken.lock().unwrap();
        taken.iter().filter(|(own, _)| own == channel).map(|(_, id)| id.clone()).collect()
    }

    /// Every summary that was sent, in order.
    pub(crate) fn summaries(&self) -> Vec<String> {
        self.summaries.lock().unwrap().clone()
    }
}

#[async_trait]
impl Notifier for FakeNotifiers {
    async fn deliver(&self, delivery: &Delivery<'_>) -> Result<Taken, Failure> {
        let notice = delivery.notice;
        let (channel, id) = (notice.channel.clone(), notice.id.clone());
        let manner = self.manners.lock().unwrap().get(&channel).copied();
        self.sent.lock().unwrap().push((channel.clone(), id.clone(), notice.subject.clone()));
        self.summaries.lock().unwrap().extend(notice.summary.clone());
        match manner.unwrap_or(ChannelManner::Takes) {
            ChannelManner::Takes => {
                self.taken.lock().unwrap().push((channel, id));
                Ok(Taken { sentence: "taken".to_owned() })
            }
            ChannelManner::Fails => {
                let said = delivery.secrets.values().map(Secret::reveal).collect::<String>();
                Err(Failure::later(format!("not now: {said}")))
            }
            ChannelManner::Refuses => Err(Failure::never("never")),
            ChannelManner::Hangs => std::future::pending().await,
        }
    }
}

/// Hands out one value for every name, but nothing for `GONE`, and too little for `SHORT`.
pub(crate) struct FakeSecrets;

/// What every secret is.
pub(crate) const SECRET: &str = "hunter2-hunter2";

#[async_trait]
impl SecretStore for FakeSecrets {
    async fn read(&self, name: &str) -> Result<Secret, String> {
        let value = match name {
            "GONE" => return Err("the vault is sealed".to_owned()),
            "SHORT" => "abc",
            _ => SECRET,
        };
        Ok(Secret::new(value.to_owned()).unwrap())
    }
}
