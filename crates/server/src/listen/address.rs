//! Where a request comes from when a proxy stands in front. Believes only proxies that were named.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use ipnet::IpNet;

use super::{Encrypted, Remote};

/// Proxies that are believed about where a request comes from and whether it was encrypted; empty: none.
#[derive(Clone, Debug, Default)]
pub struct Trusted(Vec<IpNet>);

/// A text that is no address and no network.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is neither an address nor a network such as 10.0.0.0/8")]
pub struct WrongNetwork(String);

impl Trusted {
    /// From addresses and networks, such as `10.0.0.7` and `10.0.0.0/8`.
    ///
    /// # Errors
    /// Names the first text that is neither.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, WrongNetwork> {
        let one = |text: &str| {
            let address = || IpAddr::from_str(text).ok().map(IpNet::from);
            let network = IpNet::from_str(text).ok().or_else(address);
            network.ok_or_else(|| WrongNetwork(text.to_owned()))
        };
        texts.into_iter().map(one).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn believes(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The last address on the way that nobody vouches for: whatever stands before it in the header the
    /// sender could have written (RFC 7239, section 8.1).
    fn visitor(&self, remote: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        let mut found = remote;
        let all = headers.get_all("x-forwarded-for").iter();
        let said: Vec<&str> = all
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .collect();
        for said in said.into_iter().rev() {
            if !self.believes(found.ip()) {
                break;
            }
            let Ok(before) = said.trim().parse::<IpAddr>() else { break };
            found = SocketAddr::new(before, 0);
        }
        found
    }
}

/// Replaces the far end of the connection by the visitor's, where a proxy says it that is believed.
pub(super) async fn of_visitors(
    State(trusted): State<Arc<Trusted>>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(Remote(remote)) = request.extensions().get().copied()
        && trusted.believes(remote.ip())
    {
        let visitor = trusted.visitor(remote, request.headers());
        let proto = request.headers().get("x-forwarded-proto");
        let encrypted = proto.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"https"));
        request.extensions_mut().insert(Remote(visitor));
        request.extensions_mut().insert(Encrypted(encrypted));
    }
    // Nobody behind this reads them, and nobody shall begin to.
    for name in ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-real-ip"] {
        request.headers_mut().remove(name);
    }
    request.headers_mut().remove(header::FORWARDED);
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visitor(trusted: &[&str], remote: &str, said: &[&str]) -> String {
        let trusted = Trusted::new(trusted.iter().copied()).unwrap();
        let mut headers = HeaderMap::new();
        for said in said {
            headers.append("x-forwarded-for", said.parse().unwrap());
        }
        trusted.visitor(remote.parse().unwrap(), &headers).ip().to_string()
    }

    #[test]
    fn only_a_named_proxy_is_believed_and_only_about_the_address_before_it() {
        let all = ["10.0.0.0/8", "192.0.2.9"];
        assert_eq!(visitor(&[], "10.1.1.1:9", &["6.6.6.6"]), "10.1.1.1");
        assert_eq!(visitor(&all, "203.0.113.5:9", &["6.6.6.6"]), "203.0.113.5");
        assert_eq!(visitor(&all, "10.1.1.1:9", &["6.6.6.6, 203.0.113.5"]), "203.0.113.5");
        assert_eq!(
            visitor(&all, "10.1.1.1:9", &["6.6.6.6", "203.0.113.5, 192.0.2.9"]),
            "203.0.113.5"
        );
        assert_eq!(visitor(&all, "10.1.1.1:9", &["nobody"]), "10.1.1.1");
        assert_eq!(visitor(&all, "[::ffff:10.1.1.1]:9", &["203.0.113.5"]), "203.0.113.5");
        assert_eq!(visitor(&all, "10.1.1.1:9", &[]), "10.1.1.1");
    }

    #[test]
    fn what_is_no_network_is_named() {
        let error = Trusted::new(["10.0.0.0/8", "10.0.0.0/99"]).unwrap_err();
        assert!(error.to_string().contains("`10.0.0.0/99`"), "{error}");
    }
}
