//! Paying: attempts, and what became of them.

use baedal_contracts::{AttemptId, Won};
use jiff::Timestamp;

use super::super::{Attempt, Event, Placed, Refusal, State};
use super::{Decision, NOTHING};

impl Placed {
    /// As long as it waits to be paid it can be, also where its time is over and nobody has ended it yet.
    pub(super) fn pay(&self, new: AttemptId, at_most: u32) -> Decision {
        match &self.state {
            State::AwaitingPayment { attempt } => Ok(match attempt {
                Attempt::Open { shared: true, .. } => Vec::new(),
                Attempt::Open { attempt_id, shared: false } => {
                    vec![Event::PaymentAttemptShared { attempt_id: *attempt_id }]
                }
                Attempt::Declined { .. } | Attempt::PutOff if at_most > 0 && self.attempts >= at_most => {
                    return Err(Refusal::TooManyAttempts);
                }
                Attempt::Declined { .. } | Attempt::PutOff => vec![Event::PaymentAttempted { attempt_id: new }],
            }),
            // Paying again while it was being verified finds that it is paid: nothing more to pay.
            State::Paid { .. } | State::Delivered { .. } => NOTHING,
            State::Completed | State::Canceled { .. } | State::Rejected { .. } => Err(self.ended()),
        }
    }

    /// By whichever attempt the money came: it is here. Less than the order costs does not pay for it;
    /// that cannot happen while no order changes under an open attempt, and if it did, payment would
    /// give it back when the order expires.
    pub(super) fn approve(&self, amount_krw: Won, abandon_at: Timestamp) -> Vec<Event> {
        match &self.state {
            State::AwaitingPayment { .. } if amount_krw >= self.basket.total_krw => vec![Event::OrderPaid {
                order_no: self.order_no.clone(),
                customer_id: self.customer_id,
                store: self.store.clone(),
                basket: self.basket.clone(),
                abandon_at,
            }],
            State::AwaitingPayment { .. } | State::Paid { .. } | State::Delivered { .. } => Vec::new(),
            // Payment has heard that nothing is owed, and gives it back by itself.
            State::Completed | State::Canceled { .. } | State::Rejected { .. } => Vec::new(),
        }
    }

    pub(super) fn decline(&self, attempt_id: AttemptId, reason: String) -> Vec<Event> {
        if self.open_attempt() == Some(attempt_id) {
            vec![Event::PaymentDeclined { attempt_id, reason }]
        } else {
            Vec::new()
        }
    }

    /// Who did not send a shared attempt does not know whether the other did: it stays open.
    pub(super) fn put_off(&self, attempt_id: AttemptId, answered: bool) -> Vec<Event> {
        match self.attempt() {
            Some(Attempt::Open { attempt_id: open, shared }) if *open == attempt_id && (answered || !shared) => {
                vec![Event::PaymentPutOff { attempt_id }]
            }
            Some(Attempt::Open { .. } | Attempt::Declined { .. } | Attempt::PutOff) | None => Vec::new(),
        }
    }
}
