//! The PostgreSQL database passes the suite that every database passes.

use std::sync::Arc;

use baedal_kit::Database;
use baedal_kit_postgres::{PostgresDatabase, Settings};
use baedal_servers::testing;

async fn fresh() -> (Arc<dyn Database>, ()) {
    let settings = Settings { url: Some(testing::fresh_database("suite").into()), ..Settings::default() };
    let database = PostgresDatabase::open("order", &settings).await.unwrap_or_else(|error| panic!("{error}"));
    (Arc::new(database), ())
}

baedal_kit::database_suite!(fresh);
