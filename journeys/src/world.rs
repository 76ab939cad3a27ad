//! The platform under test, and the time in it.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use baedal::cli::ResetConsumer;
use baedal::consumers;
use baedal::folder::DataFolder;
use baedal::platform;
use baedal::settings::Settings;
use baedal_client::types::NewAccount;
use baedal_client::{Client, Error, Session};
use baedal_contracts::OrderId;
use baedal_contracts::identity::Role;
use baedal_kit::time::{Clock, ManualClock, SystemClock};
use baedal_servers::Nats;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::copies::Copy;
use crate::installation::{Composition, Installation};
use crate::readiness::{self, Readiness};

/// The longest that anything awaited may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(20);
/// How much time passes each time that it is asked whether something has come.
const PASSING: SignedDuration = SignedDuration::from_millis(50);
/// Everybody's password.
const PASSWORD: &str = "correct horse";
/// The operator's phone.
const OPERATOR: &str = "01090000001";

/// Copies of databases.
#[derive(Clone, Debug)]
pub struct Copies(Vec<Copy>);

/// The platform under test.
pub struct World {
    /// The clock of everything in it, unless it was started with clocks apart.
    pub clock: ManualClock,
    installation: Installation,
    client: Client,
    phones: AtomicU32,
}

impl World {
    /// The platform with its usual settings, in the composition that is being tested.
    pub async fn start() -> Self {
        Self::start_with(|settings| settings).await
    }

    /// The platform with some settings changed.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn start_with(change: impl FnOnce(Settings) -> Settings) -> Self {
        Self::compose(Composition::tested(), change, None).await
    }

    /// The platform as a process per service, whatever composition is being tested.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn distributed() -> Self {
        Self::compose(Composition::Distributed, |settings| settings, None).await
    }

    /// The platform as a process per service, whose clocks are ahead by as much as is said of their names (`order-2`),
    /// or behind. The clock of the gateway, and [`World::clock`], are right unless they are named.
    ///
    /// Deadlines go by the wall clock of whoever looks at them, so those that could come between are made longer than
    /// the clocks differ: this is about what must hold whatever clocks show.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn start_with_clocks_apart(ahead: &dyn Fn(&str) -> SignedDuration) -> Self {
        let patient = |mut settings: Settings| {
            settings.store.answer_within = SignedDuration::from_hours(1);
            settings.store.change_lock = SignedDuration::from_mins(30);
            settings.order.payment_window = SignedDuration::from_hours(1);
            settings
        };
        Self::compose(Composition::Distributed, patient, Some(ahead)).await
    }

    async fn compose(
        composition: Composition,
        change: impl FnOnce(Settings) -> Settings,
        ahead: Option<&dyn Fn(&str) -> SignedDuration>,
    ) -> Self {
        let mut settings = Settings::default();
        // Many people from one address, and passwords that need not withstand anybody.
        settings.gateway = settings.gateway.without_limits_per_address();
        settings.identity = settings.identity.without_limits_per_address();
        // And one of them orders for many; what customers may do is tested with orders.
        settings.order = settings.order.without_limits_per_customer();
        settings.identity.hash_cost = baedal_identity::HashCost::lowest();
        let clock = ManualClock::at(SystemClock.now());
        let mut installation = Installation::new(composition, change(settings), clock.clone());
        if let Some(ahead) = ahead {
            installation.set_clocks(ahead);
        }
        appoint_operator(installation.settings_of("identity")).await;
        let client = Client::new("http://127.0.0.1:0");
        let mut world = Self { clock, installation, client, phones: AtomicU32::new(0) };
        world.start_again().await;
        world
    }

    /// Starts all of it, again after [`World::stop`], on the same data.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn start_again(&mut self) {
        self.installation.start_all().await;
        self.client = Client::new(format!("http://{}", self.address()));
    }

    /// Stops all of it.
    pub async fn stop(&mut self) {
        self.installation.stop_all().await;
    }

    /// Starts every process of a service, or the one that is named, as `store` or `store-1`.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn start_service(&mut self, service: &str) {
        self.installation.start(service).await;
    }

    /// Stops every process of a service, or the one that is named.
    pub async fn stop_service(&mut self, service: &str) {
        self.installation.stop(service).await;
    }

    /// The broker between the services.
    ///
    /// # Panics
    /// Where there is none.
    pub fn broker(&mut self) -> &mut Nats {
        self.installation.broker()
    }

    /// Whether every service runs in processes of its own.
    #[must_use]
    pub fn is_distributed(&self) -> bool {
        self.installation.is_distributed()
    }

    /// Starts all of it after [`World::stop`]; why it does not start, where it does not.
    ///
    /// # Errors
    /// What the program would say.
    pub async fn try_start(&mut self) -> Result<(), String> {
        self.installation.try_start().await
    }

    /// Copies the databases of these contexts, while nothing runs.
    #[must_use]
    pub fn copy(&self, contexts: &[&'static str]) -> Copies {
        let of = |context| Copy::of(self.installation.settings_of(context), context, self.installation.folder());
        Copies(contexts.iter().map(|context| of(context)).collect())
    }

    /// Puts copies back, while nothing runs.
    pub fn put_back(&self, copies: &Copies) {
        copies.0.iter().for_each(|copy| copy.put_back(self.installation.settings_of("order")));
    }

    /// Deletes what the broker keeps, where there is one.
    ///
    /// # Panics
    /// Where it does not start again.
    pub fn wipe_broker(&mut self) {
        if self.is_distributed() {
            let broker = self.installation.broker();
            broker.stop().expect("a stopped broker");
            broker.delete_data().expect("no data");
            broker.start_again().expect("a broker");
        }
    }

    /// `baedal consumer reset`, as an operator types it.
    ///
    /// # Errors
    /// What the program would say.
    pub async fn reset(&self, context: &str, source: &str, after: &str) -> Result<String, String> {
        let settings = self.installation.settings_of(context);
        let asked = ResetConsumer {
            context: context.to_owned(),
            source: source.to_owned(),
            consumer: None,
            after: consumers::resume(after)?,
            data: None,
            config: None,
        };
        let folder = (!settings.is_on_postgres()).then(|| DataFolder::take(&settings.data).expect("the data folder"));
        consumers::reset(settings, folder.as_ref(), &asked).await.map_err(|error| format!("{error:#}"))
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.installation.address()
    }

    /// What a process says of whether it is ready, by its name, as `gateway` or `store-1`; nothing, where it does not
    /// run.
    pub async fn readiness(&self, process: &str) -> Option<Readiness> {
        readiness::ask(self.installation.admin_address_of(process)?).await
    }

    /// Anybody, not signed in.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// A new account, signed in.
    ///
    /// # Panics
    /// Where there is none to be had.
    pub async fn somebody(&self, role: Role, name: &str) -> Session {
        let phone = format!("010{:08}", 10_000_000 + self.phones.fetch_add(1, Ordering::Relaxed));
        let account = NewAccount { role, name, phone: &phone, password: PASSWORD };
        self.client.open_account(&account).await.expect("an account");
        self.client.sign_in(&phone, PASSWORD).await.expect("a session")
    }

    /// The operator, signed in.
    ///
    /// # Panics
    /// Where the operator cannot sign in.
    pub async fn operator(&self) -> Session {
        self.client.sign_in(OPERATOR, PASSWORD).await.expect("the operator's session")
    }

    /// Moves the clock.
    pub fn advance(&self, by: SignedDuration) {
        self.clock.advance(by);
    }

    /// What the clock shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Asks until a condition holds.
    ///
    /// # Panics
    /// Where it never does.
    pub async fn until<T, Asked: Future<Output = Option<T>>>(&self, what: &str, mut ask: impl FnMut() -> Asked) -> T {
        let asked = tokio::time::timeout(PATIENCE, async {
            let mut pace = tokio::time::interval(Duration::from_millis(20));
            loop {
                pace.tick().await;
                if let Some(found) = ask().await {
                    return found;
                }
            }
        });
        asked.await.unwrap_or_else(|_| panic!("in vain: {what}"))
    }

    /// Asks until a condition holds, while time passes: about three seconds in one of ours, so that what was put
    /// off comes again.
    ///
    /// # Panics
    /// Where it never does.
    pub async fn eventually<T, Asked: Future<Output = Option<T>>>(
        &self,
        what: &str,
        mut ask: impl FnMut() -> Asked,
    ) -> T {
        let ask = || {
            self.advance(PASSING);
            ask()
        };
        self.until(what, ask).await
    }

    /// Follows an order's live stream until its view is as wished, and returns that view.
    ///
    /// # Panics
    /// Where it never is.
    pub async fn order_until(
        &self,
        watcher: &Session,
        order: OrderId,
        what: &str,
        wished: impl Fn(&Value) -> bool,
    ) -> Value {
        let mut last = Value::Null;
        let followed = tokio::time::timeout(PATIENCE, async {
            loop {
                let opened = watcher.live(&format!("/api/orders/{order}/live"), None).await;
                let Ok(mut live) = opened else {
                    // Placed a moment ago: the view has not heard of it yet.
                    assert!(matches!(opened, Err(Error::Problem(_))), "{opened:?}");
                    tokio::task::yield_now().await;
                    continue;
                };
                while let Ok(Some(frame)) = live.next().await {
                    if frame.event.is_empty() {
                        last = frame.read().expect("a view");
                        if wished(&last) {
                            return;
                        }
                    }
                }
            }
        });
        let came = followed.await;
        assert!(came.is_ok(), "in vain: {what}; the order is {last:#}");
        last
    }

    /// Follows an order until it has this status.
    ///
    /// # Panics
    /// Where it never has.
    pub async fn order_is(&self, watcher: &Session, order: OrderId, status: &str) -> Value {
        self.order_until(watcher, order, status, |view| view["status"] == status).await
    }
}

async fn appoint_operator(settings: &Settings) {
    let folder = (!settings.is_on_postgres()).then(|| DataFolder::take(&settings.data).expect("the data folder"));
    let service = platform::identity_alone(settings, folder.as_ref()).await.expect("identity");
    baedal_identity::create_operator(&service, &settings.identity, OPERATOR, "운영자", PASSWORD)
        .await
        .expect("an operator");
}
