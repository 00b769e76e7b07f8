//! Tokens: making one, looking at all of them, ending one. The only place that ever has a secret, for
//! the time of one answer; keeps none.

use aws_lc_rs::rand;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Deserialize;
use towpath_core::ids::{Name, TokenId};
use towpath_core::journal::Event;
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_core::tokens::{Bounds, Revoked, Wanted, hash_of, written};
use towpath_core::units::Span;
use towpath_engine::views::{TokenView, time};
use towpath_engine::{NewToken, Order};

use crate::api::accepted;
use crate::asked::{Body, Path};
use crate::caller::{Caller, Exchanged};
use crate::error::{Answer, ApiError};
use crate::openapi::{Gives, Operation};
use crate::paging::{Listed, Paged, Place};
use crate::requests::{AcceptedView, RevokeRequest, TokenAnswer, TokenRequest};
use crate::routes::App;

/// Which tokens.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// Only those of this owner.
    owner: Option<String>,
    /// Only those that open something now, or nothing any more.
    in_force: Option<bool>,
}

pub(crate) async fn list(
    State(app): State<App>,
    Paged { wanted, part }: Paged<Asked>,
) -> Answer<Listed<Vec<TokenView>>> {
    let mut all = app.engine.tokens();
    all.retain(|one| wanted.owner.as_ref().is_none_or(|own| *own == one.owner));
    all.retain(|one| wanted.in_force.is_none_or(|own| own == one.in_force));
    part.of_all(all, |one| Place { at: one.created_at.clone(), id: one.id.clone() })
}

/// A token with its secret, which nothing on the way may keep.
pub(crate) struct NewSecret(pub(crate) TokenAnswer);

impl IntoResponse for NewSecret {
    fn into_response(self) -> Response {
        let unkept = [(header::CACHE_CONTROL, "no-store")];
        (StatusCode::CREATED, unkept, Json(self.0)).into_response()
    }
}

impl Gives for NewSecret {
    fn gives(operation: &mut Operation) {
        operation.answers::<TokenAnswer>(StatusCode::CREATED);
    }
}

/// Not safe to repeat: the second of the same name is refused.
pub(crate) async fn create(
    State(app): State<App>,
    Caller(by): Caller,
    Body(request): Body<TokenRequest>,
) -> Answer<NewSecret> {
    let TokenRequest { name, may, environments, lasts, program } = request;
    let bounds = Bounds { verbs: may, environments };
    made(&app, name, bounds, lasts, |wanted| NewToken::new(wanted, program, by)).await
}

/// For a program that another issuer vouches for, and for nobody else. Not safe to repeat: what is exchanged counts
/// once.
pub(crate) async fn exchange(
    State(app): State<App>,
    Exchanged(vouched): Exchanged,
    Caller(by): Caller,
) -> Answer<NewSecret> {
    let Some(vouched) = vouched else { return Err(not_vouched().into()) };
    let mut chance = [0; 8];
    rand::fill(&mut chance).map_err(|_| no_chance())?;
    let number = u64::from_be_bytes(chance);
    let name = Name::new(&format!("exchanged-{number:016x}")).map_err(|_| no_chance())?;
    let (bounds, lasts) = (vouched.bounds, Some(vouched.lasts));
    let making = made(&app, name, bounds, lasts, |wanted| NewToken::new(wanted, None, by));
    towpath_engine::coming_from(vouched.by, making).await
}

fn not_vouched() -> Refusal {
    let message = "nothing was exchanged: the request brings no token of another issuer";
    let cause = "it is for builds, which bring the token that their runner signed for them";
    let refusal = Refusal::new(RefusalKind::NotAllowed, "not-vouched", message, cause);
    refusal.next("towpath token create NAME", "makes one, for whoever is known already")
}

async fn made(
    app: &App,
    name: Name,
    bounds: Bounds,
    lasts: Option<Span>,
    new: impl FnOnce(Wanted) -> NewToken,
) -> Answer<NewSecret> {
    let mut chance = [0; 32];
    rand::fill(&mut chance).map_err(|_| no_chance())?;
    let secret = written(&chance);
    let hash = hash_of(&app.engine.setup().project, &secret).ok_or_else(no_chance)?;
    let new = new(Wanted { name, hash, bounds, lasts });
    let done = app.engine.order_project(Order::CreateToken(Box::new(new))).await?;
    let created = done.events.into_iter().find_map(|event| match event {
        Event::TokenCreated(token) => Some(*token),
        _ => None,
    });
    let token = created.ok_or_else(no_chance)?;
    let answer = TokenAnswer {
        token: secret,
        id: token.id,
        name: token.name,
        owner: token.owner,
        expires_at: time(token.expires_at),
    };
    Ok(NewSecret(answer))
}

fn no_chance() -> ApiError {
    let message = "no token was created";
    let cause = "this machine gives no random numbers";
    let refusal = Refusal::new(RefusalKind::Conflict, "no-chance", message, cause);
    refusal.next("towpath doctor", "what is wrong with this machine").into()
}

/// Safe to repeat: a second time it has ended already.
pub(crate) async fn revoke(
    State(app): State<App>,
    Caller(by): Caller,
    Path(id): Path<String>,
    Body(request): Body<RevokeRequest>,
) -> Answer<Json<AcceptedView>> {
    let id = TokenId::new(&id)
        .map_err(|_| ApiError::not_found("there is no such token", "towpath token list"))?;
    let order = Order::RevokeToken(Revoked { id, by, reason: request.reason });
    Ok(Json(accepted(app.engine.order_project(order).await?)))
}
