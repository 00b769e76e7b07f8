//! Lists page by page: how many, where one goes on, and what is said about a place that is none. Knows no
//! list, and what is chosen of one only as text.
//!
//! A cursor is a place in one list as it was asked for: it says behind which entry one goes on, and is bound to
//! the project, the address and whatever chooses among the entries. It opens nothing that whoever brings it
//! may not see anyway, so that nobody has to keep a key for it.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use towpath_core::ids::Digest;
use towpath_core::reason::{Refusal, RefusalKind};

use crate::asked::Query;
use crate::error::{Answer, ApiError};
use crate::requests::Fault;
use crate::routes::App;

/// Most entries of one answer (habits.md section 4).
pub(crate) const MOST: u32 = 200;
/// So many where nobody says.
pub(crate) const USUAL: u32 = 50;
/// Digits of the digest by which a cursor belongs to a list: enough that none is one by chance.
const BOUND_BY: usize = 16;

/// What chooses among the entries of a list, and which part of them is wanted.
pub(crate) struct Paged<T> {
    /// What chooses.
    pub(crate) wanted: T,
    /// Which part.
    pub(crate) part: Part,
}

/// A part of a list.
pub(crate) struct Part {
    /// How many, 1 to [`MOST`].
    limit: u32,
    /// The cursor as it came.
    cursor: Option<String>,
    /// What a cursor must be bound to.
    list: Digest,
    /// The query without its cursor, to go on with.
    query: String,
}

/// Nothing chooses among the entries.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AllOfThem {}

/// Some entries of a list in their form, and the way to the next ones.
pub(crate) struct Listed<T> {
    shown: T,
    next: Option<HeaderValue>,
}

/// The way to the next entries.
pub(crate) struct Way(Option<HeaderValue>);

impl<T> Listed<T> {
    /// What is shown, and the way on.
    pub(crate) fn apart(self) -> (T, Way) {
        (self.shown, Way(self.next))
    }
}

impl Way {
    /// What is shown, with this way on.
    pub(crate) fn with<T>(self, shown: T) -> Listed<T> {
        Listed { shown, next: self.0 }
    }
}

impl<T: Serialize> IntoResponse for Listed<T> {
    fn into_response(self) -> Response {
        let mut answer = Json(self.shown).into_response();
        if let Some(next) = self.next {
            answer.headers_mut().insert(header::LINK, next);
        }
        answer
    }
}

/// Behind which entry of a list one goes on, where entries are told apart by when and what they are.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// When, in a form whose order as text is that of time.
    pub(crate) at: String,
    /// Which of that moment.
    pub(crate) id: String,
}

impl Part {
    /// How many entries are wanted.
    pub(crate) fn limit(&self) -> usize {
        self.limit as usize
    }

    /// Behind which place; none: from the beginning.
    ///
    /// # Errors
    /// 400 `bad-cursor`, for one of another list or of nobody's.
    pub(crate) fn after<T: DeserializeOwned>(&self) -> Answer<Option<T>> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let read = || {
            let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
            let text = String::from_utf8(bytes).ok()?;
            let (bound, place) = text.split_at_checked(BOUND_BY)?;
            (bound == self.bound(place)).then(|| serde_json::from_str(place).ok())?
        };
        read().map(Some).ok_or_else(no_cursor)
    }

    /// These entries, and the way on behind `last` of them; none: there are no more.
    pub(crate) fn listed<T>(self, shown: T, last: Option<&impl Serialize>) -> Listed<T> {
        let next = last.map(|last| {
            let place = serde_json::to_string(last).expect("a place is plain data");
            let cursor = URL_SAFE_NO_PAD.encode(self.bound(&place) + &place);
            let query = &self.query;
            let with = if query.is_empty() { "" } else { "&" };
            // Relative to the address that was asked, wherever the project is mounted (RFC 3986, section 5.3).
            let link = format!("<?{query}{with}cursor={cursor}>; rel=\"next\"");
            HeaderValue::try_from(link).expect("what is quoted for a query can be printed")
        });
        Listed { shown, next }
    }

    /// The wanted part of a list that is there as a whole, in an order that does not change: new entries come
    /// at the end. An entry that is gone by now loses nothing of what came after it.
    pub(crate) fn of_all<T>(
        self,
        all: impl IntoIterator<Item = T>,
        place: impl Fn(&T) -> Place,
    ) -> Answer<Listed<Vec<T>>> {
        let mut all: Vec<T> = all.into_iter().collect();
        if let Some(after) = self.after::<Place>()? {
            match all.iter().rposition(|entry| place(entry) == after) {
                Some(found) => drop(all.drain(..=found)),
                None => all.retain(|entry| place(entry).at >= after.at),
            }
        }
        let goes_on = all.len() > self.limit();
        all.truncate(self.limit());
        let last = all.last().filter(|_| goes_on).map(place);
        Ok(self.listed(all, last.as_ref()))
    }

    fn bound(&self, place: &str) -> String {
        let digest = Digest::of(format!("{} {place}", self.list).as_bytes());
        digest.hex().chars().take(BOUND_BY).collect()
    }
}

fn no_cursor() -> ApiError {
    let cause = "it is none that this list gave, asked as it is now";
    let message = "nothing was listed: the cursor is none";
    let refusal = Refusal::new(RefusalKind::Usage, "bad-cursor", message, cause)
        .at("query: cursor")
        .next("curl --head", "without a cursor: `Link` of the answer has the next one");
    let parameter = Some("cursor".to_owned());
    ApiError::from(refusal).because(Fault { detail: cause.to_owned(), pointer: None, parameter })
}

/// How many entries are wanted, as a query says it.
#[derive(Deserialize)]
struct Limit {
    limit: Option<u32>,
}

impl<T: DeserializeOwned> FromRequestParts<App> for Paged<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        let (mut cursor, mut limit, mut chosen) = (None, Vec::new(), Vec::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "cursor" if cursor.is_some() => return Err(twice("cursor")),
                "cursor" => cursor = Some(value.into_owned()),
                "limit" if !limit.is_empty() => return Err(twice("limit")),
                "limit" => limit.push((name, value)),
                _ => chosen.push((name, value)),
            }
        }
        let wanted = read(&written(&chosen))?;
        let Limit { limit: asked } = read(&written(&limit))?;
        if asked.is_some_and(|asked| !(1..=MOST).contains(&asked)) {
            return Err(no_limit());
        }
        chosen.sort();
        let list =
            format!("{} {} {}", app.engine.setup().project, parts.uri.path(), written(&chosen));
        chosen.extend(limit);
        let part = Part {
            limit: asked.unwrap_or(USUAL),
            cursor,
            list: Digest::of(list.as_bytes()),
            query: written(&chosen),
        };
        Ok(Self { wanted, part })
    }
}

fn written<Text: AsRef<str>>(pairs: &[(Text, Text)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// Reads these parameters alone.
fn read<T: DeserializeOwned>(query: &str) -> Answer<T> {
    let uri = format!("/?{query}").parse::<Uri>();
    let uri = uri.map_err(|_| wrong("query", "it is too long"))?;
    Query::of(&uri).map(|Query(asked)| asked)
}

fn wrong(parameter: &str, cause: &str) -> ApiError {
    let message = "the query of the request is not what this address takes";
    let refusal = Refusal::new(RefusalKind::Usage, "bad-query", message, cause)
        .at(format!("query: {parameter}"));
    let parameter = Some(parameter.to_owned());
    ApiError::from(refusal).because(Fault { detail: cause.to_owned(), pointer: None, parameter })
}

fn twice(parameter: &str) -> ApiError {
    wrong(parameter, &format!("duplicate field `{parameter}`"))
}

fn no_limit() -> ApiError {
    wrong("limit", &format!("a page has 1 to {MOST} entries"))
}
