//! Decides what may happen to the money of an order.
//!
//! Every refund there is comes from [`and_what_goes_back`]: what is held beyond what is owed.

use baedal_contracts::{AttemptId, ChangeId, Won};
use baedal_kit::Aggregate;
use jiff::Timestamp;
use uuid::Uuid;

use super::command::{Command, Refusal};
use super::event::{Event, Payer, Purpose, Word};
use super::payment::{Attempt, Outcome, Payment};

type Decision = Result<Vec<Event>, Refusal>;

/// What happens if `command` is asked at `at`.
pub(super) fn decide(payment: &Payment, command: Command, at: Timestamp) -> Decision {
    match command {
        Command::Begin { attempt_id, amount_krw, payer, look_up_at } => {
            begin(payment, attempt_id, amount_krw, payer, look_up_at)
        }
        Command::BeginExtra { change_id, extra_krw, until, look_up_at } => {
            Ok(begin_extra(payment, change_id, extra_krw, until, look_up_at, at))
        }
        Command::Approve { attempt_id, refund_id } => {
            let events = approve(attempt_id, attempt(payment, attempt_id)?);
            Ok(and_what_goes_back(payment, events, refund_id, at))
        }
        Command::Decline { attempt_id, reason } => Ok(decline(attempt_id, attempt(payment, attempt_id)?, reason)),
        Command::Fail { attempt_id, reason } => Ok(fail(attempt_id, attempt(payment, attempt_id)?, reason)),
        Command::Owe { owed_krw, word, refund_id } => {
            Ok(and_what_goes_back(payment, owe(payment, owed_krw, word), refund_id, at))
        }
        Command::End { owed_krw, refund_id } => {
            let events = if payment.closed { vec![] } else { vec![Event::OwedChanged { owed_krw, word: None }] };
            Ok(and_what_goes_back(payment, events, refund_id, at))
        }
        Command::Complete if payment.closed => Ok(vec![]),
        Command::Complete => {
            let amount_krw = payment.held_krw().less(payment.excess_krw());
            Ok(vec![Event::DepositEarned { amount_krw }])
        }
        Command::ConfirmRefund { paid_back, refund_id } => {
            Ok(and_what_goes_back(payment, confirm_refund(payment, paid_back), refund_id, at))
        }
    }
}

fn begin(payment: &Payment, attempt_id: AttemptId, amount_krw: Won, payer: Payer, look_up_at: Timestamp) -> Decision {
    if payment.attempts.contains_key(&attempt_id) {
        return Ok(vec![]);
    }
    if payment.closed {
        return Err(Refusal::OrderClosed);
    }
    if payment.open_attempt().is_some() {
        return Err(Refusal::AnotherIsOpen);
    }
    if payment.payer().is_some() {
        return Err(if payment.held_krw() >= amount_krw { Refusal::Paid } else { Refusal::PaidOtherwise });
    }
    Ok(vec![Event::AttemptBegun { attempt_id, amount_krw, purpose: Purpose::Order, payer, look_up_at }])
}

fn begin_extra(
    payment: &Payment,
    change_id: ChangeId,
    extra_krw: Won,
    until: Timestamp,
    look_up_at: Timestamp,
    at: Timestamp,
) -> Vec<Event> {
    let attempt_id = AttemptId(change_id.0);
    let over = payment.word.is_some_and(|word| word.change_id >= change_id);
    if over || payment.attempts.contains_key(&attempt_id) || payment.turned_down.contains(&change_id) {
        return vec![];
    }
    let declined = |reason: &str| vec![Event::PaymentAdjustmentDeclined { change_id, reason: reason.to_owned() }];
    if payment.closed {
        return declined("order_closed");
    }
    if until <= at {
        return declined("expired");
    }
    if payment.open_attempt().is_some() {
        return declined("another_attempt_open");
    }
    let Some(payer) = payment.payer().cloned() else { return declined("not_paid") };
    let purpose = Purpose::Change { charge_at: at, until };
    vec![Event::AttemptBegun { attempt_id, amount_krw: extra_krw, purpose, payer, look_up_at }]
}

fn attempt(payment: &Payment, attempt_id: AttemptId) -> Result<&Attempt, Refusal> {
    payment.attempts.get(&attempt_id).ok_or(Refusal::NoSuchAttempt)
}

/// Money that was taken counts, also where we had been told, or had concluded, that it was not.
fn approve(attempt_id: AttemptId, attempt: &Attempt) -> Vec<Event> {
    match (&attempt.outcome, attempt.purpose) {
        (Outcome::Approved, _) => vec![],
        (Outcome::Open | Outcome::Declined { .. } | Outcome::Failed { .. }, Purpose::Order) => {
            vec![Event::PaymentApproved { attempt_id, amount_krw: attempt.amount_krw }]
        }
        (Outcome::Open | Outcome::Declined { .. } | Outcome::Failed { .. }, Purpose::Change { .. }) => {
            vec![Event::PaymentAdjusted { change_id: ChangeId(attempt_id.0), extra_krw: attempt.amount_krw }]
        }
    }
}

fn decline(attempt_id: AttemptId, attempt: &Attempt, reason: String) -> Vec<Event> {
    match (&attempt.outcome, attempt.purpose) {
        (Outcome::Open, Purpose::Order) => vec![Event::PaymentDeclined { attempt_id, reason }],
        (Outcome::Open, Purpose::Change { .. }) => {
            vec![Event::PaymentAdjustmentDeclined { change_id: ChangeId(attempt_id.0), reason }]
        }
        (Outcome::Approved | Outcome::Declined { .. } | Outcome::Failed { .. }, _) => vec![],
    }
}

fn fail(attempt_id: AttemptId, attempt: &Attempt, reason: String) -> Vec<Event> {
    match (&attempt.outcome, attempt.purpose) {
        (Outcome::Open, Purpose::Order) => vec![Event::PaymentFailed { attempt_id, reason }],
        // To a change it is all one whether the provider would not or could not.
        (_, Purpose::Change { .. }) => decline(attempt_id, attempt, reason),
        (Outcome::Approved | Outcome::Declined { .. } | Outcome::Failed { .. }, Purpose::Order) => vec![],
    }
}

fn owe(payment: &Payment, owed_krw: Won, word: Word) -> Vec<Event> {
    // A change from before the order's money was asked for is in the amount that was asked for: ids sort
    // by birth, and order gives both. So a word that is heard late does no harm.
    let asked_since = payment.order_attempts().any(|(attempt_id, _)| attempt_id.0 > word.change_id.0);
    let said_since = payment.word.is_some_and(|last| last > word);
    let said_before = payment.word == Some(word) && payment.owed_krw == Some(owed_krw);
    if payment.closed || asked_since || said_since || said_before {
        return vec![];
    }
    vec![Event::OwedChanged { owed_krw, word: Some(word) }]
}

fn confirm_refund(payment: &Payment, paid_back: Uuid) -> Vec<Event> {
    let Some(refund) = payment.refund.filter(|refund| refund.refund_id == paid_back) else { return vec![] };
    vec![Event::Refunded {
        refund_id: refund.refund_id,
        amount_krw: refund.amount_krw,
        refunded_krw: payment.refunded_krw.plus(refund.amount_krw),
        captured_krw: payment.captured_krw,
    }]
}

/// These events, and the refund that they make due: of what is then held beyond what is owed, unless a
/// refund is under way; then the next one is reckoned when that is done.
fn and_what_goes_back(payment: &Payment, mut events: Vec<Event>, refund_id: Uuid, at: Timestamp) -> Vec<Event> {
    if events.is_empty() {
        return events;
    }
    let mut after = payment.clone();
    events.iter().for_each(|event| after.evolve(event, at));
    let amount_krw = after.excess_krw();
    if after.refund.is_none() && !amount_krw.is_zero() {
        events.push(Event::RefundDue { refund_id, amount_krw, try_at: at });
    }
    events
}
