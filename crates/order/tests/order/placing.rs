//! `POST /api/orders` and `POST …/payment`, over HTTP.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use baedal_contracts::identity::Role;
use baedal_contracts::{Won, payment};
use baedal_order::domain::{Attempt, Event, Order, OrderStatus};
use http::StatusCode;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::given::*;
use crate::world::{Answer, World, in_time};

pub(crate) fn body(chickens: u32, token: &str) -> Value {
    json!({
        "store_id": STORE,
        "items": [{"item_id": CHICKEN, "quantity": chickens, "options": [{"name": "맛 선택", "choice": "매운맛"}]}],
        "deliver_to": hongdae(),
        "note": "",
        "payment": {"method": "card", "token": token},
    })
}

pub(crate) async fn place(world: &World, key: &str, body: Value) -> Answer {
    world.ask((Role::Customer, CUSTOMER), ("POST", "/api/orders"), Some(key), Some(body)).await
}

#[tokio::test]
async fn an_approved_order_is_paid() {
    let world = World::begin().await;
    let answer = place(&world, "a", body(2, "approve")).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    assert_eq!(answer.body["status"], "paid");
    assert_eq!(answer.body["total_krw"], 40_000);
    assert_eq!(answer.body["pending"], Value::Null);
    assert!(answer.headers["baedal-position"].to_str().unwrap().starts_with("order:"));
    let asked = world.till.asked();
    assert_eq!((asked.len(), asked[0].amount_krw, asked[0].customer_id), (1, Won(40_000), CUSTOMER));
}

#[tokio::test]
async fn a_declined_order_waits_for_another_payment() {
    let world = World::begin().await;
    let answer = place(&world, "a", body(2, "decline")).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    assert_eq!(answer.body["status"], "awaiting_payment");
    assert_eq!(answer.body["payment"], json!({"outcome": "declined", "reason": "insufficient_funds"}));
    assert_eq!(answer.body["pay_by"], pay_by().to_string());

    let path = format!("/api/orders/{}/payment", answer.order_id());
    let pay = |token| world.customer("POST", &path, Some(json!({"method": "card", "token": token})));
    let again = pay("decline").await;
    assert_eq!((again.status, again.problem()), (StatusCode::PAYMENT_REQUIRED, "payment_declined"));
    let paid = pay("approve").await;
    assert_eq!((paid.status, &paid.body["status"]), (StatusCode::OK, &json!("paid")));
    let repeated = pay("approve").await;
    assert_eq!((repeated.status, &repeated.body["status"]), (StatusCode::OK, &json!("paid")));
    let asked = world.till.asked();
    assert_eq!(asked.len(), 3, "an order that is paid is not paid again");
    assert_ne!(asked[0].attempt_id, asked[1].attempt_id);
    assert_ne!(asked[1].attempt_id, asked[2].attempt_id);
}

#[tokio::test]
async fn while_the_breaker_is_open_the_order_is_kept_and_paid_a_little_later() {
    let world = World::begin().await;
    let answer = place(&world, "a", body(2, "open")).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    assert_eq!(answer.headers["retry-after"], "7");
    assert_eq!(answer.body["payment"], json!({"outcome": "put_off"}));
    assert_eq!(answer.body["pay_by"], pay_by().to_string());

    let path = format!("/api/orders/{}/payment", answer.order_id());
    let paid = world.customer("POST", &path, Some(json!({"method": "card", "token": "approve"}))).await;
    assert_eq!((paid.status, &paid.body["status"]), (StatusCode::OK, &json!("paid")));
    let asked = world.till.asked();
    assert_ne!(asked[0].attempt_id, asked[1].attempt_id, "the attempt that was never sent is over");
}

#[tokio::test]
async fn a_provider_that_failed_puts_the_payment_off() {
    let world = World::begin().await;
    let answer = place(&world, "a", body(2, "fail")).await;
    assert_eq!((answer.status, &answer.body["payment"]["outcome"]), (StatusCode::ACCEPTED, &json!("put_off")));
    assert!(answer.headers.contains_key("retry-after"));
}

/// What payment never received must not keep the customer from paying until the order expires.
#[tokio::test]
async fn without_an_answer_payment_is_asked_until_it_says_what_became_of_the_attempt() {
    let world = World::begin().await;
    world.till.away.store(true, Ordering::Relaxed);
    let answer = place(&world, "a", body(2, "silence")).await;
    assert_eq!(answer.body["payment"]["outcome"], "verifying");
    let order_id = answer.order_id();
    let asked_about = || world.till.settled.lock().unwrap().len();
    let is_asked_again = |times| {
        let world = &world;
        in_time(async move {
            while world.till.settled.lock().unwrap().len() < times {
                world.clock.advance(SignedDuration::from_secs(1));
                tokio::task::yield_now().await;
            }
        })
    };
    is_asked_again(2).await;
    let order = world.service.look::<Order>(&order_id).await.unwrap();
    assert!(order.placed().unwrap().open_attempt().is_some(), "nobody has said anything: it may have been received");
    world.till.away.store(false, Ordering::Relaxed);
    is_asked_again(asked_about() + 1).await;
    let order = world.order_is(order_id, |order| order.placed().unwrap().open_attempt().is_none()).await;
    assert_eq!(order.placed().unwrap().attempt(), Some(&Attempt::PutOff));
    let path = format!("/api/orders/{order_id}/payment");
    let paid = world.customer("POST", &path, Some(json!({"method": "card", "token": "approve"}))).await;
    assert_eq!((paid.status, &paid.body["status"]), (StatusCode::OK, &json!("paid")));
    let asked = world.till.asked();
    assert_ne!(asked[0].attempt_id, asked[1].attempt_id, "another attempt");
    assert!(asked[0].version < asked[1].version, "the order says which was later");
}

#[tokio::test]
async fn without_an_answer_the_attempt_stays_open_and_is_asked_about_again() {
    let world = World::begin().await;
    let answer = place(&world, "a", body(2, "silence")).await;
    assert_eq!((answer.status, &answer.body["payment"]["outcome"]), (StatusCode::ACCEPTED, &json!("verifying")));

    let path = format!("/api/orders/{}/payment", answer.order_id());
    let pay = |token| world.customer("POST", &path, Some(json!({"method": "card", "token": token})));
    assert_eq!(pay("verify").await.status, StatusCode::ACCEPTED);
    // The breaker opened meanwhile: what was sent before may still have taken the money.
    let open = pay("open").await;
    assert_eq!((open.status, &open.body["payment"]["outcome"]), (StatusCode::ACCEPTED, &json!("verifying")));
    assert_eq!(pay("approve").await.status, StatusCode::OK);
    let asked = world.till.asked();
    assert!(asked.iter().all(|request| request.attempt_id == asked[0].attempt_id), "one attempt all along");
}

#[tokio::test]
async fn an_outcome_that_comes_as_an_event_settles_it() {
    let world = World::begin().await;
    let answer = place(&world, "a", body(2, "verify")).await;
    let order_id = answer.order_id();
    let attempt_id = world.till.asked()[0].attempt_id;
    world.tell_payment(&payment::Event::PaymentApproved { order_id, attempt_id, amount_krw: Won(40_000) }).await;
    world.order_is(order_id, |order| order.placed().unwrap().status() == OrderStatus::Paid).await;
    let again = place(&world, "a", body(2, "verify")).await;
    assert_eq!((again.status, &again.body["status"]), (StatusCode::CREATED, &json!("paid")));
    assert_eq!(world.till.asked().len(), 1);
}

#[tokio::test]
async fn the_same_key_and_body_is_the_same_order_and_paid_once() {
    let world = World::begin().await;
    let first = place(&world, "a", body(2, "approve")).await;
    let mut reordered = body(2, "approve");
    reordered["note"] = json!("");
    let second = place(&world, "a", reordered).await;
    assert_eq!((first.status, &first.body), (second.status, &second.body));
    assert_eq!(world.till.asked().len(), 1);
    // It is the same even when the store has closed.
    world.tell_store(&baedal_contracts::store::Event::StoreClosed { store_id: STORE }).await;
    world.catalog_shows(|store| store["open"] == false).await;
    assert_eq!(place(&world, "a", body(2, "approve")).await.body, first.body);
}

#[tokio::test]
async fn the_same_key_with_another_body_is_refused_and_another_customers_key_is_another_key() {
    let world = World::begin().await;
    let first = place(&world, "a", body(2, "approve")).await;
    let other = place(&world, "a", body(3, "approve")).await;
    assert_eq!((other.status, other.problem()), (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"));
    let stranger = (Role::Customer, STRANGER);
    let theirs = world.ask(stranger, ("POST", "/api/orders"), Some("a"), Some(body(3, "approve"))).await;
    assert_eq!(theirs.status, StatusCode::CREATED);
    assert_ne!(theirs.order_id(), first.order_id());
}

#[tokio::test]
async fn the_same_at_the_same_time_is_one_order_paid_once() {
    let world = Arc::new(World::begin().await);
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { place(&world, "a", body(2, "wait")).await })
        })
        .collect();
    // The one that asked the till goes on once all of them wait.
    world.till.gate.add_permits(1);
    let mut orders = Vec::new();
    for task in tasks {
        let answer = in_time(task).await.unwrap();
        assert_eq!((answer.status, &answer.body["status"]), (StatusCode::CREATED, &json!("paid")));
        orders.push(answer.order_id());
    }
    orders.dedup();
    assert_eq!(orders.len(), 1);
    assert_eq!(world.till.asked().len(), 1);
}

#[tokio::test]
async fn a_customer_who_goes_away_is_paid_for_all_the_same() {
    let world = Arc::new(World::begin().await);
    let asking = {
        let world = Arc::clone(&world);
        tokio::spawn(async move { place(&world, "a", body(2, "wait")).await })
    };
    in_time(async {
        while world.till.asked().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    world.till.gate.add_permits(1);
    let again = place(&world, "a", body(2, "wait")).await;
    assert_eq!((again.status, &again.body["status"]), (StatusCode::CREATED, &json!("paid")));
    assert_eq!(world.till.asked().len(), 1);
}

#[tokio::test]
async fn keys_are_forgotten_after_a_day() {
    let world = World::begin().await;
    let first = place(&world, "a/b~c", body(2, "approve")).await;
    let id = format!("{CUSTOMER}:a/b~c");
    let database = world.service.database();
    let mut changes = database.feeds().subscribe(baedal_kit::feeds::document_key("idempotency", &id));
    assert!(database.get("idempotency", &id).await.unwrap().is_some());
    world.clock.advance(SignedDuration::from_hours(24));
    in_time(changes.changed()).await;
    assert!(database.get("idempotency", &id).await.unwrap().is_none());
    let second = place(&world, "a/b~c", body(3, "approve")).await;
    assert_ne!(first.order_id(), second.order_id());
}

#[tokio::test]
async fn a_key_is_needed_and_must_be_one() {
    let world = World::begin().await;
    let ask = |key| world.ask((Role::Customer, CUSTOMER), ("POST", "/api/orders"), key, Some(body(2, "approve")));
    let long = "k".repeat(256);
    for key in [None, Some(""), Some("키"), Some(long.as_str())] {
        let answer = ask(key).await;
        assert_eq!((answer.status, answer.problem()), (StatusCode::BAD_REQUEST, "idempotency_key_missing"), "{key:?}");
    }
    assert_eq!(ask(Some(&long[1..])).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn what_the_store_does_not_allow_is_a_problem_of_its_own() {
    let world = World::begin().await;
    let check = async |change: &dyn Fn(&mut Value), status: u16, problem: &str, field: Option<&str>| {
        let mut body = body(2, "approve");
        change(&mut body);
        let answer = place(&world, problem, body).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (status, problem));
        assert_eq!(answer.body["errors"][0]["field"].as_str(), field, "{answer:?}");
    };
    let nowhere = json!("01980000-0000-7000-8000-000000000000");
    check(&|body| body["store_id"] = nowhere.clone(), 404, "not_found", None).await;
    check(&|body| body["items"][0]["item_id"] = nowhere.clone(), 422, "unknown_item", Some("items[0].item_id")).await;
    check(
        &|body| body["items"][0]["options"][0]["name"] = json!("크기"),
        422,
        "unknown_option",
        Some("items[0].options[0].name"),
    )
    .await;
    check(
        &|body| body["items"][0]["options"][0]["choice"] = json!("짠맛"),
        422,
        "unknown_choice",
        Some("items[0].options[0].choice"),
    )
    .await;
    check(&|body| body["items"][0]["options"] = json!([]), 422, "wrong_number_of_choices", Some("items[0].options"))
        .await;
    check(&|body| body["items"] = json!([{"item_id": COLA, "quantity": 1}]), 422, "below_minimum", Some("items")).await;
    check(
        &|body| body["deliver_to"]["location"] = json!({"lat": 35.1, "lng": 129.0}),
        422,
        "outside_delivery_area",
        Some("deliver_to.location"),
    )
    .await;
    assert!(world.till.asked().is_empty());
}

#[tokio::test]
async fn what_cannot_be_an_order_is_named_field_by_field() {
    let world = World::begin().await;
    let check = async |change: &dyn Fn(&mut Value), field: &str| {
        let mut body = body(2, "approve");
        change(&mut body);
        let answer = place(&world, "a", body).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (422, "invalid"), "{field}");
        assert_eq!(answer.body["errors"][0]["field"], field, "{answer:?}");
    };
    check(&|body| body["items"] = json!([]), "items").await;
    check(&|body| body["items"][0]["quantity"] = json!(0), "items[0].quantity").await;
    check(&|body| body["items"][0]["quantity"] = json!(100), "items[0].quantity").await;
    check(&|body| body["items"] = json!(vec![body["items"][0].clone(); 51]), "items").await;
    check(&|body| body["items"][0]["price_krw"] = json!(1), "items[0].price_krw").await;
    check(&|body| body["deliver_to"]["address"] = json!("  "), "deliver_to.address").await;
    check(&|body| body["note"] = json!("글".repeat(501)), "note").await;
    check(&|body| body["payment"]["token"] = json!(""), "payment.token").await;
}

#[tokio::test]
async fn a_store_that_closes_takes_no_more_orders_and_what_is_not_sold_is_not() {
    let world = World::begin().await;
    let mut cola = known_store().items[1].clone();
    cola.available = false;
    let changed = baedal_contracts::store::Event::MenuChanged { store_id: STORE, item_id: COLA, item: Some(cola) };
    world.tell_store(&changed).await;
    let mut with_cola = body(2, "approve");
    with_cola["items"].as_array_mut().unwrap().push(json!({"item_id": COLA, "quantity": 1}));
    world.catalog_shows(|store| store["items"][1]["available"] == false).await;
    let unavailable = place(&world, "a", with_cola).await;
    assert_eq!((unavailable.status, unavailable.problem()), (StatusCode::CONFLICT, "item_unavailable"));
    assert_eq!(unavailable.body["errors"][0]["field"], "items[1].item_id");

    world.tell_store(&baedal_contracts::store::Event::StoreClosed { store_id: STORE }).await;
    world.catalog_shows(|store| store["open"] == false).await;
    let closed = place(&world, "b", body(2, "approve")).await;
    assert_eq!((closed.status, closed.problem()), (StatusCode::CONFLICT, "store_closed"));
}

#[tokio::test]
async fn a_refusal_that_only_means_that_order_has_not_heard_is_judged_again() {
    let world = World::begin().await;
    world.tell_store(&baedal_contracts::store::Event::StoreClosed { store_id: STORE }).await;
    world.catalog_shows(|store| store["open"] == false).await;
    // Told, and asked for at once: whether or not it has been heard, the order is taken.
    world.tell_store(&baedal_contracts::store::Event::StoreOpened { store_id: STORE }).await;
    assert_eq!(place(&world, "a", body(2, "approve")).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn nobody_pays_for_anothers_order_or_for_one_that_ended() {
    let world = World::begin().await;
    let order_id = place(&world, "a", body(2, "decline")).await.order_id();
    let path = format!("/api/orders/{order_id}/payment");
    let means = json!({"method": "card", "token": "approve"});
    let theirs = world.ask((Role::Customer, STRANGER), ("POST", &path), None, Some(means.clone())).await;
    assert_eq!((theirs.status, theirs.problem()), (StatusCode::NOT_FOUND, "not_found"));
    world.clock.advance(WINDOW);
    world.order_is(order_id, |order| order.placed().unwrap().status() == OrderStatus::Canceled).await;
    let late = world.customer("POST", &path, Some(means)).await;
    assert_eq!((late.status, late.problem()), (StatusCode::CONFLICT, "already_canceled"));
}

#[tokio::test]
async fn an_order_that_ended_while_payment_was_asked_says_so() {
    let world = Arc::new(World::begin().await);
    let order_id = place(&world, "a", body(2, "decline")).await.order_id();
    let paying = {
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            let path = format!("/api/orders/{order_id}/payment");
            world.customer("POST", &path, Some(json!({"method": "card", "token": "wait"}))).await
        })
    };
    world.order_is(order_id, |order| order.placed().unwrap().open_attempt().is_some()).await;
    let canceled = world.customer("POST", &format!("/api/orders/{order_id}/cancel"), Some(json!({}))).await;
    assert_eq!((canceled.status, &canceled.body["status"]), (StatusCode::OK, &json!("canceled")));
    world.till.gate.add_permits(1);
    let paid = in_time(paying).await.unwrap();
    assert_eq!((paid.status, paid.problem()), (StatusCode::CONFLICT, "already_canceled"));
    assert!(!world.history(order_id).await.iter().any(|event| matches!(event, Event::OrderPaid { .. })));
}

#[tokio::test]
async fn at_the_total_that_the_customer_was_shown_or_not_at_all() {
    let world = World::begin().await;
    let mut shown = body(2, "approve");
    shown["expected_total_krw"] = json!(39_000);
    let refused = place(&world, "a", shown.clone()).await;
    assert_eq!((refused.status, refused.problem()), (StatusCode::CONFLICT, "total_changed"));
    assert_eq!(refused.body["total_krw"], 40_000);
    assert!(world.till.asked().is_empty());
    assert_eq!(*world.service.database().head().borrow(), 0, "nothing has happened");

    // The key is not another order's: nothing was remembered.
    shown["expected_total_krw"] = json!(40_000);
    let placed = place(&world, "a", shown.clone()).await;
    assert_eq!((placed.status, &placed.body["total_krw"]), (StatusCode::CREATED, &json!(40_000)));

    // Sent again it is the same order, whatever it would cost today.
    chicken_costs(&world, 30_000).await;
    let again = place(&world, "a", shown).await;
    assert_eq!((again.status, again.order_id()), (StatusCode::CREATED, placed.order_id()));
}

#[tokio::test]
async fn what_is_sold_out_is_refused_at_once_with_what_is_left() {
    let world = World::begin().await;
    world.stock_is(CHICKEN, 1).await;
    let refused = place(&world, "a", body(2, "approve")).await;
    assert_eq!((refused.status, refused.problem()), (StatusCode::CONFLICT, "sold_out"));
    assert_eq!((&refused.body["left"], &refused.body["errors"][0]["field"]), (&json!(1), &json!("items[0].quantity")));
    assert!(refused.body["detail"].as_str().unwrap().contains("후라이드 치킨"), "{refused:?}");
    assert_eq!(place(&world, "a", body(1, "approve")).await.status, StatusCode::CREATED);

    // There is more again: the refusal would only mean that order has not heard of it.
    world.stock_is(CHICKEN, 0).await;
    world
        .tell_store(&baedal_contracts::store::Event::StockChanged {
            store_id: STORE,
            item_id: CHICKEN,
            stock: None,
            version: 2,
        })
        .await;
    assert_eq!(place(&world, "b", body(2, "approve")).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn an_order_has_limits() {
    let world = World::begin().await;
    let line = |choice: &str, quantity: u32| json!({"item_id": CHICKEN, "quantity": quantity, "options": [{"name": "맛 선택", "choice": choice}]});
    let mut many = body(1, "approve");
    many["items"] = json!([line("순한맛", 50), line("매운맛", 50)]);
    let refused = place(&world, "a", many).await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (422, "too_many_of_an_item"));
    let mut dear = body(1, "approve");
    let sauces = json!([{"name": "맛 선택", "choice": "매운맛"}, {"name": "소스", "choice": "마늘"}]);
    dear["items"] = json!([{"item_id": CHICKEN, "quantity": 99, "options": sauces}]);
    assert_eq!(place(&world, "a", dear.clone()).await.status, StatusCode::CREATED);
    chicken_costs(&world, 100_100).await;
    let refused = place(&world, "b", dear).await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (422, "above_maximum"));
}

/// From now on the menu's first item costs this, and order has heard of it.
async fn chicken_costs(world: &World, krw: u64) {
    let mut chicken = known_store().items[0].clone();
    chicken.price_krw = baedal_contracts::Won(krw);
    let (store_id, item_id) = (STORE, CHICKEN);
    let changed = baedal_contracts::store::Event::MenuChanged { store_id, item_id, item: Some(chicken) };
    world.tell_store(&changed).await;
    world.catalog_shows(|store| store["items"][0]["price_krw"] == krw).await;
}
