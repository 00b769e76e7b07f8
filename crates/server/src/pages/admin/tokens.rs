//! Tokens in force, ending one, and making one for no more than one may oneself. Shows a secret once, in the answer to
//! the form that asked for it, and keeps none.

use std::collections::BTreeSet;

use axum::extract::{RawForm, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use serde::Deserialize;
use towpath_core::ids::{Name, Person, TokenId};
use towpath_core::matrix::Matrix;
use towpath_core::people::Verb;
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_core::tokens::{LONGEST, Revoked, USUAL};
use towpath_core::units::Span;
use towpath_engine::Order;
use towpath_engine::views::TokenView;

use crate::api::approvals::not_too_long;
use crate::api::tokens::{self, NewSecret};
use crate::asked::Body;
use crate::caller::Caller;
use crate::error::{Answer, ApiError};
use crate::pages::frame::{Look, Page, Place};
use crate::pages::marks::{As, icon, sentence, time};
use crate::pages::posted::{Posted, given, led_to};
use crate::requests::{TokenAnswer, TokenRequest};
use crate::routes::App;

/// Hours of a day: lives of tokens are said in days.
const DAY: u64 = 24;

pub(super) fn section(look: &Look, leads: bool) -> Markup {
    let all: Vec<TokenView> =
        look.engine.tokens().into_iter().filter(|token| token.in_force).collect();
    html! {
        section.sec id="tokens" {
            h2 { "Tokens in force" " " span.q { (all.len()) } }
            @if all.is_empty() { p.q { "None. A program that promotes, signals or looks comes with one; it reaches no further than whoever made it." } }
            @else { (table(look, &all, leads)) }
            (making(look, leads))
        }
    }
}

fn table(look: &Look, all: &[TokenView], leads: bool) -> Markup {
    let now = look.now();
    let you = look.engine.you(&look.acting).you.unwrap_or_default();
    html! {
        table.tab.cards {
            thead { tr { th scope="col" { "Token" } th scope="col" { "Acts as" } th scope="col" { "For" } th scope="col" { "Last used" } th scope="col" { "Made" } th scope="col" { "Ends by itself" } th.r scope="col" { span.vh { "What can be done" } } } }
            tbody {
                @for token in all {
                    tr id={ "token-" (token.id) } {
                        th scope="row" { (token.name) " " span.qq.mono { (token.id) } }
                        td data-k="Acts as:" { (token.owner) }
                        td data-k="For:" { (reach(token)) }
                        td data-k="Last used:" { @match &token.last_used_at { Some(at) => { (time(at, As::Age, now)) " ago" }, None => span.q { "never" } } }
                        td data-k="Made:" { (time(&token.created_at, As::Age, now)) " ago by " (token.by) @if let Some(parent) = &token.parent { span.q { ", with the token " (parent) } } }
                        td data-k="Ends:" { (time(&token.expires_at, As::Clock, now)) }
                        td.r { @if leads || token.owner == you { (ending(look, token)) } }
                    }
                }
            }
        }
    }
}

fn reach(token: &TokenView) -> Markup {
    html! {
        @if token.may.is_empty() { "looking alone" } @else { (token.may.join(", ")) }
        @if !token.environments.is_empty() { " in " (token.environments.join(", ")) }
    }
}

fn ending(look: &Look, token: &TokenView) -> Markup {
    html! {
        details.deed data-act id={ "revoke-" (token.id) } {
            summary.btn aria-label={ "Revoke " (token.name) } { "Revoke" }
            form.panel method="post" action=(look.to("/admin/revoke")) {
                input type="hidden" name="form" value=(look.visitor.form);
                input type="hidden" name="id" value=(token.id);
                p.sm { b { "It opens nothing from then on" } ", and neither do those that were made with it." }
                label.sm { "Reason, kept in the audit" input.in name="reason" maxlength="500" autocomplete="off"; }
                button.btn.main.bad { "Revoke " (token.name) }
            }
        }
    }
}

/// The form that makes one, with what whoever looks may do themselves, and no more.
fn making(look: &Look, leads: bool) -> Markup {
    let Some(matrix) = look.engine.matrix().filter(Matrix::knows_people) else {
        return html! { p.sm.q { "A token is somebody's, and the matrix names nobody: nobody can make one." } };
    };
    let person = &look.acting;
    if look.engine.you(person).you.is_none() {
        return html! { p.sm.q { "The matrix does not name you: nobody can make a token for you." } };
    }
    let places: Vec<&Name> = matrix.environments.iter().map(|one| &one.name).collect();
    let may = |verb: Verb| {
        let here = |name: &&Name| look.engine.may_in_person(person, verb, Some(*name));
        if verb.is_of_project() {
            look.engine.may_in_person(person, verb, None)
        } else {
            places.iter().any(here)
        }
    };
    let verbs: Vec<Verb> = Verb::ALL.into_iter().filter(|verb| may(*verb)).collect();
    let programs: Vec<&Person> = if leads {
        matrix.people.iter().filter(|(_, spec)| spec.bot).map(|(name, _)| name).collect()
    } else {
        Vec::new()
    };
    html! {
        details.deed.whole data-act id="new-token" {
            summary.btn { (icon("to")) "Make a token" }
            form.panel.new method="post" action=(look.to("/admin/tokens")) {
                input type="hidden" name="form" value=(look.visitor.form);
                label.sm { "What it is called" input.in name="name" required maxlength="64" autocomplete="off" placeholder="ci-deploys"; }
                label.sm { "For how many days, " (LONGEST.milliseconds() / 3_600_000 / DAY) " at the most"
                    input.in name="days" type="number" min="1" max=(LONGEST.milliseconds() / 3_600_000 / DAY) value=(USUAL.milliseconds() / 3_600_000 / DAY); }
                @if !programs.is_empty() {
                    label.sm { "Acts as"
                        select.in name="program" { option value="" { "yourself" } @for program in &programs { option value=(program) { (program) } } } }
                }
                fieldset { legend.sm { "What it may do; nothing chosen: it may look" } div.picks {
                    @for verb in &verbs { label.pick { input type="checkbox" name="may" value=(verb.key()); (verb.words()) } }
                } }
                fieldset { legend.sm { "Where; nothing chosen: everywhere" } div.picks {
                    @for place in &places { label.pick { input type="checkbox" name="environments" value=(place); (place) } }
                } }
                p.sm { "It never reaches further than you do at that moment. Its secret is shown once." }
                button.btn.main { "Make the token" }
            }
        }
    }
}

/// What the form of an end brings.
#[derive(Deserialize)]
pub(in crate::pages) struct SentRevoke {
    id: String,
    #[serde(default)]
    reason: String,
}

pub(in crate::pages) async fn revoke(posted: Posted<(), SentRevoke>) -> Response {
    let Posted { look, sent, .. } = posted;
    match revoked(&look, &sent).await {
        Ok(()) => led_to(&look, "/admin", "revoked"),
        Err(refused) => look.refuse(refused),
    }
}

async fn revoked(look: &Look, sent: &SentRevoke) -> Answer<()> {
    not_too_long("nothing was revoked", &[("reason", Some(&sent.reason))])?;
    let id = TokenId::new(&sent.id)
        .map_err(|_| ApiError::not_found("there is no such token", "towpath token list"))?;
    let (by, reason) = (look.acting.clone(), given(&sent.reason));
    look.engine.order_project(Order::RevokeToken(Revoked { id, by, reason })).await?;
    Ok(())
}

pub(in crate::pages) async fn create(
    State(app): State<App>,
    look: Look,
    RawForm(bytes): RawForm,
) -> Response {
    let request = match wanted(&bytes) {
        Ok(request) => request,
        Err(refused) => return look.refuse(refused),
    };
    let by = Caller(look.acting.clone());
    match tokens::create(State(app), by, Body(request)).await {
        Ok(NewSecret(made)) => shown_once(&look, &made),
        Err(refused) => look.refuse(refused),
    }
}

/// What the form asks for.
fn wanted(bytes: &[u8]) -> Answer<TokenRequest> {
    let wrong = |cause: &str| {
        let message = "no token was created";
        ApiError::from(Refusal::new(RefusalKind::Usage, "bad-token", message, cause.to_owned()))
    };
    let (mut name, mut days, mut program) = (None, None, None);
    let (mut may, mut environments) = (BTreeSet::new(), BTreeSet::new());
    for (key, value) in form_urlencoded::parse(bytes) {
        match &*key {
            "name" => name = Name::new(value.trim()).ok(),
            "days" => days = value.parse::<u64>().ok(),
            "program" if !value.is_empty() => {
                let named = Person::new(&value).map_err(|_| wrong("no program is called so"))?;
                program = Some(named);
            }
            "may" => {
                let verb = Verb::ALL.into_iter().find(|verb| verb.key() == &*value);
                may.insert(
                    verb.ok_or_else(|| wrong("one of what it may do is nothing that there is"))?,
                );
            }
            "environments" => {
                let place = Name::new(&value).map_err(|_| wrong("no environment is called so"))?;
                environments.insert(place);
            }
            _ => {}
        }
    }
    let name = name.ok_or_else(|| {
        wrong("its name is small letters, digits and hyphens, and begins with a letter")
    })?;
    let most = LONGEST.milliseconds() / 3_600_000 / DAY;
    let days = days.filter(|days| (1..=most).contains(days));
    let days =
        days.ok_or_else(|| wrong("it lasts a whole number of days, and no longer than may be"))?;
    Ok(TokenRequest { name, may, environments, lasts: Some(Span::hours(days * DAY)), program })
}

/// The only page that ever has a secret; nothing on the way may keep it.
fn shown_once(look: &Look, made: &TokenAnswer) -> Response {
    let content = html! {
        div.problem {
            p.crumb { a href=(look.to("/admin")) { "Admin" } " / " (made.name) }
            h1 { "The token " (made.name) " is made" }
            p { b { "Its secret is shown this once." } " Nothing here keeps it: put it where the program reads it, before you leave this page." }
            p { label.sm { "The secret" input.in.mono id="secret" readonly value=(made.token) autocomplete="off" spellcheck="false"; } }
            dl {
                dt { "Acts as" } dd { (made.owner) }
                dt { "Ends" } dd { (time(&made.expires_at, As::Clock, look.now())) }
                dt { "Used" } dd { code { "TOWPATH_TOKEN=… towpath status" } br; span.q { (sentence("or in the header `Authorization: Bearer …` of the API")) } }
            }
            p { a.btn href=(look.to("/admin")) { "I have it" } }
        }
    };
    let page = Page { place: Place::Admin, title: "A new token".to_owned(), content };
    let mut answer = look.show(Ok(page));
    *answer.status_mut() = StatusCode::CREATED;
    let unkept = [(header::REFERRER_POLICY, "no-referrer")];
    (unkept, answer).into_response()
}
