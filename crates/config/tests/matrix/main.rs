//! What a matrix means and what is said about a wrong one. Everything goes through the public
//! `parse`; nothing here reads a file at run time.

mod agreeing;
mod calendars;
mod catalogue;
mod checked;
mod consistency;
mod diagnostics;
mod diff;
mod examples;
mod for_people;
mod holidays;
mod hostile;
mod large;
mod secrecy;
mod secrets;
mod standing;
mod starters;
mod tables;
mod wrong;
mod wrong_sections;
mod wrong_values;

use towpath_config::{Beside, Checked, parse, parse_beside};
use towpath_core::ids::Name;

/// The example with five environments.
pub(crate) const SOUNDBITE: &str = include_str!("fixtures/soundbite.yaml");

/// Checks a text as `towpath.yaml`, in November of 2026.
pub(crate) fn check(text: &str) -> Checked {
    let beside = Beside { read: &holidays::file, now: holidays::now() };
    parse_beside("towpath.yaml", text.as_bytes(), &catalogue::catalogue(), &beside)
}

/// Checks a text as `towpath.yaml`, with the kinds that the program has.
pub(crate) fn check_as_the_program(text: &str) -> Checked {
    parse("towpath.yaml", text.as_bytes(), &towpath_adapters::catalogue())
}

/// A name that is known to be one.
pub(crate) fn name(text: &str) -> Name {
    Name::new(text).expect("the test writes valid names")
}
