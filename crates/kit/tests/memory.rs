//! The memory database passes the suite that every database passes.

use std::sync::Arc;

use baedal_kit::Database;
use baedal_kit::database::memory::MemoryDatabase;

async fn fresh() -> (Arc<dyn Database>, ()) {
    (Arc::new(MemoryDatabase::default()), ())
}

baedal_kit::database_suite!(fresh);
