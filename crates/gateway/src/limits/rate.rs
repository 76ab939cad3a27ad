//! How often one client may ask: a bucket for each, refilled steadily (GCRA).

use std::hash::Hash;
use std::num::NonZeroU32;

use baedal_kit_http::Problem;
use baedal_kit_http::problem::TOO_MANY_REQUESTS;
use governor::clock::{Clock, MonotonicClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::settings::Rate;

/// Counts what each client asks.
pub(super) struct Limiter<K: Hash + Eq + Clone> {
    name: &'static str,
    /// Nothing, where there is no limit.
    buckets: Option<DefaultKeyedRateLimiter<K>>,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    pub(super) fn new(name: &'static str, rate: Rate) -> Self {
        let quota = NonZeroU32::new(rate.per_second).map(|per_second| {
            Quota::per_second(per_second).allow_burst(NonZeroU32::new(rate.burst).unwrap_or(per_second))
        });
        Self { name, buckets: quota.map(RateLimiter::keyed) }
    }

    /// Counts one request, or says when the next may come.
    pub(super) fn check(&self, client: &K) -> Result<(), Problem> {
        let Some(buckets) = &self.buckets else { return Ok(()) };
        buckets.check_key(client).map_err(|early| {
            super::shed(self.name);
            let wait = early.wait_time_from(MonotonicClock.now());
            Problem::new(&TOO_MANY_REQUESTS, "you ask more often than you may").retry_after(wait)
        })
    }

    /// Gives up the buckets that are full again.
    pub(super) fn forget_the_quiet(&self) {
        if let Some(buckets) = &self.buckets {
            buckets.retain_recent();
            buckets.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_what_comes_after_it_waits_while_others_do_not() {
        let limiter = Limiter::new("test", Rate { per_second: 1, burst: 3 });
        for _ in 0..3 {
            assert!(limiter.check(&"one").is_ok());
        }
        assert!(limiter.check(&"one").is_err());
        assert!(limiter.check(&"other").is_ok());
        limiter.forget_the_quiet();
        assert!(limiter.check(&"one").is_err(), "who was not quiet is not forgotten");
    }

    #[test]
    fn without_a_limit_everything_passes() {
        let limiter = Limiter::new("test", Rate::UNLIMITED);
        assert!((0..10_000).all(|_| limiter.check(&()).is_ok()));
    }
}
