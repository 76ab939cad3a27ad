//! The process: opened, wired, started and stopped in order.
//!
//! What it runs is its [`Roles`]: everything, each context with a database of its own, hearing the others
//! through their journals; or some contexts, which hear the others through the broker and answer them over
//! HTTP; or the gateway in front of contexts that run elsewhere. It is the same code either way: a database,
//! a bus and an upstream are chosen, and nothing else is different.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use baedal_contracts::source::IDENTITY;
use baedal_kit::ids::{Ids, SystemIds};
use baedal_kit::time::{Clock, SystemClock};
use baedal_kit_http::admin;
use baedal_kit_http::caps::Cap;
use baedal_kit_http::health::Metrics;
use baedal_kit_http::internal_api::InternalApi;
use baedal_kit_http::module::Described;
use baedal_kit_runtime::JournalBus;
use baedal_kit_runtime::Service;
use baedal_kit_runtime::lifecycle::Lifecycle;
use jiff::SignedDuration;
use tokio::task::{JoinHandle, JoinSet};

use crate::doorway::Doorway;
use crate::folder::DataFolder;
use crate::house::{self, House, NotYet, Rooms};
use crate::roles::Roles;
use crate::server::Doors;
use crate::settings::Settings;
use crate::{server, telemetry};

/// How long to wait before looking again whether what is needed has come.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How long a process with peers goes on serving when it is to stop.
const DRAIN_FOR: Duration = Duration::from_secs(3);

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

/// The platform, or what this process runs of it.
pub struct Platform {
    address: SocketAddr,
    admin_address: SocketAddr,
    is_secure: bool,
    lifecycle: Lifecycle,
    servers: JoinSet<()>,
    opening: JoinHandle<Result<()>>,
    stop_limit: Duration,
    // Last, so that the folder is given up when nothing uses it any more.
    _folder: Option<DataFolder>,
}

impl Platform {
    /// Opens everything and starts to serve. What needs a database that is out of reach goes on waiting for
    /// it; see [`Platform::ready`].
    ///
    /// # Errors
    /// Where the settings do not fit together, or the data folder, a database, the signing key or an address
    /// cannot be used.
    pub async fn start(settings: Settings, providers: Providers) -> Result<Self> {
        let roles = settings.roles()?;
        let needs_folder = !settings.is_on_postgres() && !roles.contexts().is_empty();
        let folder = needs_folder.then(|| DataFolder::take(&settings.data)).transpose()?;
        let lifecycle = Lifecycle::default();
        let usual = if settings.has_peers(&roles) { DRAIN_FOR } else { Duration::ZERO };
        let drain_for = settings.drain_for.map_or(usual, SignedDuration::unsigned_abs);
        let stop_limit = Duration::from_secs(settings.stop_limit_seconds);
        let keep_alive = settings.keep_alive.unsigned_abs();
        let patience = server::Patience { keep_alive, drain_for, limit: stop_limit };
        let (entry, inside, admin) = (Doorway::default(), Doorway::default(), Doorway::for_operators());
        let mut servers = JoinSet::new();
        let shown = |files: &Option<server::TlsFiles>, setting: &str| {
            let shown = files.clone().map(|files| server::Tls::start(files, &lifecycle)).transpose();
            shown.with_context(|| format!("`{setting}` cannot be used"))
        };
        let (tls, internal_tls) = (shown(&settings.tls, "tls")?, shown(&settings.internal_tls, "internal_tls")?);
        let is_secure = tls.is_some();
        let (outside, peers) = (Doors::outside(&settings.gateway), Doors::inside(&settings.gateway));
        let mut listen = async |address, door: &Doorway, doors: &Doors, tls: Option<server::Tls>| {
            let listener = server::bind(address).await?;
            let bound = listener.local_addr().context("the address listened on is unknown")?;
            servers.spawn(server::run(listener, door.router(), lifecycle.clone(), patience, doors.clone(), tls));
            Ok::<_, anyhow::Error>(bound)
        };
        let (door, doors) = if roles.gateway { (&entry, &outside) } else { (&inside, &peers) };
        let address = listen(settings.listen, door, doors, tls).await?;
        if settings.listens_inside(&roles) {
            listen(settings.internal_listen, &inside, &peers, internal_tls).await?;
        }
        let admin_address = listen(settings.admin_listen(), &admin, &peers, None).await.context("`admin_listen`")?;
        tracing::info!(%admin_address, "health and metrics are shown here");
        let caps = outside.caps();
        let opening = Opening { settings, roles, providers, lifecycle: lifecycle.clone(), entry, inside, admin, caps };
        let house = opening.try_house(folder.as_ref()).await;
        let opening = match house {
            Ok(house) => {
                opening.furnish(house).await?;
                tokio::spawn(async { Ok(()) })
            }
            Err(NotYet::Never(error)) => return Err(error),
            Err(NotYet::Waiting(error)) => {
                tracing::warn!(error = format!("{error:#}"), "waiting for what is needed");
                tokio::spawn(opening.wait())
            }
        };
        Ok(Self { address, admin_address, is_secure, lifecycle, servers, opening, stop_limit, _folder: folder })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it shows its operators how it is, and its metrics.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// How it is reached there.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.is_secure { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Returns when everything is open.
    ///
    /// # Errors
    /// Where something turns out never to open.
    pub async fn ready(&mut self) -> Result<()> {
        (&mut self.opening).await.context("opening was interrupted")?
    }

    /// Stops: no new work, live streams end, requests in flight finish, background work ends.
    pub async fn stop(mut self) {
        tracing::info!("stopping");
        self.opening.abort();
        self.lifecycle.drain();
        while let Some(ended) = self.servers.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a server did not end well");
            }
        }
        self.lifecycle.stop(self.stop_limit).await;
    }
}

/// What is needed to open a process, while it is being opened.
struct Opening {
    settings: Settings,
    roles: Roles,
    providers: Providers,
    lifecycle: Lifecycle,
    entry: Doorway,
    inside: Doorway,
    admin: Doorway,
    caps: Vec<Cap>,
}

impl Opening {
    async fn try_house(&self, folder: Option<&DataFolder>) -> Result<House, NotYet> {
        let Self { settings, roles, providers, lifecycle, .. } = self;
        let wait_for = |what: &str| [&self.entry, &self.inside, &self.admin].map(|door| door.wait_for(what.to_owned()));
        wait_for("it is being opened, and brought up to date where a version before has written it");
        let opened = House::open(settings, roles, folder, providers, lifecycle).await;
        if let Err(NotYet::Waiting(error)) = &opened {
            wait_for(&format!("{error:#}"));
        }
        opened
    }

    /// Tries until it opens. Only what is not kept in a folder of ours is ever waited for.
    async fn wait(self) -> Result<()> {
        loop {
            tokio::time::sleep(LOOK_AGAIN).await;
            match self.try_house(None).await {
                Ok(house) => return self.furnish(house).await,
                Err(NotYet::Never(error)) => return Err(error),
                Err(NotYet::Waiting(error)) => tracing::debug!(error = format!("{error:#}"), "still waiting"),
            }
        }
    }

    /// Starts the contexts of this process, and opens the doors.
    async fn furnish(self, house: House) -> Result<()> {
        let Self { settings, roles, providers, lifecycle, entry, inside, admin, caps } = self;
        let metrics = telemetry::metrics()?;
        let metrics: Metrics = Arc::new(move || metrics.render());
        let (broker, mut checks) = (house.broker_check(), house.peer_checks());
        checks.extend(broker.clone());
        let Rooms { upstreams, here } = house.furnish().await?;
        let peers = settings.peers.let_in()?;
        let front = InternalApi { contexts: here, checks, peers, lifecycle: lifecycle.clone() };
        let (router, mut readiness) = front.open();
        inside.open(router);
        if roles.gateway {
            // It knows the contexts itself, those elsewhere too.
            let (router, of_gateway) = baedal_gateway::open(baedal_gateway::Gateway {
                upstreams,
                contexts: described(),
                settings: settings.gateway,
                clock: Arc::clone(&providers.clock),
                lifecycle,
                caps,
                checks: broker.into_iter().collect(),
            });
            entry.open(router);
            readiness = of_gateway;
        }
        admin.open(admin::router(readiness, metrics));
        Ok(())
    }
}

/// What every context says of itself, whether it runs here or elsewhere.
pub(crate) fn described() -> Vec<Described> {
    vec![
        baedal_identity::described(),
        baedal_payment::described(),
        baedal_order::described(),
        baedal_store::described(),
        baedal_delivery::described(),
        baedal_notification::described(),
        baedal_tracking::described(),
    ]
}

/// Identity without anything around it, for making an operator.
///
/// # Errors
/// Where its database cannot be used.
pub async fn identity_alone(settings: &Settings, folder: Option<&DataFolder>) -> Result<Service> {
    let database = match house::open_database(settings, folder, IDENTITY).await {
        Ok(database) => database,
        Err(NotYet::Waiting(error) | NotYet::Never(error)) => return Err(error),
    };
    let Providers { clock, ids } = Providers::built_in();
    let bus = Arc::new(JournalBus::sharded(settings.shards()));
    Ok(Service::new(IDENTITY, database, bus, clock, ids, Lifecycle::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contexts_describe_every_route_of_the_table_and_no_other() {
        let documents = described().into_iter().map(|context| context.document).collect();
        assert_eq!(baedal_gateway::openapi::describe(documents).unlike_the_table, Vec::<String>::new());
    }

    /// The strings of a request that are no text of people, and what they are.
    const NO_TEXT: [(&str, &str); 7] = [
        ("?after", "a cursor, which is ours"),
        ("refresh_token", "a token, which is ours"),
        ("device_token", "a token, which is ours"),
        ("method", "a kind of payment, which is the provider's"),
        ("payment.method", "a kind of payment, which is the provider's"),
        ("token", "a means of payment, which is the provider's"),
        ("payment.token", "a means of payment, which is the provider's"),
    ];

    #[test]
    fn every_text_that_people_send_is_normalized_by_a_rule() {
        let documents = described().into_iter().map(|context| context.document).collect();
        let document = baedal_gateway::openapi::describe(documents).document;
        let fields = baedal_text::testing::text_fields(&document);
        let (ruled, plain): (Vec<_>, Vec<_>) =
            fields.into_iter().filter(|field| field.is_free()).partition(|field| field.rule.is_some());
        let is_no_text = |field: &str| NO_TEXT.iter().any(|(other, _)| *other == field);
        let unruled: Vec<_> = plain.iter().filter(|field| !is_no_text(&field.field)).collect();
        assert!(unruled.is_empty(), "give them a type of baedal-text, or say why they are no text: {unruled:#?}");
        for (field, what) in NO_TEXT {
            assert!(plain.iter().any(|plain| plain.field == field), "no request holds {field} ({what}) any more");
        }
        assert!(ruled.iter().any(|field| field.field == "deliver_to.address") && ruled.len() > 20, "{ruled:#?}");
    }
}
