//! Changing: at once while it is not paid; afterwards as kitchen and payment say.

use baedal_contracts::ChangeId;
use baedal_contracts::order::{Basket, ChangeRefusal};
use jiff::Timestamp;

use super::super::{Attempt, Event, OrderStatus, Pending, Placed, Refusal, State};
use super::{Decision, NOTHING};
use crate::domain::{HeldBasket, Rules, Wish, WishRefused};

impl Placed {
    /// What the order would be, as its customer wishes. What was asked before and is not answered yet keeps the
    /// price that it was asked at.
    ///
    /// # Errors
    /// The first rule that what differs breaks.
    pub fn wished(&self, wish: Wish, rules: Rules<'_>) -> Result<Basket, WishRefused> {
        match self.pending() {
            Some(Pending::Change { basket, .. }) if wish.is(basket) => Ok(basket.clone()),
            Some(Pending::Change { .. } | Pending::Seal { .. } | Pending::Cancel { .. }) | None => {
                let is_paid = self.status() != OrderStatus::AwaitingPayment;
                wish.change(rules, HeldBasket { basket: &self.basket, is_paid })
            }
        }
    }

    /// What costs more is an attempt to pay.
    pub(super) fn change(&self, change_id: ChangeId, basket: Basket, at_most: u32) -> Decision {
        match &self.state {
            State::AwaitingPayment { attempt: Attempt::Open { .. } } => Err(Refusal::PaymentInProgress),
            State::AwaitingPayment { attempt: Attempt::Declined { .. } | Attempt::PutOff } => {
                Ok(if basket == self.basket { Vec::new() } else { vec![self.changed(change_id, basket)] })
            }
            State::Paid { pending: None } => Ok(if basket == self.basket {
                Vec::new()
            } else {
                let extra_krw = basket.total_krw.less(self.basket.total_krw);
                if !extra_krw.is_zero() && at_most > 0 && self.attempts >= at_most {
                    return Err(Refusal::TooManyAttempts);
                }
                vec![Event::OrderChangeRequested { change_id, basket, extra_krw }]
            }),
            State::Paid { pending: Some(Pending::Change { basket: wished, .. }) } if *wished == basket => NOTHING,
            State::Paid { pending: Some(Pending::Seal { .. }) } if self.basket == basket => NOTHING,
            State::Paid { pending: Some(_) } => Err(Refusal::AnotherRequestPending),
            State::Delivered { .. } => Err(Refusal::CookingStarted),
            State::Completed | State::Canceled { .. } | State::Rejected { .. } => Err(self.ended()),
        }
    }

    pub(super) fn charge_for_change(&self, wished: ChangeId, until: Timestamp, at: Timestamp) -> Vec<Event> {
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
    pub(super) fn change_charged(&self, charged: ChangeId) -> Vec<Event> {
        match self.pending() {
            Some(Pending::Change { change_id, basket, extra_krw, .. })
                if *change_id == charged && !extra_krw.is_zero() =>
            {
                vec![self.changed(charged, basket.clone())]
            }
            Some(Pending::Change { .. } | Pending::Seal { .. } | Pending::Cancel { .. }) | None => Vec::new(),
        }
    }

    pub(super) fn change_charge_declined(&self, declined: ChangeId, failed: bool) -> Vec<Event> {
        match self.pending() {
            Some(Pending::Change { change_id, extra_krw, .. }) if *change_id == declined => {
                let put_off = failed && !extra_krw.is_zero();
                vec![self.change_refused(declined, ChangeRefusal::PaymentDeclined, &self.basket, put_off)]
            }
            Some(Pending::Change { .. } | Pending::Seal { .. } | Pending::Cancel { .. }) | None => Vec::new(),
        }
    }

    /// The kitchen changes at once what costs no more, and seals what was paid for.
    pub(super) fn change_done(&self, done: ChangeId) -> Vec<Event> {
        match self.pending() {
            Some(Pending::Change { change_id, basket, extra_krw, .. }) if *change_id == done && extra_krw.is_zero() => {
                vec![self.changed(done, basket.clone())]
            }
            Some(Pending::Seal { change_id, .. }) if *change_id == done => {
                vec![Event::OrderChangeSealed { change_id: done }]
            }
            // A kitchen does not seal what is not paid for.
            Some(Pending::Change { .. } | Pending::Seal { .. } | Pending::Cancel { .. }) | None => Vec::new(),
        }
    }

    /// The kitchen's word is final, even where its refusal crossed the payment: the old basket is back.
    pub(super) fn refuse_change(&self, refused: ChangeId, reason: ChangeRefusal) -> Vec<Event> {
        match self.pending() {
            Some(Pending::Change { change_id, extra_krw, .. }) if *change_id == refused => {
                vec![self.change_refused(refused, reason, &self.basket, !extra_krw.is_zero())]
            }
            Some(Pending::Seal { change_id, before }) if *change_id == refused => {
                vec![self.change_refused(refused, reason, before, false)]
            }
            Some(Pending::Change { .. } | Pending::Seal { .. } | Pending::Cancel { .. }) | None => Vec::new(),
        }
    }

    fn changed(&self, change_id: ChangeId, basket: Basket) -> Event {
        Event::OrderChanged { change_id, bill: self.bill_for(&basket), basket }
    }

    pub(super) fn change_refused(
        &self,
        change_id: ChangeId,
        reason: ChangeRefusal,
        basket: &Basket,
        put_off: bool,
    ) -> Event {
        Event::OrderChangeRefused { change_id, reason, basket: basket.clone(), bill: self.bill_for(basket), put_off }
    }
}
