//! How far a waiting delivery is seen, and how that grows while nobody comes.

use baedal_contracts::Location;
use jiff::{SignedDuration, Timestamp};

/// The rules of waiting, as they are set.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Reach {
    /// The radius at first, in metres.
    pub(crate) radius_m: u32,
    /// The radius at the most, in metres.
    pub(crate) widest_radius_m: u32,
    /// How long it stays as it is.
    pub(crate) widen_every: SignedDuration,
    /// How long it is ready, and no rider has it, when the operator is told.
    pub(crate) escalate_after: SignedDuration,
}

impl Reach {
    /// The radius after this one.
    pub(crate) fn wider(&self, radius_m: u32) -> u32 {
        radius_m.saturating_mul(2).min(self.widest_radius_m).max(radius_m)
    }

    /// When a radius that is so since `since` grows; never, where it is the widest.
    pub(crate) fn widen_at(&self, radius_m: u32, since: Timestamp) -> Option<Timestamp> {
        (self.wider(radius_m) > radius_m).then(|| since + self.widen_every)
    }

    /// The radius that has grown whenever it was due, and when it grows next, at `at`.
    pub(crate) fn grown(
        &self,
        mut radius_m: u32,
        mut widen_at: Option<Timestamp>,
        at: Timestamp,
    ) -> (u32, Option<Timestamp>) {
        // Ends: the radius grows with every turn, or does not grow any more.
        while let Some(due) = widen_at.filter(|due| *due <= at) {
            radius_m = self.wider(radius_m);
            widen_at = self.widen_at(radius_m, due);
        }
        (radius_m, widen_at)
    }

    /// When the operator is told of what waits since `since`.
    pub(crate) fn escalate_at(&self, since: Timestamp) -> Timestamp {
        since + self.escalate_after
    }
}

/// Whether somebody at `from` is within the radius of one of these two places.
pub(crate) fn reaches(pickup: Location, drop_off: Location, radius_m: u32, from: Location) -> bool {
    from.distance_m(pickup).min(from.distance_m(drop_off)) <= f64::from(radius_m)
}
