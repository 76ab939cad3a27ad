//! The read connections of a file, and where reads run.
//!
//! A read of one document or one stream takes 2 to 4 µs, and a page of twenty 20 µs, because what is read is
//! in memory almost always; to hand it to another thread and back takes 20 µs more. So it runs where it is
//! asked ([`Readers::read`]). What reads many rows runs on a thread made for waiting
//! ([`Readers::read_aside`]). The example `commits` measures both.

use std::sync::Arc;

use baedal_kit::Failure;
use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many read connections a file has: as many reads of it may run at the same time.
pub(crate) const CONNECTIONS: usize = 4;

pub(crate) struct Readers {
    context: &'static str,
    idle: Mutex<Vec<Connection>>,
    free: Arc<Semaphore>,
}

/// A connection in use. It goes back when this is dropped, also by a panic.
struct Lent {
    readers: Arc<Readers>,
    connection: Option<Connection>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.readers.idle.lock().extend(self.connection.take());
    }
}

impl Readers {
    pub(crate) fn new(context: &'static str, connections: Vec<Connection>) -> Self {
        Self { context, free: Arc::new(Semaphore::new(connections.len())), idle: Mutex::new(connections) }
    }

    async fn lend(self: &Arc<Self>) -> Result<Lent, Failure> {
        let permit = Arc::clone(&self.free).acquire_owned().await;
        let permit = permit.map_err(|closed| failure(self.context, closed))?;
        // There is one for every permit.
        let connection = self.idle.lock().pop();
        Ok(Lent { readers: Arc::clone(self), connection, _permit: permit })
    }

    /// Reads a little, at once.
    pub(crate) async fn read<T>(
        self: &Arc<Self>,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Failure> {
        self.lend().await?.run(work)
    }

    /// Reads much, on a thread made for waiting.
    pub(crate) async fn read_aside<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let lent = self.lend().await?;
        tokio::task::spawn_blocking(move || lent.run(work)).await.map_err(|error| failure(self.context, error))?
    }

    /// Gives back the memory of connections that nobody uses now.
    pub(crate) fn release_memory(&self) {
        for connection in self.idle.lock().iter() {
            let _ = connection.release_memory();
        }
    }
}

impl Lent {
    fn run<T>(self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Failure> {
        let context = self.readers.context;
        let connection = self.connection.as_ref().ok_or_else(|| failure(context, "it is closed"))?;
        work(connection).map_err(|error| read_failure(context, error))
    }
}

fn failure(context: &str, source: impl Into<baedal_kit::failure::BoxError>) -> Failure {
    Failure::unavailable(format!("the database of {context}"), source)
}

/// What is on the disk but cannot be what was written there is broken; all else may pass.
fn read_failure(context: &str, error: rusqlite::Error) -> Failure {
    use rusqlite::{Error, ErrorCode};
    let is_broken = match &error {
        Error::FromSqlConversionFailure(..) | Error::InvalidColumnType(..) | Error::IntegralValueOutOfRange(..) => true,
        other => matches!(other.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)),
    };
    if is_broken {
        Failure::broken_by(format!("the database of {context} is damaged"), error)
    } else {
        failure(context, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readers(count: usize) -> Arc<Readers> {
        let connections = (0..count).map(|_| Connection::open_in_memory().unwrap()).collect();
        Arc::new(Readers::new("test", connections))
    }

    fn one(connection: &Connection) -> rusqlite::Result<i64> {
        connection.query_row("SELECT 1", [], |row| row.get(0))
    }

    #[tokio::test]
    async fn more_reads_than_connections_wait_for_each_other() {
        let readers = readers(2);
        let mut reads = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let readers = Arc::clone(&readers);
            reads.spawn(async move { readers.read_aside(one).await.unwrap() });
        }
        assert_eq!(reads.join_all().await, [1; 50]);
        assert_eq!(readers.idle.lock().len(), 2);
    }

    #[tokio::test]
    async fn a_panic_gives_the_connection_back() {
        let readers = readers(1);
        for _ in 0..3 {
            let panicked = readers.read_aside(|_| -> rusqlite::Result<()> { panic!("on purpose") }).await;
            assert!(panicked.is_err());
        }
        assert_eq!(readers.read(one).await.unwrap(), 1);
    }
}
