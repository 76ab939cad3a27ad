//! The program under load: started, looked at from outside, stopped.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::proc;

/// A rate that is none.
const UNLIMITED: &str = "{per_second=0,burst=0}";
/// What the program is told.
pub(crate) const VARIABLES: [(&str, &str); 7] = [
    // All the load comes from one address.
    ("BAEDAL_GATEWAY__PER_ADDRESS", UNLIMITED),
    ("BAEDAL_GATEWAY__SIGN_IN_PER_ADDRESS", UNLIMITED),
    ("BAEDAL_IDENTITY__PHONE_CODES__PER_ADDRESS", "0"),
    ("BAEDAL_GATEWAY__PER_ACCOUNT", UNLIMITED),
    // And each customer orders for hundreds.
    ("BAEDAL_ORDER__UNPAID_ORDERS", "0"),
    ("BAEDAL_ORDER__ATTEMPTS", "0"),
    ("BAEDAL_LOG", "warn"),
];

/// The running program.
pub(crate) struct Process {
    child: Child,
    address: String,
    admin_address: String,
}

impl Process {
    /// Starts it and waits until it is ready to serve.
    pub(crate) async fn start(program: &Path, data: &Path) -> Result<Self> {
        let mut child = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .envs(VARIABLES)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let out = child.stdout.take().context("the program has no output")?;
        let mut lines = BufReader::new(out).lines();
        let mut admin_address = String::new();
        while let Some(line) = lines.next_line().await? {
            if let Some(address) = line.strip_prefix("health and metrics on ") {
                address.clone_into(&mut admin_address);
            }
            if let Some(address) = line.strip_prefix("ready on ") {
                let address = address.to_owned();
                // Whatever else it says must not fill the pipe.
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return Ok(Self { child, address, admin_address });
            }
        }
        bail!("{} ended before it was ready", program.display())
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Where it says how it is.
    pub(crate) fn admin_address(&self) -> &str {
        &self.admin_address
    }

    /// Stops it as an operator does.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        let id = self.id()?.to_string();
        Command::new("kill").args(["-TERM", &id]).status().await.context("cannot send SIGTERM")?;
        let status =
            tokio::time::timeout(Duration::from_secs(30), self.child.wait()).await.context("it does not stop")??;
        if !status.success() {
            bail!("it stopped with {status}");
        }
        Ok(())
    }

    pub(crate) fn resident_mib(&self) -> Result<f64> {
        proc::mib(self.id()?, "status", "VmRSS:")
    }

    pub(crate) fn peak_mib(&self) -> Result<f64> {
        proc::mib(self.id()?, "status", "VmHWM:")
    }

    /// Processor time used so far, by all threads.
    pub(crate) fn cpu_seconds(&self) -> Result<f64> {
        proc::cpu_seconds(self.id()?)
    }

    fn id(&self) -> Result<u32> {
        self.child.id().context("it is not running")
    }
}
