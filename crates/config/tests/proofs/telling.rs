//! Channels whose settings mean something together, where any combination of them does not. Knows what
//! each kind of notifier asks for beyond its schema.

use serde_json::{Value, json};

/// The notifiers of a matrix, so changed that each can be sent to.
pub(crate) fn notifiers(mut value: Value) -> Value {
    for (_, channel) in value.as_object_mut().into_iter().flatten() {
        match channel["kind"].as_str() {
            Some("smtp") => mail(channel),
            Some("webhook") => address(channel),
            Some("command") => in_time(channel),
            _ => {}
        }
    }
    value
}

fn mail(channel: &mut Value) {
    let alone = channel["security"] == "none";
    channel["server"] = json!(if alone { "localhost:25" } else { "smtp.example.org:587" });
    channel["from"] = json!("Towpath <towpath@example.org>");
    if channel["to"].as_array().is_none_or(|list| !list.is_empty()) {
        channel["to"] = json!(["team@example.org"]);
    }
    if channel.get("user").is_some() {
        channel["password_secret"] = json!("API_KEY");
    } else if channel.get("password_secret").is_some() {
        channel["user"] = json!("towpath");
    }
}

fn address(channel: &mut Value) {
    // A second key is beside a first one.
    if channel.get("second_signing_secret").is_some() {
        channel["signing_secret"] = json!("API_KEY");
    }
    if channel.get("url").is_none() {
        channel["url_secret"] = json!("API_KEY");
    } else if let Some(channel) = channel.as_object_mut() {
        channel.remove("url_secret");
    }
}

/// A program that sends a notice ends before the notice is tried anew.
fn in_time(channel: &mut Value) {
    if channel.get("timeout").is_some() {
        channel["timeout"] = json!("90s");
    }
}
