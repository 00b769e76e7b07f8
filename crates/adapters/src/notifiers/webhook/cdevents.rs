//! A notice as a `CDEvent` (cdevents.dev, specification 0.5.0), in the envelope of `CloudEvents`. Owns which of its types
//! an occasion is; what none of them says is an event of our own, in the namespace that the specification has for that.

use std::fmt::Write as _;

use serde_json::{Value, json};
use towpath_core::ids::{LaneId, Version};
use towpath_core::notices::{Notice, Occasion};

/// Which edition of the specification events keep to.
const SPECIFICATION: &str = "0.5.0";
/// The version of the types of that edition that are used here.
const TYPES: &str = "0.3.0";
/// The version of our own types; grows when a name in their content changes its meaning.
const OWN: &str = "0.1.0";

/// What an event is about.
struct About {
    kind: String,
    subject: String,
    content: Value,
}

/// The event; `data` is the notice as programs get it otherwise, and is carried along whole.
pub(super) fn event(notice: &Notice, data: &Value) -> Value {
    let About { kind, subject, content } = about(notice);
    let (source, time) = (source(notice), data["at"].clone());
    let event = json!({
        "context": {
            "specversion": SPECIFICATION,
            "id": notice.id,
            "source": source,
            "type": kind,
            "timestamp": time,
        },
        "subject": { "id": subject, "source": source, "content": content },
        "customData": data,
        "customDataContentType": "application/json",
    });
    // As the binding of CDEvents has it: all of the event is the data, and its context is repeated outside.
    json!({
        "specversion": "1.0",
        "id": notice.id,
        "source": source,
        "type": kind,
        "subject": subject,
        "time": time,
        "datacontenttype": "application/cdevents+json",
        "data": event,
    })
}

/// Whoever tells: the installation knows no address of its own, so that it is a path, as in `cloudevents`.
fn source(notice: &Notice) -> String {
    format!("/towpath/{}", notice.project)
}

fn about(notice: &Notice) -> About {
    let lane = notice.lane.as_ref();
    let changed = lane.zip(notice.serves.as_ref());
    let found = match (notice.occasion, changed) {
        (Occasion::Succeeded, Some((lane, serves))) => {
            let what = if notice.served.is_none() { "deployed" } else { "upgraded" };
            Some(service(notice, what, lane, serves))
        }
        (Occasion::RolledBack, Some((lane, serves))) => {
            Some(service(notice, "rolledback", lane, serves))
        }
        // Runs of tasks are none: one notice is one event, and whoever counts runs would see those that succeed begin and
        // never end.
        _ => None,
    };
    found.unwrap_or_else(|| own(notice))
}

/// Another version of a service serves.
fn service(notice: &Notice, what: &str, lane: &LaneId, serves: &Version) -> About {
    let content = json!({
        "environment": { "id": lane.environment.as_str(), "source": source(notice) },
        "artifactId": purl(notice, lane, serves),
    });
    let kind = format!("dev.cdevents.service.{what}.{TYPES}");
    About { kind, subject: lane.service.to_string(), content }
}

/// A release as a package URL (github.com/package-url): the names of a matrix need no escapes, versions do.
fn purl(notice: &Notice, lane: &LaneId, version: &Version) -> String {
    let mut escaped = String::new();
    for byte in version.as_str().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' => {
                escaped.push(char::from(byte));
            }
            other => {
                let _ = write!(escaped, "%{other:02X}");
            }
        }
    }
    format!("pkg:generic/{}/{}@{escaped}", notice.project, lane.service)
}

/// What the specification has no type for.
fn own(notice: &Notice) -> About {
    let (about, subject) = match notice.promotion {
        Some(number) => ("promotion", number.to_string()),
        None if notice.occasion == Occasion::Test => ("channel", notice.channel.clone()),
        None => ("project", notice.project.to_string()),
    };
    // A predicate consists of letters.
    let word = notice.occasion.key().replace('_', "");
    let kind = format!("dev.cdeventsx.towpath-{about}.{word}.{OWN}");
    About { kind, subject, content: json!({ "summary": notice.subject }) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::notifiers::object;
    use crate::notifiers::testing::notice;

    /// Fields of the content of the types used here, required ones first (cdevents.dev/docs/continuous-deployment and
    /// docs/core, 0.5.0). No type allows any other.
    const CONTENT: &[(&str, &[&str], &[&str])] = &[
        ("dev.cdevents.service.deployed.0.3.0", &["environment", "artifactId"], &[]),
        ("dev.cdevents.service.upgraded.0.3.0", &["environment", "artifactId"], &[]),
        ("dev.cdevents.service.rolledback.0.3.0", &["environment", "artifactId"], &[]),
    ];

    fn keys(value: &Value) -> BTreeSet<&str> {
        value.as_object().unwrap().keys().map(String::as_str).collect()
    }

    /// What the specification demands of any event, and of the content of its type.
    fn holds(envelope: &Value) {
        let event = &envelope["data"];
        let required = ["context", "subject", "customData", "customDataContentType"];
        assert_eq!(keys(event), BTreeSet::from(required), "{event}");
        let context = &event["context"];
        let required = ["specversion", "id", "source", "type", "timestamp"];
        assert_eq!(keys(context), BTreeSet::from(required), "{event}");
        assert_eq!(context["specversion"], "0.5.0");
        let texts = [&context["id"], &context["source"], &event["subject"]["id"]];
        assert!(texts.iter().all(|text| text.as_str().is_some_and(|it| !it.is_empty())));
        let time = context["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>();
        assert!(time.is_ok(), "{time:?}");
        assert_eq!(keys(&event["subject"]), BTreeSet::from(["id", "source", "content"]));
        let (kind, content) = (context["type"].as_str().unwrap(), &event["subject"]["content"]);
        if let Some(own) = kind.strip_prefix("dev.cdeventsx.towpath-") {
            let parts: Vec<&str> = own.splitn(3, '.').collect();
            let letters = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase());
            assert!(letters(parts[0]) && letters(parts[1]) && parts[2] == "0.1.0", "{kind}");
        } else {
            let known = CONTENT.iter().find(|(name, ..)| *name == kind);
            let (_, required, optional) = known.unwrap_or_else(|| panic!("no type {kind}"));
            let found = keys(content);
            assert!(required.iter().all(|key| found.contains(key)), "{event}");
            let is_known = |key: &&str| required.contains(key) || optional.contains(key);
            assert!(found.iter().all(is_known), "{event}");
        }
        // The binding: what stands outside is what stands inside.
        assert_eq!(envelope["specversion"], "1.0");
        let pairs = [("id", "id"), ("source", "source"), ("type", "type"), ("time", "timestamp")];
        for (outside, inside) in pairs {
            assert_eq!(envelope[outside], context[inside], "{outside}");
        }
        assert_eq!(envelope["subject"], event["subject"]["id"]);
    }

    fn told(occasion: Occasion, change: impl FnOnce(&mut Notice)) -> Value {
        let mut notice = Notice { occasion, serves: None, served: None, ..notice() };
        change(&mut notice);
        let data = object(&notice);
        event(&notice, &data)
    }

    #[test]
    fn every_occasion_is_an_event_as_the_specification_has_it() {
        let mut kinds = BTreeSet::new();
        for occasion in Occasion::RULED.into_iter().chain([Occasion::Before, Occasion::Test]) {
            for is_of_promotion in [true, false] {
                let envelope = told(occasion, |notice| {
                    if !is_of_promotion {
                        (notice.promotion, notice.lane, notice.release) = (None, None, None);
                    }
                });
                holds(&envelope);
                kinds.insert(envelope["type"].as_str().unwrap().to_owned());
            }
        }
        assert!(kinds.contains("dev.cdeventsx.towpath-promotion.personcalled.0.1.0"), "{kinds:?}");
        assert!(kinds.contains("dev.cdeventsx.towpath-channel.test.0.1.0"), "{kinds:?}");
        assert!(kinds.contains("dev.cdeventsx.towpath-promotion.started.0.1.0"), "{kinds:?}");
    }

    #[test]
    fn what_serves_is_a_service_with_the_version_that_serves_since_then() {
        let version = |text: &str| Some(Version::new(text).unwrap());
        for (occasion, serves, served, kind, artifact) in [
            (Occasion::Succeeded, version("1.4.0"), None, "deployed", "1.4.0"),
            (Occasion::Succeeded, version("1.4.0+b1"), version("1.3.2"), "upgraded", "1.4.0%2Bb1"),
            (Occasion::RolledBack, version("1.3.2"), version("1.4.0"), "rolledback", "1.3.2"),
        ] {
            let envelope =
                told(occasion, |notice| (notice.serves, notice.served) = (serves, served));
            holds(&envelope);
            assert_eq!(envelope["type"], format!("dev.cdevents.service.{kind}.0.3.0"));
            let subject = &envelope["data"]["subject"];
            assert_eq!(subject["id"], "api");
            assert_eq!(subject["content"]["environment"]["id"], "production");
            let purl = format!("pkg:generic/soundbite/api@{artifact}");
            assert_eq!(subject["content"]["artifactId"], purl);
        }
        let nothing_left = told(Occasion::RolledBack, |_| {});
        assert_eq!(nothing_left["type"], "dev.cdeventsx.towpath-promotion.rolledback.0.1.0");
        assert_eq!(nothing_left["data"]["customData"]["release"], "1.4.0");
    }
}
