//! When a rider should be there: a plain reckoning from the straight line.

use baedal_contracts::Location;
use jiff::{SignedDuration, Timestamp};

/// How fast riders are reckoned to be, as it is set.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Pace {
    /// Kilometres per hour along the straight line; streets and lights are in it.
    pub(crate) speed_kmh: f64,
    /// Fetching and handing over.
    pub(crate) handover: SignedDuration,
    /// From the earliest arrival to the latest.
    pub(crate) margin: SignedDuration,
}

impl Pace {
    /// The earliest and the latest arrival of a rider who sets out at `at` from `from`, by the store.
    pub(crate) fn arrival(
        &self,
        at: Timestamp,
        from: Location,
        pickup: Location,
        drop_off: Location,
    ) -> (Timestamp, Timestamp) {
        let metres = from.distance_m(pickup) + pickup.distance_m(drop_off);
        let metres_per_second = (self.speed_kmh / 3.6).max(f64::MIN_POSITIVE);
        // The way round half the globe at walking pace is four months: no time we reckon with is longer.
        let seconds = (metres / metres_per_second).min(10_000_000.0).ceil();
        let earliest = at + SignedDuration::from_secs(seconds as i64) + self.handover;
        (earliest, earliest + self.margin)
    }
}

#[cfg(test)]
mod tests {
    use baedal_kit::scenario::NOON;

    use crate::Settings;
    use crate::tests::world::spot;

    #[test]
    fn two_kilometres_take_eight_minutes_and_the_handover_five() {
        let pace = Settings::default().pace();
        let (earliest, latest) = pace.arrival(NOON, spot(1_000.0, 0.0), spot(0.0, 0.0), spot(0.0, 1_000.0));
        let minutes = earliest.duration_since(NOON).as_secs_f64() / 60.0;
        assert!((12.9..13.1).contains(&minutes), "{minutes}");
        assert_eq!(latest.duration_since(earliest).as_mins(), 10);
    }
}
