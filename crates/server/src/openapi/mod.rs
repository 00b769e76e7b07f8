//! The API as a document (OpenAPI 3.1), made from the table of URLs and the types of its handlers. Answers
//! no request of its own but the one for it.

mod document;
mod forms;
mod told;

pub use document::document;
pub(crate) use told::{Gives, JSON, LOCATION, Operation, Shape, Takes, Told};

use std::sync::LazyLock;

use axum::Json;
use serde_json::Value;

/// The document; the same for everybody.
pub(crate) async fn show() -> Json<&'static Value> {
    Json(&DOCUMENT)
}

/// The document, laid out once.
pub(crate) static DOCUMENT: LazyLock<Value> = LazyLock::new(document);
