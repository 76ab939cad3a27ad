//! What the tests of this crate share: events as other contexts tell them, and a notification that hears
//! each of them twice.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use baedal_contracts::notification::Channel;
use baedal_contracts::order::{self, Basket, CancelReason, Fault, Line, OrderStore};
use baedal_contracts::store::RejectReason;
use baedal_contracts::{
    AccountId, AttemptId, ChangeId, ItemId, Location, OrderId, OrderNo, Place, StoreId, Won, delivery, identity,
    payment, source, store,
};
use baedal_kit::database::memory::MemoryDatabase;
use baedal_kit::database::{
    BehindLetter, Commit, DeadLetter, Direction, Document, KeptCursor, LeasedJob, Outcome, Query, Select, TagRange,
};
use baedal_kit::epochs::{Cursor, Epochs};
use baedal_kit::feeds::Feeds;
use baedal_kit::ids::CountingIds;
use baedal_kit::scenario::NOON;
use baedal_kit::time::ManualClock;
use baedal_kit::{Database, Envelope, Failure, Origin, Recorded};
use baedal_kit_runtime::JournalBus;
use baedal_kit_runtime::lifecycle::Lifecycle;
use baedal_kit_runtime::{Consumer, JobHandler, Service, jobs};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use uuid::Uuid;

use crate::jobs::Send;
use crate::policy::Policy;
use crate::views::{Facts, NOTICES, NoticeDocument, recipient_tag};
use crate::{CodeMessage, KeptProvider, Message, MessageProvider, Outages, ProviderSettings, SendError, Settings};

pub(crate) const ORDER: OrderId = OrderId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_1234_5678));
pub(crate) const CUSTOMER: AccountId = AccountId(Uuid::from_u128(0xc));
pub(crate) const OWNER: AccountId = AccountId(Uuid::from_u128(0xa));
pub(crate) const RIDER: AccountId = AccountId(Uuid::from_u128(0xd));
pub(crate) const OTHER_RIDER: AccountId = AccountId(Uuid::from_u128(0xe));
pub(crate) const CHANGE: ChangeId = ChangeId(Uuid::from_u128(0xf));
const STORE: StoreId = StoreId(Uuid::from_u128(0xb));
const STORE_NAME: &str = "봉구네 가마솥통닭";

/// Takes what [`KeptProvider`] takes, and remembers everything that was tried.
#[derive(Clone, Default)]
pub(crate) struct Tried {
    provider: KeptProvider,
    messages: Arc<Mutex<Vec<(Channel, String)>>>,
}

#[async_trait]
impl MessageProvider for Tried {
    async fn send(&self, message: &Message) -> Result<(), SendError> {
        self.messages.lock().expect("no panic").push((message.channel, message.template.code().to_owned()));
        self.provider.send(message).await
    }

    async fn send_code(&self, message: &CodeMessage) -> Result<(), SendError> {
        self.provider.send_code(message).await
    }
}

/// What does not work when a database is away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Away {
    /// Streams and documents cannot be read.
    Reading,
    /// Events cannot be committed; that a job is to be tried again can.
    Writing,
}

/// A database that is away for a number of calls.
#[derive(Default)]
pub(crate) struct Flaky {
    inner: MemoryDatabase,
    failing: Mutex<Option<(Away, u32)>>,
}

impl Flaky {
    /// The next calls fail.
    pub(crate) fn fail(&self, away: Away, calls: u32) {
        *self.failing.lock().expect("no panic") = Some((away, calls));
    }

    /// How many more calls fail.
    pub(crate) fn left(&self) -> u32 {
        self.failing.lock().expect("no panic").map_or(0, |(_, left)| left)
    }

    fn is_there(&self, asked: Away) -> Result<(), Failure> {
        match self.failing.lock().expect("no panic").as_mut() {
            Some((away, left)) if *away == asked && *left > 0 => {
                *left -= 1;
                Err(Failure::unavailable("the database", "it is away"))
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Database for Flaky {
    async fn commit(&self, commit: Commit) -> Result<Outcome, Failure> {
        if !commit.appends.is_empty() {
            self.is_there(Away::Writing)?;
        }
        self.inner.commit(commit).await
    }

    async fn load(&self, stream: &str, after_version: u64) -> Result<Vec<Recorded>, Failure> {
        self.is_there(Away::Reading)?;
        self.inner.load(stream, after_version).await
    }

    async fn published(&self, after: u64, limit: usize) -> Result<Vec<Recorded>, Failure> {
        self.inner.published(after, limit).await
    }

    fn head(&self) -> watch::Receiver<u64> {
        self.inner.head()
    }

    async fn cursor(&self, consumer: &str, source: &str, shard: u16) -> Result<Cursor, Failure> {
        self.inner.cursor(consumer, source, shard).await
    }

    async fn get(&self, view: &str, id: &str) -> Result<Option<Document>, Failure> {
        self.is_there(Away::Reading)?;
        self.inner.get(view, id).await
    }

    async fn list(&self, view: &str, query: Query) -> Result<Vec<Document>, Failure> {
        self.inner.list(view, query).await
    }

    async fn lease(&self, now: Timestamp, until: Timestamp, limit: usize) -> Result<Vec<LeasedJob>, Failure> {
        self.inner.lease(now, until, limit).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Failure> {
        self.inner.next_due().await
    }

    fn jobs_changed(&self) -> watch::Receiver<u64> {
        self.inner.jobs_changed()
    }

    fn epochs(&self) -> watch::Receiver<Arc<Epochs>> {
        self.inner.epochs()
    }

    async fn cursors(&self) -> Result<Vec<KeptCursor>, Failure> {
        self.inner.cursors().await
    }

    async fn list_by_tag(&self, view: &str, range: TagRange, limit: usize) -> Result<Vec<(String, Document)>, Failure> {
        self.inner.list_by_tag(view, range, limit).await
    }

    async fn dead_letters(&self, after: Option<BehindLetter>, limit: usize) -> Result<Vec<DeadLetter>, Failure> {
        self.inner.dead_letters(after, limit).await
    }

    fn feeds(&self) -> &Feeds {
        self.inner.feeds()
    }

    async fn ping(&self) -> Result<(), Failure> {
        self.inner.ping().await
    }
}

/// A notification over a memory database, with a clock that stands still until it is moved.
pub(crate) struct World {
    pub(crate) outages: Outages,
    pub(crate) database: Arc<Flaky>,
    clock: ManualClock,
    service: Service,
    tried: Tried,
    policy: Arc<Policy>,
    jobs: Vec<Arc<dyn JobHandler>>,
    heard: Mutex<u64>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(ProviderSettings::default())
    }

    pub(crate) fn with(provider: ProviderSettings) -> Self {
        let clock = ManualClock::at(NOON);
        let outages = Outages::default();
        let tried = Tried { provider: KeptProvider::new(provider, outages.clone()), ..Tried::default() };
        let settings = Settings::default();
        let flaky = Arc::new(Flaky::default());
        let database = Arc::clone(&flaky) as Arc<dyn Database>;
        let bus = JournalBus::default().with(source::NOTIFICATION, Arc::clone(&database), crate::publish);
        Self {
            outages,
            database: flaky,
            service: Service::new(
                source::NOTIFICATION,
                database,
                Arc::new(bus),
                Arc::new(clock.clone()),
                Arc::new(CountingIds::default()),
                Lifecycle::default(),
            )
            .as_two_replicas(),
            clock,
            policy: Arc::new(Policy::new(&settings)),
            jobs: vec![Arc::new(Send::new(settings, Arc::new(tried.clone())))],
            tried,
            heard: Mutex::default(),
        }
    }

    /// The customer, the owner and the order are known.
    pub(crate) async fn with_facts() -> Self {
        let world = Self::new();
        world.introduce().await;
        world
    }

    pub(crate) async fn introduce(&self) {
        for account in [account_opened(CUSTOMER), account_opened(OWNER)] {
            self.learn(source::IDENTITY, &account).await;
        }
        self.learn(source::ORDER, &order_placed()).await;
    }

    /// The policy hears an event, twice.
    pub(crate) async fn handle<E: serde::Serialize>(&self, source: &str, event: &E)
    where
        for<'e> &'e E: Into<&'static str>,
    {
        let envelope = self.envelope(source, event);
        for _ in 0..2 {
            self.listen(Arc::clone(&self.policy) as Arc<dyn Consumer>, &envelope).await;
        }
    }

    /// The facts hear an event, twice.
    pub(crate) async fn learn<E: serde::Serialize>(&self, source: &str, event: &E)
    where
        for<'e> &'e E: Into<&'static str>,
    {
        let envelope = self.envelope(source, event);
        for _ in 0..2 {
            self.listen(Arc::new(Facts), &envelope).await;
        }
    }

    async fn listen(&self, consumer: Arc<dyn Consumer>, envelope: &Envelope) {
        let (origin, envelope) = (Origin::none(), Arc::new(envelope.clone()));
        let heard = self.service.execute(&origin, |work| {
            let (consumer, envelope) = (Arc::clone(&consumer), Arc::clone(&envelope));
            Box::pin(async move { consumer.handle(&envelope, work).await })
        });
        heard.await.expect("heard");
    }

    fn envelope<E: serde::Serialize>(&self, source: &str, event: &E) -> Envelope
    where
        for<'e> &'e E: Into<&'static str>,
    {
        let mut heard = self.heard.lock().expect("no panic");
        *heard += 1;
        let kind: &'static str = event.into();
        Envelope {
            id: Uuid::from_u128((u128::from(*heard) << 80) | (7 << 76) | (2 << 62)),
            source: source.to_owned(),
            position: *heard,
            stream: String::new(),
            kind: kind.to_owned(),
            at: self.service.clock().now(),
            correlation: None,
            command: String::new(),
            origin: Arc::new(Origin::none()),
            data: serde_json::value::to_raw_value(event).expect("JSON"),
        }
    }

    /// Does the jobs that are due now, and those they make due at once.
    pub(crate) async fn do_jobs(&self) {
        while jobs::run_due(&self.service, &self.jobs).await.expect("done") > 0 {}
    }

    /// Time passes, and jobs are done every second.
    pub(crate) async fn pass(&self, seconds: i64) {
        for _ in 0..seconds {
            self.clock.advance(SignedDuration::from_secs(1));
            self.do_jobs().await;
        }
    }

    /// Time passes, and nobody does any jobs.
    pub(crate) fn clock_jumps(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    /// The notices to somebody, oldest first.
    pub(crate) async fn notices(&self, recipient: AccountId) -> Vec<NoticeDocument> {
        let query = Query {
            select: Select::Tag(recipient_tag(recipient)),
            direction: Direction::Ascending,
            after: None,
            limit: 100,
        };
        let documents = self.service.database().list(NOTICES, query).await.expect("a list");
        documents.iter().map(|document| serde_json::from_slice(&document.body).expect("a notice")).collect()
    }

    /// What the provider was asked to send.
    pub(crate) fn tried(&self) -> Vec<(Channel, String)> {
        self.tried.messages.lock().expect("no panic").clone()
    }

    /// What was published, by name.
    pub(crate) async fn told(&self) -> Vec<String> {
        let batch = self.service.bus().read(source::NOTIFICATION, 0, 0, 100).await.expect("the journal");
        batch.envelopes.iter().map(|envelope| envelope.kind.clone()).collect()
    }

    pub(crate) async fn dead_letters(&self) -> Vec<String> {
        let letters = self.service.database().dead_letters(None, 10).await.expect("a list");
        letters.into_iter().map(|letter| letter.error).collect()
    }
}

pub(crate) fn at(minutes: i64) -> Timestamp {
    NOON + SignedDuration::from_mins(minutes)
}

fn place(address: &str) -> Place {
    Place { address: address.to_owned(), location: Location::new(37.55, 126.9).expect("a place") }
}

fn line(name: &str, quantity: u32) -> Line {
    Line {
        item_id: ItemId(Uuid::nil()),
        name: name.to_owned(),
        quantity,
        unit_price_krw: Won(20_000),
        options: Vec::new(),
    }
}

pub(crate) fn basket(total_krw: u64) -> Basket {
    Basket {
        items: vec![line("가마솥 후라이드", 1), line("콜라", 2)],
        deliver_to: place("서울 마포구 망원로 7 301호"),
        note: String::new(),
        delivery_fee_krw: Won(2_000),
        total_krw: Won(total_krw),
    }
}

fn order_store() -> OrderStore {
    OrderStore {
        store_id: STORE,
        owner_id: OWNER,
        name: STORE_NAME.to_owned(),
        address: "서울 마포구 포은로 95".to_owned(),
        location: Location::new(37.5555, 126.9049).expect("a place"),
    }
}

pub(crate) fn account_opened(account_id: AccountId) -> identity::Event {
    let role = if account_id == CUSTOMER { identity::Role::Customer } else { identity::Role::Owner };
    let phone = if account_id == CUSTOMER { "01012345678" } else { "01087654321" };
    identity::Event::AccountOpened { account_id, role, name: "김하늘".to_owned(), phone: phone.to_owned() }
}

pub(crate) fn order_placed() -> order::Event {
    order::Event::OrderPlaced {
        order_id: ORDER,
        order_no: OrderNo::of(ORDER),
        customer_id: CUSTOMER,
        store: order_store(),
        basket: basket(26_000),
        pay_by: at(10),
    }
}

pub(crate) fn order_paid() -> order::Event {
    order::Event::OrderPaid {
        order_id: ORDER,
        order_no: OrderNo::of(ORDER),
        customer_id: CUSTOMER,
        store: order_store(),
        basket: basket(26_000),
    }
}

pub(crate) fn order_changed(total_krw: u64) -> order::Event {
    order::Event::OrderChanged { order_id: ORDER, change_id: CHANGE, basket: basket(total_krw), bill: None, version: 3 }
}

pub(crate) fn order_canceled(reason: CancelReason, paid: bool, owed_krw: u64) -> order::Event {
    let (text, fault) = (String::new(), (reason == CancelReason::Operator).then_some(Fault::Store));
    order::Event::OrderCanceled {
        order_id: ORDER,
        reason,
        text,
        owed_krw: Won(owed_krw),
        fault,
        paid,
        bill: None,
        version: 9,
    }
}

pub(crate) fn payment_declined() -> payment::Event {
    let reason = "insufficient_funds".to_owned();
    payment::Event::PaymentDeclined { order_id: ORDER, attempt_id: AttemptId(Uuid::nil()), reason, failed: false }
}

pub(crate) fn cook_started() -> store::Event {
    store::Event::CookStarted { order_id: ORDER, store_id: STORE }
}

pub(crate) fn claim_released() -> delivery::Event {
    released(None)
}

/// An operator took it back.
pub(crate) fn claim_taken_back() -> delivery::Event {
    released(Some("라이더와 연락이 되지 않아요".to_owned()))
}

fn released(taken_back: Option<String>) -> delivery::Event {
    delivery::Event::ClaimReleased { order_id: ORDER, rider_id: RIDER, riders: vec![OTHER_RIDER], taken_back }
}

/// At least one event of order for each thing there is to say about it, in an order that could be.
pub(crate) fn orders_events() -> Vec<order::Event> {
    let refused = order::ChangeRefusal::OutOfStock;
    let mut events = vec![
        order_placed(),
        order_paid(),
        order_changed(29_000),
        order::Event::OrderChangeRefused {
            order_id: ORDER,
            change_id: CHANGE,
            reason: refused,
            basket: basket(26_000),
            bill: None,
            version: 4,
        },
        order::Event::OrderCancelRefused { order_id: ORDER },
        order::Event::OrderRejected { order_id: ORDER, reason: RejectReason::TooBusy, text: String::new(), version: 9 },
        order::Event::OrderCompleted {
            order_id: ORDER,
            customer_id: CUSTOMER,
            store_id: STORE,
            by_itself: false,
            bill: None,
            version: 9,
        },
        order::Event::OrderRefundGranted {
            order_id: ORDER,
            refund_id: Uuid::nil(),
            amount_krw: Won(2_000),
            reason: "콜라가 빠졌어요".to_owned(),
            fault: Fault::Store,
            bill: order::Bill::default(),
            version: 10,
        },
    ];
    for (reason, paid, owed_krw) in [
        (CancelReason::Customer, true, 0),
        (CancelReason::Customer, false, 0),
        (CancelReason::PaymentExpired, false, 0),
        (CancelReason::Abandoned, true, 0),
        (CancelReason::Operator, true, 0),
        (CancelReason::Operator, true, 5_000),
        (CancelReason::Operator, false, 0),
    ] {
        events.push(order_canceled(reason, paid, owed_krw));
    }
    events
}

/// The same of payment.
pub(crate) fn payments_events() -> Vec<payment::Event> {
    let refunded = payment::Event::PaymentRefunded {
        order_id: ORDER,
        amount_krw: Won(18_500),
        refunded_krw: Won(18_500),
        captured_krw: Won(18_500),
    };
    vec![payment_declined(), refunded]
}

/// The same of store.
pub(crate) fn stores_events() -> Vec<store::Event> {
    let (items, deliver_to) = (basket(0).items, basket(0).deliver_to);
    vec![
        store::Event::TicketOpened {
            order_id: ORDER,
            order_no: OrderNo::of(ORDER),
            store_id: STORE,
            owner_id: OWNER,
            customer_id: CUSTOMER,
            items: items.clone(),
            deliver_to: deliver_to.clone(),
            note: String::new(),
            answer_by: at(5),
        },
        store::Event::TicketAccepted { order_id: ORDER, store_id: STORE, cook_minutes: 25 },
        store::Event::TicketChanged {
            order_id: ORDER,
            store_id: STORE,
            change_id: CHANGE,
            items,
            deliver_to: deliver_to.clone(),
            note: String::new(),
        },
        store::Event::TicketCanceled { order_id: ORDER, store_id: STORE },
        cook_started(),
        store::Event::CookFinished {
            order_id: ORDER,
            order_no: OrderNo::of(ORDER),
            store_id: STORE,
            store_name: STORE_NAME.to_owned(),
            pickup: place("서울 마포구 포은로 95"),
            deliver_to,
            note: String::new(),
            customer_id: CUSTOMER,
            summary: "가마솥 후라이드 ×1, 콜라 ×2".to_owned(),
        },
        store::Event::ThanksSent {
            order_id: ORDER,
            store_id: STORE,
            store_name: STORE_NAME.to_owned(),
            customer_id: CUSTOMER,
            message: "뜨거울 때 다리부터 드세요!".to_owned(),
        },
    ]
}

/// The same of delivery.
pub(crate) fn deliveries_events() -> Vec<delivery::Event> {
    vec![
        delivery::Event::DeliveryRequested {
            order_id: ORDER,
            order_no: OrderNo::of(ORDER),
            store_id: STORE,
            store_name: STORE_NAME.to_owned(),
            pickup: place("서울 마포구 포은로 95"),
            deliver_to: place("서울 마포구 망원로 7 301호"),
            customer_id: CUSTOMER,
            riders: vec![RIDER, OTHER_RIDER],
        },
        delivery::Event::DeliveryClaimed { order_id: ORDER, rider_id: RIDER, eta_from: at(20), eta_to: at(35) },
        delivery::Event::PickupOverdue { order_id: ORDER, rider_id: RIDER, claimed_at: at(10) },
        claim_taken_back(),
        delivery::Event::PickedUp { order_id: ORDER, rider_id: RIDER },
        delivery::Event::Delivered { order_id: ORDER, rider_id: RIDER },
        delivery::Event::DeliveryCanceled { order_id: ORDER, rider_id: Some(RIDER) },
    ]
}
