//! Addresses for the tests that do run something for real. Binds each for a moment to see that it is
//! free; serves nothing on it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// The ports that are handed out: above the well-known ones, and below those which Linux (32768 and
/// up), macOS and Windows (49152 and up) give to outgoing connections and to listeners on port 0,
/// so that none of these can take one between the moment it is handed out and the moment it is used.
const FIRST: u32 = 10_000;
const COUNT: u32 = 22_000;

/// Neighbouring process numbers start this far apart: more than nearly every test asks for. Numbers
/// that differ by 1375 (`COUNT` and this over their common divisor, 16) begin at the same port, and
/// some between them nearer to each other than this: what another process listens on is passed over,
/// and only a port that both were handed before either listened on it would be taken twice.
const STRIDE: u32 = 64;

static TAKEN: AtomicU32 = AtomicU32::new(0);

/// An address on this machine that nobody listens on now, and that this process was not given
/// before.
///
/// # Panics
/// When none of the ports can be listened on.
pub fn free_address() -> SocketAddr {
    let start = std::process::id().wrapping_mul(STRIDE) % COUNT;
    for _ in 0..COUNT {
        let next = (start + TAKEN.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let Ok(port) = u16::try_from(FIRST + next) else { continue };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
    panic!("none of the ports {FIRST} to {} is free", FIRST + COUNT - 1);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_address_is_handed_out_twice_and_none_is_an_ephemeral_one() {
        let given: BTreeSet<_> = (0..200).map(|_| free_address()).collect();
        assert_eq!(given.len(), 200);
        assert!(given.iter().all(|address| (10_000..32_000).contains(&address.port())));
    }
}
