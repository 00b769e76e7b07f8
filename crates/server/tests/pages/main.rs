//! Every page, asked at the real routes of a real engine among fakes, in virtual time. Owns no look: what a
//! page says is tested, and how it is drawn is looked at by people.

#![expect(clippy::unwrap_used, reason = "in a test program a failed expectation is the point")]

mod admin;
mod api;
mod environment;
#[expect(
    dead_code,
    unused_imports,
    reason = "the fakes of the engine's own tests; not all are asked for here"
)]
#[path = "../../../engine/tests/behaviour/fakes/mod.rs"]
mod fakes;
mod governed;
mod insights;
mod lane;
mod look;
mod matrix;
mod notices;
mod people;
mod promotion;
mod promotions;
mod releases;
mod simulated;
mod stage;
#[expect(
    dead_code,
    reason = "the world of the engine's own tests; not all of it is asked for here"
)]
#[path = "../../../engine/tests/behaviour/world.rs"]
mod world;
mod written;
