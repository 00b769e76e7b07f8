//! The API for whoever wants to use it: every operation, every form, and how each is asked. Made from the document
//! that the API describes itself by, and says nothing else.

mod example;
mod forms;

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use crate::error::ApiError;
use crate::openapi::DOCUMENT;
use crate::pages::frame::{Look, Page, Place, Shown};
use crate::pages::marks::icon;

/// Operations as people look for them: a heading, and the first words of their paths.
const GROUPS: [(&str, &[&str]); 8] = [
    ("Where things stand", &["status", "waiting", "you"]),
    ("Lanes", &["lanes"]),
    ("Promotions", &["promotions"]),
    ("Releases and their bytes", &["releases", "uploads"]),
    ("Freezes and evidence", &["freezes", "evidence"]),
    ("The matrix", &["matrix"]),
    ("What happens, and what happened", &["events", "stream", "refused", "audit", "notices"]),
    ("Tokens, and the program", &[]),
];

/// One operation of the document.
struct Operation {
    method: String,
    path: &'static str,
    told: &'static Value,
}

impl Operation {
    fn all() -> impl Iterator<Item = Self> {
        let paths = DOCUMENT["paths"].as_object().into_iter().flatten();
        paths.flat_map(|(path, methods)| {
            let methods = methods.as_object().into_iter().flatten();
            methods.map(|(method, told)| Self { method: method.to_uppercase(), path, told })
        })
    }

    fn text(&self, key: &str) -> &'static str {
        text(self.told, key)
    }

    fn id(&self) -> &'static str {
        self.text("operationId")
    }

    /// What it is about.
    fn tag(&self) -> &'static str {
        self.told["tags"][0].as_str().unwrap_or_default()
    }

    fn parameters(&self, place: &'static str) -> impl Iterator<Item = &'static Value> {
        let all = self.told["parameters"].as_array().into_iter().flatten();
        all.filter(move |one| one["in"] == place)
    }
}

fn text(value: &'static Value, key: &str) -> &'static str {
    value[key].as_str().unwrap_or_default()
}

/// All operations.
pub(super) async fn list(look: Look) -> Response {
    look.show(Ok(index(&look)))
}

/// One operation.
pub(super) async fn show(look: Look, Path(id): Path<String>) -> Response {
    let found = Operation::all().find(|one| one.id() == id);
    let shown = found.map(|found| operation(&look, &found)).ok_or_else(none);
    look.show(shown)
}

/// One form of what is sent or answered.
pub(super) async fn form(look: Look, Path(name): Path<String>) -> Response {
    look.show(of_form(&look, &name))
}

fn none() -> ApiError {
    ApiError::not_found("the API has nothing of that name", "towpath api")
}

/// Where the API of this project is, below the server's own address.
fn mount(look: &Look) -> String {
    format!("/v1/projects/{}", look.engine.setup().project)
}

fn index(look: &Look) -> Page {
    let content = html! {
        div.head { h1 { "API" } }
        p.lead { "Whatever these pages and the command line do, a program can do by these addresses. It brings a token, and may what "
            "the token says." }
        div.plain2 {
            section.sec {
                h2 { "Ask" }
                code.cmd { (example::first(&mount(look))) }
            }
            section.sec {
                h2 { "Take it along" }
                p.q { "The whole description (OpenAPI 3.1), for generators of clients; open to everybody:" }
                code.cmd { (example::document()) }
            }
        }
        @for (heading, tags) in GROUPS {
            section.sec {
                h2 { (heading) }
                table.tab.cards.api {
                    thead { tr { th scope="col" { "Asks" } th scope="col" { "Address" } th scope="col" { "What" } th scope="col" { "Who may" } } }
                    tbody { @for one in Operation::all().filter(|one| is_in(one, tags)) { (row(look, &one)) } }
                }
            }
        }
        section.sec { h2 { "What holds for all of them" } div.prose { (paragraphs(text(&DOCUMENT["info"], "description"))) } }
    };
    Page { place: Place::Api, title: "API".to_owned(), content }
}

/// Whether an operation belongs to a group; what belongs to none stands in the last one.
fn is_in(one: &Operation, tags: &[&str]) -> bool {
    let is_named = |tags: &[&str]| tags.contains(&one.tag());
    is_named(tags) || (tags.is_empty() && !GROUPS.iter().any(|(_, tags)| is_named(tags)))
}

fn row(look: &Look, one: &Operation) -> Markup {
    html! {
        tr {
            td.mono { (one.method) }
            th.mono scope="row" { a href=(look.to(&format!("/api/{}", one.id()))) { (broken(one.path)) } }
            td { (one.text("summary")) }
            td.q { (one.text("x-towpath-rule")) }
        }
    }
}

/// A path that may be broken before each slash.
fn broken(path: &str) -> Markup {
    html! { @for part in path.split('/').skip(1) { wbr; "/" (part) } }
}

fn crumb(look: &Look) -> Markup {
    html! { p.crumb { a href=(look.to("/api")) { "API" } } }
}

fn operation(look: &Look, one: &Operation) -> Page {
    let body = &one.told["requestBody"]["content"];
    let schema = &body["application/json"]["schema"];
    let content = html! {
        (crumb(look))
        div.head { h1 { (one.text("summary")) } }
        p.lead { code { (one.method) " " (broken(one.path)) } " " (inline(one.text("description"))) }
        section.sec { h2 { "Ask" } code.cmd { (example::of(one, &mount(look))) } }
        (parameters(look, one))
        @if schema.is_object() {
            section.sec { h2 { "What is sent" } (forms::fields(look, schema)) }
        } @else if body.is_object() {
            section.sec { h2 { "What is sent" } p.q { "Bytes, as they are." } }
        }
        (answers(look, one))
    };
    Page { place: Place::Api, title: format!("{} · API", one.text("summary")), content }
}

fn parameters(look: &Look, one: &Operation) -> Markup {
    let all: Vec<&Value> =
        ["path", "query", "header"].iter().flat_map(|place| one.parameters(place)).collect();
    html! {
        @if !all.is_empty() {
            section.sec {
                h2 { "Parameters" }
                table.tab.cards {
                    thead { tr { th scope="col" { "Name" } th scope="col" { "Where" } th scope="col" { "Form" } th scope="col" { "What" } } }
                    tbody {
                        @for parameter in all {
                            tr {
                                th.mono scope="row" { (text(parameter, "name")) }
                                td.q { (text(parameter, "in")) @if parameter["required"] == true { ", required" } }
                                td { (forms::kind(look, &parameter["schema"])) }
                                td { (inline(text(parameter, "description"))) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn answers(look: &Look, one: &Operation) -> Markup {
    let all = one.told["responses"].as_object().into_iter().flatten();
    html! {
        section.sec {
            h2 { "Answers" }
            table.tab.cards {
                thead { tr { th scope="col" { "Status" } th scope="col" { "When" } th scope="col" { "What" } } }
                tbody {
                    @for (status, answer) in all {
                        @let (answer, is_problem) = resolved(answer);
                        tr {
                            th.mono scope="row" {
                                @if is_problem && !status.starts_with('2') { (icon("warn")) " " }
                                (status)
                            }
                            td { (inline(text(answer, "description"))) }
                            td {
                                @for (media, content) in answer["content"].as_object().into_iter().flatten() {
                                    div { (forms::kind(look, &content["schema"])) " " span.q.xs { (media) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// An answer itself, and whether it is one of those that all operations share.
fn resolved(answer: &'static Value) -> (&'static Value, bool) {
    let reference = answer["$ref"].as_str().and_then(|it| it.strip_prefix('#'));
    let found = reference.and_then(|pointer| DOCUMENT.pointer(pointer));
    (found.unwrap_or(answer), found.is_some())
}

fn of_form(look: &Look, name: &str) -> Shown {
    let all = DOCUMENT["components"]["schemas"].as_object();
    let (name, schema) = all.and_then(|all| all.get_key_value(name)).ok_or_else(none)?;
    let content = html! {
        (crumb(look))
        div.head { h1 { (name) } }
        p.lead { (inline(text(schema, "description"))) }
        (forms::fields(look, schema))
    };
    Ok(Page { place: Place::Api, title: format!("{name} · API"), content })
}

/// Paragraphs with strong words and code, as the document writes them.
fn paragraphs(said: &str) -> Markup {
    html! { @for paragraph in said.split("\n\n") { p { (inline(paragraph)) } } }
}

/// A line with `**strong**` words and code between backticks; nothing else is marked in the document.
fn inline(said: &str) -> Markup {
    html! {
        @for (at, piece) in said.split('`').enumerate() {
            @if at % 2 == 1 { code { (piece) } } @else {
                @for (at, piece) in piece.split("**").enumerate() {
                    @if at % 2 == 1 { strong { (piece) } } @else { (piece) }
                }
            }
        }
    }
}
