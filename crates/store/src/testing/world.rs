//! A world in which events are heard, time passes, and nobody else is.

use std::sync::Arc;

use baedal_contracts::order::Event as Ordered;
use baedal_contracts::store::Event as Told;
use baedal_contracts::{AccountId, ItemId, OrderId, source};
use baedal_kit::database::memory::MemoryDatabase;
use baedal_kit::ids::SystemIds;
use baedal_kit::scenario::NOON;
use baedal_kit::time::{Clock, ManualClock};
use baedal_kit::{Cause, CauseKind, Database, Envelope, Origin};
use baedal_kit_runtime::JournalBus;
use baedal_kit_runtime::lifecycle::Lifecycle;
use baedal_kit_runtime::{Consumer, JobHandler, Service, jobs};
use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use super::{Answer, OWNER, STORE, ask, profile};
use crate::domain::ticket::Command;
use crate::domain::{Stock, Store, Ticket, stock, store};
use crate::jobs::Deadlines;
use crate::policy::KitchenPolicy;
use crate::{Settings, kitchen};

/// The store service with nobody around it but the test.
pub(crate) struct World {
    pub(crate) service: Service,
    pub(crate) clock: ManualClock,
    database: Arc<dyn Database>,
    policy: Arc<KitchenPolicy>,
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
        let command = stock::Command::SetStock { item_id, stock, seen: None };
        self.service.command::<Stock>(&Origin::none(), &STORE, command).await.expect("a stock");
    }

    pub(crate) async fn left(&self, item: ItemId) -> Option<u32> {
        self.service.look::<Stock>(&STORE).await.expect("a stock").left(item)
    }

    pub(crate) async fn ticket(&self, order_id: OrderId) -> Arc<Ticket> {
        self.service.look::<Ticket>(&order_id).await.expect("a ticket")
    }

    /// Hears an event of order.
    pub(crate) async fn handle(&self, event: &Ordered) {
        self.hear_envelope(&envelope(event)).await;
    }

    async fn hear_envelope(&self, envelope: &Envelope) {
        let (origin, envelope) = (envelope.as_origin(), Arc::new(envelope.clone()));
        let heard = self.service.execute(&origin, |work| {
            let (policy, envelope) = (Arc::clone(&self.policy), Arc::clone(&envelope));
            Box::pin(async move { policy.handle(&envelope, work).await })
        });
        heard.await.expect("an event that can be handled");
    }

    /// Hears an event of order that cannot be handled yet.
    pub(crate) async fn fails_to_hear(&self, event: &Ordered) {
        let envelope = envelope(event);
        let mut work = self.service.work(envelope.as_origin());
        self.policy.handle(&envelope, &mut work).await.expect_err("an event that cannot be handled");
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

    /// The service was away for so long, and is back; nothing that was due is done yet.
    pub(crate) fn away(&mut self, time: SignedDuration) {
        self.clock.advance(time);
        self.service = service(&self.database, self.clock.clone());
    }

    /// Time passes, and the jobs that become due are done.
    pub(crate) async fn pass(&self, time: SignedDuration) {
        self.clock.advance(time);
        let deadlines = Deadlines { settings: Settings::default() };
        let handlers: [Arc<dyn JobHandler>; 1] = [Arc::new(deadlines)];
        while self.next_deadline().await.is_some_and(|due| due <= self.clock.now()) {
            jobs::run_due(&self.service, &handlers).await.expect("jobs");
        }
    }

    /// When the next deadline is.
    pub(crate) async fn next_deadline(&self) -> Option<Timestamp> {
        self.database.next_due().await.expect("jobs")
    }

    /// An account asks over HTTP, with JSON or with no body.
    pub(crate) async fn ask(&self, who: AccountId, method: Method, path: &str, body: Option<Value>) -> Answer {
        ask(&self.router, who, method, path, None, body).await
    }

    /// The same, if things are as they were when this tag was given.
    pub(crate) async fn ask_if(
        &self,
        who: AccountId,
        method: Method,
        path: &str,
        tag: &str,
        body: Option<Value>,
    ) -> Answer {
        ask(&self.router, who, method, path, Some(tag), body).await
    }
}

impl Default for World {
    fn default() -> Self {
        let database: Arc<dyn Database> = Arc::new(MemoryDatabase::default());
        let clock = ManualClock::at(NOON);
        let service = service(&database, clock.clone());
        let router = crate::http::routes(service.clone());
        Self { service, clock, database, policy: Arc::new(KitchenPolicy::new(Settings::default())), router }
    }
}

fn service(database: &Arc<dyn Database>, clock: ManualClock) -> Service {
    let bus = JournalBus::default().with(source::STORE, Arc::clone(database), crate::publish);
    let ids = Arc::new(SystemIds);
    Service::new(source::STORE, Arc::clone(database), Arc::new(bus), Arc::new(clock), ids, Lifecycle::default())
        .as_two_replicas()
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
        stream: format!("order/{}", event.order_id()),
        kind: kind.to_owned(),
        at: NOON,
        correlation: Some(event.order_id().0),
        command: "Test".to_owned(),
        origin: Arc::new(origin_of_a_request()),
        data: serde_json::value::to_raw_value(event).expect("JSON"),
    }
}
