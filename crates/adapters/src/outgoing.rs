//! HTTP to addresses that a matrix or a person names. Owns the rule of where none of it may go;
//! knows nothing of checks and artefacts.
//!
//! Link-local addresses are where clouds hand out credentials to whoever asks from the inside; no
//! declared address leads there, neither by name, nor by number, nor by redirect. Names are looked
//! at after they are resolved and for every connection, so a name that changes does not help.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, ClientBuilder, Url};

/// The most redirects that are followed; what browsers allow is 20, what people mean is 1.
const REDIRECTS: usize = 5;

/// Which redirects are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Redirects {
    /// Those to the same scheme, host and port: the answer shall be the asked one's.
    SameHost,
    /// Those to anywhere that is allowed.
    Anywhere,
}

/// A client that goes only where it may; without the proxies of the environment, which would
/// resolve names in our stead. The caller sets time limits.
pub(crate) fn client(redirects: Redirects) -> ClientBuilder {
    Client::builder()
        .no_proxy()
        .referer(false)
        .dns_resolver(Arc::new(Resolver))
        .redirect(Policy::custom(move |attempt| follow(redirects, attempt)))
}

/// Whether `url` may be asked, as far as that can be told without resolving its name; else one
/// sentence.
pub(crate) fn ensure_allowed(url: &Url) -> Result<(), String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("`{url}` is neither http nor https"));
    }
    let host = url.host_str().unwrap_or_default();
    match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        Ok(address) if is_forbidden(address) => Err(forbidden(host)),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn forbidden(host: &str) -> String {
    format!(
        "`{host}` is a link-local, metadata or group address, where nothing may go that a matrix names"
    )
}

/// 169.254.0.0/16 and fe80::/10 (RFC 3927, RFC 4291), the metadata services of AWS over IPv6
/// (fd00:ec2::254) and of Alibaba Cloud (100.100.100.200), groups and broadcasts. IPv4 addresses
/// that are written as IPv6 (mapped, compatible, 6to4 as of RFC 3056, for NAT64 as of RFC 6052 and RFC 8215)
/// count as what they are.
pub(crate) fn is_forbidden(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            address.is_link_local()
                || address.is_multicast()
                || address.is_broadcast()
                || address == Ipv4Addr::new(100, 100, 100, 200)
        }
        IpAddr::V6(address) => {
            let parts = address.segments();
            let at = |first: usize| {
                let [a, b] = parts[first].to_be_bytes();
                let [c, d] = parts[first + 1].to_be_bytes();
                IpAddr::V4(Ipv4Addr::new(a, b, c, d))
            };
            let embedded = match parts {
                // `::` and `::1` are addresses of their own.
                [0, 0, 0, 0, 0, 0, high, low] if (high, low) > (0, 1) => Some(at(6)),
                [0x64, 0xff9b, 0 | 1, ..] => Some(at(6)),
                [0x2002, ..] => Some(at(1)),
                _ => None,
            };
            address.is_unicast_link_local()
                || address.is_multicast()
                || address == Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)
                || embedded.is_some_and(is_forbidden)
        }
    }
}

fn follow(redirects: Redirects, attempt: Attempt<'_>) -> reqwest::redirect::Action {
    if attempt.previous().len() > REDIRECTS {
        return attempt.error(format!("more than {REDIRECTS} redirects"));
    }
    if let Err(why) = ensure_allowed(attempt.url()) {
        return attempt.error(why);
    }
    let origin = |url: &Url| {
        (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port_or_known_default())
    };
    let from = attempt.previous().last().map(origin);
    if redirects == Redirects::SameHost && from != Some(origin(attempt.url())) {
        let to = attempt.url().host_str().unwrap_or_default().to_owned();
        return attempt.error(format!("it redirects to another place, {to}"));
    }
    attempt.follow()
}

struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let found: Addrs = Box::new(resolved(name.as_str(), found)?.into_iter());
            Ok(found)
        })
    }
}

/// What a name leads to, if all of it may be asked: of several addresses the client takes which it likes.
fn resolved(name: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, String> {
    if found.iter().any(|address| is_forbidden(address.ip())) {
        return Err(forbidden(name));
    }
    Ok(found)
}

/// What went wrong with a request, down to the cause that a person can act on.
pub(crate) fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    crate::printable::escaped(cause.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spellings of one address that readers of addresses have taken for it, as hosts.
    fn spellings([a, b, c, d]: [u8; 4]) -> Vec<String> {
        let whole = u32::from_be_bytes([a, b, c, d]);
        let (last3, last2) = (whole & 0x00ff_ffff, whole & 0xffff);
        let (high, low) = (whole >> 16, last2);
        let wide = |text: &str| -> String {
            let digits = ['０', '１', '２', '３', '４', '５', '６', '７', '８', '９'];
            text.chars().map(|it| it.to_digit(10).map_or(it, |at| digits[at as usize])).collect()
        };
        let dotted = format!("{a}.{b}.{c}.{d}");
        let percent: Vec<_> = dotted.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let percent = percent.concat();
        vec![
            dotted.clone(),
            format!("{dotted}."),
            wide(&dotted),
            dotted.replace('.', "。"),
            dotted.replace('.', "．"),
            percent,
            format!("{whole}"),
            format!("{whole}."),
            format!("0x{whole:x}"),
            format!("0X{whole:X}"),
            format!("0x0000{whole:x}"),
            format!("0{whole:o}"),
            format!("000{whole:o}"),
            format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
            format!("000{a:o}.000{b:o}.000{c:o}.000{d:o}"),
            format!("0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}"),
            format!("0x{a:x}.{b}.0{c:o}.{d}"),
            format!("{a}.0x{b:x}.{last2}"),
            format!("{a}.{b}.{last2}"),
            format!("{a}.{b}.0x{last2:x}"),
            format!("{a}.{last3}"),
            format!("{a}.0x{last3:x}"),
            format!("0{a:o}.{last3}"),
            format!("[::ffff:{dotted}]"),
            format!("[::ffff:{high:x}:{low:x}]"),
            format!("[0:0:0:0:0:FFFF:{high:X}:{low:X}]"),
            format!("[::{dotted}]"),
            format!("[::{high:x}:{low:x}]"),
            format!("[64:ff9b::{dotted}]"),
            format!("[64:ff9b::{high:x}:{low:x}]"),
            format!("[64:ff9b:1::{high:x}:{low:x}]"),
            format!("[2002:{high:x}:{low:x}::]"),
            format!("[2002:{high:x}:{low:x}::1]"),
        ]
    }

    /// T11, and B04 (Kargo CVE-2026-32828): where the credentials of clouds are.
    #[test]
    fn t11_no_spelling_of_a_forbidden_address_is_allowed() {
        let mut hosts: Vec<String> =
            [[169, 254, 169, 254], [169, 254, 170, 2], [100, 100, 100, 200]]
                .into_iter()
                .flat_map(spellings)
                .collect();
        let more = ["[fe80::1]", "[FE80::1]", "[febf:ffff::1]", "[fd00:ec2::254]", "[ff02::1]"];
        hosts.extend(more.map(str::to_owned));
        hosts.extend(["255.255.255.255", "224.0.0.1", "239.255.255.250"].map(str::to_owned));
        let mut asked = 0;
        for host in &hosts {
            for url in [
                format!("http://{host}/latest/meta-data"),
                format!("https://{host}:8443/"),
                format!("http://public.example@{host}/"),
                format!("HTTP://{host}?http://public.example/"),
            ] {
                // What no reader of addresses takes for one is asked of nobody.
                let is_refused = Url::parse(&url).map_or(true, |url| ensure_allowed(&url).is_err());
                assert!(is_refused, "{url} must be refused");
                asked += 1;
            }
        }
        assert!(asked >= 120 * 3, "{asked}");
        for url in
            ["ftp://example.com/", "file:///etc/passwd", "gopher://169.254.169.254/", "data:,x"]
        {
            assert!(ensure_allowed(&Url::parse(url).unwrap()).is_err(), "{url} must be refused");
        }
        for url in [
            "http://127.0.0.1:3000/",
            "https://10.1.2.3/",
            "http://example.com",
            "http://[::1]/",
            "http://[2001:db8::1]/",
            "http://169.253.169.254/",
            "http://[2002:a01:203::1]/",
        ] {
            assert!(ensure_allowed(&Url::parse(url).unwrap()).is_ok(), "{url} must be allowed");
        }
    }

    /// A name is looked at whenever a connection is made, with all that it leads to then.
    #[test]
    fn t11_cve_b04_a_name_that_leads_elsewhere_the_second_time_leads_nowhere() {
        let address = |text: &str| -> SocketAddr { text.parse().unwrap() };
        let public = vec![address("192.0.2.7:0"), address("[2001:db8::7]:0")];
        assert_eq!(resolved("name.example", public.clone()).unwrap(), public);
        for other in ["169.254.169.254:0", "[fe80::1]:0", "[::ffff:169.254.169.254]:0"] {
            let mut both = public.clone();
            both.push(address(other));
            let told = resolved("name.example", both).unwrap_err();
            assert!(told.contains("name.example"), "{told}");
        }
    }

    #[tokio::test]
    async fn t11_cve_b04_a_redirect_to_a_forbidden_address_is_not_followed() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let hosts = spellings([169, 254, 169, 254]);
        for redirects in [Redirects::SameHost, Redirects::Anywhere] {
            for host in &hosts {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                let own = listener.local_addr().unwrap();
                let location = format!("http://{host}:{}/", own.port());
                if !location.is_ascii() || Url::parse(&location).is_err() {
                    continue;
                }
                let server = tokio::spawn(async move {
                    let (mut stream, _) = listener.accept().await.unwrap();
                    let _ = stream.read(&mut [0; 4096]).await.unwrap();
                    let head = format!(
                        "HTTP/1.1 302 X\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"
                    );
                    stream.write_all(head.as_bytes()).await.unwrap();
                });
                let client = client(redirects).build().unwrap();
                let answer = client.get(format!("http://{own}/")).send().await;
                let told = reason(&answer.unwrap_err());
                let is_own = told.contains("metadata") || told.contains("another place");
                assert!(is_own, "{host}: {told}");
                server.await.unwrap();
            }
        }
    }
}
