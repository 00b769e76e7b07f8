//! Where the next page of a list is (RFC 8288). Knows no list and sends nothing.

/// As many entries as one page may have, where all of them are wanted.
const WHOLE: &str = "limit=200";

/// The path of the first page of a list that is wanted whole.
pub(super) fn first(path: &str) -> String {
    let with = match path.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    format!("{path}{with}{WHOLE}")
}

/// The path of the page after the one at `path`, of which the answer says `link`; none where there is no more.
/// A server says it relative to the path, so that nobody has to know where it is mounted.
pub(super) fn next(path: &str, link: &str) -> Option<String> {
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
