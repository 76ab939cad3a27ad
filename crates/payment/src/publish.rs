//! What others hear of what happened to a payment.

use baedal_contracts::OrderId;
use baedal_contracts::payment::Event as Told;
use baedal_kit::bus::{Public, publish_with};
use baedal_kit::{Failure, Recorded};

use crate::domain::Event;

/// The public event of a recorded one, where there is one.
///
/// # Errors
/// [`Failure::Broken`] where what is recorded cannot be read.
pub fn publish(recorded: &Recorded) -> Result<Option<Public>, Failure> {
    publish_with(recorded, |event: Event| {
        let order_id: OrderId = recorded
            .stream_id()
            .parse()
            .map_err(|error| Failure::broken_by(format!("{} is not a payment's stream", recorded.stream), error))?;
        Ok(tell(order_id, event))
    })
}

fn tell(order_id: OrderId, event: Event) -> Option<Told> {
    Some(match event {
        Event::PaymentApproved { attempt_id, amount_krw } => Told::PaymentApproved { order_id, attempt_id, amount_krw },
        // Whether the provider would not or could not: nothing was taken.
        Event::PaymentDeclined { attempt_id, reason } => {
            Told::PaymentDeclined { order_id, attempt_id, reason, failed: false }
        }
        Event::PaymentFailed { attempt_id, reason } => {
            Told::PaymentDeclined { order_id, attempt_id, reason, failed: true }
        }
        Event::PaymentAdjusted { change_id, extra_krw } => Told::PaymentAdjusted { order_id, change_id, extra_krw },
        Event::PaymentAdjustmentDeclined { change_id, reason, failed } => {
            Told::PaymentAdjustmentDeclined { order_id, change_id, reason, failed }
        }
        Event::RefundDue { amount_krw, .. } => Told::PaymentRefundDue { order_id, amount_krw },
        Event::Refunded { amount_krw, refunded_krw, captured_krw, .. } => {
            Told::PaymentRefunded { order_id, amount_krw, refunded_krw, captured_krw }
        }
        // Order said so itself; and whose the money is, is nobody's business but ours.
        Event::AttemptBegun { .. }
        | Event::AttemptGivenUp { .. }
        | Event::OwedChanged { .. }
        | Event::OrderEnded { .. }
        | Event::RefundGranted { .. }
        | Event::DepositDivided(_) => return None,
    })
}
