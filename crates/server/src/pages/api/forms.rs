//! How a schema of the API is shown: its fields, and the forms of these. Reads the schemas that the program writes
//! about its own types, and no others.

use maud::{Markup, html};
use serde_json::Value;

use super::{inline, text};
use crate::openapi::DOCUMENT;
use crate::pages::frame::Look;

/// What stands before the name of a form.
const FORMS: &str = "#/components/schemas/";

/// A schema with its fields; what is none of its own is followed once.
pub(super) fn fields(look: &Look, schema: &'static Value) -> Markup {
    let (name, schema) = match name(schema) {
        Some(name) => (Some(name), &DOCUMENT["components"]["schemas"][name]),
        None => (None, schema),
    };
    let choices = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array());
    html! {
        @if let Some(name) = name { p.q { (link(look, name)) } }
        @if schema["properties"].is_object() { (table(look, schema)) }
        @else if let Some(choices) = choices {
            ul.choices { @for choice in choices { li { (one_of(look, choice)) } } }
        } @else { p { (kind(look, schema)) } }
    }
}

/// One of several forms of the same.
fn one_of(look: &Look, choice: &'static Value) -> Markup {
    html! {
        @if choice["properties"].is_object() {
            @if choice["description"].is_string() { p.q { (inline(text(choice, "description"))) } }
            (table(look, choice))
        } @else { (kind(look, choice)) " " span.q { (inline(text(choice, "description"))) } }
    }
}

fn table(look: &Look, schema: &'static Value) -> Markup {
    let required = schema["required"].as_array();
    let is_required = |name: &str| required.is_some_and(|all| all.iter().any(|one| one == name));
    html! {
        table.tab.cards {
            thead { tr { th scope="col" { "Field" } th scope="col" { "Form" } th scope="col" { "What" } } }
            tbody {
                @for (name, field) in schema["properties"].as_object().into_iter().flatten() {
                    tr {
                        th scope="row" {
                            span.mono { (name) }
                            @if !is_required(name) { span.q.xs { " may be left out" } }
                        }
                        td { (kind(look, field)) }
                        td { (inline(text(field, "description"))) }
                    }
                }
            }
        }
    }
}

fn name(schema: &'static Value) -> Option<&'static str> {
    schema["$ref"].as_str()?.strip_prefix(FORMS)
}

fn link(look: &Look, name: &str) -> Markup {
    html! { a href=(look.to(&format!("/api/types/{name}"))) { (name) } }
}

/// Of what form a value is, in a few words.
pub(super) fn kind(look: &Look, schema: &'static Value) -> Markup {
    if let Some(name) = name(schema) {
        return link(look, name);
    }
    if let Some(value) = schema.get("const") {
        return html! { code { (value) } };
    }
    if let Some(values) = schema["enum"].as_array() {
        return html! { @for (at, value) in values.iter().enumerate() { @if at > 0 { ", " } code { (value) } } };
    }
    let several = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array());
    if let Some(several) = several {
        return html! { @for (at, one) in several.iter().enumerate() { @if at > 0 { " or " } (kind(look, one)) } };
    }
    match &schema["type"] {
        Value::Array(kinds) => {
            html! { @for (at, one) in kinds.iter().enumerate() { @if at > 0 { " or " } (plain(look, schema, one)) } }
        }
        one => plain(look, schema, one),
    }
}

fn plain(look: &Look, schema: &'static Value, kind_of: &Value) -> Markup {
    let word = kind_of.as_str().unwrap_or("anything");
    html! {
        @match word {
            "array" if schema["items"].is_object() => { "list of " (kind(look, &schema["items"])) },
            "object" if schema["additionalProperties"].is_object() => {
                "object of " (kind(look, &schema["additionalProperties"]))
            },
            "array" => "list",
            "string" => "text",
            word => (word),
        }
        @if word == "integer" || word == "number" { (limits(schema)) }
    }
}

fn limits(schema: &Value) -> Markup {
    html! {
        @if let Some(least) = schema.get("minimum") { " from " (least) }
        @if let Some(most) = schema.get("maximum") { " to " (most) }
    }
}
