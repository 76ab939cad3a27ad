//! `kill -9` at any point, and a start on the same data: nothing is lost, and nothing happens twice.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use baedal_client::types::{NewAccount, NewItem, NewLine, NewOrder, NewStore, RiderNow};
use baedal_client::{Client, Error, Session};
use baedal_contracts::identity::Role;
use baedal_contracts::payment::PaymentMeans;
use baedal_contracts::{ItemId, Location, OrderId, Place, StoreId, Won};
use rand::RngExt;
use serde_json::Value;
use uuid::Uuid;

/// How often the program is killed.
const KILLS: usize = 6;
/// How many people order at the same time.
const CUSTOMERS: usize = 6;
/// The longest that anything awaited may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(90);

/// Deadlines short enough to watch.
const SETTINGS: [(&str, &str); 16] = [
    ("BAEDAL_LOG", "error"),
    ("BAEDAL_ORDER__PAYMENT_WINDOW", "6s"),
    ("BAEDAL_ORDER__AUTO_COMPLETE_AFTER", "2s"),
    ("BAEDAL_ORDER__ABANDON_AFTER", "20s"),
    ("BAEDAL_ORDER__ABANDON_PICKED_UP_AFTER", "5s"),
    // What is left to people after each kill.
    ("BAEDAL_ORDER__LEAST_PAYMENT_TIME", "2s"),
    ("BAEDAL_STORE__LEAST_ANSWER_TIME", "2s"),
    ("BAEDAL_STORE__ANSWER_WITHIN", "4s"),
    ("BAEDAL_PAYMENT__LOOK_UP_AFTER", "500ms"),
    ("BAEDAL_PAYMENT__UNKNOWN_AFTER", "2s"),
    // Each customer orders for many.
    ("BAEDAL_ORDER__UNPAID_ORDERS", "0"),
    ("BAEDAL_ORDER__ATTEMPTS", "0"),
    ("BAEDAL_GATEWAY__PER_ADDRESS", "{per_second=0,burst=0}"),
    ("BAEDAL_GATEWAY__SIGN_IN_PER_ADDRESS", "{per_second=0,burst=0}"),
    ("BAEDAL_IDENTITY__PHONE_CODES__PER_ADDRESS", "0"),
    ("BAEDAL_GATEWAY__PER_ACCOUNT", "{per_second=0,burst=0}"),
];

struct Program {
    child: Child,
    address: String,
}

impl Program {
    fn start(data: &Path, listen: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_baedal"))
            .args(["serve", "--listen", listen, "--data"])
            .arg(data)
            .envs(SETTINGS)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        let mut lines = output.lines().map(|line| line.expect("a line"));
        let address = lines.find_map(|line| Some(line.strip_prefix("ready on http://")?.to_owned())).expect("ready");
        Self { child, address }
    }

    /// SIGKILL: nothing gets to tidy up.
    fn kill(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("its end");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What everybody shares: how much was answered so far, and whether it is time to go home.
#[derive(Default)]
struct Day {
    answered: AtomicU64,
    over: AtomicBool,
}

impl Day {
    /// Asks again, the same, until there is an answer: a person whose connection broke does not know more.
    async fn insist<T, Call: Future<Output = Result<T, Error>>>(
        &self,
        mut call: impl FnMut() -> Call,
    ) -> Result<T, Error> {
        let mut pace = tokio::time::interval(Duration::from_millis(20));
        loop {
            pace.tick().await;
            match call().await {
                Err(Error::NoAnswer { .. } | Error::Unreadable { .. }) => {}
                Err(Error::Problem(problem)) if problem.status == 503 => {}
                answer => {
                    self.answered.fetch_add(1, Ordering::Relaxed);
                    return answer;
                }
            }
        }
    }
}

async fn somebody(client: &Client, role: Role, number: usize) -> Session {
    let phone = format!("010{}{number:07}", role as u8);
    let account = NewAccount { role, name: "아무개", phone: &phone, password: "correct horse" };
    client.open_account(&account).await.expect("an account");
    client.sign_in(&phone, "correct horse").await.expect("a session")
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

/// One customer with a rider of their own, who order until the day is over. Returns the keys used.
async fn live(
    day: Arc<Day>,
    customer: Session,
    owner: Session,
    rider: Session,
    store: (StoreId, ItemId),
) -> HashSet<OrderId> {
    let mut orders = HashSet::new();
    while !day.over.load(Ordering::Relaxed) {
        let dice = rand::rng().random_range(0..100);
        let token = match dice {
            0..5 => "sim_decline",
            5..10 => "sim_silence",
            10..15 => "sim_refund_fails_once",
            _ => "sim_approve",
        };
        let order = NewOrder {
            store_id: store.0,
            items: vec![NewLine { item_id: store.1, quantity: 1, options: Vec::new() }],
            deliver_to: Place { address: "서울 마포구 망원로 22".to_owned(), location: seoul() },
            note: String::new(),
            payment: PaymentMeans { method: "card".to_owned(), token: token.to_owned() },
            expected_total_krw: None,
        };
        let key = Uuid::now_v7().to_string();
        let placed = day.insist(|| customer.place(&key, &order)).await.expect("an order");
        assert!(orders.insert(placed.order_id), "another key, another order");
        let id = placed.order_id;
        let life = async {
            if token == "sim_refund_fails_once" || (85..92).contains(&dice) {
                return day.insist(|| customer.cancel(id, "")).await.map(drop);
            }
            day.insist(|| owner.accept(id, 10)).await?;
            day.insist(|| owner.start(id)).await?;
            day.insist(|| owner.finish(id)).await?;
            day.insist(|| rider.claim(id)).await?;
            day.insist(|| rider.pick_up(id)).await?;
            day.insist(|| rider.deliver(id)).await?;
            if dice < 97 {
                day.insist(|| customer.confirm(id)).await?;
            }
            Ok(())
        };
        // A refusal is an answer; the order then ends by a deadline.
        let _: Result<(), Error> = life.await;
    }
    orders
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_point_nothing_is_lost_and_nothing_happens_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut program = Program::start(folder.path(), "127.0.0.1:0");
    let address = program.address.clone();
    let client = Client::new(format!("http://{address}"));
    let owner = somebody(&client, Role::Owner, 0).await;
    let store = open_store(&owner).await;

    let day = Arc::new(Day::default());
    let mut customers = Vec::new();
    let mut lives = tokio::task::JoinSet::new();
    for number in 0..CUSTOMERS {
        let customer = somebody(&client, Role::Customer, number).await;
        let rider = somebody(&client, Role::Rider, number).await;
        rider.ride(RiderNow { on_duty: true, location: seoul() }).await.expect("on duty");
        customers.push(customer.clone());
        let (day, owner) = (Arc::clone(&day), owner.clone());
        lives.spawn(async move { (customer.account_id(), live(day, customer, owner, rider, store).await) });
    }
    for _ in 0..KILLS {
        let until = day.answered.load(Ordering::Relaxed) + rand::rng().random_range(20..120);
        let reached = tokio::time::timeout(PATIENCE, async {
            let mut pace = tokio::time::interval(Duration::from_millis(1));
            while day.answered.load(Ordering::Relaxed) < until {
                pace.tick().await;
            }
        });
        reached.await.expect("people get on with it");
        program.kill();
        program = Program::start(folder.path(), &address);
    }
    day.over.store(true, Ordering::Relaxed);
    let told = tokio::time::timeout(PATIENCE, lives.join_all()).await.expect("everybody goes home");

    for customer in &customers {
        let (_, known) = told.iter().find(|(account, _)| *account == customer.account_id()).expect("their orders");
        let orders = tokio::time::timeout(PATIENCE, all_ended(customer)).await.expect("every order ends");
        let found: HashSet<OrderId> =
            orders.iter().map(|order| order["order_id"].as_str().expect("an id").parse().expect("an id")).collect();
        assert_eq!(&found, known, "every answered order is there, and no other");
        orders.iter().for_each(check);
        check_notices(customer).await;
    }
}

/// The customer's orders, once all have ended and all the money that goes back has gone.
async fn all_ended(customer: &Session) -> Vec<Value> {
    let mut pace = tokio::time::interval(Duration::from_millis(100));
    loop {
        pace.tick().await;
        let mut orders = Vec::new();
        let mut after = String::new();
        loop {
            let page: Value = customer.get(&format!("/api/orders?limit=100{after}")).await.expect("a page");
            orders.extend(page["items"].as_array().expect("items").clone());
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        let has_ended = |order: &Value| {
            matches!(order["status"].as_str(), Some("completed" | "canceled" | "rejected"))
                && order["refund"]["status"] != "pending"
        };
        if orders.iter().all(has_ended) {
            return orders;
        }
    }
}

/// The money is right, and what happens once happened once.
fn check(order: &Value) {
    let krw = |name: &str| order["payment"][name].as_u64().unwrap_or(0);
    let kept = krw("captured_krw") - krw("refunded_krw");
    let owed = if order["status"] == "completed" { order["total_krw"].as_u64().expect("a total") } else { 0 };
    assert_eq!(kept, owed, "{order:#}");
    let mut seen = HashSet::new();
    for entry in order["timeline"].as_array().expect("a timeline") {
        let what = entry["what"].as_str().expect("what happened");
        let may_repeat = matches!(
            what,
            "DeliveryClaimed"
                | "ClaimReleased"
                | "PickupOverdue"
                | "PaymentDeclined"
                | "PaymentRefundDue"
                | "PaymentRefunded"
                | "PaymentWindowExtended"
                | "TicketAnswerExtended"
        );
        assert!(seen.insert(what) || may_repeat, "{what} happened twice: {order:#}");
    }
}

/// Nobody was told the same thing twice.
async fn check_notices(customer: &Session) {
    let mut seen = HashSet::new();
    let mut after = String::new();
    loop {
        let page: Value = customer.get(&format!("/api/notices?limit=100{after}")).await.expect("a page");
        for notice in page["items"].as_array().expect("items") {
            let key = (notice["order_id"].to_string(), notice["template"].to_string());
            assert!(seen.insert(key), "told twice: {notice:#}");
        }
        let Some(next) = page["next"].as_str() else { return };
        after = format!("&after={next}");
    }
}
