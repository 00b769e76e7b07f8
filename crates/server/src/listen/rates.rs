//! How many requests one address may send. Looks at nothing of a request but where it comes from.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use towpath_core::reason::{Refusal, RefusalKind};

use super::Remote;
use crate::error::ApiError;

/// How often addresses that send nothing any more are forgotten, in requests.
const SWEPT_EVERY: u32 = 10_000;

/// Requests that are taken from one address.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// For long.
    pub per_second: NonZeroU32,
    /// At once.
    pub at_once: NonZeroU32,
}

impl Default for Rate {
    /// A page asks for some ten things; an office of a hundred people behind one address opens a few pages
    /// a second at the most.
    fn default() -> Self {
        let number = |number| NonZeroU32::new(number).expect("it is more than none");
        Self { per_second: number(200), at_once: number(1000) }
    }
}

/// The rates of all addresses.
pub(super) struct Rates {
    known: DefaultKeyedRateLimiter<IpAddr>,
    clock: DefaultClock,
    taken: AtomicU32,
}

impl Rates {
    pub(super) fn new(rate: Rate) -> Self {
        let quota = Quota::per_second(rate.per_second).allow_burst(rate.at_once);
        Self {
            known: DefaultKeyedRateLimiter::keyed(quota),
            clock: DefaultClock::default(),
            taken: AtomicU32::new(0),
        }
    }

    /// Whole seconds to wait, from 1; none: it is taken.
    fn wait(&self, address: IpAddr) -> Option<u64> {
        if self.taken.fetch_add(1, Ordering::Relaxed) % SWEPT_EVERY == SWEPT_EVERY - 1 {
            self.known.retain_recent();
            self.known.shrink_to_fit();
        }
        let refused = self.known.check_key(&sender(address)).err()?;
        Some(refused.wait_time_from(self.clock.now()).as_secs() + 1)
    }
}

/// Whoever has an address of IPv6 has all of its network of 64 bits.
pub(super) fn sender(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
        address @ IpAddr::V4(_) => address,
    }
}

/// Answers 429 to an address that sends too much, before anything of the request is read.
pub(super) async fn limited(
    State(rates): State<Arc<Rates>>,
    request: Request,
    next: Next,
) -> Response {
    let remote: Option<&Remote> = request.extensions().get();
    let Some(wait) = remote.and_then(|Remote(remote)| rates.wait(remote.ip())) else {
        return next.run(request).await;
    };
    let cause = "more requests came from this address than the server takes";
    let refusal =
        Refusal::new(RefusalKind::Conflict, "too-many-requests", "nothing was answered", cause)
            .next(format!("wait {wait}s"), "then it is answered again");
    let mut answer = ApiError::too_many(refusal).into_response();
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_is_held_up_and_others_are_not() {
        let number = |number| NonZeroU32::new(number).unwrap();
        let rates = Rates::new(Rate { per_second: number(1), at_once: number(3) });
        let one: IpAddr = "2001:db8::1".parse().unwrap();
        let same: IpAddr = "2001:db8::ffff".parse().unwrap();
        let other: IpAddr = "2001:db8:0:1::1".parse().unwrap();
        assert_eq!([rates.wait(one), rates.wait(same), rates.wait(one)], [None; 3]);
        assert!(rates.wait(same).is_some_and(|wait| (1..=2).contains(&wait)));
        assert_eq!(rates.wait(other), None);
    }
}
