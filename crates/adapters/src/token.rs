//! Tokens that stand in files, for servers that ask for one. Owns how they are read; no token is kept,
//! shown or part of a sentence.

use std::path::Path;

use reqwest::header::HeaderValue;

use crate::printable::escaped;

/// How long a token may be, in bytes: servers take headers of 8 KiB (nginx, Apache).
const MOST: u64 = 8 * 1024;

/// The header `authorization` with the token in the file, which may end in a line break. Read anew for
/// each question, so that it may change.
///
/// # Errors
/// One sentence: the file cannot be read, or holds no token.
pub(crate) async fn bearer(path: &Path) -> Result<HeaderValue, String> {
    let unreadable = |why: String| {
        let path = escaped(path.as_os_str().as_encoded_bytes());
        format!("the token in {path} cannot be used: {why}")
    };
    let facts = tokio::fs::metadata(path).await.map_err(|error| unreadable(error.to_string()))?;
    if !facts.is_file() || facts.len() > MOST {
        return Err(unreadable(format!("it is no file of at most {MOST} bytes")));
    }
    let token =
        tokio::fs::read_to_string(path).await.map_err(|error| unreadable(error.to_string()))?;
    let token = token.trim_end();
    if token.is_empty() {
        return Err(unreadable("it is empty".to_owned()));
    }
    let mut header = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_| unreadable("it holds what no header can".to_owned()))?;
    header.set_sensitive(true);
    Ok(header)
}
