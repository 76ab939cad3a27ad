//! Chance, and the pace of life.

use std::time::Duration;

use baedal_contracts::Location;
use rand::RngExt;

/// Metres a rider makes in a second: 15 km/h, a bicycle or a scooter in traffic.
const RIDING_M_PER_S: f64 = 15.0 / 3.6;

/// How people of the town behave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habits {
    /// How many times faster than life.
    pub(crate) speed: f64,
}

impl Habits {
    /// Waits for so many seconds of life.
    pub(crate) async fn pause(self, seconds: f64) {
        tokio::time::sleep(Duration::from_secs_f64(seconds / self.speed)).await;
    }

    /// Waits for some seconds of life between two bounds.
    pub(crate) async fn think(self, from: f64, to: f64) {
        self.pause(between(from, to)).await;
    }

    /// Waits as people come who know nothing of each other (a Poisson process).
    pub(crate) async fn until_the_next_order(self, orders_per_minute: f64) {
        let wait = -between(f64::MIN_POSITIVE, 1.0).ln() * 60.0 / orders_per_minute;
        tokio::time::sleep(Duration::from_secs_f64(wait.min(600.0))).await;
    }

    /// One stretch of a ride, as long as a rider goes between two looks at the phone.
    pub(crate) async fn stretch(self, from: Location, to: Location) -> Location {
        let seconds = 20.0;
        self.pause(seconds).await;
        let left = from.distance_m(to);
        let part = (seconds * RIDING_M_PER_S / left.max(1.0)).min(1.0);
        let lat = from.lat() + (to.lat() - from.lat()) * part;
        let lng = from.lng() + (to.lng() - from.lng()) * part;
        Location::new(lat, lng).unwrap_or(to)
    }
}

/// A number between two bounds.
pub(crate) fn between(from: f64, to: f64) -> f64 {
    rand::rng().random_range(from..=to)
}

/// Whether something with this probability happens.
pub(crate) fn happens(probability: f64) -> bool {
    rand::rng().random_bool(probability)
}

/// One of several, where there are any.
pub(crate) fn one_of<T>(several: &[T]) -> Option<&T> {
    if several.is_empty() { None } else { several.get(rand::rng().random_range(0..several.len())) }
}
