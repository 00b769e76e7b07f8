//! Values of the matrix as they are written for a digest: with their keys sorted, so that neither the
//! order in a file nor a feature of a library decides what a digest is. Owns no digest.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::Value;

/// One value.
pub(crate) fn value<S: Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
    sorted(value).serialize(serializer)
}

/// Values by name.
pub(crate) fn values<S: Serializer>(
    values: &BTreeMap<String, Value>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(values.iter().map(|(name, value)| (name, sorted(value))))
}

fn sorted(value: &Value) -> Value {
    let mut value = value.clone();
    value.sort_all_objects();
    value
}

#[cfg(test)]
mod tests {
    use crate::ids::Digest;
    use crate::matrix::AdapterSpec;

    #[test]
    fn the_order_in_which_settings_were_written_is_not_in_the_digest() {
        let digest = |settings: &str| {
            let settings = serde_json::from_str(settings).unwrap();
            Digest::of_json(&AdapterSpec { kind: "http".to_owned(), settings })
        };
        let one = digest(r#"{ "url": "/", "deep": { "b": [ { "y": 1, "x": 2 } ], "a": 1 } }"#);
        let other = digest(r#"{ "deep": { "a": 1, "b": [ { "x": 2, "y": 1 } ] }, "url": "/" }"#);
        assert_eq!(one, other);
    }
}
