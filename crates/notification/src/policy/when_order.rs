//! What is said when an order's life goes on.

use baedal_contracts::order::{CancelReason, Event};
use baedal_contracts::{AccountId, Won};
use jiff::Timestamp;

use crate::ask::Draft;
use crate::templates::{Template, var};
use crate::words;

/// What an event does to the reminder of an unpaid order.
pub(super) enum Reminder {
    /// It is to be sent if nothing happens until then.
    Begins { draft: Draft, pay_by: Timestamp },
    /// There is no need for it any more.
    Ends,
}

/// What is said at once.
pub(super) fn when_order_tells(event: Event) -> Vec<Draft> {
    match event {
        Event::OrderPaid { customer_id, store, basket, .. } => vec![
            Draft::to_customer(Template::OrderPaid)
                .at(customer_id)
                .with(var::STORE, store.name)
                .with(var::ITEMS, words::items(&basket.items))
                .with(var::AMOUNT, words::amount(basket.total_krw)),
        ],
        Event::OrderChanged { change_id, basket, .. } => vec![
            Draft::to_customer(Template::OrderChanged)
                .with(var::ITEMS, words::items(&basket.items))
                .with(var::AMOUNT, words::amount(basket.total_krw))
                .with_difference_of(change_id),
        ],
        Event::OrderChangeRefused { reason, basket, .. } => vec![
            Draft::to_customer(Template::OrderChangeRefused)
                .with(var::REASON, words::change_refused(reason))
                .with(var::AMOUNT, words::amount(basket.total_krw)),
        ],
        Event::OrderCancelRefused { .. } => vec![Draft::to_customer(Template::OrderCancelRefused)],
        Event::OrderCanceled { reason, text, owed_krw, paid, .. } => {
            vec![when_order_canceled(reason, &text, owed_krw, paid)]
        }
        Event::OrderRejected { reason, text, .. } => {
            vec![Draft::to_customer(Template::OrderRejected).with(var::REASON, words::rejected(reason, &text))]
        }
        Event::OrderCompleted { customer_id, .. } => vec![when_order_completed(customer_id)],
        Event::OrderRefundGranted { amount_krw, reason, .. } => vec![
            Draft::to_customer(Template::OrderRefundGranted)
                .with(var::AMOUNT, words::amount(amount_krw))
                .with(var::REASON, words::or(&reason, "운영 사정")),
        ],
        // The customer has just asked for these and sees that they are under way; the answer is the news.
        Event::OrderPlaced { .. } | Event::OrderChangeRequested { .. } | Event::OrderCancelRequested { .. } => vec![],
        // Between us and payment; it ends in `OrderChanged` or `OrderChangeRefused`.
        Event::OrderChangeChargeDue { .. } => vec![],
        // Whoever looks sees until when; the operator sees what comes too late among what is stuck.
        Event::PaymentWindowExtended { .. } | Event::OrderOverdue { .. } => vec![],
    }
}

fn when_order_completed(customer_id: AccountId) -> Draft {
    Draft::to_customer(Template::OrderCompleted).at(customer_id)
}

fn when_order_canceled(reason: CancelReason, text: &str, owed_krw: Won, paid: bool) -> Draft {
    match (reason, paid) {
        (CancelReason::Customer, true) => Draft::to_customer(Template::OrderCanceledByCustomer),
        (CancelReason::Customer, false) => Draft::to_customer(Template::OrderCanceledByCustomerUnpaid),
        (CancelReason::PaymentExpired, _) => Draft::to_customer(Template::OrderCanceledPaymentExpired),
        (CancelReason::Abandoned, _) => Draft::to_customer(Template::OrderCanceledAbandoned),
        (CancelReason::Operator, paid) => {
            let template = match paid {
                false => Template::OrderCanceledByOperatorUnpaid,
                true if owed_krw.is_zero() => Template::OrderCanceledByOperator,
                true => Template::OrderCanceledByOperatorPartly,
            };
            Draft::to_customer(template)
                .with(var::REASON, words::or(text, "운영 사정"))
                .with(var::AMOUNT, words::amount(owed_krw))
        }
    }
}

/// What becomes of the reminder.
pub(super) fn reminder(event: &Event) -> Option<Reminder> {
    match event {
        Event::OrderPlaced { customer_id, store, basket, pay_by, .. } => Some(Reminder::Begins {
            draft: Draft::to_customer(Template::PaymentReminder)
                .at(*customer_id)
                .with(var::STORE, &store.name)
                .with(var::AMOUNT, words::amount(basket.total_krw))
                .with(var::PAY_BY, words::time_of_day(*pay_by)),
            pay_by: *pay_by,
        }),
        Event::OrderPaid { .. } | Event::OrderCanceled { .. } => Some(Reminder::Ends),
        // He was reminded long ago; there is only more time.
        Event::PaymentWindowExtended { .. } => None,
        // Only a paid order can be changed, rejected, completed or refunded, and being paid has ended it.
        Event::OrderChangeRequested { .. }
        | Event::OrderChangeChargeDue { .. }
        | Event::OrderChanged { .. }
        | Event::OrderChangeRefused { .. }
        | Event::OrderCancelRequested { .. }
        | Event::OrderCancelRefused { .. }
        | Event::OrderOverdue { .. }
        | Event::OrderRejected { .. }
        | Event::OrderCompleted { .. }
        | Event::OrderRefundGranted { .. } => None,
    }
}
