//! Lists, page by page: where the next page is (RFC 8288). Knows no list.

use bytes::Bytes;
use http::Method;
use serde::de::DeserializeOwned;

use super::{Client, read};
use crate::exit_code::CliError;

/// As many entries as one page may have, where all of them are wanted.
const WHOLE: &str = "limit=200";

impl Client {
    /// Reads a whole list, page by page, each as [`Client::get`].
    ///
    /// # Errors
    /// As [`Client::get`].
    pub(crate) async fn list<Entry: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<Vec<Entry>, CliError> {
        let mut all = Vec::new();
        let mut way = Some(first(path));
        while let Some(path) = way {
            let (page, next): (Vec<Entry>, _) = self.page(&path).await?;
            all.extend(page);
            way = next;
        }
        Ok(all)
    }

    /// One page of a list, and the path of the next one; none after the last. Safe to repeat, and repeated where
    /// that helps.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub(crate) async fn page<Page: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<(Page, Option<String>), CliError> {
        let heard = self.answered(Method::GET, path, Bytes::new()).await?;
        let way = heard.link.as_deref().and_then(|link| next(path, link));
        Ok((read(path, &heard.bytes)?, way))
    }
}

/// The path of the first page of a list that is wanted whole.
fn first(path: &str) -> String {
    let with = match path.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    format!("{path}{with}{WHOLE}")
}

/// The path of the page after the one at `path`, of which the answer says `link`; none where there is no more.
/// A server says it relative to the path, so that nobody has to know where it is mounted.
fn next(path: &str, link: &str) -> Option<String> {
    let (target, parameters) = link.strip_prefix('<')?.split_once('>')?;
    let is_next = parameters.split(';').any(|one| one.trim() == "rel=\"next\"");
    let query = target.strip_prefix('?').filter(|_| is_next)?;
    let place = path.split_once('?').map_or(path, |(place, _)| place);
    Some(format!("{place}?{query}"))
}

#[cfg(test)]
mod tests {
    use super::{first, next};

    #[test]
    fn a_list_is_read_from_page_to_page() {
        assert_eq!(first("/v1/tokens"), "/v1/tokens?limit=200");
        assert_eq!(first("/v1/evidence?"), "/v1/evidence?limit=200");
        assert_eq!(first("/v1/evidence?service=a"), "/v1/evidence?service=a&limit=200");
        let link = "<?service=a&limit=2&cursor=b>; rel=\"next\"";
        let path = "/v1/evidence?service=a&limit=2";
        assert_eq!(next(path, link).as_deref(), Some("/v1/evidence?service=a&limit=2&cursor=b"));
        for other in ["", "<?a=b>; rel=\"prev\"", "<https://elsewhere/>; rel=\"next\"", "?a=b"] {
            assert_eq!(next(path, other), None, "{other}");
        }
    }
}
