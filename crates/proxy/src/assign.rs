//! Which arm a request belongs to: the pin, the cookie or the coin. Owns the order of the three;
//! sends nothing.

use std::hash::{DefaultHasher, Hash, Hasher};

use http::HeaderMap;
use rand::RngExt;
use towpath_guard::Arm;

use crate::headers;
use crate::live::LiveRoute;
use crate::route::ALL_BP;

/// Where a request goes and why.
#[derive(Debug)]
pub(crate) struct Assignment {
    pub(crate) arm: Arm,
    /// With which probability the coin says green now, in basis points.
    pub(crate) green_bp: u16,
    /// Chosen by something other than a fresh coin.
    pub(crate) pinned: bool,
    /// Chosen by a tester, who is not to be shown the other arm.
    pub(crate) chosen: bool,
    /// The place of a sticky visitor who was not assigned under this share before, to be
    /// remembered in a cookie.
    pub(crate) new_place: Option<u16>,
}

/// Assigns one request.
pub(crate) fn assign(route: &LiveRoute, headers: &HeaderMap, now_us: u64) -> Assignment {
    let green_bp = route.candidate_share_bp(now_us);
    if let Some(arm) = pin(route, headers) {
        return Assignment { arm, green_bp, pinned: true, chosen: true, new_place: None };
    }
    let of_place = |place: u16, pinned: bool, new_place: Option<u16>| {
        let arm = if place < green_bp { Arm::Green } else { Arm::Blue };
        Assignment { arm, green_bp, pinned, chosen: false, new_place }
    };
    if green_bp == 0 {
        return of_place(ALL_BP, false, None);
    }
    let toss = || rand::rng().random_range(0..ALL_BP);
    let Some(sticky) = &route.sticky else { return of_place(toss(), false, None) };
    // A visitor with a place below the share is on green: as the share grows, nobody moves twice.
    let known = headers::cookie(headers, &sticky.cookie);
    match known.and_then(|value| place_of(value, &sticky.tag)) {
        Some((place, share)) if share == green_bp => of_place(place, true, None),
        // The first request under a share is evidence: the place was random, the share is new.
        Some((place, _)) => of_place(place, false, Some(place)),
        None => {
            let place = toss();
            of_place(place, false, Some(place))
        }
    }
}

/// Whose request it is, as far as the guard must tell: by the declared header, else by the address
/// that the connection came from.
pub(crate) fn client(route: &LiveRoute, headers: &HeaderMap, connection: u64) -> u64 {
    let header = route.client_header.as_ref().and_then(|name| headers.get(name));
    header.map_or(connection, |value| key_of(value.as_bytes()))
}

/// A number for a client, never 0, which is nobody known.
pub(crate) fn key_of(client: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    client.hash(&mut hasher);
    hasher.finish().max(1)
}

/// The cookie's value for a visitor's place and the share it was assigned under.
pub(crate) fn place_text(place: u16, green_bp: u16, tag: &str) -> String {
    format!("{place}.{green_bp}.{tag}")
}

fn pin(route: &LiveRoute, headers: &HeaderMap) -> Option<Arm> {
    let value = headers.get(route.pin_header.as_ref()?)?.as_bytes();
    match value {
        b"green" if route.candidate.is_some() => Some(Arm::Green),
        b"blue" if route.default.is_some() => Some(Arm::Blue),
        _ => None,
    }
}

fn place_of(value: &str, tag: &str) -> Option<(u16, u16)> {
    let mut parts = value.splitn(3, '.');
    let place: u16 = parts.next()?.parse().ok()?;
    let share: u16 = parts.next()?.parse().ok()?;
    (parts.next()? == tag && place < ALL_BP).then_some((place, share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_of_another_candidate_or_nonsense_is_not_recognised() {
        assert_eq!(place_of(&place_text(42, 100, "abcd"), "abcd"), Some((42, 100)));
        assert_eq!(place_of("42.100.dcba", "abcd"), None);
        assert_eq!(place_of("10000.100.abcd", "abcd"), None);
        assert_eq!(place_of("-1.100.abcd", "abcd"), None);
        assert_eq!(place_of("42.abcd", "abcd"), None);
    }
}
