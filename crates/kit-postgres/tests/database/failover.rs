//! A standby that takes over: no session stays behind, and nothing is ever read from a server that may not know all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use baedal_kit::Failure;
use baedal_kit::database::Database;
use baedal_kit_postgres::{PostgresDatabase, Settings};
use baedal_servers::{Postgres, testing};
use jiff::SignedDuration;
use sqlx::Row;
use tokio::net::{TcpListener, TcpStream};

use crate::world::{appending, comes, committed, connect, put, run, settings, until};

/// A server and its standby.
struct Pair {
    primary: Postgres,
    standby: Postgres,
}

impl Pair {
    fn start() -> Self {
        let primary = Postgres::start(testing::programs(), &std::env::temp_dir()).unwrap();
        primary.create_database("order").unwrap();
        let standby = primary.start_standby(testing::programs(), &std::env::temp_dir()).unwrap();
        Self { primary, standby }
    }

    /// The standby takes over, and what was the primary comes back as its standby.
    fn switch_over(&mut self) {
        self.primary.stop().unwrap();
        self.standby.promote().unwrap();
        self.primary.follow(&self.standby).unwrap();
        std::mem::swap(&mut self.primary, &mut self.standby);
        self.standby.start_again().unwrap();
    }

    /// An address that names both.
    fn both(&self) -> String {
        let [one, other] = [self.primary.port(), self.standby.port()];
        format!("postgres://baedal@127.0.0.1:{one},127.0.0.1:{other}/order")
    }
}

fn soon(url: String) -> Settings {
    let second = SignedDuration::from_secs(2);
    Settings { connect_time_limit: second, statement_time_limit: second, ..settings(url) }
}

async fn open(url: String) -> Arc<PostgresDatabase> {
    Arc::new(PostgresDatabase::open("order", &soon(url)).await.unwrap())
}

/// Many reads at the same time, so that every connection is used. None may miss what was committed.
async fn everybody_reads(database: &Arc<PostgresDatabase>, stream: &'static str, events: usize) -> Result<(), Failure> {
    let mut reads = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let database = Arc::clone(database);
        reads.spawn(async move { database.load(stream, 0).await });
    }
    for read in reads.join_all().await {
        assert_eq!(read?.len(), events, "a reader was told what is not so any more");
    }
    Ok(())
}

/// A name that stands for one server after the other, as a cluster's service does: new connections go to the one it
/// stands for, those that are open stay where they are.
struct Name {
    port: u16,
    stands_for: Arc<AtomicU16>,
}

impl Name {
    async fn of(server: &Postgres) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let stands_for = Arc::new(AtomicU16::new(server.port()));
        let meant = Arc::clone(&stands_for);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let there = ("127.0.0.1", meant.load(Ordering::SeqCst));
                tokio::spawn(async move {
                    let Ok(mut far) = TcpStream::connect(there).await else { return };
                    // Where either ends, so does the other.
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
        Self { port, stands_for }
    }

    fn url(&self) -> String {
        format!("postgres://baedal@127.0.0.1:{}/order", self.port)
    }

    fn stand_for(&self, server: &Postgres) {
        self.stands_for.store(server.port(), Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_is_never_read_from_also_while_the_name_still_stands_for_it() {
    let mut servers = Pair::start();
    let name = Name::of(&servers.primary).await;
    let (one, other) = (open(name.url()).await, open(name.url()).await);
    committed(&*one, appending("order/a", 0)).await;
    everybody_reads(&one, "order/a", 1).await.unwrap();
    everybody_reads(&other, "order/a", 1).await.unwrap();

    // The name still stands for what is a standby now, and lags behind for ever.
    servers.switch_over();
    run(&mut connect(&servers.standby.url("postgres")).await, "SELECT pg_wal_replay_pause()").await;
    let direct = open(servers.primary.url("order")).await;
    committed(&*direct, appending("order/a", 1)).await;
    for database in [&one, &other] {
        // First the sessions of before end.
        until(async || {
            let Err(failure) = everybody_reads(database, "order/a", 2).await else { panic!("a standby was read") };
            assert!(failure.is_transient(), "{}", failure.report());
            failure.report().contains("standby")
        })
        .await;
        let failure = comes(database.commit(appending("order/b", 0))).await.unwrap_err();
        assert!(failure.is_transient(), "{}", failure.report());
        assert!(comes(database.ping()).await.is_err());
    }

    name.stand_for(&servers.primary);
    for database in [&one, &other] {
        until(async || database.ping().await.is_ok()).await;
        everybody_reads(database, "order/a", 2).await.unwrap();
    }
    until(async || one.commit(put("back", &[])).await.is_ok()).await;
    // Also what they tell one another goes over the new one.
    let mut document = other.feeds().subscribe(baedal_kit::feeds::document_key("orders", "a"));
    until(async || {
        committed(&*one, put("a", &[])).await;
        tokio::time::timeout(std::time::Duration::from_millis(100), document.changed()).await.is_ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_servers_the_one_that_takes_writes_is_found_after_each_switch() {
    let mut servers = Pair::start();
    let database = open(servers.both()).await;
    let late = servers.both();
    for version in 0..3 {
        until(async || database.ping().await.is_ok()).await;
        until(async || {
            let outcome = database.commit(appending("order/a", version)).await;
            // Nobody knows of one that was on its way; the next look tells.
            outcome.is_ok() || database.load("order/a", version).await.is_ok_and(|events| events.len() == 1)
        })
        .await;
        everybody_reads(&database, "order/a", version as usize + 1).await.unwrap();
        servers.primary.has_told(&servers.standby).unwrap();
        servers.switch_over();
    }
    // Whoever comes only now finds it wherever it stands in the address.
    everybody_reads(&open(late).await, "order/a", 3).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_alone_is_not_opened_and_one_that_is_killed_is_done_without() {
    let mut servers = Pair::start();
    committed(&*open(servers.primary.url("order")).await, appending("order/a", 0)).await;
    servers.primary.has_told(&servers.standby).unwrap();
    let Err(refused) = PostgresDatabase::open("order", &soon(servers.standby.url("order"))).await else {
        panic!("a standby was opened")
    };
    assert!(refused.is_transient() && refused.to_string().contains("standby"), "{refused}");

    let database = open(servers.both()).await;
    servers.primary.kill().unwrap();
    servers.standby.promote().unwrap();
    until(async || database.ping().await.is_ok()).await;
    everybody_reads(&database, "order/a", 1).await.unwrap();
    until(async || database.commit(appending("order/b", 0)).await.is_ok()).await;
}

/// The sessions of a context at a server, by the number of their processes there.
async fn sessions(url: &str) -> Vec<i32> {
    let sessions = "SELECT pid FROM pg_stat_activity WHERE application_name = 'baedal order'
                        AND datname = current_database() ORDER BY pid";
    let rows = sqlx::query(sessions).fetch_all(&mut connect(url).await).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_session_lives_longer_than_it_may() {
    let url = testing::fresh_database("failover");
    let lifetime = SignedDuration::from_millis(200);
    let settings = Settings { connection_lifetime: lifetime, ..soon(url.clone()) };
    let database = Arc::new(PostgresDatabase::open("order", &settings).await.unwrap());
    committed(&*database, appending("order/a", 0)).await;
    everybody_reads(&database, "order/a", 1).await.unwrap();
    let first = sessions(&url).await;
    assert!(first.len() >= 3, "{first:?}");
    // The one that writes, the one that listens, and those that read.
    until(async || {
        everybody_reads(&database, "order/a", 1).await.unwrap();
        committed(&*database, put("a", &[])).await;
        sessions(&url).await.iter().all(|session| !first.contains(session))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_may_not_write_any_more_makes_every_session_suspect() {
    let url = testing::fresh_database("failover");
    let database = open(url.clone()).await;
    committed(&*database, appending("order/a", 0)).await;
    everybody_reads(&database, "order/a", 1).await.unwrap();
    let first = sessions(&url).await;
    let mut raw = connect(&url).await;
    // As a server says it that was made read-only under us.
    run(
        &mut raw,
        "CREATE FUNCTION baedal.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN RAISE EXCEPTION 'read-only' USING ERRCODE = '25006'; END $$;
         CREATE TRIGGER refuse BEFORE INSERT ON baedal.journal EXECUTE FUNCTION baedal.refuse()",
    )
    .await;
    let failure = database.commit(appending("order/a", 1)).await.unwrap_err();
    assert!(failure.is_transient(), "{}", failure.report());
    run(&mut raw, "DROP TRIGGER refuse ON baedal.journal").await;
    everybody_reads(&database, "order/a", 1).await.unwrap();
    committed(&*database, appending("order/a", 1)).await;
    until(async || {
        let now = sessions(&url).await;
        // But for the one that listens, which asks the server every second.
        now.iter().filter(|session| first.contains(session)).count() <= 1
    })
    .await;
}
