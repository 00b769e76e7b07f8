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
    /// A sticky visitor.
    pub(crate) sticks: Option<Sticks>,
}

/// A visitor who stays where it was sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sticks {
    /// On green while it is below the share: as the share grows, nobody moves twice.
    pub(crate) place: u16,
    /// What tells the visitor from others, never 0. One that somebody made up is only theirs.
    pub(crate) visitor: u64,
    /// Whether it was assigned under this share before; else a cookie is to say that now.
    pub(crate) returning: bool,
}

impl Assignment {
    /// That of a copy: for the candidate, without a coin and without a stand-in.
    pub(crate) fn of_copy() -> Self {
        Self { arm: Arm::Green, green_bp: 0, pinned: true, chosen: true, sticks: None }
    }
}

/// Assigns one request.
pub(crate) fn assign(route: &LiveRoute, headers: &HeaderMap, now_us: u64) -> Assignment {
    let green_bp = route.candidate_share_bp(now_us);
    if let Some(arm) = pin(route, headers) {
        return Assignment { arm, green_bp, pinned: true, chosen: true, sticks: None };
    }
    let of_place = |place: u16, sticks: Option<Sticks>| {
        let arm = if place < green_bp { Arm::Green } else { Arm::Blue };
        Assignment { arm, green_bp, pinned: false, chosen: false, sticks }
    };
    if green_bp == 0 {
        return of_place(ALL_BP, None);
    }
    let toss = || rand::rng().random_range(0..ALL_BP);
    let Some(sticky) = &route.sticky else { return of_place(toss(), None) };
    let known = headers::cookie(headers, &sticky.cookie);
    let known = known.and_then(|value| place_of(value, &sticky.tag));
    let known = known.map(|(share, sticks)| Sticks { returning: share == green_bp, ..sticks });
    let sticks = known.unwrap_or_else(|| {
        let visitor = rand::rng().random_range(1..=u64::MAX);
        Sticks { place: toss(), visitor, returning: false }
    });
    of_place(sticks.place, Some(sticks))
}

/// Whose request it is, as far as the guard must tell: by the cookie where one ties it to its arm, since
/// then that is what was tossed for; else by the declared header, else by the address that the
/// connection came from.
pub(crate) fn client(
    route: &LiveRoute,
    headers: &HeaderMap,
    (sticks, connection): (Option<Sticks>, u64),
) -> u64 {
    if let Some(sticks) = sticks {
        return sticks.visitor;
    }
    let header = route.client_header.as_ref().and_then(|name| headers.get(name));
    header.map_or(connection, |value| key_of(value.as_bytes()))
}

/// A number for a client, never 0, which is nobody known.
pub(crate) fn key_of(client: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    client.hash(&mut hasher);
    hasher.finish().max(1)
}

/// The cookie's value for a visitor and the share it was assigned under.
pub(crate) fn place_text(sticks: Sticks, green_bp: u16, tag: &str) -> String {
    format!("{}.{green_bp}.{tag}.{:x}", sticks.place, sticks.visitor)
}

fn pin(route: &LiveRoute, headers: &HeaderMap) -> Option<Arm> {
    let value = headers.get(route.pin_header.as_ref()?)?.as_bytes();
    match value {
        b"green" if route.candidate.is_some() => Some(Arm::Green),
        b"blue" if route.default.is_some() => Some(Arm::Blue),
        _ => None,
    }
}

/// The share that a cookie's visitor was assigned under last, and the visitor.
fn place_of(value: &str, tag: &str) -> Option<(u16, Sticks)> {
    let mut parts = value.splitn(4, '.');
    let place: u16 = parts.next()?.parse().ok()?;
    let share: u16 = parts.next()?.parse().ok()?;
    let is_ours = parts.next()? == tag && place < ALL_BP;
    let visitor = u64::from_str_radix(parts.next()?, 16).ok().filter(|id| *id != 0 && is_ours)?;
    Some((share, Sticks { place, visitor, returning: false }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_of_another_candidate_or_nonsense_is_not_recognised() {
        let sticks = Sticks { place: 42, visitor: 0xfeed, returning: false };
        assert_eq!(place_of(&place_text(sticks, 100, "abcd"), "abcd"), Some((100, sticks)));
        for wrong in ["42.100.dcba.feed", "10000.100.abcd.feed", "-1.100.abcd.feed", "42.abcd.feed"]
        {
            assert_eq!(place_of(wrong, "abcd"), None, "{wrong}");
        }
        for nobody in ["42.100.abcd", "42.100.abcd.", "42.100.abcd.0", "42.100.abcd.xyz"] {
            assert_eq!(place_of(nobody, "abcd"), None, "{nobody}");
        }
    }
}
