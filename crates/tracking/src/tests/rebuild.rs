//! A view that is built anew is what it was: a read model equals the replay of its events.

use baedal_contracts::{ItemId, store};
use uuid::Uuid;

use super::events::{OWNER, Of, STORE, item, location, order_id, profile};
use super::stories;
use super::world::World;
use crate::views::orders::heard::Heard;

const VIEWS: [&str; 7] = ["orders", "trace", "stores", "menus", "stocks", "ranking", "ranking_orders"];
const PROJECTIONS: [&str; 4] = ["orders", "trace", "stores", "ranking"];

/// Every story at once, one event of each in turn.
fn everything() -> Vec<Heard> {
    let count = stories::all(Of(order_id(0))).len();
    let mut lives: Vec<_> =
        (0..count).map(|n| stories::all(Of(order_id(n as u64))).swap_remove(n).1.into_iter()).collect();
    let mut told = Vec::new();
    while told.len() < 1_000 {
        let before = told.len();
        told.extend(lives.iter_mut().filter_map(Iterator::next));
        if told.len() == before {
            break;
        }
    }
    told
}

#[tokio::test]
async fn what_is_built_anew_is_what_was_there_while_life_goes_on() {
    let world = World::new().await;
    let profile = profile(location(37.55, 126.915), 3_000);
    world.tell_store(&store::Event::StoreRegistered { store_id: STORE, owner_id: OWNER, profile });
    world.tell_store(&store::Event::StoreOpened { store_id: STORE });
    for n in 1..=3 {
        let item_id = ItemId(Uuid::from_u128(n));
        let (store_id, item) = (STORE, Some(item(item_id, "치킨")));
        world.tell_store(&store::Event::MenuChanged { store_id, item_id, item });
        world.tell_store(&store::Event::StockChanged { store_id, item_id, stock: Some(n as u32), version: 0 });
    }
    let told = everything();
    let (early, late) = told.split_at(told.len() / 2);
    for heard in early {
        world.tell(heard);
        if matches!(heard, Heard::Order(_)) {
            world.heard().await;
        }
    }
    for projection in PROJECTIONS {
        world.rebuild(projection).await;
    }
    late.iter().for_each(|heard| world.tell(heard));
    world.heard().await;
    let mut before = Vec::new();
    for view in VIEWS {
        before.push((view, world.documents(view).await));
    }
    assert_eq!(before[0].1.len(), stories::all(Of(order_id(0))).len());
    assert!(before.iter().all(|(view, documents)| !documents.is_empty() || panic!("{view} is empty")));
    for projection in PROJECTIONS {
        world.rebuild(projection).await;
    }
    world.heard().await;
    for (view, documents) in before {
        assert_eq!(world.documents(view).await, documents, "{view}");
    }
}
