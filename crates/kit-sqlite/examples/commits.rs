//! How fast commits and reads are here: `cargo run --release -p baedal-kit-sqlite --example commits [folder]`.
//!
//! A commit is what accepting an order is: two events, a document with three tags, and a job. The folder
//! says which disk is measured; without one it is the temporary one.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use baedal_kit::database::{Append, Commit, Database, Direction, JobChange, NewEvent, Outcome, Query, Select, Write};
use baedal_kit::time::{Clock, SystemClock};
use baedal_kit::{Cause, CauseKind, Job, Origin};
use baedal_kit_sqlite::SqliteDatabase;
use uuid::Uuid;

/// How long each measurement takes.
const WHILE: Duration = Duration::from_secs(4);
/// Rows that a commit writes: events, document, tags, job.
const ROWS: u64 = 2 + 1 + 3 + 1;

type Error = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let folder = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = folder.join(format!("baedal-commits-{}", std::process::id()));
    std::fs::create_dir(&folder)?;
    let measured = measure(&folder.join("order.db")).await;
    std::fs::remove_dir_all(&folder)?;
    measured
}

async fn measure(path: &std::path::Path) -> Result<(), Error> {
    let database = Arc::new(SqliteDatabase::open(path, "order")?);
    for committers in [1, 8, 64, 256] {
        let (mut latencies, took) = commits(&database, committers).await?;
        let rate = latencies.len() as f64 / took.as_secs_f64();
        println!(
            "{committers:>3} committers: {rate:>7.0} commits/s, {:>7.0} rows/s, {}",
            rate * ROWS as f64,
            percentiles(&mut latencies)
        );
    }
    let id = database.published(0, 1).await?.remove(0).stream.replace("order/", "");
    println!("quiet:");
    reads(&database, &id).await?;
    println!("while 8 commit:");
    let is_over = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let (database, is_over) = (Arc::clone(&database), Arc::clone(&is_over));
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    let _ = database.commit(order()).await;
                }
            })
        })
        .collect();
    reads(&database, &id).await?;
    is_over.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await?;
    }
    let count = *database.head().borrow();
    drop(database);
    let begun = Instant::now();
    drop(SqliteDatabase::open(path, "order")?);
    let size = std::fs::metadata(path)?.len() >> 20;
    println!("opening and closing {count} events ({size} MiB): {:?}", begun.elapsed());
    Ok(())
}

async fn commits(database: &Arc<SqliteDatabase>, committers: usize) -> Result<(Vec<Duration>, Duration), Error> {
    let begun = Instant::now();
    let tasks: Vec<_> = (0..committers)
        .map(|_| {
            let database = Arc::clone(database);
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                while begun.elapsed() < WHILE {
                    let (commit, begun) = (order(), Instant::now());
                    match database.commit(commit).await? {
                        Outcome::Committed { .. } => latencies.push(begun.elapsed()),
                        Outcome::Conflict => return Err("a conflict".into()),
                    }
                }
                Ok::<_, Error>(latencies)
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await??);
    }
    Ok((latencies, begun.elapsed()))
}

async fn reads(database: &Arc<SqliteDatabase>, id: &str) -> Result<(), Error> {
    let page = |limit| {
        let select = Select::Tag("status:paid".to_owned());
        Query { select, direction: Direction::Descending, after: None, limit }
    };
    let stream = format!("order/{id}");
    measure_read("a document", async || database.get("orders", id).await.map(drop)).await?;
    measure_read("a stream", async || database.load(&stream, 0).await.map(drop)).await?;
    measure_read("a page of 20", async || database.list("orders", page(20)).await.map(drop)).await?;
    measure_read("a page of 100", async || database.list("orders", page(100)).await.map(drop)).await?;
    measure_read("256 events", async || database.published(0, 256).await.map(drop)).await?;
    measure_read("1 event", async || database.published(0, 1).await.map(drop)).await
}

async fn measure_read(what: &str, read: impl AsyncFn() -> Result<(), baedal_kit::Failure>) -> Result<(), Error> {
    let begun = Instant::now();
    let mut latencies = Vec::new();
    while begun.elapsed() < WHILE / 8 {
        let begun = Instant::now();
        read().await?;
        latencies.push(begun.elapsed());
    }
    println!("  {what:>14}: {}", percentiles(&mut latencies));
    Ok(())
}

fn percentiles(latencies: &mut [Duration]) -> String {
    latencies.sort_unstable();
    let at = |part: f64| latencies[((latencies.len() - 1) as f64 * part) as usize];
    format!("p50 {:?}, p99 {:?}, most {:?}", at(0.5), at(0.99), at(1.0))
}

/// A new order, as it is committed.
fn order() -> Commit {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let customer = COUNT.fetch_add(1, Ordering::Relaxed) % 1000;
    let (id, now) = (Uuid::now_v7(), SystemClock.now());
    let origin = Arc::new(Origin {
        cause: Cause { kind: CauseKind::Request, id: Uuid::now_v7(), name: "POST /api/orders".to_owned() },
        actor: Some(id),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
    });
    let event = |kind, bytes| NewEvent {
        id: Uuid::now_v7(),
        kind,
        data: vec![b'x'; bytes],
        at: now,
        correlation: Some(id),
        command: "Place",
        origin: Arc::clone(&origin),
    };
    let mut job = Job::new("payment_window", id, now + jiff::SignedDuration::from_mins(10)).about(id);
    job.origin = Some((*origin).clone());
    Commit {
        appends: vec![Append {
            stream: format!("order/{id}"),
            expected_version: 0,
            events: vec![event("OrderPlaced", 700), event("OrderPaid", 200)],
        }],
        writes: vec![Write {
            view: "orders".to_owned(),
            id: id.to_string(),
            expected_version: Some(0),
            body: Some(vec![b'x'; 1200]),
            tags: vec![format!("customer:{customer}"), "status:paid".to_owned(), format!("store:{}", customer % 50)],
            left_tags: Vec::new(),
        }],
        jobs: vec![JobChange::Schedule(job)],
        ..Commit::default()
    }
}
