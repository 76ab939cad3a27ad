//! For how long this process has seen an attempt unknown to the provider.
//!
//! Whether a call may still be on its way must not be judged by when another process says that it began: with a clock
//! ahead of the other's, or set forward, a call of a moment ago looks old. So each process goes by its own monotonic
//! clock, from its first look on, which cannot lie before the attempt began.

use std::num::NonZeroUsize;

use baedal_contracts::AttemptId;
use baedal_kit::time::Instant;
use jiff::SignedDuration;
use lru::LruCache;
use parking_lot::Mutex;

/// How many attempts are remembered. One that is pushed out is waited for anew, which takes longer and harms nobody.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(16_384).unwrap();

/// The attempts that were looked up here and not known to the provider.
pub(super) struct Unknown {
    since: Mutex<LruCache<AttemptId, Instant>>,
}

impl Default for Unknown {
    fn default() -> Self {
        Self { since: Mutex::new(LruCache::new(REMEMBERED)) }
    }
}

impl Unknown {
    /// How long ago this process first found the attempt unknown; zero where it does so now.
    pub(super) fn age(&self, attempt_id: AttemptId, now: Instant) -> SignedDuration {
        let mut since = self.since.lock();
        now.duration_since(*since.get_or_insert(attempt_id, || now))
    }
}
