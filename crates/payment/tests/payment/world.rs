//! A running payment context, and what tests do to it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use axum::response::Response;
use baedal_contracts::payment::{Event, PaymentMeans, TakePayment, TakePaymentAnswer};
use baedal_contracts::{AccountId, AttemptId, OrderId, Won, order, source};
use baedal_kit::database::Outcome;
use baedal_kit::database::memory::MemoryDatabase;
use baedal_kit::ids::SystemIds;
use baedal_kit::scenario::NOON;
use baedal_kit::time::{Clock, ManualClock};
use baedal_kit::{Database, Envelope, Origin};
use baedal_kit_runtime::JournalBus;
use baedal_kit_runtime::lifecycle::Lifecycle;
use baedal_kit_runtime::{Consumer, Service};
use baedal_payment::{BookView, LedgerView, PaymentView, Provider, Settings, SimulatedProvider};
use jiff::SignedDuration;
use serde::de::DeserializeOwned;
use tower::ServiceExt;
use uuid::Uuid;

/// How long a test waits for what should happen at once.
const SOON: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) database: Arc<MemoryDatabase>,
    service: Service,
    router: Router,
    policy: Arc<dyn Consumer>,
}

impl World {
    /// A context that has just begun.
    pub(crate) async fn new() -> Self {
        Self::with(|simulated| simulated).await
    }

    /// A context over a provider made of the simulated one.
    pub(crate) async fn with<P: Provider>(wrap: impl FnOnce(SimulatedProvider) -> P) -> Self {
        Self::on(Arc::new(MemoryDatabase::default()), ManualClock::at(NOON), wrap, Settings::default()).await
    }

    /// A context with other settings.
    pub(crate) async fn set(settings: Settings) -> Self {
        Self::on(Arc::new(MemoryDatabase::default()), ManualClock::at(NOON), |simulated| simulated, settings).await
    }

    /// The same with other settings.
    pub(crate) async fn with_settings<P: Provider>(
        wrap: impl FnOnce(SimulatedProvider) -> P,
        settings: Settings,
    ) -> Self {
        Self::on(Arc::new(MemoryDatabase::default()), ManualClock::at(NOON), wrap, settings).await
    }

    /// The provider's book says that it never took anything for the one order, and something for the other.
    pub(crate) async fn spoil_the_providers_book(&self, forgotten: OrderId, made_up: OrderId) {
        const BOOKS: &str = "simulated_provider";
        let mut work = self.service.work(Origin::none());
        let book: serde_json::Value = work.document(BOOKS, &forgotten.to_string()).await.unwrap().unwrap();
        work.put(BOOKS, &made_up.to_string(), &book, []).unwrap();
        work.delete(BOOKS, &forgotten.to_string());
        assert!(matches!(work.commit().await.unwrap(), Outcome::Committed { .. }));
    }

    async fn on<P: Provider>(
        database: Arc<MemoryDatabase>,
        clock: ManualClock,
        wrap: impl FnOnce(SimulatedProvider) -> P,
        settings: Settings,
    ) -> Self {
        let service = Service::new(
            source::PAYMENT,
            Arc::clone(&database) as Arc<dyn Database>,
            Arc::new(JournalBus::default()),
            Arc::new(clock.clone()),
            Arc::new(SystemIds),
            Lifecycle::default(),
        )
        .as_two_replicas();
        let provider = wrap(SimulatedProvider::new(service.clone()));
        let module = baedal_payment::module(service.clone(), settings, Arc::new(provider));
        let policy = Arc::clone(&module.policies[0]);
        let router = module.start().await.unwrap();
        Self { clock, database, service, router, policy }
    }

    /// Another process on the same database, when this one is gone.
    pub(crate) async fn restarted(self) -> Self {
        self.service.lifecycle().stop(Duration::ZERO).await;
        Self::on(self.database, self.clock, |simulated| simulated, Settings::default()).await
    }

    /// Another process on the same database at the same time, whose wall clock is ahead by so much.
    pub(crate) async fn beside(&self, ahead: SignedDuration) -> Self {
        let clock = self.clock.ahead_by(ahead);
        Self::on(Arc::clone(&self.database), clock, |simulated| simulated, Settings::default()).await
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    pub(crate) async fn send<T: DeserializeOwned>(&self, method: Method, path: &str, body: Body) -> (StatusCode, T) {
        let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
        let response: Response = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> T {
        let (status, value) = self.send(Method::GET, path, Body::empty()).await;
        assert_eq!(status, StatusCode::OK);
        value
    }

    /// Asks for money as order does.
    pub(crate) async fn take(
        &self,
        order_id: OrderId,
        attempt_id: AttemptId,
        amount: u64,
        token: &str,
    ) -> TakePaymentAnswer {
        let means = PaymentMeans { method: "card".to_owned(), token: token.to_owned() };
        let customer_id = AccountId(Uuid::nil());
        let asked = TakePayment { attempt_id, customer_id, amount_krw: Won(amount), version: 1, means };
        let path = format!("/internal/payments/{order_id}/attempts");
        let body = Body::from(serde_json::to_vec(&asked).unwrap());
        let (status, answer) = self.send(Method::POST, &path, body).await;
        assert_eq!(status, StatusCode::OK);
        answer
    }

    /// Asks for money while the test goes on.
    pub(crate) fn take_meanwhile(
        &self,
        order_id: OrderId,
        attempt_id: AttemptId,
        amount: u64,
        token: &'static str,
    ) -> tokio::task::JoinHandle<TakePaymentAnswer> {
        let world = self.clone();
        tokio::spawn(async move { world.take(order_id, attempt_id, amount, token).await })
    }

    pub(crate) async fn payment(&self, order_id: OrderId) -> PaymentView {
        self.get(&format!("/internal/payments/{order_id}")).await
    }

    pub(crate) async fn ledger(&self) -> LedgerView {
        self.get("/internal/ledger").await
    }

    pub(crate) async fn book(&self, order_id: OrderId) -> BookView {
        self.get(&format!("/internal/simulated-provider/{order_id}")).await
    }

    /// What others have been told, in order.
    pub(crate) async fn told(&self) -> Vec<Event> {
        let recorded = self.database.published(0, usize::MAX).await.unwrap();
        let bus = JournalBus::default().with(
            source::PAYMENT,
            Arc::clone(&self.database) as Arc<dyn Database>,
            baedal_payment::publish,
        );
        let batch = baedal_kit::Bus::read(&bus, source::PAYMENT, 0, 0, recorded.len().max(1)).await.unwrap();
        batch.envelopes.iter().map(|envelope| envelope.read().unwrap()).collect()
    }

    /// Lets the policy hear an event of order, twice, as may happen. It commits both times.
    pub(crate) async fn hears(&self, event: order::Event) {
        let envelope = Envelope {
            id: Uuid::now_v7(),
            source: source::ORDER.to_owned(),
            position: 1,
            stream: format!("order/{}", event.order_id()),
            kind: <&'static str>::from(&event).to_owned(),
            at: self.clock.now(),
            correlation: Some(event.order_id().0),
            command: "Test".to_owned(),
            origin: Arc::new(Origin::none()),
            data: serde_json::value::to_raw_value(&event).unwrap(),
        };
        for _ in 0..2 {
            loop {
                let mut work = self.service.work(envelope.as_origin());
                self.policy.handle(&envelope, &mut work).await.unwrap();
                if matches!(work.commit().await.unwrap(), Outcome::Committed { .. }) {
                    break;
                }
            }
        }
    }

    /// Lets everything run until it is so.
    pub(crate) async fn until<C: Future<Output = bool>>(&self, what: &str, condition: impl Fn() -> C) {
        let wait = async {
            while !condition().await {
                tokio::task::yield_now().await;
            }
        };
        assert!(tokio::time::timeout(SOON, wait).await.is_ok(), "it never came to pass that {what}");
    }

    /// Lets time pass, second by second, until it is so.
    pub(crate) async fn in_time<C: Future<Output = bool>>(&self, what: &str, condition: impl Fn() -> C) {
        let wait = async {
            while !condition().await {
                self.pass(1);
                for _ in 0..100 {
                    tokio::task::yield_now().await;
                }
            }
        };
        assert!(tokio::time::timeout(SOON, wait).await.is_ok(), "it never came to pass that {what}");
    }

    /// Until the provider has heard of a charge for the order.
    pub(crate) async fn until_charged(&self, order_id: OrderId) {
        self.until("the provider was called", || async { self.book(order_id).await.charges == 1 }).await;
    }

    /// Until this much was taken.
    pub(crate) async fn until_captured(&self, order_id: OrderId, amount: u64) {
        let captured = || async { self.payment(order_id).await.captured_krw == Won(amount) };
        self.until("the money was captured", captured).await;
    }

    /// Ledger, payment and provider agree, and no money is under way.
    pub(crate) async fn check_quiet(&self, order_id: OrderId, owed: u64) {
        let (payment, book, ledger) = (self.payment(order_id).await, self.book(order_id).await, self.ledger().await);
        assert_eq!(payment.refund_under_way, None);
        assert_eq!(payment.captured_krw.less(payment.refunded_krw), Won(owed));
        assert_eq!((payment.captured_krw, payment.refunded_krw), (book.captured_krw, book.refunded_krw));
        assert!(ledger.balanced);
        let balance = |account| ledger.accounts[&account].balance_krw;
        assert_eq!(balance(baedal_payment::ledger::Account::ProviderClearing), owed as i64);
        assert_eq!(balance(baedal_payment::ledger::Account::RefundsOwed), 0);
    }
}

pub(crate) fn new_order() -> OrderId {
    OrderId(Uuid::now_v7())
}

pub(crate) fn new_attempt() -> AttemptId {
    AttemptId(Uuid::now_v7())
}

/// Canceled by an operator for the store's fault where something is owed; of 18,500 in all, 3,000 of it for the
/// ride.
pub(crate) fn canceled(order_id: OrderId, owed: u64) -> order::Event {
    let bill = order::Bill {
        total_krw: Won(18_500),
        delivery_fee_krw: Won(3_000),
        given_back_krw: Won::ZERO,
        owed_krw: Won(owed),
    };
    order::Event::OrderCanceled {
        order_id,
        reason: order::CancelReason::Customer,
        text: String::new(),
        owed_krw: Won(owed),
        fault: Some(order::Fault::Store),
        paid: true,
        bill: Some(bill),
        version: 90,
    }
}
