//! The people of a day, and the stores they go to.

use std::time::Duration;

use baedal_client::types::{ChangedOrder, NewAccount, NewItem, NewLine, NewOrder, NewStore, RiderNow};
use baedal_client::{Client, Error};
use baedal_contracts::identity::Role;
use baedal_contracts::payment::PaymentMeans;
use baedal_contracts::{ItemId, Location, Place, StoreId, Won};
use futures::future::try_join_all;
use uuid::Uuid;

use super::phone::Phone;
use super::platform::{PASSWORD, Platform};
use super::script::{CUSTOMERS, Plate, RIDERS, STORES};

/// How long anything may take while nothing is wrong yet.
const PATIENCE: Duration = Duration::from_secs(30);

/// Everybody.
#[derive(Debug)]
pub(super) struct People {
    pub(super) customers: Vec<Phone>,
    pub(super) riders: Vec<Phone>,
    pub(super) stores: Vec<Store>,
    pub(super) operator: Phone,
}

/// A store, and whose it is.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) owner: Phone,
    pub(super) id: StoreId,
    pub(super) chicken: ItemId,
    pub(super) cola: ItemId,
    pub(super) cider: ItemId,
    pub(super) gimbap: ItemId,
}

/// How many of what is counted there are at first.
pub(super) const MANY: u32 = 500;
/// How many of what is soon sold out.
pub(super) const FEW: u32 = 9;

/// How many of that are brought later.
const MORE: i64 = 4;

impl People {
    /// Everybody comes, as people that nobody has seen before.
    pub(super) async fn come(platform: &mut Platform, seed: u64) -> Result<Self, String> {
        let gateways = platform.gateways();
        let operator = Phone::of(platform.operator().await?);
        let come = |role, first: usize, count: usize| {
            let gateways = &gateways;
            try_join_all((first..first + count).map(move |number| somebody(gateways, role, seed, number)))
        };
        let said = |error: Error| format!("somebody cannot come: {error}");
        let customers = come(Role::Customer, 0, CUSTOMERS).await.map_err(said)?;
        let owners = come(Role::Owner, 100, STORES).await.map_err(said)?;
        let riders = come(Role::Rider, 200, RIDERS).await.map_err(said)?;
        for rider in &riders {
            let now = RiderNow { on_duty: true, location: at(37.5562, 126.9055) };
            baedal_client::retrying(PATIENCE, || rider.here().ride(now)).await.map_err(said)?;
        }
        let stores = try_join_all(owners.into_iter().map(Store::open)).await.map_err(said)?;
        let people = Self { customers, riders, stores, operator };
        people.menus_are_known().await.map_err(said)?;
        Ok(people)
    }

    /// Until the stores are shown open: then order knows them, or will when it is asked.
    async fn menus_are_known(&self) -> Result<(), Error> {
        for store in &self.stores {
            let deadline = tokio::time::Instant::now() + PATIENCE;
            loop {
                let seen = self.operator.here().store(store.id).await;
                match seen {
                    Ok(seen) if seen.open && seen.menu.len() == 4 => break,
                    Err(error) if tokio::time::Instant::now() > deadline => return Err(error),
                    Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            }
        }
        Ok(())
    }
}

async fn somebody(gateways: &[String], role: Role, seed: u64, number: usize) -> Result<Phone, Error> {
    let phone = format!("010{:05}{number:03}", seed % 100_000);
    let client = Client::new(&gateways[0]);
    let account = NewAccount { role, name: "아무개", phone: &phone, password: PASSWORD };
    baedal_client::retrying(PATIENCE, || client.open_account(&account)).await?;
    Phone::sign_in(gateways, &phone).await
}

fn at(lat: f64, lng: f64) -> Location {
    Location::new(lat, lng).expect("a point in Seoul")
}

impl Store {
    async fn open(owner: Phone) -> Result<Self, Error> {
        let store = NewStore {
            name: "망원 옛날통닭".to_owned(),
            address: "서울 마포구 포은로 101".to_owned(),
            location: at(37.5560, 126.9050),
            min_order_krw: Won(10_000),
            delivery_radius_m: 3_000,
            delivery_fee_krw: Won(3_000),
            thanks_message: "고맙습니다".to_owned(),
        };
        let id = baedal_client::retrying(PATIENCE, || owner.here().register_store(&store)).await?.store_id;
        let [chicken, cola, cider, gimbap] = std::array::from_fn(|_| ItemId(Uuid::now_v7()));
        let store = Self { owner, id, chicken, cola, cider, gimbap };
        let menu = [
            (chicken, "후라이드 치킨", 18_000, Some(MANY)),
            (cola, "콜라", 2_000, Some(FEW)),
            (cider, "사이다", 2_000, Some(MANY)),
            (gimbap, "김밥", 4_000, None),
        ];
        for (item, name, price, stock) in menu {
            store.put(item, name, price, stock).await?;
        }
        baedal_client::retrying(PATIENCE, || store.owner.here().open_store(id, true)).await?;
        Ok(store)
    }

    async fn put(&self, item: ItemId, name: &str, price: u64, stock: Option<u32>) -> Result<(), Error> {
        let content = NewItem {
            name: name.to_owned(),
            description: String::new(),
            price_krw: Won(price),
            stock,
            available: true,
            options: Vec::new(),
        };
        baedal_client::retrying(PATIENCE, || self.owner.here().put_item(self.id, item, &content)).await
    }

    /// What nobody counts becomes dearer.
    ///
    /// # Errors
    /// Where nobody answers.
    pub(super) async fn raise_prices(&self) -> Result<(), Error> {
        self.put(self.gimbap, "김밥", 4_500, None).await
    }

    /// Somebody brings more of what is soon sold out.
    ///
    /// # Errors
    /// Where nobody answers; then there may be more, or not.
    pub(super) async fn restock(&self) -> Result<(), Error> {
        self.owner.here().add_stock(self.id, self.cola, MORE).await.map(drop)
    }

    /// What is counted, and how many there were.
    pub(super) fn counted(&self) -> [(&'static str, ItemId, u32); 3] {
        [("chicken", self.chicken, MANY), ("cola", self.cola, FEW), ("cider", self.cider, MANY)]
    }

    /// A plate, ordered here.
    pub(super) fn order(&self, plate: Plate, token: &str) -> NewOrder {
        let ChangedOrder { items, deliver_to, note, expected_total_krw } = self.change(plate);
        let payment = PaymentMeans { method: "card".to_owned(), token: token.to_owned() };
        NewOrder { store_id: self.id, items, deliver_to, note, payment, expected_total_krw }
    }

    /// A plate, as an order is to be.
    pub(super) fn change(&self, plate: Plate) -> ChangedOrder {
        let wished = [
            (self.chicken, plate.chicken),
            (self.cola, plate.cola),
            (self.cider, plate.cider),
            (self.gimbap, plate.gimbap),
        ];
        let line = |(item_id, quantity)| NewLine { item_id, quantity, options: Vec::new() };
        let (address, location) = if plate.elsewhere {
            ("서울 마포구 동교로 12", at(37.5570, 126.9100))
        } else {
            ("서울 마포구 망원로 22", at(37.5600, 126.9010))
        };
        ChangedOrder {
            items: wished.into_iter().filter(|(_, quantity)| *quantity > 0).map(line).collect(),
            deliver_to: Place { address: address.to_owned(), location },
            note: "벨 ".repeat(plate.notes as usize).trim().to_owned(),
            expected_total_krw: None,
        }
    }
}
