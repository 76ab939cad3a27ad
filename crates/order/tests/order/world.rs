//! Order in a small world: the others' journals to tell it things from, a till, and a clock to move.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use baedal_contracts::identity::Role;
use baedal_contracts::payment::{TakePayment, TakePaymentAnswer};
use baedal_contracts::store::Event as StoreTells;
use baedal_contracts::{AccountId, AttemptId, ItemId, OrderId, delivery, payment, source, store};
use baedal_kit::bus::publish_with;
use baedal_kit::database::memory::MemoryDatabase;
use baedal_kit::database::{Append, Commit, NewEvent};
use baedal_kit::feeds::document_key;
use baedal_kit::ids::SystemIds;
use baedal_kit::scenario::NOON;
use baedal_kit::time::ManualClock;
use baedal_kit::{Database, Origin};
use baedal_kit_http::Caller;
use baedal_kit_http::Module;
use baedal_kit_http::caller::CALLER;
use baedal_kit_runtime::JournalBus;
use baedal_kit_runtime::Service;
use baedal_kit_runtime::lifecycle::Lifecycle;
use baedal_order::domain::{Event, Order};
use baedal_order::{Payments, PutOff, Settings};
use http::{HeaderMap, Request, StatusCode};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::Semaphore;
use tower::ServiceExt;
use uuid::Uuid;

use crate::given::*;

/// The longest that a test waits for what must come.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// Takes money as the token of the payment says.
pub(crate) struct Till {
    pub(crate) asked: Mutex<Vec<TakePayment>>,
    /// `wait` waits for a permit of it.
    pub(crate) gate: Semaphore,
    /// Since when it can be asked.
    pub(crate) open_since: Mutex<Option<Timestamp>>,
    /// Whether it is not there.
    pub(crate) away: AtomicBool,
    /// The attempts it was asked about again.
    pub(crate) settled: Mutex<Vec<AttemptId>>,
}

#[async_trait]
impl Payments for Till {
    async fn take(&self, _: OrderId, request: TakePayment, _: &Origin) -> Result<TakePaymentAnswer, PutOff> {
        let token = request.means.token.clone();
        self.asked.lock().unwrap().push(request);
        match token.as_str() {
            "approve" => Ok(TakePaymentAnswer::Approved),
            "decline" => Ok(TakePaymentAnswer::Declined { reason: "insufficient_funds".to_owned() }),
            "fail" => Ok(TakePaymentAnswer::Failed { reason: "provider_error".to_owned() }),
            "verify" => Ok(TakePaymentAnswer::Verifying),
            "silence" => Err(PutOff::NoAnswer),
            "open" => Err(PutOff::NotAsked { retry_after: Duration::from_millis(6_500) }),
            "wait" => {
                self.gate.acquire().await.unwrap().forget();
                Ok(TakePaymentAnswer::Approved)
            }
            other => panic!("no such token: {other}"),
        }
    }

    async fn askable_since(&self) -> Option<Timestamp> {
        *self.open_since.lock().unwrap()
    }

    async fn settle(&self, _: OrderId, attempt_id: AttemptId, _: &Origin) -> Result<TakePaymentAnswer, PutOff> {
        self.settled.lock().unwrap().push(attempt_id);
        if self.away.load(Ordering::Relaxed) {
            return Err(PutOff::NoAnswer);
        }
        Ok(TakePaymentAnswer::Failed { reason: "given_up".to_owned() })
    }

    async fn is_there(&self, _: OrderId, _: &Origin) -> Result<(), PutOff> {
        let away = PutOff::NotAsked { retry_after: Duration::from_millis(6_500) };
        if self.away.load(Ordering::Relaxed) { Err(away) } else { Ok(()) }
    }
}

impl Till {
    pub(crate) fn asked(&self) -> Vec<TakePayment> {
        self.asked.lock().unwrap().clone()
    }
}

/// Order, and what is around it.
pub(crate) struct World {
    pub(crate) service: Service,
    pub(crate) till: Arc<Till>,
    pub(crate) clock: ManualClock,
    router: Router,
    store: Arc<MemoryDatabase>,
    payment: Arc<MemoryDatabase>,
    delivery: Arc<MemoryDatabase>,
}

/// An answer over HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// The last part of a problem's type.
    #[track_caller]
    pub(crate) fn problem(&self) -> &str {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{self:?}");
        self.body["type"].as_str().unwrap().strip_prefix("/problems/").unwrap()
    }

    #[track_caller]
    pub(crate) fn order_id(&self) -> OrderId {
        self.body["order_id"].as_str().unwrap_or_else(|| panic!("{self:?}")).parse().unwrap()
    }
}

impl World {
    /// A world in which order knows the one store, and hears whatever is told.
    pub(crate) async fn begin() -> Self {
        let world = Self::begin_without_stores().await;
        let known = known_store();
        let store_id = known.store_id;
        let registered = StoreTells::StoreRegistered { store_id, owner_id: known.owner_id, profile: known.profile };
        world.tell_store(&registered).await;
        for item in known.items {
            let item_id = item.item_id;
            world.tell_store(&StoreTells::MenuChanged { store_id, item_id, item: Some(item) }).await;
        }
        world.tell_store(&StoreTells::StoreOpened { store_id }).await;
        world.catalog_shows(|store| store["open"] == true).await;
        world
    }

    pub(crate) async fn begin_without_stores() -> Self {
        let (store, payment, delivery) = (database(), database(), database());
        let own = database();
        let bus = JournalBus::default()
            .with(source::STORE, store.clone(), |recorded| publish_with(recorded, |e: store::Event| Ok(Some(e))))
            .with(source::PAYMENT, payment.clone(), |recorded| publish_with(recorded, |e: payment::Event| Ok(Some(e))))
            .with(source::DELIVERY, delivery.clone(), |recorded| {
                publish_with(recorded, |e: delivery::Event| Ok(Some(e)))
            })
            .with(source::ORDER, own.clone(), baedal_order::publish);
        let clock = ManualClock::at(NOON);
        let till = Arc::new(Till {
            asked: Mutex::default(),
            gate: Semaphore::new(0),
            open_since: Mutex::new(Some(NOON)),
            away: AtomicBool::new(false),
            settled: Mutex::default(),
        });
        let service = Service::new(
            source::ORDER,
            own,
            Arc::new(bus),
            Arc::new(clock.clone()),
            Arc::new(SystemIds),
            Lifecycle::default(),
        )
        .as_two_replicas();
        let module: Module = baedal_order::module_paid_by(service.clone(), Settings::default(), till.clone());
        let router = module.start().await.unwrap();
        Self { service, till, clock, router, store, payment, delivery }
    }

    pub(crate) async fn tell_store(&self, event: &store::Event) {
        tell(&self.store, event.into(), event.order_id(), event).await;
    }

    pub(crate) async fn tell_payment(&self, event: &payment::Event) {
        tell(&self.payment, event.into(), Some(event.order_id()), event).await;
    }

    pub(crate) async fn tell_delivery(&self, event: &delivery::Event) {
        tell(&self.delivery, event.into(), Some(event.order_id()), event).await;
    }

    /// Waits until the catalog's one store is as wished.
    pub(crate) async fn catalog_shows(&self, wished: impl Fn(&Value) -> bool) {
        self.view_shows("catalog", wished).await;
    }

    /// Tells how many of an item are left, and waits until order knows.
    pub(crate) async fn stock_is(&self, item_id: ItemId, left: u32) {
        self.tell_store(&StoreTells::StockChanged { store_id: STORE, item_id, stock: Some(left), version: 1 }).await;
        self.view_shows("scarce", |scarce| scarce[item_id.to_string()] == left).await;
    }

    /// Waits until a view's document of the one store is as wished.
    async fn view_shows(&self, view: &'static str, wished: impl Fn(&Value) -> bool) {
        let database = self.service.database();
        let view = self.service.view_name(view);
        let mut changes = database.feeds().subscribe(document_key(&view, &STORE.to_string()));
        let shown = async {
            loop {
                let found = database.get(&view, &STORE.to_string()).await.unwrap();
                if found.is_some_and(|found| wished(&serde_json::from_slice(&found.body).unwrap())) {
                    return;
                }
                changes.changed().await;
            }
        };
        in_time(shown).await;
    }

    /// Waits until an order is as wished.
    pub(crate) async fn order_is(
        &self,
        order_id: OrderId,
        wished: impl Fn(&Order) -> bool + Send + Sync,
    ) -> Arc<Order> {
        let order = self.service.look_until::<Order>(&order_id, LIMIT, &wished).await.unwrap();
        assert!(wished(&order), "{order:?}");
        order
    }

    /// What happened to an order.
    pub(crate) async fn history(&self, order_id: OrderId) -> Vec<Event> {
        let recorded = self.service.database().load(&format!("order/{order_id}"), 0).await.unwrap();
        recorded.iter().map(|recorded| recorded.read().unwrap()).collect()
    }

    /// Sends a request as somebody.
    pub(crate) async fn ask(
        &self,
        (role, account_id): (Role, AccountId),
        (method, path): (&str, &str),
        key: Option<&str>,
        body: Option<Value>,
    ) -> Answer {
        let mut request =
            Request::builder().method(method).uri(path).header(CALLER, Caller { account_id, role }.to_header());
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        let response = self.router.clone().oneshot(request.unwrap()).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        Answer { status, headers, body }
    }

    /// The one customer's request.
    pub(crate) async fn customer(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.ask((Role::Customer, CUSTOMER), (method, path), None, body).await
    }
}

fn database() -> Arc<MemoryDatabase> {
    Arc::new(MemoryDatabase::default())
}

/// What must come, or the test fails.
pub(crate) async fn in_time<T>(awaited: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, awaited).await.expect("what is waited for, in time")
}

async fn tell(database: &MemoryDatabase, kind: &'static str, order_id: Option<OrderId>, event: &impl Serialize) {
    let event = NewEvent {
        id: Uuid::now_v7(),
        kind,
        data: serde_json::to_vec(event).unwrap(),
        at: NOON,
        correlation: order_id.map(|order_id| order_id.0),
        command: "Test",
        origin: Arc::new(Origin::none()),
    };
    let append = Append { stream: format!("test/{}", event.id), expected_version: 0, events: vec![event] };
    database.commit(Commit { appends: vec![append], ..Commit::default() }).await.unwrap();
}
