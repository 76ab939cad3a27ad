//! How often a customer is told that a payment was declined: at once, and then once in a while at the most.
//!
//! What is not told at once is kept as a job of its order, and each further decline of the order takes its place: the
//! last is told when its time comes, unless the order is paid or has ended by then.

use std::collections::BTreeMap;

use baedal_contracts::OrderId;
use baedal_kit::database::JobChange;
use baedal_kit::{Failure, Job};
use baedal_kit_runtime::UnitOfWork;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ask::Ask;
use crate::views::{ORDER_FACTS, OrderFacts};

/// The job that tells a decline that was not told at once; its key is the order's id.
pub(crate) const DECLINE: &str = "decline";
/// The view of what is planned for each customer, by customer; by order, where the customer is not known yet.
const DECLINES: &str = "declines";

/// What a customer was told and is to be told.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
struct Plan {
    /// From when on another may be told.
    free_from: Option<Timestamp>,
    /// When the last decline of an order is told, by order.
    planned: BTreeMap<OrderId, Timestamp>,
}

impl Plan {
    /// When a decline of this order is told, now or later.
    fn place(&mut self, order_id: OrderId, every: SignedDuration, now: Timestamp) -> Timestamp {
        self.planned.retain(|_, at| now < *at);
        if let Some(at) = self.planned.get(&order_id) {
            return *at;
        }
        // Where the clock was set back nobody waits for longer than for those who are planned.
        let places = i32::try_from(self.planned.len()).unwrap_or(i32::MAX).saturating_add(1);
        let latest = now.saturating_add(every.saturating_mul(places)).unwrap_or(now);
        let at = self.free_from.unwrap_or(now).clamp(now, latest.max(now));
        self.free_from = Some(at.saturating_add(every).unwrap_or(at));
        if at > now {
            self.planned.insert(order_id, at);
        }
        at
    }
}

/// Tells a decline, now or when its time comes.
///
/// # Errors
/// A failure of the database.
pub(crate) async fn tell(ask: Ask, every: SignedDuration, work: &mut UnitOfWork) -> Result<(), Failure> {
    let facts: Option<OrderFacts> = work.document(ORDER_FACTS, &ask.order_id.to_string()).await?;
    let whose = facts.map_or_else(|| ask.order_id.to_string(), |facts| facts.customer_id.to_string());
    let mut plan: Plan = work.document(DECLINES, &whose).await?.unwrap_or_default();
    let now = work.at();
    let at = plan.place(ask.order_id, every, now);
    work.put(DECLINES, &whose, &plan, [])?;
    work.schedule(if at > now {
        Job::new(DECLINE, ask.order_id, at).with(&ask).about(ask.order_id.0)
    } else {
        ask.job(now)
    });
    Ok(())
}

/// The order is paid, or has ended: that it was not paid before is no news any more.
pub(crate) fn forget(order_id: OrderId, work: &mut UnitOfWork) {
    work.change_job(JobChange::unschedule(DECLINE, order_id));
}

#[cfg(test)]
mod tests {
    use baedal_kit::scenario::NOON;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const MINUTE: SignedDuration = SignedDuration::from_mins(1);

    proptest! {
        #[test]
        fn whatever_is_declined_when_no_two_are_told_within_a_minute_and_none_much_later(
            declines in prop::collection::vec((0..3_u128, 0..40_i64), 1..60),
        ) {
            let (mut plan, mut now, mut told) = (Plan::default(), NOON, Vec::new());
            for (order, seconds) in declines {
                now += SignedDuration::from_secs(seconds);
                let at = plan.place(OrderId(Uuid::from_u128(order)), MINUTE, now);
                prop_assert!(now <= at && at <= now + MINUTE * 3);
                if !told.contains(&at) {
                    told.push(at);
                }
            }
            told.sort();
            prop_assert!(told.windows(2).all(|pair| pair[1].duration_since(pair[0]) >= MINUTE), "{told:?}");
        }
    }

    #[test]
    fn a_clock_that_was_set_back_puts_nothing_off_for_long() {
        let mut plan = Plan::default();
        let order = |number| OrderId(Uuid::from_u128(number));
        plan.place(order(1), MINUTE, NOON + SignedDuration::from_hours(5));
        assert_eq!(plan.place(order(2), MINUTE, NOON), NOON + MINUTE);
    }
}
