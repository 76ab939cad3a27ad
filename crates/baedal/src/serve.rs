//! `baedal serve`: runs the platform until it is told to stop.

use anyhow::{Context, Result};

use crate::cli::Serve;
use crate::platform::{Platform, Providers};
use crate::settings::Settings;
use crate::telemetry;

/// `baedal serve`: runs the platform until it is told to stop.
///
/// # Errors
/// Where a setting is wrong, the data folder cannot be used, or the address cannot be listened on.
pub fn run(serve: &Serve) -> Result<()> {
    let settings = Settings::load(Settings::default(), &serve.common)?.sped_up(serve.speed);
    telemetry::log(&settings)?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start")?;
    runtime.block_on(async {
        let mut stop = StopSignal::listen()?;
        // It takes as long as a migration of a database does.
        let mut platform = tokio::select! {
            started = Platform::start(settings, Providers::built_in()) => started?,
            () = stop.heard() => return Ok(()),
        };
        let opened = tokio::select! {
            opened = platform.ready() => opened,
            () = stop.heard() => {
                platform.stop().await;
                return Ok(());
            }
        };
        if opened.is_ok() {
            println!("health and metrics on http://{}", platform.admin_address());
            println!("ready on {}", platform.url());
            stop.heard().await;
        }
        platform.stop().await;
        opened
    })
}

/// SIGTERM or Ctrl-C.
#[derive(Debug)]
pub struct StopSignal {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl StopSignal {
    /// Begins to listen, so that a signal that comes while we start is not lost.
    ///
    /// # Errors
    /// Where signals cannot be listened for.
    pub fn listen() -> Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
                .context("cannot listen for SIGTERM")?,
        })
    }

    /// Returns when we are told to stop.
    pub async fn heard(&mut self) {
        #[cfg(unix)]
        let terminated = self.terminate.recv();
        #[cfg(not(unix))]
        let terminated = std::future::pending::<Option<()>>();
        tokio::select! {
            _ = terminated => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    }
}
