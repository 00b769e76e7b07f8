//! Which arm a request belongs to: the pin, the cookie or the coin. Owns the order of the three;
//! sends nothing.

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
    /// The place of a sticky visitor who was not assigned under this share before, to be
    /// remembered in a cookie.
    pub(crate) new_place: Option<u16>,
}

/// Assigns one request.
pub(crate) fn assign(route: &LiveRoute, headers: &HeaderMap, now_us: u64) -> Assignment {
    let green_bp = route.candidate_share_bp(now_us);
    if let Some(arm) = pin(route, headers) {
        return Assignment { arm, green_bp, pinned: true, new_place: None };
    }
    if green_bp == 0 {
        return Assignment { arm: Arm::Blue, green_bp, pinned: false, new_place: None };
    }
    let Some(sticky) = &route.sticky else {
        let place = rand::rng().random_range(0..ALL_BP);
        return Assignment { arm: toss(place, green_bp), green_bp, pinned: false, new_place: None };
    };
    let known = headers::cookie(headers, &sticky.cookie);
    match known.and_then(|value| place_of(value, &sticky.tag)) {
        Some((place, share)) if share == green_bp => {
            Assignment { arm: toss(place, green_bp), green_bp, pinned: true, new_place: None }
        }
        // The first request under a share is evidence: the place was random, the share is new.
        other => {
            let place = other.map(|(place, _)| place);
            let place = place.unwrap_or_else(|| rand::rng().random_range(0..ALL_BP));
            let new_place = Some(place);
            Assignment { arm: toss(place, green_bp), green_bp, pinned: false, new_place }
        }
    }
}

/// The cookie's value for a visitor's place and the share it was assigned under.
pub(crate) fn place_text(place: u16, green_bp: u16, tag: &str) -> String {
    format!("{place}.{green_bp}.{tag}")
}

/// A visitor with a place below the share is on green: as the share grows, nobody moves twice.
fn toss(place: u16, green_bp: u16) -> Arm {
    if place < green_bp { Arm::Green } else { Arm::Blue }
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
    fn a_growing_share_never_moves_a_visitor_back_to_blue() {
        for place in [0, 1, 999, 5000, 9999] {
            let arms: Vec<Arm> = (0..=ALL_BP).step_by(500).map(|bp| toss(place, bp)).collect();
            assert!(arms.is_sorted(), "{place}");
            assert_eq!(arms.last(), Some(&Arm::Green));
        }
    }

    #[test]
    fn a_cookie_of_another_candidate_or_nonsense_is_not_recognised() {
        assert_eq!(place_of(&place_text(42, 100, "abcd"), "abcd"), Some((42, 100)));
        assert_eq!(place_of("42.100.dcba", "abcd"), None);
        assert_eq!(place_of("10000.100.abcd", "abcd"), None);
        assert_eq!(place_of("-1.100.abcd", "abcd"), None);
        assert_eq!(place_of("42.abcd", "abcd"), None);
    }
}
