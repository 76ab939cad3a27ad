//! Whatever is asked, in whatever order: what always holds.

use std::collections::BTreeMap;

use baedal_contracts::Won;
use baedal_contracts::order::{ChangeRefusal, Fault};
use baedal_contracts::store::RejectReason;
use baedal_kit::Aggregate;
use baedal_kit::database::JobChange;
use baedal_kit::scenario::NOON;
use baedal_order::domain::order::{ABANDON, AUTO_COMPLETE, PAYMENT_WINDOW};
use baedal_order::domain::{Command, Event, Order, OrderStatus, State};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use uuid::Uuid;

use crate::given::*;

/// What people, other contexts and deadlines may ask, with few ids and baskets, so that they meet.
fn any_command() -> impl Strategy<Value = Command> {
    let attempts = (1u128..4).prop_map(attempt);
    let changes = (1u128..4).prop_map(change_id);
    let baskets = (1u32..5).prop_map(basket);
    let reasons = prop_oneof![
        Just(ChangeRefusal::CookingStarted),
        Just(ChangeRefusal::OutOfStock),
        Just(ChangeRefusal::PaymentTimeout),
    ];
    let until = (-5i64..40).prop_map(|seconds| NOON + SignedDuration::from_secs(seconds));
    prop_oneof![
        2 => Just(place()),
        2 => attempts.clone().prop_map(|attempt_id| Command::Pay { attempt_id, at_most: 10 }),
        4 => (changes.clone(), baskets.clone()).prop_map(|(change_id, basket)| Command::Change {
            change_id, basket, at_most: 10
        }),
        1 => Just(cancel()),
        1 => proptest::option::of(0u64..50_000).prop_map(|refund| Command::CancelByOperator {
            text: "확인".to_owned(), refund_krw: refund.map(Won), fault: Fault::Store
        }),
        2 => (1u128..4, 1u64..30_000).prop_map(|(number, amount)| Command::Refund {
            refund_id: Uuid::from_u128(number), amount_krw: Won(amount), reason: "빠짐".to_owned(), fault: Fault::Store
        }),
        1 => Just(Command::Confirm),
        3 => baskets.prop_map(|basket| approve(&basket)),
        2 => attempts.clone().prop_map(|attempt_id| Command::Decline { attempt_id, reason: "no".to_owned() }),
        2 => (attempts, any::<bool>()).prop_map(|(attempt_id, answered)| Command::PutOff { attempt_id, answered }),
        3 => (changes.clone(), until).prop_map(|(change_id, until)| Command::ChargeForChange { change_id, until }),
        3 => changes.clone().prop_map(|change_id| Command::ChangeCharged { change_id }),
        1 => (changes.clone(), any::<bool>()).prop_map(|(change_id, failed)| Command::ChangeChargeDeclined {
            change_id, failed
        }),
        3 => changes.clone().prop_map(|change_id| Command::ChangeDone { change_id }),
        2 => (changes, reasons).prop_map(|(change_id, reason)| Command::RefuseChange { change_id, reason }),
        1 => Just(Command::GrantCancel),
        2 => Just(Command::RefuseCancel),
        1 => Just(Command::Reject { reason: RejectReason::Closed, text: String::new() }),
        1 => Just(Command::HearDelivered { auto_complete_after: HOUR }),
        1 => Just(Command::HearCooked),
        1 => Just(Command::HearNotFetched),
        1 => Just(Command::HearReleased),
        1 => Just(Command::HearPickedUp),
        1 => any::<bool>().prop_map(|asked| Command::Expire {
            askable_since: asked.then_some(NOON), at_least: TWO_MINUTES
        }),
        1 => Just(abandon()),
        1 => Just(Command::CompleteByItself),
    ]
}

fn is_asked_by_people(command: &Command) -> bool {
    matches!(
        command,
        Command::Place { .. }
            | Command::Pay { .. }
            | Command::Change { .. }
            | Command::Cancel { .. }
            | Command::CancelByOperator { .. }
            | Command::Refund { .. }
            | Command::Confirm
    )
}

/// What is asked after so many minutes; mostly none.
fn any_moment() -> impl Strategy<Value = (i64, Command)> {
    (prop_oneof![6 => Just(0i64), 1 => 1i64..15, 1 => Just(240i64)], any_command())
}

/// The deadlines that run, as the database would have them.
fn follow(deadlines: &mut BTreeMap<String, Timestamp>, event: &Event) {
    for change in Order::jobs(&ORDER, event) {
        match change {
            JobChange::Schedule(job) => {
                deadlines.insert(job.kind, job.run_at);
            }
            JobChange::Unschedule { kind, .. } => {
                deadlines.remove(&kind);
            }
            other => panic!("an order neither leases nor buries: {other:?}"),
        }
    }
}

fn deadlines_of(order: &Order) -> BTreeMap<String, Timestamp> {
    let deadline = order.placed().and_then(|placed| placed.next_deadline(ORDER));
    let kind = match order.placed().map(|placed| placed.status()) {
        Some(OrderStatus::AwaitingPayment) => Some(PAYMENT_WINDOW),
        Some(OrderStatus::Paid) => Some(ABANDON),
        Some(OrderStatus::Delivered) => Some(AUTO_COMPLETE),
        Some(OrderStatus::Completed | OrderStatus::Canceled | OrderStatus::Rejected) | None => None,
    };
    assert_eq!(deadline.as_ref().map(|job| job.kind.as_str()), kind);
    deadline.into_iter().map(|job| (job.kind, job.run_at)).collect()
}

/// What the deadline that comes first asks, and when.
fn first_of(deadlines: &BTreeMap<String, Timestamp>) -> Option<(Timestamp, Command)> {
    let (kind, at) = deadlines.iter().min_by_key(|(_, at)| **at)?;
    let command = match kind.as_str() {
        PAYMENT_WINDOW => expire(),
        ABANDON => abandon(),
        AUTO_COMPLETE => Command::CompleteByItself,
        other => panic!("an order has no deadline {other}"),
    };
    Some((*at, command))
}

/// What the customer owes, as payment reckons it from what order tells.
fn owed_after(owed: Won, event: &Event) -> Won {
    match event {
        Event::OrderPlaced { basket, .. } => basket.total_krw,
        Event::OrderChanged { bill, .. }
        | Event::OrderChangeRefused { bill, .. }
        | Event::OrderCanceled { bill, .. }
        | Event::OrderCompleted { bill, .. }
        | Event::RefundGranted { bill, .. } => bill.owed_krw,
        Event::OrderRejected { .. } => Won::ZERO,
        _ => owed,
    }
}

/// How many attempts to pay count, of those that began.
fn counted_after(counted: u32, event: &Event) -> u32 {
    match event {
        Event::OrderPlaced { .. } | Event::PaymentAttempted { .. } => counted + 1,
        Event::OrderChangeRequested { extra_krw, .. } => counted + u32::from(*extra_krw > Won::ZERO),
        Event::PaymentPutOff { .. } => counted - 1,
        Event::OrderChangeRefused { put_off, .. } => counted - u32::from(*put_off),
        _ => counted,
    }
}

fn check(moments: Vec<(i64, Command)>, then_nobody_touches_it: bool) -> Result<(), TestCaseError> {
    let mut order = Order::default();
    let mut history: Vec<(Event, Timestamp)> = Vec::new();
    let mut deadlines = BTreeMap::new();
    let (mut owed, mut counted) = (Won::ZERO, 0);
    let (mut at, mut put_off) = (NOON, 0);
    let mut moments = [(0, place())].into_iter().chain(moments);
    loop {
        let command = match moments.next() {
            Some((minutes, command)) => {
                at += SignedDuration::from_mins(minutes);
                command
            }
            None if then_nobody_touches_it && let Some((due, command)) = first_of(&deadlines) => {
                at = at.max(due);
                put_off += 1;
                prop_assert!(put_off <= 3, "more time is given once at the most: {deadlines:?}");
                command
            }
            None => break,
        };
        let before = order.clone();
        let was_final = before.placed().is_some_and(|placed| placed.status().is_final());
        let decided = order.decide(command.clone(), at);
        if !is_asked_by_people(&command) {
            prop_assert!(decided.is_ok(), "{command:?} was refused by {before:?}");
        }
        for event in decided.unwrap_or_default() {
            order.evolve(&event, at);
            follow(&mut deadlines, &event);
            owed = owed_after(owed, &event);
            counted = counted_after(counted, &event);
            history.push((event, at));
        }

        let status = |order: &Order| order.placed().map(|placed| placed.status());
        if was_final {
            prop_assert_eq!(status(&order), status(&before), "what has ended has ended");
        }
        if was_final && !matches!(command, Command::Refund { .. }) {
            prop_assert_eq!(&order, &before, "a final order stays as it is, but for what is given back of it");
        }
        prop_assert_eq!(&deadlines, &deadlines_of(&order), "whatever has not ended has a deadline");
        let placed = order.placed().expect("an order that was placed");
        match placed.state {
            State::Canceled { owed_krw, .. } => {
                prop_assert!(owed_krw <= placed.basket.total_krw, "owed exceeds total");
                prop_assert_eq!(owed, owed_krw);
            }
            State::Rejected { .. } => prop_assert_eq!(owed, Won::ZERO),
            _ => prop_assert_eq!(owed, placed.bill().owed_krw, "what others heard is what is owed"),
        }
        prop_assert_eq!(placed.attempts, counted, "every attempt counts that was not put off");
        prop_assert!(counted <= 10, "no more than may be");
        prop_assert_eq!(placed.version, history.len() as u64, "its version is how much has happened to it");
        if !matches!(placed.state, State::AwaitingPayment { .. }) {
            prop_assert_eq!(placed.held_krw(), owed, "what is held is what is owed");
        }
        let again = order.decide(command.clone(), at);
        if !is_asked_by_people(&command) {
            prop_assert_eq!(again, Ok(vec![]), "{:?} heard twice", command);
        }
    }
    let kept = serde_json::to_string(&history).expect("JSON");
    let read: Vec<(Event, Timestamp)> = serde_json::from_str(&kept).expect("what was written");
    let mut replayed = Order::default();
    read.iter().for_each(|(event, at)| replayed.evolve(event, *at));
    prop_assert_eq!(replayed, order.clone(), "what is kept replays to the same");
    if then_nobody_touches_it {
        prop_assert!(deadlines.is_empty(), "an order that nobody touches ends");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_asked_what_always_holds_holds(moments in proptest::collection::vec(any_moment(), 0..40)) {
        check(moments, false)?;
    }

    #[test]
    fn an_order_that_nobody_touches_ends(moments in proptest::collection::vec(any_moment(), 0..15)) {
        check(moments, true)?;
    }

    /// A paid order in the middle of its life, where most of the races are.
    #[test]
    fn the_same_holds_for_a_paid_order(moments in proptest::collection::vec(any_moment(), 0..40)) {
        let mut all = vec![(0, approve(&basket(2)))];
        all.extend(moments);
        check(all, false)?;
    }
}
