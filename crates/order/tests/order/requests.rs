//! Changing, canceling and confirming, over HTTP, with a kitchen that answers, late, or not at all.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use baedal_contracts::identity::Role;
use baedal_contracts::order::ChangeRefusal;
use baedal_contracts::{ChangeId, OrderId, delivery, payment, store};
use baedal_order::domain::{Event, OrderStatus, Pending};
use http::StatusCode;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::given::*;
use crate::placing::{body, place};
use crate::world::{Answer, World, in_time};

pub(crate) async fn paid(world: &World) -> OrderId {
    let answer = place(world, "a", body(2, "approve")).await;
    assert_eq!(answer.body["status"], "paid");
    answer.order_id()
}

pub(crate) fn wish(chickens: u32) -> Value {
    let body = body(chickens, "approve");
    json!({"items": body["items"], "deliver_to": body["deliver_to"], "note": ""})
}

/// Asks without waiting for the answer.
pub(crate) fn begin(
    world: &Arc<World>,
    method: &'static str,
    path: String,
    body: Value,
) -> tokio::task::JoinHandle<Answer> {
    let world = Arc::clone(world);
    tokio::spawn(async move { world.customer(method, &path, Some(body)).await })
}

pub(crate) async fn pending_change(world: &World, order_id: OrderId) -> ChangeId {
    let order = world.order_is(order_id, |order| order.placed().unwrap().pending().is_some()).await;
    match order.placed().unwrap().pending() {
        Some(Pending::Change { change_id, .. } | Pending::Seal { change_id, .. }) => *change_id,
        other => panic!("{other:?}"),
    }
}

async fn history_has(world: &World, order_id: OrderId, wished: impl Fn(&Event) -> bool) -> bool {
    world.history(order_id).await.iter().any(wished)
}

fn ticket_changed(order_id: OrderId, change_id: ChangeId) -> store::Event {
    let basket = basket(1);
    let (items, deliver_to, note) = (basket.items, basket.deliver_to, basket.note);
    store::Event::TicketChanged { order_id, store_id: STORE, change_id, items, deliver_to, note }
}

#[tokio::test]
async fn an_unpaid_order_changes_at_once_but_not_while_a_payment_is_verified() {
    let world = World::begin().await;
    let order_id = place(&world, "a", body(2, "decline")).await.order_id();
    let path = format!("/api/orders/{order_id}");
    let changed = world.customer("PUT", &path, Some(wish(3))).await;
    assert_eq!((changed.status, &changed.body["total_krw"]), (StatusCode::OK, &json!(58_500)));
    assert_eq!(changed.body["pending"], Value::Null);

    let verified = place(&world, "b", body(2, "verify")).await.order_id();
    let refused = world.customer("PUT", &format!("/api/orders/{verified}"), Some(wish(3))).await;
    assert_eq!((refused.status, refused.problem()), (StatusCode::CONFLICT, "payment_in_progress"));
}

#[tokio::test]
async fn a_cheaper_change_is_done_when_the_kitchen_has_done_it() {
    let world = Arc::new(World::begin().await);
    let order_id = paid(&world).await;
    let asking = begin(&world, "PUT", format!("/api/orders/{order_id}"), wish(1));
    let change_id = pending_change(&world, order_id).await;
    world.tell_store(&ticket_changed(order_id, change_id)).await;
    let answer = in_time(asking).await.unwrap();
    assert_eq!((answer.status, &answer.body["total_krw"]), (StatusCode::OK, &json!(21_500)), "{answer:?}");
    assert_eq!(answer.body["pending"], Value::Null);
}

#[tokio::test]
async fn a_dearer_change_is_charged_and_sealed() {
    let world = Arc::new(World::begin().await);
    let order_id = paid(&world).await;
    let asking = begin(&world, "PUT", format!("/api/orders/{order_id}"), wish(3));
    let change_id = pending_change(&world, order_id).await;
    let until = world.service.clock().now() + SignedDuration::from_secs(30);
    world.tell_store(&store::Event::TicketChangeReserved { order_id, change_id, until }).await;
    world
        .order_is(order_id, |order| {
            matches!(order.placed().unwrap().pending(), Some(Pending::Change { charging: true, .. }))
        })
        .await;
    let extra_krw = baedal_contracts::Won(18_500);
    world.tell_payment(&payment::Event::PaymentAdjusted { order_id, change_id, extra_krw }).await;
    world.order_is(order_id, |order| matches!(order.placed().unwrap().pending(), Some(Pending::Seal { .. }))).await;
    world.tell_store(&ticket_changed(order_id, change_id)).await;
    let answer = in_time(asking).await.unwrap();
    assert_eq!((answer.status, &answer.body["total_krw"]), (StatusCode::OK, &json!(58_500)), "{answer:?}");
}

#[tokio::test]
async fn a_refused_change_says_why_and_the_order_goes_on() {
    let reasons = [
        (ChangeRefusal::CookingStarted, "cooking_started"),
        (ChangeRefusal::OutOfStock, "out_of_stock"),
        (ChangeRefusal::PaymentTimeout, "payment_timeout"),
        (ChangeRefusal::TicketClosed, "ticket_closed"),
    ];
    let world = Arc::new(World::begin().await);
    let order_id = paid(&world).await;
    for (reason, problem) in reasons {
        let asking = begin(&world, "PUT", format!("/api/orders/{order_id}"), wish(3));
        let change_id = pending_change(&world, order_id).await;
        world.tell_store(&store::Event::TicketChangeRefused { order_id, change_id, reason }).await;
        let answer = in_time(asking).await.unwrap();
        assert_eq!((answer.status, answer.problem()), (StatusCode::CONFLICT, problem));
    }
    let asking = begin(&world, "PUT", format!("/api/orders/{order_id}"), wish(3));
    let change_id = pending_change(&world, order_id).await;
    let reason = "insufficient_funds".to_owned();
    world.tell_payment(&payment::Event::PaymentAdjustmentDeclined { order_id, change_id, reason, failed: false }).await;
    let answer = in_time(asking).await.unwrap();
    assert_eq!((answer.status, answer.problem()), (StatusCode::CONFLICT, "extra_payment_declined"));
    let order = world.service.look::<baedal_order::domain::Order>(&order_id).await.unwrap();
    assert_eq!(order.placed().unwrap().basket, basket(2));
}

#[tokio::test]
async fn a_kitchen_that_does_not_answer_is_not_waited_for() {
    let world = World::begin().await;
    let order_id = paid(&world).await;
    let path = format!("/api/orders/{order_id}");
    let later = world.customer("PUT", &path, Some(wish(3))).await;
    assert_eq!((later.status, &later.body["pending"]), (StatusCode::ACCEPTED, &json!("change")));
    assert_eq!(later.body["total_krw"], 40_000);
    let other = world.customer("PUT", &path, Some(wish(4))).await;
    assert_eq!((other.status, other.problem()), (StatusCode::CONFLICT, "request_pending"));
    let cancel = world.customer("POST", &format!("{path}/cancel"), Some(json!({}))).await;
    assert_eq!((cancel.status, cancel.problem()), (StatusCode::CONFLICT, "request_pending"));
}

#[tokio::test]
async fn the_kitchen_grants_a_cancel_and_repeating_it_answers_the_same() {
    let world = Arc::new(World::begin().await);
    let order_id = paid(&world).await;
    let path = format!("/api/orders/{order_id}/cancel");
    let later = world.customer("POST", &path, Some(json!({"reason": "마음이 바뀌었어요"}))).await;
    assert_eq!((later.status, &later.body["pending"]), (StatusCode::ACCEPTED, &json!("cancel")));
    assert!(later.headers.contains_key("retry-after"));

    let again = begin(&world, "POST", path.clone(), json!({"reason": "마음이 바뀌었어요"}));
    world.tell_store(&store::Event::TicketCanceled { order_id, store_id: STORE }).await;
    let answer = in_time(again).await.unwrap();
    assert_eq!((answer.status, &answer.body["status"]), (StatusCode::OK, &json!("canceled")));
    let repeated = world.customer("POST", &path, Some(json!({}))).await;
    assert_eq!((repeated.status, &repeated.body), (StatusCode::OK, &answer.body));
    let requested = |event: &&Event| matches!(event, Event::OrderCancelRequested { .. });
    assert_eq!(world.history(order_id).await.iter().filter(requested).count(), 1);
}

#[tokio::test]
async fn the_kitchen_refuses_a_cancel() {
    let world = Arc::new(World::begin().await);
    let order_id = paid(&world).await;
    let asking = begin(&world, "POST", format!("/api/orders/{order_id}/cancel"), json!({}));
    world.order_is(order_id, |order| order.placed().unwrap().pending().is_some()).await;
    world.tell_store(&store::Event::TicketCancelRefused { order_id }).await;
    let answer = in_time(asking).await.unwrap();
    assert_eq!((answer.status, answer.problem()), (StatusCode::CONFLICT, "cooking_started"));
}

#[tokio::test]
async fn an_operator_cancels_any_order_with_a_partial_refund() {
    let world = World::begin().await;
    let order_id = paid(&world).await;
    let operator = (Role::Operator, STRANGER);
    let path = format!("/api/orders/{order_id}/cancel");
    let ask = |body| world.ask(operator, ("POST", &path), None, Some(body));
    let vague = ask(json!({})).await;
    assert_eq!((vague.status, vague.body["errors"].as_array().unwrap().len()), (StatusCode::UNPROCESSABLE_ENTITY, 2));
    let much = ask(json!({"reason": "사고", "fault": "rider", "refund_krw": 40_001})).await;
    assert_eq!(much.body["errors"][0]["field"], "refund_krw");
    let done = ask(json!({"reason": "사고", "fault": "rider", "refund_krw": 30_000})).await;
    assert_eq!((done.status, &done.body["status"]), (StatusCode::OK, &json!("canceled")));
    let owes = |event: &Event| matches!(event, Event::OrderCanceled { bill, .. } if bill.owed_krw.0 == 10_000);
    assert!(history_has(&world, order_id, owes).await);
}

#[tokio::test]
async fn the_same_cancel_of_an_operator_again_answers_the_same_and_another_one_is_refused() {
    let world = World::begin().await;
    let order_id = paid(&world).await;
    let path = format!("/api/orders/{order_id}/cancel");
    let ask = |body| world.ask((Role::Operator, STRANGER), ("POST", &path), None, Some(body));
    let wished = json!({"reason": "사고", "fault": "rider", "refund_krw": 30_000});
    let done = ask(wished.clone()).await;
    let again = ask(wished).await;
    assert_eq!((again.status, &again.body), (StatusCode::OK, &done.body));
    for other in [
        json!({"reason": "사고", "fault": "rider", "refund_krw": 40_000}),
        json!({"reason": "사고", "fault": "rider"}),
        json!({"reason": "사고", "fault": "store", "refund_krw": 30_000}),
        json!({"reason": "다른 사고", "fault": "rider", "refund_krw": 30_000}),
    ] {
        let refused = ask(other).await;
        assert_eq!((refused.status, refused.problem()), (StatusCode::CONFLICT, "already_canceled"));
    }
    assert_eq!(world.history(order_id).await.len(), 3);
}

#[tokio::test]
async fn an_operator_gives_back_what_is_held_once_for_each_key() {
    let world = World::begin().await;
    let order_id = paid(&world).await;
    let path = format!("/api/orders/{order_id}/refund");
    let operator = (Role::Operator, STRANGER);
    let ask = |key, amount: u64| {
        let body = json!({"amount_krw": amount, "reason": "콜라가 빠졌어요", "fault": "store"});
        world.ask(operator, ("POST", &path), key, Some(body))
    };
    let done = ask(Some("one"), 3_000).await;
    assert_eq!((done.status, &done.body["held_krw"]), (StatusCode::OK, &json!(37_000)), "{done:?}");
    let again = ask(Some("one"), 3_000).await;
    assert_eq!((again.status, &again.body), (StatusCode::OK, &done.body));
    assert_eq!(ask(Some("one"), 4_000).await.problem(), "idempotency_key_reused");
    assert_eq!(ask(None, 3_000).await.problem(), "idempotency_key_missing");
    let much = ask(Some("two"), 37_001).await;
    assert_eq!(
        (much.status, &much.body["errors"][0]["field"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("amount_krw"))
    );
    assert!(much.body["errors"][0]["message"].as_str().unwrap().contains("37,000"), "{much:?}");
    assert_eq!(ask(Some("three"), 0).await.body["errors"][0]["field"], "amount_krw");

    world.tell_delivery(&delivery::Event::Delivered { order_id, rider_id: STRANGER }).await;
    world.order_is(order_id, |order| order.placed().unwrap().status() == OrderStatus::Delivered).await;
    let confirmed = world.customer("POST", &format!("/api/orders/{order_id}/confirm"), None).await;
    assert_eq!(confirmed.status, StatusCode::OK);
    let after = ask(Some("four"), 37_000).await;
    assert_eq!((&after.body["held_krw"], &after.body["status"]), (&json!(0), &json!("completed")));
    assert_eq!(ask(Some("five"), 1).await.status, StatusCode::UNPROCESSABLE_ENTITY);

    let body = json!({"amount_krw": 1, "reason": "콜라가 빠졌어요", "fault": "store"});
    let customers = world.ask((Role::Customer, CUSTOMER), ("POST", &path), Some("six"), Some(body)).await;
    assert_eq!(customers.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_change_that_costs_more_is_put_off_at_once_while_payment_is_not_there() {
    let world = World::begin().await;
    let order_id = paid(&world).await;
    world.till.away.store(true, Ordering::Relaxed);
    let before = world.history(order_id).await;
    let path = format!("/api/orders/{order_id}");
    let more = world.customer("PUT", &path, Some(wish(3))).await;
    assert_eq!((more.status, &more.headers["retry-after"]), (StatusCode::ACCEPTED, &"7".parse().unwrap()), "{more:?}");
    assert_eq!((&more.body["payment"]["outcome"], &more.body["pending"]), (&json!("put_off"), &json!(null)));
    assert_eq!(world.history(order_id).await, before, "the kitchen is not asked");
    let less = world.customer("PUT", &path, Some(wish(1))).await;
    assert_eq!((less.status, &less.body["pending"]), (StatusCode::ACCEPTED, &json!("change")), "{less:?}");
}

#[tokio::test]
async fn only_an_operator_says_what_goes_back() {
    let world = World::begin().await;
    let order_id = paid(&world).await;
    let path = format!("/api/orders/{order_id}/cancel");
    let answer = world.customer("POST", &path, Some(json!({"refund_krw": 1, "fault": "store"}))).await;
    assert_eq!((answer.status, answer.problem()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid"));
    let long = world.customer("POST", &path, Some(json!({"reason": "왜".repeat(201)}))).await;
    assert_eq!(long.body["errors"][0]["field"], "reason");
}

#[tokio::test]
async fn a_delivered_order_is_confirmed_and_repeating_it_answers_the_same() {
    let world = World::begin().await;
    let order_id = paid(&world).await;
    let path = format!("/api/orders/{order_id}/confirm");
    let early = world.customer("POST", &path, None).await;
    assert_eq!((early.status, early.problem()), (StatusCode::CONFLICT, "not_delivered"));
    world.order_is(order_id, |order| order.placed().is_some()).await;
    // Told, and confirmed at once: whether or not it has been heard, it is completed.
    world.tell_delivery(&delivery::Event::Delivered { order_id, rider_id: STRANGER }).await;
    let done = world.customer("POST", &path, None).await;
    assert_eq!((done.status, &done.body["status"]), (StatusCode::OK, &json!("completed")), "{done:?}");
    let again = world.customer("POST", &path, None).await;
    assert_eq!((again.status, &again.body), (StatusCode::OK, &done.body));
    let completed = |event: &&Event| matches!(event, Event::OrderCompleted { .. });
    assert_eq!(world.history(order_id).await.iter().filter(completed).count(), 1);
    let late = world.customer("POST", &format!("/api/orders/{order_id}/cancel"), Some(json!({}))).await;
    assert_eq!((late.status, late.problem()), (StatusCode::CONFLICT, "already_completed"));
}

#[tokio::test]
async fn anothers_order_is_not_there() {
    let world = World::begin().await;
    let order_id = paid(&world).await;
    let stranger = (Role::Customer, STRANGER);
    let nowhere = OrderId(uuid::Uuid::nil());
    for order_id in [order_id, nowhere] {
        let path = format!("/api/orders/{order_id}");
        let changed = world.ask(stranger, ("PUT", &path), None, Some(wish(1))).await;
        let canceled = world.ask(stranger, ("POST", &format!("{path}/cancel")), None, Some(json!({}))).await;
        let confirmed = world.ask(stranger, ("POST", &format!("{path}/confirm")), None, None).await;
        for answer in [changed, canceled, confirmed] {
            assert_eq!((answer.status, answer.problem()), (StatusCode::NOT_FOUND, "not_found"));
        }
    }
    let order = world.service.look::<baedal_order::domain::Order>(&order_id).await.unwrap();
    assert_eq!(order.placed().unwrap().status(), OrderStatus::Paid);
}

#[tokio::test]
async fn a_rejected_order_says_so_to_whoever_waits() {
    let world = Arc::new(World::begin().await);
    let order_id = paid(&world).await;
    let asking = begin(&world, "POST", format!("/api/orders/{order_id}/cancel"), json!({}));
    world.order_is(order_id, |order| order.placed().unwrap().pending().is_some()).await;
    let reason = store::RejectReason::TooBusy;
    world.tell_store(&store::Event::TicketRejected { order_id, store_id: STORE, reason, text: String::new() }).await;
    let answer = in_time(asking).await.unwrap();
    assert_eq!((answer.status, answer.problem()), (StatusCode::CONFLICT, "already_rejected"));
}

#[tokio::test]
async fn without_a_breaker_there_is_none_to_list() {
    let world = World::begin().await;
    let answer = world.customer("GET", "/internal/breakers", None).await;
    assert_eq!((answer.status, answer.body), (StatusCode::OK, json!([])));
}

/// The owner doubles the price of the chicken and the fee.
async fn everything_costs_more(world: &World) {
    let mut store = known_store();
    (store.items[0].price_krw, store.profile.delivery_fee_krw) =
        (baedal_contracts::Won(36_000), baedal_contracts::Won(6_000));
    let (store_id, item) = (STORE, store.items[0].clone());
    world.tell_store(&store::Event::MenuChanged { store_id, item_id: CHICKEN, item: Some(item) }).await;
    world.tell_store(&store::Event::StoreChanged { store_id, profile: store.profile }).await;
    world.catalog_shows(|store| store["profile"]["delivery_fee_krw"] == 6_000).await;
}

#[tokio::test]
async fn a_note_costs_nothing_after_the_owner_raised_the_prices() {
    let world = World::begin().await;
    let order_id = paid(&world).await;
    everything_costs_more(&world).await;
    world.stock_is(CHICKEN, 0).await;
    let mut noted = wish(2);
    (noted["note"], noted["expected_total_krw"]) = (json!("벨을 누르지 마세요"), json!(40_000));
    let answer = world.customer("PUT", &format!("/api/orders/{order_id}"), Some(noted)).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    let order = world.service.look::<baedal_order::domain::Order>(&order_id).await.unwrap();
    let Some(Pending::Change { basket, extra_krw, .. }) = order.placed().unwrap().pending() else {
        panic!("{order:?}")
    };
    assert_eq!((basket.total_krw.0, extra_krw.0, basket.note.as_str()), (40_000, 0, "벨을 누르지 마세요"));
}

#[tokio::test]
async fn a_change_at_another_total_than_shown_is_not_asked_for() {
    let world = World::begin().await;
    let order_id = paid(&world).await;
    everything_costs_more(&world).await;
    let mut more = wish(3);
    more["expected_total_krw"] = json!(58_500);
    let before = world.history(order_id).await.len();
    let answer = world.customer("PUT", &format!("/api/orders/{order_id}"), Some(more.clone())).await;
    assert_eq!((answer.status, answer.problem()), (StatusCode::CONFLICT, "total_changed"));
    assert_eq!(answer.body["total_krw"], 76_500);
    assert_eq!(world.history(order_id).await.len(), before);

    more["expected_total_krw"] = json!(76_500);
    let answer = world.customer("PUT", &format!("/api/orders/{order_id}"), Some(more.clone())).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    // Asked again while the menu goes on changing, it is still the change that was asked for.
    let mut chicken = known_store().items[0].clone();
    chicken.price_krw = baedal_contracts::Won(1);
    world.tell_store(&store::Event::MenuChanged { store_id: STORE, item_id: CHICKEN, item: Some(chicken) }).await;
    world.catalog_shows(|store| store["items"][0]["price_krw"] == 1).await;
    let again = world.customer("PUT", &format!("/api/orders/{order_id}"), Some(more)).await;
    assert_eq!((again.status, &again.body["pending"]), (StatusCode::ACCEPTED, &json!("change")), "{again:?}");
}
