//! The journal as a file, for whoever may look at it: the form, the name of the file and what is looked for. What a line
//! is stands in `exporting`.

use axum::extract::Query;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use towpath_audit::export::Format;
use towpath_core::reason::{Refusal, RefusalKind};

use super::search::Wanted;
use crate::error::Answer;
use crate::exporting::{Exporting, Reader};
use crate::pages::frame::Look;
use crate::signin::Pass;

pub(in crate::pages) async fn show(
    look: Look,
    pass: Pass,
    Query(wanted): Query<Wanted>,
) -> Response {
    match exported(&look, pass, &wanted).await {
        Ok(answer) => answer,
        Err(refused) => look.refuse(refused),
    }
}

async fn exported(look: &Look, pass: Pass, wanted: &Wanted) -> Answer<Response> {
    let (format, kind, ending) = match wanted.format.as_str() {
        "" | "jsonl" => (Format::Jsonl, "application/x-ndjson", "jsonl"),
        "csv" => (Format::Csv, "text/csv; charset=utf-8; header=present", "csv"),
        other => {
            let message = "nothing was exported";
            let cause = format!("`{}` is no form of an export", other.escape_debug());
            return Err(Refusal::new(RefusalKind::Usage, "bad-query", message, cause)
                .at("query: format")
                .next("?format=jsonl", "JSON lines")
                .next("?format=csv", "for spreadsheets")
                .into());
        }
    };
    let sought = wanted.sought()?;
    let bounds = sought.bounds(&look.engine).await?;
    let name = format!("attachment; filename=\"{}-journal.{ending}\"", look.engine.setup().project);
    let wants = Box::new(move |row: &_| sought.is(row));
    // A page is looked at by a session, never by a token.
    let reader = Reader { pass, token: None };
    let body = Exporting::new(&look.engine, reader, bounds, format, wants).await?.into_body();
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    Ok((headers, body).into_response())
}
