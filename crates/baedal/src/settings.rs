//! Settings: defaults, then a TOML file, then `BAEDAL_*` variables, then the command line.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use baedal_kit::secret::Secret;
use baedal_kit_http::peers::{PeerSecret, Peers as LetIn};
use baedal_kit_http::upstream::{Authority, Upstream};
use baedal_kit_runtime::lifecycle::Lifecycle;
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::callers::TABLE;
use crate::cli::Common;
use crate::roles::{CONTEXTS, GATEWAY, Roles};
use crate::server::TlsFiles;

mod encryption;
mod malformed;

/// So many ports above where everybody is answered, operators are, unless they are told another.
const ADMIN_PORTS_ABOVE: u16 = 1_000;

/// Everything that can be set.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What this process runs: `gateway`, contexts by name, or, where none is named, everything.
    pub roles: Vec<String>,
    /// Where to listen: the gateway, or, where there is none here, the contexts for their peers.
    pub listen: SocketAddr,
    /// The certificate with which TLS is spoken on `listen`, as `{certificate = "…", key = "…"}`; not set where something
    /// in front of it does, or nobody need. Files that change are read again.
    pub tls: Option<TlsFiles>,
    /// Where the contexts listen for their peers, in a process that is the gateway too.
    pub internal_listen: SocketAddr,
    /// The certificate with which TLS is spoken on `internal_listen`, as `tls` is that of `listen`.
    pub internal_tls: Option<TlsFiles>,
    /// Where operators and their machines find metrics, and readiness with what it hangs on; no secret is asked for
    /// there. Not set: on loopback, a thousand ports above `listen`.
    pub admin_listen: Option<SocketAddr>,
    /// The folder that everything is kept in, unless it is kept in PostgreSQL.
    pub data: PathBuf,
    /// How many shards events are cut into where several processes share the work. Never to be changed.
    pub shards: u16,
    /// PostgreSQL, where contexts keep their data there.
    pub postgres: baedal_kit_postgres::Settings,
    /// The broker, where events go from process to process.
    pub nats: baedal_kit_nats::Settings,
    /// The other processes.
    pub peers: Peers,
    /// What is logged, as `info` or `info,baedal_order=debug`.
    pub log: String,
    /// How it is logged.
    pub log_format: LogFormat,
    /// How long a connection is kept for its next request, in whole seconds, at least one. It is announced to clients
    /// (`Keep-Alive: timeout=…`). What stands in front, as a load balancer, must give up unused connections sooner,
    /// or some of its requests meet a connection that is just being closed.
    pub keep_alive: SignedDuration,
    /// How long requests in flight may take to finish when the platform stops, in seconds.
    pub stop_limit_seconds: u64,
    /// How long a process that is to stop goes on serving, so that those who send it requests notice. Not
    /// set: three seconds where there are peers, and not at all where there are none.
    pub drain_for: Option<SignedDuration>,
    /// The one entry.
    pub gateway: baedal_gateway::Settings,
    /// Accounts and tokens.
    pub identity: baedal_identity::Settings,
    /// Orders.
    pub order: baedal_order::Settings,
    /// Payments.
    pub payment: baedal_payment::Settings,
    /// Stores and their kitchens.
    pub store: baedal_store::Settings,
    /// Deliveries and riders.
    pub delivery: baedal_delivery::Settings,
    /// Notices.
    pub notification: baedal_notification::Settings,
    /// Read models.
    pub tracking: baedal_tracking::Settings,
}

/// The other processes, as this one reaches them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Peers {
    /// What this process shows the others, so that they answer it: at least 32 characters, and its own.
    pub secret: Secret,
    /// What the others are known by: of `gateway` and of each context that runs elsewhere, `sha256:` and the hash of
    /// what it shows; and of what it will show next, while that is being changed.
    pub known: BTreeMap<String, Vec<String>>,
    /// The addresses of each context's replicas, as `http://10.0.0.7:7101`; all as `https://…` where `tls_root` is set.
    pub addresses: BTreeMap<String, Vec<String>>,
    /// The certificates of those who vouch for the others' certificates, PEM; read when the process starts. With it
    /// every call to another process is made over TLS.
    pub tls_root: Option<PathBuf>,
}

impl Peers {
    /// What this process shows.
    ///
    /// # Errors
    /// Where it is no secret.
    pub fn shown(&self) -> Result<PeerSecret> {
        PeerSecret::new(&self.secret).context("`peers.secret` cannot be used")
    }

    /// A context that runs elsewhere, whose replicas are watched from now on.
    ///
    /// # Errors
    /// Where its addresses or what it is asked with cannot be used.
    pub fn reach(&self, context: &'static str, lifecycle: &Lifecycle) -> Result<Upstream> {
        let addresses = self.addresses.get(context).map_or(&[][..], Vec::as_slice);
        self.must_be_as_private_as_set(context)?;
        let (secret, authority) = (self.shown()?, self.authority()?);
        let upstream = Upstream::remote(context, addresses, &secret, authority.as_ref(), lifecycle);
        upstream.with_context(|| format!("`peers.addresses.{context}` cannot be used"))
    }

    /// Who vouches for the others.
    ///
    /// # Errors
    /// Where that cannot be read.
    pub fn authority(&self) -> Result<Option<Authority>> {
        self.tls_root.as_deref().map(Authority::read).transpose().context("`peers.tls_root` cannot be used")
    }

    /// Those that this process lets in.
    ///
    /// # Errors
    /// Where they cannot be told apart.
    pub fn let_in(&self) -> Result<LetIn> {
        Ok(LetIn::new(&self.known, TABLE)?)
    }
}

/// How a log line looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            roles: Vec::new(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            tls: None,
            internal_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8090)),
            internal_tls: None,
            admin_listen: None,
            shards: 8,
            postgres: baedal_kit_postgres::Settings::default(),
            nats: baedal_kit_nats::Settings::default(),
            peers: Peers::default(),
            data: PathBuf::from("baedal-data"),
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            keep_alive: SignedDuration::from_secs(75),
            stop_limit_seconds: 10,
            drain_for: None,
            gateway: baedal_gateway::Settings::default(),
            identity: baedal_identity::Settings::default(),
            order: baedal_order::Settings::default(),
            payment: baedal_payment::Settings::default(),
            store: baedal_store::Settings::default(),
            delivery: baedal_delivery::Settings::default(),
            notification: baedal_notification::Settings::default(),
            tracking: baedal_tracking::Settings::default(),
        }
    }
}

impl Settings {
    /// The settings in force, starting from `base` instead of the usual defaults.
    ///
    /// # Errors
    /// Where the file cannot be read, or a setting is unknown or not what it should be.
    pub fn load(base: Self, common: &Common) -> Result<Self> {
        let mut figment = Figment::from(Serialized::defaults(base));
        if let Some(file) = &common.config {
            if !file.is_file() {
                bail!("there is no settings file {}", file.display());
            }
            let text = std::fs::read_to_string(file);
            let text = text.with_context(|| format!("the settings file {} cannot be read", file.display()))?;
            malformed::must_be_toml(&text, file)?;
            figment = figment.merge(Toml::file_exact(file));
        }
        figment = figment.merge(Env::prefixed("BAEDAL_").split("__"));
        if let Some(listen) = common.listen {
            figment = figment.merge(Serialized::default("listen", listen));
        }
        if !common.roles.is_empty() {
            figment = figment.merge(Serialized::default("roles", &common.roles));
        }
        if let Some(data) = &common.data {
            figment = figment.merge(Serialized::default("data", data));
        }
        let settings: Self = figment.extract().map_err(malformed::told)?;
        settings.gateway.check().map_err(anyhow::Error::msg).context("a setting is wrong")?;
        Ok(settings)
    }

    /// What this process runs.
    ///
    /// # Errors
    /// Where there is no such role, or what it needs to know of the others is missing.
    pub fn roles(&self) -> Result<Roles> {
        let roles = Roles::named(&self.roles)?;
        if !self.is_shared() && !roles.contexts().is_empty() && !roles.have_every_context() {
            bail!("a process that runs some of the contexts needs `nats.urls`, where it hears of the others");
        }
        self.must_use_its_certificates(&roles)?;
        if !self.has_peers(&roles) {
            return Ok(roles);
        }
        self.must_be_found_as_it_listens(&roles)?;
        if let Some(missing) = roles.elsewhere().find(|context| !self.peers.addresses.contains_key(*context)) {
            bail!("`peers.addresses.{missing}` is not set, and {missing} does not run in this process");
        }
        for context in roles.elsewhere() {
            self.peers.must_be_as_private_as_set(context)?;
        }
        if roles.elsewhere().next().is_some() {
            self.peers.shown()?;
            self.peers.authority()?;
        }
        self.peers.let_in()?;
        if let Some(unknown) = self.peers.known.keys().find(|name| !Roles::exist(name)) {
            bail!("`peers.known.{unknown}`: there is no {unknown}; there are {GATEWAY}, {}", CONTEXTS.join(", "));
        }
        let unknown = roles
            .elsewhere()
            .chain((!roles.gateway).then_some(GATEWAY))
            .find(|name| self.peers.known.get(*name).is_none_or(Vec::is_empty));
        if let Some(unknown) = unknown.filter(|_| !roles.contexts().is_empty()) {
            bail!(
                "`peers.known.{unknown}` is not set, and {unknown} does not run in this process: it is `sha256:` and \
                 what `printf %s \"$secret\" | sha256sum` prints for its `peers.secret`"
            );
        }
        Ok(roles)
    }

    /// Where operators and their machines are answered. Where the system chooses the port of `listen`, it chooses this
    /// one too.
    #[must_use]
    pub fn admin_listen(&self) -> SocketAddr {
        let port = match self.listen.port() {
            0 => 0,
            port => port.checked_add(ADMIN_PORTS_ABOVE).unwrap_or(port - ADMIN_PORTS_ABOVE),
        };
        self.admin_listen.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }

    /// Whether the contexts have an address of their own beside the gateway's.
    #[must_use]
    pub fn listens_inside(&self, roles: &Roles) -> bool {
        roles.gateway && self.is_shared() && !roles.contexts().is_empty()
    }

    /// Whether events go over a broker, so that contexts may run in several processes.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        !self.nats.urls.is_empty()
    }

    /// Whether contexts keep their data in PostgreSQL.
    #[must_use]
    pub fn is_on_postgres(&self) -> bool {
        self.postgres.url.is_some()
    }

    /// Whether there are other processes.
    #[must_use]
    pub fn has_peers(&self, roles: &Roles) -> bool {
        self.is_shared() || !roles.have_every_context()
    }

    /// How many shards events are cut into.
    #[must_use]
    pub fn shards(&self) -> u16 {
        if self.is_shared() || self.is_on_postgres() { self.shards.max(1) } else { 1 }
    }

    /// The same with every deadline of the domain this many times sooner.
    #[must_use]
    pub fn sped_up(self, times: f64) -> Self {
        Self {
            order: self.order.sped_up(times),
            store: self.store.sped_up(times),
            delivery: self.delivery.sped_up(times),
            notification: self.notification.sped_up(times),
            tracking: self.tracking.sped_up(times),
            ..self
        }
    }
}

/// Prints the settings in force.
///
/// # Errors
/// Where they are wrong.
pub fn print(common: &Common) -> Result<()> {
    let settings = Settings::load(Settings::default(), common)?;
    let settings = Settings { nats: settings.nats.without_secrets(), ..settings };
    print!("{}", toml::to_string(&settings).context("the settings cannot be written as TOML")?);
    Ok(())
}
