//! Decides what may happen to the money of an order.
//!
//! Every refund there is comes from [`and_what_follows`]: what is held beyond what is owed.

use baedal_contracts::{AttemptId, ChangeId, Won};
use baedal_kit::Aggregate;
use jiff::Timestamp;
use uuid::Uuid;

use super::command::{Command, Refusal};
use super::division::Division;
use super::event::{Event, Purpose};
use super::payment::{Attempt, Outcome, Payment};

type Decision = Result<Vec<Event>, Refusal>;

/// What happens if `command` is asked at `at`.
pub(super) fn decide(payment: &Payment, command: Command, at: Timestamp) -> Decision {
    match command {
        Command::Begin { attempt_id, amount_krw, version, payer, look_up_at } => {
            let event =
                Event::AttemptBegun { attempt_id, amount_krw, version, purpose: Purpose::Order, payer, look_up_at };
            begin(payment, attempt_id, amount_krw, event)
        }
        Command::GiveUp { attempt_id } if payment.answer(attempt_id).is_some() => Ok(vec![]),
        Command::GiveUp { attempt_id } => Ok(vec![Event::AttemptGivenUp { attempt_id }]),
        Command::BeginExtra { change_id, extra_krw, version, until, look_up_at } => {
            let extra = Extra { change_id, extra_krw, version, until, look_up_at };
            Ok(begin_extra(payment, extra, at))
        }
        Command::Approve { attempt_id, refund_id } => {
            let events = approve(attempt_id, attempt(payment, attempt_id)?);
            Ok(and_what_follows(payment, events, refund_id, at))
        }
        Command::Decline { attempt_id, reason } => Ok(decline(attempt_id, attempt(payment, attempt_id)?, reason)),
        Command::Fail { attempt_id, reason } => Ok(fail(attempt_id, attempt(payment, attempt_id)?, reason)),
        Command::Owe { owed_krw, version, refund_id } => {
            Ok(and_what_follows(payment, owe(payment, owed_krw, version), refund_id, at))
        }
        // An order ends once. It may be heard after what was said later: whose the money is is still news.
        Command::End { .. } if payment.is_closed() => Ok(vec![]),
        Command::End { owed_krw, version, ending, refund_id } => {
            Ok(and_what_follows(payment, vec![Event::OrderEnded { owed_krw, version, ending }], refund_id, at))
        }
        Command::Grant { grant_id, .. } if payment.grants.contains_key(&grant_id) => Ok(vec![]),
        Command::Grant { grant_id, grant, owed_krw, version, refund_id } => {
            let events = vec![Event::RefundGranted { grant_id, grant, owed_krw, version }];
            Ok(and_what_follows(payment, events, refund_id, at))
        }
        Command::ConfirmRefund { paid_back, refund_id } => {
            Ok(and_what_follows(payment, confirm_refund(payment, paid_back), refund_id, at))
        }
    }
}

fn begin(payment: &Payment, attempt_id: AttemptId, amount_krw: Won, begun: Event) -> Decision {
    if payment.attempts.contains_key(&attempt_id) {
        return Ok(vec![]);
    }
    if payment.given_up.contains(&attempt_id) {
        return Err(Refusal::GivenUp);
    }
    if payment.is_closed() {
        return Err(Refusal::OrderClosed);
    }
    if payment.open_attempt().is_some() {
        return Err(Refusal::AnotherIsOpen);
    }
    if payment.payer().is_some() {
        return Err(if payment.held_krw() >= amount_krw { Refusal::Paid } else { Refusal::PaidOtherwise });
    }
    Ok(vec![begun])
}

/// The extra of a change, as it is asked for.
struct Extra {
    change_id: ChangeId,
    extra_krw: Won,
    version: u64,
    until: Timestamp,
    look_up_at: Timestamp,
}

fn begin_extra(payment: &Payment, extra: Extra, at: Timestamp) -> Vec<Event> {
    let Extra { change_id, extra_krw, version, until, look_up_at } = extra;
    let attempt_id = AttemptId(change_id.0);
    // Order has gone on since: it waits for no answer any more.
    let over = payment.has_heard(version) && !payment.is_closed();
    if over || payment.attempts.contains_key(&attempt_id) || payment.turned_down.contains(&change_id) {
        return vec![];
    }
    let not_asked =
        |reason: &str| vec![Event::PaymentAdjustmentDeclined { change_id, reason: reason.to_owned(), failed: true }];
    if payment.is_closed() {
        return not_asked("order_closed");
    }
    if until <= at {
        return not_asked("expired");
    }
    if payment.open_attempt().is_some() {
        return not_asked("another_attempt_open");
    }
    let Some(payer) = payment.payer().cloned() else { return not_asked("not_paid") };
    let purpose = Purpose::Change { charge_at: at, until, version };
    vec![Event::AttemptBegun { attempt_id, amount_krw: extra_krw, version, purpose, payer, look_up_at }]
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
            vec![Event::PaymentAdjustmentDeclined { change_id: ChangeId(attempt_id.0), reason, failed: false }]
        }
        (Outcome::Approved | Outcome::Declined { .. } | Outcome::Failed { .. }, _) => vec![],
    }
}

fn fail(attempt_id: AttemptId, attempt: &Attempt, reason: String) -> Vec<Event> {
    match (&attempt.outcome, attempt.purpose) {
        (Outcome::Open, Purpose::Order) => vec![Event::PaymentFailed { attempt_id, reason }],
        (Outcome::Open, Purpose::Change { .. }) => {
            vec![Event::PaymentAdjustmentDeclined { change_id: ChangeId(attempt_id.0), reason, failed: true }]
        }
        (Outcome::Approved | Outcome::Declined { .. } | Outcome::Failed { .. }, _) => vec![],
    }
}

/// What was said before the last word, or before the money was asked for, is in it: heard late, it does no harm.
fn owe(payment: &Payment, owed_krw: Won, version: u64) -> Vec<Event> {
    if payment.is_closed() || payment.has_heard(version) {
        return vec![];
    }
    vec![Event::OwedChanged { owed_krw, version }]
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

/// These events; how the deposit of an order that has ended is then divided, if it was divided otherwise; and the
/// refund that they make due: of what is then held beyond what is owed, unless a refund is under way; then the
/// next one is reckoned when that is done.
fn and_what_follows(payment: &Payment, mut events: Vec<Event>, refund_id: Uuid, at: Timestamp) -> Vec<Event> {
    if events.is_empty() {
        return events;
    }
    let mut after = payment.clone();
    events.iter().for_each(|event| after.evolve(event, at));
    let division = Division::of(&after);
    if division != after.divided {
        events.push(Event::DepositDivided(division.less(&after.divided)));
    }
    let amount_krw = after.excess_krw();
    if after.refund.is_none() && !amount_krw.is_zero() {
        events.push(Event::RefundDue { refund_id, amount_krw, try_at: at });
    }
    events
}
