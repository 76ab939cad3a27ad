//! The platform as a process for each replica of each service, on PostgreSQL and NATS: full load, half of it, and
//! what this machine could do at the most, measured in the same run on the same servers.

mod counters;
mod gauge;
mod limits;
mod page;

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use baedal_servers::{CONTEXTS, Composition, Plan, Programs};

use self::counters::Counters;
use self::gauge::Gauge;
use self::limits::Limits;
use self::page::{Measured, Report};
use crate::crowd::Crowd;
use crate::process::VARIABLES;
use crate::run::Run;
use crate::{Options, health, lag, load};

/// How many customers order at the same time, unless it is said.
const CUSTOMERS: usize = 192;
/// How long a session of PostgreSQL may keep what it counted to itself.
const COUNTING: Duration = Duration::from_secs(11);

pub(crate) async fn measure(options: &Options) -> Result<()> {
    let folder = options.out.join("distributed");
    crate::clear(&folder)?;
    let customers = options.customers.unwrap_or(CUSTOMERS);
    let programs = Programs::install().map_err(|error| anyhow!(error))?;
    let mut plan = Plan::new(&options.program, &folder);
    plan.replicas = options.replicas;
    plan.variables = VARIABLES.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let begun = Instant::now();
    let mut composition = Composition::start(&programs, plan).map_err(|error| anyhow!(error))?;
    let started = begun.elapsed();
    let addresses = CONTEXTS.iter().flat_map(|context| {
        let replicas = composition.replicas(context).iter();
        replicas.map(|replica| replica.admin_address()).collect::<Vec<_>>()
    });
    let addresses: Vec<_> = addresses.collect();
    let crowd = Crowd::gather(&composition.gateway(), customers).await?;
    health::settle(&addresses).await?;

    let quiet = Gauge::read(&composition)?;
    tokio::time::sleep(COUNTING).await;
    let idle = Gauge::read(&composition)?.since(&quiet);
    let before = Counters::read(&programs, &composition)?;

    let time = Duration::from_secs(options.seconds);
    let warm = load::full(&crowd, "warming up", Duration::from_secs(3)).await;
    health::settle(&addresses).await?;
    let gauge = Gauge::read(&composition)?;
    let full = load::full(&crowd, "at full load", time).await;
    let (full, full_gauge) = finish("full load", full, None, &composition, &gauge, &addresses).await?;

    let rate = full.sustained() / 2.0;
    let gauge = Gauge::read(&composition)?;
    let (placed, watched) = tokio::sync::mpsc::channel(1);
    let (half, lag) = tokio::join!(load::steady(&crowd, "at half of that", rate, time, placed), lag::watch(watched));
    let (half, half_gauge) = finish("half of that", half, Some(lag), &composition, &gauge, &addresses).await?;

    composition.stop_services().map_err(|error| anyhow!(error))?;
    let written = Counters::read(&programs, &composition)?.since(&before);
    let lifecycles = warm.completed + full.load.completed + half.load.completed;
    let limits = Limits::measure(&mut composition, &written.per(lifecycles), &options.out).await?;
    composition.stop().map_err(|error| anyhow!(error))?;

    let report = Report {
        customers,
        replicas: options.replicas,
        started,
        idle,
        full: Measured { run: full, gauge: full_gauge },
        half: Measured { run: half, gauge: half_gauge },
        written: written.per(lifecycles),
        limits,
    };
    println!("{}", report.text());
    report.write(&options.out, options.page.as_deref())?;
    crate::clear(&folder)
}

/// Takes stock of a stretch of load: of memory at once, of the processor when everything was heard.
async fn finish(
    name: &str,
    load: load::Load,
    lag: Option<hdrhistogram::Histogram<u64>>,
    composition: &Composition,
    before: &Gauge,
    addresses: &[String],
) -> Result<(Run, Gauge)> {
    let memory = Gauge::read(composition)?;
    let caught_up = health::settle(addresses).await?;
    let used = memory.with_cpu_of(Gauge::read(composition)?).since(before);
    let run = Run { name: name.to_owned(), load, cpu_seconds: used.platform_cpu(), caught_up, lag };
    Ok((run, used))
}
