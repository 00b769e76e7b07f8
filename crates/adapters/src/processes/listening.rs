//! Whose a listening port is. Owns the way from a port to the processes that hold its sockets;
//! connects to nothing.
//!
//! What answers on a port need not be the program that was given it: another one may have taken it
//! between the moment it was seen free and the moment the program wanted it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::MetadataExt as _;

use super::{Row, Wanted, find, is_marked, pids};
use crate::printable::escaped;

/// Who answers on a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Listener {
    /// One of the wanted processes, or one that they started.
    Wanted,
    /// Somebody else whose process was found, such as `python3 (process 4711)`.
    Stranger(String),
    /// /proc does not tell: nobody listens, or what listens cannot be looked into.
    Unknown,
}

/// Who answers connections to `port` of 127.0.0.1. Reads /proc for at most some tenths of a second;
/// blocks so long.
pub(crate) fn who_listens(port: u16, wanted: &Wanted<'_>) -> Listener {
    who_is_seen(port, wanted, Links { left: MOST_LINKS })
}

fn who_is_seen(port: u16, wanted: &Wanted<'_>, mut links: Links) -> Listener {
    let mut open = sockets_of(port);
    if open.is_empty() {
        return Listener::Unknown;
    }
    let members = find(wanted);
    let own: BTreeSet<u64> =
        members.iter().filter_map(|member| links.sockets(member.pid)).flatten().collect();
    open.retain(|socket| !own.contains(&socket.inode));
    for socket in open {
        match links.holder(socket.inode, |pid| belongs(pid, wanted)) {
            Holder::Wanted => {}
            Holder::Stranger(pid) => return Listener::Stranger(described(pid)),
            // A program may become another user, so that a holder out of sight may be the wanted one.
            Holder::Unseen => return Listener::Unknown,
        }
    }
    Listener::Wanted
}

/// Who listens on `port` of 127.0.0.1, for people; none when /proc does not tell.
pub(crate) fn named(port: u16) -> Option<String> {
    let socket = sockets_of(port).into_iter().next()?;
    match (Links { left: MOST_LINKS }).holder(socket.inode, |_| false) {
        Holder::Stranger(pid) => Some(described(pid)),
        Holder::Wanted | Holder::Unseen => Some(format!("a program of user {}", socket.user)),
    }
}

/// Open descriptors that one question looks at: a thousand processes with two hundred each. A link
/// is read in a microsecond or two.
const MOST_LINKS: usize = 200_000;
/// Sockets that one question looks at. The kernel lists those that listen first
/// (net/ipv4/tcp_ipv4.c, `tcp_get_idx`), so that a busy machine's connections cut nothing off.
const MOST_SOCKETS: usize = 100_000;
/// The longest chain of parents that is followed.
const MOST_PARENTS: usize = 64;

/// A socket that listens.
#[derive(Debug, PartialEq, Eq)]
struct Socket {
    address: IpAddr,
    user: u32,
    inode: u64,
}

impl Socket {
    /// One row of /proc/net/tcp or tcp6, proc(5); none when it does not listen on `port`.
    fn parse(row: &str, port: u16) -> Option<Self> {
        /// TCP_LISTEN, include/net/tcp_states.h.
        const LISTENS: &str = "0A";
        let fields: Vec<&str> = row.split_ascii_whitespace().collect();
        let (address, own_port) = fields.get(1)?.split_once(':')?;
        if *fields.get(3)? != LISTENS || u16::from_str_radix(own_port, 16).ok()? != port {
            return None;
        }
        Some(Self {
            address: parse_address(address)?,
            user: fields.get(7)?.parse().ok()?,
            inode: fields.get(9)?.parse().ok()?,
        })
    }

    /// How closely it is bound to 127.0.0.1; none when it does not take connections to it. The
    /// kernel hands a connection to the closest.
    fn closeness(&self) -> Option<u8> {
        match self.address {
            IpAddr::V4(Ipv4Addr::LOCALHOST) => Some(2),
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Some(1),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Some(0),
            IpAddr::V4(_) | IpAddr::V6(_) => None,
        }
    }
}

/// Words of 32 bits in the machine's own order of bytes.
fn parse_address(hexadecimal: &str) -> Option<IpAddr> {
    let mut bytes = Vec::new();
    for word in hexadecimal.as_bytes().chunks(8) {
        let word = u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes.as_slice()) {
        return Some(IpAddr::from(bytes));
    }
    let bytes = <[u8; 16]>::try_from(bytes.as_slice()).ok()?;
    Some(Ipv6Addr::from(bytes).to_canonical())
}

/// The sockets among which the kernel chooses for a connection to `port` of 127.0.0.1.
fn sockets_of(port: u16) -> Vec<Socket> {
    let mut sockets = Vec::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let Ok(table) = File::open(table) else { continue };
        let rows = BufReader::new(table).lines().take(MOST_SOCKETS).map_while(Result::ok);
        sockets.extend(rows.filter_map(|row| Socket::parse(&row, port)));
    }
    let closest = sockets.iter().filter_map(Socket::closeness).max();
    sockets.retain(|socket| closest.is_some() && socket.closeness() == closest);
    sockets
}

enum Holder {
    Wanted,
    Stranger(i32),
    Unseen,
}

/// Looks at open descriptors, a limited number of them.
struct Links {
    left: usize,
}

impl Links {
    /// The sockets that a process holds; none when it cannot be looked into, or at no more.
    fn sockets(&mut self, pid: i32) -> Option<BTreeSet<u64>> {
        let mut sockets = BTreeSet::new();
        for entry in fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten() {
            self.left = self.left.checked_sub(1)?;
            let Ok(link) = fs::read_link(entry.path()) else { continue };
            let inode = link.to_str().and_then(|link| link.strip_prefix("socket:["));
            sockets.extend(inode.and_then(|rest| rest.strip_suffix(']')?.parse::<u64>().ok()));
        }
        Some(sockets)
    }

    /// Who holds a socket. It may be several, after a fork; one that is wanted is enough.
    fn holder(&mut self, inode: u64, is_wanted: impl Fn(i32) -> bool) -> Holder {
        let mut stranger = Holder::Unseen;
        for pid in pids() {
            if self.sockets(pid).is_some_and(|sockets| sockets.contains(&inode)) {
                if is_wanted(pid) {
                    return Holder::Wanted;
                }
                stranger = Holder::Stranger(pid);
            }
        }
        stranger
    }
}

/// Whether a process is wanted, whatever user it runs as by now.
fn belongs(pid: i32, wanted: &Wanted<'_>) -> bool {
    let Some(leader) = wanted.leader else { return is_marked(pid, wanted.mark) };
    let mut ancestor = pid;
    for _ in 0..MOST_PARENTS {
        let Some(row) = Row::read(ancestor) else { break };
        if ancestor == leader.pid || row.group == leader.pid {
            return true;
        }
        ancestor = row.parent;
    }
    is_marked(pid, wanted.mark)
}

fn described(pid: i32) -> String {
    let name = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
    let name = escaped(name.strip_suffix(b"\n").unwrap_or(&name));
    let user = fs::metadata(format!("/proc/{pid}")).map(|folder| folder.uid());
    match user {
        Ok(user) if user != rustix::process::geteuid().as_raw() => {
            format!("{name} (process {pid} of user {user})")
        }
        Ok(_) | Err(_) => format!("{name} (process {pid})"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Identity;
    use super::*;
    use std::net::TcpListener;

    const NOBODY: Wanted<'_> = Wanted { mark: "TOWPATH_TEST_NOBODY=1", leader: None };

    fn own() -> Identity {
        Identity::of(rustix::process::getpid().as_raw_nonzero().get()).unwrap()
    }

    #[test]
    fn rows_of_both_tables_are_read_and_connections_are_not_listeners() {
        let row =
            "0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 1000 0 77 1";
        let socket = Socket::parse(row, 8080).unwrap();
        assert_eq!((socket.user, socket.inode, socket.closeness()), (1000, 77, Some(2)));
        assert_eq!(Socket::parse(row, 8081), None);
        assert_eq!(Socket::parse(&row.replace(" 0A ", " 01 "), 8080), None);
        let closeness = |address: &str| {
            Socket::parse(&row.replace("0100007F", address), 8080).unwrap().closeness()
        };
        assert_eq!(closeness("00000000"), Some(1));
        assert_eq!(closeness("00000000000000000000000000000000"), Some(0));
        assert_eq!(closeness("0000000000000000FFFF00000100007F"), Some(2));
        assert_eq!(closeness("00000000000000000000000001000000"), None, "::1 is another address");
    }

    #[test]
    fn a_port_is_the_wanted_ones_or_a_strangers_or_nobodys() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let leader = own();
        let ours = Wanted { mark: NOBODY.mark, leader: Some(&leader) };
        assert_eq!(who_listens(port, &ours), Listener::Wanted);
        let Listener::Stranger(who) = who_listens(port, &NOBODY) else { panic!("nobody's") };
        assert!(who.ends_with(&format!("(process {})", std::process::id())), "{who}");
        assert_eq!(named(port), Some(who));
        drop(listener);
        assert_eq!(who_listens(port, &ours), Listener::Unknown);
        assert_eq!(named(port), None);
    }

    #[test]
    fn who_cannot_be_seen_to_hold_a_port_is_unknown_and_no_stranger() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let leader = own();
        for leader in [None, Some(&leader)] {
            let wanted = Wanted { mark: NOBODY.mark, leader };
            let blind = Links { left: 0 };
            assert_eq!(who_is_seen(port, &wanted, blind), Listener::Unknown, "{leader:?}");
        }
    }

    #[test]
    fn what_a_program_started_belongs_to_it_in_whatever_group_and_environment() {
        use std::os::unix::process::CommandExt as _;
        let mut command = std::process::Command::new("/bin/sleep");
        let mut child = command.arg("600").env_clear().process_group(0).spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let leader = own();
        assert!(belongs(pid, &Wanted { mark: NOBODY.mark, leader: Some(&leader) }));
        let stranger = Identity { pid: pid + 1, ..leader };
        assert!(!belongs(pid, &Wanted { mark: NOBODY.mark, leader: Some(&stranger) }));
        assert!(!belongs(pid, &NOBODY));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_program_that_listens_on_every_address_is_found() {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        let found = sockets_of(listener.local_addr().unwrap().port());
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].closeness(), Some(1));
    }
}
