//! Stores: their menus, and which deliver where.

use std::sync::atomic::{AtomicU64, Ordering};

use baedal_contracts::identity::Role;
use baedal_contracts::{Location, StoreId, store};
use http::StatusCode;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::events::{CHICKEN, CUSTOMER, OWNER, RADISH, RIDER, STORE, item, location, profile};
use super::world::{World, caller};
use crate::views::stores::reach;

fn store_id(n: u64) -> StoreId {
    StoreId(Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0000 + u128::from(n)))
}

fn open_store(world: &World, store_id: StoreId, at: Location, radius_m: u32) {
    let profile = profile(at, radius_m);
    world.tell_store(&store::Event::StoreRegistered { store_id, owner_id: OWNER, profile });
    world.tell_store(&store::Event::StoreOpened { store_id });
}

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().expect("items");
    items.iter().map(|store| store["store_id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn a_store_shows_its_menu_and_to_its_owner_what_is_left() {
    let world = World::new().await;
    open_store(&world, STORE, location(37.55, 126.915), 3_000);
    let change = |item_id, item| world.tell_store(&store::Event::MenuChanged { store_id: STORE, item_id, item });
    let version = AtomicU64::new(1);
    let left = |item_id, stock| {
        let version = version.fetch_add(1, Ordering::Relaxed);
        world.tell_store(&store::Event::StockChanged { store_id: STORE, item_id, stock, version });
    };
    change(CHICKEN, Some(item(CHICKEN, "후라이드 치킨")));
    left(CHICKEN, None);
    change(RADISH, Some(item(RADISH, "치킨무")));
    left(RADISH, Some(3));
    let path = format!("/api/stores/{STORE}");
    let shown = world.ok(&path, None).await;
    assert_eq!((&shown["open"], &shown["name"]), (&json!(true), &json!("봉구네 가마솥통닭")));
    assert_eq!(shown["menu"][0]["name"], "후라이드 치킨", "in the order in which they came");
    assert_eq!(shown["menu"][1]["available"], true);
    for nosy in [None, Some(caller(Role::Owner, CUSTOMER)), Some(caller(Role::Rider, RIDER))] {
        assert!(world.ok(&path, nosy).await["menu"][1].get("stock").is_none());
    }
    let owner = Some(caller(Role::Owner, OWNER));
    let shown = world.ok(&path, owner).await;
    assert_eq!((&shown["menu"][0]["stock"], &shown["menu"][1]["stock"]), (&Value::Null, &json!(3)));
    assert!(shown["menu"][0].get("stock").is_some(), "not counted is said");

    let tag = world.tag(&path, owner).await.expect("a tag for the owner");
    assert!(tag.starts_with("\"2-"), "the version of the stock, as store counts it: {tag}");
    assert_eq!(world.tag(&path, None).await, None, "nobody else learns how often something is sold");
    left(RADISH, Some(0));
    assert_eq!(world.ok(&path, owner).await["menu"][1]["available"], false);
    let sold = world.tag(&path, owner).await.expect("a tag");
    assert!(sold.starts_with("\"3-"), "{sold}");
    change(CHICKEN, Some(item(CHICKEN, "양념 치킨")));
    let shown = world.ok(&path, None).await;
    assert_eq!(shown["menu"][0]["name"], "양념 치킨");
    assert_ne!(world.tag(&path, owner).await.expect("a tag"), sold, "it is about all that is shown");
    change(CHICKEN, None);
    left(CHICKEN, None);
    assert_eq!(world.ok(&path, None).await["menu"].as_array().expect("a menu").len(), 1);
    let (status, _) = world.get(&format!("/api/stores/{}", store_id(9)), None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn open_stores_that_deliver_there_are_found_nearest_first() {
    let world = World::new().await;
    let home = location(37.556, 126.91);
    open_store(&world, store_id(1), location(37.57, 126.91), 3_000);
    open_store(&world, store_id(2), location(37.557, 126.91), 3_000);
    open_store(&world, store_id(3), location(37.60, 126.91), 3_000);
    open_store(&world, store_id(4), location(37.70, 126.91), 20_000);
    open_store(&world, store_id(5), location(37.5565, 126.91), 3_000);
    open_store(&world, store_id(6), location(37.557, 126.91), 3_000);
    world.tell_store(&store::Event::StoreClosed { store_id: store_id(5) });
    let path = format!("/api/stores?lat={}&lng={}", home.lat(), home.lng());
    let near = |numbers: &[u64]| numbers.iter().map(|n| store_id(*n).to_string()).collect::<Vec<_>>();
    let all = world.ok(&path, None).await;
    assert_eq!(ids(&all), near(&[2, 6, 1, 4]));
    assert_eq!(all["items"][0]["distance_m"], 111);
    assert!(all["items"][0].get("menu").is_none());
    let first = world.ok(&format!("{path}&limit=1"), None).await;
    let next = first["next"].as_str().expect("a next page");
    let rest = world.ok(&format!("{path}&after={next}"), None).await;
    assert_eq!((ids(&rest), &rest["next"]), (near(&[6, 1, 4]), &Value::Null));

    let moved = profile(location(37.60, 126.91), 3_000);
    world.tell_store(&store::Event::StoreChanged { store_id: store_id(2), profile: moved });
    assert_eq!(ids(&world.ok(&path, None).await), near(&[6, 1, 4]));
}

#[tokio::test]
async fn a_place_that_is_none_is_refused() {
    let world = World::new().await;
    for (query, status) in [
        ("", 422),
        ("?lat=37.5", 422),
        ("?lat=NaN&lng=127", 422),
        ("?lat=inf&lng=127", 422),
        ("?lat=91&lng=127", 422),
        ("?lat=37&lng=-180.5", 422),
        ("?lat=x&lng=127", 400),
        ("?lat=37&lng=127&limit=0", 400),
        ("?lat=37&lng=127&after=near", 400),
        ("?mine=true", 401),
    ] {
        let (answered, body) = world.get(&format!("/api/stores{query}"), None).await;
        assert_eq!(answered.as_u16(), status, "{query}");
        assert_eq!(body["status"], status);
    }
    let (_, body) = world.get("/api/stores?lng=127", None).await;
    assert_eq!(body["errors"], json!([{ "field": "lat", "message": "must be -90 to 90" }]));
}

#[tokio::test]
async fn an_owner_finds_the_own_stores_open_or_not() {
    let world = World::new().await;
    open_store(&world, store_id(1), location(37.55, 126.91), 3_000);
    let profile = profile(location(33.5, 126.5), 3_000);
    world.tell_store(&store::Event::StoreRegistered { store_id: store_id(2), owner_id: OWNER, profile });
    let mine = world.ok("/api/stores?mine=true", Some(caller(Role::Owner, OWNER))).await;
    assert_eq!(ids(&mine), [store_id(2).to_string(), store_id(1).to_string()]);
    assert_eq!((&mine["items"][0]["open"], &mine["items"][0]["distance_m"]), (&json!(false), &Value::Null));
    assert!(ids(&world.ok("/api/stores?mine=true", Some(caller(Role::Owner, CUSTOMER))).await).is_empty());
    let (status, _) = world.get("/api/stores?mine=true", Some(caller(Role::Customer, CUSTOMER))).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}

/// Where people live, and where the maths is hard: the poles, the date line, an icosahedron's corner.
fn anywhere() -> impl Strategy<Value = Location> {
    let seoul = (37.4..37.7_f64, 126.8..127.2_f64);
    let earth = (-90.0..=90.0_f64, -180.0..=180.0_f64);
    let corner = (58.0..59.5_f64, 4.0..6.5_f64);
    let date_line = (-20.0..20.0_f64, prop_oneof![179.8..=180.0_f64, -180.0..=-179.8_f64]);
    prop_oneof![seoul, earth, corner, date_line].prop_map(|(lat, lng)| location(lat, lng))
}

/// A point so many metres away, into a direction in radians.
fn away(from: Location, metres: f64, direction: f64) -> Location {
    let angle = metres / 6_371_008.8;
    let lat = from.lat().to_radians();
    let to = (lat.sin() * angle.cos() + lat.cos() * angle.sin() * direction.cos()).clamp(-1.0, 1.0).asin();
    let turn = (direction.sin() * angle.sin() * lat.cos()).atan2(angle.cos() - lat.sin() * to.sin());
    let lng = (from.lng() + turn.to_degrees() + 540.0).rem_euclid(360.0) - 180.0;
    location(to.to_degrees().clamp(-90.0, 90.0), lng)
}

proptest! {
    #[test]
    fn whoever_a_store_delivers_to_finds_it(
        store in anywhere(),
        radius_m in 100_u32..=20_000,
        part in prop_oneof![0.0..1.0_f64, 0.99..1.0_f64],
        direction in 0.0..std::f64::consts::TAU,
    ) {
        let customer = away(store, f64::from(radius_m) * part, direction);
        prop_assume!(store.distance_m(customer) <= f64::from(radius_m));
        let tags = reach::tags(store, radius_m);
        prop_assert!(tags.contains(&reach::tag(customer).expect("a cell")));
        prop_assert!(tags.len() <= 80, "{} cells", tags.len());
    }
}

#[tokio::test]
async fn a_search_finds_what_looking_at_every_store_finds() {
    let world = World::new().await;
    // A spiral of stores over Seoul, with every kind of radius.
    let stores: Vec<_> = (0..60_u32)
        .map(|n| {
            let (turn, far) = (f64::from(n) * 2.4, f64::from(n) * 0.003);
            (store_id(n.into()), location(37.55 + far * turn.sin(), 126.95 + far * turn.cos()), 500 + n * n * 5)
        })
        .collect();
    stores.iter().for_each(|(id, at, radius_m)| open_store(&world, *id, *at, *radius_m));
    for n in 0..25 {
        let home = location(37.45 + f64::from(n % 5) * 0.05, 126.85 + f64::from(n / 5) * 0.05);
        let mut expected: Vec<_> = stores
            .iter()
            .map(|(id, at, radius_m)| (at.distance_m(home), *id, *radius_m))
            .filter(|(distance_m, _, radius_m)| *distance_m <= f64::from(*radius_m))
            .map(|(distance_m, id, _)| (distance_m.round() as u64, id.to_string()))
            .collect();
        expected.sort();
        let path = format!("/api/stores?lat={}&lng={}&limit=100", home.lat(), home.lng());
        let found = world.ok(&path, None).await;
        let found: Vec<_> = ids(&found)
            .into_iter()
            .zip(found["items"].as_array().expect("items"))
            .map(|(id, store)| (store["distance_m"].as_u64().expect("a number"), id))
            .collect();
        assert_eq!(found, expected);
    }
}
