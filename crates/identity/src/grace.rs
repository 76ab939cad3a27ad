//! For how long a refresh token that was used may be sent again, because its answer was lost.
//!
//! The process that took it knows by its monotonic clock how long ago that was. Another replica, or this one after a
//! restart, has only the time that was written down, and its own wall clock. Where that is behind, the grace lasts as
//! much longer, up to [`CLOCKS_APART`]; where it is ahead, as much shorter, and at the worst somebody signs in again.

use std::num::NonZeroUsize;
use std::sync::Arc;

use baedal_kit::time::{Clock, Instant};
use jiff::{SignedDuration, Timestamp};
use lru::LruCache;
use parking_lot::Mutex;

/// How much replicas' clocks may differ. A time further ahead is not of a moment ago by anybody's clock.
const CLOCKS_APART: SignedDuration = SignedDuration::from_mins(10);
/// How many used tokens are remembered. Of one that is pushed out, what was written down is believed.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(16_384).unwrap();

/// The grace of used refresh tokens. Cloning shares what is remembered.
#[derive(Clone)]
pub(crate) struct Grace {
    lasts: SignedDuration,
    clock: Arc<dyn Clock>,
    used: Arc<Mutex<LruCache<String, Instant>>>,
}

impl Grace {
    pub(crate) fn new(lasts: SignedDuration, clock: Arc<dyn Clock>) -> Self {
        Self { lasts, clock, used: Arc::new(Mutex::new(LruCache::new(REMEMBERED))) }
    }

    /// The token with this fingerprint is being used here, now.
    pub(crate) fn begins(&self, fingerprint: &str) {
        self.used.lock().put(fingerprint.to_owned(), self.clock.monotonic());
    }

    /// Whether it still holds for a token that was used at `used_at`.
    pub(crate) fn holds(&self, fingerprint: &str, used_at: Timestamp) -> bool {
        let known = self.used.lock().peek(fingerprint).copied();
        match known {
            Some(used) => self.clock.monotonic().duration_since(used) < self.lasts,
            None => {
                let since = self.clock.now().duration_since(used_at);
                -CLOCKS_APART <= since && since < self.lasts
            }
        }
    }
}
