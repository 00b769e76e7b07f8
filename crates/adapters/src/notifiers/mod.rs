//! What tells people. Owns the list of notifier kinds and what all of them share about texts of others;
//! no notifier decides who hears what.

mod command;
mod folder;
mod planned;
mod smtp;
mod webhook;

use jiff::Timestamp;
use serde_json::{Value, json};
use towpath_core::matrix::AdapterSpec;
use towpath_core::notices::Notice;
use towpath_ports::Kind;
use towpath_ports::notifier::{Delivery, Notifier};
use towpath_ports::secret::Masker;

use crate::printable::escaped;

/// All kinds, in the order in which they are listed to people.
pub const KINDS: &[Kind<dyn Notifier>] = &[
    smtp::KIND,
    webhook::KIND,
    command::KIND,
    folder::KIND,
    planned::PAGERDUTY,
    planned::PHONE,
    planned::SNS,
    planned::STATUS_PAGE,
];

/// What a kind can that writes to whomever its setting `to` names.
const ADDRESSED: &str = "addressed";

/// The channel `spec` as it writes to `address` alone; none where its kind writes to no address. What the address
/// is has to be checked by whoever named it in the matrix: one that is none is refused when it is used.
pub fn addressed(spec: &AdapterSpec, address: &str) -> Option<AdapterSpec> {
    let entry = KINDS.iter().find(|kind| kind.entry.name == spec.kind)?.entry;
    let is_able = entry.capabilities.contains(&ADDRESSED);
    let mut settings = spec.settings.clone();
    settings.as_object_mut().filter(|_| is_able)?.insert("to".to_owned(), json!([address]));
    Some(AdapterSpec { kind: spec.kind.clone(), settings })
}

/// The version of [`object`]; grows only when a name changes its meaning.
const FORMAT: u32 = 1;

/// How much of what a channel says is repeated, in characters.
const REPEATED: usize = 300;

/// A notice as programs get it: names as in the API, times in RFC 3339, unknown is null.
fn object(notice: &Notice) -> Value {
    let at = Timestamp::from_microsecond(notice.at.0).unwrap_or(Timestamp::MAX);
    let rows: serde_json::Map<String, Value> =
        notice.rows.iter().map(|(label, value)| (label.clone(), value.clone().into())).collect();
    json!({
        "format": FORMAT,
        "id": notice.id,
        "channel": notice.channel,
        "occasion": notice.occasion.key(),
        "at": at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "project": notice.project,
        "rehearsal": notice.rehearsal,
        "service": notice.lane.as_ref().map(|lane| lane.service.as_str()),
        "environment": notice.lane.as_ref().map(|lane| lane.environment.as_str()),
        "tier": notice.tier.map(towpath_core::matrix::Tier::as_str),
        "promotion": notice.promotion.map(|number| number.0),
        "release": notice.release.as_ref().map(towpath_core::ids::Version::as_str),
        "subject": notice.subject,
        "details": rows,
        "text": notice.text(),
        "summary": notice.summary,
        "next": notice.next,
    })
}

/// What a channel said, as far as it may be repeated: on one line, without secrets, and not at length.
/// Secrets go before anything is cut, so that no half of one stays.
fn said(delivery: &Delivery<'_>, bytes: &[u8]) -> String {
    let masked = Masker::new(delivery.secrets.values()).mask(&String::from_utf8_lossy(bytes));
    let text = escaped(masked.trim().as_bytes());
    match text.char_indices().nth(REPEATED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Notices for the tests of all notifiers.
#[cfg(test)]
mod testing {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use serde_json::Value;
    use towpath_core::ids::{LaneId, Name, PromotionNumber, Version};
    use towpath_core::matrix::Tier;
    use towpath_core::notices::{Notice, Occasion};
    use towpath_core::reason::Next;
    use towpath_core::units::Timestamp;
    use towpath_ports::notifier::{Delivery, Failure, Notifier, Taken};
    use towpath_ports::secret::Secret;
    use towpath_ports::settings;

    pub(super) fn notice() -> Notice {
        let name = |text: &str| Name::new(text).unwrap();
        Notice {
            id: "6635b5a8dc000-3-17-0".to_owned(),
            channel: "slack".to_owned(),
            occasion: Occasion::RolledBack,
            at: Timestamp(1_798_761_600_000_000),
            project: name("soundbite"),
            rehearsal: None,
            lane: Some(LaneId { service: name("api"), environment: name("production") }),
            tier: Some(Tier::Production),
            promotion: Some(PromotionNumber(17)),
            release: Some(Version::new("1.4.0").unwrap()),
            serves: Some(Version::new("1.3.2").unwrap()),
            served: Some(Version::new("1.4.0").unwrap()),
            subject: "[soundbite] production went back to 1.3.2: 1.4.0 was taken out".to_owned(),
            rows: vec![
                ("what".to_owned(), "1.4.0 of api into production (promotion 17)".to_owned()),
                ("why".to_owned(), "<!channel> *now* & @everyone \"quoted\"".to_owned()),
            ],
            next: vec![Next::new("towpath logs 17", "what it wrote")],
            summary: Some("harmed 3, rescued 12\n".to_owned()),
        }
    }

    /// The notifier that `settings` describe, in a folder.
    pub(super) fn build(
        kind: &str,
        given: &Value,
        root: &std::path::Path,
    ) -> Result<Arc<dyn Notifier>, Vec<String>> {
        let known = super::KINDS.iter().find(|own| own.entry.name == kind).unwrap();
        let paths = |problems: Vec<settings::Problem>| {
            problems.into_iter().map(|problem| problem.path).collect::<Vec<_>>()
        };
        let checked = settings::check(&known.entry, given).map_err(paths)?;
        let site = crate::question::testing::site(root, 1);
        Ok(crate::build(super::KINDS, kind, &checked, &site).unwrap())
    }

    pub(super) async fn deliver(
        notifier: &dyn Notifier,
        secrets: &[(&str, &str)],
    ) -> Result<Taken, Failure> {
        let secrets: BTreeMap<String, Secret> = secrets
            .iter()
            .map(|(field, value)| ((*field).to_owned(), Secret::new((*value).to_owned()).unwrap()))
            .collect();
        notifier.deliver(&Delivery { notice: &notice(), secrets: &secrets }).await
    }
}
