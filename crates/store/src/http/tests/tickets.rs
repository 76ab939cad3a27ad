//! What a kitchen does with its tickets.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use baedal_contracts::order::Event as Ordered;
use baedal_contracts::store::TicketStatus;
use baedal_contracts::{AccountId, OrderId, OrderNo, source};
use baedal_kit::bus::{Public, publish_with};
use baedal_kit::database::memory::MemoryDatabase;
use baedal_kit::database::{Append, Commit, NewEvent};
use baedal_kit::ids::SystemIds;
use baedal_kit::scenario::NOON;
use baedal_kit::time::ManualClock;
use baedal_kit::{Database, Failure, Recorded};
use baedal_kit_runtime::JournalBus;
use baedal_kit_runtime::Service;
use baedal_kit_runtime::lifecycle::Lifecycle;
use http::{Method, Request, StatusCode};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

use crate::Settings;
use crate::domain::Ticket;
use crate::testing::{
    Answer, CHICKEN, OWNER, STORE, STRANGER, World, ask, home, lines, order, origin_of_a_request, tells,
};

async fn kitchen(world: &World, who: AccountId, order_id: OrderId, verb: &str, body: Option<Value>) -> Answer {
    world.ask(who, Method::POST, &format!("/api/tickets/{order_id}/{verb}"), body).await
}

async fn accept(world: &World, order_id: OrderId) -> Answer {
    kitchen(world, OWNER, order_id, "accept", Some(json!({"cook_minutes": 20}))).await
}

async fn world_with_a_ticket() -> World {
    let world = World::with_a_store().await;
    world.count(CHICKEN, Some(5)).await;
    world.handle(&tells::paid(order(1), &[(CHICKEN, 2)])).await;
    world
}

fn refused(answer: &Answer) -> (StatusCode, &str) {
    (answer.status, answer.problem())
}

#[tokio::test]
async fn a_kitchen_cooks_and_repeating_answers_the_same() {
    let world = world_with_a_ticket().await;
    let first = accept(&world, order(1)).await;
    assert_eq!(first.status, StatusCode::OK);
    let wished = json!({
        "order_id": order(1), "order_no": OrderNo::of(order(1)), "status": "accepted", "store_id": STORE,
        "items": lines(&[(CHICKEN, 2)]), "deliver_to": home(), "note": "", "cook_minutes": 20,
        "opened_at": NOON, "answer_by": NOON + SignedDuration::from_mins(5), "change_until": null, "rejected": null,
    });
    assert_eq!(first.body, wished);
    assert_eq!(accept(&world, order(1)).await.body, wished);

    for (verb, status) in [("start", "cooking"), ("finish", "cooked")] {
        let answer = kitchen(&world, OWNER, order(1), verb, None).await;
        assert_eq!((answer.status, &answer.body["status"]), (StatusCode::OK, &json!(status)));
        let told = world.told().await.len();
        let again = kitchen(&world, OWNER, order(1), verb, Some(json!({}))).await;
        assert_eq!((again.status, again.body), (StatusCode::OK, answer.body));
        assert_eq!(world.told().await.len(), told);
    }
}

#[tokio::test]
async fn out_of_order_is_a_conflict_that_says_why() {
    let world = world_with_a_ticket().await;
    let start = kitchen(&world, OWNER, order(1), "start", None).await;
    assert_eq!(refused(&start), (StatusCode::CONFLICT, "not_accepted"));
    accept(&world, order(1)).await;
    let finish = kitchen(&world, OWNER, order(1), "finish", None).await;
    assert_eq!(refused(&finish), (StatusCode::CONFLICT, "not_started"));
    let reject = kitchen(&world, OWNER, order(1), "reject", Some(json!({"reason": "closed"}))).await;
    assert_eq!(refused(&reject), (StatusCode::CONFLICT, "already_accepted"));
    let longer = kitchen(&world, OWNER, order(1), "accept", Some(json!({"cook_minutes": 60}))).await;
    assert_eq!(refused(&longer), (StatusCode::CONFLICT, "already_accepted"));

    world.handle(&tells::change_requested(order(1), 1, &[(CHICKEN, 3)], 1_000)).await;
    let start = kitchen(&world, OWNER, order(1), "start", None).await;
    assert_eq!(refused(&start), (StatusCode::CONFLICT, "change_pending"));
    let held = accept(&world, order(1)).await;
    assert_eq!(held.body["change_until"], json!(NOON + SignedDuration::from_secs(30)));

    world.handle(&tells::cancel_requested(order(1))).await;
    let start = kitchen(&world, OWNER, order(1), "start", None).await;
    assert_eq!(refused(&start), (StatusCode::CONFLICT, "ticket_closed"));
}

#[tokio::test]
async fn a_rejection_says_why_and_gives_the_stock_back() {
    let world = world_with_a_ticket().await;
    let why = || Some(json!({"reason": "other", "text": " 기름이 떨어졌어요 "}));
    let answer = kitchen(&world, OWNER, order(1), "reject", why()).await;
    assert_eq!((answer.status, &answer.body["status"]), (StatusCode::OK, &json!("rejected")));
    assert_eq!(answer.body["rejected"], json!({"reason": "other", "text": "기름이 떨어졌어요"}));
    assert_eq!(world.left(CHICKEN).await, Some(5));
    assert_eq!(kitchen(&world, OWNER, order(1), "reject", why()).await.body, answer.body);
    let other = kitchen(&world, OWNER, order(1), "reject", Some(json!({"reason": "closed"}))).await;
    assert_eq!(refused(&other), (StatusCode::CONFLICT, "ticket_closed"));
}

#[tokio::test]
async fn what_a_kitchen_says_has_bounds() {
    let world = world_with_a_ticket().await;
    for (verb, body, field) in [
        ("accept", json!({"cook_minutes": 4}), "cook_minutes"),
        ("accept", json!({"cook_minutes": 91}), "cook_minutes"),
        ("accept", json!({"cook_minutes": "20"}), "cook_minutes"),
        ("accept", json!({"cook_minutes": 20, "note": ""}), "note"),
        ("reject", json!({"reason": "store_timeout"}), "reason"),
        ("reject", json!({"reason": "other"}), "text"),
        ("reject", json!({"reason": "other", "text": "  "}), "text"),
        ("reject", json!({"reason": "closed", "text": "가".repeat(501)}), "text"),
    ] {
        let answer = kitchen(&world, OWNER, order(1), verb, Some(body)).await;
        assert_eq!(refused(&answer), (StatusCode::UNPROCESSABLE_ENTITY, "invalid"), "{:?}", answer.body);
        assert_eq!(answer.wrong_fields(), [field], "{:?}", answer.body);
    }
    assert_eq!(kitchen(&world, OWNER, order(1), "accept", None).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn another_owners_ticket_is_not_there() {
    let world = world_with_a_ticket().await;
    for (who, order_id) in [(STRANGER, order(1)), (OWNER, order(2))] {
        for (verb, body) in [
            ("accept", Some(json!({"cook_minutes": 20}))),
            ("reject", Some(json!({"reason": "closed"}))),
            ("start", None),
            ("finish", None),
        ] {
            let answer = kitchen(&world, who, order_id, verb, body).await;
            assert_eq!(refused(&answer), (StatusCode::NOT_FOUND, "not_found"));
        }
    }
}

fn publish_order(recorded: &Recorded) -> Result<Option<Public>, Failure> {
    publish_with(recorded, |event: Ordered| Ok(Some(event)))
}

/// Order commits an event to its own journal.
async fn commit(journal: &dyn Database, event: &Ordered) {
    let kind: &'static str = event.into();
    let order_id = event.order_id();
    let event = NewEvent {
        id: Uuid::now_v7(),
        kind,
        data: serde_json::to_vec(event).expect("JSON"),
        at: NOON,
        correlation: Some(order_id.0),
        command: "Test",
        origin: Arc::new(origin_of_a_request()),
    };
    let append = Append { stream: format!("order/{order_id}"), expected_version: 0, events: vec![event] };
    journal.commit(Commit { appends: vec![append], ..Commit::default() }).await.expect("a journal");
}

#[tokio::test]
async fn the_running_context_hears_answers_and_ends_what_took_too_long() {
    let orders: Arc<dyn Database> = Arc::new(MemoryDatabase::default());
    let stores: Arc<dyn Database> = Arc::new(MemoryDatabase::default());
    let bus = JournalBus::default().with(source::ORDER, Arc::clone(&orders), publish_order);
    let clock = ManualClock::at(NOON);
    let lifecycle = Lifecycle::default();
    let (ports, ids) = (Arc::new(clock.clone()), Arc::new(SystemIds));
    let service = Service::new(source::STORE, stores, Arc::new(bus), ports, ids, lifecycle.clone());
    let module = crate::module(service.clone(), Settings::default());
    let router = module.start().await.expect("a context that starts");
    assert!(crate::described().document.paths.paths.contains_key("/api/tickets/{order_id}/start"));

    let status =
        |wished: TicketStatus| move |ticket: &Ticket| ticket.sheet().is_some_and(|sheet| sheet.status == wished);
    let limit = Duration::from_secs(10);
    commit(orders.as_ref(), &tells::paid(order(2), &[(CHICKEN, 2)])).await;
    let open = status(TicketStatus::Open);
    assert!(open(service.look_until::<Ticket>(&order(2), limit, open).await.expect("a ticket").as_ref()));

    // The owner is as fast as the event.
    commit(orders.as_ref(), &tells::paid(order(1), &[(CHICKEN, 2)])).await;
    let path = format!("/api/tickets/{}/accept", order(1));
    let answer = ask(&router, OWNER, Method::POST, &path, None, Some(json!({"cook_minutes": 20}))).await;
    assert_eq!((answer.status, &answer.body["status"]), (StatusCode::OK, &json!("accepted")));

    clock.advance(SignedDuration::from_mins(5));
    let rejected = status(TicketStatus::Rejected);
    assert!(rejected(service.look_until::<Ticket>(&order(2), limit, rejected).await.expect("a ticket").as_ref()));
    lifecycle.stop(limit).await;
}

#[tokio::test]
async fn nobody_signed_in_is_answered_so() {
    let router = crate::http::routes(World::default().service);
    let request = Request::post(format!("/api/tickets/{}/start", order(1))).body(Body::empty()).expect("a request");
    let response = router.oneshot(request).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}
