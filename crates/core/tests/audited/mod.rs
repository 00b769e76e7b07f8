//! Examples of what is kept for those who audit. Decides nothing.

use std::collections::BTreeMap;

use towpath_core::ids::{PromotionNumber, SessionId};
use towpath_core::journal::{Event, RefusedOrder, SecretsRead, SessionChange, SessionStep};
use towpath_core::matrix::AdapterSpec;
use towpath_core::reason::RefusalKind;
use towpath_core::units::Timestamp;

use crate::declared::ada;

/// An order that nobody carried out.
pub(crate) fn refused() -> Event {
    Event::OrderRefused(Box::new(RefusedOrder {
        by: ada(),
        from: Some("user 1000 on the socket".to_owned()),
        order: "pause".to_owned(),
        number: Some(PromotionNumber(7)),
        code: "not-allowed".to_owned(),
        kind: RefusalKind::NotAllowed,
        sentence: "it is slow".to_owned(),
        times: 3,
        since: Timestamp(1_800_000_000_000_000),
    }))
}

/// Somebody who signed in.
pub(crate) fn session_changed() -> Event {
    Event::SessionChanged(SessionChange {
        session: SessionId::new("0123456789ab").unwrap(),
        person: ada(),
        became: SessionStep::Began,
        by: "password".to_owned(),
        from: "10.0.0.7".to_owned(),
    })
}

/// What a release was handed.
pub(crate) fn secrets_read() -> Event {
    let store = |kind: &str, settings| AdapterSpec { kind: kind.to_owned(), settings };
    Event::SecretsRead(Box::new(SecretsRead {
        number: PromotionNumber(7),
        by: ada(),
        secrets: BTreeMap::from([
            ("API_KEY".to_owned(), store("env", serde_json::json!({}))),
            ("DB_PASSWORD".to_owned(), store("file", serde_json::json!({ "path": "/etc/db" }))),
        ]),
    }))
}
