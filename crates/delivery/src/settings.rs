//! The numbers of this context that may be set.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::domain::pace::Pace;
use crate::domain::reach::Reach;
use crate::domain::rider::Patience;

/// What may be set about deliveries and riders.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Riders this near to the store or the customer see a new delivery, in metres.
    pub radius_m: u32,
    /// The radius grows to this at the most, in metres.
    pub widest_radius_m: u32,
    /// The radius doubles each time a delivery has waited this long without a claim.
    pub widen_every: SignedDuration,
    /// The operator is told of food that has been ready this long and that no rider has. What claims that were
    /// given back took of it counts.
    pub escalate_after: SignedDuration,
    /// The rider and the operator are told of food that is not fetched this long after it was claimed.
    pub pick_up_within: SignedDuration,
    /// How many deliveries a rider may carry at a time.
    pub capacity: usize,
    /// A rider who gave claims back this often within `releases_within` may claim nothing until that is over: every claim
    /// shows him an address.
    pub releases: usize,
    /// The time in which `releases` are counted.
    pub releases_within: SignedDuration,
    /// How long after a delivery's end its rider is still shown exactly where it went and what the customer said.
    pub address_shown_for: SignedDuration,
    /// How many of the nearest riders are told of a waiting delivery.
    pub told_riders: usize,
    /// A rider on duty of whom nothing was heard for this long is told of nothing until he is heard again.
    pub silent_after: SignedDuration,
    /// How fast a rider is reckoned to be, in kilometres per hour along the straight line.
    pub rider_speed_kmh: f64,
    /// How long fetching and handing over take together, beside the way.
    pub handover: SignedDuration,
    /// How much later than the earliest time of arrival the latest is.
    pub eta_margin: SignedDuration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            radius_m: 3_000,
            widest_radius_m: 12_000,
            widen_every: SignedDuration::from_mins(5),
            escalate_after: SignedDuration::from_mins(15),
            pick_up_within: SignedDuration::from_mins(20),
            capacity: 3,
            releases: 5,
            releases_within: SignedDuration::from_hours(1),
            address_shown_for: SignedDuration::from_mins(10),
            told_riders: 5,
            silent_after: SignedDuration::from_mins(10),
            rider_speed_kmh: 15.0,
            handover: SignedDuration::from_mins(5),
            eta_margin: SignedDuration::from_mins(10),
        }
    }
}

impl Settings {
    /// For a world in which everything goes this many times faster.
    #[must_use]
    pub fn sped_up(self, times: f64) -> Self {
        Self {
            widen_every: self.widen_every.div_f64(times),
            escalate_after: self.escalate_after.div_f64(times),
            silent_after: self.silent_after.div_f64(times),
            pick_up_within: self.pick_up_within.div_f64(times),
            releases_within: self.releases_within.div_f64(times),
            address_shown_for: self.address_shown_for.div_f64(times),
            rider_speed_kmh: self.rider_speed_kmh * times,
            handover: self.handover.div_f64(times),
            eta_margin: self.eta_margin.div_f64(times),
            ..self
        }
    }

    pub(crate) fn reach(&self) -> Reach {
        Reach {
            radius_m: self.radius_m,
            widest_radius_m: self.widest_radius_m,
            widen_every: self.widen_every,
            escalate_after: self.escalate_after,
        }
    }

    /// At least once may always be given back.
    pub(crate) fn patience(&self) -> Patience {
        Patience { releases: self.releases.max(1), within: self.releases_within }
    }

    pub(crate) fn pace(&self) -> Pace {
        Pace { speed_kmh: self.rider_speed_kmh, handover: self.handover, margin: self.eta_margin }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_read_from_a_few_words_and_the_rest_is_as_usual() {
        let settings: Settings = serde_json::from_str(r#"{"widen_every": "90s", "capacity": 2}"#).expect("settings");
        assert_eq!(settings.widen_every, SignedDuration::from_secs(90));
        assert_eq!(
            settings,
            Settings { widen_every: SignedDuration::from_secs(90), capacity: 2, ..Settings::default() }
        );
        assert!(serde_json::from_str::<Settings>(r#"{"radius": 1}"#).is_err());
    }

    #[test]
    fn a_faster_world_has_the_same_distances() {
        let fast = Settings::default().sped_up(60.0);
        assert_eq!(fast.widen_every, SignedDuration::from_secs(5));
        assert_eq!(fast.escalate_after, SignedDuration::from_secs(15));
        assert_eq!(fast.pick_up_within, SignedDuration::from_secs(20));
        assert_eq!((fast.radius_m, fast.widest_radius_m), (3_000, 12_000));
    }
}
