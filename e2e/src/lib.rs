//! A world for end-to-end tests: a folder with a matrix, the real binary, real processes, a real
//! proxy and real visitors. Owns cleaning up; judges nothing.

mod binary;
mod matrix;
mod planted;
mod receivers;
mod script;
pub mod serving;
mod terminal;
mod transcript;
mod visitors;
mod world;

pub use binary::towpath;
pub use matrix::production;
pub use planted::Planted;
pub use receivers::{Heard, Receiver};
pub use script::{Folder, Script, Step, steps};
pub use transcript::Transcript;
pub use visitors::{Met, Visitors};
pub use world::{Ended, World};
