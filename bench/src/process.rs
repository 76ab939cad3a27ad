//! The program under load: started, looked at from outside, stopped.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use baedal_client::Client;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Ticks of processor time in a second, on every Linux there is (`getconf CLK_TCK`).
const TICKS: f64 = 100.0;

/// How long the platform may take to catch up before the measurement is given up.
const LONGEST_SETTLING: Duration = Duration::from_secs(120);
/// A rate that is none.
const UNLIMITED: &str = "{per_second=0,burst=0}";

/// The running program.
pub(crate) struct Process {
    child: Child,
    address: String,
}

impl Process {
    /// Starts it and waits until it is ready to serve.
    pub(crate) async fn start(program: &Path, data: &Path) -> Result<Self> {
        let mut child = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            // All the load comes from one address.
            .env("BAEDAL_GATEWAY__PER_ADDRESS", UNLIMITED)
            .env("BAEDAL_GATEWAY__SIGN_IN_PER_ADDRESS", UNLIMITED)
            .env("BAEDAL_GATEWAY__PER_ACCOUNT", UNLIMITED)
            .env("BAEDAL_LOG", "warn")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let out = child.stdout.take().context("the program has no output")?;
        let mut lines = BufReader::new(out).lines();
        while let Some(line) = lines.next_line().await? {
            if let Some(address) = line.strip_prefix("ready on ") {
                let address = address.to_owned();
                // Whatever else it says must not fill the pipe.
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return Ok(Self { child, address });
            }
        }
        bail!("{} ended before it was ready", program.display())
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
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

    /// How many events all journals hold.
    pub(crate) async fn events(&self) -> Result<u64> {
        Ok(sum_of(&self.health().await?, "position"))
    }

    /// Waits until every consumer has heard everything; how long that took.
    pub(crate) async fn settle(&self) -> Result<Duration> {
        let begun = Instant::now();
        let mut pace = tokio::time::interval(Duration::from_millis(20));
        while behind(&self.health().await?) > 0 {
            if begun.elapsed() > LONGEST_SETTLING {
                bail!("the platform does not catch up: {}", self.health().await?);
            }
            pace.tick().await;
        }
        Ok(begun.elapsed())
    }

    /// What the platform says of itself, whether ready or not.
    async fn health(&self) -> Result<Value> {
        let (_, _, health) = Client::new(&self.address).request(http::Method::GET, "/health/ready", [], None).await?;
        Ok(health)
    }

    pub(crate) fn resident_mib(&self) -> Result<f64> {
        self.status("VmRSS:")
    }

    pub(crate) fn peak_mib(&self) -> Result<f64> {
        self.status("VmHWM:")
    }

    /// Processor time used so far, by all threads.
    pub(crate) fn cpu_seconds(&self) -> Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id()?)).context("no /proc here")?;
        let behind_name = stat.rsplit(')').next().unwrap_or_default();
        let field = |place: usize| behind_name.split_whitespace().nth(place).and_then(|text| text.parse::<f64>().ok());
        // Fields 14 and 15 of proc(5), utime and stime, counted from behind the name, which is field 2.
        Ok((field(11).context("no utime")? + field(12).context("no stime")?) / TICKS)
    }

    fn status(&self, key: &str) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id()?)).context("no /proc here")?;
        let line = status.lines().find_map(|line| line.strip_prefix(key)).with_context(|| format!("no {key}"))?;
        let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kib / 1024.0)
    }

    fn id(&self) -> Result<u32> {
        self.child.id().context("it is not running")
    }
}

/// All the numbers of this name, wherever in the answer they are.
fn sum_of(value: &Value, name: &str) -> u64 {
    let fields = value.as_object().into_iter().flatten();
    fields.map(|(key, value)| if key == name { value.as_u64().unwrap_or(0) } else { sum_of(value, name) }).sum()
}

/// How many events are still to be heard, by all consumers together. A context that does not answer is behind.
fn behind(health: &Value) -> u64 {
    let contexts = health["dependencies"].as_object().into_iter().flatten();
    contexts
        .map(|(_, context)| {
            let consumers = context["behind"].as_object().into_iter().flatten();
            let behind: u64 = consumers.map(|(_, count)| count.as_u64().unwrap_or(0)).sum();
            behind + u64::from(context["ready"] != true)
        })
        .sum()
}
