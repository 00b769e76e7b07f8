//! Who may do what, decided in one place: the rights of a matrix as policies of Cedar. Deny is the
//! default, and users never see the policies. Keeps nothing and records nothing.
//!
//! A crate of its own so that nothing that decides about promotions can depend on a policy engine.

mod authority;
mod denial;
mod policies;

pub use authority::{AccessError, Authority};
pub use denial::Denial;
