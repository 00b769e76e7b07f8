//! `/sign-in/oidc`: off to the provider, and back from there. Says the same to everybody whom it does not let in,
//! whatever the cause; the cause is in the log.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::html;

use super::{At, frame};
use crate::signin::provider::{CameBack, Failed, Outcome, Provider, Wish};
use crate::signin::{SignIn, chance, cookie, returning};

/// Off to the provider. Nothing is changed by it but a line that is over in ten minutes.
pub(super) async fn go(
    State(sign_in): State<SignIn>,
    at: At,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let Some(provider) = sign_in.provider().cloned() else { return frame::nothing_there() };
    let query = query.unwrap_or_default();
    let one = |wanted: &str| {
        let mut all = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == wanted);
        all.next().map(|(_, value)| value.into_owned())
    };
    let to = one("to").unwrap_or_default();
    let wish = if one("for").as_deref() == Some("second") { Wish::Second } else { Wish::SignIn };
    // A browser that signs in at two places at once has one secret for both.
    let known =
        cookie::read_browser(&headers, at.secure).filter(|it| chance::kept("x", it).is_some());
    let browser = match known.map_or_else(chance::secret, |known| Ok(known.to_owned())) {
        Ok(browser) => browser,
        Err(error) => return frame::unavailable(&error),
    };
    let way = sign_in.way_there(&provider, &browser, &to, at.visit.as_ref(), wish);
    let way = counted(&sign_in, &at, way).await.map(|way| {
        let mut answer = Redirect::to(way.as_str()).into_response();
        answer.headers_mut().append(header::SET_COOKIE, cookie::set_browser(&browser, at.secure));
        answer
    });
    answered(&sign_in, &provider, &at, way).await
}

/// A way there or back, once it is counted who begins how many of them.
async fn counted<T>(
    sign_in: &SignIn,
    at: &At,
    way: impl Future<Output = Result<T, Failed>>,
) -> Result<T, Failed> {
    sign_in.count_way(&at.place).await.map_err(Failed::Here)?;
    way.await
}

/// The answer, or what people read where nobody was signed in.
async fn answered(
    sign_in: &SignIn,
    provider: &Provider,
    at: &At,
    answer: Result<Response, Failed>,
) -> Response {
    match answer {
        Ok(answer) => answer,
        Err(failed) => shown(sign_in, provider, at, failed).await,
    }
}

/// Back from the provider.
pub(super) async fn back(
    State(sign_in): State<SignIn>,
    at: At,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let Some(provider) = sign_in.provider().cloned() else { return frame::nothing_there() };
    let browser = cookie::read_browser(&headers, at.secure);
    let query = query.unwrap_or_default();
    let came = sign_in.came_back(&provider, &query, browser, at.visit.as_ref());
    let entered = match counted(&sign_in, &at, came).await {
        Ok(came) => entered(&sign_in, &at, came).await,
        Err(failed) => Err(failed),
    };
    answered(&sign_in, &provider, &at, entered).await
}

async fn entered(sign_in: &SignIn, at: &At, came: CameBack) -> Result<Response, Failed> {
    let to = returning::within(Some(&came.to));
    let secret = match (came.outcome, &at.visit) {
        (Outcome::SignedIn(proof), before) => {
            Some(sign_in.begin(proof, before.as_ref(), &at.place).await?)
        }
        (Outcome::Strengthened, Some(visit)) => {
            sign_in.strengthen(visit, "oidc", &at.place).await?
        }
        (Outcome::Strengthened, None) => None,
    };
    let Some(secret) = secret else { return Ok(frame::to_sign_in(to)) };
    let mut answer = frame::on_with(to, &secret, at.secure);
    let forgotten: HeaderValue = cookie::clear_browser(at.secure);
    answer.headers_mut().append(header::SET_COOKIE, forgotten);
    Ok(answer)
}

/// What people read where nobody was signed in.
async fn shown(sign_in: &SignIn, provider: &Provider, at: &At, failed: Failed) -> Response {
    let name = provider.name();
    tracing::warn!(provider = name, error = %failed, place = %at.place, "nobody was signed in by the provider");
    let (status, sentence) = match failed {
        Failed::Here(error) => return error.into_response(),
        Failed::There(_) => (
            StatusCode::BAD_GATEWAY,
            format!("{name} does not answer as it should now. A password or a link still signs you in."),
        ),
        Failed::NotBegun => (
            StatusCode::FORBIDDEN,
            "This was not begun in this browser, took longer than ten minutes, or came back already. \
             Begin again."
                .to_owned(),
        ),
        Failed::Refused(_) => (StatusCode::FORBIDDEN, format!("{name} let nobody in.")),
        Failed::Untrue(_) | Failed::Nobody => {
            (StatusCode::FORBIDDEN, format!("Nobody who may sign in here is the one whom {name} names."))
        }
        Failed::NoSecond => (
            StatusCode::FORBIDDEN,
            format!("{name} does not say that you showed a second factor now."),
        ),
    };
    if status == StatusCode::FORBIDDEN {
        sign_in.refused(None, &at.place).await;
    }
    let body = html! {
        p role="alert" { (sentence) }
        p { a href="/sign-in" { "Sign in" } }
    };
    frame::page(status, "That did not work", &body)
}

/// The way to the provider on a page of ours; nothing where there is none.
pub(super) fn way(sign_in: &SignIn, to: &str, wish: Wish) -> maud::Markup {
    let Some(provider) = sign_in.provider() else { return html! {} };
    let words = match wish {
        Wish::SignIn => format!("Sign in with {}", provider.name()),
        Wish::Second => format!("Show it at {}", provider.name()),
    };
    let place = match wish {
        Wish::SignIn => "/sign-in/oidc".to_owned(),
        Wish::Second => "/sign-in/oidc?for=second".to_owned(),
    };
    let to = returning::within(Some(to));
    let joint = if place.contains('?') { '&' } else { '?' };
    let to = form_urlencoded::Serializer::new(String::new()).append_pair("to", to).finish();
    html! { p { a.btn.main href={ (place) (joint) (to) } { (words) } } }
}
