//! The SQLite database passes the suite that every database passes.

use std::sync::Arc;

use baedal_kit::Database;
use baedal_kit_sqlite::SqliteDatabase;
use tempfile::TempDir;

async fn fresh() -> (Arc<dyn Database>, TempDir) {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let path = folder.path().join("order.db");
    let database = SqliteDatabase::open(&path, "order").unwrap_or_else(|error| panic!("{error}"));
    (Arc::new(database), folder)
}

baedal_kit::database_suite!(fresh);
