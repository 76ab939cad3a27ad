//! What the platform under test is made of: one process, or two of each service with a gateway in front.
//!
//! The processes of a distributed installation live in the test's own: each has its own settings, sockets and
//! connections, and shares nothing with the others but the time that passes: its clock may be ahead or behind.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use baedal::platform::{Platform, Providers};
use baedal::roles::{CONTEXTS, GATEWAY};
use baedal::settings::Settings;
use baedal_kit::ids::{ClockIds, SystemIds};
use baedal_kit::secret::Secret;
use baedal_kit::time::ManualClock;
use baedal_kit_http::peers::Fingerprint;
use baedal_kit_postgres::Address;
use baedal_servers::{Nats, testing};
use futures::future::join_all;
use jiff::SignedDuration;
use tempfile::TempDir;

/// The variable that says which composition is tested.
const COMPOSITION: &str = "BAEDAL_COMPOSITION";
/// How many processes of each service there are.
const REPLICAS: usize = 2;

/// How the platform is put together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Composition {
    /// Everything in one process.
    Embedded,
    /// A process per service.
    Distributed,
}

impl Composition {
    /// The one that is tested.
    pub(crate) fn tested() -> Self {
        match std::env::var(COMPOSITION).as_deref() {
            Err(_) | Ok("" | "embedded") => Self::Embedded,
            Ok("distributed") => Self::Distributed,
            Ok(other) => panic!("{COMPOSITION} is {other:?}; it can be `embedded` or `distributed`"),
        }
    }
}

/// An installation: its processes, running or not.
pub(crate) struct Installation {
    settings: BTreeMap<String, Settings>,
    running: BTreeMap<String, Platform>,
    clock: ManualClock,
    /// By how much the clock of a process is ahead, by its name; the others' are right.
    ahead: BTreeMap<String, SignedDuration>,
    nats: Option<Nats>,
    folder: TempDir,
}

impl Installation {
    pub(crate) fn new(composition: Composition, settings: Settings, clock: ManualClock) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let settings =
            Settings { listen: local(0), admin_listen: Some(local(0)), data: folder.path().join("data"), ..settings };
        let (settings, nats) = match composition {
            Composition::Embedded => ([(GATEWAY.to_owned(), settings)].into(), None),
            Composition::Distributed => {
                let nats = Nats::start(testing::programs(), folder.path()).expect("a broker");
                (distributed(settings, &nats), Some(nats))
            }
        };
        Self { settings, running: BTreeMap::new(), clock, ahead: BTreeMap::new(), nats, folder }
    }

    /// Sets the clocks of processes ahead by as much as is said of their names, before they start.
    pub(crate) fn set_clocks(&mut self, ahead: impl Fn(&str) -> SignedDuration) {
        self.ahead = self.settings.keys().map(|name| (name.clone(), ahead(name))).collect();
    }

    /// What a process goes by: a clock that is wrong makes ids that are born at the wrong time.
    fn providers(&self, name: &str) -> Providers {
        match self.ahead.get(name) {
            None => Providers { clock: Arc::new(self.clock.clone()), ids: Arc::new(SystemIds) },
            Some(ahead) => {
                let clock = Arc::new(self.clock.ahead_by(*ahead));
                Providers { clock: Arc::clone(&clock) as _, ids: Arc::new(ClockIds::by(clock)) }
            }
        }
    }

    /// The settings of a process that runs a context.
    pub(crate) fn settings_of(&self, context: &str) -> &Settings {
        let named = self.settings.iter().find(|(name, _)| is_of(name, context));
        named.or_else(|| self.settings.iter().next()).expect("a process").1
    }

    /// Somewhere to keep things.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Whether there is a process per service.
    pub(crate) fn is_distributed(&self) -> bool {
        self.nats.is_some()
    }

    /// Starts what does not run; why that did not succeed, if it did not.
    pub(crate) async fn try_start(&mut self) -> Result<(), String> {
        for (name, settings) in self.settings.clone() {
            if self.running.contains_key(&name) {
                continue;
            }
            let started = Platform::start(settings, self.providers(&name)).await;
            let platform = started.map_err(|error| format!("{error:#}"))?;
            self.running.insert(name, platform);
        }
        Ok(())
    }

    pub(crate) fn broker(&mut self) -> &mut Nats {
        self.nats.as_mut().expect("a broker")
    }

    /// Where the gateway listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.running.get(GATEWAY).map_or_else(|| self.settings[GATEWAY].listen, Platform::address)
    }

    /// Where a process answers operators, by its name.
    pub(crate) fn admin_address_of(&self, name: &str) -> Option<SocketAddr> {
        self.running.get(name).map(Platform::admin_address)
    }

    pub(crate) async fn start_all(&mut self) {
        self.start("").await;
        // Where it listens stays the same from now on, so that sessions outlive a restart.
        let address = self.address();
        self.settings.get_mut(GATEWAY).expect("a gateway").listen = address;
    }

    pub(crate) async fn stop_all(&mut self) {
        self.stop("").await;
    }

    /// Starts what is of a service and does not run.
    pub(crate) async fn start(&mut self, service: &str) {
        let names = self.settings.keys().filter(|name| is_of(name, service) && !self.running.contains_key(*name));
        let starting = names.map(|name| {
            let (name, settings, providers) = (name.clone(), self.settings[name].clone(), self.providers(name));
            async move {
                let mut platform = Platform::start(settings, providers).await.expect("the platform starts");
                platform.ready().await.expect("the platform opens");
                (name, platform)
            }
        });
        let started = join_all(starting).await;
        self.running.extend(started);
    }

    /// Stops what is of a service.
    pub(crate) async fn stop(&mut self, service: &str) {
        let (stopping, running) =
            std::mem::take(&mut self.running).into_iter().partition(|(name, _)| is_of(name, service));
        self.running = running;
        let stopping: BTreeMap<String, Platform> = stopping;
        join_all(stopping.into_values().map(Platform::stop)).await;
    }
}

/// Whether a process is one of a service, or that one; all are of the service without a name.
fn is_of(name: &str, service: &str) -> bool {
    service.is_empty() || name == service || name.rsplit_once('-').is_some_and(|(of, _)| of == service)
}

/// What a process shows the others.
fn secret(role: &str) -> Secret {
    format!("{role}-between-you-and-me-and-nobody-else").into()
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// The settings of every process, by its name: `order-1`, `order-2`, …, `gateway`.
fn distributed(mut settings: Settings, nats: &Nats) -> BTreeMap<String, Settings> {
    let programs = testing::programs();
    let shared = testing::shared_postgres_url();
    let prefix = testing::database_name("journey");
    for context in CONTEXTS {
        programs.psql(shared, &format!("CREATE DATABASE {prefix}_{context}")).expect("a database");
    }
    let server = shared.rsplit_once('/').expect("an address of a database").0;
    settings.postgres.url = Some(Address::from(format!("{server}/{prefix}_{{context}}")));
    settings.postgres.connections = 4;
    settings.nats.urls = vec![nats.url()];
    settings.nats.doubt_after = SignedDuration::from_millis(500);
    for name in CONTEXTS.into_iter().chain([GATEWAY]) {
        let fingerprint = Fingerprint::of(secret(name).expose()).to_string();
        settings.peers.known.insert(name.to_owned(), vec![fingerprint]);
    }
    settings.drain_for = Some(SignedDuration::from_millis(200));
    std::fs::create_dir_all(&settings.data).expect("a folder for the signing key");
    let ports: BTreeMap<&str, Vec<u16>> =
        CONTEXTS.into_iter().map(|context| (context, (0..REPLICAS).map(|_| testing::free_port()).collect())).collect();
    for (context, ports) in &ports {
        let addresses = ports.iter().map(|port| format!("http://{}", local(*port))).collect();
        settings.peers.addresses.insert((*context).to_owned(), addresses);
    }
    let contexts = ports.iter().flat_map(|(context, ports)| {
        let settings = &settings;
        ports.iter().enumerate().map(move |(number, port)| {
            let roles = vec![(*context).to_owned()];
            let mut own = Settings { roles, listen: local(*port), ..settings.clone() };
            own.peers.secret = secret(context);
            (format!("{context}-{}", number + 1), own)
        })
    });
    let mut gateway =
        Settings { roles: vec![GATEWAY.to_owned()], listen: local(testing::free_port()), ..settings.clone() };
    gateway.peers.secret = secret(GATEWAY);
    // As it is deployed.
    gateway.gateway.needed = vec!["identity".to_owned()];
    contexts.chain([(GATEWAY.to_owned(), gateway)]).collect()
}
