//! What the kitchen's and the order's events lead to, each heard twice, and in the wrong order.

use baedal_contracts::order::CancelReason;
use baedal_contracts::store::RejectReason;
use baedal_contracts::{OrderId, Won, delivery, order};
use http::StatusCode;

use super::world::{World, new_order, spot};
use crate::domain::{Delivery, Stage};

fn canceled(order_id: OrderId) -> order::Event {
    order::Event::OrderCanceled {
        order_id,
        reason: CancelReason::Operator,
        text: String::new(),
        owed_krw: Won::ZERO,
        fault: None,
        paid: true,
        bill: None,
        version: 9,
    }
}

#[tokio::test]
async fn ready_food_is_asked_for_once_and_the_nearest_riders_with_a_free_hand_are_told() {
    let world = World::start().await;
    let (pickup, drop_off) = (spot(0.0, 0.0), spot(2_000.0, 0.0));
    let mut by_distance = Vec::new();
    for metres in [2_500.0, 100.0, 900.0, 1_700.0, 400.0, 2_900.0] {
        by_distance.push((metres, world.rider_at(spot(0.0, -metres)).await));
    }
    by_distance.sort_by(|(one, _), (other, _)| f64::total_cmp(one, other));
    let by_the_customer = world.rider_at(spot(4_500.0, 0.0)).await;
    world.rider_at(spot(0.0, -3_200.0)).await;
    let off_duty = by_distance[1].1;
    let body = serde_json::json!({"on_duty": false, "location": spot(0.0, 0.0)});
    world.ask(off_duty, http::Method::PUT, "/api/riders/me", Some(body)).await;

    let order_id = new_order();
    world.cook(order_id, pickup, drop_off).await;
    world.cook(order_id, pickup, drop_off).await;

    let told = world.told(order_id).await;
    let [delivery::Event::DeliveryRequested { riders, deliver_to, .. }] = told.as_slice() else { panic!("{told:?}") };
    let nearest: Vec<_> = [0, 2, 3, 4, 5].map(|place: usize| by_distance[place].1).into();
    assert_eq!(*riders, nearest);
    assert!(!riders.contains(&by_the_customer));
    assert_eq!(deliver_to.location, drop_off);
}

#[tokio::test]
async fn a_rider_near_the_customer_is_told_too() {
    let world = World::start().await;
    let by_the_customer = world.rider_at(spot(4_500.0, 0.0)).await;
    let order_id = new_order();
    world.cook(order_id, spot(0.0, 0.0), spot(2_000.0, 0.0)).await;
    let told = world.told(order_id).await;
    assert!(matches!(&told[..], [delivery::Event::DeliveryRequested { riders, .. }] if *riders == [by_the_customer]));
}

#[tokio::test]
async fn an_order_that_ends_withdraws_its_delivery_and_frees_the_riders_hands() {
    let world = World::start().await;
    let rider = world.rider_at(spot(0.0, 0.0)).await;
    for steps in [&["claim"][..], &["claim", "pickup"]] {
        let order_id = world.cook_one().await;
        for step in steps {
            assert_eq!(world.step(rider, order_id, step).await.0, StatusCode::OK);
        }
        assert_eq!(world.rider(rider).await.carrying, [order_id]);
        world.end_order(canceled(order_id)).await;
        world.end_order(canceled(order_id)).await;
        assert_eq!(world.rider(rider).await.carrying, []);
        let told = world.told(order_id).await;
        assert_eq!(told.last(), Some(&delivery::Event::DeliveryCanceled { order_id, rider_id: Some(rider) }));
        assert_eq!(told.iter().filter(|event| matches!(event, delivery::Event::DeliveryCanceled { .. })).count(), 1);
        let (status, body) = world.step(rider, order_id, "deliver").await;
        assert_eq!((status, body["type"].as_str()), (StatusCode::CONFLICT, Some("/problems/delivery_canceled")));
        let (_, mine) = world.get(rider, "/api/deliveries/mine").await;
        assert_eq!(mine["items"][0]["status"], "canceled");
    }
}

#[tokio::test]
async fn what_waits_is_withdrawn_without_a_trace_for_riders() {
    let world = World::start().await;
    let rider = world.rider_at(spot(0.0, 0.0)).await;
    let order_id = world.cook_one().await;
    world
        .end_order(order::Event::OrderRejected {
            order_id,
            reason: RejectReason::Other,
            text: String::new(),
            version: 9,
        })
        .await;
    assert_eq!(world.told_names(order_id).await, ["DeliveryRequested", "DeliveryCanceled"]);
    let (_, nearby) = world.get(rider, "/api/deliveries/nearby").await;
    assert_eq!(nearby["items"], serde_json::json!([]));
}

#[tokio::test]
async fn an_order_that_ended_before_its_food_was_ready_is_never_brought() {
    let world = World::start().await;
    let rider = world.rider_at(spot(0.0, 0.0)).await;
    let order_id = new_order();
    world.end_order(canceled(order_id)).await;
    world.end_order(canceled(order_id)).await;
    world.cook(order_id, spot(0.0, 0.0), spot(100.0, 0.0)).await;
    assert_eq!(world.delivery(order_id).await, Delivery::Withdrawn);
    assert_eq!(world.told(order_id).await, []);
    assert_eq!(world.step(rider, order_id, "claim").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_was_delivered_stays_so_when_the_order_ends_after() {
    let world = World::start().await;
    let rider = world.rider_at(spot(0.0, 0.0)).await;
    let order_id = world.cook_one().await;
    for step in ["claim", "pickup", "deliver"] {
        assert_eq!(world.step(rider, order_id, step).await.0, StatusCode::OK);
    }
    world.end_order(canceled(order_id)).await;
    world.cook(order_id, spot(0.0, 0.0), spot(100.0, 0.0)).await;
    let Delivery::Requested(errand) = world.delivery(order_id).await else { panic!("it was requested") };
    assert!(matches!(errand.stage, Stage::Delivered { .. }));
    let names = world.told_names(order_id).await;
    assert_eq!(names, ["DeliveryRequested", "DeliveryClaimed", "PickedUp", "Delivered"]);
}
