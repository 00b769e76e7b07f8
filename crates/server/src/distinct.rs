//! Sets of a request, in which nothing may stand twice: as the description of the API says, and because whoever
//! writes something twice meant something else. Knows no request.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

/// Reads a list whose entries differ.
///
/// # Errors
/// When one stands there twice, with its place, counted from 0; or when one cannot be read.
pub(crate) fn set<'de, D, T>(deserializer: D) -> Result<BTreeSet<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Ord,
{
    deserializer.deserialize_seq(Entries(PhantomData))
}

struct Entries<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + Ord> Visitor<'de> for Entries<T> {
    type Value = BTreeSet<T>;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a list without repetitions")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<BTreeSet<T>, A::Error> {
        let mut found = BTreeSet::new();
        while let Some(entry) = entries.next_element()? {
            if !found.insert(entry) {
                let at = found.len();
                return Err(A::Error::custom(format_args!(
                    "entry {at} stands there already; each is named once"
                )));
            }
        }
        Ok(found)
    }
}
