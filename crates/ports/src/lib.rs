//! The promises adapters keep. Owns the traits and the catalogue of kinds; implements none.
//!
//! Every method means *ensure*, not *do*: it may be called again after a crash, with the same
//! arguments, and must then find and finish what it began. An adapter tells a transient failure
//! from a final one, and never retries on its own for longer than its caller allows.

pub mod accounts;
pub mod answers;
pub mod artifacts;
pub mod catalogue;
pub mod check;
pub mod clock;
pub mod condition;
pub mod evidence;
pub mod history;
pub mod masking;
pub mod materials;
pub mod metrics;
pub mod notary;
pub mod notifier;
pub mod router;
pub mod secret;
pub mod settings;
pub mod size;
pub mod store;
pub mod target;
pub mod threshold;

pub use catalogue::{Catalogue, Family, Field, FieldType, Kind, KindEntry, KindState, Site};
