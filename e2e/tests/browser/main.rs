//! The pages in a real browser, at a real server with a real project: what people do there, whether everybody can, and
//! that nothing which somebody wrote ever runs. Heavy: it starts a browser for each test.

#![expect(clippy::unwrap_used, reason = "in a test program a failed expectation is the point")]

mod driver;
mod every_page;
mod house;
mod keyboard;
mod payloads;
mod provider;
mod signing_in;
mod walks;
