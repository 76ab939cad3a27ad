//! A rider's day over HTTP.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::world::{World, new_order, new_rider, spot};

fn kind(body: &Value) -> &str {
    body["type"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_delivery_from_the_kitchen_to_the_customer() {
    let world = World::start().await;
    let rider = world.rider_at(spot(0.0, -1_000.0)).await;
    let order_id = world.cook_one().await;

    let (status, nearby) = world.get(rider, "/api/deliveries/nearby").await;
    assert_eq!((status, &nearby["next"]), (StatusCode::OK, &Value::Null));
    let item = &nearby["items"][0];
    assert_eq!(item["order_id"], json!(order_id));
    assert_eq!(item["status"], "waiting");
    assert_eq!(item["distance_m"], 1_000);
    assert_eq!(item["pickup"]["address"], "서울 강남구 테헤란로 1");
    assert_eq!(item["neighbourhood"], "서울 강남구 역삼로");
    assert!(item.get("deliver_to").is_none() && item.get("note").is_none(), "{item}");
    assert!(!nearby.to_string().contains("301호"), "where it goes is for the rider who claims it");

    let (status, claimed) = world.step(rider, order_id, "claim").await;
    assert_eq!((status, &claimed["status"]), (StatusCode::OK, &json!("claimed")));
    assert_eq!(claimed["deliver_to"]["address"], "서울 강남구 역삼로 2, 301호");
    assert_eq!(claimed["note"], "문 앞에 놓아 주세요");
    assert_eq!(claimed["rider_id"], json!(rider));
    assert!(claimed["eta_from"].as_str() < claimed["eta_to"].as_str());
    assert_eq!(world.step(rider, order_id, "claim").await, (StatusCode::OK, claimed));

    let (_, nearby) = world.get(rider, "/api/deliveries/nearby").await;
    assert_eq!(nearby["items"], json!([]));

    let (status, early) = world.step(rider, order_id, "deliver").await;
    assert_eq!((status, kind(&early)), (StatusCode::CONFLICT, "/problems/not_picked_up"));
    let (status, picked_up) = world.step(rider, order_id, "pickup").await;
    assert_eq!((status, &picked_up["status"]), (StatusCode::OK, &json!("picked_up")));
    let (status, late) = world.step(rider, order_id, "release").await;
    assert_eq!((status, kind(&late)), (StatusCode::CONFLICT, "/problems/already_picked_up"));
    assert_eq!(world.step(rider, order_id, "pickup").await, (StatusCode::OK, picked_up));
    let (status, delivered) = world.step(rider, order_id, "deliver").await;
    assert_eq!((status, &delivered["status"]), (StatusCode::OK, &json!("delivered")));
    assert_eq!(world.step(rider, order_id, "deliver").await, (StatusCode::OK, delivered.clone()));
    assert_eq!(world.rider(rider).await.carrying, []);

    let (_, mine) = world.get(rider, "/api/deliveries/mine").await;
    assert_eq!(mine["items"], json!([delivered]));
    let names = world.told_names(order_id).await;
    assert_eq!(names, ["DeliveryRequested", "DeliveryClaimed", "PickedUp", "Delivered"]);
}

#[tokio::test]
async fn another_riders_delivery_is_nobodys_business() {
    let world = World::start().await;
    let (rider, other) = (world.rider_at(spot(0.0, 0.0)).await, world.rider_at(spot(0.0, 0.0)).await);
    let order_id = world.cook_one().await;
    let (status, body) = world.step(other, order_id, "pickup").await;
    assert_eq!((status, kind(&body)), (StatusCode::CONFLICT, "/problems/not_claimed"));
    world.step(rider, order_id, "claim").await;
    let (status, body) = world.step(other, order_id, "claim").await;
    assert_eq!((status, kind(&body)), (StatusCode::CONFLICT, "/problems/already_claimed"));
    for step in ["release", "pickup", "deliver"] {
        assert_eq!(world.step(other, order_id, step).await.0, StatusCode::NOT_FOUND, "{step}");
    }
    let (_, mine) = world.get(other, "/api/deliveries/mine").await;
    assert_eq!(mine["items"], json!([]));
}

#[tokio::test]
async fn a_released_delivery_waits_again_and_goes_on_with_others() {
    let world = World::start().await;
    let (rider, other) = (world.rider_at(spot(0.0, 0.0)).await, world.rider_at(spot(0.0, 0.0)).await);
    let order_id = world.cook_one().await;
    world.step(rider, order_id, "claim").await;
    let (status, released) = world.step(rider, order_id, "release").await;
    assert_eq!((status, &released["status"], &released["rider_id"]), (StatusCode::OK, &json!("waiting"), &Value::Null));
    assert_eq!(world.step(rider, order_id, "release").await, (StatusCode::OK, released));
    assert_eq!(world.rider(rider).await.carrying, []);
    assert_eq!(world.step(other, order_id, "claim").await.0, StatusCode::OK);
    let (status, again) = world.step(rider, order_id, "release").await;
    assert_eq!((status, &again["rider_id"], &again["claimed_at"]), (StatusCode::OK, &Value::Null, &Value::Null));
    assert_eq!(world.step(rider, order_id, "pickup").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn duty_and_nearness_decide_what_is_seen() {
    let world = World::start().await;
    let order_id = world.cook_one().await;
    let stranger = new_rider();
    let (status, body) = world.get(stranger, "/api/deliveries/nearby").await;
    assert_eq!((status, kind(&body)), (StatusCode::CONFLICT, "/problems/not_on_duty"));
    let (status, body) = world.step(stranger, order_id, "claim").await;
    assert_eq!((status, kind(&body)), (StatusCode::CONFLICT, "/problems/not_on_duty"));

    let far = world.rider_at(spot(-3_050.0, 0.0)).await;
    assert_eq!(world.get(far, "/api/deliveries/nearby").await.1["items"], json!([]));
    let (status, body) = world.step(far, order_id, "claim").await;
    assert_eq!((status, kind(&body)), (StatusCode::CONFLICT, "/problems/too_far"));
    world.on_duty(far, spot(-2_900.0, 0.0)).await;
    assert_eq!(world.step(far, order_id, "claim").await.0, StatusCode::OK);
    let off = world.ask(far, Method::PUT, "/api/riders/me", Some(json!({"on_duty": false}))).await;
    assert_eq!((off.0, &off.1["carrying"]), (StatusCode::OK, &json!([order_id])));
    assert_eq!(world.step(far, order_id, "pickup").await.0, StatusCode::OK, "what he has claimed stays his");
}

#[tokio::test]
async fn the_fourth_claim_is_one_too_many() {
    let world = World::start().await;
    let rider = world.rider_at(spot(0.0, 0.0)).await;
    for _ in 0..3 {
        let order_id = world.cook_one().await;
        assert_eq!(world.step(rider, order_id, "claim").await.0, StatusCode::OK);
    }
    let fourth = world.cook_one().await;
    let (status, body) = world.step(rider, fourth, "claim").await;
    assert_eq!((status, kind(&body)), (StatusCode::CONFLICT, "/problems/carrying_too_many"));
}

#[tokio::test]
async fn my_deliveries_come_in_pages_those_in_hand_first() {
    let world = World::start().await;
    let rider = world.rider_at(spot(0.0, 0.0)).await;
    let mut done = Vec::new();
    let mut held = Vec::new();
    for turn in 0..5 {
        let order_id = world.cook_one().await;
        world.step(rider, order_id, "claim").await;
        if turn % 2 == 0 {
            held.insert(0, json!(order_id));
        } else {
            world.step(rider, order_id, "pickup").await;
            world.step(rider, order_id, "deliver").await;
            done.insert(0, json!(order_id));
        }
    }
    let mut seen = Vec::new();
    let mut path = "/api/deliveries/mine?limit=2".to_owned();
    loop {
        let (status, page) = world.get(rider, &path).await;
        assert_eq!(status, StatusCode::OK);
        seen.extend(page["items"].as_array().expect("items").iter().map(|item| item["order_id"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/deliveries/mine?limit=2&after={next}");
    }
    assert_eq!(seen, [held, done].concat());
    for wrong in ["after=x", "after=held~x", "limit=0", "limit=101", "limit=x"] {
        let (status, body) = world.get(rider, &format!("/api/deliveries/mine?{wrong}")).await;
        assert_eq!((status, kind(&body)), (StatusCode::BAD_REQUEST, "/problems/malformed"), "{wrong}");
    }
}

#[tokio::test]
async fn what_cannot_be_is_a_problem_and_not_a_failure() {
    let world = World::start().await;
    let rider = new_rider();
    for wrong in [
        json!({}),
        json!({"on_duty": true}),
        json!({"on_duty": true, "location": null}),
        json!({"on_duty": "yes", "location": {"lat": 1.0, "lng": 1.0}}),
        json!({"on_duty": true, "location": {"lat": 91.0, "lng": 1.0}}),
        json!({"on_duty": true, "location": {"lat": 1.0}}),
        json!({"on_duty": true, "location": {"lat": 1.0, "lng": 1.0}, "speed": 3}),
    ] {
        let (status, body) = world.ask(rider, Method::PUT, "/api/riders/me", Some(wrong.clone())).await;
        assert_eq!((status, kind(&body)), (StatusCode::UNPROCESSABLE_ENTITY, "/problems/invalid"), "{wrong}");
        assert!(body["errors"][0]["field"].is_string());
    }
    assert_eq!(world.step(rider, new_order(), "claim").await.0, StatusCode::NOT_FOUND);
    let (status, body) = world.ask(rider, Method::POST, "/api/deliveries/7/claim", None).await;
    assert_eq!((status, kind(&body)), (StatusCode::BAD_REQUEST, "/problems/malformed"));
}

#[test]
fn every_route_is_described() {
    let document = crate::described().document;
    let paths: Vec<_> = document.paths.paths.keys().map(String::as_str).collect();
    assert_eq!(
        paths,
        [
            "/api/deliveries/live",
            "/api/deliveries/mine",
            "/api/deliveries/nearby",
            "/api/deliveries/{order_id}/claim",
            "/api/deliveries/{order_id}/deliver",
            "/api/deliveries/{order_id}/pickup",
            "/api/deliveries/{order_id}/release",
            "/api/riders/me",
        ]
    );
}

#[tokio::test]
async fn an_answer_says_where_it_stands() {
    let world = World::start().await;
    let rider = world.rider_at(spot(0.0, 0.0)).await;
    let order_id = world.cook_one().await;
    let request = http::Request::post(format!("/api/deliveries/{order_id}/claim"))
        .header("baedal-caller", format!("rider:{rider}"))
        .body(axum::body::Body::empty())
        .expect("a request");
    let response = tower::ServiceExt::oneshot(world.router.clone(), request).await.expect("an answer");
    assert_eq!(response.headers()["baedal-position"], "delivery:2");
}
