//! New identifiers, passed in, so that a simulated run can repeat itself.

use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

/// Gives new ids.
pub trait Ids: Send + Sync + 'static {
    /// An id nobody has: UUIDv7, later ones sorting after earlier ones.
    fn new_id(&self) -> Uuid;
}

/// Ids from the machine's clock and randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemIds;

impl Ids for SystemIds {
    fn new_id(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// Ids that count up, the same in every run.
#[derive(Debug, Default)]
pub struct CountingIds(AtomicU64);

impl Ids for CountingIds {
    fn new_id(&self) -> Uuid {
        let count = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        let mut random = [0; 10];
        random[2..].copy_from_slice(&count.to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(count, &random).into_uuid()
    }
}
