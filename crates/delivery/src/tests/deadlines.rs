//! Waiting: the radius grows and the operator is told, as the clock goes.

use baedal_contracts::{OrderId, delivery};
use baedal_kit::scenario::NOON;
use http::StatusCode;
use jiff::SignedDuration;

use super::world::{LONG, World, spot};
use crate::domain::{Delivery, Errand, Stage};
use crate::presence::SILENCE;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// The delivery, once it is as wished.
async fn wait(world: &World, order_id: OrderId, wished: impl Fn(&Errand) -> bool + Sync) {
    let delivery = world
        .service
        .look_until::<Delivery>(
            &order_id,
            LONG,
            |delivery| matches!(delivery, Delivery::Requested(errand) if wished(errand)),
        )
        .await
        .expect("a delivery");
    assert!(matches!(&*delivery, Delivery::Requested(errand) if wished(errand)), "{delivery:?}");
}

/// Whether nothing is to be done about any delivery, ever; riders are listened for all the same.
async fn no_deadline(world: &World) -> bool {
    let ever = world.service.clock().now() + MINUTE * 1_000_000;
    let jobs = world.service.database().lease(ever, ever, 1_000).await.expect("jobs");
    jobs.iter().all(|leased| leased.job.kind == SILENCE)
}

fn is_escalated(errand: &Errand) -> bool {
    matches!(errand.stage, Stage::Waiting { escalate_at: None, .. })
}

#[tokio::test]
async fn nobody_comes_so_riders_farther_away_see_it_and_then_the_operator_is_told_once() {
    let world = World::start().await;
    let far = world.rider_at(spot(-5_000.0, 0.0)).await;
    let farther = world.rider_at(spot(-11_000.0, 0.0)).await;
    let order_id = world.cook_one().await;
    let sees = async |rider| {
        let (status, body) = world.get(rider, "/api/deliveries/nearby").await;
        assert_eq!(status, StatusCode::OK);
        !body["items"].as_array().expect("items").is_empty()
    };
    assert!(!sees(far).await && !sees(farther).await);

    world.clock.advance(MINUTE * 5);
    wait(&world, order_id, |errand| errand.radius_m == 6_000).await;
    assert!(sees(far).await && !sees(farther).await);

    world.clock.advance(MINUTE * 5);
    wait(&world, order_id, |errand| errand.radius_m == 12_000).await;
    assert!(sees(far).await && sees(farther).await);

    world.clock.advance(MINUTE * 5);
    wait(&world, order_id, is_escalated).await;
    world.clock.advance(MINUTE * 60);
    assert!(no_deadline(&world).await);
    let told = world.told(order_id).await;
    assert!(matches!(told[..], [delivery::Event::DeliveryRequested { .. }, delivery::Event::DeliveryEscalated { .. }]));
    assert_eq!(told.last(), Some(&delivery::Event::DeliveryEscalated { order_id, waiting_since: NOON }));
    assert_eq!(world.step(farther, order_id, "claim").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_claim_ends_the_waiting_and_a_release_begins_it_anew() {
    let world = World::start().await;
    let rider = world.rider_at(spot(0.0, 0.0)).await;
    let other = world.rider_at(spot(500.0, 0.0)).await;
    let order_id = world.cook_one().await;
    world.clock.advance(MINUTE * 5);
    wait(&world, order_id, |errand| errand.radius_m == 6_000).await;
    assert_eq!(world.step(rider, order_id, "claim").await.0, StatusCode::OK);
    assert!(no_deadline(&world).await);

    world.clock.advance(MINUTE * 30);
    world.on_duty(other, spot(500.0, 0.0)).await;
    assert_eq!(world.step(rider, order_id, "release").await.0, StatusCode::OK);
    let told = world.told(order_id).await;
    assert!(matches!(told.last(), Some(delivery::Event::ClaimReleased { riders, .. }) if *riders == [other]));

    world.clock.advance(MINUTE * 5);
    wait(&world, order_id, |errand| errand.radius_m == 12_000).await;
    world.clock.advance(MINUTE * 10);
    wait(&world, order_id, is_escalated).await;
    let since = NOON + MINUTE * 35;
    assert_eq!(
        world.told(order_id).await.last(),
        Some(&delivery::Event::DeliveryEscalated { order_id, waiting_since: since })
    );
}
