//! `baedal demo`: the platform with seeded stores and a simulated town that acts over its HTTP interface.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::cli::Demo;
use crate::folder::DataFolder;
use crate::platform::{self, Platform, Providers};
use crate::serve::StopSignal;
use crate::settings::Settings;
use crate::telemetry;

/// Runs the demo until it is told to stop.
///
/// # Errors
/// As [`crate::serve::run`], and where the town cannot be built.
pub fn run(demo: &Demo) -> Result<()> {
    let base = Settings { data: PathBuf::from("baedal-demo-data"), log: "error".to_owned(), ..Settings::default() };
    let mut settings = Settings::load(base, &demo.common)?.sped_up(demo.speed);
    if demo.at.is_none() && !demo.reachable_from_outside && !settings.listen.ip().is_loopback() {
        bail!(
            "the demo's accounts have passwords that everybody knows, and {} can be reached from outside; listen on \
             127.0.0.1, or say `--reachable-from-outside`",
            settings.listen
        );
    }
    // The whole town calls from one address.
    settings.gateway = settings.gateway.without_limits_per_address();
    settings.identity = settings.identity.without_limits_per_address();
    // A few dozen customers order for the whole town.
    settings.order = settings.order.without_limits_per_customer();
    telemetry::log(&settings)?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start")?;
    runtime.block_on(async {
        let mut stop = StopSignal::listen()?;
        if let Some(address) = &demo.at {
            return live(demo, address.clone(), None, &mut stop).await;
        }
        appoint_operator(&settings).await?;
        let platform = Platform::start(settings, Providers::built_in()).await?;
        let address = format!("http://{}", platform.address());
        let admin = format!("http://{}", platform.admin_address());
        println!("ready on {address}");
        let lived = live(demo, address, Some(admin), &mut stop).await;
        platform.stop().await;
        lived
    })
}

/// Lets the town live there until we are told to stop.
async fn live(demo: &Demo, base_url: String, admin_url: Option<String>, stop: &mut StopSignal) -> Result<()> {
    let (orders_per_minute, speed, quiet) = (demo.orders_per_minute, demo.speed, demo.quiet);
    let town = baedal_town::Town { base_url, admin_url, orders_per_minute, speed, quiet };
    tokio::select! {
        lived = town.live() => lived,
        () = stop.heard() => Ok(()),
    }
}

/// The demo's operator, unless an earlier demo on the same data has appointed one.
async fn appoint_operator(settings: &Settings) -> Result<()> {
    let folder = (!settings.is_on_postgres()).then(|| DataFolder::take(&settings.data)).transpose()?;
    let service = platform::identity_alone(settings, folder.as_ref()).await?;
    let (phone, password) = (baedal_town::seed::OPERATOR_PHONE, baedal_town::seed::PASSWORD);
    match baedal_identity::create_operator(&service, &settings.identity, phone, "운영자", password).await {
        Ok(_) | Err(baedal_identity::OperatorNotCreated::PhoneTaken(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
