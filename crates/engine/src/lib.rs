//! The only place where commands become effects. One engine owns one journal.
//!
//! Reading order: [`Engine`] is what the API talks to; `run_loop` takes one input at a time through
//! `decide`, one transaction and the outbox; `executor` turns each command into port calls and its
//! outcome into the next input. `judging` (with `lane_guard`), `alarms`, `counting`, `leases`, `prober`,
//! `promises`, `picture` and `telemetry` work beside it: they watch and remind, and only ever act by sending an input.
//! `retention` lets bytes go that nobody
//! needs.

mod adapters;
mod alarms;
mod asking;
mod attesting;
mod backports;
pub mod beside;
mod blue;
mod bundling;
mod catalogue;
mod checkpoints;
pub mod conditions;
mod counting;
mod delivery;
mod desk;
mod evidence;
mod executor;
mod following;
mod freezes;
mod gauges;
mod governing;
mod handing;
mod happened;
mod holdbacks;
mod journal;
mod judging;
pub mod kept;
mod lane_guard;
mod leases;
mod losses;
mod mailing;
mod masking;
mod mine;
mod moments;
mod notices;
mod orders;
mod origin;
mod owners;
mod picture;
mod planned;
mod prober;
mod promises;
mod questions;
mod quiet;
mod reader;
mod reading;
mod recovery;
mod refusals;
mod replaying;
mod retention;
mod rights;
mod rows;
mod run_loop;
mod sessions;
mod shared;
mod spoken;
mod standing;
mod summary;
mod telemetry;
mod tokens;
mod under_way;
pub mod views;
mod wakes;
mod writing;

pub use adapters::AdapterSet;
pub use attesting::SignedAccount;
pub use catalogue::Latest;
pub use checkpoints::{CheckpointView, SignedEnd};
pub use following::{FollowingState, FollowingView};
pub use moments::Moments;
pub use orders::{
    Accepted, EngineEnd, EngineError, NewRelease, NewToken, Order, Statement, Taking,
};
pub use origin::{coming_from, from_here, in_session, traced, written_in};
pub use reader::Reader;
pub use retention::ReleaseView;
pub use run_loop::{Engine, Running, start};
pub use shared::Setup;
pub use under_way::CarriedOut;
