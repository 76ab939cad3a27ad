//! An order's rules and races, as sentences.

use baedal_contracts::Won;
use baedal_contracts::order::{Bill, CancelReason, ChangeRefusal, Fault};
use baedal_contracts::store::RejectReason;
use baedal_kit::Aggregate;
use baedal_kit::aggregate::replay;
use baedal_kit::scenario::{NOON, given};
use baedal_order::domain::{Command, Event, Food, Order, OrderStatus, Refusal};
use jiff::SignedDuration;
use uuid::Uuid;

use crate::given::*;

fn order(events: impl IntoIterator<Item = Event>) -> baedal_kit::scenario::Given<Order> {
    given::<Order>(events)
}

fn canceled(reason: CancelReason, text: &str, paid: bool) -> Event {
    let refund_krw = Won(if paid { 40_000 } else { 0 });
    Event::OrderCanceled { reason, text: text.to_owned(), refund_krw, bill: bill(&basket(2), 0), fault: None, paid }
}

fn canceled_by_customer(paid: bool) -> Event {
    canceled(CancelReason::Customer, "마음이 바뀌었어요", paid)
}

fn rejected() -> Event {
    Event::OrderRejected { reason: RejectReason::TooBusy, text: "바빠요".to_owned() }
}

fn reject() -> Command {
    Command::Reject { reason: RejectReason::TooBusy, text: "바빠요".to_owned() }
}

fn decline(number: u128) -> Command {
    Command::Decline { attempt_id: attempt(number), reason: "insufficient_funds".to_owned() }
}

fn pay(number: u128) -> Command {
    Command::Pay { attempt_id: attempt(number), at_most: 10 }
}

fn not_asked(number: u128) -> Command {
    Command::PutOff { attempt_id: attempt(number), answered: false }
}

fn failed(number: u128) -> Command {
    Command::PutOff { attempt_id: attempt(number), answered: true }
}

mod placing_and_paying {
    use super::*;

    #[test]
    fn an_order_is_placed_once_and_its_first_attempt_begins() {
        order([]).when(place()).then([placed()]).when(place()).then_refused(Refusal::AlreadyPlaced);
    }

    #[test]
    fn an_approval_pays_for_it_however_often_it_is_heard() {
        order([placed()]).when(approve(&basket(2))).then([paid()]).when(approve(&basket(2))).then_nothing();
    }

    #[test]
    fn less_than_it_costs_does_not_pay_for_it() {
        order([placed()]).when(approve(&basket(1))).then_nothing();
    }

    #[test]
    fn a_declined_order_waits_and_may_be_paid_another_way() {
        order([placed()])
            .when(decline(1))
            .then([declined(1)])
            .when(decline(1))
            .then_nothing()
            .when(pay(2))
            .then([Event::PaymentAttempted { attempt_id: attempt(2) }])
            .when(decline(1))
            .then_nothing()
            .when(approve(&basket(2)))
            .then([paid()]);
    }

    #[test]
    fn while_an_attempt_is_open_paying_again_takes_it_up() {
        order([placed()])
            .when(pay(2))
            .then([Event::PaymentAttemptShared { attempt_id: attempt(1) }])
            .when(pay(3))
            .then_nothing();
    }

    #[test]
    fn an_attempt_that_was_never_sent_is_over() {
        order([placed()])
            .when(not_asked(1))
            .then([put_off(1)])
            .when(not_asked(1))
            .then_nothing()
            .when(pay(2))
            .then([Event::PaymentAttempted { attempt_id: attempt(2) }]);
    }

    #[test]
    fn who_did_not_send_a_shared_attempt_does_not_know_whether_the_other_did() {
        let shared = Event::PaymentAttemptShared { attempt_id: attempt(1) };
        order([placed(), shared]).when(not_asked(1)).then_nothing().when(failed(1)).then([put_off(1)]);
    }

    #[test]
    fn an_attempt_that_was_overtaken_by_another_is_not_put_off() {
        let second = Event::PaymentAttempted { attempt_id: attempt(2) };
        order([placed(), declined(1), second]).when(failed(1)).then_nothing();
    }

    #[test]
    fn paying_what_is_paid_changes_nothing() {
        order([placed(), paid()]).when(pay(2)).then_nothing();
        order([placed(), paid(), delivered()]).when(pay(2)).then_nothing();
    }

    #[test]
    fn nobody_pays_for_what_ended() {
        order([placed(), put_off(1), canceled(CancelReason::PaymentExpired, "", false)])
            .when(pay(2))
            .then_refused(Refusal::AlreadyFinal(OrderStatus::Canceled));
        order([placed(), canceled_by_customer(false)])
            .when(pay(2))
            .then_refused(Refusal::AlreadyFinal(OrderStatus::Canceled));
    }

    #[test]
    fn unpaid_it_expires_even_while_an_attempt_is_open_and_a_late_approval_changes_nothing() {
        order([placed()])
            .at(pay_by() - SignedDuration::from_secs(1))
            .when(expire())
            .then_nothing()
            .at(pay_by())
            .when(expire())
            .then([canceled(CancelReason::PaymentExpired, "", false)])
            .when(expire())
            .then_nothing()
            .when(approve(&basket(2)))
            .then_nothing();
    }

    #[test]
    fn paid_it_does_not_expire() {
        order([placed(), paid()]).at(pay_by()).when(expire()).then_nothing();
    }

    #[test]
    fn as_long_as_it_waits_it_can_be_paid() {
        order([placed(), put_off(1)])
            .at(pay_by() + HOUR)
            .when(pay(2))
            .then([Event::PaymentAttempted { attempt_id: attempt(2) }])
            .when(approve(&basket(2)))
            .then([paid_at(pay_by() + HOUR)]);
    }

    #[test]
    fn while_payment_cannot_be_asked_and_two_minutes_after_that_it_waits_on() {
        let away = Command::Expire { askable_since: None, at_least: TWO_MINUTES };
        let back = |since| Command::Expire { askable_since: Some(since), at_least: TWO_MINUTES };
        let extended = |pay_by| Event::PaymentWindowExtended { pay_by };
        let later = |minutes| pay_by() + SignedDuration::from_mins(minutes);
        order([placed(), put_off(1)])
            .at(pay_by())
            .when(away.clone())
            .then([extended(later(2))])
            .when(away.clone())
            .then_nothing()
            .at(later(2))
            .when(away)
            .then([extended(later(4))])
            .at(later(4))
            .when(back(later(3)))
            .then([extended(later(5))])
            .when(pay(2))
            .then([Event::PaymentAttempted { attempt_id: attempt(2) }])
            .at(later(5))
            .when(back(later(3)))
            .then([canceled(CancelReason::PaymentExpired, "", false)]);
    }
}

mod changing {
    use super::*;

    #[test]
    fn unpaid_it_changes_at_once() {
        order([placed(), declined(1)])
            .when(change(1, basket(3)))
            .then([changed(1, basket(3))])
            .when(change(2, basket(3)))
            .then_nothing()
            .when(approve(&basket(3)))
            .then([paid_for(basket(3))]);
    }

    #[test]
    fn not_while_an_attempt_may_take_money_for_what_it_is_now() {
        order([placed()]).when(change(1, basket(3))).then_refused(Refusal::PaymentInProgress);
    }

    #[test]
    fn to_something_cheaper_the_kitchen_changes_at_once() {
        order([placed(), paid()])
            .when(change(1, basket(1)))
            .then([change_requested(1, basket(1), 0)])
            .when(change(2, basket(1)))
            .then_nothing()
            .when(Command::ChangeDone { change_id: change_id(1) })
            .then([changed(1, basket(1))])
            .when(Command::ChangeDone { change_id: change_id(1) })
            .then_nothing()
            .when(change(3, basket(2)))
            .then([change_requested(3, basket(2), 18_500)]);
    }

    #[test]
    fn to_something_dearer_the_extra_is_charged_and_the_kitchen_seals_it() {
        let until = NOON + SignedDuration::from_secs(30);
        let reserved = Command::ChargeForChange { change_id: change_id(1), until };
        order([placed(), paid()])
            .when(change(1, basket(3)))
            .then([change_requested(1, basket(3), 18_500)])
            .when(reserved.clone())
            .then([charge_due(1, 18_500, until)])
            .when(reserved)
            .then_nothing()
            .when(Command::ChangeDone { change_id: change_id(1) })
            .then_nothing()
            .when(Command::ChangeCharged { change_id: change_id(1) })
            .then([changed(1, basket(3))])
            .when(Command::ChangeCharged { change_id: change_id(1) })
            .then_nothing()
            .when(change(2, basket(3)))
            .then_nothing()
            .when(change(2, basket(4)))
            .then_refused(Refusal::AnotherRequestPending);
    }

    #[test]
    fn sealed_it_may_change_again() {
        order([placed(), paid(), change_requested(1, basket(3), 18_500), changed(1, basket(3))])
            .when(Command::ChangeDone { change_id: change_id(1) })
            .then([Event::OrderChangeSealed { change_id: change_id(1) }])
            .when(Command::ChangeDone { change_id: change_id(1) })
            .then_nothing()
            .when(change(2, basket(4)))
            .then([change_requested(2, basket(4), 18_500)]);
    }

    #[test]
    fn a_declined_extra_refuses_it() {
        order([placed(), paid(), change_requested(1, basket(3), 18_500), charge_due(1, 18_500, NOON)])
            .when(Command::ChangeChargeDeclined { change_id: change_id(1), failed: false })
            .then([change_refused(1, ChangeRefusal::PaymentDeclined, basket(2))])
            .when(Command::RefuseChange { change_id: change_id(1), reason: ChangeRefusal::PaymentTimeout })
            .then_nothing();
    }

    #[test]
    fn what_costs_more_is_an_attempt_to_pay_unless_nobody_could_answer_it() {
        let declined = |number| {
            let reason = ChangeRefusal::PaymentDeclined;
            [change_requested(number, basket(3), 18_500), change_refused(number, reason, basket(2))]
        };
        let tried = || order([placed(), paid()].into_iter().chain((1..=9).flat_map(declined)));
        tried().when(change(10, basket(3))).then_refused(Refusal::TooManyAttempts);
        tried().when(change(10, basket(1))).then([change_requested(10, basket(1), 0)]);
        let put_off = |number| {
            let reason = if number % 2 == 0 { ChangeRefusal::PaymentDeclined } else { ChangeRefusal::PaymentTimeout };
            [change_requested(number, basket(3), 18_500), change_put_off(number, reason, basket(2))]
        };
        order([placed(), paid()].into_iter().chain((1..=20).flat_map(put_off)))
            .when(change(21, basket(3)))
            .then([change_requested(21, basket(3), 18_500)])
            .when(Command::ChangeChargeDeclined { change_id: change_id(21), failed: true })
            .then([change_put_off(21, ChangeRefusal::PaymentDeclined, basket(2))]);
        order([placed(), paid(), change_requested(1, basket(1), 0)])
            .when(Command::RefuseChange { change_id: change_id(1), reason: ChangeRefusal::OutOfStock })
            .then([change_refused(1, ChangeRefusal::OutOfStock, basket(2))]);
    }

    #[test]
    fn the_kitchen_refuses_it() {
        let no = Command::RefuseChange { change_id: change_id(1), reason: ChangeRefusal::OutOfStock };
        order([placed(), paid(), change_requested(1, basket(3), 18_500)])
            .when(no.clone())
            .then([change_put_off(1, ChangeRefusal::OutOfStock, basket(2))])
            .when(no)
            .then_nothing();
    }

    #[test]
    fn an_extra_that_is_taken_after_the_kitchen_went_on_changes_nothing() {
        order([
            placed(),
            paid(),
            change_requested(1, basket(3), 18_500),
            change_refused(1, ChangeRefusal::PaymentTimeout, basket(2)),
        ])
        .when(Command::ChangeCharged { change_id: change_id(1) })
        .then_nothing()
        .when(Command::ChangeChargeDeclined { change_id: change_id(1), failed: false })
        .then_nothing();
    }

    #[test]
    fn the_kitchens_refusal_that_crossed_the_payment_brings_the_old_basket_back() {
        order([placed(), paid(), change_requested(1, basket(3), 18_500), changed(1, basket(3))])
            .when(Command::RefuseChange { change_id: change_id(1), reason: ChangeRefusal::PaymentTimeout })
            .then([change_refused(1, ChangeRefusal::PaymentTimeout, basket(2))])
            .when(change(2, basket(3)))
            .then([change_requested(2, basket(3), 18_500)]);
    }

    #[test]
    fn it_is_not_charged_for_once_the_kitchen_has_gone_on() {
        let reserved = Command::ChargeForChange { change_id: change_id(1), until: NOON };
        order([placed(), paid(), change_requested(1, basket(3), 18_500)]).when(reserved).then_nothing();
    }

    #[test]
    fn an_answer_to_another_change_is_no_answer_to_this_one() {
        let pending = || order([placed(), paid(), change_requested(2, basket(3), 18_500)]);
        let change_id = change_id(1);
        pending().when(Command::ChangeDone { change_id }).then_nothing();
        pending().when(Command::ChangeCharged { change_id }).then_nothing();
        pending().when(Command::ChangeChargeDeclined { change_id, failed: false }).then_nothing();
        pending().when(Command::RefuseChange { change_id, reason: ChangeRefusal::OutOfStock }).then_nothing();
    }

    #[test]
    fn one_thing_is_asked_at_a_time() {
        order([placed(), paid(), change_requested(1, basket(3), 18_500)])
            .when(cancel())
            .then_refused(Refusal::AnotherRequestPending);
        order([placed(), paid(), cancel_requested()])
            .when(change(1, basket(3)))
            .then_refused(Refusal::AnotherRequestPending);
    }

    #[test]
    fn what_was_delivered_or_ended_does_not_change() {
        order([placed(), paid(), delivered()]).when(change(1, basket(3))).then_refused(Refusal::CookingStarted);
        order([placed(), paid(), rejected()])
            .when(change(1, basket(3)))
            .then_refused(Refusal::AlreadyFinal(OrderStatus::Rejected));
    }
}

mod canceling {
    use super::*;

    #[test]
    fn unpaid_it_is_canceled_at_once_and_an_approval_that_comes_later_changes_nothing() {
        order([placed()])
            .when(cancel())
            .then([canceled_by_customer(false)])
            .when(cancel())
            .then_nothing()
            .when(approve(&basket(2)))
            .then_nothing();
    }

    #[test]
    fn paid_the_kitchen_decides_and_grants_it() {
        order([placed(), paid()])
            .when(cancel())
            .then([cancel_requested()])
            .when(cancel())
            .then_nothing()
            .when(Command::GrantCancel)
            .then([canceled_by_customer(true)])
            .when(Command::GrantCancel)
            .then_nothing()
            .when(cancel())
            .then_nothing();
    }

    #[test]
    fn paid_the_kitchen_decides_and_refuses_it() {
        order([placed(), paid(), cancel_requested()])
            .when(Command::RefuseCancel)
            .then([Event::OrderCancelRefused])
            .when(Command::RefuseCancel)
            .then_nothing()
            .when(cancel())
            .then([cancel_requested()]);
    }

    #[test]
    fn a_ticket_withdrawn_for_another_reason_is_no_answer() {
        order([placed(), paid()]).when(Command::GrantCancel).then_nothing();
        order([placed(), paid(), change_requested(1, basket(3), 18_500)]).when(Command::GrantCancel).then_nothing();
    }

    #[test]
    fn delivered_it_is_not_canceled_but_the_kitchens_late_answer_is_still_heard() {
        order([placed(), paid(), delivered()]).when(cancel()).then_refused(Refusal::CookingStarted);
        order([placed(), paid(), cancel_requested(), delivered()])
            .when(Command::RefuseCancel)
            .then([Event::OrderCancelRefused])
            .when(Command::Confirm)
            .then([completed(false)]);
    }

    fn by_operator(refund_krw: Option<Won>) -> Command {
        Command::CancelByOperator { text: "라이더 사고".to_owned(), refund_krw, fault: Fault::Rider }
    }

    fn canceled_by_operator(owed: u64, paid: bool) -> Event {
        canceled_giving(40_000 - owed, owed, paid)
    }

    fn canceled_giving(refund: u64, owed: u64, paid: bool) -> Event {
        Event::OrderCanceled {
            reason: CancelReason::Operator,
            text: "라이더 사고".to_owned(),
            refund_krw: Won(refund),
            bill: bill(&basket(2), owed),
            fault: Some(Fault::Rider),
            paid,
        }
    }

    #[test]
    fn an_operator_cancels_whatever_has_not_ended_and_gives_all_of_it_back() {
        order([placed()]).when(by_operator(None)).then([canceled_by_operator(0, false)]);
        order([placed(), paid()]).when(by_operator(None)).then([canceled_by_operator(0, true)]);
        order([placed(), paid(), cancel_requested()]).when(by_operator(None)).then([canceled_by_operator(0, true)]);
        order([placed(), paid(), delivered()]).when(by_operator(None)).then([canceled_by_operator(0, true)]);
    }

    #[test]
    fn an_operator_gives_a_part_of_it_back() {
        order([placed(), paid(), delivered()])
            .when(by_operator(Some(Won(10_000))))
            .then([canceled_by_operator(30_000, true)])
            .when(by_operator(Some(Won(10_000))))
            .then_nothing();
    }

    #[test]
    fn the_same_cancel_again_is_nothing_new_and_another_one_is_refused() {
        let refused = Refusal::AlreadyFinal(OrderStatus::Canceled);
        let in_full = || order([placed(), paid(), canceled_by_operator(0, true)]);
        in_full().when(by_operator(None)).then_nothing().when(by_operator(Some(Won(40_000)))).then_nothing();
        in_full().when(by_operator(Some(Won(10_000)))).then_refused(refused.clone());
        let in_part = || order([placed(), paid(), canceled_by_operator(30_000, true)]);
        in_part().when(by_operator(None)).then_refused(refused.clone());
        let for_another_reason = |text: &str, fault| Command::CancelByOperator {
            text: text.to_owned(),
            refund_krw: Some(Won(10_000)),
            fault,
        };
        in_part().when(for_another_reason("라이더 사고", Fault::Store)).then_refused(refused.clone());
        in_part().when(for_another_reason("가게 사고", Fault::Rider)).then_refused(refused);
        in_part().when(for_another_reason("라이더 사고", Fault::Rider)).then_nothing();
    }

    fn refund(number: u128, amount: u64) -> Command {
        Command::Refund {
            refund_id: Uuid::from_u128(number),
            amount_krw: Won(amount),
            reason: "콜라가 빠졌어요".to_owned(),
            fault: Fault::Store,
        }
    }

    fn granted(number: u128, amount: u64, bill: Bill) -> Event {
        Event::RefundGranted {
            refund_id: Uuid::from_u128(number),
            amount_krw: Won(amount),
            reason: "콜라가 빠졌어요".to_owned(),
            fault: Fault::Store,
            bill,
        }
    }

    fn given_back(before: u64, owed: u64) -> Bill {
        Bill { given_back_krw: Won(before), ..bill(&basket(2), owed) }
    }

    #[test]
    fn an_operator_gives_back_what_is_held_at_any_time_and_no_more() {
        order([placed(), paid()])
            .when(refund(1, 3_000))
            .then([granted(1, 3_000, given_back(0, 37_000))])
            .when(refund(1, 3_000))
            .then_nothing()
            .when(Command::HearDelivered { auto_complete_after: HOUR })
            .then([delivered()])
            .when(Command::Confirm)
            .then([completed_owing(false, given_back(3_000, 37_000))])
            .when(refund(2, 7_000))
            .then([granted(2, 7_000, given_back(3_000, 30_000))])
            .when(refund(3, 30_000))
            .then([granted(3, 30_000, given_back(10_000, 0))])
            .when(refund(4, 1))
            .then_refused(Refusal::RefundTooLarge { held_krw: Won(0) });
        let partly = || order([placed(), paid(), canceled_by_operator(30_000, true)]);
        partly().when(refund(1, 30_000)).then([granted(1, 30_000, given_back(0, 0))]);
        partly().when(refund(1, 30_001)).then_refused(Refusal::RefundTooLarge { held_krw: Won(30_000) });
    }

    #[test]
    fn of_what_is_not_paid_or_was_given_back_nothing_is_held() {
        let nothing = Refusal::RefundTooLarge { held_krw: Won(0) };
        order([placed()]).when(refund(1, 1)).then_refused(nothing.clone());
        order([placed(), paid(), rejected()]).when(refund(1, 1)).then_refused(nothing);
    }

    #[test]
    fn what_was_given_back_is_not_owed_after_a_change_or_a_cancel() {
        let gave = || order([placed(), paid(), granted(1, 10_000, given_back(0, 30_000))]);
        let half = || Bill { given_back_krw: Won(10_000), ..bill(&basket(1), 11_500) };
        gave()
            .when(change(1, basket(1)))
            .then([change_requested(1, basket(1), 0)])
            .when(Command::ChangeDone { change_id: change_id(1) })
            .then([Event::OrderChanged { change_id: change_id(1), basket: basket(1), bill: half() }]);
        gave().when(by_operator(Some(Won(30_001)))).then_refused(Refusal::RefundTooLarge { held_krw: Won(30_000) });
        gave().when(by_operator(None)).then([Event::OrderCanceled {
            reason: CancelReason::Operator,
            text: "라이더 사고".to_owned(),
            refund_krw: Won(30_000),
            bill: given_back(10_000, 0),
            fault: Some(Fault::Rider),
            paid: true,
        }]);
    }

    #[test]
    fn nobody_owes_anything_for_an_unpaid_order() {
        order([placed()]).when(by_operator(Some(Won(10_000)))).then([canceled_giving(10_000, 0, false)]);
    }

    #[test]
    fn more_than_it_costs_cannot_go_back() {
        order([placed(), paid()])
            .when(by_operator(Some(Won(40_001))))
            .then_refused(Refusal::RefundTooLarge { held_krw: Won(40_000) });
    }

    #[test]
    fn what_ended_stays_as_it_ended() {
        let ended = |events: [Event; 3], status| {
            order(events.clone()).when(by_operator(None)).then_refused(Refusal::AlreadyFinal(status));
            order(events.clone()).when(cancel()).then_refused(Refusal::AlreadyFinal(status));
            order(events).when(reject()).then_nothing();
        };
        ended([placed(), paid(), rejected()], OrderStatus::Rejected);
        ended([placed(), delivered(), completed(false)], OrderStatus::Completed);
        ended([placed(), paid(), canceled(CancelReason::Abandoned, "", true)], OrderStatus::Canceled);
    }
}

mod ending {
    use super::*;

    #[test]
    fn the_kitchen_rejects_it_whatever_was_asked() {
        order([placed(), paid()]).when(reject()).then([rejected()]).when(reject()).then_nothing();
        order([placed(), paid(), cancel_requested()]).when(reject()).then([rejected()]);
        order([placed(), paid(), change_requested(1, basket(3), 18_500)]).when(reject()).then([rejected()]);
    }

    #[test]
    fn the_customer_confirms_what_was_delivered_once() {
        order([placed(), paid()]).when(Command::Confirm).then_refused(Refusal::NotDelivered);
        order([placed(), paid()])
            .when(Command::HearDelivered { auto_complete_after: HOUR })
            .then([delivered()])
            .when(Command::HearDelivered { auto_complete_after: HOUR })
            .then_nothing()
            .when(Command::Confirm)
            .then([completed(false)])
            .when(Command::Confirm)
            .then_nothing()
            .when(Command::CompleteByItself)
            .then_nothing();
    }

    #[test]
    fn not_before_the_kitchens_answer_to_what_was_asked_is_heard() {
        order([placed(), paid(), change_requested(1, basket(1), 0), delivered()])
            .when(Command::Confirm)
            .then_refused(Refusal::AnotherRequestPending);
        order([placed(), paid(), change_requested(1, basket(1), 0), delivered()])
            .when(Command::ChangeDone { change_id: change_id(1) })
            .then([changed(1, basket(1))])
            .when(Command::Confirm)
            .then([completed_owing(false, bill(&basket(1), 21_500))]);
    }

    #[test]
    fn nobody_confirms_and_it_completes_by_itself() {
        order([placed(), paid()]).when(Command::CompleteByItself).then_nothing();
        order([placed(), paid(), delivered()])
            .when(Command::CompleteByItself)
            .then_nothing()
            .at(NOON + HOUR)
            .when(Command::CompleteByItself)
            .then([completed(true)])
            .when(Command::Confirm)
            .then_nothing();
    }

    #[test]
    fn what_the_kitchen_never_answered_is_refused_when_it_completes_by_itself() {
        order([placed(), paid(), cancel_requested(), delivered()])
            .at(NOON + HOUR)
            .when(Command::CompleteByItself)
            .then([Event::OrderCancelRefused, completed(true)]);
        order([placed(), paid(), change_requested(1, basket(3), 18_500), delivered()])
            .at(NOON + HOUR)
            .when(Command::CompleteByItself)
            .then([change_put_off(1, ChangeRefusal::CookingStarted, basket(2)), completed(true)]);
        order([placed(), paid(), change_requested(1, basket(3), 18_500), changed(1, basket(3)), delivered()])
            .at(NOON + HOUR)
            .when(Command::CompleteByItself)
            .then([completed_owing(true, bill(&basket(3), 58_500))]);
    }

    fn abandoned(fault: Fault) -> Event {
        Event::OrderCanceled {
            reason: CancelReason::Abandoned,
            text: String::new(),
            refund_krw: Won(40_000),
            bill: bill(&basket(2), 0),
            fault: Some(fault),
            paid: true,
        }
    }

    #[test]
    fn not_delivered_in_four_hours_it_is_abandoned() {
        order([placed(), paid(), cancel_requested()])
            .at(abandon_at() - SignedDuration::from_secs(1))
            .when(abandon())
            .then_nothing()
            .at(abandon_at())
            .when(abandon())
            .then([abandoned(Fault::Store)])
            .when(abandon())
            .then_nothing()
            .when(Command::HearDelivered { auto_complete_after: HOUR })
            .then_nothing();
        order([placed(), paid(), delivered()]).at(abandon_at()).when(abandon()).then_nothing();
    }

    #[test]
    fn abandoned_it_is_the_fault_of_whoever_was_to_do_the_next_thing() {
        let heard = |commands: &[Command]| {
            let mut history = vec![placed(), paid()];
            for command in commands {
                let order: Order = replay(&history, NOON);
                history.extend(order.decide(command.clone(), NOON).unwrap());
            }
            order(history).at(abandon_at()).when(abandon())
        };
        use Command::{HearCooked, HearNotFetched, HearReleased};
        heard(&[]).then([abandoned(Fault::Store)]);
        heard(&[HearCooked]).then([abandoned(Fault::Platform)]);
        heard(&[HearCooked, HearReleased]).then([abandoned(Fault::Platform)]);
        heard(&[HearCooked, HearNotFetched]).then([abandoned(Fault::Rider)]);
        // The kitchen's word may be heard after the rider's.
        heard(&[HearNotFetched, HearCooked]).then([abandoned(Fault::Rider)]);
        heard(&[HearCooked, HearNotFetched, HearReleased]).then([abandoned(Fault::Platform)]);
    }

    #[test]
    fn what_a_rider_has_is_shown_to_the_operator_and_ends_two_hours_later() {
        let picked_up = Event::FoodHeard { food: Food::PickedUp };
        let overdue = Event::OrderOverdue { abandon_at: abandon_at() + TWO_HOURS };
        let carried = || {
            order([placed(), paid()])
                .when(Command::HearPickedUp)
                .then([picked_up.clone()])
                .when(Command::HearPickedUp)
                .then_nothing()
                .when(Command::HearCooked)
                .then_nothing()
                .at(abandon_at())
                .when(abandon())
                .then([overdue.clone()])
                .when(abandon())
                .then_nothing()
                .at(abandon_at() + TWO_HOURS)
        };
        carried().when(abandon()).then([abandoned(Fault::Rider)]).when(abandon()).then_nothing();
        let complete_at = abandon_at() + TWO_HOURS + HOUR;
        carried()
            .when(Command::HearDelivered { auto_complete_after: HOUR })
            .then([Event::DeliveredHeard { complete_at }])
            .when(abandon())
            .then_nothing();
    }

    #[test]
    fn of_an_order_that_is_not_there_people_are_refused_and_the_rest_is_nothing() {
        for command in [pay(1), change(1, basket(2)), cancel(), Command::Confirm] {
            order([]).when(command).then_refused(Refusal::NotPlaced);
        }
        let deadlines = [expire(), abandon(), Command::CompleteByItself];
        let followed = [Command::HearCooked, Command::HearNotFetched, Command::HearReleased, Command::HearPickedUp];
        let told = [approve(&basket(2)), decline(1), failed(1), reject(), Command::GrantCancel];
        for command in told.into_iter().chain(followed).chain(deadlines) {
            order([]).when(command).then_nothing();
        }
    }
}
