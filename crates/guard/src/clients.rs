//! Which failures are a client's own repetition. Owns the memory of clients; the release that a
//! request was assigned to is not its business, and must not be: a key that held it would let a
//! client that happens to hit green twice count twice.

use serde::{Deserialize, Serialize};

/// Clients whose last counted failure is remembered: a power of two, 64 KiB.
const REMEMBERED: usize = 4_096;
/// Counters of the most frequent clients (Misra and Gries 1982): a client with more than a ninth of
/// the traffic is always among them.
const FREQUENT: usize = 8;
/// Requests before the share of one client is looked at.
const ENOUGH: u64 = 200;
/// One client with more than a fifth of the traffic is no client but a gateway: repetitions behind
/// it cannot be told from other people's failures.
const GATEWAY: u64 = 5;

/// Fibonacci hashing (Knuth, volume 3, 6.4): keys that differ in few bits spread out.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// The failures of clients that were counted lately. Bounded; forgets the older of two clients that
/// fall on one place, which at worst counts a repetition.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    window_us: Option<u64>,
    places: Places,
    /// Those of clients within strata, a place for each stratum that one failed in.
    within_strata: Places,
    crowd: Crowd,
}

/// Who sends most.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Crowd {
    frequent: [(u64, u64); FREQUENT],
    requests: u64,
}

/// None before the first failure of a known client.
type Places = Vec<Place>;

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    client: u64,
    counted_us: u64,
}

impl Clients {
    /// Counts one failure of a client in `window_us`, or one ever when there is none (the client is
    /// tied to its release, so its failures are one observation).
    pub(crate) fn new(window_us: Option<u64>, crowd: Crowd) -> Self {
        Self { window_us, places: Vec::new(), within_strata: Vec::new(), crowd }
    }

    /// Takes note of a request of `client`; 0 is a client that is not known.
    pub(crate) fn saw(&mut self, client: u64) {
        self.crowd.saw(client);
    }

    /// Whether a failure of `client` at `now_us` is a new observation, and if so takes note of it.
    pub(crate) fn is_new(&mut self, client: u64, now_us: u64) -> bool {
        if client == 0 || self.crowd.has_gateway() {
            return true;
        }
        is_new(&mut self.places, self.window_us, client, now_us)
    }

    /// The same within one stratum, whatever the client failed elsewhere. Were a failure elsewhere to
    /// count, a client who is tied to a release that fails much there would be missing here.
    pub(crate) fn is_new_within(&mut self, stratum: u8, client: u64, now_us: u64) -> bool {
        if client == 0 || self.crowd.has_gateway() {
            return true;
        }
        let key = client.wrapping_add(u64::from(stratum).wrapping_mul(SPREAD));
        is_new(&mut self.within_strata, self.window_us, key, now_us)
    }
}

impl Crowd {
    /// Takes note of a request of `client`; 0 is a client that is not known.
    pub(crate) fn saw(&mut self, client: u64) {
        self.requests += 1;
        if client == 0 {
            return;
        }
        if let Some(entry) = self.frequent.iter_mut().find(|entry| entry.0 == client) {
            entry.1 += 1;
        } else if let Some(entry) = self.frequent.iter_mut().find(|entry| entry.1 == 0) {
            *entry = (client, 1);
        } else {
            for entry in &mut self.frequent {
                entry.1 -= 1;
            }
        }
    }

    /// Whether one client sends so much that repetitions are not looked for.
    pub(crate) fn has_gateway(&self) -> bool {
        let most = self.frequent.iter().map(|entry| entry.1).max().unwrap_or(0);
        self.requests >= ENOUGH && most * GATEWAY > self.requests
    }
}

fn is_new(places: &mut Places, window_us: Option<u64>, client: u64, now_us: u64) -> bool {
    if places.is_empty() {
        *places = vec![Place::default(); REMEMBERED];
    }
    let place = &mut places[place_of(client)];
    let recent = match window_us {
        Some(window) => now_us.saturating_sub(place.counted_us) < window,
        None => true,
    };
    if place.client == client && recent {
        return false;
    }
    *place = Place { client, counted_us: now_us };
    true
}

fn place_of(client: u64) -> usize {
    (client.wrapping_mul(SPREAD) >> 52) as usize & (REMEMBERED - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    #[test]
    fn a_repetition_within_the_window_is_not_new_and_a_later_failure_is() {
        let mut clients = Clients::new(Some(10 * SECOND), Crowd::default());
        assert!(clients.is_new(7, SECOND));
        assert!(!clients.is_new(7, 10 * SECOND));
        assert!(clients.is_new(8, 10 * SECOND));
        assert!(clients.is_new(7, 11 * SECOND));
    }

    #[test]
    fn a_client_that_is_tied_to_its_release_fails_once() {
        let mut clients = Clients::new(None, Crowd::default());
        assert!(clients.is_new(7, SECOND));
        assert!(!clients.is_new(7, 10_000 * SECOND));
    }

    #[test]
    fn a_client_fails_once_in_each_stratum_whatever_it_failed_elsewhere() {
        let mut clients = Clients::new(Some(10 * SECOND), Crowd::default());
        assert!(clients.is_new(7, SECOND));
        assert!((1..=8).all(|stratum| clients.is_new_within(stratum, 7, SECOND)));
        assert!(!(1..=8).any(|stratum| clients.is_new_within(stratum, 7, 2 * SECOND)));
        assert!((1..=8).all(|stratum| clients.is_new_within(stratum, 8, SECOND)));
        assert!(clients.is_new_within(3, 7, 11 * SECOND));
    }

    #[test]
    fn an_unknown_client_is_always_new() {
        let mut clients = Clients::new(None, Crowd::default());
        assert!(clients.is_new(0, 1) && clients.is_new(0, 1));
        assert!(clients.is_new_within(1, 0, 1) && clients.is_new_within(1, 0, 1));
    }

    #[test]
    fn behind_a_gateway_repetitions_are_not_looked_for() {
        let mut clients = Clients::new(None, Crowd::default());
        for request in 0..1000_u64 {
            clients.saw(if request % 3 == 0 { 7 } else { 1000 + request });
        }
        assert!(clients.crowd.has_gateway());
        assert!(clients.is_new(7, 1) && clients.is_new(7, 1));
        let mut spread = Clients::new(None, Crowd::default());
        for request in 0..1000_u64 {
            spread.saw(1 + request % 20);
        }
        assert!(!spread.crowd.has_gateway());
    }
}
