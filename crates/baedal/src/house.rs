//! The contexts of this process: their databases opened, the bus between them, and each of them started.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use baedal_contracts::source::{DELIVERY, IDENTITY, NOTIFICATION, ORDER, PAYMENT, STORE, TRACKING};
use baedal_kit::bus::Publish;
use baedal_kit::database::{Commit, Write};
use baedal_kit::epochs::Extent;
use baedal_kit::{Bus, Database, Failure};
use baedal_kit_http::Module;
use baedal_kit_http::health::Check;
use baedal_kit_http::journal::{self, PeerJournals};
use baedal_kit_http::upstream::Upstream;
use baedal_kit_nats::{Nats, NatsBus};
use baedal_kit_postgres::PostgresDatabase;
use baedal_kit_runtime::JournalBus;
use baedal_kit_runtime::Service;
use baedal_kit_runtime::consumer::kept;
use baedal_kit_runtime::lifecycle::Lifecycle;
use baedal_kit_sqlite::SqliteDatabase;
use baedal_notification::Outages;
use futures::FutureExt;

use crate::folder::DataFolder;
use crate::peers::{self, Archives};
use crate::platform::Providers;
use crate::roles::Roles;
use crate::settings::Settings;

/// The contexts that tell something, and what each publishes of its journal.
pub(crate) const TELLERS: [(&str, Publish); 6] = [
    (IDENTITY, baedal_identity::publish),
    (ORDER, baedal_order::publish),
    (PAYMENT, baedal_payment::publish),
    (STORE, baedal_store::publish),
    (DELIVERY, baedal_delivery::publish),
    (NOTIFICATION, baedal_notification::publish),
];
/// The view that holds what must never change about a database.
const INSTALLATION: &str = "installation";
/// How many shards events are cut into, there.
const SHARDS: &str = "shards";

/// What the contexts of this process stand on.
pub(crate) struct House {
    settings: Settings,
    roles: Roles,
    databases: HashMap<&'static str, Arc<dyn Database>>,
    journals: Arc<JournalBus>,
    broker: Option<Nats>,
    elsewhere: HashMap<&'static str, Upstream>,
    providers: Providers,
    lifecycle: Lifecycle,
}

/// Why a house does not stand: for good, or until something comes back.
pub(crate) enum NotYet {
    /// Something is out of reach.
    Waiting(anyhow::Error),
    /// It never will.
    Never(anyhow::Error),
}

fn never(error: impl Into<anyhow::Error>) -> NotYet {
    NotYet::Never(error.into())
}

impl House {
    /// Opens every database of this process.
    pub(crate) async fn open(
        settings: &Settings,
        roles: &Roles,
        folder: Option<&DataFolder>,
        providers: &Providers,
        lifecycle: &Lifecycle,
    ) -> Result<Self, NotYet> {
        let shards = settings.shards();
        let mut databases = HashMap::new();
        let mut journals = JournalBus::sharded(shards);
        for context in roles.contexts() {
            let database = open_database(settings, folder, context).await?;
            if let Some((_, publish)) = TELLERS.iter().find(|(teller, _)| teller == context) {
                journals = journals.with(context, Arc::clone(&database), *publish);
            }
            databases.insert(*context, database);
        }
        if !settings.is_shared() {
            must_be_of_one_moment(&databases).await?;
        }
        // A gateway hears nothing and has nothing to say: it needs no credentials.
        let broker = match settings.is_shared() && !roles.contexts().is_empty() {
            true => Some(baedal_kit_nats::connect(settings.nats.clone()).await.map_err(never)?),
            false => None,
        };
        Ok(Self {
            settings: settings.clone(),
            roles: roles.clone(),
            databases,
            journals: Arc::new(journals),
            broker,
            elsewhere: peers::elsewhere(settings, roles, lifecycle).map_err(NotYet::Never)?,
            providers: providers.clone(),
            lifecycle: lifecycle.clone(),
        })
    }

    /// Whether the broker is there, where this process speaks to one. It is not needed: what is heard from it waits.
    pub(crate) fn broker_check(&self) -> Option<Check> {
        let broker = self.broker.clone()?;
        let look = move || {
            let found = if broker.is_connected() { Ok(()) } else { Err("it is away".to_owned()) };
            std::future::ready(found).boxed()
        };
        Some(Check { name: "nats".to_owned(), needed: false, look: Arc::new(look) })
    }

    /// How the contexts are that run elsewhere.
    pub(crate) fn peer_checks(&self) -> Vec<Check> {
        peers::checks(&self.elsewhere).collect()
    }

    fn service(&self, context: &'static str) -> Result<Service> {
        let database = self.databases.get(context).with_context(|| format!("{context} has no database"))?;
        Ok(Service::new(
            context,
            Arc::clone(database),
            self.bus(),
            Arc::clone(&self.providers.clock),
            Arc::clone(&self.providers.ids),
            self.lifecycle.clone(),
        ))
    }

    /// Where a context hears the others.
    fn bus(&self) -> Arc<dyn Bus> {
        let Some(broker) = &self.broker else { return Arc::clone(&self.journals) as Arc<dyn Bus> };
        let archive = Archives {
            here: Arc::clone(&self.journals),
            roles: self.roles.clone(),
            elsewhere: PeerJournals { shards: self.settings.shards(), sources: self.elsewhere.clone() },
        };
        let sources: Vec<_> = TELLERS.iter().map(|(teller, _)| *teller).collect();
        Arc::new(NatsBus::new(broker, &sources, self.settings.shards(), Arc::new(archive), &self.lifecycle))
    }

    /// Starts every context of this process.
    pub(crate) async fn furnish(self) -> Result<Rooms> {
        let mut rooms = Rooms { upstreams: self.elsewhere.clone(), here: Vec::new() };
        let settings = self.settings.clone();
        if self.roles.run(NOTIFICATION) {
            let (service, notification) = (self.service(NOTIFICATION)?, settings.notification.clone());
            let messages = baedal_notification::KeptProvider::new(notification.provider.clone(), Outages::default());
            let module = baedal_notification::module(service, notification, Arc::new(messages));
            self.start(&mut rooms, module).await?;
        }
        if self.roles.run(IDENTITY) {
            let keys = signing_keys(&settings)?.beside(&settings.identity.further_key_files)?;
            let notification = rooms.upstreams.get(NOTIFICATION).cloned().context("notification is nowhere")?;
            let module = baedal_identity::module(self.service(IDENTITY)?, settings.identity, keys, notification);
            self.start(&mut rooms, module).await?;
        }
        if self.roles.run(PAYMENT) {
            let payment = self.service(PAYMENT)?;
            let provider = Arc::new(baedal_payment::SimulatedProvider::new(payment.clone()));
            self.start(&mut rooms, baedal_payment::module(payment, settings.payment, provider)).await?;
        }
        if self.roles.run(ORDER) {
            let payment = rooms.upstreams.get(PAYMENT).cloned().context("payment is nowhere")?;
            self.start(&mut rooms, baedal_order::module(self.service(ORDER)?, settings.order, payment)).await?;
        }
        if self.roles.run(STORE) {
            self.start(&mut rooms, baedal_store::module(self.service(STORE)?, settings.store)).await?;
        }
        if self.roles.run(DELIVERY) {
            self.start(&mut rooms, baedal_delivery::module(self.service(DELIVERY)?, settings.delivery)).await?;
        }
        if self.roles.run(TRACKING) {
            self.start(&mut rooms, baedal_tracking::module(self.service(TRACKING)?, settings.tracking)).await?;
        }
        Ok(rooms)
    }

    async fn start(&self, rooms: &mut Rooms, module: Module) -> Result<()> {
        let service = module.service.clone();
        let context = service.name();
        let mut router = module.start().await.with_context(|| format!("{context} cannot start"))?;
        if TELLERS.iter().any(|(teller, _)| *teller == context) {
            router = router.merge(journal::routes(context, Arc::clone(&self.journals)));
            if let Some(broker) = &self.broker {
                let journals = Arc::clone(&self.journals);
                let relay = baedal_kit_nats::relay(service.clone(), journals, broker.clone(), service.is_leader());
                self.lifecycle.spawn(relay);
            }
        }
        rooms.upstreams.insert(context, Upstream::local(router.clone()));
        rooms.here.push((service, router));
        Ok(())
    }
}

/// The contexts, started here or elsewhere.
pub(crate) struct Rooms {
    /// How each is reached.
    pub(crate) upstreams: HashMap<&'static str, Upstream>,
    /// Those of this process.
    pub(crate) here: Vec<(Service, axum::Router)>,
}

/// Opens a context's database, where the settings say that it is.
pub(crate) async fn open_database(
    settings: &Settings,
    folder: Option<&DataFolder>,
    context: &'static str,
) -> Result<Arc<dyn Database>, NotYet> {
    let database: Arc<dyn Database> = if settings.is_on_postgres() {
        match PostgresDatabase::open(context, &settings.postgres).await {
            Ok(database) => Arc::new(database),
            Err(error) if error.is_transient() => return Err(NotYet::Waiting(error.into())),
            Err(error) => return Err(never(error)),
        }
    } else {
        let folder = folder.ok_or_else(|| never(anyhow::anyhow!("{context} has no data folder")))?;
        Arc::new(SqliteDatabase::open(&folder.database(context), context).map_err(never)?)
    };
    keep_shards(&*database, context, settings.shards()).await?;
    Ok(database)
}

/// Sees to it that a database is used with as many shards as before: cursors are kept by shard.
async fn keep_shards(database: &dyn Database, context: &str, shards: u16) -> Result<(), NotYet> {
    let away = |failure: Failure| NotYet::Waiting(anyhow::anyhow!(failure.report()));
    let write = Write {
        view: INSTALLATION.to_owned(),
        id: SHARDS.to_owned(),
        expected_version: Some(0),
        body: Some(shards.to_string().into_bytes()),
        tags: Vec::new(),
        left_tags: Vec::new(),
    };
    let found = database.get(INSTALLATION, SHARDS).await.map_err(away)?;
    let known = match found {
        Some(document) => String::from_utf8_lossy(&document.body).into_owned(),
        // From before it was written down: there was one.
        None if *database.head().borrow() > 0 => "1".to_owned(),
        None => {
            // Another replica may write the same at the same time.
            database.commit(Commit { writes: vec![write], ..Commit::default() }).await.map_err(away)?;
            return Ok(());
        }
    };
    if known == shards.to_string() {
        return Ok(());
    }
    Err(never(anyhow::anyhow!(
        "the database of {context} was used with {known} shards, and `shards` is {shards} now; it must stay as it was"
    )))
}

/// Sees to it, before anything is served, that the databases of one process belong together: none of them is an older
/// copy of itself than another has heard.
async fn must_be_of_one_moment(databases: &HashMap<&'static str, Arc<dyn Database>>) -> Result<(), NotYet> {
    let away = |failure: Failure| match failure.is_transient() {
        true => NotYet::Waiting(anyhow::anyhow!(failure.report())),
        false => never(anyhow::anyhow!(failure.report())),
    };
    let mut found = Vec::new();
    for (source, journal) in databases {
        let head = journal.look_at_head().await.map_err(away)?;
        let extent = Extent { head, epochs: Arc::clone(&journal.epochs().borrow()) };
        for (context, database) in databases {
            let diverged = kept::diverged(context, &**database, source, &extent).await.map_err(away)?;
            found.extend(diverged.iter().map(|divergence| divergence.report(context)));
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    found.sort();
    Err(never(anyhow::anyhow!(
        "the databases are not of the same moment. Restore all of them from one copy, or say how to go on: {}",
        found.join(" ")
    )))
}

/// What identity signs with: the file that is given, or one of its own, made where there is none.
fn signing_keys(settings: &Settings) -> Result<baedal_identity::Keys> {
    if let Some(file) = &settings.identity.key_file {
        return Ok(baedal_identity::Keys::given(file)?);
    }
    let folder: &Path = &settings.data;
    if settings.is_on_postgres() && !folder.is_dir() {
        bail!(
            "`identity.key_file` is not set, and there is no folder {}: every replica must sign with the same key; \
             `baedal key` makes one",
            folder.display()
        );
    }
    Ok(baedal_identity::Keys::open(folder)?)
}
