//! What is ordered most, over HTTP.

use baedal_contracts::order::{self, Basket, CancelReason, ChangeRefusal};
use baedal_contracts::{OrderNo, store};
use http::StatusCode;
use serde_json::{Value, json};

use super::events::{
    CHICKEN, CUSTOMER, OWNER, Of, RADISH, STORE, chickens, item, location, order_id, order_store, profile,
};
use super::world::World;
use crate::views::orders::heard::Heard;

fn path(rest: &str) -> String {
    format!("/api/stores/{STORE}/ranking{rest}")
}

/// Chickens, and one radish.
fn basket(quantity: u32) -> Basket {
    let mut basket = chickens(quantity);
    let mut radish = basket.items[0].clone();
    (radish.item_id, radish.name, radish.quantity) = (RADISH, "치킨무".to_owned(), 1);
    basket.items.push(radish);
    basket
}

fn paid(n: u64, basket: Basket) -> Heard {
    Heard::Order(order::Event::OrderPaid {
        order_id: order_id(n),
        order_no: OrderNo::of(order_id(n)),
        customer_id: CUSTOMER,
        store: order_store(),
        basket,
    })
}

fn counts(ranking: &Value) -> Vec<(Value, u64)> {
    let items = ranking["items"].as_array().expect("items");
    items.iter().map(|item| (item["item_id"].clone(), item["times"].as_u64().expect("a number"))).collect()
}

async fn restaurant() -> World {
    let world = World::new().await;
    let profile = profile(location(37.55, 126.915), 3_000);
    world.tell_store(&store::Event::StoreRegistered { store_id: STORE, owner_id: OWNER, profile });
    world
}

#[tokio::test]
async fn what_was_paid_for_counts_and_what_came_back_does_not() {
    let world = restaurant().await;
    let (chicken, radish) = (json!(CHICKEN), json!(RADISH));
    let ranking = async || {
        let counts = counts(&world.ok(&path(""), None).await);
        (counts, world.documents("ranking_orders").await.len())
    };
    world.tell(&Of(order_id(1)).placed());
    assert_eq!(ranking().await.0, []);
    world.tell(&paid(1, basket(2)));
    world.tell(&paid(2, basket(3)));
    assert_eq!(ranking().await.0, [(chicken.clone(), 5), (radish.clone(), 2)]);
    world.tell(&Of(order_id(2)).changed(basket(1)));
    assert_eq!(ranking().await.0, [(chicken.clone(), 3), (radish.clone(), 2)]);
    world.tell(&Of(order_id(2)).change_refused(ChangeRefusal::PaymentTimeout, basket(3)));
    assert_eq!(ranking().await, (vec![(chicken.clone(), 5), (radish.clone(), 2)], 2));
    world.tell(&Of(order_id(1)).canceled(CancelReason::Customer, 0));
    assert_eq!(ranking().await, (vec![(chicken.clone(), 3), (radish.clone(), 1)], 1));
    world.tell(&Of(order_id(2)).completed());
    assert_eq!(ranking().await, (vec![(chicken, 3), (radish, 1)], 0), "it counts for ever, and nothing more is kept");
    world.tell(&paid(3, basket(1)));
    world.tell(&Of(order_id(3)).rejected(baedal_contracts::store::RejectReason::TooBusy));
    assert_eq!(ranking().await.1, 0);
}

#[tokio::test]
async fn a_ranking_names_what_can_be_ordered_now() {
    let world = restaurant().await;
    world.tell(&paid(1, basket(2)));
    let (store_id, item_id) = (STORE, CHICKEN);
    let renamed = item(CHICKEN, "옛날 통닭");
    world.tell_store(&store::Event::MenuChanged { store_id, item_id, item: Some(renamed) });
    let ranking = world.ok(&path("?limit=1"), None).await;
    let best = json!({ "item_id": CHICKEN, "name": "옛날 통닭", "times": 2, "available": true });
    assert_eq!(ranking, json!({ "items": [best], "next": null }));
    world.tell_store(&store::Event::StockChanged { store_id, item_id, stock: Some(0), version: 1 });
    let ranking = world.ok(&path(""), None).await;
    assert_eq!(ranking["items"][0]["available"], false);
    assert_eq!(ranking["items"][1]["name"], "치킨무", "it is no longer on the menu");
    let nowhere = format!("/api/stores/{}/ranking", order_id(1));
    assert_eq!(world.get(&nowhere, None).await.0, StatusCode::NOT_FOUND);
}
