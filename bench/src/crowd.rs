//! The people who make the load: each customer with a rider of their own, ten stores between them.

use anyhow::{Context, Result};
use baedal_client::types::{NewAccount, NewItem, NewLine, NewOrder, NewStore, RiderNow};
use baedal_client::{Client, Session};
use baedal_contracts::identity::Role;
use baedal_contracts::payment::PaymentMeans;
use baedal_contracts::{ItemId, Location, Place, StoreId, Won};
use indicatif::ProgressBar;
use tokio::sync::{Mutex, mpsc};
use uuid::Uuid;

/// How many stores the orders go to.
const STORES: usize = 10;
/// Everybody's password.
const PASSWORD: &str = "benchmark";

/// Everybody who acts in one order's life.
#[derive(Clone)]
pub(crate) struct Party {
    pub(crate) customer: Session,
    pub(crate) owner: Session,
    pub(crate) rider: Session,
    pub(crate) order: NewOrder,
}

/// All the parties.
pub(crate) struct Crowd {
    pub(crate) parties: Vec<Party>,
    /// Parties that have no order under way, for load at a steady rate.
    idle: Mutex<mpsc::UnboundedReceiver<Party>>,
    back: mpsc::UnboundedSender<Party>,
}

impl Crowd {
    pub(crate) async fn gather(address: &str, customers: usize) -> Result<Self> {
        let client = Client::new(address);
        let progress = ProgressBar::new((customers * 2 + STORES) as u64).with_message("people arrive");
        let mut stores = Vec::new();
        for number in 0..STORES {
            stores.push(open_store(&client, number).await?);
            progress.inc(1);
        }
        let mut parties = Vec::new();
        for number in 0..customers {
            let (owner, order) = stores.get(number % STORES).context("a store")?.clone();
            let customer = somebody(&client, Role::Customer, number).await?;
            let rider = somebody(&client, Role::Rider, number).await?;
            rider.ride(RiderNow { on_duty: true, location: order.deliver_to.location }).await?;
            parties.push(Party { customer, owner, rider, order });
            progress.inc(2);
        }
        progress.finish_and_clear();
        let (back, idle) = mpsc::unbounded_channel();
        for party in &parties {
            back.send(party.clone())?;
        }
        Ok(Self { parties, idle: Mutex::new(idle), back })
    }

    /// A party with nothing to do, as soon as there is one.
    pub(crate) async fn idle(&self) -> Option<Party> {
        self.idle.lock().await.recv().await
    }

    /// Where a party goes that has nothing to do any more.
    pub(crate) fn back(&self) -> mpsc::UnboundedSender<Party> {
        self.back.clone()
    }
}

async fn somebody(client: &Client, role: Role, number: usize) -> Result<Session> {
    let block = match role {
        Role::Customer => 1,
        Role::Owner => 2,
        _ => 3,
    };
    let phone = format!("010{block}{number:07}");
    client.open_account(&NewAccount { role, name: "부하", phone: &phone, password: PASSWORD }).await?;
    Ok(client.sign_in(&phone, PASSWORD).await?)
}

async fn open_store(client: &Client, number: usize) -> Result<(Session, NewOrder)> {
    let owner = somebody(client, Role::Owner, number).await?;
    // A grid of stores, each farther than three kilometres from the next, so that riders see their own.
    let location = Location::new(37.4 + 0.05 * number as f64, 126.9)?;
    let store = NewStore {
        name: format!("부하 시험 {number}호점"),
        address: format!("서울 시험로 {number}"),
        location,
        min_order_krw: Won(1_000),
        delivery_radius_m: 3_000,
        delivery_fee_krw: Won(3_000),
        thanks_message: "감사합니다".to_owned(),
    };
    let store_id: StoreId = owner.register_store(&store).await?.store_id;
    let mut items = Vec::new();
    for name in ["후라이드 치킨", "콜라"] {
        let item_id = ItemId(Uuid::now_v7());
        let item = NewItem {
            name: name.to_owned(),
            description: String::new(),
            price_krw: Won(9_000),
            stock: None,
            available: true,
            options: Vec::new(),
        };
        owner.put_item(store_id, item_id, &item).await?;
        items.push(NewLine { item_id, quantity: 1, options: Vec::new() });
    }
    owner.open_store(store_id, true).await?;
    let order = NewOrder {
        store_id,
        items,
        deliver_to: Place { address: "서울 시험로 99, 101동 1203호".to_owned(), location },
        note: String::new(),
        payment: PaymentMeans { method: "card".to_owned(), token: "sim_approve".to_owned() },
        expected_total_krw: None,
    };
    Ok((owner, order))
}
