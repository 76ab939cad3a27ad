//! Settings: defaults, then a TOML file, then `BAEDAL_*` variables, then the command line.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::{Deserialize, Serialize};

use crate::cli::Common;

/// Everything that can be set.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The folder that everything is kept in.
    pub data: PathBuf,
    /// What is logged, as `info` or `info,baedal_order=debug`.
    pub log: String,
    /// How it is logged.
    pub log_format: LogFormat,
    /// How long requests in flight may take to finish when the platform stops, in seconds.
    pub stop_limit_seconds: u64,
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
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            data: PathBuf::from("baedal-data"),
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            stop_limit_seconds: 10,
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
            figment = figment.merge(Toml::file_exact(file));
        }
        figment = figment.merge(Env::prefixed("BAEDAL_").split("__"));
        if let Some(listen) = common.listen {
            figment = figment.merge(Serialized::default("listen", listen));
        }
        if let Some(data) = &common.data {
            figment = figment.merge(Serialized::default("data", data));
        }
        figment.extract().context("a setting is wrong")
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
    print!("{}", toml::to_string(&settings).context("the settings cannot be written as TOML")?);
    Ok(())
}
