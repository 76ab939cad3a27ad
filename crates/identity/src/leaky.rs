//! A bucket that leaks: how much has come of late, at one pace.

use baedal_kit::time::Instant;
use jiff::SignedDuration;

/// How much a bucket holds, and how fast it leaks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// So many drops.
    pub(crate) drops: u32,
    /// One drop leaks in this time.
    pub(crate) leaks_every: SignedDuration,
}

/// A bucket, by when it will be empty. It goes by the monotonic clock.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Leaky {
    empty_at: Instant,
}

impl Leaky {
    /// How long to wait until so many drops more have room; zero where they have.
    pub(crate) fn wait(self, drops: u32, size: Size, now: Instant) -> SignedDuration {
        let wished = self.empty_at.duration_since(now).saturating_add(lasting(drops, size));
        wished.saturating_sub(lasting(size.drops.max(1), size)).max(SignedDuration::ZERO)
    }

    /// So many drops come in.
    pub(crate) fn fill(&mut self, drops: u32, size: Size, now: Instant) {
        self.empty_at = self.empty_at.max(now) + lasting(drops, size);
    }

    /// So many drops are taken out.
    pub(crate) fn take(&mut self, drops: u32, size: Size) {
        self.empty_at = self.empty_at + -lasting(drops, size);
    }
}

fn lasting(drops: u32, size: Size) -> SignedDuration {
    size.leaks_every.checked_mul(i32::try_from(drops).unwrap_or(i32::MAX)).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_what_has_room_and_leaks_at_one_pace() {
        let size = Size { drops: 3, leaks_every: SignedDuration::from_secs(10) };
        let now = Instant::default() + SignedDuration::from_hours(1);
        let (mut bucket, seconds) = (Leaky::default(), SignedDuration::from_secs);
        bucket.fill(3, size, now);
        assert_eq!(bucket.wait(1, size, now), seconds(10));
        assert_eq!(bucket.wait(2, size, now), seconds(20));
        assert_eq!(bucket.wait(1, size, now + seconds(4)), seconds(6));
        assert_eq!(bucket.wait(1, size, now + seconds(10)), seconds(0));
        bucket.take(2, size);
        assert_eq!(bucket.wait(2, size, now), seconds(0));
        assert_eq!(bucket.wait(3, size, now), seconds(10));
        assert_eq!(bucket.wait(3, size, now + seconds(3600)), seconds(0), "it holds no less than nothing");
    }
}
