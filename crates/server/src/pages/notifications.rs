//! Channels and notices: what each channel is told of, what is on its way, what never arrived and why, what arrived last. Owns
//! the forms that try a channel and send again; who is told is decided elsewhere.

mod rules;

use axum::extract::Query;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use towpath_core::ids::Name;
use towpath_core::people::Verb;
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_engine::views::{
    ChannelView, DeadNoticeView, NoticesView, PendingNoticeView, time as written,
};
use towpath_ports::store::EventRow;

use crate::error::{Answer, ApiError};
use crate::pages::frame::{Look, Page, Place, Shown};
use crate::pages::marks::{As, counted, icon, state, time};
use crate::pages::posted::{Posted, led_to};

/// Deliveries that are listed, and looked through for the last one of each channel.
const LOOKED_AT: u32 = 200;
const LISTED: usize = 12;

/// What was just done.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Done {
    done: Option<String>,
}

pub(super) async fn show(look: Look, Query(done): Query<Done>) -> Response {
    let shown = page(&look, &done).await;
    look.show(shown)
}

async fn page(look: &Look, done: &Done) -> Shown {
    let all = look.engine.notices().await?;
    let delivered = look.engine.events_named("notice-delivered", None, LOOKED_AT).await?;
    // Whoever may report an incident may tell people.
    let tells = look.engine.may_in_person(&look.acting, Verb::Signal, None);
    let content = html! {
        (said(done.done.as_deref()))
        div.head { h1 { "Notifications" } }
        p.lead { "A notice is written with the event that it tells of, and sent beside everything else: at once, then again for a day, "
            "five seconds apart at first and an hour in the end. What becomes of it is in the journal, and changes no promotion." }
        section.sec { h2 { "Channels" } (channels(look, &all, &delivered, tells)) }
        div id="notices" data-live {
            section.sec { h2 { "Never arrived" } (dead(look, &all.dead, tells)) }
            section.sec { h2 { "On their way" } (pending(look, &all.pending)) }
            section.sec { h2 { "Arrived last" } (arrived(look, &delivered, tells)) }
        }
        section.sec { h2 { "Who is told of what" } (rules::table(look)) }
    };
    Ok(Page { place: Place::Notifications, title: "Notifications".to_owned(), content })
}

fn said(word: Option<&str>) -> Markup {
    let text = match word {
        Some("arrived") => "Arrived: the channel took the message, and that is in the journal.",
        Some("sent-once-more") => {
            "On its way once more: under its own id, so that a receiver can tell a double."
        }
        Some("sent-again") => "On its way again: under its own id, for as long as a new one.",
        _ => return Markup::default(),
    };
    html! { p.said role="status" { (icon("ok")) (text) } }
}

fn channels(look: &Look, all: &NoticesView, delivered: &[EventRow], tells: bool) -> Markup {
    html! {
        @if all.channels.is_empty() {
            p.q { "The matrix declares none: nobody is told of anything. The summary of each promotion is a file in the folder of the journal." }
            code.cmd { "notifiers:\n  team: { kind: slack, url_secret: SLACK_URL }" }
        } @else {
            table.tab.cards {
                thead { tr { th scope="col" { "Channel" } th scope="col" { "Kind" } th scope="col" { "Stands" } th scope="col" { "Secrets" } th scope="col" { "Last arrived" } th.r scope="col" { span.vh { "What can be done" } } } }
                tbody { @for one in &all.channels { (channel(look, one, last_of(&one.name, delivered), tells)) } }
            }
        }
    }
}

fn channel(look: &Look, one: &ChannelView, last: Option<&EventRow>, tells: bool) -> Markup {
    html! {
        tr id={ "channel-" (one.name) } {
            th scope="row" { (one.name) }
            td data-k="Kind:" { (one.kind) }
            td { @match &one.missing { None => (state("ok", "", "can be sent to")), Some(why) => span.st.wait.wrap { (icon("warn")) (why) } } }
            td data-k="Secrets:" { @if one.secrets.is_empty() { span.q { "none" } } @else { (one.secrets.join(", ")) } }
            td data-k="Last:" { @match last { Some(row) => { (time(&written(row.at), As::Age, look.now())) " ago" }, None => span.q { "nothing lately" } } }
            td.r {
                @if tells && one.missing.is_none() {
                    form.deed method="post" action=(look.to("/notifications/test")) {
                        input type="hidden" name="form" value=(look.visitor.form);
                        input type="hidden" name="channel" value=(one.name);
                        button.btn aria-label={ "Send a test to " (one.name) } { "Send a test" }
                    }
                }
            }
        }
    }
}

fn last_of<'a>(channel: &str, delivered: &'a [EventRow]) -> Option<&'a EventRow> {
    delivered.iter().find(|row| row.body["channel"] == channel)
}

fn about(look: &Look, promotion: Option<u64>) -> Markup {
    html! { @if let Some(number) = promotion { a href=(look.to(&format!("/promotions/{number}"))) { "promotion " (number) } } }
}

fn dead(look: &Look, all: &[DeadNoticeView], tells: bool) -> Markup {
    html! {
        @if all.is_empty() { p.q { "Nothing: whatever was to be told arrived, is on its way, or was sent again." } }
        @else {
            table.tab.cards {
                thead { tr { th scope="col" { "Notice" } th scope="col" { "Channel" } th scope="col" { "Why it did not arrive" } th scope="col" { "Given up" } th.r scope="col" { span.vh { "What can be done" } } } }
                tbody {
                    @for one in all {
                        tr {
                            th scope="row" { (one.subject) br; span.q { (one.occasion) " " (about(look, one.promotion)) } }
                            td data-k="Channel:" { (one.channel) }
                            td { span.st.harm.wrap { (icon("warn")) (one.sentence) } br; span.q { "After " (counted(one.attempts as usize, "attempt")) "." } }
                            td data-k="Given up:" { (time(&one.since, As::Age, look.now())) " ago" }
                            td.r {
                                @if tells {
                                    form.deed method="post" action=(look.to("/notifications/retry")) {
                                        input type="hidden" name="form" value=(look.visitor.form);
                                        input type="hidden" name="id" value=(one.id);
                                        button.btn aria-label={ "Send again: " (one.subject) } { "Send again" }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn pending(look: &Look, all: &[PendingNoticeView]) -> Markup {
    html! {
        @if all.is_empty() { p.q { "Nothing is on its way." } }
        @else {
            table.tab.cards {
                thead { tr { th scope="col" { "Notice" } th scope="col" { "Channel" } th scope="col" { "Tried" } th scope="col" { "What it met last" } th.r scope="col" { "Next" } } }
                tbody {
                    @for one in all {
                        tr {
                            th scope="row" { (one.subject) br; span.q { (one.occasion) " " (about(look, one.promotion)) } }
                            td data-k="Channel:" { (one.channel) }
                            td.nb data-k="Tried:" { (one.attempts) " times, for " (time(&one.since, As::Age, look.now())) }
                            td { @if let Some(said) = &one.sentence { (said) } @else { span.q { "nothing yet" } } }
                            td.r.nb data-k="Next:" { @if let Some(at) = &one.next_at { "in " (time(at, As::Left, look.now())) } @else { "now" } }
                        }
                    }
                }
            }
        }
    }
}

fn arrived(look: &Look, delivered: &[EventRow], tells: bool) -> Markup {
    let text = |row: &EventRow, key: &str| row.body[key].as_str().unwrap_or_default().to_owned();
    html! {
        @if delivered.is_empty() { p.q { "Nothing has arrived anywhere yet." } }
        @else {
            table.tab.cards {
                thead { tr { th scope="col" { "Told of" } th scope="col" { "Channel" } th scope="col" { "Attempts" } th scope="col" { "Arrived" } th.r scope="col" { span.vh { "What can be done" } } } }
                tbody {
                    @for row in delivered.iter().take(LISTED) {
                        tr {
                            th scope="row" { (text(row, "occasion").replace('_', " ")) " " (about(look, row.promotion.map(|number| number.0))) }
                            td data-k="Channel:" { (text(row, "channel")) }
                            td data-k="Attempts:" { (row.body["attempts"].as_u64().unwrap_or(1)) }
                            td data-k="Arrived:" { (time(&written(row.at), As::Age, look.now())) " ago" }
                            td.r { @if tells { (once_more(look, row)) } }
                        }
                    }
                }
            }
            p.sm { a href=(look.to("/audit?kind=notice-delivered")) { "All of them" } }
        }
    }
}

/// The form that sends once more what arrived; none where an older version kept nothing of it.
fn once_more(look: &Look, row: &EventRow) -> Markup {
    let Some(subject) = row.body["notice"]["subject"].as_str() else { return Markup::default() };
    let id = row.body["id"].as_str().unwrap_or_default();
    html! {
        form.deed method="post" action=(look.to("/notifications/replay")) {
            input type="hidden" name="form" value=(look.visitor.form);
            input type="hidden" name="id" value=(id);
            button.btn aria-label={ "Send once more: " (subject) } { "Send once more" }
        }
    }
}

/// What the form of a test brings.
#[derive(Deserialize)]
pub(super) struct SentTest {
    channel: String,
}

pub(super) async fn test(posted: Posted<(), SentTest>) -> Response {
    let Posted { look, sent, .. } = posted;
    match tested(&look, &sent).await {
        Ok(()) => led_to(&look, "/notifications", "arrived"),
        Err(refused) => look.refuse(refused),
    }
}

async fn tested(look: &Look, sent: &SentTest) -> Answer<()> {
    let none = |_| ApiError::not_found("there is no such notifier", "towpath notify list");
    let name = Name::new(&sent.channel).map_err(none)?;
    let test = look.engine.test_channel(&name, &look.acting).await?;
    if test.arrived {
        return Ok(());
    }
    let message = format!("the test did not arrive at {}", test.channel);
    let refusal = Refusal::new(RefusalKind::Conflict, "not-arrived", message, test.sentence);
    Err(refusal
        .at(format!("notifiers.{}", test.channel))
        .next(format!("towpath notify test {}", test.channel), "tries it again, after it is mended")
        .into())
}

/// What the form that sends again brings.
#[derive(Deserialize)]
pub(super) struct SentRetry {
    id: String,
}

pub(super) async fn retry(posted: Posted<(), SentRetry>) -> Response {
    let Posted { look, sent, .. } = posted;
    match look.engine.retry_notice(&sent.id, &look.acting).await {
        Ok(()) => led_to(&look, "/notifications", "sent-again"),
        Err(refused) => look.refuse(refused.into()),
    }
}

pub(super) async fn replay(posted: Posted<(), SentRetry>) -> Response {
    let Posted { look, sent, .. } = posted;
    match look.engine.replay_notice(&sent.id, &look.acting).await {
        Ok(()) => led_to(&look, "/notifications", "sent-once-more"),
        Err(refused) => look.refuse(refused.into()),
    }
}
