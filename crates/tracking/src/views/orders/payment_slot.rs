//! What payment said of an order: what was taken, what went back, what is still to go back.

use baedal_contracts::Won;
use baedal_contracts::payment::Event;
use serde::{Deserialize, Serialize};

/// The payment's slot.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct PaymentSlot {
    /// Taken, in all.
    pub(crate) captured_krw: Won,
    /// Gone back, in all.
    pub(crate) refunded_krw: Won,
    /// Ever due to go back, what has gone back included.
    pub(crate) promised_krw: Won,
    /// Why the last attempt to pay took nothing; nothing once one has.
    pub(crate) declined: Option<String>,
}

impl PaymentSlot {
    pub(crate) fn handle(&mut self, event: Event) {
        match event {
            Event::PaymentApproved { amount_krw, .. } => {
                self.captured_krw = self.captured_krw.plus(amount_krw);
                self.declined = None;
            }
            Event::PaymentDeclined { reason, .. } => self.declined = Some(reason),
            Event::PaymentAdjusted { extra_krw, .. } => self.captured_krw = self.captured_krw.plus(extra_krw),
            // Order tells that the change is refused for it.
            Event::PaymentAdjustmentDeclined { .. } => {}
            Event::PaymentRefundDue { amount_krw, .. } => self.promised_krw = self.promised_krw.plus(amount_krw),
            Event::PaymentRefunded { refunded_krw, .. } => self.refunded_krw = refunded_krw,
        }
    }
}
