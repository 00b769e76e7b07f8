//! SoundBite, the example service: text comes in, an audio job goes out. It exists to be
//! promoted, so it reads its settings and its faults from the environment and is quick to start.
//! It depends on nothing of the product and keeps nothing on disk.
//!
//! Reading order: [`Config`], `routes` (every URL), `jobs`, `faults`, `server`.

mod config;
mod faults;
mod jobs;
mod log;
mod metrics;
mod routes;
mod run;
mod server;
mod tone;

pub use config::{Config, Problem};
pub use run::run;
pub use server::{ServeError, Server, serve};
