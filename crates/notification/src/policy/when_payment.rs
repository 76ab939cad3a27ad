//! What is said when money was not taken, or went back.

use baedal_contracts::payment::Event;

use crate::ask::Draft;
use crate::templates::{Template, var};
use crate::words;

/// What is said at once.
pub(super) fn when_payment_tells(event: Event) -> Vec<Draft> {
    match event {
        Event::PaymentDeclined { reason, .. } => {
            vec![Draft::to_customer(Template::PaymentDeclined).with(var::REASON, words::declined(&reason))]
        }
        Event::PaymentRefunded { amount_krw, .. } => {
            vec![Draft::to_customer(Template::PaymentRefunded).with(var::AMOUNT, words::amount(amount_krw))]
        }
        // Order tells it with what it means: paid, changed, or change refused.
        Event::PaymentApproved { .. } | Event::PaymentAdjusted { .. } | Event::PaymentAdjustmentDeclined { .. } => {
            vec![]
        }
        // Order has said that money comes back; the next news is that it has.
        Event::PaymentRefundDue { .. } => vec![],
    }
}
