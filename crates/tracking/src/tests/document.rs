//! The order's document as a pure function of what was told.

use baedal_contracts::identity::Role;
use baedal_contracts::store::RejectReason;
use baedal_kit::Envelope;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::events::{CUSTOMER, OTHER_RIDER, OWNER, Of, RIDER, STORE, at, chickens, envelope, order_id, source_of};
use super::stories;
use crate::Settings;
use crate::views::orders::document::OrderDocument;
use crate::views::orders::heard::Heard;
use crate::views::orders::tags::{Since, WaitsFor, since};

fn of() -> Of {
    Of(order_id(1))
}

/// The events on their way: one a minute, each in its place in its context's journal.
fn told(story: &[Heard]) -> Vec<Envelope> {
    let mut minute = 0..;
    story
        .iter()
        .enumerate()
        .map(|(n, heard)| envelope(heard, n as u64 + 1, at(minute.next().expect("time goes on"))))
        .collect()
}

fn handle(document: &mut OrderDocument, envelope: &Envelope) {
    if let Some(heard) = Heard::of(envelope).expect("an event") {
        document.handle(heard, envelope.id, envelope.at).expect("heard");
    }
}

fn document(envelopes: &[Envelope]) -> OrderDocument {
    let mut document = OrderDocument::new(order_id(1));
    envelopes.iter().for_each(|envelope| handle(&mut document, envelope));
    document
}

fn after(story: &[Heard]) -> OrderDocument {
    document(&told(story))
}

fn view(story: &[Heard]) -> Value {
    serde_json::to_value(after(story).shown().expect("an order")).expect("JSON")
}

fn tags(story: &[Heard]) -> Vec<String> {
    after(story).tags().into_iter().filter(|tag| !tag.contains('-')).collect()
}

fn refund(status: &str, due: u64, done: u64) -> Value {
    json!({ "status": status, "due_krw": due, "done_krw": done })
}

#[test]
fn an_order_goes_its_way_step_by_step() {
    let story = stories::delivered(of());
    let statuses: Vec<String> = (1..=story.len())
        .map(|length| view(&story[..length])["status"].as_str().expect("a status").to_owned())
        .collect();
    assert_eq!(
        statuses,
        [
            "awaiting_payment",
            "awaiting_payment",
            "paid",
            "paid",
            "accepted",
            "cooking",
            "cooked",
            "cooked",
            "rider_assigned",
            "picked_up",
            "delivered",
            "completed",
            "completed",
        ]
    );
}

#[test]
fn the_view_of_a_completed_order_is_whole() {
    let view = view(&stories::delivered(of()));
    assert_eq!(view["order_no"], json!(baedal_contracts::OrderNo::of(order_id(1))));
    assert_eq!(view["customer_id"], json!(CUSTOMER));
    assert_eq!(view["store"]["name"], "봉구네 가마솥통닭");
    assert_eq!(view["items"][0]["quantity"], 1);
    assert_eq!(view["total_krw"], 21_000);
    assert_eq!(view["payment"], json!({ "captured_krw": 21_000, "refunded_krw": 0, "declined": null }));
    assert_eq!(view["refund"], refund("none", 0, 0));
    assert_eq!(view["cook_minutes"], 20);
    assert_eq!(view["estimated"]["cooked_at"], json!(at(6)), "when it was cooked");
    assert_eq!(view["estimated"]["delivered_to"], json!(at(50)));
    assert_eq!(view["rider"], json!({ "rider_id": RIDER }));
    assert_eq!((&view["placed_at"], &view["paid_at"]), (&json!(at(0)), &json!(at(2))));
    assert_eq!((&view["delivered_at"], &view["ended_at"]), (&json!(at(10)), &json!(at(11))));
    assert_eq!(view["pay_by"], Value::Null);
    let timeline = view["timeline"].as_array().expect("a timeline");
    let whats: Vec<_> = timeline.iter().map(|moment| moment["what"].as_str().expect("an event")).collect();
    assert_eq!(
        whats,
        [
            "OrderPlaced",
            "PaymentApproved",
            "OrderPaid",
            "TicketOpened",
            "TicketAccepted",
            "CookStarted",
            "CookFinished",
            "DeliveryClaimed",
            "PickedUp",
            "Delivered",
            "OrderCompleted",
            "ThanksSent",
        ]
    );
    assert_eq!(timeline[11], json!({ "at": at(12), "what": "ThanksSent", "from": "store", "text": "고맙습니다" }));
    assert_eq!(timeline[1]["amount_krw"], 21_000);
    assert!(tags(&stories::delivered(of())).is_empty(), "it is found by people alone");
}

#[test]
fn an_order_waits_to_be_paid_with_the_reason_it_is_not() {
    let view = view(&[of().placed(), of().declined()]);
    assert_eq!((&view["status"], &view["pay_by"]), (&json!("awaiting_payment"), &json!(at(10))));
    assert_eq!(view["payment"]["declined"], "insufficient_funds");
    assert_eq!(tags(&[of().placed()]), ["active".to_owned(), since(Since::PayBy, at(10))]);
}

#[test]
fn a_decline_is_forgotten_once_it_is_paid() {
    let view = view(&stories::paid_after_a_decline(of()));
    assert_eq!((&view["status"], &view["payment"]["declined"]), (&json!("paid"), &Value::Null));
}

#[test]
fn what_expired_owes_nothing() {
    let view = view(&stories::payment_expired(of()));
    assert_eq!((&view["status"], &view["reason"]), (&json!("canceled"), &json!("payment_expired")));
    assert_eq!(view["refund"], refund("none", 0, 0));
}

#[test]
fn a_rejection_says_why_and_gives_the_money_back() {
    for (story, reason) in [
        (stories::out_of_stock(of()), "out_of_stock"),
        (stories::rejected(of(), RejectReason::TooBusy), "too_busy"),
        (stories::rejected(of(), RejectReason::StoreTimeout), "store_timeout"),
    ] {
        let view = view(&story);
        assert_eq!((&view["status"], &view["reason"]), (&json!("rejected"), &json!(reason)));
        assert_eq!(view["refund"], refund("done", 0, 21_000));
    }
}

#[test]
fn a_refund_is_pending_from_the_moment_the_order_ends() {
    let story = stories::refund_under_way(of());
    for length in [story.len() - 1, story.len()] {
        assert_eq!(view(&story[..length])["refund"], refund("pending", 21_000, 0));
        assert_eq!(tags(&story[..length]), ["refund_due"]);
    }
}

#[test]
fn what_is_owed_follows_the_last_bill_also_after_a_refund() {
    let view = view(&stories::changed_for_more_after_a_refund(of()));
    assert_eq!((&view["status"], &view["total_krw"]), (&json!("completed"), &json!(39_000)));
    let refund = &view["refund"];
    assert_eq!(
        (&refund["status"], &refund["due_krw"], &refund["done_krw"]),
        (&json!("done"), &json!(0), &json!(1_000))
    );
    assert!(tags(&stories::changed_for_more_after_a_refund(of())).is_empty(), "nothing is stuck");
}

#[test]
fn a_cancel_is_pending_until_the_kitchen_has_answered() {
    let story = stories::canceled_in_time(of());
    let asked = view(&story[..6]);
    assert_eq!((&asked["status"], &asked["pending"]), (&json!("accepted"), &json!("cancel")));
    let answered = view(&story[..7]);
    assert_eq!((&answered["status"], &answered["pending"]), (&json!("accepted"), &json!("cancel")), "never backwards");
    let ended = view(&story);
    assert_eq!((&ended["status"], &ended["pending"]), (&json!("canceled"), &Value::Null));
    assert_eq!((&ended["reason"], &ended["text"]), (&json!("customer"), &json!("죄송합니다")));
    assert_eq!(ended["refund"], refund("done", 0, 21_000));
}

#[test]
fn a_cancel_that_met_cooking_is_refused_and_life_goes_on() {
    let view = view(&stories::canceled_too_late(of()));
    assert_eq!((&view["status"], &view["pending"]), (&json!("cooking"), &Value::Null));
    assert_eq!(view["refusal"], json!({ "request": "cancel", "reason": "cooking_started" }));
}

#[test]
fn a_change_that_costs_more_is_charged() {
    let story = stories::changed_for_more(of());
    let asked = view(&story[..5]);
    assert_eq!((&asked["pending"], &asked["total_krw"]), (&json!("change"), &json!(21_000)));
    let view = view(&story);
    assert_eq!((&view["pending"], &view["total_krw"]), (&Value::Null, &json!(39_000)));
    assert_eq!(view["items"][0]["quantity"], 2);
    assert_eq!((&view["payment"]["captured_krw"], &view["refund"]), (&json!(39_000), &refund("none", 0, 0)));
}

#[test]
fn a_change_that_is_not_paid_for_is_refused() {
    let view = view(&stories::changed_for_more_declined(of()));
    assert_eq!((&view["pending"], &view["total_krw"]), (&Value::Null, &json!(21_000)));
    assert_eq!(view["refusal"], json!({ "request": "change", "reason": "payment_declined" }));
    assert_eq!(view["refund"], refund("none", 0, 0));
}

#[test]
fn a_change_that_the_kitchen_did_not_wait_for_is_taken_back_with_its_money() {
    let view = view(&stories::changed_for_more_too_slow(of()));
    assert_eq!((&view["status"], &view["total_krw"]), (&json!("paid"), &json!(21_000)));
    assert_eq!(view["refusal"], json!({ "request": "change", "reason": "payment_timeout" }));
    assert_eq!(view["refund"], refund("done", 0, 18_000));
}

#[test]
fn a_change_that_costs_less_gives_the_difference_back() {
    let story = stories::changed_for_less(of());
    assert_eq!(view(&story[..story.len() - 1])["refund"], refund("pending", 2_000, 0));
    let view = view(&story);
    assert_eq!((&view["total_krw"], &view["refund"]), (&json!(19_000), &refund("done", 0, 2_000)));
}

#[test]
fn a_change_that_met_cooking_is_refused() {
    let view = view(&stories::changed_too_late(of()));
    assert_eq!((&view["status"], &view["total_krw"]), (&json!("cooking"), &json!(21_000)));
    assert_eq!(view["refusal"], json!({ "request": "change", "reason": "cooking_started" }));
}

#[test]
fn money_that_came_after_the_end_goes_back() {
    let story = stories::paid_after_cancel(of());
    let late = view(&story[..3]);
    assert_eq!((&late["status"], &late["refund"]), (&json!("canceled"), &refund("pending", 21_000, 0)));
    assert_eq!(view(&story)["refund"], refund("done", 0, 21_000));
}

#[test]
fn a_released_order_waits_again_for_others() {
    let story = stories::claim_released(of());
    let released = &story[..story.len() - 2];
    assert_eq!((&view(released)["status"], &view(released)["rider"]), (&json!("cooked"), &Value::Null));
    assert_eq!(view(released)["estimated"]["delivered_to"], Value::Null);
    assert!(!after(released).is_visible_to(Role::Rider, RIDER));
    let escalated = &story[..story.len() - 1];
    assert!(tags(escalated).contains(&"escalated".to_owned()));
    assert_eq!(view(escalated)["escalated"], true);
    assert_eq!(view(&story)["rider"], json!({ "rider_id": OTHER_RIDER }));
    assert!(!tags(&story).contains(&"escalated".to_owned()), "somebody brings it now");
}

#[test]
fn an_abandoned_order_is_shown_to_the_operator() {
    let story = stories::abandoned(of());
    assert_eq!((&view(&story)["reason"], &view(&story)["refund"]), (&json!("abandoned"), &refund("done", 0, 21_000)));
    assert_eq!(tags(&story), ["abandoned"]);
}

#[test]
fn an_operator_may_keep_a_part_and_names_who_is_at_fault() {
    let view = view(&stories::canceled_by_an_operator(of()));
    assert_eq!((&view["reason"], &view["fault"]), (&json!("operator"), &json!("store")));
    assert_eq!(view["refund"], refund("done", 0, 10_000));
    let rider = json!({ "rider_id": RIDER });
    assert_eq!(view["rider"], rider, "the rider who was on the way sees how it ended");
}

#[test]
fn what_an_operator_gives_back_after_the_end_is_pending_until_it_has_arrived() {
    let story = stories::refunded_after_the_end(of());
    for (heard, status, due, done) in [(2, "pending", 2_000, 0), (1, "pending", 2_000, 0), (0, "done", 0, 2_000)] {
        let view = view(&story[..story.len() - heard]);
        assert_eq!(view["status"], "completed");
        let refund = &view["refund"];
        assert_eq!(
            (&refund["status"], &refund["due_krw"], &refund["done_krw"]),
            (&json!(status), &json!(due), &json!(done))
        );
        let granted = &refund["granted"][0];
        assert_eq!((&granted["amount_krw"], &granted["reason"]), (&json!(2_000), &json!("콜라가 빠졌어요")));
    }
}

#[test]
fn nobody_sees_an_order_of_which_order_itself_was_not_heard() {
    let document = after(&[of().ticket_opened(), of().claimed(RIDER), of().approved(21_000)]);
    assert!(document.tags().is_empty());
    for (role, account) in [(Role::Operator, CUSTOMER), (Role::Rider, RIDER), (Role::Owner, OWNER)] {
        assert!(!document.is_visible_to(role, account));
    }
    assert!(document.shown().is_none());
}

#[test]
fn a_ticket_is_on_the_board_until_it_is_picked_up() {
    let board = format!("board:{STORE}");
    let on_board = |story: &[Heard]| -> Vec<String> {
        after(story).tags().into_iter().filter(|tag| tag.starts_with("board")).collect()
    };
    let story = stories::delivered(of());
    assert!(on_board(&story[..3]).is_empty());
    assert_eq!(on_board(&story[..4]), [board.clone(), format!("{board}:open")]);
    assert_eq!(on_board(&story[..9]), [board.clone(), format!("{board}:cooked")]);
    assert!(on_board(&story[..10]).is_empty(), "picked up");
    assert_eq!(on_board(&stories::canceled_in_time(of())), [format!("{board}:canceled")]);
    assert!(on_board(&stories::out_of_stock(of())).is_empty(), "the kitchen never saw it");
}

#[test]
fn the_kitchen_sees_the_change_when_its_ticket_has_changed() {
    let story = stories::changed_for_more(of());
    let ticket = |story: &[Heard]| serde_json::to_value(after(story).ticket_shown().expect("a ticket")).expect("JSON");
    let before = ticket(&story[..5]);
    assert_eq!((&before["pending"], &before["items"][0]["quantity"]), (&json!("change"), &json!(1)));
    assert_eq!(before["answer_by"], json!(at(7)));
    let after = ticket(&story);
    assert_eq!((&after["pending"], &after["items"][0]["quantity"]), (&Value::Null, &json!(2)));
}

#[test]
fn an_order_is_late_for_what_it_waits_for() {
    let settings = Settings::default();
    let late = |story: &[Heard], minute| after(story).overdue(at(minute), &settings);
    let story = stories::delivered(of());
    assert_eq!(late(&story[..1], 10), None, "within the grace");
    assert_eq!(late(&story[..1], 11), Some((WaitsFor::Payment, at(10))));
    assert_eq!(late(&story[..3], 11), None, "paid at minute 2, and no ticket heard of");
    assert_eq!(late(&story[..4], 11), Some((WaitsFor::Kitchen, at(7))));
    assert_eq!(late(&story[..5], 242), None);
    assert_eq!(late(&story[..5], 243), Some((WaitsFor::Delivery, at(242))));
    assert_eq!(late(&story[..11], 71), Some((WaitsFor::Completion, at(70))));
    assert_eq!(late(&story, 100_000), None);
}

#[test]
fn the_timeline_keeps_the_latest() {
    let mut story = vec![of().placed()];
    story.extend((0..150).map(|_| of().declined()));
    let timeline = view(&story)["timeline"].as_array().expect("a timeline").clone();
    assert_eq!(timeline.len(), 100);
    assert_eq!(timeline[99]["at"], json!(at(150)));
}

#[test]
fn hearing_an_event_twice_changes_nothing() {
    for (name, story) in stories::all(of()) {
        let envelopes = told(&story);
        let twice: Vec<_> = envelopes.iter().flat_map(|envelope| [envelope.clone(), envelope.clone()]).collect();
        assert_eq!(document(&twice), document(&envelopes), "{name}");
    }
}

/// The same events in another order that keeps those of each context in theirs.
fn interleave(envelopes: &[Envelope], choices: &[usize]) -> Vec<Envelope> {
    let mut queues: Vec<std::collections::VecDeque<Envelope>> = Vec::new();
    for envelope in envelopes {
        match queues.iter_mut().find(|queue| queue[0].source == envelope.source) {
            Some(queue) => queue.push_back(envelope.clone()),
            None => queues.push([envelope.clone()].into()),
        }
    }
    let mut choices = choices.iter().cycle();
    let mut mixed = Vec::new();
    while !queues.is_empty() {
        let chosen = choices.next().expect("choices") % queues.len();
        mixed.extend(queues[chosen].pop_front());
        queues.retain(|queue| !queue.is_empty());
    }
    mixed
}

/// Any event of an order, likely or not.
fn any_event() -> impl Strategy<Value = Heard> {
    let mut pool: Vec<Heard> = Vec::new();
    for (_, story) in stories::all(of()) {
        pool.extend(story.into_iter().filter(|heard| *heard != of().placed()));
    }
    pool.push(of().changed(chickens(3)));
    pool.push(of().picked_up(OTHER_RIDER));
    proptest::sample::select(pool)
}

proptest! {
    #[test]
    fn every_interleaving_of_a_story_shows_the_same(
        n in 0..stories::all(of()).len(),
        choices in prop::collection::vec(0_usize..12, 1..40),
    ) {
        let envelopes = told(&stories::all(of())[n].1);
        let (told, mixed) = (document(&envelopes), document(&interleave(&envelopes, &choices)));
        prop_assert_eq!(told.tags(), mixed.tags());
        prop_assert_eq!(&told, &mixed);
        prop_assert_eq!(told.clone().ticket_shown(), mixed.clone().ticket_shown());
        prop_assert_eq!(told.shown(), mixed.shown());
    }

    #[test]
    fn every_interleaving_of_anything_is_the_same_document(
        events in prop::collection::vec(any_event(), 0..60),
        choices in prop::collection::vec(0_usize..12, 1..80),
    ) {
        let story: Vec<_> = std::iter::once(of().placed()).chain(events).collect();
        let envelopes = told(&story);
        let (told, mixed) = (document(&envelopes), document(&interleave(&envelopes, &choices)));
        prop_assert_eq!(&told, &mixed);
        prop_assert_eq!(told.tags(), mixed.tags());
    }
}

#[test]
fn a_story_has_events_of_all_contexts() {
    let mut sources: Vec<_> = stories::delivered(of()).iter().map(source_of).collect();
    sources.sort_unstable();
    sources.dedup();
    assert_eq!(sources, ["delivery", "order", "payment", "store"]);
}
