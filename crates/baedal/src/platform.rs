//! All contexts in one process: opened, wired, started and stopped in order.
//!
//! This is the whole embedded composition. Each context gets a database of its own and hears the others
//! through the journals; the gateway and the one synchronous client, order → payment, reach a context
//! through its router.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use baedal_contracts::source::{DELIVERY, IDENTITY, NOTIFICATION, ORDER, PAYMENT, STORE, TRACKING};
use baedal_kit::bus::{JournalBus, Publish};
use baedal_kit::ids::{Ids, SystemIds};
use baedal_kit::lifecycle::Lifecycle;
use baedal_kit::time::{Clock, SystemClock};
use baedal_kit::upstream::Upstream;
use baedal_kit::{Bus, Database, Module, Service};
use baedal_kit_sqlite::SqliteDatabase;
use baedal_notification::Outages;
use tokio::task::JoinHandle;

use crate::folder::DataFolder;
use crate::settings::Settings;
use crate::{server, telemetry};

/// The contexts that tell something, and what each publishes of its journal.
const TELLERS: [(&str, Publish); 6] = [
    (IDENTITY, baedal_identity::publish),
    (ORDER, baedal_order::publish),
    (PAYMENT, baedal_payment::publish),
    (STORE, baedal_store::publish),
    (DELIVERY, baedal_delivery::publish),
    (NOTIFICATION, baedal_notification::publish),
];

/// What the outside world is to the platform.
#[derive(Clone)]
pub struct Providers {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn Ids>,
}

impl Providers {
    /// The machine's clock and randomness.
    #[must_use]
    pub fn built_in() -> Self {
        Self { clock: Arc::new(SystemClock), ids: Arc::new(SystemIds) }
    }
}

/// The platform, running.
pub struct Platform {
    address: SocketAddr,
    lifecycle: Lifecycle,
    server: JoinHandle<()>,
    stop_limit: Duration,
    // Last, so that the folder is given up when nothing uses it any more.
    _folder: DataFolder,
}

impl Platform {
    /// Opens everything and starts to serve.
    ///
    /// # Errors
    /// Where the data folder, a database, the signing key or the address cannot be used.
    pub async fn start(settings: Settings, providers: Providers) -> Result<Self> {
        let folder = DataFolder::take(&settings.data)?;
        let listener = server::bind(settings.listen).await?;
        let address = listener.local_addr().context("the address listened on is unknown")?;
        let lifecycle = Lifecycle::default();
        let house = House::open(&folder, &providers, &lifecycle)?;
        let stop_limit = Duration::from_secs(settings.stop_limit_seconds);
        let router = house.furnish(settings, &folder).await?;
        let server = tokio::spawn(server::run(listener, router, lifecycle.clone(), stop_limit));
        Ok(Self { address, lifecycle, server, stop_limit, _folder: folder })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops: no new work, live streams end, requests in flight finish, background work ends.
    pub async fn stop(self) {
        tracing::info!("stopping");
        self.lifecycle.drain();
        if let Err(error) = self.server.await {
            tracing::error!(%error, "the server did not end well");
        }
        self.lifecycle.stop(self.stop_limit).await;
    }
}

/// Every context's database, and the bus over their journals.
struct House {
    databases: HashMap<&'static str, Arc<dyn Database>>,
    bus: Arc<dyn Bus>,
    providers: Providers,
    lifecycle: Lifecycle,
}

impl House {
    fn open(folder: &DataFolder, providers: &Providers, lifecycle: &Lifecycle) -> Result<Self> {
        let open = |context| SqliteDatabase::open(&folder.database(context), context);
        let mut databases: HashMap<&'static str, Arc<dyn Database>> = HashMap::new();
        let mut bus = JournalBus::default();
        for (context, publish) in TELLERS {
            let database: Arc<dyn Database> = Arc::new(open(context)?);
            bus = bus.with(context, Arc::clone(&database), publish);
            databases.insert(context, database);
        }
        databases.insert(TRACKING, Arc::new(open(TRACKING)?));
        Ok(Self { databases, bus: Arc::new(bus), providers: providers.clone(), lifecycle: lifecycle.clone() })
    }

    fn service(&self, context: &'static str) -> Result<Service> {
        let database = self.databases.get(context).with_context(|| format!("{context} has no database"))?;
        Ok(Service::new(
            context,
            Arc::clone(database),
            Arc::clone(&self.bus),
            Arc::clone(&self.providers.clock),
            Arc::clone(&self.providers.ids),
            self.lifecycle.clone(),
        ))
    }

    /// Starts every context and puts the gateway in front of them.
    async fn furnish(&self, settings: Settings, folder: &DataFolder) -> Result<axum::Router> {
        let gateway = settings.gateway.clone();
        let rooms = self.rooms(settings, folder).await?;
        let metrics = telemetry::metrics()?;
        Ok(baedal_gateway::router(baedal_gateway::Gateway {
            upstreams: rooms.upstreams,
            documents: rooms.documents,
            problems: rooms.problems,
            settings: gateway,
            clock: Arc::clone(&self.providers.clock),
            lifecycle: self.lifecycle.clone(),
            metrics: Arc::new(move || metrics.render()),
        }))
    }

    /// Starts every context.
    async fn rooms(&self, settings: Settings, folder: &DataFolder) -> Result<Rooms> {
        let mut rooms = Rooms::default();
        let keys = baedal_identity::Keys::open(folder.path())?;
        rooms.add(baedal_identity::module(self.service(IDENTITY)?, settings.identity, keys)).await?;

        let payment = self.service(PAYMENT)?;
        let provider = Arc::new(baedal_payment::SimulatedProvider::new(payment.clone()));
        let payment = rooms.add(baedal_payment::module(payment, settings.payment, provider)).await?;
        rooms.add(baedal_order::module(self.service(ORDER)?, settings.order, payment)).await?;

        rooms.add(baedal_store::module(self.service(STORE)?, settings.store)).await?;
        rooms.add(baedal_delivery::module(self.service(DELIVERY)?, settings.delivery)).await?;
        let notification = settings.notification;
        let messages = baedal_notification::KeptProvider::new(notification.provider.clone(), Outages::default());
        rooms.add(baedal_notification::module(self.service(NOTIFICATION)?, notification, Arc::new(messages))).await?;
        rooms.add(baedal_tracking::module(self.service(TRACKING)?, settings.tracking)).await?;
        Ok(rooms)
    }
}

/// What the gateway needs to know of the contexts that have been started.
#[derive(Default)]
struct Rooms {
    upstreams: HashMap<&'static str, Upstream>,
    documents: Vec<utoipa::openapi::OpenApi>,
    problems: Vec<&'static baedal_kit::http::ProblemType>,
}

impl Rooms {
    async fn add(&mut self, module: Module) -> Result<Upstream> {
        let context = module.service.name();
        self.problems.extend(&module.problems);
        let (router, document) =
            module.start().await.with_context(|| format!("{context} cannot start"))?.split_for_parts();
        self.documents.push(document);
        let upstream = Upstream::local(router);
        self.upstreams.insert(context, upstream.clone());
        Ok(upstream)
    }
}

/// Identity without anything around it, for making the first operator.
///
/// # Errors
/// Where its database cannot be used.
pub fn identity_alone(folder: &DataFolder) -> Result<Service> {
    let database = SqliteDatabase::open(&folder.database(IDENTITY), IDENTITY)?;
    let Providers { clock, ids } = Providers::built_in();
    let bus = Arc::new(JournalBus::default());
    Ok(Service::new(IDENTITY, Arc::new(database), bus, clock, ids, Lifecycle::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_contexts_describe_every_route_of_the_table_and_no_other() {
        let data = tempfile::tempdir().expect("a temporary folder");
        let folder = DataFolder::take(data.path()).expect("the data folder");
        let lifecycle = Lifecycle::default();
        let house = House::open(&folder, &Providers::built_in(), &lifecycle).expect("every database");
        let rooms = house.rooms(Settings::default(), &folder).await.expect("every context");
        let described = baedal_gateway::openapi::describe(rooms.documents);
        assert_eq!(described.unlike_the_table, Vec::<String>::new());
        lifecycle.drain();
        lifecycle.stop(Duration::from_secs(5)).await;
    }
}
