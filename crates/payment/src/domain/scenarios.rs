//! The rules of a payment, as scenarios.

use baedal_contracts::order::{Bill, Fault};
use baedal_contracts::payment::{PaymentMeans, TakePaymentAnswer};
use baedal_contracts::{AccountId, AttemptId, ChangeId, Won};
use baedal_kit::scenario::{self, Given, NOON};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{Command, Division, Earned, Ending, Event, Grant, Payer, Payment, Purpose, Refusal};

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

/// Order asks for its money when it has said nothing else of it.
fn begin(number: u128, amount: u64) -> Command {
    begin_at(1, number, amount)
}

fn begin_at(version: u64, number: u128, amount: u64) -> Command {
    let (attempt_id, amount_krw, payer) = (attempt(number), Won(amount), payer("first"));
    Command::Begin { attempt_id, amount_krw, version, payer, look_up_at: NOON }
}

fn begun(number: u128, amount: u64) -> Event {
    begun_at(1, number, amount)
}

fn begun_at(version: u64, number: u128, amount: u64) -> Event {
    Event::AttemptBegun {
        attempt_id: attempt(number),
        amount_krw: Won(amount),
        version,
        purpose: Purpose::Order,
        payer: payer("first"),
        look_up_at: NOON,
    }
}

/// Order asks for the extra of a change; what it says of it later has the next version.
fn begin_extra(version: u64, number: u128, extra: u64) -> Command {
    let (change_id, extra_krw) = (change(number), Won(extra));
    Command::BeginExtra { change_id, extra_krw, version, until: later(), look_up_at: NOON }
}

fn extra_begun(version: u64, number: u128, extra: u64) -> Event {
    Event::AttemptBegun {
        attempt_id: attempt(number),
        amount_krw: Won(extra),
        version,
        purpose: Purpose::Change { charge_at: NOON, until: later(), version },
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
    Event::PaymentAdjustmentDeclined { change_id: change(number), reason: reason.to_owned(), failed: true }
}

fn extra_declined(number: u128, reason: &str) -> Event {
    Event::PaymentAdjustmentDeclined { change_id: change(number), reason: reason.to_owned(), failed: false }
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

/// Order says what is owed; the refund that follows is named by the version.
fn owe(owed: u64, version: u64) -> Command {
    Command::Owe { owed_krw: Won(owed), version, refund_id: refund(version.into()) }
}

fn owed(owed: u64, version: u64) -> Event {
    Event::OwedChanged { owed_krw: Won(owed), version }
}

/// The order ends undone, later than all that was said.
fn end() -> Command {
    Command::End { owed_krw: Won(0), version: 90, ending: Ending::Undone, refund_id: refund(0) }
}

fn ended() -> Event {
    Event::OrderEnded { owed_krw: Won(0), version: 90, ending: Ending::Undone }
}

/// 8,000 of food and 2,000 for the ride.
fn bill(owed: u64) -> Bill {
    Bill { total_krw: Won(10_000), delivery_fee_krw: Won(2_000), given_back_krw: Won(0), owed_krw: Won(owed) }
}

fn canceled(owed: u64, fault: Fault) -> Command {
    let ending = Ending::without_the_food(&bill(owed), Some(fault), 0);
    Command::End { owed_krw: Won(owed), version: 90, ending, refund_id: refund(0) }
}

fn complete() -> Command {
    let ending = Ending::with_the_food(&bill(10_000), 0);
    Command::End { owed_krw: Won(10_000), version: 90, ending, refund_id: refund(0) }
}

fn completed() -> Event {
    Event::OrderEnded { owed_krw: Won(10_000), version: 90, ending: Ending::with_the_food(&bill(10_000), 0) }
}

fn divided(store: i64, rider: i64, expense: i64) -> Event {
    Event::DepositDivided(Division { store_krw: store, rider_krw: rider, platform_krw: 0, expense_krw: expense })
}

fn grant(number: u128, amount: u64, fault: Fault, owed: u64, version: u64) -> Command {
    Command::Grant {
        grant_id: Uuid::from_u128(number),
        grant: Grant { amount_krw: Won(amount), fault },
        owed_krw: Won(owed),
        version,
        refund_id: refund(version.into()),
    }
}

fn granted(number: u128, amount: u64, fault: Fault, owed: u64, version: u64) -> Event {
    Event::RefundGranted {
        grant_id: Uuid::from_u128(number),
        grant: Grant { amount_krw: Won(amount), fault },
        owed_krw: Won(owed),
        version,
    }
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
fn an_attempt_that_was_given_up_before_it_arrived_never_begins() {
    let give_up = || Command::GiveUp { attempt_id: attempt(1) };
    let given_up = || Event::AttemptGivenUp { attempt_id: attempt(1) };
    given([]).when(give_up()).then([given_up()]).when(give_up()).then_nothing();
    given([given_up()]).when(begin(1, 10_000)).then_refused(Refusal::GivenUp);
    given([given_up()]).when(begin(2, 10_000)).then([begun(2, 10_000)]);
    given([begun(1, 10_000)]).when(give_up()).then_nothing().when(approve(1)).then([approved(1, 10_000)]);
    let answer = baedal_kit::aggregate::replay::<Payment>(&[given_up()], NOON).answer(attempt(1));
    assert_eq!(answer, Some(TakePaymentAnswer::Failed { reason: "given_up".to_owned() }));
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
    let canceled = paid().when(end()).then([ended(), refund_due(0, 10_000)]);
    let refunded = canceled.when(confirm(0, 5)).then([refunded(0, 10_000, 10_000, 10_000)]);
    refunded.when(confirm(0, 6)).then_nothing().when(end()).then_nothing();
}

#[test]
fn an_approval_after_the_cancel_is_refunded_by_itself() {
    given([begun(1, 10_000), ended()]).when(approve(1)).then([approved(1, 10_000), refund_due(1, 10_000)]);
}

#[test]
fn an_extra_approved_after_the_end_is_refunded_by_itself() {
    let charging = || [begun(1, 10_000), approved(1, 10_000), extra_begun(5, 2, 3_000)];
    given(charging().into_iter().chain([completed(), divided(8_000, 2_000, 0)]))
        .when(approve(2))
        .then([adjusted(2, 3_000), refund_due(2, 3_000)]);
    given(charging().into_iter().chain([ended(), refund_due(0, 10_000), refunded(0, 10_000, 10_000, 10_000)]))
        .when(approve(2))
        .then([adjusted(2, 3_000), refund_due(2, 3_000)]);
}

#[test]
fn no_attempt_begins_after_the_end() {
    given([ended()]).when(begin(1, 10_000)).then_refused(Refusal::OrderClosed);
    given([begun(1, 10_000), approved(1, 10_000), ended()])
        .when(begin_extra(5, 2, 500))
        .then([not_adjusted(2, "order_closed")])
        .when(begin_extra(5, 2, 500))
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
    let cheaper = paid().when(owe(8_000, 2)).then([owed(8_000, 2), refund_due(2, 2_000)]);
    cheaper.when(owe(8_000, 2)).then_nothing();
}

#[test]
fn a_change_that_costs_more_takes_the_extra_by_the_means_that_paid() {
    paid()
        .when(begin_extra(5, 2, 3_000))
        .then([extra_begun(5, 2, 3_000)])
        .when(begin_extra(5, 2, 3_000))
        .then_nothing()
        .when(approve(2))
        .then([adjusted(2, 3_000)])
        .when(owe(13_000, 6))
        .then([owed(13_000, 6)]);
}

#[test]
fn the_extra_of_a_later_change_stays_though_an_earlier_one_was_cheaper() {
    let cheaper = [begun(1, 10_000), approved(1, 10_000), owed(8_000, 2), refund_due(2, 2_000)];
    given(cheaper.into_iter().chain([refunded(2, 2_000, 2_000, 10_000), extra_begun(5, 3, 1_000)]))
        .when(approve(3))
        .then([adjusted(3, 1_000)])
        .when(owe(9_000, 6))
        .then([owed(9_000, 6)]);
}

#[test]
fn an_extra_that_is_declined_or_fails_is_told() {
    let charging = || given([begun(1, 10_000), approved(1, 10_000), extra_begun(5, 2, 3_000)]);
    charging().when(decline(2)).then([extra_declined(2, "no")]).when(decline(2)).then_nothing();
    charging().when(fail(2)).then([not_adjusted(2, "broken")]);
}

#[test]
fn an_extra_that_comes_too_late_goes_back() {
    let charging = [begun(1, 10_000), approved(1, 10_000), extra_begun(5, 2, 3_000)];
    given(charging)
        .when(owe(10_000, 6))
        .then([owed(10_000, 6)])
        .when(approve(2))
        .then([adjusted(2, 3_000), refund_due(2, 3_000)]);
}

#[test]
fn when_the_kitchens_word_crosses_ours_the_extra_goes_back() {
    let changed =
        [begun(1, 10_000), approved(1, 10_000), extra_begun(5, 2, 3_000), adjusted(2, 3_000), owed(13_000, 6)];
    given(changed)
        .when(owe(10_000, 7))
        .then([owed(10_000, 7), refund_due(7, 3_000)])
        .when(owe(13_000, 6))
        .then_nothing();
}

#[test]
fn an_extra_is_not_begun_when_it_cannot_be() {
    let late = paid().at(later());
    let late = late.when(begin_extra(5, 2, 3_000)).then([not_adjusted(2, "expired")]);
    late.when(begin_extra(5, 2, 3_000)).then_nothing();
    given([]).when(begin_extra(5, 2, 3_000)).then([not_adjusted(2, "not_paid")]);
    given([begun(1, 10_000), approved(1, 10_000), extra_begun(5, 2, 3_000)])
        .when(begin_extra(7, 3, 1_000))
        .then([not_adjusted(3, "another_attempt_open")]);
    given([begun(1, 10_000), approved(1, 10_000), owed(10_000, 6)]).when(begin_extra(5, 2, 1_000)).then_nothing();
}

#[test]
fn one_refund_goes_at_a_time_and_the_next_follows() {
    paid()
        .when(owe(8_000, 2))
        .then([owed(8_000, 2), refund_due(2, 2_000)])
        .when(end())
        .then([ended()])
        .when(confirm(2, 3))
        .then([refunded(2, 2_000, 2_000, 10_000), refund_due(3, 8_000)])
        .when(confirm(2, 4))
        .then_nothing()
        .when(confirm(3, 4))
        .then([refunded(3, 8_000, 10_000, 10_000)]);
}

#[test]
fn what_was_said_before_the_money_was_asked_for_is_in_the_amount() {
    given([begun_at(3, 5, 15_000), approved(5, 15_000)]).when(owe(8_000, 2)).then_nothing();
    given([owed(8_000, 2), begun_at(3, 5, 15_000)]).when(approve(5)).then([approved(5, 15_000)]);
}

#[test]
fn what_was_said_after_the_money_was_asked_for_counts_though_it_is_heard_first() {
    given([owed(8_000, 4)])
        .when(begin_at(3, 5, 15_000))
        .then([begun_at(3, 5, 15_000)])
        .when(approve(5))
        .then([approved(5, 15_000), refund_due(5, 7_000)]);
}

/// Clocks step back, and replicas are apart: a change may well have an older id than the attempt that paid.
#[test]
fn a_cheaper_change_whose_id_is_older_than_the_attempts_is_refunded() {
    let paid = || given([begun(500, 10_000), approved(500, 10_000)]);
    paid().when(owe(8_000, 2)).then([owed(8_000, 2), refund_due(2, 2_000)]);
    let charging = paid().when(begin_extra(2, 3, 3_000)).then([extra_begun(2, 3, 3_000)]);
    let dearer = charging.when(approve(3)).then([adjusted(3, 3_000)]).when(owe(13_000, 3)).then([owed(13_000, 3)]);
    dearer.when(begin_extra(4, 1, 1_000)).then([extra_begun(4, 1, 1_000)]).when(approve(1)).then([adjusted(1, 1_000)]);
}

#[test]
fn a_word_from_before_an_extra_that_is_heard_after_it_leaves_the_extra_where_it_is() {
    given([begun(1, 10_000), approved(1, 10_000), extra_begun(5, 2, 3_000), adjusted(2, 3_000)])
        .when(owe(8_000, 3))
        .then([owed(8_000, 3), refund_due(3, 2_000)])
        .when(owe(11_000, 6))
        .then([owed(11_000, 6)]);
}

#[test]
fn a_cheaper_change_while_an_attempt_is_open_is_refunded_when_it_is_approved() {
    given([begun(1, 10_000)])
        .when(owe(8_000, 2))
        .then([owed(8_000, 2)])
        .when(approve(1))
        .then([approved(1, 10_000), refund_due(1, 2_000)]);
}

#[test]
fn the_deposit_of_a_completed_order_is_the_stores_and_the_riders() {
    let completed = paid().when(complete()).then([completed(), divided(8_000, 2_000, 0)]);
    completed.when(complete()).then_nothing().when(end()).then_nothing();
    given([ended()]).when(complete()).then_nothing();
}

#[test]
fn a_fee_is_taken_from_what_the_food_costs() {
    let ending = Ending::with_the_food(&bill(10_000), 10);
    assert_eq!(ending, Ending::Done(Earned { store_krw: 7_200, rider_krw: 2_000, platform_krw: 800 }));
}

#[test]
fn what_was_missed_before_the_end_goes_back_with_it() {
    let bill = Bill { total_krw: Won(7_000), owed_krw: Won(7_000), ..bill(0) };
    let ending = Ending::with_the_food(&bill, 0);
    paid()
        .when(Command::End { owed_krw: Won(7_000), version: 90, ending, refund_id: refund(0) })
        .then([
            Event::OrderEnded { owed_krw: Won(7_000), version: 90, ending },
            divided(5_000, 2_000, 0),
            refund_due(0, 3_000),
        ])
        .when(owe(7_000, 5))
        .then_nothing();
}

#[test]
fn what_a_cancel_leaves_is_theirs_who_are_not_at_fault() {
    let canceled_by = |fault| {
        let Some(Ending::Done(earned)) = Some(Ending::without_the_food(&bill(4_000), Some(fault), 0)) else {
            panic!("something is owed")
        };
        let ended = Event::OrderEnded { owed_krw: Won(4_000), version: 90, ending: Ending::Done(earned) };
        (paid().when(canceled(4_000, fault)), ended)
    };
    let (by_store, end) = canceled_by(Fault::Store);
    by_store.then([end, divided(2_000, 2_000, 0), refund_due(0, 6_000)]);
    let (by_rider, end) = canceled_by(Fault::Rider);
    by_rider.then([end, divided(8_000, -4_000, 0), refund_due(0, 6_000)]);
    for fault in [Fault::Platform, Fault::Customer] {
        let (by_us, end) = canceled_by(fault);
        by_us.then([end, divided(8_000, 2_000, 6_000), refund_due(0, 6_000)]);
    }
}

#[test]
fn an_operator_gives_back_after_the_end_and_whoever_is_at_fault_bears_it() {
    let done = || given([begun(1, 10_000), approved(1, 10_000), completed(), divided(8_000, 2_000, 0)]);
    done()
        .when(grant(7, 3_000, Fault::Store, 7_000, 91))
        .then([granted(7, 3_000, Fault::Store, 7_000, 91), divided(-3_000, 0, 0), refund_due(91, 3_000)])
        .when(grant(7, 3_000, Fault::Store, 7_000, 91))
        .then_nothing();
    done().when(grant(7, 3_000, Fault::Rider, 7_000, 91)).then([
        granted(7, 3_000, Fault::Rider, 7_000, 91),
        divided(0, -3_000, 0),
        refund_due(91, 3_000),
    ]);
    done().when(grant(7, 3_000, Fault::Platform, 7_000, 91)).then([
        granted(7, 3_000, Fault::Platform, 7_000, 91),
        divided(0, 0, 3_000),
        refund_due(91, 3_000),
    ]);
}

#[test]
fn an_operator_gives_back_while_the_order_goes_on() {
    paid()
        .when(grant(7, 3_000, Fault::Store, 7_000, 4))
        .then([granted(7, 3_000, Fault::Store, 7_000, 4), refund_due(4, 3_000)])
        .when(confirm(4, 5))
        .then([refunded(4, 3_000, 3_000, 10_000)])
        .when(end())
        .then([ended(), refund_due(0, 7_000)]);
}

#[test]
fn a_grant_that_is_heard_late_moves_no_money_twice_but_says_who_bears_it() {
    let done = [begun(1, 10_000), approved(1, 10_000), completed(), divided(8_000, 2_000, 0)];
    given(done)
        .when(grant(8, 1_000, Fault::Rider, 6_000, 92))
        .then([granted(8, 1_000, Fault::Rider, 6_000, 92), divided(0, -1_000, 3_000), refund_due(92, 4_000)])
        .when(grant(7, 3_000, Fault::Store, 7_000, 91))
        .then([granted(7, 3_000, Fault::Store, 7_000, 91), divided(-3_000, 0, -3_000)]);
}

#[test]
fn an_end_that_is_heard_after_what_was_said_later_still_ends_it() {
    paid()
        .when(grant(7, 3_000, Fault::Store, 7_000, 91))
        .then([granted(7, 3_000, Fault::Store, 7_000, 91), refund_due(91, 3_000)])
        .when(complete())
        .then([completed(), divided(5_000, 2_000, 0)]);
}

#[test]
fn an_outcome_of_no_attempt_is_refused() {
    given([]).when(approve(1)).then_refused(Refusal::NoSuchAttempt);
}
