//! A store to test with: its people, its menu, and a world in which events are heard and time passes.

use std::sync::Arc;

use axum::body::Body;
use baedal_contracts::identity::Role;
use baedal_contracts::order::{Basket, Event as Ordered, Line, OrderStore};
use baedal_contracts::store::{Event as Told, MenuItem, StoreProfile};
use baedal_contracts::{AccountId, ChangeId, ItemId, Location, OrderId, OrderNo, Place, StoreId, Won, source};
use baedal_kit::bus::JournalBus;
use baedal_kit::database::memory::MemoryDatabase;
use baedal_kit::database::{JobChange, Outcome};
use baedal_kit::http::Caller;
use baedal_kit::ids::SystemIds;
use baedal_kit::lifecycle::Lifecycle;
use baedal_kit::scenario::NOON;
use baedal_kit::time::{Clock, ManualClock};
use baedal_kit::{Bus, Cause, CauseKind, Consumer, Database, Envelope, JobHandler, Origin, Service};
use http::{Method, Request, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tower::ServiceExt;
use uuid::Uuid;

use crate::domain::ticket::{Change, Command, Slip};
use crate::domain::{CookMinutes, Portions, Stock, Store, Ticket, stock, store};
use crate::jobs::Deadlines;
use crate::policy::Kitchen;
use crate::{Settings, kitchen};

/// Two items that are counted in tests, and one that is not.
pub(crate) const CHICKEN: ItemId = ItemId(Uuid::from_u128(0xC1));
pub(crate) const COLA: ItemId = ItemId(Uuid::from_u128(0xC2));
pub(crate) const RADISH: ItemId = ItemId(Uuid::from_u128(0xC3));

pub(crate) const STORE: StoreId = StoreId(Uuid::from_u128(0x5702E));
pub(crate) const OWNER: AccountId = AccountId(Uuid::from_u128(0x0888));
pub(crate) const STRANGER: AccountId = AccountId(Uuid::from_u128(0x0999));
pub(crate) const CUSTOMER: AccountId = AccountId(Uuid::from_u128(0xC057));

pub(crate) fn order(number: u128) -> OrderId {
    OrderId(Uuid::from_u128(0x0D_0000 + number))
}

pub(crate) fn change_id(number: u128) -> ChangeId {
    ChangeId(Uuid::from_u128(0xC4_0000 + number))
}

pub(crate) fn lines(counts: &[(ItemId, u32)]) -> Vec<Line> {
    let name = |item| if item == CHICKEN { "후라이드 치킨" } else if item == COLA { "콜라" } else { "치킨무" };
    counts
        .iter()
        .map(|(item_id, quantity)| Line {
            item_id: *item_id,
            name: name(*item_id).to_owned(),
            quantity: *quantity,
            unit_price_krw: Won(1_000),
            options: Vec::new(),
        })
        .collect()
}

pub(crate) fn portions(counts: &[(ItemId, u32)]) -> Portions {
    counts.iter().copied().collect()
}

pub(crate) fn here() -> Location {
    Location::new(37.5555, 126.9049).expect("a point")
}

pub(crate) fn home() -> Place {
    Place { address: "서울 마포구 망원로 1".to_owned(), location: here() }
}

pub(crate) fn shop() -> OrderStore {
    OrderStore {
        store_id: STORE,
        owner_id: OWNER,
        name: "봉구네".to_owned(),
        address: "서울 마포구 포은로 95".to_owned(),
        location: here(),
    }
}

pub(crate) fn profile() -> StoreProfile {
    StoreProfile {
        name: "봉구네".to_owned(),
        address: "서울 마포구 포은로 95".to_owned(),
        location: here(),
        min_order_krw: Won(10_000),
        delivery_radius_m: 3_000,
        delivery_fee_krw: Won(2_000),
        thanks_message: "고맙습니다!".to_owned(),
    }
}

pub(crate) fn item(item_id: ItemId) -> MenuItem {
    MenuItem {
        item_id,
        name: "후라이드 치킨".to_owned(),
        description: String::new(),
        price_krw: Won(20_000),
        available: true,
        options: Vec::new(),
    }
}

pub(crate) fn slip(order_id: OrderId, counts: &[(ItemId, u32)]) -> Slip {
    Slip {
        order_no: OrderNo::of(order_id),
        customer_id: CUSTOMER,
        store: shop(),
        items: lines(counts),
        deliver_to: home(),
        note: "문 앞에 놓아 주세요".to_owned(),
    }
}

pub(crate) fn change(number: u128, counts: &[(ItemId, u32)]) -> Change {
    Change { change_id: change_id(number), items: lines(counts), deliver_to: home(), note: String::new() }
}

pub(crate) fn minutes(minutes: u32) -> CookMinutes {
    minutes.try_into().expect("5 to 90")
}

pub(crate) fn basket(counts: &[(ItemId, u32)]) -> Basket {
    let items = lines(counts);
    let total_krw = items.iter().map(Line::price_krw).sum();
    Basket { items, deliver_to: home(), note: String::new(), delivery_fee_krw: Won::ZERO, total_krw }
}

/// What order tells.
pub(crate) mod tells {
    use baedal_contracts::order::{CancelReason, ChangeRefusal};

    use super::*;

    pub(crate) fn paid(order_id: OrderId, counts: &[(ItemId, u32)]) -> Ordered {
        Ordered::OrderPaid {
            order_id,
            order_no: OrderNo::of(order_id),
            customer_id: CUSTOMER,
            store: shop(),
            basket: basket(counts),
        }
    }

    pub(crate) fn change_requested(order_id: OrderId, change: u128, counts: &[(ItemId, u32)], extra: u64) -> Ordered {
        Ordered::OrderChangeRequested {
            order_id,
            change_id: change_id(change),
            basket: basket(counts),
            extra_krw: Won(extra),
        }
    }

    pub(crate) fn changed(order_id: OrderId, change: u128, counts: &[(ItemId, u32)]) -> Ordered {
        Ordered::OrderChanged { order_id, change_id: change_id(change), basket: basket(counts) }
    }

    pub(crate) fn change_refused(order_id: OrderId, change: u128) -> Ordered {
        Ordered::OrderChangeRefused {
            order_id,
            change_id: change_id(change),
            reason: ChangeRefusal::PaymentDeclined,
            basket: basket(&[]),
        }
    }

    pub(crate) fn cancel_requested(order_id: OrderId) -> Ordered {
        Ordered::OrderCancelRequested { order_id, text: String::new() }
    }

    pub(crate) fn canceled(order_id: OrderId, paid: bool) -> Ordered {
        Ordered::OrderCanceled {
            order_id,
            reason: if paid { CancelReason::Operator } else { CancelReason::PaymentExpired },
            text: String::new(),
            owed_krw: Won::ZERO,
            fault: None,
            paid,
        }
    }

    pub(crate) fn completed(order_id: OrderId) -> Ordered {
        Ordered::OrderCompleted { order_id, customer_id: CUSTOMER, store_id: STORE, by_itself: false }
    }
}

/// The store service with nobody around it but the test.
pub(crate) struct World {
    pub(crate) service: Service,
    pub(crate) clock: ManualClock,
    database: Arc<dyn Database>,
    policy: Kitchen,
    router: axum::Router,
}

impl World {
    /// A world with one open store; nothing is counted yet.
    pub(crate) async fn with_a_store() -> Self {
        let world = Self::default();
        for command in [
            store::Command::RegisterStore { owner_id: OWNER, profile: profile() },
            store::Command::ChangeStore {
                by: OWNER,
                changes: store::Changes { open: Some(true), ..store::Changes::default() },
            },
        ] {
            world.service.command::<Store>(&Origin::none(), &STORE, command).await.expect("a store");
        }
        world
    }

    /// Another replica of the service, with a memory of its own.
    pub(crate) fn replica(&self) -> Service {
        service(&self.database, self.clock.clone())
    }

    pub(crate) async fn count(&self, item_id: ItemId, stock: Option<u32>) {
        let command = stock::Command::SetStock { item_id, stock };
        self.service.command::<Stock>(&Origin::none(), &STORE, command).await.expect("a stock");
    }

    pub(crate) async fn left(&self, item: ItemId) -> Option<u32> {
        self.service.look::<Stock>(&STORE).await.expect("a stock").left(item)
    }

    pub(crate) async fn ticket(&self, order_id: OrderId) -> Arc<Ticket> {
        self.service.look::<Ticket>(&order_id).await.expect("a ticket")
    }

    /// Hears an event of order.
    pub(crate) async fn hear(&self, event: &Ordered) {
        self.hear_envelope(&envelope(event)).await;
    }

    async fn hear_envelope(&self, envelope: &Envelope) {
        loop {
            let mut work = self.service.work(envelope.as_origin());
            self.policy.hear(envelope, &mut work).await.expect("an event that can be handled");
            if work.commit().await.expect("a database") != Outcome::Conflict {
                return;
            }
        }
    }

    /// Hears an event of order that cannot be handled yet.
    pub(crate) async fn fails_to_hear(&self, event: &Ordered) {
        let envelope = envelope(event);
        let mut work = self.service.work(envelope.as_origin());
        self.policy.hear(&envelope, &mut work).await.expect_err("an event that cannot be handled");
    }

    /// Hears an event of order twice, and gives back what is told of it: of the first time, because
    /// nothing is of the second.
    pub(crate) async fn hear_twice(&self, event: &Ordered) -> Vec<Told> {
        let before = self.told().await.len();
        let envelope = envelope(event);
        self.hear_envelope(&envelope).await;
        let told = self.told().await;
        let journal = *self.database.head().borrow();
        self.hear_envelope(&envelope).await;
        assert_eq!(*self.database.head().borrow(), journal, "{event:?} had another effect when heard again");
        told[before..].to_vec()
    }

    /// Everything told so far.
    pub(crate) async fn told(&self) -> Vec<Told> {
        let (mut told, mut after) = (Vec::new(), 0);
        loop {
            let batch = self.service.bus().read(source::STORE, 0, after, 1_000).await.expect("a journal");
            if batch.upto == after {
                return told;
            }
            after = batch.upto;
            told.extend(batch.envelopes.iter().map(|envelope| envelope.read::<Told>().expect("a public event")));
        }
    }

    /// Somebody in the kitchen asks something. Whether it is done.
    pub(crate) async fn kitchen(&self, order_id: OrderId, command: Command) -> bool {
        kitchen::command(&self.service, &Origin::none(), order_id, command).await.is_ok()
    }

    /// Time passes, and the jobs that become due are done.
    pub(crate) async fn pass(&self, time: SignedDuration) {
        self.clock.advance(time);
        let now = self.clock.now();
        for leased in self.database.lease(now, now + SignedDuration::from_mins(1), 1_000).await.expect("jobs") {
            let mut work = self.service.work(Origin::none());
            work.change_job(JobChange::Finish(leased.lease));
            Deadlines.run(&leased.job, &mut work).await.expect("a job that can be done");
            assert_ne!(work.commit().await.expect("a database"), Outcome::Conflict);
        }
    }

    /// When the next deadline is.
    pub(crate) async fn next_deadline(&self) -> Option<Timestamp> {
        self.database.next_due().await.expect("jobs")
    }

    /// An account asks over HTTP, with JSON or with no body.
    pub(crate) async fn ask(&self, who: AccountId, method: Method, path: &str, body: Option<Value>) -> Answer {
        ask(&self.router, who, method, path, body).await
    }
}

impl Default for World {
    fn default() -> Self {
        let database: Arc<dyn Database> = Arc::new(MemoryDatabase::default());
        let clock = ManualClock::at(NOON);
        let service = service(&database, clock.clone());
        let (router, _) = crate::http::routes(service.clone()).split_for_parts();
        Self { service, clock, database, policy: Kitchen::new(Settings::default()), router }
    }
}

fn service(database: &Arc<dyn Database>, clock: ManualClock) -> Service {
    let bus = JournalBus::default().with(source::STORE, Arc::clone(database), crate::publish);
    let ids = Arc::new(SystemIds);
    Service::new(source::STORE, Arc::clone(database), Arc::new(bus), Arc::new(clock), ids, Lifecycle::default())
}

pub(crate) fn origin_of_a_request() -> Origin {
    Origin {
        cause: Cause { kind: CauseKind::Request, id: Uuid::now_v7(), name: "POST /api/orders".to_owned() },
        actor: None,
        traceparent: None,
    }
}

fn envelope(event: &Ordered) -> Envelope {
    let kind: &'static str = event.into();
    Envelope {
        id: Uuid::now_v7(),
        source: source::ORDER.to_owned(),
        position: 1,
        kind: kind.to_owned(),
        at: NOON,
        correlation: Some(event.order_id().0),
        command: "Test".to_owned(),
        origin: Arc::new(origin_of_a_request()),
        data: serde_json::value::to_raw_value(event).expect("JSON"),
    }
}

/// What was answered over HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) position: Option<String>,
    /// The body; `null` where there is none.
    pub(crate) body: Value,
}

impl Answer {
    /// The name of the problem that it is.
    pub(crate) fn problem(&self) -> &str {
        self.body["type"].as_str().unwrap_or_default().trim_start_matches("/problems/")
    }

    /// The fields that are wrong.
    pub(crate) fn wrong_fields(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().into_iter().flatten();
        errors.filter_map(|error| error["field"].as_str()).collect()
    }
}

/// An owner asks over HTTP.
pub(crate) async fn ask(
    router: &axum::Router,
    who: AccountId,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Answer {
    let caller = Caller { account_id: who, role: Role::Owner };
    let mut request = Request::builder().method(method).uri(path).header("baedal-caller", caller.to_header());
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    let response = router.clone().oneshot(request.body(body).expect("a request")).await.expect("an answer");
    let status = response.status();
    let position = response.headers().get("baedal-position").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).expect("JSON") };
    Answer { status, position, body }
}
