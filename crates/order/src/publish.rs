//! Which of order's events others hear of, and as what.

use baedal_contracts::OrderId;
use baedal_contracts::order::Event as Told;
use baedal_kit::bus::{Public, publish_with};
use baedal_kit::{Failure, Recorded};

use crate::domain::Event;

/// The public event of a recorded one, where it is published.
///
/// # Errors
/// Where the recorded event cannot be read.
pub fn publish(recorded: &Recorded) -> Result<Option<Public>, Failure> {
    let order_id: OrderId = recorded
        .stream_id()
        .parse()
        .map_err(|error| Failure::broken_by(format!("{} is no order's stream", recorded.stream), error))?;
    publish_with(recorded, |event| Ok(tell(order_id, recorded.version, event)))
}

fn tell(order_id: OrderId, version: u64, event: Event) -> Option<Told> {
    Some(match event {
        Event::OrderPlaced { order_no, customer_id, store, basket, pay_by, attempt_id: _ } => {
            Told::OrderPlaced { order_id, order_no, customer_id, store, basket, pay_by }
        }
        Event::OrderPaid { order_no, customer_id, store, basket, abandon_at: _ } => {
            Told::OrderPaid { order_id, order_no, customer_id, store, basket }
        }
        Event::PaymentWindowExtended { pay_by } => Told::PaymentWindowExtended { order_id, pay_by },
        Event::OrderChangeRequested { change_id, basket, extra_krw } => {
            Told::OrderChangeRequested { order_id, change_id, basket, extra_krw }
        }
        Event::OrderChangeChargeDue { change_id, extra_krw, until } => {
            Told::OrderChangeChargeDue { order_id, change_id, extra_krw, until, version }
        }
        Event::OrderChanged { change_id, basket, bill } => {
            Told::OrderChanged { order_id, change_id, basket, bill: Some(bill), version }
        }
        Event::OrderChangeRefused { change_id, reason, basket, bill, put_off: _ } => {
            Told::OrderChangeRefused { order_id, change_id, reason, basket, bill: Some(bill), version }
        }
        Event::OrderCancelRequested { text } => Told::OrderCancelRequested { order_id, text },
        Event::OrderCancelRefused => Told::OrderCancelRefused { order_id },
        Event::OrderOverdue { abandon_at } => Told::OrderOverdue { order_id, abandon_at },
        Event::OrderCanceled { reason, text, refund_krw: _, bill, fault, paid } => {
            let owed_krw = bill.owed_krw;
            Told::OrderCanceled { order_id, reason, text, owed_krw, fault, paid, bill: Some(bill), version }
        }
        Event::OrderRejected { reason, text } => Told::OrderRejected { order_id, reason, text, version },
        Event::OrderCompleted { customer_id, store_id, by_itself, bill } => {
            Told::OrderCompleted { order_id, customer_id, store_id, by_itself, bill: Some(bill), version }
        }
        Event::RefundGranted { refund_id, amount_krw, reason, fault, bill } => {
            Told::OrderRefundGranted { order_id, refund_id, amount_krw, reason, fault, bill, version }
        }
        // Between order and payment; payment tells what became of the money.
        Event::PaymentAttempted { .. }
        | Event::PaymentAttemptShared { .. }
        | Event::PaymentDeclined { .. }
        | Event::PaymentPutOff { .. } => return None,
        // The others heard it from the kitchen and from the rider.
        Event::OrderChangeSealed { .. } | Event::FoodHeard { .. } | Event::DeliveredHeard { .. } => return None,
    })
}
