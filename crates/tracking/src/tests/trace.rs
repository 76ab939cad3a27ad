//! How an order came to be what it is.

use std::sync::Arc;

use baedal_contracts::identity::Role;
use baedal_contracts::notification::{self, Channel};
use baedal_contracts::{AccountId, source};
use baedal_kit::{Cause, CauseKind, Envelope, Origin};
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::events::{CUSTOMER, Of, envelope_of, order_id};
use super::stories;
use super::world::{World, caller};

fn path() -> String {
    format!("/api/operations/orders/{}/trace", order_id(1))
}

fn operator() -> Option<baedal_kit_http::Caller> {
    Some(caller(Role::Operator, AccountId(Uuid::from_u128(1))))
}

#[tokio::test]
async fn a_trace_tells_every_event_of_every_context_by_time_with_its_cause() {
    let world = World::new().await;
    stories::out_of_stock(Of(order_id(1))).iter().for_each(|heard| world.tell(heard));
    world.tell(&Of(order_id(2)).placed());
    let cause = Cause { kind: CauseKind::Event, id: Uuid::from_u128(9), name: "OrderRejected".to_owned() };
    let sent = notification::Event::NoticeSent {
        notice_id: Uuid::from_u128(3),
        order_id: order_id(1),
        recipient_id: CUSTOMER,
        template: "order_rejected".to_owned(),
        channel: Channel::Kakaotalk,
    };
    world.tell_envelope(source::NOTIFICATION, |position, at| Envelope {
        origin: Arc::new(Origin { cause, actor: None, traceparent: Some("00-1-2-01".to_owned()) }),
        ..envelope_of(source::NOTIFICATION, &sent, Some(order_id(1).0), position, at)
    });
    let trace = world.ok(&path(), operator()).await;
    let kinds: Vec<_> = trace["items"].as_array().expect("items").iter().map(|entry| &entry["kind"]).collect();
    assert_eq!(
        kinds,
        [
            "OrderPlaced",
            "PaymentApproved",
            "OrderPaid",
            "TicketRejected",
            "OrderRejected",
            "PaymentRefundDue",
            "PaymentRefunded",
            "NoticeSent",
        ]
    );
    let first = &trace["items"][0];
    assert_eq!(
        (&first["context"], &first["position"], &first["command"]),
        (&json!("order"), &json!(1), &json!("Command"))
    );
    assert_eq!(first["cause"], json!({ "kind": "request", "id": Uuid::from_u128(7), "name": "POST /api/orders" }));
    assert_eq!(first["actor"], json!(CUSTOMER));
    let last = &trace["items"][7];
    assert_eq!(last["cause"], json!({ "kind": "event", "id": Uuid::from_u128(9), "name": "OrderRejected" }));
    assert_eq!((&last["traceparent"], &last["actor"]), (&json!("00-1-2-01"), &Value::Null));
    assert_eq!(trace["next"], Value::Null);
}

#[tokio::test]
async fn a_long_trace_comes_in_pages() {
    let world = World::new().await;
    let of = Of(order_id(1));
    world.tell(&of.placed());
    (0..510).for_each(|_| world.tell(&of.declined()));
    let first = world.ok(&path(), operator()).await;
    assert_eq!(first["items"].as_array().expect("items").len(), 500);
    let next = first["next"].as_str().expect("a next page");
    let second = world.ok(&format!("{}?after={next}", path()), operator()).await;
    assert_eq!((second["items"].as_array().expect("items").len(), &second["next"]), (11, &Value::Null));
    let strange = world.get(&format!("{}?after=x", path()), operator()).await;
    assert_eq!(strange.0, StatusCode::BAD_REQUEST);
    let nothing = format!("/api/operations/orders/{}/trace", order_id(2));
    assert_eq!(world.get(&nothing, operator()).await.0, StatusCode::NOT_FOUND);
}
