//! Reads a report that is JSON. Owns that what stands twice is refused where it counts, and that
//! reading ends when nobody waits; knows no format.

use std::fmt;
use std::io;

use serde::Deserialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::{Report, Stop, Wrong, short};

/// How much is parsed between two looks at the stop sign, in bytes.
const PIECE: usize = 64 * 1024;

/// The report as an object of type `T`. Properties that `T` does not name may be anything; one that
/// it names may stand once.
///
/// # Errors
/// What cannot be read, and where.
pub(crate) fn object<T: DeserializeOwned>(report: &Report<'_>) -> Result<T, Wrong> {
    // A list would be taken for an object whose members stand in order.
    if report.text.trim_start().starts_with('[') {
        return Err(Wrong::whole("it begins with a list"));
    }
    // With a buffer of its own, so that the stop sign is looked at once for each piece.
    let watched = Watched { text: report.text.as_bytes(), stop: report.stop };
    let reader = io::BufReader::with_capacity(PIECE, watched);
    serde_json::from_reader(reader).map_err(|error| wrong(&error))
}

/// Any JSON in which no object has two members of the same name, at whatever depth: parsers differ in
/// which of them they believe.
///
/// # Errors
/// What cannot be read, and where.
pub(crate) fn strict(text: &str) -> Result<Value, Wrong> {
    serde_json::from_str::<Strict>(text).map(|read| read.0).map_err(|error| wrong(&error))
}

fn wrong(error: &serde_json::Error) -> Wrong {
    let why = error.to_string();
    let why = why.split(" at line ").next().unwrap_or_default();
    // A value of another type may quote all of a text.
    Wrong { place: Some((error.line(), error.column())), why: short(why) }
}

/// A text that ends with an error when nobody waits for what is in it.
struct Watched<'a> {
    text: &'a [u8],
    stop: &'a Stop,
}

impl io::Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stop.check().map_err(|wrong| io::Error::other(wrong.why))?;
        self.text.read(buffer)
    }
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Strictly.deserialize(deserializer).map(Self)
    }
}

/// Builds a value and refuses names that stand twice.
#[derive(Clone, Copy)]
struct Strictly;

impl<'de> DeserializeSeed<'de> for Strictly {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strictly {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = sequence.next_element_seed(self)? {
            list.push(value);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if map.contains_key(&name) {
                let what = format!("`{}` stands there twice", short(&name));
                return Err(serde::de::Error::custom(what));
            }
            let value = members.next_value_seed(self)?;
            map.insert(name, value);
        }
        Ok(map.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_stands_twice_is_refused_at_any_depth_and_the_rest_is_as_it_was() {
        for text in
            [r#"{"a":1,"a":1}"#, r#"[{"b":{"a":1,"a":2}}]"#, r#"{"a":1,"b":[],"\u0061":null}"#]
        {
            let why = strict(text).unwrap_err().why;
            assert!(why.contains("stands there twice"), "{text}: {why}");
        }
        let text = r#"{"a":[1,-2,3.5,true,null,"x",{"a":{}}],"b":{"a":1}}"#;
        assert_eq!(strict(text).unwrap(), serde_json::from_str::<Value>(text).unwrap());
        assert!(strict("{} {}").is_err());
        assert!(strict(&"[".repeat(100_000)).is_err(), "depth is bounded by the parser");
    }
}
