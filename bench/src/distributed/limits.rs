//! What this machine can do at the most: syncs of a file, plain durable inserts in PostgreSQL, acknowledged publishes
//! to JetStream; with nothing else going on, on the servers that the composition ran on.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use async_nats::jetstream::{self, stream};
use baedal_servers::{Composition, Nats, Programs};
use hdrhistogram::Histogram;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::counters::Counters;
use crate::load::histogram;

/// How long each measurement takes.
const WHILE: Duration = Duration::from_secs(5);
/// How many connections insert at the same time.
const CONNECTIONS: usize = 16;
/// How large a row, an event, is.
const BYTES: usize = 500;
/// How many publishes are under way at the same time, where many are.
const AHEAD: usize = 512;

/// A rate, and how long each took.
pub(crate) struct Limit {
    pub(super) per_second: f64,
    pub(super) latencies: Histogram<u64>,
}

/// What was found.
pub(crate) struct Limits {
    /// A page appended to a file and synced, one after the other.
    pub(super) syncs: Limit,
    /// Rows inserted, a transaction each, on one connection.
    pub(super) alone: Limit,
    /// The same on many connections.
    pub(super) single: Limit,
    /// Lifecycles: as many rows in as many transactions as one writes, on many connections.
    pub(super) same: Limit,
    /// How many rows each of those transactions inserts.
    pub(super) rows_at_once: usize,
    /// Messages that JetStream acknowledged one after the other.
    pub(super) published: Limit,
    /// The same, many under way.
    pub(super) published_ahead: Limit,
}

impl Limits {
    pub(crate) async fn measure(composition: &mut Composition, written: &Counters, folder: &Path) -> Result<Self> {
        println!("measuring what this machine can do at the most");
        let file = folder.join("synced");
        let syncs = tokio::task::spawn_blocking(move || syncs(&file)).await??;
        composition.postgres().create_database("plain").map_err(|error| anyhow!(error))?;
        let url = composition.postgres().url("plain");
        let table = "CREATE TABLE plain (id uuid PRIMARY KEY, data text NOT NULL)";
        sqlx::query(table).execute(&mut PgConnection::connect(&url).await?).await?;
        let rows_at_once = (written.rows() / written.transactions.max(1.0)).round().max(1.0) as usize;
        let same = inserts(&url, CONNECTIONS, rows_at_once).await?;
        let alone = inserts(&url, 1, 1).await?;
        let single = inserts(&url, CONNECTIONS, 1).await?;
        // A broker of its own: the composition's lets its contexts do what is theirs and nothing else.
        let programs = Programs::install().map_err(|error| anyhow!(error))?;
        let broker = Nats::start(&programs, folder).map_err(|error| anyhow!(error))?;
        let jetstream = jetstream::new(async_nats::connect(broker.url()).await?);
        let config = stream::Config { name: "PLAIN".into(), subjects: vec!["plain".into()], ..Default::default() };
        jetstream.create_stream(config).await?;
        let published = publishes(&jetstream, 1).await?;
        let published_ahead = publishes(&jetstream, AHEAD).await?;
        Ok(Self { syncs, alone, single, same, rows_at_once, published, published_ahead })
    }
}

/// How often so many bytes are on the disk for good.
fn syncs(path: &Path) -> Result<Limit> {
    let mut file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let (mut latencies, begun) = (histogram(), Instant::now());
    while begun.elapsed() < WHILE {
        let begun = Instant::now();
        file.write_all(&[b'x'; 8192])?;
        file.sync_data()?;
        latencies.saturating_record(begun.elapsed().as_micros() as u64);
    }
    std::fs::remove_file(path)?;
    Ok(limit(latencies, begun))
}

/// Transactions that insert so many rows each.
async fn inserts(url: &str, connections: usize, rows: usize) -> Result<Limit> {
    let mut opened = Vec::new();
    for _ in 0..connections {
        opened.push(PgConnection::connect(url).await?);
    }
    let begun = Instant::now();
    let mut inserting = tokio::task::JoinSet::new();
    for mut connection in opened {
        inserting.spawn(async move {
            let mut latencies = histogram();
            let data = vec!["x".repeat(BYTES); rows];
            while begun.elapsed() < WHILE {
                let ids: Vec<_> = (0..rows).map(|_| Uuid::now_v7()).collect();
                let begun = Instant::now();
                let insert = "INSERT INTO plain (id, data) SELECT * FROM unnest($1::uuid[], $2::text[])";
                sqlx::query(insert).bind(ids).bind(&data).execute(&mut connection).await?;
                latencies.saturating_record(begun.elapsed().as_micros() as u64);
            }
            anyhow::Ok(latencies)
        });
    }
    let mut all = histogram();
    while let Some(latencies) = inserting.join_next().await {
        all.add(latencies??)?;
    }
    Ok(limit(all, begun))
}

async fn publishes(jetstream: &jetstream::Context, ahead: usize) -> Result<Limit> {
    let body = vec![b'x'; BYTES];
    let (mut latencies, begun) = (histogram(), Instant::now());
    let mut under_way = VecDeque::new();
    loop {
        let is_over = begun.elapsed() >= WHILE;
        if !is_over {
            under_way.push_back((Instant::now(), jetstream.publish("plain", body.clone().into()).await?));
        }
        if is_over || under_way.len() >= ahead {
            let Some((sent, oldest)) = under_way.pop_front() else { break };
            oldest.await?;
            latencies.saturating_record(sent.elapsed().as_micros() as u64);
        }
    }
    Ok(limit(latencies, begun))
}

fn limit(latencies: Histogram<u64>, begun: Instant) -> Limit {
    Limit { per_second: latencies.len() as f64 / begun.elapsed().as_secs_f64(), latencies }
}
