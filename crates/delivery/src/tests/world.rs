//! A small world to test in: this context with its neighbours' journals, on a clock that stands still.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use baedal_contracts::identity::Role;
use baedal_contracts::{AccountId, Location, OrderId, OrderNo, Place, StoreId, delivery, order, source, store};
use baedal_kit::Origin;
use baedal_kit::bus::publish_with;
use baedal_kit::database::memory::MemoryDatabase;
use baedal_kit::database::{Append, Commit, Database, NewEvent, Outcome};
use baedal_kit::ids::SystemIds;
use baedal_kit::scenario::NOON;
use baedal_kit::time::ManualClock;
use baedal_kit_http::Caller;
use baedal_kit_http::caller::CALLER;
use baedal_kit_runtime::JournalBus;
use baedal_kit_runtime::Service;
use baedal_kit_runtime::lifecycle::Lifecycle;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;
use uuid::Uuid;

use crate::domain::{Delivery, Parcel, Rider};
use crate::{Settings, module, policy, views};

/// Longer than anything takes; a test that waits this long has failed.
pub(crate) const LONG: Duration = Duration::from_secs(10);

/// This many metres north and east of Gangnam station.
pub(crate) fn spot(north_m: f64, east_m: f64) -> Location {
    let (lat, lng) = (37.4979_f64, 127.0276);
    Location::new(lat + north_m / 111_195.0, lng + east_m / (111_195.0 * lat.to_radians().cos())).expect("a point")
}

/// What a kitchen at `pickup` has for somebody at `drop_off`.
pub(crate) fn parcel(order_id: OrderId, pickup: Location, drop_off: Location) -> Parcel {
    Parcel {
        order_no: OrderNo::of(order_id),
        store_id: StoreId(Uuid::from_u128(7)),
        store_name: "바삭치킨".to_owned(),
        pickup: Place { address: "서울 강남구 테헤란로 1".to_owned(), location: pickup },
        deliver_to: Place { address: "서울 강남구 역삼로 2, 301호".to_owned(), location: drop_off },
        note: "문 앞에 놓아 주세요".to_owned(),
        customer_id: AccountId(Uuid::from_u128(8)),
        summary: "후라이드 치킨 ×2".to_owned(),
    }
}

pub(crate) fn new_order() -> OrderId {
    OrderId(Uuid::now_v7())
}

pub(crate) fn new_rider() -> AccountId {
    AccountId(Uuid::now_v7())
}

/// This context and what it hears.
pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) service: Service,
    pub(crate) router: axum::Router,
    store: Arc<MemoryDatabase>,
    order: Arc<MemoryDatabase>,
}

/// A context over an empty database, nothing running yet.
pub(crate) fn quiet(clock: &ManualClock, bus: JournalBus, database: Arc<MemoryDatabase>) -> Service {
    let clock = Arc::new(clock.clone());
    Service::new(source::DELIVERY, database, Arc::new(bus), clock, Arc::new(SystemIds), Lifecycle::default())
        .as_two_replicas()
}

impl World {
    /// The context, hearing and working.
    pub(crate) async fn start() -> Self {
        let clock = ManualClock::at(NOON);
        let [own, store, order]: [Arc<MemoryDatabase>; 3] = Default::default();
        let bus = JournalBus::default()
            .with(source::DELIVERY, own.clone(), crate::publish)
            .with(source::STORE, store.clone(), |recorded| {
                publish_with(recorded, |event: store::Event| Ok(Some(event)))
            })
            .with(source::ORDER, order.clone(), |recorded| {
                publish_with(recorded, |event: order::Event| Ok(Some(event)))
            });
        let service = quiet(&clock, bus, own);
        let router = module(service.clone(), Settings::default()).start().await.expect("it starts");
        while !service.all_progress().contains_key(policy::NAME) {
            tokio::task::yield_now().await;
        }
        Self { clock, service, router, store, order }
    }

    /// The kitchen has finished; heard when this returns.
    pub(crate) async fn cook(&self, order_id: OrderId, pickup: Location, drop_off: Location) {
        let Parcel { order_no, store_id, store_name, pickup, deliver_to, note, customer_id, summary } =
            parcel(order_id, pickup, drop_off);
        let event = store::Event::CookFinished {
            order_id,
            order_no,
            store_id,
            store_name,
            pickup,
            deliver_to,
            note,
            customer_id,
            summary,
        };
        let position = tell(self.store.as_ref(), order_id, (&event).into(), &event).await;
        self.heard(source::STORE, position).await;
    }

    /// The kitchen has finished, not yet heard.
    pub(crate) async fn cook_one(&self) -> OrderId {
        let order_id = new_order();
        self.cook(order_id, spot(0.0, 0.0), spot(800.0, 600.0)).await;
        order_id
    }

    /// The order ended; heard when this returns.
    pub(crate) async fn end_order(&self, event: order::Event) {
        let position = tell(self.order.as_ref(), event.order_id(), (&event).into(), &event).await;
        self.heard(source::ORDER, position).await;
    }

    async fn heard(&self, source: &str, position: u64) {
        let positions = [(source.to_owned(), position)].into();
        assert!(self.service.reached(policy::NAME, &positions, LONG).await, "{source} {position} was not heard");
    }

    /// A rider on duty at a place.
    pub(crate) async fn rider_at(&self, at: Location) -> AccountId {
        let rider_id = new_rider();
        let (status, _) = self.on_duty(rider_id, at).await;
        assert_eq!(status, StatusCode::OK);
        rider_id
    }

    pub(crate) async fn on_duty(&self, rider_id: AccountId, at: Location) -> (StatusCode, Value) {
        let body = serde_json::json!({"on_duty": true, "location": at});
        self.ask(rider_id, Method::PUT, "/api/riders/me", Some(body)).await
    }

    pub(crate) async fn step(&self, rider_id: AccountId, order_id: OrderId, step: &str) -> (StatusCode, Value) {
        self.ask(rider_id, Method::POST, &format!("/api/deliveries/{order_id}/{step}"), None).await
    }

    /// An operator takes a claim back.
    pub(crate) async fn take_back(&self, order_id: OrderId, body: Value) -> (StatusCode, Value) {
        let operator = Caller { account_id: AccountId(Uuid::from_u128(1)), role: Role::Operator };
        self.ask_as(operator, Method::POST, &format!("/api/deliveries/{order_id}/release"), Some(body)).await
    }

    pub(crate) async fn get(&self, rider_id: AccountId, path: &str) -> (StatusCode, Value) {
        self.ask(rider_id, Method::GET, path, None).await
    }

    pub(crate) async fn ask(
        &self,
        rider_id: AccountId,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        self.ask_as(Caller { account_id: rider_id, role: Role::Rider }, method, path, body).await
    }

    /// After how many seconds a step may be tried again, where the answer says so.
    pub(crate) async fn retry_after(&self, rider_id: AccountId, order_id: OrderId, step: &str) -> Option<u64> {
        let caller = Caller { account_id: rider_id, role: Role::Rider };
        let request = Request::post(format!("/api/deliveries/{order_id}/{step}"))
            .header(CALLER, caller.to_header())
            .body(Body::empty())
            .expect("a request");
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        response.headers().get("retry-after")?.to_str().ok()?.parse().ok()
    }

    /// An operator asks for a claim, and says neither whose nor why.
    pub(crate) async fn operator_releases_without_a_body(&self, order_id: OrderId) -> StatusCode {
        let operator = Caller { account_id: AccountId(Uuid::from_u128(1)), role: Role::Operator };
        let request = Request::post(format!("/api/deliveries/{order_id}/release"))
            .header(CALLER, operator.to_header())
            .body(Body::empty())
            .expect("a request");
        self.router.clone().oneshot(request).await.expect("an answer").status()
    }

    async fn ask_as(&self, caller: Caller, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(CALLER, caller.to_header())
            .header("content-type", "application/json")
            .body(body)
            .expect("a request");
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let status = response.status();
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// The rider as he is kept.
    pub(crate) async fn rider(&self, rider_id: AccountId) -> Rider {
        views::rider(&mut self.service.work(Origin::none()), rider_id).await.expect("a rider")
    }

    /// The delivery as it is now.
    pub(crate) async fn delivery(&self, order_id: OrderId) -> Delivery {
        (*self.service.look::<Delivery>(&order_id).await.expect("a delivery")).clone()
    }

    /// All that others were told of this order.
    pub(crate) async fn told(&self, order_id: OrderId) -> Vec<delivery::Event> {
        let (mut told, mut after) = (Vec::new(), 0);
        loop {
            let batch = self.service.bus().read(source::DELIVERY, 0, after, 1_000).await.expect("a batch");
            if batch.upto == after {
                return told;
            }
            after = batch.upto;
            let events = batch.envelopes.iter().map(|envelope| envelope.read::<delivery::Event>().expect("an event"));
            told.extend(events.filter(|event| event.order_id() == order_id));
        }
    }

    /// The names of all that others were told of this order.
    pub(crate) async fn told_names(&self, order_id: OrderId) -> Vec<&'static str> {
        self.told(order_id).await.iter().map(Into::into).collect()
    }
}

/// Writes an event into a neighbour's journal.
async fn tell(journal: &MemoryDatabase, order_id: OrderId, kind: &'static str, event: &impl serde::Serialize) -> u64 {
    let id = Uuid::now_v7();
    let event = NewEvent {
        id,
        kind,
        data: serde_json::to_vec(event).expect("JSON"),
        at: NOON,
        correlation: Some(order_id.0),
        command: "Test",
        origin: Arc::new(Origin::none()),
    };
    let append = Append { stream: format!("test/{id}"), expected_version: 0, events: vec![event] };
    match journal.commit(Commit { appends: vec![append], ..Commit::default() }).await.expect("a commit") {
        Outcome::Committed { position } => position,
        Outcome::Conflict => panic!("a new stream conflicts with nothing"),
    }
}
