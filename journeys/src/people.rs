//! A store to order from, and the usual people around it.

use baedal_client::Session;
use baedal_client::types::{NewChoice, NewItem, NewLine, NewOrder, NewStore, RiderNow};
use baedal_contracts::identity::Role;
use baedal_contracts::payment::PaymentMeans;
use baedal_contracts::store::{MenuChoice, MenuOption};
use baedal_contracts::{ItemId, Location, Place, StoreId, Won};
use serde_json::Value;
use uuid::Uuid;

use crate::World;

/// An open store, its owner, and what it sells.
pub struct Shop {
    /// Whose it is.
    pub owner: Session,
    /// Which it is.
    pub store_id: StoreId,
    /// Chicken at 18,000 won, with an option that must be chosen (`매운맛` costs 1,000 more).
    pub chicken: ItemId,
    /// Cola at 2,000 won.
    pub cola: ItemId,
}

/// A line of an order.
#[derive(Clone, Copy)]
pub struct Dish(pub ItemId, pub u32);

fn at(lat: f64, lng: f64) -> Location {
    Location::new(lat, lng).expect("a point in Seoul")
}

impl Shop {
    /// Opens a store in Mangwon-dong: minimum 10,000 won, delivery 3,000 won within 3 km.
    ///
    /// # Panics
    /// Where it cannot open.
    pub async fn open(world: &World) -> Self {
        Self::open_with_chicken(world, None).await
    }

    /// The same with so many chickens.
    ///
    /// # Panics
    /// Where it cannot open.
    pub async fn open_with_chicken(world: &World, stock: Option<u32>) -> Self {
        let owner = world.somebody(Role::Owner, "박사장").await;
        let store = NewStore {
            name: "망원 옛날통닭".to_owned(),
            address: "서울 마포구 포은로 101".to_owned(),
            location: Self::location(),
            min_order_krw: Won(10_000),
            delivery_radius_m: 3_000,
            delivery_fee_krw: Won(3_000),
            thanks_message: "맛있게 드셨길 바라요. 또 만나요!".to_owned(),
        };
        let store_id = owner.register_store(&store).await.expect("a store").store_id;
        let (chicken, cola) = (ItemId(Uuid::now_v7()), ItemId(Uuid::now_v7()));
        let hot = |name: &str, price| MenuChoice { name: name.to_owned(), price_krw: Won(price) };
        let taste = MenuOption {
            name: "맛 선택".to_owned(),
            choices: vec![hot("순한맛", 0), hot("매운맛", 1_000)],
            min: 1,
            max: 1,
        };
        for (item, name, price, stock, options) in
            [(chicken, "후라이드 치킨", 18_000, stock, vec![taste]), (cola, "콜라", 2_000, None, Vec::new())]
        {
            let content = NewItem {
                name: name.to_owned(),
                description: String::new(),
                price_krw: Won(price),
                stock,
                available: true,
                options,
            };
            owner.put_item(store_id, item, &content).await.expect("an item");
        }
        owner.open_store(store_id, true).await.expect("an open store");
        Self { owner, store_id, chicken, cola }
    }

    /// Where it is.
    #[must_use]
    pub fn location() -> Location {
        at(37.5560, 126.9050)
    }

    /// An order of one chicken, 21,000 won with the delivery, paid with this token.
    #[must_use]
    pub fn one_chicken(&self, token: &str) -> NewOrder {
        order_of(self, &[Dish(self.chicken, 1)], token)
    }

    /// A rider on duty next to the store.
    ///
    /// # Panics
    /// Where there is none to be had.
    pub async fn rider(&self, world: &World) -> Session {
        let rider = world.somebody(Role::Rider, "최라이더").await;
        rider.ride(RiderNow { on_duty: true, location: at(37.5562, 126.9055) }).await.expect("a rider on duty");
        rider
    }
}

/// An order of these dishes, brought 600 m from the store.
#[must_use]
pub fn order_of(shop: &Shop, dishes: &[Dish], token: &str) -> NewOrder {
    let line = |dish: &Dish| NewLine {
        item_id: dish.0,
        quantity: dish.1,
        options: if dish.0 == shop.chicken {
            vec![NewChoice { name: "맛 선택".to_owned(), choice: "순한맛".to_owned() }]
        } else {
            Vec::new()
        },
    };
    NewOrder {
        store_id: shop.store_id,
        items: dishes.iter().map(line).collect(),
        deliver_to: Place {
            address: "서울 마포구 망원로 22 301호".to_owned(), location: at(37.5600, 126.9010)
        },
        note: "문 앞에 두고 벨 눌러주세요".to_owned(),
        payment: PaymentMeans { method: "card".to_owned(), token: token.to_owned() },
        expected_total_krw: None,
    }
}

/// Every item of a list, page by page.
///
/// # Panics
/// Where a page cannot be read.
pub async fn everything_of(reader: &Session, path: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut after = String::new();
    loop {
        let page: Value = reader.get(&format!("{path}?limit=100{after}")).await.expect("a page");
        all.extend(page["items"].as_array().expect("items").iter().cloned());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return all,
        }
    }
}
