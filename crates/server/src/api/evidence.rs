//! What checks rest on: listed, shown, withdrawn. Keeps nothing.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use towpath_core::evidence::Withdrawal;
use towpath_core::ids::{Digest, Name};
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_core::units::Timestamp;
use towpath_engine::kept::{EvidenceView, WantedEvidence};
use towpath_engine::{Order, Taking};

use crate::asked::{Body, Path};
use crate::caller::Caller;
use crate::error::{Answer, ApiError};
use crate::openapi::{Gives, Operation};
use crate::paging::{Listed, Paged, Place};
use crate::requests::{WithdrawRequest, WithdrawnAnswer};
use crate::routes::App;

/// Fewest digits of a digest that name a piece: as many as people are shown.
const FEWEST_DIGITS: usize = 6;

pub(crate) async fn list(
    State(app): State<App>,
    Paged { wanted, part }: Paged<WantedEvidence>,
) -> Answer<Listed<Vec<EvidenceView>>> {
    part.of_all(app.engine.evidence(&wanted).await?, |one| Place {
        at: one.at.clone(),
        id: format!(
            "{} {} {} {} {:?} {}",
            one.digest, one.service, one.environment, one.release, one.promotion, one.check
        ),
    })
}

/// Bytes of which nobody says what they are.
pub(crate) struct Kept(Vec<u8>);

/// What they are called on the way.
const BYTES: &str = "application/octet-stream";

impl IntoResponse for Kept {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, BYTES),
            (header::CONTENT_DISPOSITION, "attachment"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        (headers, self.0).into_response()
    }
}

impl Gives for Kept {
    fn gives(operation: &mut Operation) {
        operation.streams(BYTES);
    }
}

/// The bytes as they were kept. A browser neither shows nor guesses what they are.
pub(crate) async fn show(State(app): State<App>, Path(named): Path<String>) -> Answer<Kept> {
    let used = found(&app, &named).await?;
    let bytes = app.engine.evidence_bytes(&used.0).await;
    let refused = |cause: String| {
        let message = format!("the evidence sha256:{} cannot be shown", used.0.short());
        Refusal::new(RefusalKind::NotFound, "evidence-gone", message, cause)
            .next("towpath audit verify", "whether the journal is whole")
    };
    let bytes = bytes.map_err(&refused)?;
    let bytes = bytes.ok_or_else(|| refused("its bytes are not kept here".to_owned()))?;
    Ok(Kept(bytes))
}

pub(crate) async fn withdraw(
    State(app): State<App>,
    Caller(by): Caller,
    Body(request): Body<WithdrawRequest>,
) -> Answer<Json<WithdrawnAnswer>> {
    let (digest, used) = found(&app, &request.digest).await?;
    let mut environments: Vec<Name> =
        used.iter().filter_map(|one| Name::new(&one.environment).ok()).collect();
    environments.sort();
    environments.dedup();
    let name = used.first().map(|one| one.name.clone()).unwrap_or_default();
    let reason = request.reason;
    let withdrawal = Withdrawal { digest, name, by, at: Timestamp(0), reason };
    let taking = Taking { withdrawal, environments };
    let before = app.engine.last_event().await?;
    app.engine.order_project(Order::Withdraw(taking)).await?;
    let followed = app.engine.followed(before).await?;
    Ok(Json(WithdrawnAnswer { used, followed }))
}

/// The one piece that a digest, or the beginning of one, names, and where it was used.
async fn found(app: &App, named: &str) -> Answer<(Digest, Vec<EvidenceView>)> {
    let digits = named.strip_prefix("sha256:").unwrap_or(named);
    let is_digest = digits.len() >= FEWEST_DIGITS
        && digits.len() <= 64
        && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    if !is_digest {
        let message = format!("`{}` names no evidence", named.escape_debug());
        let cause = format!("a digest is named by {FEWEST_DIGITS} to 64 of its digits");
        return Err(Refusal::new(RefusalKind::Usage, "bad-digest", message, cause)
            .next("towpath evidence list", "the digests of what is kept")
            .into());
    }
    let wanted = WantedEvidence { digest: Some(digits.to_owned()), ..WantedEvidence::default() };
    let used = app.engine.evidence(&wanted).await?;
    let Some(first) = used.first() else {
        let message = format!("no evidence has a digest that begins with {digits}");
        return Err(ApiError::not_found(&message, "towpath evidence list"));
    };
    let digest = first.digest.clone();
    if used.iter().any(|one| one.digest != digest) {
        let message = format!("several pieces have a digest that begins with {digits}");
        let cause = "which of them is meant is not clear";
        return Err(Refusal::new(RefusalKind::Usage, "several-digests", message, cause)
            .next("towpath evidence list", "name one by more digits")
            .into());
    }
    Ok((digest, used))
}
