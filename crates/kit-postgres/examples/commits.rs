//! How fast commits and reads are here, beside plain inserts of rows, each durable for itself:
//! `cargo run --release -p baedal-kit-postgres --example commits [postgres://…]`.
//!
//! A commit is what accepting an order is: two events, a document with three tags, and a job. The address is that
//! of an empty database; without one, a server is started for the while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use baedal_kit::database::{Append, Commit, Database, Direction, JobChange, NewEvent, Outcome, Query, Select, Write};
use baedal_kit::time::{Clock, SystemClock};
use baedal_kit::{Cause, CauseKind, Job, Origin};
use baedal_kit_postgres::{PostgresDatabase, Settings};
use baedal_servers::testing;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

/// How long each measurement takes.
const WHILE: Duration = Duration::from_secs(4);
/// Rows that a commit writes: events, document, tags, job.
const ROWS: u64 = 2 + 1 + 3 + 1;

type Error = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let url = std::env::args().nth(1).unwrap_or_else(|| testing::fresh_database("commits"));
    for connections in [1, 8, 64] {
        inserts(&url, connections).await?;
    }
    let settings = Settings { url: Some(url.into()), ..Settings::default() };
    let database = Arc::new(PostgresDatabase::open("order", &settings).await?);
    for committers in [1, 8, 64, 256] {
        commits(&database, committers).await?;
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
    Ok(())
}

/// Rows of 700 bytes, one by one on each connection.
async fn inserts(url: &str, connections: usize) -> Result<(), Error> {
    let mut connection = PgConnection::connect(url).await?;
    let table = "CREATE TABLE IF NOT EXISTS plain (id uuid PRIMARY KEY, data text NOT NULL)";
    sqlx::query(table).execute(&mut connection).await?;
    let mut opened = Vec::new();
    for _ in 0..connections {
        opened.push(PgConnection::connect(url).await?);
    }
    let begun = Instant::now();
    let tasks = opened.into_iter().map(|mut connection| {
        tokio::spawn(async move {
            let mut latencies = Vec::new();
            while begun.elapsed() < WHILE {
                let begun = Instant::now();
                let insert = sqlx::query("INSERT INTO plain (id, data) VALUES ($1, $2)");
                insert.bind(Uuid::now_v7()).bind("x".repeat(700)).execute(&mut connection).await?;
                latencies.push(begun.elapsed());
            }
            Ok::<_, Error>(latencies)
        })
    });
    let (rate, said) = summary(tasks.collect(), begun).await?;
    println!("{connections:>3} connections: {rate:>7.0} rows/s, one by one, {said}");
    Ok(())
}

async fn commits(database: &Arc<PostgresDatabase>, committers: usize) -> Result<(), Error> {
    let begun = Instant::now();
    let tasks = (0..committers).map(|_| {
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
    });
    let (rate, said) = summary(tasks.collect(), begun).await?;
    println!("{committers:>3} committers: {rate:>7.0} commits/s, {:>7.0} rows/s, {said}", rate * ROWS as f64);
    Ok(())
}

type Measuring = tokio::task::JoinHandle<Result<Vec<Duration>, Error>>;

/// How many there were in a second, and how long each took.
async fn summary(tasks: Vec<Measuring>, begun: Instant) -> Result<(f64, String), Error> {
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await??);
    }
    let rate = latencies.len() as f64 / begun.elapsed().as_secs_f64();
    Ok((rate, percentiles(&mut latencies)))
}

async fn reads(database: &Arc<PostgresDatabase>, id: &str) -> Result<(), Error> {
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
    measure_read("1 event", async || database.published(0, 1).await.map(drop)).await?;
    measure_read("what is due", async || database.next_due().await.map(drop)).await
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
