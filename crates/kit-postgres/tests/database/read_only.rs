//! A database that answers and takes nothing is not well, whoever asks and however quiet it is.

use baedal_kit::database::Database;
use baedal_kit_postgres::PostgresDatabase;
use baedal_servers::testing;
use sqlx::PgConnection;

use crate::world::{committed, connect, open, put, until};

/// A database, as a clerk sees it who is no superuser, so that something can be forbidden him.
struct Clerks {
    url: String,
    clerk: String,
    superuser: PgConnection,
}

impl Clerks {
    async fn new() -> Self {
        let url = testing::fresh_database("read_only");
        let mut superuser = connect(&url).await;
        let database: String = sqlx::query_scalar("SELECT current_database()").fetch_one(&mut superuser).await.unwrap();
        let clerk = format!("clerk_of_{database}");
        let (scheme, address) = url.split_once("://").unwrap();
        let server = address.split_once('@').map_or(address, |(_, server)| server);
        let clerks_url = format!("{scheme}://{clerk}@{server}");
        let mut clerks = Self { url: clerks_url, clerk, superuser };
        clerks.run("CREATE ROLE CLERK LOGIN").await;
        clerks.run(&format!("GRANT ALL ON DATABASE \"{database}\" TO CLERK")).await;
        clerks
    }

    async fn run(&mut self, sql: &str) {
        let sql = sql.replace("CLERK", &format!("\"{}\"", self.clerk));
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut self.superuser).await.unwrap();
    }

    /// From now on the clerk may read, and nothing else.
    async fn forbid(&mut self) {
        self.run("REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA baedal FROM CLERK").await;
    }

    async fn allow(&mut self) {
        self.run("GRANT INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA baedal TO CLERK").await;
    }
}

async fn is_well(database: &PostgresDatabase) -> bool {
    database.ping().await.is_ok()
}

#[tokio::test]
async fn a_database_that_has_become_read_only_is_not_well_until_it_takes_something_again() {
    let mut clerks = Clerks::new().await;
    let database = open(&clerks.url).await;
    committed(&*database, put("a", &[])).await;
    assert!(is_well(&database).await);

    clerks.forbid().await;
    assert!(database.commit(put("b", &[])).await.is_err());
    let why = database.ping().await.unwrap_err();
    assert!(why.is_transient() && why.report().contains("permission denied"), "{}", why.report());
    assert!(database.get("orders", "a").await.unwrap().is_some(), "it can be read");

    clerks.allow().await;
    until(async || is_well(&database).await).await;
    committed(&*database, put("b", &[])).await;
}

#[tokio::test]
async fn a_replica_that_begins_on_a_read_only_database_says_so_before_anything_was_written() {
    let mut clerks = Clerks::new().await;
    let first = open(&clerks.url).await;
    committed(&*first, put("a", &[])).await;
    let late = open(&clerks.url).await;
    clerks.forbid().await;
    let why = late.ping().await.unwrap_err();
    assert!(why.report().contains("permission denied"), "{}", why.report());
    assert!(late.get("orders", "a").await.unwrap().is_some(), "it can be read");
    clerks.allow().await;
    until(async || is_well(&late).await).await;
}
