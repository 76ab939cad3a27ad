//! Decides what may happen to an order.

mod changing;
mod ending;
mod following;
mod paying;

use jiff::Timestamp;

use super::{Command, Event, Food, Order, Refusal, State};

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
        Command::Pay { attempt_id, at_most } => order.pay(attempt_id, at_most),
        Command::Change { change_id, basket, at_most } => order.change(change_id, basket, at_most),
        Command::Cancel { text } => order.cancel(text),
        Command::CancelByOperator { text, refund_krw, fault } => order.cancel_by_operator(text, refund_krw, fault),
        Command::Refund { refund_id, amount_krw, reason, fault } => order.refund(refund_id, amount_krw, reason, fault),
        Command::Confirm => order.confirm(),
        Command::Approve { amount_krw, abandon_after } => Ok(order.approve(amount_krw, at + abandon_after)),
        Command::Decline { attempt_id, reason } => Ok(order.decline(attempt_id, reason)),
        Command::PutOff { attempt_id, answered } => Ok(order.put_off(attempt_id, answered)),
        Command::ChargeForChange { change_id, until } => Ok(order.charge_for_change(change_id, until, at)),
        Command::ChangeCharged { change_id } => Ok(order.change_charged(change_id)),
        Command::ChangeChargeDeclined { change_id, failed } => Ok(order.change_charge_declined(change_id, failed)),
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
        Command::HearCooked => Ok(order.food_comes(Food::Cooked)),
        Command::HearNotFetched => Ok(order.food_comes(Food::NotFetched)),
        Command::HearReleased => Ok(order.rider_leaves()),
        Command::HearPickedUp => Ok(order.food_comes(Food::PickedUp)),
        // Deadlines: one that comes before its time decides nothing, and comes again.
        Command::Expire { .. } | Command::Abandon { .. } | Command::CompleteByItself if at < order.deadline => NOTHING,
        Command::Expire { askable_since, at_least } => Ok(order.expire(askable_since, at_least, at)),
        Command::Abandon { carried_for } => Ok(order.abandon(carried_for, at)),
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
        | Command::Refund { .. }
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
        | Command::HearCooked
        | Command::HearNotFetched
        | Command::HearReleased
        | Command::HearPickedUp
        | Command::HearDelivered { .. }
        | Command::Expire { .. }
        | Command::Abandon { .. }
        | Command::CompleteByItself => NOTHING,
    }
}
