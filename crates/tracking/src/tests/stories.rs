//! Orders' lives: the good one, and one for every compensation of the domain. In each, the events stand in
//! an order in which they could have happened.

use baedal_contracts::order::{CancelReason, ChangeRefusal};
use baedal_contracts::store::RejectReason;

use super::events::{OTHER_RIDER, Of, RIDER, chickens};
use crate::views::orders::heard::Heard;

/// All of them, by name.
pub(super) fn all(of: Of) -> Vec<(&'static str, Vec<Heard>)> {
    vec![
        ("delivered", delivered(of)),
        ("payment expired", payment_expired(of)),
        ("paid after a decline", paid_after_a_decline(of)),
        ("out of stock", out_of_stock(of)),
        ("rejected", rejected(of, RejectReason::TooBusy)),
        ("never answered", rejected(of, RejectReason::StoreTimeout)),
        ("canceled in time", canceled_in_time(of)),
        ("canceled too late", canceled_too_late(of)),
        ("changed for more", changed_for_more(of)),
        ("changed for more after a refund", changed_for_more_after_a_refund(of)),
        ("changed for more, declined", changed_for_more_declined(of)),
        ("changed for more, too slow", changed_for_more_too_slow(of)),
        ("changed for less", changed_for_less(of)),
        ("changed too late", changed_too_late(of)),
        ("paid after cancel", paid_after_cancel(of)),
        ("refund under way", refund_under_way(of)),
        ("claim released", claim_released(of)),
        ("abandoned", abandoned(of)),
        ("canceled by an operator", canceled_by_an_operator(of)),
        ("refunded after the end", refunded_after_the_end(of)),
    ]
}

fn paid(of: Of) -> Vec<Heard> {
    vec![of.placed(), of.approved(21_000), of.paid(), of.ticket_opened()]
}

fn cooked(of: Of) -> Vec<Heard> {
    let cooked = [of.ticket_accepted(), of.cook_started(), of.cook_finished(), of.delivery_requested()];
    paid(of).into_iter().chain(cooked).collect()
}

fn and(mut story: Vec<Heard>, rest: impl IntoIterator<Item = Heard>) -> Vec<Heard> {
    story.extend(rest);
    story
}

pub(super) fn delivered(of: Of) -> Vec<Heard> {
    let rest = [of.claimed(RIDER), of.picked_up(RIDER), of.delivered(RIDER), of.completed(), of.thanks_sent()];
    and(cooked(of), rest)
}

pub(super) fn refunded_after_the_end(of: Of) -> Vec<Heard> {
    let rest = [of.refund_granted(2_000, 19_000), of.refund_due(2_000), of.refunded(2_000, 21_000)];
    and(delivered(of), rest)
}

pub(super) fn payment_expired(of: Of) -> Vec<Heard> {
    vec![of.placed(), of.declined(), of.canceled(CancelReason::PaymentExpired, 0)]
}

pub(super) fn paid_after_a_decline(of: Of) -> Vec<Heard> {
    vec![of.placed(), of.declined(), of.approved(21_000), of.paid(), of.ticket_opened()]
}

/// The ticket was never open: the kitchen said no at once.
pub(super) fn out_of_stock(of: Of) -> Vec<Heard> {
    vec![
        of.placed(),
        of.approved(21_000),
        of.paid(),
        of.ticket_rejected(RejectReason::OutOfStock),
        of.rejected(RejectReason::OutOfStock),
        of.refund_due(21_000),
        of.refunded(21_000, 21_000),
    ]
}

pub(super) fn rejected(of: Of, reason: RejectReason) -> Vec<Heard> {
    let rest = [of.ticket_rejected(reason), of.rejected(reason), of.refund_due(21_000), of.refunded(21_000, 21_000)];
    and(paid(of), rest)
}

pub(super) fn canceled_in_time(of: Of) -> Vec<Heard> {
    let rest = [
        of.ticket_accepted(),
        of.cancel_requested(),
        of.ticket_canceled(),
        of.canceled(CancelReason::Customer, 0),
        of.refund_due(21_000),
        of.refunded(21_000, 21_000),
    ];
    and(paid(of), rest)
}

pub(super) fn canceled_too_late(of: Of) -> Vec<Heard> {
    let rest = [
        of.ticket_accepted(),
        of.cook_started(),
        of.cancel_requested(),
        of.ticket_cancel_refused(),
        of.cancel_refused(),
    ];
    and(paid(of), rest)
}

fn change_for_more(of: Of) -> Vec<Heard> {
    let rest = [of.change_requested(chickens(2), 18_000), of.ticket_change_reserved(), of.change_charge_due(18_000)];
    and(paid(of), rest)
}

pub(super) fn changed_for_more(of: Of) -> Vec<Heard> {
    and(change_for_more(of), [of.adjusted(18_000), of.changed(chickens(2)), of.ticket_changed(chickens(2))])
}

/// While the kitchen looks at what is asked for, an operator gives a little back.
pub(super) fn changed_for_more_after_a_refund(of: Of) -> Vec<Heard> {
    let asked = [of.change_requested(chickens(2), 18_000), of.refund_granted(1_000, 20_000), of.refund_due(1_000)];
    let sealed = [of.refunded(1_000, 21_000), of.ticket_change_reserved(), of.change_charge_due(18_000)];
    let changed = [of.adjusted(18_000), of.changed_and_billed(chickens(2), 1_000), of.ticket_changed(chickens(2))];
    and(and(and(paid(of), asked), sealed), changed.into_iter().chain([of.completed()]))
}

pub(super) fn changed_for_more_declined(of: Of) -> Vec<Heard> {
    let rest = [of.adjustment_declined(), of.change_refused(ChangeRefusal::PaymentDeclined, chickens(1))];
    and(change_for_more(of), rest)
}

/// The kitchen went on without the change while the order was told that it was paid for.
pub(super) fn changed_for_more_too_slow(of: Of) -> Vec<Heard> {
    let rest = [
        of.adjusted(18_000),
        of.changed(chickens(2)),
        of.ticket_change_refused(ChangeRefusal::PaymentTimeout),
        of.change_refused(ChangeRefusal::PaymentTimeout, chickens(1)),
        of.refund_due(18_000),
        of.refunded(18_000, 39_000),
    ];
    and(change_for_more(of), rest)
}

pub(super) fn changed_for_less(of: Of) -> Vec<Heard> {
    let mut less = chickens(1);
    less.delivery_fee_krw = baedal_contracts::Won(1_000);
    less.total_krw = baedal_contracts::Won(19_000);
    let rest = [
        of.change_requested(less.clone(), 0),
        of.ticket_changed(less.clone()),
        of.changed(less),
        of.refund_due(2_000),
        of.refunded(2_000, 21_000),
    ];
    and(paid(of), rest)
}

pub(super) fn changed_too_late(of: Of) -> Vec<Heard> {
    let rest = [
        of.ticket_accepted(),
        of.cook_started(),
        of.change_requested(chickens(2), 18_000),
        of.ticket_change_refused(ChangeRefusal::CookingStarted),
        of.change_refused(ChangeRefusal::CookingStarted, chickens(1)),
    ];
    and(paid(of), rest)
}

pub(super) fn paid_after_cancel(of: Of) -> Vec<Heard> {
    vec![
        of.placed(),
        of.canceled(CancelReason::PaymentExpired, 0),
        of.approved(21_000),
        of.refund_due(21_000),
        of.refunded(21_000, 21_000),
    ]
}

/// The provider has not given it back yet.
pub(super) fn refund_under_way(of: Of) -> Vec<Heard> {
    let reason = RejectReason::Closed;
    and(paid(of), [of.ticket_rejected(reason), of.rejected(reason), of.refund_due(21_000)])
}

pub(super) fn claim_released(of: Of) -> Vec<Heard> {
    let rest = [of.claimed(RIDER), of.released(RIDER), of.escalated(), of.claimed(OTHER_RIDER)];
    and(cooked(of), rest)
}

pub(super) fn abandoned(of: Of) -> Vec<Heard> {
    let rest = [
        of.escalated(),
        of.canceled(CancelReason::Abandoned, 0),
        of.ticket_canceled(),
        of.delivery_canceled(None),
        of.refund_due(21_000),
        of.refunded(21_000, 21_000),
    ];
    and(cooked(of), rest)
}

/// With half of the money.
pub(super) fn canceled_by_an_operator(of: Of) -> Vec<Heard> {
    let rest = [
        of.claimed(RIDER),
        of.canceled(CancelReason::Operator, 11_000),
        of.ticket_canceled(),
        of.delivery_canceled(Some(RIDER)),
        of.refund_due(10_000),
        of.refunded(10_000, 21_000),
    ];
    and(cooked(of), rest)
}
