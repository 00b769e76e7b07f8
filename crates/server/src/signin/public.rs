//! Where browsers find a server, whatever stands in front of it: the public address. Owns what such an address may
//! be; asks nobody whether it leads here.

use std::net::IpAddr;

use reqwest::Url;

/// The address that people type, such as `https://towpath.example`: a scheme and a host, perhaps a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    /// As browsers write an origin (RFC 6454, section 6.2): lower case, without a usual port.
    origin: String,
    is_encrypted: bool,
}

/// Why a text is no public address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongPublicUrl {
    /// It cannot be read.
    #[error("`{0}` is no address such as https://towpath.example: {1}")]
    Unread(String, String),
    /// It says more than a scheme, a host and a port.
    #[error("`{0}` says more than a scheme, a host and a port, as https://towpath.example does")]
    More(String),
    /// It leads over a network without TLS.
    #[error(
        "`{0}` has no https: passwords and cookies would pass everybody on the way; http is for this machine alone"
    )]
    Plain(String),
}

impl std::str::FromStr for PublicUrl {
    type Err = WrongPublicUrl;

    fn from_str(text: &str) -> Result<Self, WrongPublicUrl> {
        let url = Url::parse(text);
        let url =
            url.map_err(|error| WrongPublicUrl::Unread(text.to_owned(), error.to_string()))?;
        if !is_web(&url) {
            let cause = "it begins with neither https:// nor http://".to_owned();
            return Err(WrongPublicUrl::Unread(text.to_owned(), cause));
        }
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !is_bare || !url.username().is_empty() || url.password().is_some() {
            return Err(WrongPublicUrl::More(text.to_owned()));
        }
        if !is_safe_way(&url) {
            return Err(WrongPublicUrl::Plain(text.to_owned()));
        }
        let is_encrypted = url.scheme() == "https";
        Ok(Self { origin: url.origin().ascii_serialization(), is_encrypted })
    }
}

impl PublicUrl {
    /// As an origin, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.origin
    }

    /// Whether browsers see TLS there.
    pub fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }
}

fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "https" | "http")
}

/// Whether what is sent there is read by nobody on the way: by TLS, or because it never leaves this machine.
pub(super) fn is_safe_way(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    url.scheme() == "https" || (url.scheme() == "http" && is_here)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_kept_as_browsers_write_an_origin() {
        for (text, origin, encrypted) in [
            ("https://towpath.example", "https://towpath.example", true),
            ("HTTPS://Towpath.Example:443/", "https://towpath.example", true),
            ("https://towpath.example:8443", "https://towpath.example:8443", true),
            ("http://localhost:7411", "http://localhost:7411", false),
            ("http://127.0.0.1:80", "http://127.0.0.1", false),
            ("http://[::1]:7411/", "http://[::1]:7411", false),
        ] {
            let url: PublicUrl = text.parse().unwrap();
            assert_eq!((url.as_str(), url.is_encrypted()), (origin, encrypted), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_told_why() {
        for (text, said) in [
            ("towpath.example", "no address"),
            ("ftp://towpath.example", "neither https"),
            ("https://", "no address"),
            ("https://towpath.example/team", "says more"),
            ("https://towpath.example/?a=b", "says more"),
            ("https://towpath.example/#a", "says more"),
            ("https://ada@towpath.example", "says more"),
            ("http://towpath.example", "no https"),
            ("http://10.0.0.7:7411", "no https"),
        ] {
            let error = text.parse::<PublicUrl>().unwrap_err().to_string();
            assert!(error.contains(said) && error.contains(text), "{text}: {error}");
        }
    }
}
