//! What every database must do for `towpath_ports::store::Store`, once, run on each of them. Owns no
//! expectation that only one database could meet, except in `places.rs` (files and servers).
//!
//! SQLite always runs. PostgreSQL runs when `TOWPATH_TEST_POSTGRES` holds a URL such as
//! `postgres://postgres@127.0.0.1:5432/postgres`; each test then has a schema of its own there.
//! Without it those tests say that they are skipped, and with `CI=true` they fail.

#![expect(clippy::unwrap_used, reason = "in a test program a failed expectation is the point")]

/// Runs each of the named functions on both databases.
macro_rules! on_both_databases {
    ($($(#[$attribute:meta])* $name:ident,)+) => {
        mod sqlite {
            $($(#[$attribute])* #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(&crate::ground::Ground::sqlite()).await;
            })+
        }
        mod postgres {
            $($(#[$attribute])* #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let Some(ground) = crate::ground::Ground::postgres(stringify!($name)).await else {
                    return;
                };
                super::$name(&ground).await;
                ground.clear().await;
            })+
        }
    };
}

mod accounts;
mod answers;
mod crash;
mod exports;
mod ground;
mod lists;
mod network;
mod owners;
mod places;
mod reading;
mod tampering;
mod turns;
