//! What was shown of a release before people and gates let it on: checks with their pieces, the file of all of it.
//! Owns how pieces are handed out; what they are is nobody's to guess.

use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use towpath_core::ids::{Digest, Name};
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_engine::views::PromotionView;

use super::{found, place};
use crate::error::{Answer, ApiError};
use crate::pages::frame::Look;
use crate::pages::marks::{digest, grouped};
use crate::pages::materials;
use crate::pages::promotion::checked;

/// Where a piece is, below the base.
pub(in crate::pages) fn piece_place(digest: &Digest) -> String {
    format!("/evidence/{}", digest.hex())
}

/// What the newest promotion into each environment was shown, and what that rests on.
pub(super) fn section(look: &Look, service: &str, version: &str, all: &[PromotionView]) -> Markup {
    let mut newest: Vec<&PromotionView> = Vec::new();
    for one in all {
        if !one.checks.is_empty() && newest.iter().all(|known| known.to != one.to) {
            newest.push(one);
        }
    }
    html! {
        @if newest.is_empty() { p.q { "No gate has asked anything of it yet." } }
        @for one in &newest {
            details id={ "shown-" (one.to) } {
                summary {
                    (one.to) ": " (one.checks.iter().filter(|check| check.state == "pass").count()) " of "
                    (one.checks.len()) " checks passed, by promotion " (one.number)
                }
                ul.checks { @for check in &one.checks { (checked(check)) } }
                (pieces(look, one))
            }
        }
        @if !newest.is_empty() {
            p { a.btn href=(look.to(&format!("{}/evidence.tar", place(service, version)))) { "Download the evidence" } }
            p.xs.qq { "One file: what the checks read, each piece by its digest, and the signed account of every promotion of it that has ended." }
        }
    }
}

fn pieces(look: &Look, one: &PromotionView) -> Markup {
    let all: Vec<_> = one
        .checks
        .iter()
        .flat_map(|check| check.evidence.iter().map(move |piece| (check, piece)))
        .collect();
    html! {
        @if !all.is_empty() {
            table.tab {
                thead { tr { th scope="col" { "Piece" } th scope="col" { "Read by" } th scope="col" { "Digest" } th.r scope="col" { "Bytes" } } }
                tbody { @for (check, piece) in all { tr {
                    th scope="row" { a href=(look.to(&piece_place(&piece.digest))) { (piece.name) } }
                    td { (check.title) } td { (digest(piece.digest.as_str())) } td.r { (grouped(piece.size)) }
                } } }
            }
        }
    }
}

/// The bytes of a piece, which no browser shows or guesses about.
pub(in crate::pages) async fn piece(look: Look, Path(named): Path<String>) -> Response {
    let read = async {
        let none = || ApiError::not_found("there is no such evidence", "towpath evidence list");
        let digest = Digest::try_from(format!("sha256:{named}")).map_err(|_| none())?;
        let refused = |cause: String| {
            let message = format!("the evidence sha256:{} cannot be shown", digest.short());
            ApiError::from(Refusal::new(RefusalKind::NotFound, "evidence-gone", message, cause))
        };
        let bytes = look.engine.evidence_bytes(&digest).await.map_err(refused)?;
        bytes.ok_or_else(none).map(|bytes| (Bytes::from(bytes), named.clone()))
    };
    handed(&look, read.await)
}

/// Everything that speaks for a release, in one file.
pub(in crate::pages) async fn bundle(
    look: Look,
    Path((service, version)): Path<(String, String)>,
) -> Response {
    let made = async {
        let release = found(&look, &service, &version)?;
        let own: &Name = &release.service;
        let all = materials::promotions(&look, own, release.version.as_str()).await?;
        let place = look.engine.place_for_bundle().await.ok_or_else(busy)?;
        let bytes = look.engine.release_bundle(&all).await?;
        let held = Bytes::from_owner(InMemory { bytes, _place: place });
        Ok((held, format!("evidence-{service}-{version}.tar")))
    };
    handed(&look, made.await)
}

/// A file that has its place until its last byte is sent.
struct InMemory<Place> {
    bytes: Vec<u8>,
    _place: Place,
}

impl<Place> AsRef<[u8]> for InMemory<Place> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

fn busy() -> ApiError {
    ApiError::busy("busy", "as many of these files are being fetched as there is room for")
}

fn handed(look: &Look, read: Answer<(Bytes, String)>) -> Response {
    let (bytes, name) = match read {
        Ok(read) => read,
        Err(refused) => return look.refuse(refused),
    };
    let mut answer = bytes.into_response();
    let headers = answer.headers_mut();
    let named = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    let named = named.unwrap_or_else(|_| HeaderValue::from_static("attachment"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_DISPOSITION, named);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
