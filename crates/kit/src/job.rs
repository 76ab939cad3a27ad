//! Durable work for later: what is to be done, about what, and when.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Failure;
use crate::database::{JobChange, LeasedJob};
use crate::message::Origin;

/// Work for later.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Job {
    /// What to do, as `payment_window`.
    pub kind: String,
    /// For what. Scheduling the same kind and key again replaces the job.
    pub key: String,
    /// When it is due.
    pub run_at: Timestamp,
    /// What it needs to know, JSON.
    pub payload: serde_json::Value,
    /// How often it was begun.
    pub attempt: u32,
    /// The order it belongs to.
    pub correlation: Option<Uuid>,
    /// Where it comes from; filled in by the unit of work that schedules it.
    pub origin: Option<Origin>,
}

impl Job {
    /// A job without anything more to know.
    #[must_use]
    pub fn new(kind: &'static str, key: impl ToString, run_at: Timestamp) -> Self {
        Self {
            kind: kind.to_owned(),
            key: key.to_string(),
            run_at,
            payload: serde_json::Value::Null,
            attempt: 0,
            correlation: None,
            origin: None,
        }
    }

    /// With what it needs to know.
    ///
    /// # Panics
    /// Never for types that JSON can hold: structs, enums, maps with text keys.
    #[must_use]
    pub fn with(mut self, payload: &impl Serialize) -> Self {
        #[expect(clippy::expect_used, reason = "our own payload types have text keys only, which JSON holds")]
        let payload = serde_json::to_value(payload).expect("a payload that JSON can hold");
        self.payload = payload;
        self
    }

    /// With the order it belongs to.
    #[must_use]
    pub fn about(mut self, order: Uuid) -> Self {
        self.correlation = Some(order);
        self
    }

    /// What it needs to know.
    ///
    /// # Errors
    /// [`Failure::Broken`] where it is not a `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        T::deserialize(&self.payload)
            .map_err(|error| Failure::broken_by(format!("job {} {} cannot be read", self.kind, self.key), error))
    }
}

impl From<Job> for JobChange {
    fn from(job: Job) -> Self {
        Self::Schedule(job)
    }
}

impl JobChange {
    /// The kind and the key of the job that it is about.
    #[must_use]
    pub fn subject(&self) -> (&str, &str) {
        match self {
            Self::Schedule(job) | Self::Take { leased: LeasedJob { job, .. }, .. } => (&job.kind, &job.key),
            Self::Unschedule { kind, key } | Self::Redrive { kind, key, .. } => (kind, key),
            Self::Finish(lease) | Self::Retry { lease, .. } | Self::Bury { lease, .. } => (&lease.kind, &lease.key),
        }
    }

    /// There is no such job any more.
    #[must_use]
    pub fn unschedule(kind: &'static str, key: impl ToString) -> Self {
        Self::Unschedule { kind: kind.to_owned(), key: key.to_string() }
    }
}
