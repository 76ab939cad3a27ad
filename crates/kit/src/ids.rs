//! New identifiers, passed in, so that a simulated run can repeat itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

use crate::time::Clock;

/// Gives new ids.
pub trait Ids: Send + Sync + 'static {
    /// An id nobody has: UUIDv7, later ones sorting after earlier ones.
    fn new_id(&self) -> Uuid;
}

/// Ids from the machine's clock and randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemIds;

impl Ids for SystemIds {
    fn new_id(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// Ids that are born when a clock says, as those of a machine whose clock is wrong. Where it stands still they count up.
pub struct ClockIds {
    clock: Arc<dyn Clock>,
    count: AtomicU64,
}

impl ClockIds {
    /// Ids by this clock.
    #[must_use]
    pub fn by(clock: Arc<dyn Clock>) -> Self {
        Self { clock, count: AtomicU64::default() }
    }
}

impl Ids for ClockIds {
    fn new_id(&self) -> Uuid {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut random: [u8; 10] = rand::random();
        // Four bits of the first two bytes, and two of the third, are overwritten.
        random[..2].copy_from_slice(&[0, 0]);
        random[3..6].copy_from_slice(&count.to_be_bytes()[5..]);
        random[2] = 0;
        let millis = u64::try_from(self.clock.now().as_millisecond()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

/// Ids that count up, the same in every run.
#[derive(Debug, Default)]
pub struct CountingIds(AtomicU64);

impl Ids for CountingIds {
    fn new_id(&self) -> Uuid {
        let count = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        let mut random = [0; 10];
        random[2..].copy_from_slice(&count.to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(count, &random).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::scenario::NOON;
    use crate::time::ManualClock;

    #[test]
    fn ids_by_a_clock_sort_by_what_it_shows_also_where_it_is_set_back() {
        let clock = ManualClock::at(NOON);
        let ids = ClockIds::by(Arc::new(clock.clone()));
        let (first, second) = (ids.new_id(), ids.new_id());
        clock.step(SignedDuration::from_secs(-5));
        let earlier = ids.new_id();
        assert!(earlier < first && first < second);
        assert_eq!(first.get_version_num(), 7);
    }
}
