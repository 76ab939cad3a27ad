//! What can be set about orders.

use baedal_contracts::Won;
use baedal_kit_http::breaker::BreakerSettings;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// The settings of orders.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How long an order waits to be paid before it is canceled.
    pub payment_window: SignedDuration,
    /// How long payment must have been there to be asked, without a break, before an unpaid order is canceled.
    /// Where it was away, an order waits longer than `payment_window`.
    pub least_payment_time: SignedDuration,
    /// How long after it was paid an order that no rider has is canceled; one that a rider has is shown to the
    /// operator.
    pub abandon_after: SignedDuration,
    /// How much later than that an order that a rider has is canceled.
    pub abandon_picked_up_after: SignedDuration,
    /// How long after delivery an order completes by itself.
    pub auto_complete_after: SignedDuration,
    /// How long payment may take to answer.
    pub payment_time_limit: SignedDuration,
    /// How long an `Idempotency-Key` is remembered.
    pub remember_keys_for: SignedDuration,
    /// What an order may cost at the most, delivery included: more is taken for a slip of the finger, or worse.
    pub max_total_krw: Won,
    /// How many orders of a customer may wait to be paid at a time. 0: as many as they like.
    pub unpaid_orders: usize,
    /// How often it may be tried to pay for an order, and for what changes of it cost more, attempts not counted that
    /// were put off: who tries more often tries cards. 0: as often as they like.
    pub attempts_per_order: u32,
    /// How often a customer may try to pay within `attempts_within`, over all orders, counted alike. 0: as
    /// often as they like.
    pub attempts: usize,
    /// The time in which `attempts` are counted.
    pub attempts_within: SignedDuration,
    /// The circuit breaker in front of payment.
    pub payment_breaker: BreakerSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            payment_window: SignedDuration::from_mins(10),
            least_payment_time: SignedDuration::from_mins(2),
            abandon_after: SignedDuration::from_hours(4),
            abandon_picked_up_after: SignedDuration::from_hours(2),
            auto_complete_after: SignedDuration::from_mins(60),
            payment_time_limit: SignedDuration::from_secs(2),
            remember_keys_for: SignedDuration::from_hours(24),
            max_total_krw: Won(10_000_000),
            unpaid_orders: 3,
            attempts_per_order: 10,
            attempts: 20,
            attempts_within: SignedDuration::from_hours(1),
            payment_breaker: BreakerSettings::default(),
        }
    }
}

impl Settings {
    /// The same, with every deadline of the domain this many times sooner.
    #[must_use]
    pub fn sped_up(self, times: f64) -> Self {
        Self {
            payment_window: self.payment_window.div_f64(times),
            least_payment_time: self.least_payment_time.div_f64(times),
            abandon_after: self.abandon_after.div_f64(times),
            abandon_picked_up_after: self.abandon_picked_up_after.div_f64(times),
            auto_complete_after: self.auto_complete_after.div_f64(times),
            attempts_within: self.attempts_within.div_f64(times),
            ..self
        }
    }

    /// The same for a world in which few customers order for a whole population: a demonstration, a load test.
    #[must_use]
    pub fn without_limits_per_customer(self) -> Self {
        Self { unpaid_orders: 0, attempts_per_order: 0, attempts: 0, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_deadlines_of_the_domain_come_sooner() {
        let fast = Settings::default().sped_up(60.0);
        assert_eq!(fast.payment_window, SignedDuration::from_secs(10));
        assert_eq!(fast.least_payment_time, SignedDuration::from_secs(2));
        assert_eq!(fast.abandon_after, SignedDuration::from_mins(4));
        assert_eq!(fast.abandon_picked_up_after, SignedDuration::from_mins(2));
        assert_eq!(fast.auto_complete_after, SignedDuration::from_mins(1));
        assert_eq!(fast.payment_time_limit, Settings::default().payment_time_limit);
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        let read: Settings = serde_json::from_str(r#"{"payment_window": "3m"}"#).unwrap();
        assert_eq!(read, Settings { payment_window: SignedDuration::from_mins(3), ..Settings::default() });
        assert!(serde_json::from_str::<Settings>(r#"{"payment_windov": "3m"}"#).is_err());
    }
}
