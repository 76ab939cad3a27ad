//! Riders of whom nothing is heard are told of nothing, and take no place of those who are there.

use baedal_contracts::{AccountId, OrderId, delivery};
use jiff::SignedDuration;
use serde_json::json;

use super::live::Screen;
use super::world::{LONG, World, new_rider, spot};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// Who is told of food that is ready now.
async fn told(world: &World) -> Vec<AccountId> {
    let order_id = world.cook_one().await;
    riders_of(world, order_id).await
}

async fn riders_of(world: &World, order_id: OrderId) -> Vec<AccountId> {
    match world.told(order_id).await.pop() {
        Some(delivery::Event::DeliveryRequested { riders, .. } | delivery::Event::ClaimReleased { riders, .. }) => {
            riders
        }
        other => panic!("{other:?}"),
    }
}

/// Waits until it is written that a rider was heard of now.
async fn is_heard(world: &World, rider: AccountId) {
    let now = world.service.clock().now();
    wait(async || world.rider(rider).await.heard_at == Some(now)).await;
}

async fn wait(is_so: impl AsyncFn() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, waiting).await.expect("in time");
}

#[tokio::test]
async fn silent_riders_take_no_place_of_those_who_are_there() {
    let world = World::start().await;
    let mut silent = Vec::new();
    for metres in [10.0, 20.0, 30.0, 40.0, 50.0] {
        silent.push(world.rider_at(spot(0.0, metres)).await);
    }
    let there = world.rider_at(spot(0.0, 2_000.0)).await;
    assert_eq!(told(&world).await, silent, "the five nearest, as long as they are heard of");
    world.clock.advance(MINUTE * 9);
    world.on_duty(there, spot(0.0, 2_000.0)).await;
    world.clock.advance(MINUTE);
    assert_eq!(told(&world).await, [there]);

    // They are not even found any more, so that thousands of them would be no burden.
    for rider in &silent {
        wait(async || world.rider(*rider).await.is_silent).await;
    }
    assert!(!world.rider(there).await.is_silent);
    let (_, nearby) = world.get(silent[3], "/api/deliveries/nearby").await;
    assert!(!nearby["items"].as_array().expect("items").is_empty(), "nothing is kept from one who looks");
    is_heard(&world, silent[3]).await;
    assert_eq!(told(&world).await, [silent[3], there]);
}

#[tokio::test]
async fn any_request_is_heard() {
    let world = World::start().await;
    let rider = world.rider_at(spot(0.0, 0.0)).await;
    let order_id = world.cook_one().await;
    let get = http::Method::GET;
    let post = http::Method::POST;
    let step = |step: &str| (post.clone(), format!("/api/deliveries/{order_id}/{step}"));
    let requests = [
        (get.clone(), "/api/deliveries/nearby".to_owned()),
        (get.clone(), "/api/deliveries/mine".to_owned()),
        step("claim"),
        step("pickup"),
        step("pickup"),
        // Refused requests are requests.
        step("release"),
        step("deliver"),
    ];
    for (method, path) in requests {
        world.clock.advance(MINUTE * 11);
        world.ask(rider, method, &path, None).await;
        is_heard(&world, rider).await;
        assert_eq!(told(&world).await, [rider], "after {path}");
    }
}

#[tokio::test]
async fn an_open_screen_is_heard_all_the_while_and_a_closed_one_no_more() {
    let world = World::start().await;
    let rider = world.rider_at(spot(0.0, 0.0)).await;
    let screen = Screen::open(&world, rider, "").await;
    for _ in 0..30 {
        world.clock.advance(MINUTE);
        is_heard(&world, rider).await;
    }
    assert_eq!(told(&world).await, [rider]);
    screen.close().await;
    world.clock.advance(MINUTE * 11);
    wait(async || world.rider(rider).await.is_silent).await;
    assert_eq!(told(&world).await, []);
}

#[tokio::test]
async fn looking_again_and_again_writes_once_a_minute() {
    let world = World::start().await;
    let rider = world.rider_at(spot(0.0, 0.0)).await;
    let version = async || {
        let view = world.service.view_name("riders");
        world.service.database().get(&view, &rider.to_string()).await.expect("a database").expect("a rider").version
    };
    let before = version().await;
    for _ in 0..60 {
        world.clock.advance(SignedDuration::from_secs(1));
        world.get(rider, "/api/deliveries/nearby").await;
    }
    is_heard(&world, rider).await;
    assert_eq!(version().await, before + 1);
}

#[tokio::test]
async fn off_duty_nobody_is_counted_on() {
    let world = World::start().await;
    let rider = world.rider_at(spot(0.0, 0.0)).await;
    world.ask(rider, http::Method::PUT, "/api/riders/me", Some(json!({"on_duty": false}))).await;
    world.clock.advance(MINUTE * 11);
    assert_eq!(told(&world).await, []);
    assert!(!world.rider(rider).await.is_silent);
    world.on_duty(rider, spot(0.0, 0.0)).await;
    assert_eq!(told(&world).await, [rider]);
    let nobody = new_rider();
    world.get(nobody, "/api/deliveries/nearby").await;
    assert_eq!(world.rider(nobody).await, crate::domain::Rider::default());
}
