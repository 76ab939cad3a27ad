//! Waiting and fetching: the radius grows, and rider and operator are told, as the clock goes.

use std::sync::Arc;

use baedal_contracts::{OrderId, delivery};
use baedal_kit::scenario::NOON;
use baedal_kit::{Job, Origin};
use baedal_kit_runtime::JobHandler;
use http::StatusCode;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::world::{LONG, World, spot};
use crate::domain::delivery::{ESCALATE, PICK_UP_BY, WIDEN};
use crate::domain::{Delivery, Errand, Stage};
use crate::jobs::Deadlines;
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
    errand.stage == Stage::Waiting && errand.escalate_at.is_none()
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

fn is_overdue(errand: &Errand) -> bool {
    matches!(&errand.stage, Stage::Claimed(claim) if claim.pick_up_by.is_none())
}

#[tokio::test]
async fn claims_that_are_given_back_again_and_again_hide_nothing_from_the_operator() {
    let world = World::start().await;
    // Two in turn, as nobody may give back so often.
    let near = [world.rider_at(spot(0.0, 0.0)).await, world.rider_at(spot(0.0, 0.0)).await];
    let far = world.rider_at(spot(-11_000.0, 0.0)).await;
    let order_id = world.cook_one().await;
    for rider in near.iter().copied().cycle().take(7) {
        assert_eq!(world.step(rider, order_id, "claim").await.0, StatusCode::OK);
        world.clock.advance(MINUTE * 2);
        // They are there, so that they are told.
        world.on_duty(far, spot(-11_000.0, 0.0)).await;
        assert_eq!(world.step(rider, order_id, "release").await.0, StatusCode::OK);
    }
    // Fourteen minutes after the kitchen had finished: as wide as it gets, and told to those who are there now.
    wait(&world, order_id, |errand| errand.radius_m == 12_000).await;
    let told = world.told(order_id).await;
    assert!(matches!(told.last(), Some(delivery::Event::ClaimReleased { riders, .. }) if *riders == [far]), "{told:?}");
    world.clock.advance(MINUTE);
    wait(&world, order_id, is_escalated).await;
    let escalated = delivery::Event::DeliveryEscalated { order_id, waiting_since: NOON };
    assert_eq!(world.told(order_id).await.last(), Some(&escalated));
}

#[tokio::test]
async fn food_that_is_claimed_and_not_fetched_is_told_and_the_operator_takes_it_back() {
    let world = World::start().await;
    let rider = world.rider_at(spot(0.0, 0.0)).await;
    let other = world.rider_at(spot(500.0, 0.0)).await;
    let order_id = world.cook_one().await;
    world.clock.advance(MINUTE);
    assert_eq!(world.step(rider, order_id, "claim").await.0, StatusCode::OK);
    world.clock.advance(MINUTE * 20);
    wait(&world, order_id, is_overdue).await;
    let overdue = delivery::Event::PickupOverdue { order_id, rider_id: rider, claimed_at: NOON + MINUTE };
    assert_eq!(world.told(order_id).await.last(), Some(&overdue));

    // He is there, so that he is told of it.
    world.on_duty(other, spot(500.0, 0.0)).await;
    let (status, body) = world.take_back(order_id, json!({"rider_id": other, "reason": "연락 두절"})).await;
    assert_eq!((status, &body["type"]), (StatusCode::CONFLICT, &json!("/problems/claim_gone")));
    for wrong in
        [json!({}), json!({"rider_id": rider}), json!({"reason": "x"}), json!({"rider_id": rider, "reason": " "})]
    {
        assert_eq!(world.take_back(order_id, wrong).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let because = json!({"rider_id": rider, "reason": "연락 두절"});
    let (status, view) = world.take_back(order_id, because.clone()).await;
    assert_eq!((status, &view["status"], &view["rider_id"]), (StatusCode::OK, &json!("waiting"), &Value::Null));
    assert_eq!(world.take_back(order_id, because.clone()).await, (status, view));
    assert_eq!(world.rider(rider).await.carrying, []);
    let taken = delivery::Event::ClaimReleased {
        order_id,
        rider_id: rider,
        riders: vec![other],
        taken_back: Some("연락 두절".to_owned()),
    };
    wait(&world, order_id, is_escalated).await;
    assert_eq!(world.told(order_id).await[3..4], [taken]);

    // Offered to others first, to him last; and asked late once more, it is taken from nobody else.
    let nearer = world.cook_one().await;
    let offered = async |rider| {
        let (_, body) = world.get(rider, "/api/deliveries/nearby").await;
        let items = body["items"].as_array().expect("items").clone();
        items.into_iter().map(|item| item["order_id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(offered(rider).await, [json!(nearer), json!(order_id)]);
    assert_eq!(offered(other).await, [json!(order_id), json!(nearer)]);
    assert_eq!(world.step(other, order_id, "claim").await.0, StatusCode::OK);
    assert_eq!(world.take_back(order_id, because).await.0, StatusCode::OK);
    assert_eq!(world.step(other, order_id, "pickup").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_deadline_that_comes_while_the_clock_is_set_back_comes_again_at_its_time() {
    let world = World::start().await;
    let rider = world.rider_at(spot(0.0, 0.0)).await;
    let (waiting, claimed) = (world.cook_one().await, world.cook_one().await);
    assert_eq!(world.step(rider, claimed, "claim").await.0, StatusCode::OK);
    let handlers: [Arc<dyn JobHandler>; 1] = [Arc::new(Deadlines { settings: Arc::default() })];
    for (kind, order_id) in [(WIDEN, waiting), (ESCALATE, waiting), (PICK_UP_BY, claimed)] {
        let early = Job::new(kind, order_id, NOON);
        let mut work = world.service.work(Origin::none());
        handlers[0].run(&early, &mut work).await.expect("no failure");
        work.commit().await.expect("a commit");
    }
    world.clock.advance(MINUTE * 20);
    wait(&world, waiting, is_escalated).await;
    wait(&world, waiting, |errand| errand.radius_m > 3_000).await;
    wait(&world, claimed, is_overdue).await;
}

#[tokio::test]
async fn why_a_claim_is_taken_back_is_normalized_text() {
    for (typed, wished) in [
        (" 연락이\u{200B}\r\n두절 ", Ok("연락이\n두절")),
        ("\u{3164}", Err("must hold something that can be seen")),
        ("연락\u{0}", Err("must not hold control characters, as U+0000")),
    ] {
        let world = World::start().await;
        let rider = world.rider_at(spot(0.0, 0.0)).await;
        let order_id = world.cook_one().await;
        assert_eq!(world.step(rider, order_id, "claim").await.0, StatusCode::OK);
        let (status, body) = world.take_back(order_id, json!({"rider_id": rider, "reason": typed})).await;
        match wished {
            Ok(wished) => {
                assert_eq!(status, StatusCode::OK, "{typed:?}: {body}");
                let told = world.told(order_id).await;
                let Some(delivery::Event::ClaimReleased { taken_back, .. }) = told.last() else { panic!("{told:?}") };
                assert_eq!(taken_back.as_deref(), Some(wished));
            }
            Err(message) => assert_eq!(body["errors"], json!([{"field": "reason", "message": message}]), "{typed:?}"),
        }
    }
}

#[test]
fn every_field_that_people_type_into_is_tested() {
    let document = serde_json::to_value(crate::described().document).expect("JSON");
    let rows = [("POST /api/deliveries/{order_id}/release", "reason")];
    baedal_text::testing::assert_every_field_has_a_row(&document, rows);
}
