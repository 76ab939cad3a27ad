//! What an order is after something happened to it.

use std::collections::BTreeSet;

use baedal_contracts::Won;
use baedal_contracts::order::Basket;
use jiff::Timestamp;

use super::{Attempt, Event, Food, Order, Pending, Placed, State};

pub(super) fn evolve(order: &mut Order, event: &Event, at: Timestamp) {
    if let Event::OrderPlaced { order_no, customer_id, store, basket, pay_by, attempt_id } = event {
        *order = Order::Placed(Box::new(Placed {
            order_no: order_no.clone(),
            customer_id: *customer_id,
            store: store.clone(),
            basket: basket.clone(),
            pay_by: *pay_by,
            paid_at: None,
            food: Food::NotCooked,
            is_overdue: false,
            deadline: *pay_by,
            state: State::AwaitingPayment { attempt: Attempt::Open { attempt_id: *attempt_id, shared: false } },
            attempts: 1,
            refused_change: None,
            given_back_krw: Won::ZERO,
            refunds: BTreeSet::new(),
            version: Placed::FIRST_VERSION,
        }));
    } else if let Order::Placed(placed) = order {
        placed.evolve(event, at);
        placed.version += 1;
    }
}

impl Placed {
    fn evolve(&mut self, event: &Event, at: Timestamp) {
        match event {
            // Handled above: an order is placed once.
            Event::OrderPlaced { .. } => {}
            Event::PaymentAttempted { attempt_id } => {
                self.attempts = self.attempts.saturating_add(1);
                self.attempt_becomes(Attempt::Open { attempt_id: *attempt_id, shared: false });
            }
            Event::PaymentAttemptShared { attempt_id } => {
                self.attempt_becomes(Attempt::Open { attempt_id: *attempt_id, shared: true });
            }
            Event::PaymentDeclined { reason, .. } => {
                self.attempt_becomes(Attempt::Declined { reason: reason.clone() });
            }
            Event::PaymentPutOff { .. } => {
                self.attempts = self.attempts.saturating_sub(1);
                self.attempt_becomes(Attempt::PutOff);
            }
            Event::PaymentWindowExtended { pay_by } => (self.pay_by, self.deadline) = (*pay_by, *pay_by),
            Event::OrderPaid { abandon_at, .. } => {
                self.paid_at = Some(at);
                self.deadline = *abandon_at;
                self.state = State::Paid { pending: None };
            }
            Event::OrderChangeRequested { change_id, basket, extra_krw } => {
                if !extra_krw.is_zero() {
                    self.attempts = self.attempts.saturating_add(1);
                }
                self.pending_becomes(Some(Pending::Change {
                    change_id: *change_id,
                    basket: basket.clone(),
                    extra_krw: *extra_krw,
                    charging: false,
                }));
            }
            Event::OrderChangeChargeDue { .. } => {
                if let State::Paid { pending } | State::Delivered { pending } = &mut self.state
                    && let Some(Pending::Change { charging, .. }) = pending
                {
                    *charging = true;
                }
            }
            Event::OrderChanged { change_id, basket, bill: _ } => {
                let was_paid_more = matches!(
                    self.pending(),
                    Some(Pending::Change { extra_krw, .. }) if !extra_krw.is_zero()
                );
                let before = self.basket_becomes(basket);
                self.pending_becomes(was_paid_more.then_some(Pending::Seal { change_id: *change_id, before }));
            }
            Event::OrderChangeSealed { .. } | Event::OrderCancelRefused => self.pending_becomes(None),
            Event::OrderChangeRefused { change_id, reason, basket, bill: _, put_off } => {
                if *put_off {
                    self.attempts = self.attempts.saturating_sub(1);
                }
                self.basket_becomes(basket);
                self.refused_change = Some((*change_id, *reason));
                self.pending_becomes(None);
            }
            Event::OrderCancelRequested { text } => {
                self.pending_becomes(Some(Pending::Cancel { text: text.clone() }));
            }
            Event::OrderCanceled { reason, text, refund_krw, bill, fault, paid } => {
                self.state = State::Canceled {
                    reason: *reason,
                    text: text.clone(),
                    refund_krw: *refund_krw,
                    in_full: if *paid { bill.owed_krw.is_zero() } else { *refund_krw == bill.total_krw },
                    owed_krw: bill.owed_krw,
                    fault: *fault,
                };
            }
            Event::OrderRejected { reason, .. } => self.state = State::Rejected { reason: *reason },
            Event::FoodHeard { food } => self.food = *food,
            Event::OrderOverdue { abandon_at } => (self.is_overdue, self.deadline) = (true, *abandon_at),
            Event::DeliveredHeard { complete_at } => {
                self.deadline = *complete_at;
                if let State::Paid { pending } = &mut self.state {
                    self.state = State::Delivered { pending: pending.take() };
                }
            }
            Event::OrderCompleted { .. } => self.state = State::Completed,
            Event::RefundGranted { refund_id, amount_krw, bill, .. } => {
                self.refunds.insert(*refund_id);
                match &mut self.state {
                    State::Canceled { owed_krw, .. } => *owed_krw = bill.owed_krw,
                    State::AwaitingPayment { .. }
                    | State::Paid { .. }
                    | State::Delivered { .. }
                    | State::Completed
                    | State::Rejected { .. } => self.given_back_krw = self.given_back_krw.plus(*amount_krw),
                }
            }
        }
    }

    /// What was given back of what it cost before is not given back of what it never cost: more than it
    /// costs now has not been given back of it.
    fn basket_becomes(&mut self, now: &Basket) -> Basket {
        self.given_back_krw = self.given_back_krw.min(now.total_krw);
        std::mem::replace(&mut self.basket, now.clone())
    }

    fn attempt_becomes(&mut self, now: Attempt) {
        if let State::AwaitingPayment { attempt } = &mut self.state {
            *attempt = now;
        }
    }

    fn pending_becomes(&mut self, now: Option<Pending>) {
        if let State::Paid { pending } | State::Delivered { pending } = &mut self.state {
            *pending = now;
        }
    }
}
