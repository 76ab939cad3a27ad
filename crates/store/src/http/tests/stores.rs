//! Registering and changing stores.

use baedal_contracts::AccountId;
use baedal_contracts::store::Event as Told;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::testing::{Answer, OWNER, STORE, STRANGER, World};

fn store() -> Value {
    json!({
        "name": " 봉구네 가마솥통닭 ",
        "address": "서울 마포구 포은로 95 1층",
        "location": {"lat": 37.5555, "lng": 126.9049},
        "min_order_krw": 17_000,
        "delivery_radius_m": 3_000,
        "delivery_fee_krw": 2_000,
        "thanks_message": "고맙습니다!",
    })
}

async fn change(world: &World, who: AccountId, body: Value) -> Answer {
    world.ask(who, Method::PATCH, &format!("/api/stores/{STORE}"), Some(body)).await
}

#[tokio::test]
async fn a_new_store_is_closed_and_named_as_it_was_written() {
    let world = World::default();
    let answer = world.ask(OWNER, Method::POST, "/api/stores", Some(store())).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(answer.position.as_deref(), Some("store:1"));
    let told = world.told().await;
    let [Told::StoreRegistered { store_id, owner_id, profile }] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(answer.body, json!({"store_id": store_id}));
    assert_eq!((*owner_id, profile.name.as_str()), (OWNER, "봉구네 가마솥통닭"));

    let path = format!("/api/stores/{store_id}");
    let answer = world.ask(OWNER, Method::PATCH, &path, Some(json!({"open": true}))).await;
    assert_eq!((answer.status, &answer.body["open"]), (StatusCode::OK, &json!(true)));
    assert_eq!(world.told().await[1..], [Told::StoreOpened { store_id: *store_id }]);
}

#[tokio::test]
async fn what_is_changed_is_answered_and_what_is_left_out_stays() {
    let world = World::with_a_store().await;
    let answer = change(&world, OWNER, json!({"min_order_krw": 12_000, "open": false})).await;
    assert_eq!(answer.status, StatusCode::OK);
    let wished = json!({
        "store_id": STORE, "open": false, "name": "봉구네", "address": "서울 마포구 포은로 95",
        "location": {"lat": 37.5555, "lng": 126.9049}, "min_order_krw": 12_000, "delivery_radius_m": 3_000,
        "delivery_fee_krw": 2_000, "thanks_message": "고맙습니다!", "menu": [],
    });
    assert_eq!(answer.body, wished);
    let told = world.told().await.len();
    for repeated in [json!({"min_order_krw": 12_000, "open": false}), json!({})] {
        assert_eq!(change(&world, OWNER, repeated).await.body, wished);
    }
    assert_eq!(world.told().await.len(), told);
}

#[tokio::test]
async fn another_owners_store_is_not_there() {
    let world = World::with_a_store().await;
    let answer = change(&world, STRANGER, json!({"open": false})).await;
    assert_eq!((answer.status, answer.problem()), (StatusCode::NOT_FOUND, "not_found"));
    let nowhere = "/api/stores/00000000-0000-0000-0000-000000000001";
    let answer = world.ask(OWNER, Method::PATCH, nowhere, Some(json!({"open": false}))).await;
    assert_eq!((answer.status, answer.problem()), (StatusCode::NOT_FOUND, "not_found"));
    let answer = world.ask(OWNER, Method::PATCH, "/api/stores/bongu", Some(json!({"open": false}))).await;
    assert_eq!((answer.status, answer.problem()), (StatusCode::BAD_REQUEST, "malformed"));
}

#[tokio::test]
async fn every_field_has_bounds() {
    let world = World::with_a_store().await;
    let outside = [
        ("name", json!("")),
        ("name", json!("   ")),
        ("name", json!("가".repeat(81))),
        ("name", json!("nul\u{0}")),
        ("name", json!(null)),
        ("name", json!(7)),
        ("address", json!("가".repeat(201))),
        ("location", json!({"lat": 91, "lng": 0})),
        ("location", json!({"lat": "37", "lng": 0})),
        ("min_order_krw", json!(-1)),
        ("min_order_krw", json!(100_000_001)),
        ("min_order_krw", json!(1.5)),
        ("delivery_radius_m", json!(99)),
        ("delivery_radius_m", json!(20_001)),
        ("delivery_fee_krw", json!(100_000_001)),
        ("thanks_message", json!("")),
        ("thanks_message", json!("가".repeat(501))),
    ];
    for (field, value) in outside {
        let mut body = store();
        body[field] = value.clone();
        for answer in [
            world.ask(OWNER, Method::POST, "/api/stores", Some(body)).await,
            change(&world, OWNER, json!({field: value})).await,
        ] {
            assert_eq!((answer.status, answer.problem()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid"), "{value}");
            assert!(answer.wrong_fields()[0].starts_with(field), "{value}: {:?}", answer.body);
        }
    }
    let answer = change(&world, OWNER, json!({"opens": true})).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let answer = world.ask(OWNER, Method::POST, "/api/stores", Some(json!({"name": "봉구네"}))).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
}
