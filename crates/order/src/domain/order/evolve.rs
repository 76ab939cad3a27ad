//! What an order is after something happened to it.

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
            refused_change: None,
        }));
    } else if let Order::Placed(placed) = order {
        placed.evolve(event, at);
    }
}

impl Placed {
    fn evolve(&mut self, event: &Event, at: Timestamp) {
        match event {
            // Handled above: an order is placed once.
            Event::OrderPlaced { .. } => {}
            Event::PaymentAttempted { attempt_id } => {
                self.attempt_becomes(Attempt::Open { attempt_id: *attempt_id, shared: false });
            }
            Event::PaymentAttemptShared { attempt_id } => {
                self.attempt_becomes(Attempt::Open { attempt_id: *attempt_id, shared: true });
            }
            Event::PaymentDeclined { reason, .. } => {
                self.attempt_becomes(Attempt::Declined { reason: reason.clone() });
            }
            Event::PaymentPutOff { .. } => self.attempt_becomes(Attempt::PutOff),
            Event::PaymentWindowExtended { pay_by } => (self.pay_by, self.deadline) = (*pay_by, *pay_by),
            Event::OrderPaid { abandon_at, .. } => {
                self.paid_at = Some(at);
                self.deadline = *abandon_at;
                self.state = State::Paid { pending: None };
            }
            Event::OrderChangeRequested { change_id, basket, extra_krw } => {
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
            Event::OrderChanged { change_id, basket } => {
                let was_paid_more = matches!(
                    self.pending(),
                    Some(Pending::Change { extra_krw, .. }) if !extra_krw.is_zero()
                );
                let before = std::mem::replace(&mut self.basket, basket.clone());
                self.pending_becomes(was_paid_more.then_some(Pending::Seal { change_id: *change_id, before }));
            }
            Event::OrderChangeSealed { .. } | Event::OrderCancelRefused => self.pending_becomes(None),
            Event::OrderChangeRefused { change_id, reason, basket } => {
                self.basket = basket.clone();
                self.refused_change = Some((*change_id, *reason));
                self.pending_becomes(None);
            }
            Event::OrderCancelRequested { text } => {
                self.pending_becomes(Some(Pending::Cancel { text: text.clone() }));
            }
            Event::OrderCanceled { reason, owed_krw, fault, .. } => {
                self.state = State::Canceled { reason: *reason, owed_krw: *owed_krw, fault: *fault };
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
        }
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
