//! Listening addresses: one socket per worker on the same port. Owns the check that nobody else
//! has the port; accepts nothing.

use std::net::{SocketAddr, TcpListener};
use std::sync::Mutex;

use tokio::net::TcpSocket;

/// Connections that may wait to be accepted; the system cuts it to `net.core.somaxconn`.
const BACKLOG: u32 = 4096;

/// Sockets for all workers, bound and listening. Must be called inside a runtime.
pub(crate) fn bind(
    address: SocketAddr,
    workers: usize,
) -> std::io::Result<Vec<Mutex<Option<TcpListener>>>> {
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
        let first = bind(free, 2).unwrap();
        assert_eq!(bind(free, 2).unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
        drop(first);
        bind(free, 2).unwrap();
    }
}
