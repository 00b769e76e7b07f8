//! Listening addresses: one socket per worker on the same port. Owns the check that nobody else
//! has the port; accepts nothing.

use std::net::{SocketAddr, TcpListener};
use std::sync::Mutex;
use std::time::Duration;

use tokio::net::TcpSocket;

/// Connections that may wait to be accepted; the system cuts it to `net.core.somaxconn`.
const BACKLOG: u32 = 4096;

/// How often, and with which pause, an address is tried that our own workers are just closing.
const TRIES: u32 = 15;
const PAUSE: Duration = Duration::from_millis(20);

/// One socket for each worker, taken once.
pub(crate) type Sockets = Vec<Mutex<Option<TcpListener>>>;

/// Sockets for all workers, bound and listening. An address that is `still_closing` is waited for,
/// up to 300 ms. Must be called inside a runtime.
pub(crate) fn bind(
    address: SocketAddr,
    workers: usize,
    still_closing: bool,
) -> std::io::Result<Sockets> {
    for _ in 1..TRIES {
        match bind_all(address, workers) {
            Err(error) if still_closing && error.kind() == std::io::ErrorKind::AddrInUse => {
                std::thread::sleep(PAUSE);
            }
            other => return other,
        }
    }
    bind_all(address, workers)
}

fn bind_all(address: SocketAddr, workers: usize) -> std::io::Result<Sockets> {
    // Sockets that share a port would happily share it with another proxy too, which would take
    // half of the visitors; a socket that does not share finds out.
    let probe = socket_for(address)?;
    probe.set_reuseaddr(true)?;
    probe.bind(address)?;
    drop(probe.listen(1)?);
    (0..workers).map(|_| bind_one(address).map(|socket| Mutex::new(Some(socket)))).collect()
}

fn bind_one(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = socket_for(address)?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    let socket = socket.listen(BACKLOG)?.into_std()?;
    Ok(socket)
}

fn socket_for(address: SocketAddr) -> std::io::Result<TcpSocket> {
    if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_that_another_proxy_shares_out_is_taken() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let first = bind(free, 2, false).unwrap();
        assert_eq!(bind(free, 2, false).unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
        drop(first);
        bind(free, 2, false).unwrap();
    }
}
