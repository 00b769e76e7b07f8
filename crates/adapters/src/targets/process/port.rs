//! Chooses the port on which an instance answers for as long as it exists. Owns the range; opens
//! nothing for longer than a look.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};

/// A port of the loopback address that nobody listens on and that is not in `taken`.
///
/// Ports are taken from below the range out of which the system picks those of outgoing
/// connections (ip_local_port_range, ip(7)): a restarting program would otherwise find its port
/// taken by some connection that began meanwhile.
pub(super) fn choose(taken: &BTreeSet<u16>) -> io::Result<u16> {
    let low = lowest_outgoing().unwrap_or(USUAL_OUTGOING_LOW);
    let high = if low >= LOWEST + 1000 { low } else { u16::MAX };
    let width = high - LOWEST;
    let start = rand::random_range(0..width);
    for step in 0..width {
        let offset = (u32::from(start) + u32::from(step)) % u32::from(width);
        let port = LOWEST + u16::try_from(offset).expect("less than the width of the range");
        if !taken.contains(&port) && is_free(port) {
            return Ok(port);
        }
    }
    Err(io::Error::new(
        io::ErrorKind::AddrInUse,
        format!("no port from {LOWEST} to {high} is free"),
    ))
}

/// Whether nobody listens on `port` now.
pub(super) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// For people: that somebody else listens on `port`, and who, if it is known.
pub(super) fn taken(port: u16, by: Option<String>) -> String {
    match by {
        Some(by) => format!("port {port} is taken by another program, {by}"),
        None => format!("port {port} is taken by another program"),
    }
}

/// Above what people choose for their services, 3000, 5432, 8080, 9090 and the like.
const LOWEST: u16 = 20_000;
/// What Linux has had as its lowest outgoing port since 3.2.
const USUAL_OUTGOING_LOW: u16 = 32_768;

fn lowest_outgoing() -> Option<u16> {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_never_given_out_while_somebody_listens_or_has_it() {
        let mut taken = BTreeSet::new();
        let mut listeners = Vec::new();
        for _ in 0..50 {
            let port = choose(&taken).unwrap();
            assert!(taken.insert(port));
            listeners.push(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap());
            assert!(!is_free(port));
        }
    }
}
