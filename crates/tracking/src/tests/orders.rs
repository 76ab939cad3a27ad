//! Who sees which orders, over HTTP.

use baedal_contracts::AccountId;
use baedal_contracts::identity::Role;
use http::StatusCode;
use serde_json::Value;
use uuid::Uuid;

use super::events::{CUSTOMER, OTHER_RIDER, OWNER, Of, RIDER, order_id};
use super::stories;
use super::world::{World, caller, order_path};

const STRANGER: AccountId = AccountId(Uuid::from_u128(0xbad));

fn ids(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().expect("items");
    items.iter().map(|item| item["order_id"].as_str().expect("an id")).collect()
}

#[tokio::test]
async fn an_order_is_seen_by_those_it_concerns_and_is_not_there_for_others() {
    let world = World::new().await;
    let (of, id) = (Of(order_id(1)), order_id(1));
    stories::claim_released(of).iter().for_each(|heard| world.tell(heard));
    for (role, account, status) in [
        (Role::Customer, CUSTOMER, 200),
        (Role::Owner, OWNER, 200),
        (Role::Rider, OTHER_RIDER, 200),
        (Role::Operator, STRANGER, 200),
        (Role::Customer, STRANGER, 404),
        (Role::Owner, STRANGER, 404),
        (Role::Rider, RIDER, 404),
        (Role::Owner, CUSTOMER, 404),
        (Role::Rider, CUSTOMER, 404),
        (Role::Customer, OWNER, 404),
    ] {
        for path in [order_path(id), format!("{}/live", order_path(id))] {
            let response = world.open(&path, Some(caller(role, account)), &[]).await;
            assert_eq!(response.status().as_u16(), status, "{role} {account} {path}");
        }
    }
    let (status, body) = world.get(&order_path(order_id(2)), Some(caller(Role::Operator, STRANGER))).await;
    assert_eq!((status, &body["type"]), (StatusCode::NOT_FOUND, &Value::from("/problems/not_found")));
    assert_eq!(world.get(&order_path(id), None).await.0, StatusCode::UNAUTHORIZED);
    let strange = world.get("/api/orders/7", Some(caller(Role::Customer, CUSTOMER))).await;
    assert_eq!(strange.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_order_is_there_when_its_position_is_sent_back() {
    let world = World::new().await;
    world.heard().await;
    for n in 1..=20 {
        world.tell(&Of(order_id(n)).placed());
        let position = format!("order:{n}");
        let status = world.get_as_of(&order_path(order_id(n)), caller(Role::Customer, CUSTOMER), &position).await;
        assert_eq!(status, StatusCode::OK);
    }
    let late = Of(order_id(21));
    world.tell(&late.placed());
    let status = world.get_as_of(&order_path(late.0), caller(Role::Customer, CUSTOMER), "").await;
    assert_eq!(status, StatusCode::OK, "an empty position is none");
}

#[tokio::test]
async fn a_position_that_its_context_never_had_is_refused_at_once() {
    let world = World::new().await;
    world.tell(&Of(order_id(1)).placed());
    world.heard().await;
    let path = order_path(order_id(1));
    let ask = async |position: &str| world.get_as_of(&path, caller(Role::Customer, CUSTOMER), position).await;
    assert_eq!(ask("order:1").await, StatusCode::OK);
    assert_eq!(ask("order:2").await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(ask("order:1,store:9").await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(ask("order:18446744073709551615").await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(ask("identity:9").await, StatusCode::OK, "the view does not follow it");
    assert_eq!(ask("nobody:9").await, StatusCode::OK);
}

#[tokio::test]
async fn a_position_that_is_only_not_known_here_yet_is_waited_for() {
    let world = World::new().await;
    world.heard().await;
    world.write(&Of(order_id(1)).placed());
    let path = order_path(order_id(1));
    let read = world.get_as_of(&path, caller(Role::Customer, CUSTOMER), "identity:7,order:1");
    tokio::pin!(read);
    tokio::select! {
        biased;
        status = read.as_mut() => panic!("{status} before it was known"),
        () = std::future::ready(()) => {}
    }
    world.announce("order");
    assert_eq!(read.await, StatusCode::OK);
}

#[tokio::test]
async fn an_order_that_was_not_heard_of_yet_is_looked_for_once_more() {
    let world = World::new().await;
    world.heard().await;
    world.tell(&Of(order_id(1)).placed());
    let other = "identity:1";
    let status = world.get_as_of(&order_path(order_id(1)), caller(Role::Customer, CUSTOMER), other).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn everybody_finds_the_own_orders_newest_first_page_by_page() {
    let world = World::new().await;
    for n in 1..=7 {
        let customer = if n == 4 { STRANGER } else { CUSTOMER };
        let of = Of(order_id(n));
        [of.placed_by(customer), of.paid()].iter().for_each(|heard| world.tell(heard));
    }
    [Of(order_id(2)).claimed(RIDER), Of(order_id(3)).completed()].iter().for_each(|heard| world.tell(heard));
    let numbered = |numbers: &[u64]| numbers.iter().map(|n| order_id(*n).to_string()).collect::<Vec<_>>();

    let customer = Some(caller(Role::Customer, CUSTOMER));
    let first = world.ok("/api/orders?limit=4", customer).await;
    assert_eq!(ids(&first), numbered(&[7, 6, 5, 3]));
    let next = first["next"].as_str().expect("a next page");
    let second = world.ok(&format!("/api/orders?limit=4&after={next}"), customer).await;
    assert_eq!((ids(&second), &second["next"]), (ids_of(&numbered(&[2, 1])), &Value::Null));

    assert_eq!(ids(&world.ok("/api/orders", Some(caller(Role::Owner, OWNER))).await).len(), 7);
    assert_eq!(ids(&world.ok("/api/orders", Some(caller(Role::Rider, RIDER))).await), numbered(&[2]));
    let operator = world.ok("/api/orders", Some(caller(Role::Operator, STRANGER))).await;
    assert_eq!(ids(&operator), numbered(&[7, 6, 5, 4, 2, 1]), "3 has ended");
    assert!(ids(&world.ok("/api/orders", Some(caller(Role::Owner, STRANGER))).await).is_empty());

    for wrong in ["limit=0", "limit=101", "limit=x", "after=x"] {
        let (status, _) = world.get(&format!("/api/orders?{wrong}"), customer).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

fn ids_of(ids: &[String]) -> Vec<&str> {
    ids.iter().map(String::as_str).collect()
}
