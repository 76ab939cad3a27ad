//! What can be set about tracking: when an order counts as stuck.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// When the operator is shown an order as stuck. The deadlines that others keep (to pay, to answer) come
/// with their events.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How long after it was paid an order should be delivered.
    pub undelivered_after: SignedDuration,
    /// How long after it was delivered an order should be completed.
    pub uncompleted_after: SignedDuration,
    /// How long after an order's end its rider is still shown exactly where it went and what the customer said. As it is
    /// set for delivery.
    pub address_shown_for: SignedDuration,
    /// How far past its deadline an order is stuck; until then whoever keeps the deadline may be at it.
    pub grace: SignedDuration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            undelivered_after: SignedDuration::from_hours(4),
            uncompleted_after: SignedDuration::from_mins(60),
            address_shown_for: SignedDuration::from_mins(10),
            grace: SignedDuration::from_mins(1),
        }
    }
}

impl Settings {
    /// The same in a world where time passes `times` as fast.
    #[must_use]
    pub fn sped_up(self, times: f64) -> Self {
        let faster = |duration: SignedDuration| SignedDuration::from_secs_f64(duration.as_secs_f64() / times);
        Self {
            undelivered_after: faster(self.undelivered_after),
            uncompleted_after: faster(self.uncompleted_after),
            address_shown_for: faster(self.address_shown_for),
            grace: faster(self.grace),
        }
    }
}
