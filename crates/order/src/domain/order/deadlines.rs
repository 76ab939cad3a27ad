//! The deadlines that begin and end with an order's events, so that every order ends.
//!
//! ```text
//!   awaiting_payment: payment_window      paid: abandon      delivered: auto_complete      ended: none
//! ```

use baedal_contracts::OrderId;
use baedal_kit::Job;
use baedal_kit::database::JobChange;
use jiff::Timestamp;

use super::Event;

/// Nobody paid in time.
pub const PAYMENT_WINDOW: &str = "payment_window";
/// It was not delivered long after it was paid.
pub const ABANDON: &str = "abandon";
/// Nobody confirmed.
pub const AUTO_COMPLETE: &str = "auto_complete";

pub(super) fn jobs(order: OrderId, event: &Event) -> Vec<JobChange> {
    let begin = |kind, at: Timestamp| Job::new(kind, order, at).about(order.0).into();
    let end = |kind| JobChange::unschedule(kind, order);
    match event {
        Event::OrderPlaced { pay_by, .. } => vec![begin(PAYMENT_WINDOW, *pay_by)],
        Event::OrderPaid { abandon_at, .. } => vec![end(PAYMENT_WINDOW), begin(ABANDON, *abandon_at)],
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
        | Event::RefundGranted { .. } => Vec::new(),
    }
}
