//! The platform as one process: full load, half of it, and a restart on a long history.

use std::time::Duration;

use anyhow::Result;

use crate::crowd::Crowd;
use crate::process::Process;
use crate::report::Report;
use crate::run::Run;
use crate::{Options, health, lag, load};

/// How many customers order at the same time, unless it is said.
const CUSTOMERS: usize = 64;

pub(crate) async fn measure(options: &Options) -> Result<()> {
    let data = options.out.join("data");
    crate::clear(&data)?;
    let customers = options.customers.unwrap_or(CUSTOMERS);
    let mut process = Process::start(&options.program, &data).await?;
    let idle_mib = process.resident_mib()?;
    let crowd = Crowd::gather(process.address(), customers).await?;

    let time = Duration::from_secs(options.seconds);
    load::full(&crowd, "warming up", Duration::from_secs(3)).await;
    let before = process.cpu_seconds()?;
    let full = load::full(&crowd, "at full load", time).await;
    let caught_up = health::settle(&[process.admin_address().to_owned()]).await?;
    let cpu_seconds = process.cpu_seconds()? - before;
    let full = Run { name: "full load".to_owned(), cpu_seconds, load: full, caught_up, lag: None };
    let loaded_mib = process.peak_mib()?;

    let rate = full.sustained() / 2.0;
    let before = process.cpu_seconds()?;
    let (placed, watched) = tokio::sync::mpsc::channel(1);
    let (half, lag) = tokio::join!(load::steady(&crowd, "at half of that", rate, time, placed), lag::watch(watched));
    let caught_up = health::settle(&[process.admin_address().to_owned()]).await?;
    let cpu_seconds = process.cpu_seconds()? - before;
    let half = Run { name: "half of that".to_owned(), cpu_seconds, load: half, caught_up, lag: Some(lag) };

    while health::events(process.admin_address()).await? < options.events {
        load::full(&crowd, "writing history", Duration::from_secs(20)).await;
    }
    let events = health::events(process.admin_address()).await?;
    process.stop().await?;
    let begun = std::time::Instant::now();
    let mut process = Process::start(&options.program, &data).await?;
    let restart = begun.elapsed();
    let idle_after_mib = process.resident_mib()?;
    process.stop().await?;

    let report = Report { runs: vec![full, half], idle_mib, loaded_mib, idle_after_mib, events, restart, customers };
    println!("{}", report.table());
    report.write(&options.out)?;
    crate::clear(&data)
}
