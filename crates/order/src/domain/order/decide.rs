//! Decides what may happen to an order.

use baedal_contracts::order::{Basket, CancelReason, ChangeRefusal, Fault};
use baedal_contracts::{AttemptId, ChangeId, Won};
use jiff::Timestamp;

use super::{Attempt, Command, Event, Order, OrderStatus, Pending, Placed, Refusal, State};

type Decision = Result<Vec<Event>, Refusal>;

/// It has happened before, or something else overtook it.
const NOTHING: Decision = Ok(Vec::new());

pub(super) fn decide(order: &Order, command: Command, at: Timestamp) -> Decision {
    let order = match order {
        Order::NotPlaced => return decide_unplaced(command, at),
        Order::Placed(order) => order,
    };
    match command {
        Command::Place { .. } => Err(Refusal::AlreadyPlaced),
        Command::Pay { attempt_id } => order.pay(attempt_id, at),
        Command::Change { change_id, basket } => order.change(change_id, basket),
        Command::Cancel { text } => order.cancel(text),
        Command::CancelByOperator { text, refund_krw, fault } => order.cancel_by_operator(text, refund_krw, fault),
        Command::Confirm => order.confirm(),
        Command::Approve { amount_krw, abandon_after } => Ok(order.approve(amount_krw, at + abandon_after)),
        Command::Decline { attempt_id, reason } => Ok(order.decline(attempt_id, reason)),
        Command::PutOff { attempt_id, answered } => Ok(order.put_off(attempt_id, answered)),
        Command::ChargeForChange { change_id, until } => Ok(order.charge_for_change(change_id, until, at)),
        Command::ChangeCharged { change_id } => Ok(order.change_charged(change_id)),
        Command::ChangeChargeDeclined { change_id } => Ok(order.change_charge_declined(change_id)),
        Command::ChangeDone { change_id } => Ok(order.change_done(change_id)),
        Command::RefuseChange { change_id, reason } => Ok(order.refuse_change(change_id, reason)),
        Command::GrantCancel => Ok(order.grant_cancel()),
        Command::RefuseCancel => Ok(order.refuse_cancel()),
        Command::Reject { reason, text } => Ok(match order.state {
            State::Paid { .. } => vec![Event::OrderRejected { reason, text }],
            // The kitchen never sees an unpaid order, and never rejects one that it has cooked.
            State::AwaitingPayment { .. } | State::Delivered { .. } => Vec::new(),
            State::Completed | State::Canceled { .. } | State::Rejected { .. } => Vec::new(),
        }),
        Command::HearDelivered { auto_complete_after } => Ok(match order.state {
            State::Paid { .. } => vec![Event::DeliveredHeard { complete_at: at + auto_complete_after }],
            State::AwaitingPayment { .. } | State::Delivered { .. } => Vec::new(),
            // Canceled on the doorstep: it stays canceled.
            State::Completed | State::Canceled { .. } | State::Rejected { .. } => Vec::new(),
        }),
        Command::Expire => Ok(match order.state {
            State::AwaitingPayment { .. } => vec![order.ends_canceled(CancelReason::PaymentExpired, String::new())],
            State::Paid { .. } | State::Delivered { .. } => Vec::new(),
            State::Completed | State::Canceled { .. } | State::Rejected { .. } => Vec::new(),
        }),
        Command::Abandon => Ok(match order.state {
            State::Paid { .. } => vec![order.ends_canceled(CancelReason::Abandoned, String::new())],
            State::AwaitingPayment { .. } | State::Delivered { .. } => Vec::new(),
            State::Completed | State::Canceled { .. } | State::Rejected { .. } => Vec::new(),
        }),
        Command::CompleteByItself => Ok(order.complete_by_itself()),
    }
}

fn decide_unplaced(command: Command, at: Timestamp) -> Decision {
    match command {
        Command::Place { order_no, customer_id, store, basket, payment_window, attempt_id } => {
            let pay_by = at + payment_window;
            Ok(vec![Event::OrderPlaced { order_no, customer_id, store, basket, pay_by, attempt_id }])
        }
        Command::Pay { .. }
        | Command::Change { .. }
        | Command::Cancel { .. }
        | Command::CancelByOperator { .. }
        | Command::Confirm => Err(Refusal::NotPlaced),
        Command::Approve { .. }
        | Command::Decline { .. }
        | Command::PutOff { .. }
        | Command::ChargeForChange { .. }
        | Command::ChangeCharged { .. }
        | Command::ChangeChargeDeclined { .. }
        | Command::ChangeDone { .. }
        | Command::RefuseChange { .. }
        | Command::GrantCancel
        | Command::RefuseCancel
        | Command::Reject { .. }
        | Command::HearDelivered { .. }
        | Command::Expire
        | Command::Abandon
        | Command::CompleteByItself => NOTHING,
    }
}

/// Paying.
impl Placed {
    fn pay(&self, new: AttemptId, at: Timestamp) -> Decision {
        match &self.state {
            State::AwaitingPayment { .. } if at >= self.pay_by => Err(Refusal::PaymentWindowOver),
            State::AwaitingPayment { attempt } => Ok(match attempt {
                Attempt::Open { shared: true, .. } => Vec::new(),
                Attempt::Open { attempt_id, shared: false } => {
                    vec![Event::PaymentAttemptShared { attempt_id: *attempt_id }]
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
    fn approve(&self, amount_krw: Won, abandon_at: Timestamp) -> Vec<Event> {
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

    fn decline(&self, attempt_id: AttemptId, reason: String) -> Vec<Event> {
        if self.open_attempt() == Some(attempt_id) {
            vec![Event::PaymentDeclined { attempt_id, reason }]
        } else {
            Vec::new()
        }
    }

    /// Who did not send a shared attempt does not know whether the other did: it stays open.
    fn put_off(&self, attempt_id: AttemptId, answered: bool) -> Vec<Event> {
        match self.attempt() {
            Some(Attempt::Open { attempt_id: open, shared }) if *open == attempt_id && (answered || !shared) => {
                vec![Event::PaymentPutOff { attempt_id }]
            }
            Some(Attempt::Open { .. } | Attempt::Declined { .. } | Attempt::PutOff) | None => Vec::new(),
        }
    }
}

/// Changing.
impl Placed {
    fn change(&self, change_id: ChangeId, basket: Basket) -> Decision {
        match &self.state {
            State::AwaitingPayment { attempt: Attempt::Open { .. } } => Err(Refusal::PaymentInProgress),
            State::AwaitingPayment { attempt: Attempt::Declined { .. } | Attempt::PutOff } => {
                Ok(if basket == self.basket { Vec::new() } else { vec![Event::OrderChanged { change_id, basket }] })
            }
            State::Paid { pending: None } => Ok(if basket == self.basket {
                Vec::new()
            } else {
                let extra_krw = basket.total_krw.less(self.basket.total_krw);
                vec![Event::OrderChangeRequested { change_id, basket, extra_krw }]
            }),
            State::Paid { pending: Some(Pending::Change { basket: wished, .. }) } if *wished == basket => NOTHING,
            State::Paid { pending: Some(Pending::Seal { .. }) } if self.basket == basket => NOTHING,
            State::Paid { pending: Some(_) } => Err(Refusal::AnotherRequestPending),
            State::Delivered { .. } => Err(Refusal::CookingStarted),
            State::Completed | State::Canceled { .. } | State::Rejected { .. } => Err(self.ended()),
        }
    }

    fn charge_for_change(&self, wished: ChangeId, until: Timestamp, at: Timestamp) -> Vec<Event> {
        match self.pending() {
            Some(Pending::Change { change_id, extra_krw, charging: false, .. }) if *change_id == wished => {
                // Too late to be told: the kitchen has gone on and says so itself.
                if at >= until {
                    return Vec::new();
                }
                vec![Event::OrderChangeChargeDue { change_id: wished, extra_krw: *extra_krw, until }]
            }
            Some(Pending::Change { .. } | Pending::Seal { .. } | Pending::Cancel { .. }) | None => Vec::new(),
        }
    }

    /// Where the change was refused meanwhile, payment has heard what is owed and gives the extra back.
    fn change_charged(&self, charged: ChangeId) -> Vec<Event> {
        match self.pending() {
            Some(Pending::Change { change_id, basket, extra_krw, .. })
                if *change_id == charged && !extra_krw.is_zero() =>
            {
                vec![Event::OrderChanged { change_id: charged, basket: basket.clone() }]
            }
            Some(Pending::Change { .. } | Pending::Seal { .. } | Pending::Cancel { .. }) | None => Vec::new(),
        }
    }

    fn change_charge_declined(&self, declined: ChangeId) -> Vec<Event> {
        match self.pending() {
            Some(Pending::Change { change_id, .. }) if *change_id == declined => {
                vec![self.change_refused(declined, ChangeRefusal::PaymentDeclined, &self.basket)]
            }
            Some(Pending::Change { .. } | Pending::Seal { .. } | Pending::Cancel { .. }) | None => Vec::new(),
        }
    }

    /// The kitchen changes at once what costs no more, and seals what was paid for.
    fn change_done(&self, done: ChangeId) -> Vec<Event> {
        match self.pending() {
            Some(Pending::Change { change_id, basket, extra_krw, .. })
                if *change_id == done && extra_krw.is_zero() =>
            {
                vec![Event::OrderChanged { change_id: done, basket: basket.clone() }]
            }
            Some(Pending::Seal { change_id, .. }) if *change_id == done => {
                vec![Event::OrderChangeSealed { change_id: done }]
            }
            // A kitchen does not seal what is not paid for.
            Some(Pending::Change { .. } | Pending::Seal { .. } | Pending::Cancel { .. }) | None => Vec::new(),
        }
    }

    /// The kitchen's word is final, even where its refusal crossed the payment: the old basket is back.
    fn refuse_change(&self, refused: ChangeId, reason: ChangeRefusal) -> Vec<Event> {
        match self.pending() {
            Some(Pending::Change { change_id, .. }) if *change_id == refused => {
                vec![self.change_refused(refused, reason, &self.basket)]
            }
            Some(Pending::Seal { change_id, before }) if *change_id == refused => {
                vec![self.change_refused(refused, reason, before)]
            }
            Some(Pending::Change { .. } | Pending::Seal { .. } | Pending::Cancel { .. }) | None => Vec::new(),
        }
    }

    fn change_refused(&self, change_id: ChangeId, reason: ChangeRefusal, basket: &Basket) -> Event {
        Event::OrderChangeRefused { change_id, reason, basket: basket.clone() }
    }
}

/// Ending.
impl Placed {
    fn cancel(&self, text: String) -> Decision {
        match &self.state {
            State::AwaitingPayment { .. } => Ok(vec![self.ends_canceled(CancelReason::Customer, text)]),
            State::Paid { pending: None } => Ok(vec![Event::OrderCancelRequested { text }]),
            State::Paid { pending: Some(Pending::Cancel { .. }) } => NOTHING,
            State::Paid { pending: Some(Pending::Change { .. } | Pending::Seal { .. }) } => {
                Err(Refusal::AnotherRequestPending)
            }
            State::Delivered { .. } => Err(Refusal::CookingStarted),
            State::Canceled { reason: CancelReason::Customer, .. } => NOTHING,
            State::Completed | State::Canceled { .. } | State::Rejected { .. } => Err(self.ended()),
        }
    }

    /// At any time, and by the order alone: the kitchen and the delivery follow.
    fn cancel_by_operator(&self, text: String, refund_krw: Option<Won>, fault: Fault) -> Decision {
        let total_krw = self.basket.total_krw;
        let refund_krw = refund_krw.unwrap_or(total_krw);
        let paid = match &self.state {
            State::AwaitingPayment { .. } => false,
            State::Paid { .. } | State::Delivered { .. } => true,
            State::Canceled { reason: CancelReason::Operator, .. } => return NOTHING,
            State::Completed | State::Canceled { .. } | State::Rejected { .. } => return Err(self.ended()),
        };
        if refund_krw > total_krw {
            return Err(Refusal::RefundTooLarge { total_krw });
        }
        Ok(vec![Event::OrderCanceled {
            reason: CancelReason::Operator,
            text,
            // Nobody owes anything for what was neither paid nor cooked.
            owed_krw: if paid { total_krw.less(refund_krw) } else { Won::ZERO },
            fault: Some(fault),
            paid,
        }])
    }

    fn grant_cancel(&self) -> Vec<Event> {
        match self.pending() {
            Some(Pending::Cancel { text }) => vec![self.ends_canceled(CancelReason::Customer, text.clone())],
            // Withdrawn because the order has ended.
            Some(Pending::Change { .. } | Pending::Seal { .. }) | None => Vec::new(),
        }
    }

    fn refuse_cancel(&self) -> Vec<Event> {
        match self.pending() {
            Some(Pending::Cancel { .. }) => vec![Event::OrderCancelRefused],
            Some(Pending::Change { .. } | Pending::Seal { .. }) | None => Vec::new(),
        }
    }

    fn confirm(&self) -> Decision {
        match &self.state {
            State::Delivered { pending: None } => Ok(vec![self.completed(false)]),
            // The kitchen has answered before the rider delivered; its word is on the way, and may be
            // about money.
            State::Delivered { pending: Some(_) } => Err(Refusal::AnotherRequestPending),
            State::AwaitingPayment { .. } | State::Paid { .. } => Err(Refusal::NotDelivered),
            State::Completed => NOTHING,
            State::Canceled { .. } | State::Rejected { .. } => Err(self.ended()),
        }
    }

    /// What the kitchen has not answered by now was asked too late.
    fn complete_by_itself(&self) -> Vec<Event> {
        let State::Delivered { pending } = &self.state else { return Vec::new() };
        let unanswered = match pending {
            Some(Pending::Cancel { .. }) => Some(Event::OrderCancelRefused),
            Some(Pending::Change { change_id, .. }) => {
                Some(self.change_refused(*change_id, ChangeRefusal::CookingStarted, &self.basket))
            }
            Some(Pending::Seal { .. }) | None => None,
        };
        unanswered.into_iter().chain([self.completed(true)]).collect()
    }

    fn completed(&self, by_itself: bool) -> Event {
        Event::OrderCompleted { customer_id: self.customer_id, store_id: self.store.store_id, by_itself }
    }

    fn ends_canceled(&self, reason: CancelReason, text: String) -> Event {
        let paid = self.status() != OrderStatus::AwaitingPayment;
        Event::OrderCanceled { reason, text, owed_krw: Won::ZERO, fault: None, paid }
    }

    fn ended(&self) -> Refusal {
        Refusal::AlreadyFinal(self.status())
    }
}
