//! Connections at the same time: of everybody together, and of one address. Owns the counts; opens and closes
//! none.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::rates::sender;

/// Connections of all together: the 10,000 streams that are promised and as much again for everything else.
/// More wait to be accepted.
const MOST: u32 = 20_000;

/// Who is connected.
pub(super) struct Places {
    all: Arc<Semaphore>,
    most_of_one: u32,
    of: Mutex<HashMap<IpAddr, u32>>,
}

/// A connection's place, until it is dropped.
pub(super) struct Place {
    places: Arc<Places>,
    /// None: whose connections are not counted.
    address: Option<IpAddr>,
    _of_all: OwnedSemaphorePermit,
}

impl Places {
    pub(super) fn new(most_of_one: NonZeroU32) -> Arc<Self> {
        let all = Arc::new(Semaphore::new(MOST as usize));
        Arc::new(Self { all, most_of_one: most_of_one.get(), of: Mutex::default() })
    }

    /// Waits until one more may come.
    pub(super) async fn room(&self) -> OwnedSemaphorePermit {
        let room = Arc::clone(&self.all).acquire_owned().await;
        room.expect("the semaphore is never closed")
    }

    /// The place of a connection from there; none when that address has all that it may have. Whoever stands
    /// for others, as a proxy that is believed does, is not counted.
    pub(super) fn of(
        self: &Arc<Self>,
        address: IpAddr,
        stands_for_others: bool,
        room: OwnedSemaphorePermit,
    ) -> Option<Place> {
        let address = (!stands_for_others).then(|| sender(address));
        if let Some(address) = address {
            let mut of = self.of.lock().expect("no holder of this lock panics");
            let count = of.entry(address).or_default();
            if *count >= self.most_of_one {
                return None;
            }
            *count += 1;
        }
        Some(Place { places: Arc::clone(self), address, _of_all: room })
    }

    /// Waits until nobody is connected, but no longer than `most`.
    pub(super) async fn empty(&self, most: Duration) {
        let _ = tokio::time::timeout(most, self.all.acquire_many(MOST)).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut of = self.places.of.lock().expect("no holder of this lock panics");
        if let Some(count) = of.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                of.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_address_takes_no_more_than_its_own_places() {
        let places = Places::new(NonZeroU32::new(2).unwrap());
        let come = async |address: &str, is_proxy| {
            places.of(address.parse().unwrap(), is_proxy, places.room().await)
        };
        let one = come("192.0.2.1", false).await.unwrap();
        let two = come("::ffff:192.0.2.1", false).await.unwrap();
        assert!(come("192.0.2.1", false).await.is_none());
        assert!(come("192.0.2.2", false).await.is_some());
        assert!(come("192.0.2.1", true).await.is_some(), "a proxy stands for many");
        drop(one);
        assert!(come("192.0.2.1", false).await.is_some());
        drop(two);
        assert!(places.of.lock().unwrap().is_empty(), "nobody who has gone is remembered");
        assert_eq!(places.all.available_permits(), MOST as usize);
    }
}
