//! The API as a document (OpenAPI 3.1), made from the table of URLs and the types of its handlers. Answers
//! no request of its own but the one for it.

mod document;
mod forms;
mod told;

pub use document::document;
pub(crate) use told::{Gives, JSON, LOCATION, Operation, Shape, Takes, Told};

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

/// Where it is, after the mount.
pub(crate) const PATH: &str = "/openapi.json";

/// The document as it is sent.
pub(crate) struct Whole;

impl IntoResponse for Whole {
    fn into_response(self) -> Response {
        // Whoever reads it slowly, and need not say who they are, holds nothing of their own.
        static TEXT: LazyLock<Bytes> = LazyLock::new(|| DOCUMENT.to_string().into());
        ([(header::CONTENT_TYPE, JSON)], TEXT.clone()).into_response()
    }
}

impl Gives for Whole {
    fn gives(operation: &mut Operation) {
        operation.answers::<Value>(StatusCode::OK);
    }
}

/// The document; the same for everybody.
pub(crate) async fn show() -> Whole {
    Whole
}

/// The document, laid out once.
pub(crate) static DOCUMENT: LazyLock<Value> = LazyLock::new(document);
