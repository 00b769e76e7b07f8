//! A form as it was sent: from which project, about what, by whom, with which fields. Owns how it is read and
//! where one is led afterwards; gives no order.

use axum::Form;
use axum::extract::{FromRequest, FromRequestParts as _, Path, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::de::DeserializeOwned;
use towpath_core::reason::{Refusal, RefusalKind};

use crate::error::{Answer, ApiError};
use crate::pages::frame::Look;
use crate::routes::App;

/// A form that the door of the pages has let in.
pub(super) struct Posted<At, Sent> {
    pub(super) app: App,
    pub(super) look: Look,
    /// What stands in its address.
    pub(super) at: At,
    pub(super) sent: Sent,
}

impl<At, Sent> FromRequest<App> for Posted<At, Sent>
where
    At: DeserializeOwned + Send,
    Sent: DeserializeOwned,
{
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let look = Look::from_request_parts(&mut parts, app).await?;
        let at = Path::<At>::from_request_parts(&mut parts, app).await;
        let Path(at) = at.map_err(|error| look.refuse(unread(&error.body_text())))?;
        let sent = Form::<Sent>::from_request(Request::from_parts(parts, body), app).await;
        let Form(sent) = sent.map_err(|error| look.refuse(unread(&error.to_string())))?;
        Ok(Self { app: app.clone(), look, at, sent })
    }
}

fn unread(cause: &str) -> ApiError {
    let message = "nothing was ordered: the form cannot be read";
    Refusal::new(RefusalKind::Usage, "bad-form", message, cause.to_owned())
        .next("towpath help everything", "the same orders on the command line")
        .into()
}

/// What was typed, if anything was.
pub(super) fn given(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The reason that was typed.
///
/// # Errors
/// Where none was: `message` says what was not done, `cause` who would read it.
pub(super) fn reason_given(text: &str, message: &str, cause: &str) -> Answer<String> {
    given(text).ok_or_else(|| {
        let message = format!("{message}: a reason is needed");
        Refusal::new(RefusalKind::Usage, "reason-empty", message, cause.to_owned()).into()
    })
}

/// Leads back to a page with a word about what was done.
pub(super) fn led_to(look: &Look, place: &str, done: &str) -> Response {
    let place = look.to(&format!("{place}?done={done}"));
    match HeaderValue::from_str(&place) {
        Ok(place) => (StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response(),
        Err(_) => StatusCode::NO_CONTENT.into_response(),
    }
}

/// The page after an order, or the one that says why there was none.
pub(super) fn answered(look: &Look, done: Answer<(String, &str)>) -> Response {
    match done {
        Ok((place, word)) => led_to(look, &place, word),
        Err(refused) => look.refuse(refused),
    }
}
