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
/// that are written as IPv6 (mapped, or for NAT64 as of RFC 6052) count as what they are.
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
            let embedded = (parts[..6] == [0x64, 0xff9b, 0, 0, 0, 0]).then(|| {
                let [.., a, b, c, d] = address.octets();
                IpAddr::V4(Ipv4Addr::new(a, b, c, d))
            });
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
            if found.iter().any(|address| is_forbidden(address.ip())) {
                return Err(forbidden(name.as_str()).into());
            }
            let found: Addrs = Box::new(found.into_iter());
            Ok(found)
        })
    }
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

    #[test]
    fn no_spelling_of_a_forbidden_address_is_allowed() {
        for url in [
            "http://169.254.169.254/latest/meta-data",
            "http://2852039166/",
            "http://0xa9fea9fe/",
            "http://0251.0376.0251.0376/",
            "http://169.254.43518/",
            "http://[::ffff:169.254.169.254]/",
            "http://[::ffff:a9fe:a9fe]/",
            "http://[64:ff9b::a9fe:a9fe]/",
            "http://[fe80::1]/",
            "http://[fd00:ec2::254]/",
            "http://100.100.100.200/",
            "http://[ff02::1]/",
            "http://255.255.255.255/",
            "http://user@169.254.169.254:80/",
            "http://169.254.169.254./",
            "http://１６９.254.169.254/",
            "ftp://example.com/",
            "file:///etc/passwd",
        ] {
            let parsed = Url::parse(url).unwrap();
            assert!(ensure_allowed(&parsed).is_err(), "{url} must be refused");
        }
        for url in
            ["http://127.0.0.1:3000/", "https://10.1.2.3/", "http://example.com", "http://[::1]/"]
        {
            assert!(ensure_allowed(&Url::parse(url).unwrap()).is_ok(), "{url} must be allowed");
        }
    }
}
