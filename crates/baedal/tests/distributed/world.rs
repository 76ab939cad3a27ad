//! A composition of the real program, and the people in it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use baedal_client::types::{NewAccount, NewItem, NewLine, NewOrder, NewStore, Order, RiderNow};
use baedal_client::{Client, Error, Session};
use baedal_contracts::identity::Role;
use baedal_contracts::payment::PaymentMeans;
use baedal_contracts::{ItemId, Location, OrderId, Place, StoreId, Won};
use baedal_servers::{Composition, Plan, testing};
use tempfile::TempDir;
use uuid::Uuid;

/// The longest that anything awaited may take before the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Who takes part in an order.
const ROLES: [Role; 3] = [Role::Customer, Role::Owner, Role::Rider];
/// How soon somebody asks again.
pub(crate) const PACE: Duration = Duration::from_millis(50);
/// Everybody's password.
const PASSWORD: &str = "correct horse";

/// A composition that runs, and its folder.
pub(crate) struct World {
    /// What runs; nothing, while it is being started again.
    composition: Option<Composition>,
    folder: TempDir,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Plan)) -> Self {
        let folder = Self::folder();
        let mut plan = Self::plan(&folder);
        change(&mut plan);
        let composition = Self::try_start(plan).await.expect("a composition");
        Self { composition: Some(composition), folder }
    }

    /// A folder that the user whom root runs PostgreSQL as can get to.
    pub(crate) fn folder() -> TempDir {
        tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().expect("a folder")
    }

    pub(crate) fn plan(folder: &TempDir) -> Plan {
        let mut plan = Plan::new(env!("CARGO_BIN_EXE_baedal"), folder.path());
        plan.encrypted = true;
        plan.variables = [
            ("BAEDAL_LOG", "info"),
            ("BAEDAL_IDENTITY__HASH_COST", "{memory_kib=8,passes=1,lanes=1}"),
            // Each customer orders for many.
            ("BAEDAL_ORDER__UNPAID_ORDERS", "0"),
            ("BAEDAL_ORDER__ATTEMPTS", "0"),
            ("BAEDAL_GATEWAY__PER_ADDRESS", "{per_second=0,burst=0}"),
            ("BAEDAL_GATEWAY__SIGN_IN_PER_ADDRESS", "{per_second=0,burst=0}"),
            ("BAEDAL_IDENTITY__PHONE_CODES__PER_ADDRESS", "0"),
            ("BAEDAL_GATEWAY__PER_ACCOUNT", "{per_second=0,burst=0}"),
            // An attempt to pay whose answer was lost is soon looked up.
            ("BAEDAL_PAYMENT__LOOK_UP_AFTER", "500ms"),
            ("BAEDAL_PAYMENT__UNKNOWN_AFTER", "2s"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
        plan
    }

    pub(crate) async fn try_start(plan: Plan) -> Result<Composition, String> {
        tokio::task::spawn_blocking(|| Composition::start(testing::programs(), plan)).await.expect("a thread")
    }

    /// Does something with what runs that takes its time, while other things go on.
    pub(crate) async fn meanwhile<T: Send + 'static>(
        &mut self,
        act: impl FnOnce(&mut Composition) -> Result<T, String> + Send + 'static,
    ) -> T {
        let mut running = self.composition.take().expect("a composition");
        let acted = tokio::task::spawn_blocking(move || {
            let done = act(&mut running);
            (running, done)
        });
        let (running, done) = acted.await.expect("a thread");
        self.composition = Some(running);
        done.unwrap_or_else(|error| panic!("{error}"))
    }

    /// What runs.
    pub(crate) fn composition(&mut self) -> &mut Composition {
        self.composition.as_mut().expect("a composition")
    }

    /// Stops all of it, and starts it again.
    pub(crate) async fn restart(&mut self) {
        let running = self.composition.take().expect("a composition");
        tokio::task::spawn_blocking(|| running.stop()).await.expect("a thread").expect("a good end");
        self.composition = Some(Self::try_start(Self::plan(&self.folder)).await.expect("a composition"));
    }

    /// A customer, the owner of an open store, and a rider.
    pub(crate) async fn people(&mut self) -> People {
        self.people_number(0).await
    }

    /// The same again, others for each number.
    pub(crate) async fn people_number(&mut self, number: u32) -> People {
        let client = Client::new(self.composition().gateway());
        for role in ROLES {
            let phone = phone(role, number);
            let account = NewAccount { role, name: "아무개", phone: &phone, password: PASSWORD };
            client.open_account(&account).await.expect("an account");
        }
        let [customer, owner, rider] = sign_in(&client, number).await;
        rider.ride(RiderNow { on_duty: true, location: seoul() }).await.expect("on duty");
        let store = open_store(&owner).await;
        People { number, customer, owner, rider, store }
    }

    /// The same again, at every gateway.
    pub(crate) async fn people_everywhere(&mut self, number: u32) -> Vec<People> {
        let people = self.people_number(number).await;
        let mut everywhere = Vec::new();
        for gateway in self.composition().gateways() {
            everywhere.push(people.signed_in_at(&gateway.address()).await);
        }
        everywhere
    }

    /// The same people, after a restart.
    pub(crate) async fn signed_in_again(&mut self, people: People) -> People {
        people.signed_in_at(&self.composition().gateway()).await
    }
}

impl Drop for World {
    /// Nobody will see its data again: no server need tidy it up.
    fn drop(&mut self) {
        if let Some(mut running) = self.composition.take() {
            // Where that fails, they stop in good order.
            let _ = running.postgres().kill();
            let _ = running.nats().kill();
        }
    }
}

/// Everybody whom an order needs.
#[derive(Clone)]
pub(crate) struct People {
    number: u32,
    pub(crate) customer: Session,
    pub(crate) owner: Session,
    pub(crate) rider: Session,
    store: (StoreId, ItemId),
}

impl People {
    /// The same people, at this gateway.
    pub(crate) async fn signed_in_at(&self, gateway: &str) -> Self {
        let [customer, owner, rider] = sign_in(&Client::new(gateway), self.number).await;
        Self { number: self.number, customer, owner, rider, store: self.store }
    }

    /// What they order.
    pub(crate) fn wish(&self) -> NewOrder {
        NewOrder {
            store_id: self.store.0,
            items: vec![NewLine { item_id: self.store.1, quantity: 1, options: Vec::new() }],
            deliver_to: Place { address: "서울 마포구 망원로 22".to_owned(), location: seoul() },
            note: String::new(),
            payment: PaymentMeans { method: "card".to_owned(), token: "sim_approve".to_owned() },
            expected_total_krw: None,
        }
    }

    /// Places an order and pays for it: again, for as long as payment cannot be asked.
    pub(crate) async fn order(&self) -> OrderId {
        let (key, order) = (Uuid::now_v7().to_string(), self.wish());
        let placed = insist("an order", || self.customer.place(&key, &order)).await;
        let (order_id, mut status) = (placed.order_id, placed.status);
        let begun = Instant::now();
        while status != "paid" {
            assert!(begun.elapsed() < PATIENCE, "nobody takes the money");
            tokio::time::sleep(PACE).await;
            status = insist("paid", || self.customer.pay(order_id, &order.payment)).await.status;
        }
        order_id
    }

    /// Everything else that happens to an order until it is completed.
    pub(crate) async fn complete(&self, order: OrderId) {
        insist("accepted", || self.owner.accept(order, 15)).await;
        insist("started", || self.owner.start(order)).await;
        insist("finished", || self.owner.finish(order)).await;
        insist("claimed", || self.rider.claim(order)).await;
        insist("picked up", || self.rider.pick_up(order)).await;
        insist("delivered", || self.rider.deliver(order)).await;
        insist("confirmed", || self.customer.confirm(order)).await;
    }

    /// Looks at an order until it has this status.
    pub(crate) async fn see(&self, order: OrderId, status: &str) -> Order {
        let mut pace = tokio::time::interval(Duration::from_millis(20));
        let looked = tokio::time::timeout(PATIENCE, async {
            loop {
                pace.tick().await;
                if let Ok(order) = self.customer.order(order).await
                    && order.status == status
                {
                    return order;
                }
            }
        });
        looked.await.unwrap_or_else(|_| panic!("the order is never {status}"))
    }
}

/// Asks again until it is done, also where whoever was asked has not heard yet what this builds on.
async fn insist<T, Asked: Future<Output = Result<T, Error>>>(what: &str, mut ask: impl FnMut() -> Asked) -> T {
    let begun = Instant::now();
    loop {
        let answer = ask().await;
        let is_early = is_early(&answer);
        match answer {
            Ok(done) => return done,
            Err(error) if begun.elapsed() < PATIENCE && (is_early || error.is_transient()) => {}
            Err(error) => panic!("{what}: {error}"),
        }
        tokio::time::sleep(PACE).await;
    }
}

/// Whether whoever was asked has not heard yet what this builds on.
pub(crate) fn is_early<T>(answer: &Result<T, Error>) -> bool {
    let problem = answer.as_ref().err().and_then(Error::problem);
    problem.is_some_and(|problem| matches!(problem.status, 404 | 409))
}

async fn sign_in(client: &Client, number: u32) -> [Session; 3] {
    let mut sessions = Vec::new();
    for role in ROLES {
        sessions.push(client.sign_in(&phone(role, number), PASSWORD).await.expect("a session"));
    }
    sessions.try_into().unwrap_or_else(|_| unreachable!("three roles"))
}

fn phone(role: Role, number: u32) -> String {
    format!("010{}{number:07}", role as u8)
}

fn seoul() -> Location {
    Location::new(37.556, 126.905).expect("a point")
}

async fn open_store(owner: &Session) -> (StoreId, ItemId) {
    let store = NewStore {
        name: "망원 옛날통닭".to_owned(),
        address: "서울 마포구 포은로 101".to_owned(),
        location: seoul(),
        min_order_krw: Won(1_000),
        delivery_radius_m: 3_000,
        delivery_fee_krw: Won(0),
        thanks_message: "고맙습니다".to_owned(),
    };
    let store_id = owner.register_store(&store).await.expect("a store").store_id;
    let item_id = ItemId(Uuid::now_v7());
    let item = NewItem {
        name: "후라이드 치킨".to_owned(),
        description: String::new(),
        price_krw: Won(18_000),
        stock: None,
        available: true,
        options: Vec::new(),
    };
    owner.put_item(store_id, item_id, &item).await.expect("an item");
    owner.open_store(store_id, true).await.expect("open");
    (store_id, item_id)
}
