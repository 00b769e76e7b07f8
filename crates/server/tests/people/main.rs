//! Who it is that speaks, asked at the real routes of a real engine on a real database: tokens, and whose
//! word counts. Runs no release; what waits for people starts nothing.

#![expect(clippy::unwrap_used, reason = "in a test program a failed expectation is the point")]

mod browser;
mod cells;
mod contract;
mod elsewhere;
mod exported;
mod follow;
mod glass;
mod hostile;
mod issuer;
mod keys;
mod lists;
mod literal;
mod mailed;
mod managed;
mod oidc;
mod once;
mod over_tls;
mod overriding;
mod pages;
mod provider;
mod races;
mod real_provider;
mod sessions;
mod several;
mod signed;
mod signing_in;
mod tokens;
mod uploads;
mod waits;
mod words;
mod workloads;
mod world;
