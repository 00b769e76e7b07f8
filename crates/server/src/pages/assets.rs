//! The style sheet, the script and the icon, under names that change with their content. Owns of which parts they
//! are put together and how long they are kept; knows no page.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use towpath_core::ids::Digest;

use crate::error::no_such_route;

/// Parts in their order, as one text.
macro_rules! together {
    ($($part:literal)+) => { concat!($(include_str!(concat!("assets/", $part))),+) };
}

/// What all pages share, then a part for each page that needs one, and last what holds against all of them.
const SHEET: &str = together!(
    "css/base.css" "css/charts.css" "css/matrix.css" "css/promotion.css" "css/waiting.css" "css/lane.css"
    "css/releases.css" "css/compare.css" "css/pipeline.css" "css/insights.css" "css/audit.css" "css/api.css" "css/admin.css"
    "css/notifications.css" "css/matrix_file.css" "css/simulate.css" "css/door.css" "css/last.css"
);

/// The script: what is used by the others comes first.
const SCRIPT: &str = together!(
    "js/begin.js" "js/times.js" "js/filter.js" "js/keys.js" "js/live.js"
);

/// Name, ending, type and content.
const ALL: [(&str, &str, &str, &str); 3] = [
    ("towpath", "css", "text/css; charset=utf-8", SHEET),
    ("towpath", "js", "text/javascript; charset=utf-8", SCRIPT),
    ("icon", "svg", "image/svg+xml", include_str!("assets/icon.svg")),
];

/// Their names, in the order of [`ALL`].
static NAMES: LazyLock<[String; 3]> = LazyLock::new(|| {
    ALL.map(|(name, ending, _, content)| {
        format!("{name}-{}.{ending}", Digest::of(content.as_bytes()).short())
    })
});

/// The address of the style sheet, the script and the icon, below the base of the pages.
pub(super) fn addresses() -> [String; 3] {
    [0, 1, 2].map(|at: usize| format!("/assets/{}", NAMES[at]))
}

/// Where the style sheet is under a name that stays.
pub(crate) const STYLE: &str = "/static/towpath.css";

/// The style sheet under a name that stays, for the pages around projects.
pub(crate) async fn style() -> Response {
    let (_, _, kind, content) = ALL[0];
    // A minute: a new version of the program is seen soon.
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=60")], content)
        .into_response()
}

/// Whoever asks: they tell nothing of the project. One under a name of other content is not there.
pub(super) async fn serve(Path(file): Path<String>) -> Response {
    let found = NAMES.iter().position(|name| *name == file);
    let Some((_, _, kind, content)) = found.map(|at| ALL[at]) else {
        return no_such_route().await.into_response();
    };
    // A year: the longest that caches take as for ever (RFC 9111, section 5.2.2.1).
    let kept = "public, max-age=31536000, immutable";
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, kept)], content).into_response()
}
