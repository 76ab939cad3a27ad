//! The deadlines that begin and end with an order's events, so that every order ends.
//!
//! ```text
//!   awaiting_payment: payment_window      paid: abandon      delivered: auto_complete      ended: none
//! ```
//!
//! A deadline may be put off: the time to pay while nobody can, and the end of an order that a rider has. It is
//! the same deadline then, at another time.

use baedal_contracts::OrderId;
use baedal_kit::Job;
use baedal_kit::database::JobChange;
use jiff::Timestamp;

use super::{Event, Placed, State};

/// Nobody paid in time.
pub const PAYMENT_WINDOW: &str = "payment_window";
/// It was not delivered long after it was paid.
pub const ABANDON: &str = "abandon";
/// Nobody confirmed.
pub const AUTO_COMPLETE: &str = "auto_complete";

impl Placed {
    /// The deadline that runs now, as the job that keeps it; none once the order has ended.
    #[must_use]
    pub fn next_deadline(&self, order: OrderId) -> Option<Job> {
        let kind = match self.state {
            State::AwaitingPayment { .. } => PAYMENT_WINDOW,
            State::Paid { .. } => ABANDON,
            State::Delivered { .. } => AUTO_COMPLETE,
            State::Completed | State::Canceled { .. } | State::Rejected { .. } => return None,
        };
        Some(begin(kind, order, self.deadline))
    }
}

fn begin(kind: &'static str, order: OrderId, at: Timestamp) -> Job {
    Job::new(kind, order, at).about(order.0)
}

pub(super) fn jobs(order: OrderId, event: &Event) -> Vec<JobChange> {
    let begin = |kind, at: Timestamp| begin(kind, order, at).into();
    let end = |kind| JobChange::unschedule(kind, order);
    match event {
        Event::OrderPlaced { pay_by, .. } | Event::PaymentWindowExtended { pay_by } => {
            vec![begin(PAYMENT_WINDOW, *pay_by)]
        }
        Event::OrderPaid { abandon_at, .. } => vec![end(PAYMENT_WINDOW), begin(ABANDON, *abandon_at)],
        Event::OrderOverdue { abandon_at } => vec![begin(ABANDON, *abandon_at)],
        Event::DeliveredHeard { complete_at } => vec![end(ABANDON), begin(AUTO_COMPLETE, *complete_at)],
        Event::OrderCanceled { .. } | Event::OrderRejected { .. } | Event::OrderCompleted { .. } => {
            vec![end(PAYMENT_WINDOW), end(ABANDON), end(AUTO_COMPLETE)]
        }
        Event::PaymentAttempted { .. }
        | Event::PaymentAttemptShared { .. }
        | Event::PaymentDeclined { .. }
        | Event::PaymentPutOff { .. }
        | Event::OrderChangeRequested { .. }
        | Event::OrderChangeChargeDue { .. }
        | Event::OrderChanged { .. }
        | Event::OrderChangeSealed { .. }
        | Event::OrderChangeRefused { .. }
        | Event::OrderCancelRequested { .. }
        | Event::OrderCancelRefused
        | Event::FoodHeard { .. }
        | Event::RefundGranted { .. } => Vec::new(),
    }
}
