//! Measures whole lifecycles over HTTP: how many a second, how long each command takes, how far live views
//! are behind, how much memory it takes, and how fast the platform is back on a long history.
//!
//! It runs the real program on this machine's disk, with its load generator on the same cores, and asserts
//! nothing: what comes out is a table, and a picture, of what this machine did.

mod crowd;
mod lag;
mod load;
mod process;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;

use crate::crowd::Crowd;
use crate::process::Process;
use crate::report::{Report, Run};

/// Measures whole lifecycles over HTTP on this machine.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench")]
struct Options {
    /// How many customers order at the same time
    #[arg(long, default_value_t = 64)]
    customers: usize,
    /// How long the run at full load takes, in seconds
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// How many events the history holds for the restart; 0 leaves the restart on what there is
    #[arg(long, default_value_t = 1_000_000)]
    events: u64,
    /// Where the table and the picture go
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
    /// The program to measure
    #[arg(long, default_value = "target/release/baedal")]
    program: PathBuf,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = tokio::runtime::Runtime::new().context("cannot start");
    match runtime.and_then(|runtime| runtime.block_on(measure(&options))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(options: &Options) -> Result<()> {
    std::fs::create_dir_all(&options.out).with_context(|| format!("cannot make {}", options.out.display()))?;
    let data = options.out.join("data");
    if data.exists() {
        std::fs::remove_dir_all(&data).with_context(|| format!("cannot clear {}", data.display()))?;
    }
    let mut process = Process::start(&options.program, &data).await?;
    let idle_mib = process.resident_mib()?;
    let crowd = Crowd::gather(process.address(), options.customers).await?;

    let time = Duration::from_secs(options.seconds);
    load::full(&crowd, "warming up", Duration::from_secs(3)).await;
    let before = process.cpu_seconds()?;
    let full = load::full(&crowd, "at full load", time).await;
    let caught_up = process.settle().await?;
    let cpu_seconds = process.cpu_seconds()? - before;
    let full = Run { name: "full load".to_owned(), cpu_seconds, load: full, caught_up, lag: None };
    let loaded_mib = process.peak_mib()?;

    let rate = full.sustained() / 2.0;
    let before = process.cpu_seconds()?;
    let (half, lag) = tokio::join!(load::steady(&crowd, "at half of that", rate, time), lag::watch(&crowd, time));
    let caught_up = process.settle().await?;
    let cpu_seconds = process.cpu_seconds()? - before;
    let half = Run { name: "half of that".to_owned(), cpu_seconds, load: half, caught_up, lag: Some(lag) };

    while process.events().await? < options.events {
        load::full(&crowd, "writing history", Duration::from_secs(20)).await;
    }
    let events = process.events().await?;
    process.stop().await?;
    let begun = std::time::Instant::now();
    let mut process = Process::start(&options.program, &data).await?;
    let restart = begun.elapsed();
    let idle_after_mib = process.resident_mib()?;
    process.stop().await?;

    let report = Report {
        runs: vec![full, half],
        idle_mib,
        loaded_mib,
        idle_after_mib,
        events,
        restart,
        customers: options.customers,
    };
    println!("{}", report.table());
    report.write(&options.out)?;
    std::fs::remove_dir_all(&data).with_context(|| format!("cannot clear {}", data.display()))
}
