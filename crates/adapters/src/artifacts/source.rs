//! Where an artefact came from, as it may be kept and told. Asks no address.

/// What of an artefact's source may be told: an address without user, password, query and fragment,
/// which may be secrets; anything else as it is.
pub fn shown(source: &str) -> String {
    if !source.contains("://") {
        return source.to_owned();
    }
    match reqwest::Url::parse(source) {
        Ok(url) => without_secrets(&url).to_string(),
        // Where its secrets begin and end is not known.
        Err(_) => format!("{}://...", source.split("://").next().unwrap_or_default()),
    }
}

/// What of an address may be kept and told: a signature or a token may stand in the rest.
pub(super) fn without_secrets(url: &reqwest::Url) -> reqwest::Url {
    let mut shown = url.clone();
    // Both fail only for addresses that have no host, and so no user.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_query(None);
    shown.set_fragment(None);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_lose_what_may_be_secret() {
        for (source, wanted) in [
            ("https://user:hush@host:81/app?sig=hush#hush", "https://host:81/app"),
            ("https://user:hush@:x/", "https://..."),
            ("./build/app?v=1", "./build/app?v=1"),
            ("api@sha256:00", "api@sha256:00"),
        ] {
            assert_eq!(shown(source), wanted);
        }
    }
}
