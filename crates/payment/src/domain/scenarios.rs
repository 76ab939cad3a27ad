//! The rules of a payment, as scenarios.

use baedal_contracts::payment::{PaymentMeans, TakePaymentAnswer};
use baedal_contracts::{AccountId, AttemptId, ChangeId, Won};
use baedal_kit::scenario::{self, Given, NOON};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{Command, Event, Payer, Payment, Purpose, Refusal, Word};

/// A payment to which this happened.
fn given(events: impl IntoIterator<Item = Event>) -> Given<Payment> {
    scenario::given(events)
}

fn attempt(number: u128) -> AttemptId {
    AttemptId(Uuid::from_u128(number))
}

fn change(number: u128) -> ChangeId {
    ChangeId(Uuid::from_u128(number))
}

fn refund(number: u128) -> Uuid {
    Uuid::from_u128(1_000_000 + number)
}

fn payer(token: &str) -> Payer {
    let means = PaymentMeans { method: "card".to_owned(), token: token.to_owned() };
    Payer { customer_id: AccountId(Uuid::nil()), means }
}

fn later() -> Timestamp {
    NOON + SignedDuration::from_secs(30)
}

fn begin(number: u128, amount: u64) -> Command {
    Command::Begin { attempt_id: attempt(number), amount_krw: Won(amount), payer: payer("first"), look_up_at: NOON }
}

fn begun(number: u128, amount: u64) -> Event {
    Event::AttemptBegun {
        attempt_id: attempt(number),
        amount_krw: Won(amount),
        purpose: Purpose::Order,
        payer: payer("first"),
        look_up_at: NOON,
    }
}

fn begin_extra(number: u128, extra: u64) -> Command {
    Command::BeginExtra { change_id: change(number), extra_krw: Won(extra), until: later(), look_up_at: NOON }
}

fn extra_begun(number: u128, extra: u64) -> Event {
    Event::AttemptBegun {
        attempt_id: attempt(number),
        amount_krw: Won(extra),
        purpose: Purpose::Change { charge_at: NOON, until: later() },
        payer: payer("first"),
        look_up_at: NOON,
    }
}

fn approve(number: u128) -> Command {
    Command::Approve { attempt_id: attempt(number), refund_id: refund(number) }
}

fn approved(number: u128, amount: u64) -> Event {
    Event::PaymentApproved { attempt_id: attempt(number), amount_krw: Won(amount) }
}

fn adjusted(number: u128, extra: u64) -> Event {
    Event::PaymentAdjusted { change_id: change(number), extra_krw: Won(extra) }
}

fn not_adjusted(number: u128, reason: &str) -> Event {
    Event::PaymentAdjustmentDeclined { change_id: change(number), reason: reason.to_owned() }
}

fn decline(number: u128) -> Command {
    Command::Decline { attempt_id: attempt(number), reason: "no".to_owned() }
}

fn declined(number: u128) -> Event {
    Event::PaymentDeclined { attempt_id: attempt(number), reason: "no".to_owned() }
}

fn fail(number: u128) -> Command {
    Command::Fail { attempt_id: attempt(number), reason: "broken".to_owned() }
}

fn failed(number: u128) -> Event {
    Event::PaymentFailed { attempt_id: attempt(number), reason: "broken".to_owned() }
}

fn word(number: u128, refused: bool) -> Word {
    Word { change_id: change(number), refused }
}

fn owe(owed: u64, number: u128, refused: bool) -> Command {
    Command::Owe { owed_krw: Won(owed), word: word(number, refused), refund_id: refund(number) }
}

fn owed(owed: u64, number: u128, refused: bool) -> Event {
    Event::OwedChanged { owed_krw: Won(owed), word: Some(word(number, refused)) }
}

fn end(owed: u64) -> Command {
    Command::End { owed_krw: Won(owed), refund_id: refund(0) }
}

fn ended(owed: u64) -> Event {
    Event::OwedChanged { owed_krw: Won(owed), word: None }
}

fn refund_due(number: u128, amount: u64) -> Event {
    Event::RefundDue { refund_id: refund(number), amount_krw: Won(amount), try_at: NOON }
}

fn confirm(number: u128, next: u128) -> Command {
    Command::ConfirmRefund { paid_back: refund(number), refund_id: refund(next) }
}

fn refunded(number: u128, amount: u64, in_all: u64, captured: u64) -> Event {
    Event::Refunded {
        refund_id: refund(number),
        amount_krw: Won(amount),
        refunded_krw: Won(in_all),
        captured_krw: Won(captured),
    }
}

fn paid() -> Given<Payment> {
    given([begun(1, 10_000), approved(1, 10_000)])
}

#[test]
fn an_attempt_begins_and_is_approved_once() {
    let paid = given([]).when(begin(1, 10_000)).then([begun(1, 10_000)]);
    let paid = paid.when(approve(1)).then([approved(1, 10_000)]);
    paid.when(approve(1)).then_nothing().when(decline(1)).then_nothing().when(fail(1)).then_nothing();
}

#[test]
fn the_same_attempt_again_is_nothing_new_and_gives_its_outcome() {
    given([begun(1, 10_000)]).when(begin(1, 10_000)).then_nothing();
    paid().when(begin(1, 10_000)).then_nothing();
    let answer = |events: &[Event]| baedal_kit::aggregate::replay::<Payment>(events, NOON).answer(attempt(1));
    assert_eq!(answer(&[]), None);
    assert_eq!(answer(&[begun(1, 1)]), Some(TakePaymentAnswer::Verifying));
    assert_eq!(answer(&[begun(1, 1), approved(1, 1)]), Some(TakePaymentAnswer::Approved));
    let no = TakePaymentAnswer::Declined { reason: "no".to_owned() };
    assert_eq!(answer(&[begun(1, 1), declined(1)]), Some(no));
    let broken = TakePaymentAnswer::Failed { reason: "broken".to_owned() };
    assert_eq!(answer(&[begun(1, 1), failed(1)]), Some(broken));
}

#[test]
fn no_other_attempt_begins_while_one_is_open() {
    given([begun(1, 10_000)]).when(begin(2, 10_000)).then_refused(Refusal::AnotherIsOpen);
}

#[test]
fn after_a_decline_or_a_failure_another_attempt_begins() {
    given([begun(1, 10_000), declined(1)]).when(begin(2, 10_000)).then([begun(2, 10_000)]);
    given([begun(1, 10_000), failed(1)]).when(begin(2, 10_000)).then([begun(2, 10_000)]);
}

#[test]
fn what_is_paid_is_not_paid_again() {
    paid().when(begin(2, 10_000)).then_refused(Refusal::Paid);
    paid().when(begin(2, 12_000)).then_refused(Refusal::PaidOtherwise);
}

#[test]
fn a_canceled_order_is_refunded_in_full() {
    let canceled = paid().when(end(0)).then([ended(0), refund_due(0, 10_000)]);
    let refunded = canceled.when(confirm(0, 5)).then([refunded(0, 10_000, 10_000, 10_000)]);
    refunded.when(confirm(0, 6)).then_nothing().when(end(0)).then_nothing();
}

#[test]
fn an_operators_partial_refund_leaves_what_is_owed() {
    paid().when(end(4_000)).then([ended(4_000), refund_due(0, 6_000)]);
}

#[test]
fn an_approval_after_the_cancel_is_refunded_by_itself() {
    given([begun(1, 10_000), ended(0)]).when(approve(1)).then([approved(1, 10_000), refund_due(1, 10_000)]);
}

#[test]
fn no_attempt_begins_after_the_end() {
    given([ended(0)]).when(begin(1, 10_000)).then_refused(Refusal::OrderClosed);
    given([begun(1, 10_000), approved(1, 10_000), ended(0)])
        .when(begin_extra(2, 500))
        .then([not_adjusted(2, "order_closed")])
        .when(begin_extra(2, 500))
        .then_nothing();
}

#[test]
fn an_approval_after_a_failure_counts() {
    given([begun(1, 10_000), failed(1)]).when(approve(1)).then([approved(1, 10_000)]);
}

#[test]
fn what_two_attempts_took_is_owed_once() {
    given([begun(1, 10_000), failed(1), begun(2, 10_000), approved(2, 10_000)])
        .when(approve(1))
        .then([approved(1, 10_000), refund_due(1, 10_000)]);
}

#[test]
fn a_cheaper_change_gives_the_difference_back() {
    paid()
        .when(owe(8_000, 2, false))
        .then([owed(8_000, 2, false), refund_due(2, 2_000)])
        .when(owe(8_000, 2, false))
        .then_nothing();
}

#[test]
fn a_change_that_costs_more_takes_the_extra_by_the_means_that_paid() {
    paid()
        .when(begin_extra(2, 3_000))
        .then([extra_begun(2, 3_000)])
        .when(begin_extra(2, 3_000))
        .then_nothing()
        .when(approve(2))
        .then([adjusted(2, 3_000)])
        .when(owe(13_000, 2, false))
        .then([owed(13_000, 2, false)]);
}

#[test]
fn the_extra_of_a_later_change_stays_though_an_earlier_one_was_cheaper() {
    let cheaper = [begun(1, 10_000), approved(1, 10_000), owed(8_000, 2, false), refund_due(2, 2_000)];
    given(cheaper.into_iter().chain([refunded(2, 2_000, 2_000, 10_000), extra_begun(3, 1_000)]))
        .when(approve(3))
        .then([adjusted(3, 1_000)])
        .when(owe(9_000, 3, false))
        .then([owed(9_000, 3, false)]);
}

#[test]
fn an_extra_that_is_declined_or_fails_is_told() {
    let charging = || given([begun(1, 10_000), approved(1, 10_000), extra_begun(2, 3_000)]);
    charging().when(decline(2)).then([not_adjusted(2, "no")]).when(decline(2)).then_nothing();
    charging().when(fail(2)).then([not_adjusted(2, "broken")]);
}

#[test]
fn an_extra_that_comes_too_late_goes_back() {
    let charging = [begun(1, 10_000), approved(1, 10_000), extra_begun(2, 3_000)];
    given(charging)
        .when(owe(10_000, 2, true))
        .then([owed(10_000, 2, true)])
        .when(approve(2))
        .then([adjusted(2, 3_000), refund_due(2, 3_000)]);
}

#[test]
fn when_the_kitchens_word_crosses_ours_the_extra_goes_back() {
    let changed =
        [begun(1, 10_000), approved(1, 10_000), extra_begun(2, 3_000), adjusted(2, 3_000), owed(13_000, 2, false)];
    given(changed)
        .when(owe(10_000, 2, true))
        .then([owed(10_000, 2, true), refund_due(2, 3_000)])
        .when(owe(13_000, 2, false))
        .then_nothing();
}

#[test]
fn an_extra_is_not_begun_when_it_cannot_be() {
    let late = paid().at(later());
    late.when(begin_extra(2, 3_000)).then([not_adjusted(2, "expired")]).when(begin_extra(2, 3_000)).then_nothing();
    given([]).when(begin_extra(2, 3_000)).then([not_adjusted(2, "not_paid")]);
    given([begun(1, 10_000), approved(1, 10_000), extra_begun(2, 3_000)])
        .when(begin_extra(3, 1_000))
        .then([not_adjusted(3, "another_attempt_open")]);
    given([begun(1, 10_000), approved(1, 10_000), owed(10_000, 3, true)]).when(begin_extra(2, 1_000)).then_nothing();
}

#[test]
fn one_refund_goes_at_a_time_and_the_next_follows() {
    paid()
        .when(owe(8_000, 2, false))
        .then([owed(8_000, 2, false), refund_due(2, 2_000)])
        .when(end(0))
        .then([ended(0)])
        .when(confirm(2, 3))
        .then([refunded(2, 2_000, 2_000, 10_000), refund_due(3, 8_000)])
        .when(confirm(2, 4))
        .then_nothing()
        .when(confirm(3, 4))
        .then([refunded(3, 8_000, 10_000, 10_000)]);
}

#[test]
fn a_word_about_a_change_before_the_money_was_asked_for_is_in_the_amount() {
    given([begun(5, 15_000), approved(5, 15_000)]).when(owe(8_000, 2, false)).then_nothing();
    given([owed(8_000, 2, false), begun(5, 15_000)]).when(approve(5)).then([approved(5, 15_000)]);
}

#[test]
fn a_cheaper_change_while_an_attempt_is_open_is_refunded_when_it_is_approved() {
    given([begun(1, 10_000)])
        .when(owe(8_000, 2, false))
        .then([owed(8_000, 2, false)])
        .when(approve(1))
        .then([approved(1, 10_000), refund_due(1, 2_000)]);
}

#[test]
fn a_completed_order_has_earned_its_deposit_and_is_closed() {
    let completed = paid().when(Command::Complete).then([Event::DepositEarned { amount_krw: Won(10_000) }]);
    completed.when(Command::Complete).then_nothing().when(end(0)).then_nothing();
    given([ended(0)]).when(Command::Complete).then_nothing();
}

#[test]
fn what_still_goes_back_is_not_earned() {
    paid()
        .when(owe(8_000, 2, false))
        .then([owed(8_000, 2, false), refund_due(2, 2_000)])
        .when(owe(7_000, 3, false))
        .then([owed(7_000, 3, false)])
        .when(Command::Complete)
        .then([Event::DepositEarned { amount_krw: Won(7_000) }])
        .when(confirm(2, 4))
        .then([refunded(2, 2_000, 2_000, 10_000), refund_due(4, 1_000)]);
}

#[test]
fn an_outcome_of_no_attempt_is_refused() {
    given([]).when(approve(1)).then_refused(Refusal::NoSuchAttempt);
}
