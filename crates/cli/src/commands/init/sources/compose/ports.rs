//! Ports of a compose service, in all the forms that compose has. Owns which of them visitors use.

use std::net::IpAddr;

use super::super::foreign::Value;

/// The ports of one service.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ports {
    /// The first TCP port of the host.
    pub(super) first: Option<u16>,
    /// The port inside the container behind it.
    pub(super) inside: Option<u16>,
    /// Whether the first is published on more than this machine's own addresses.
    pub(super) is_everywhere: bool,
    /// The others, as a person reads them: `port 9229`, `ports 3001 to 3005`, `udp port 53`.
    pub(super) others: Vec<String>,
}

/// Adds what one entry of `ports` says; `fill` fills in variables.
pub(super) fn ports(item: &Value, fill: &mut impl FnMut(&str) -> Option<String>, all: &mut Ports) {
    let mut text = |key: &str| item.get(key).and_then(Value::text).and_then(|it| fill(&it));
    let (host, inside, protocol, address) = if item.is_map() {
        let protocol = text("protocol").unwrap_or_else(|| "tcp".to_owned());
        let target = text("target");
        let address = text("host_ip").unwrap_or_default();
        (text("published").or_else(|| target.clone()), target, protocol, address)
    } else {
        let Some(text) = item.text().and_then(|it| fill(&it)) else { return };
        let (ports, protocol) = text.split_once('/').unwrap_or((&text, "tcp"));
        let parts: Vec<&str> = ports.rsplitn(3, ':').collect();
        let host = parts.get(1).filter(|it| !it.is_empty()).unwrap_or(&parts[0]);
        let address = parts.get(2).copied().unwrap_or_default().to_owned();
        (Some((*host).to_owned()), Some(parts[0].to_owned()), protocol.to_owned(), address)
    };
    let Some((first, last)) = host.as_deref().and_then(range) else { return };
    if protocol != "tcp" {
        all.others.push(format!("{protocol} {}", said(first, last)));
        return;
    }
    if all.first.is_some() {
        all.others.push(said(first, last));
        return;
    }
    all.first = Some(first);
    all.is_everywhere = !is_local(&address);
    all.inside = inside.as_deref().and_then(range).map(|(first, _)| first);
    if first < last {
        all.others.push(said(first + 1, last));
    }
}

/// Whether an address is one that other machines cannot reach.
fn is_local(address: &str) -> bool {
    let address = address.trim_matches(['[', ']']);
    address == "localhost" || address.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
}

fn said(first: u16, last: u16) -> String {
    if first == last { format!("port {first}") } else { format!("ports {first} to {last}") }
}

/// `3000` and `3000-3005`.
fn range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (0 < first && first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::super::super::foreign;
    use super::*;

    #[test]
    fn a_port_is_published_everywhere_unless_an_address_of_this_machine_stands_before_it() {
        for (text, wanted) in [
            ("['3001:3000']", true),
            ("[3000]", true),
            ("['0.0.0.0:3001:3000']", true),
            ("['192.0.2.1:3001:3000']", true),
            ("['127.0.0.1:3001:3000']", false),
            ("['[::1]:3001:3000']", false),
            ("['localhost:3001:3000']", false),
            ("['127.0.0.1::3000']", false),
            ("[{ target: 80 }]", true),
            ("[{ target: 80, host_ip: 127.0.0.1 }]", false),
            ("['127.0.0.1:1:1', '2:2']", false),
            ("['53:53/udp']", false),
        ] {
            let mut all = Ports::default();
            for item in foreign::yaml(text).unwrap().items() {
                ports(item, &mut |text| Some(text.to_owned()), &mut all);
            }
            assert_eq!(all.is_everywhere, wanted, "{text}");
        }
    }

    #[test]
    fn the_first_published_port_is_that_of_visitors_and_the_others_are_told() {
        for (text, first, inside, others) in [
            ("['3001:3000']", Some(3001), Some(3000), ""),
            ("['127.0.0.1:3001:3000']", Some(3001), Some(3000), ""),
            ("['[::1]:3001:3000']", Some(3001), Some(3000), ""),
            ("[3000]", Some(3000), Some(3000), ""),
            ("['127.0.0.1::3000']", Some(3000), Some(3000), ""),
            ("['3000-3005:3000-3005']", Some(3000), Some(3000), "ports 3001 to 3005"),
            (
                "['3000:80', '9229:9229', '53:53/udp']",
                Some(3000),
                Some(80),
                "port 9229, udp port 53",
            ),
            ("['53:53/udp', '80:8080']", Some(80), Some(8080), "udp port 53"),
            ("[{ target: 80, published: '8080' }]", Some(8080), Some(80), ""),
            (
                "[{ target: 80, published: 8080-8090, protocol: tcp }]",
                Some(8080),
                Some(80),
                "ports 8081 to 8090",
            ),
            ("[{ target: 80 }]", Some(80), Some(80), ""),
            ("['0:80', '99999:80', '', ':::', '5-3:1']", None, None, ""),
        ] {
            let mut all = Ports::default();
            for item in foreign::yaml(text).unwrap().items() {
                ports(item, &mut |text| Some(text.to_owned()), &mut all);
            }
            let wanted = (first, inside, others.to_owned());
            assert_eq!((all.first, all.inside, all.others.join(", ")), wanted, "{text}");
        }
    }
}
