//! Where exactly an order goes, and what the customer said, is its rider's only while he carries it and for ten minutes
//! after its end: by every route and stream that he can ask, in every phase.

use std::collections::BTreeSet;

use baedal_contracts::identity::Role;
use http::StatusCode;
use jiff::SignedDuration;
use serde_json::Value;

use super::events::{CUSTOMER, OTHER_RIDER, OWNER, Of, RIDER, order_id};
use super::stories;
use super::world::{Stream, World, caller, order_path};

/// Almost ten minutes.
const SOON: SignedDuration = SignedDuration::from_secs(590);
/// What is left of them, and a moment.
const LATER: SignedDuration = SignedDuration::from_secs(20);

/// What nobody else may know.
const ADDRESS: [&str; 3] = ["월드컵로 1", "문 앞에 두세요", "37.556"];
/// The routes at which a rider is shown orders.
const SHOWING: [&str; 3] = ["/api/orders", "/api/orders/{order_id}", "/api/orders/{order_id}/live"];
/// The routes that show a rider no order: stores, and what is for owners and operators, as the gateway's table says.
const SHOWING_NONE: [&str; 8] = [
    "/api/stores",
    "/api/stores/{store_id}",
    "/api/stores/{store_id}/ranking",
    "/api/stores/{store_id}/tickets",
    "/api/stores/{store_id}/tickets/live",
    "/api/operations/orders/{order_id}/trace",
    "/api/operations/stuck",
    "/api/operations/stuck/{list}",
];

#[test]
fn every_route_is_told_to_show_a_rider_orders_or_none() {
    let document = serde_json::to_value(crate::http::table().into_openapi()).expect("JSON");
    let routes: BTreeSet<_> = document["paths"].as_object().expect("paths").keys().map(String::as_str).collect();
    assert_eq!(routes, SHOWING.into_iter().chain(SHOWING_NONE).collect(), "does it show a rider where an order goes?");
}

/// Whether an answer tells where the order goes.
fn tells(answer: &Value) -> bool {
    let text = answer.to_string();
    ADDRESS.iter().any(|secret| text.contains(secret))
}

/// What each of [`SHOWING`] answers a rider; nothing where the order is not there for him.
async fn ask(world: &World, path: &str) -> Option<Value> {
    let rider = caller(Role::Rider, RIDER);
    let path = path.replace("{order_id}", &order_id(1).to_string());
    if path.ends_with("/live") {
        let response = world.open(&path, Some(rider), &[]).await;
        return match response.status() {
            StatusCode::OK => Some(Stream::of(response).shown().await.1),
            _ => None,
        };
    }
    let (status, body) = world.get(&path, Some(rider)).await;
    let is_there = status == StatusCode::OK && body["items"].as_array().is_none_or(|items| !items.is_empty());
    is_there.then_some(body)
}

async fn told(story: Vec<crate::views::orders::heard::Heard>) -> World {
    let world = World::new().await;
    story.iter().for_each(|heard| world.tell(heard));
    world.heard().await;
    world
}

#[tokio::test]
async fn an_address_is_a_riders_while_he_carries_the_order_and_ten_minutes_longer() {
    let (of, whole) = (Of(order_id(1)), stories::delivered(Of(order_id(1))));
    // Placed, approved, paid, opened, accepted, begun, cooked, requested: eight events before the first claim.
    let upto = |events: usize| whole[..events].to_vec();
    let none = SignedDuration::ZERO;
    // What was told, how much later he asks, and whether he sees the order and where it goes.
    let phases = [
        ("waiting", upto(8), none, None),
        ("claimed", upto(9), none, Some(true)),
        ("claimed long ago", upto(9), SignedDuration::from_hours(2), Some(true)),
        ("picked up", upto(10), none, Some(true)),
        ("delivered just now", upto(11), SOON, Some(true)),
        ("delivered long ago", upto(11), SOON + LATER, Some(false)),
        ("completed", whole.clone(), SOON + LATER, Some(false)),
        ("given back", stories::claim_released(of), none, None),
    ];
    for (phase, story, later, seen) in phases {
        let world = told(story).await;
        world.clock.advance(later);
        for path in SHOWING {
            let answer = ask(&world, path).await;
            assert_eq!(answer.as_ref().map(tells), seen, "{phase}: {path}: {answer:#?}");
        }
        for (role, account) in [(Role::Customer, CUSTOMER), (Role::Owner, OWNER), (Role::Operator, OTHER_RIDER)] {
            let order = world.ok(&order_path(order_id(1)), Some(caller(role, account))).await;
            assert!(tells(&order), "{phase}: {role} sees it always: {order:#}");
        }
    }
}

#[tokio::test]
async fn an_open_stream_hides_the_address_when_its_time_is_over() {
    let world = told(stories::delivered(Of(order_id(1)))).await;
    let mut live = Stream::of(
        world.open(&format!("{}/live", order_path(order_id(1))), Some(caller(Role::Rider, RIDER)), &[]).await,
    );
    assert!(tells(&live.shown().await.1));
    world.clock.advance(SOON + LATER);
    let shown = live.shown().await.1;
    assert!(!tells(&shown), "{shown:#}");
    assert_eq!((&shown["address_is_exact"], &shown["note"]), (&Value::from(false), &Value::from("")));
}
