//! The forms in which chats and programs expect a notice. Owns them as values, never as texts with
//! holes: nothing that a person wrote can become markup, a mention or another field.

use serde_json::{Value, json};
use towpath_core::notices::{Notice, Occasion};

use super::cdevents;
use crate::notifiers::object;

/// As written after `template:`; the first is the default.
pub(super) const NAMES: &[&str] =
    &["cloudevents", "cdevents", "plain-json", "slack", "teams", "discord"];

/// Most characters of a block's text and of a header (api.slack.com/reference/block-kit/blocks).
const SLACK_TEXT: usize = 3000;
const SLACK_HEADER: usize = 150;
/// Most characters of a message (discord.com/developers/docs/resources/webhook).
const DISCORD_TEXT: usize = 2000;
/// What is kept of a text for Teams, which takes 28 KiB in all (learn.microsoft.com, incoming webhooks).
const TEAMS_TEXT: usize = 8000;

/// The type of the body and the body.
pub(super) fn body(template: &str, notice: &Notice) -> (&'static str, Value) {
    match template {
        "slack" => ("application/json", slack(notice)),
        "teams" => ("application/json", teams(notice)),
        "discord" => ("application/json", discord(notice)),
        "plain-json" => ("application/json", object(notice)),
        "cdevents" => ("application/cloudevents+json", cdevents::event(notice, &object(notice))),
        _ => ("application/cloudevents+json", cloud_event(notice)),
    }
}

/// Slack's incoming webhook: what stands in `plain_text` mentions nobody; `text`, which is shown where
/// blocks are not, is escaped as Slack asks for it.
fn slack(notice: &Notice) -> Value {
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let plain = |text: &str, most: usize| json!({ "type": "plain_text", "text": cut(text, most), "emoji": false });
    json!({
        "text": escape(&cut(&notice.subject, SLACK_TEXT)),
        "blocks": [
            { "type": "header", "text": plain(&notice.subject, SLACK_HEADER) },
            { "type": "section", "text": plain(&notice.text(), SLACK_TEXT) },
        ],
    })
}

/// An adaptive card, as the workflows of Teams take it.
fn teams(notice: &Notice) -> Value {
    let block = |text: String, title: bool| {
        json!({
            "type": "TextBlock",
            "text": without_markdown(&text),
            "wrap": true,
            "weight": if title { "Bolder" } else { "Default" },
            "fontType": if title { "Default" } else { "Monospace" },
        })
    };
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": [
                    block(notice.subject.clone(), true),
                    block(cut(&notice.text(), TEAMS_TEXT), false),
                ],
            },
        }],
    })
}

fn discord(notice: &Notice) -> Value {
    let text = format!("{}\n{}", notice.subject, notice.text());
    json!({
        "content": cut(&without_markdown(&text), DISCORD_TEXT),
        "allowed_mentions": { "parse": [] },
    })
}

/// CloudEvents 1.0 in structured form (cloudevents.io); the id is that of the notice.
fn cloud_event(notice: &Notice) -> Value {
    let data = object(notice);
    let source = match &notice.lane {
        Some(lane) => format!("/towpath/{}/{lane}", notice.project),
        None => format!("/towpath/{}", notice.project),
    };
    let about = if notice.occasion == Occasion::Test { "channel" } else { "promotion" };
    json!({
        "specversion": "1.0",
        "id": notice.id,
        "source": source,
        "type": format!("towpath.{about}.{}", notice.occasion.key()),
        "time": data["at"],
        "datacontenttype": "application/json",
        "data": data,
    })
}

/// Marks of Markdown as they are.
fn without_markdown(text: &str) -> String {
    let marks = ['\\', '*', '_', '~', '`', '[', ']', '<', '>', '|', '#', '@'];
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if marks.contains(&character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// At most so many characters.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notifiers::testing::notice;

    #[test]
    fn nothing_that_a_person_wrote_mentions_anybody_in_slack() {
        let notice = Notice { subject: "<!channel> now & <@U1>".to_owned(), ..notice() };
        let (_, body) = body("slack", &notice);
        assert_eq!(body["text"], "&lt;!channel&gt; now &amp; &lt;@U1&gt;");
        for block in body["blocks"].as_array().unwrap() {
            assert_eq!(block["text"]["type"], "plain_text");
        }
        assert!(body["blocks"][1]["text"]["text"].as_str().unwrap().contains("harmed 3"));
    }

    #[test]
    fn no_form_is_longer_than_its_chat_takes() {
        let long = "é".repeat(40_000);
        let rows = vec![("cause".to_owned(), long.clone())];
        let notice = Notice { subject: long, rows, ..notice() };
        let length = |value: &Value| value.as_str().unwrap().chars().count();
        let (_, slack) = body("slack", &notice);
        assert_eq!(length(&slack["blocks"][0]["text"]["text"]), SLACK_HEADER);
        assert_eq!(length(&slack["blocks"][1]["text"]["text"]), SLACK_TEXT);
        let (_, discord) = body("discord", &notice);
        assert_eq!(length(&discord["content"]), DISCORD_TEXT);
        assert_eq!(discord["allowed_mentions"]["parse"], json!([]));
    }

    #[test]
    fn marks_of_markdown_are_shown_as_they_are() {
        for template in ["teams", "discord"] {
            let text = body(template, &notice()).1.to_string();
            assert!(text.contains("\\\\*now\\\\*") && text.contains("\\\\<!channel"), "{text}");
        }
    }

    #[test]
    fn an_event_carries_the_notice_and_its_id() {
        let (kind, event) = body("cloudevents", &notice());
        assert_eq!(kind, "application/cloudevents+json");
        assert_eq!(event["id"], "6635b5a8dc000-3-17-0");
        assert_eq!(event["type"], "towpath.promotion.rolled_back");
        assert_eq!(event["source"], "/towpath/soundbite/api/production");
        assert_eq!(event["time"], "2027-01-01T00:00:00Z");
        assert_eq!(event["data"], body("plain-json", &notice()).1);
    }
}
