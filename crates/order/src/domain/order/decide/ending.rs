//! Ending: with the food, or without.

use baedal_contracts::Won;
use baedal_contracts::order::{CancelReason, ChangeRefusal, Fault};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::super::{Event, Food, OrderStatus, Pending, Placed, Refusal, State};
use super::{Decision, NOTHING};

impl Placed {
    pub(super) fn cancel(&self, text: String) -> Decision {
        match &self.state {
            State::AwaitingPayment { .. } => Ok(vec![self.ends_canceled(CancelReason::Customer, text, None)]),
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
    pub(super) fn cancel_by_operator(&self, text: String, refund_krw: Option<Won>, fault: Fault) -> Decision {
        // What is not paid yet may be paid while the operator looks: then so much would go back.
        let (most, paid) = match &self.state {
            State::AwaitingPayment { .. } => (self.basket.total_krw, false),
            State::Paid { .. } | State::Delivered { .. } => (self.held_krw(), true),
            State::Canceled {
                reason: CancelReason::Operator,
                text: said,
                refund_krw: gone,
                in_full,
                fault: found,
                owed_krw: _,
            } => {
                let is_as_much = refund_krw.map_or(*in_full, |asked| asked == *gone);
                let is_same = is_as_much && *said == text && *found == Some(fault);
                return if is_same { NOTHING } else { Err(self.ended()) };
            }
            State::Completed | State::Canceled { .. } | State::Rejected { .. } => return Err(self.ended()),
        };
        let refund_krw = refund_krw.unwrap_or(most);
        if refund_krw > most {
            return Err(Refusal::RefundTooLarge { held_krw: most });
        }
        // Nobody owes anything for what was neither paid nor cooked.
        let owed_krw = if paid { most.less(refund_krw) } else { Won::ZERO };
        Ok(vec![Event::OrderCanceled {
            reason: CancelReason::Operator,
            text,
            refund_krw,
            bill: self.bill_owing(owed_krw),
            fault: Some(fault),
            paid,
        }])
    }

    /// At any time, as long as anything is held: what is missing is often found when all is over.
    pub(super) fn refund(&self, refund_id: Uuid, amount_krw: Won, reason: String, fault: Fault) -> Decision {
        if self.refunds.contains(&refund_id) {
            return NOTHING;
        }
        let held_krw = self.held_krw();
        if amount_krw > held_krw {
            return Err(Refusal::RefundTooLarge { held_krw });
        }
        let bill = self.bill_owing(held_krw.less(amount_krw));
        Ok(vec![Event::RefundGranted { refund_id, amount_krw, reason, fault, bill }])
    }

    pub(super) fn grant_cancel(&self) -> Vec<Event> {
        match self.pending() {
            Some(Pending::Cancel { text }) => vec![self.ends_canceled(CancelReason::Customer, text.clone(), None)],
            // Withdrawn because the order has ended.
            Some(Pending::Change { .. } | Pending::Seal { .. }) | None => Vec::new(),
        }
    }

    pub(super) fn refuse_cancel(&self) -> Vec<Event> {
        match self.pending() {
            Some(Pending::Cancel { .. }) => vec![Event::OrderCancelRefused],
            Some(Pending::Change { .. } | Pending::Seal { .. }) | None => Vec::new(),
        }
    }

    pub(super) fn confirm(&self) -> Decision {
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

    /// Nobody has paid. As long as payment could not be asked, and for a while after that, it waits on.
    pub(super) fn expire(
        &self,
        askable_since: Option<Timestamp>,
        at_least: SignedDuration,
        at: Timestamp,
    ) -> Vec<Event> {
        match self.state {
            State::AwaitingPayment { .. } => {
                let pay_by = askable_since.unwrap_or(at).checked_add(at_least).unwrap_or(at);
                vec![if pay_by > at {
                    Event::PaymentWindowExtended { pay_by }
                } else {
                    self.ends_canceled(CancelReason::PaymentExpired, String::new(), None)
                }]
            }
            State::Paid { .. } | State::Delivered { .. } => Vec::new(),
            State::Completed | State::Canceled { .. } | State::Rejected { .. } => Vec::new(),
        }
    }

    /// Nobody has delivered it. What a rider has may still come: the operator is to look first.
    pub(super) fn abandon(&self, carried_for: SignedDuration, at: Timestamp) -> Vec<Event> {
        match self.state {
            State::Paid { .. } if self.food == Food::PickedUp && !self.is_overdue => {
                vec![Event::OrderOverdue { abandon_at: at + carried_for }]
            }
            State::Paid { .. } => {
                vec![self.ends_canceled(CancelReason::Abandoned, String::new(), Some(self.food.fault()))]
            }
            State::AwaitingPayment { .. } | State::Delivered { .. } => Vec::new(),
            State::Completed | State::Canceled { .. } | State::Rejected { .. } => Vec::new(),
        }
    }

    /// What the kitchen has not answered by now was asked too late.
    pub(super) fn complete_by_itself(&self) -> Vec<Event> {
        let State::Delivered { pending } = &self.state else { return Vec::new() };
        let unanswered = match pending {
            Some(Pending::Cancel { .. }) => Some(Event::OrderCancelRefused),
            Some(Pending::Change { change_id, extra_krw, .. }) => {
                let put_off = !extra_krw.is_zero();
                Some(self.change_refused(*change_id, ChangeRefusal::CookingStarted, &self.basket, put_off))
            }
            Some(Pending::Seal { .. }) | None => None,
        };
        unanswered.into_iter().chain([self.completed(true)]).collect()
    }

    pub(super) fn completed(&self, by_itself: bool) -> Event {
        Event::OrderCompleted {
            customer_id: self.customer_id,
            store_id: self.store.store_id,
            by_itself,
            bill: self.bill(),
        }
    }

    pub(super) fn ends_canceled(&self, reason: CancelReason, text: String, fault: Option<Fault>) -> Event {
        let paid = self.status() != OrderStatus::AwaitingPayment;
        let (refund_krw, bill) = (self.held_krw(), self.bill_owing(Won::ZERO));
        Event::OrderCanceled { reason, text, refund_krw, bill, fault, paid }
    }

    pub(super) fn ended(&self) -> Refusal {
        Refusal::AlreadyFinal(self.status())
    }
}
