//! Links by which whoever has the machine already signs in at the pages. Shows one once; keeps none.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_engine::views::time;

use crate::asked::Body;
use crate::caller::Caller;
use crate::error::{Answer, ApiError};
use crate::openapi::{Gives, Operation};
use crate::requests::{SignInLinkAnswer, SignInLinkRequest};
use crate::routes::App;
use crate::signin::SignInError;

/// A link with its secret, which nothing on the way may keep.
pub(crate) struct NewLink(SignInLinkAnswer);

impl IntoResponse for NewLink {
    fn into_response(self) -> Response {
        let unkept = [(header::CACHE_CONTROL, "no-store")];
        (StatusCode::CREATED, unkept, Json(self.0)).into_response()
    }
}

impl Gives for NewLink {
    fn gives(operation: &mut Operation) {
        operation.answers::<SignInLinkAnswer>(StatusCode::CREATED);
    }
}

/// Nobody gets one for another person. Not safe to repeat: each opens the door once, for minutes.
pub(crate) async fn create(
    State(app): State<App>,
    Caller(by): Caller,
    Body(SignInLinkRequest {}): Body<SignInLinkRequest>,
) -> Answer<NewLink> {
    if by.token().is_some() || by.session().is_some() {
        let cause = "a link is for whoever has the machine, and not for a token or a session";
        return Err(none(RefusalKind::NotAllowed, "not-by-token", cause)
            .next("unset TOWPATH_TOKEN", "act as yourself")
            .into());
    }
    let Some(sign_in) = app.sign_in.as_ref() else {
        let cause = "this engine shows no pages";
        return Err(none(RefusalKind::Conflict, "no-pages", cause)
            .next("towpath serve --listen 127.0.0.1:7411", "shows them")
            .into());
    };
    let known = app.engine.person_behind(&by).filter(|person| sign_in.opens(&app.engine, person));
    let Some(person) = known else {
        let cause = format!("the account {by} is no person whom `people` names");
        return Err(none(RefusalKind::NotAllowed, "not-allowed", &cause)
            .at("people")
            .next("towpath matrix show --resolved", "who is named")
            .into());
    };
    let made = sign_in.link_for(&person, by.as_str()).await.map_err(failed)?;
    let expires_at = time(made.expires_at);
    let answer = SignInLinkAnswer { address: made.address, person, expires_at };
    Ok(NewLink(answer))
}

fn none(kind: RefusalKind, code: &str, cause: &str) -> Refusal {
    Refusal::new(kind, code, "no link was made", cause.to_owned())
}

fn failed(error: SignInError) -> ApiError {
    match error {
        SignInError::Accounts(error) => error.into(),
        SignInError::Record(error) => error.into(),
        SignInError::TooMany => {
            let cause = "twenty links of yours wait to be used; each ends by itself within minutes";
            none(RefusalKind::Conflict, "too-many", cause)
                .next("open one of them", "in a browser")
                .into()
        }
        SignInError::Machine => {
            let cause = "this machine gives no random numbers";
            let refusal = none(RefusalKind::Conflict, "no-chance", cause);
            refusal.next("towpath doctor", "what is wrong with this machine").into()
        }
    }
}
