//! An event as it is kept, and as it travels; and where it came from.

use std::sync::Arc;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Failure;

/// What made something happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum CauseKind {
    /// A request from outside.
    Request,
    /// An event that a policy heard.
    Event,
    /// A job that was due.
    Job,
}

/// The one thing that directly made something happen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Cause {
    /// What kind of thing.
    pub kind: CauseKind,
    /// Which one.
    pub id: Uuid,
    /// What it is called: `POST /api/orders`, `OrderPaid`, `payment_expired`.
    pub name: String,
}

/// Where a change comes from; written with every event and carried by every job.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Origin {
    /// What directly made it happen.
    pub cause: Cause,
    /// The account that asked for it, where one did.
    pub actor: Option<Uuid>,
    /// W3C Trace Context of the request that everything began with.
    pub traceparent: Option<String>,
}

impl Origin {
    /// Our own housekeeping, of which nothing is recorded.
    #[must_use]
    pub fn none() -> Self {
        Self {
            cause: Cause { kind: CauseKind::Job, id: Uuid::nil(), name: String::new() },
            actor: None,
            traceparent: None,
        }
    }
}

/// An event as it stands in a journal.
#[derive(Clone, PartialEq, Debug)]
pub struct Recorded {
    /// Its place in the journal, from 1. Later commits have greater positions.
    pub position: u64,
    /// Its own id.
    pub id: Uuid,
    /// The aggregate it happened to, as `order/0198…`.
    pub stream: String,
    /// Its place in the stream, from 1.
    pub version: u64,
    /// What it is called, as `OrderPaid`.
    pub kind: String,
    /// The event itself, JSON.
    pub data: Vec<u8>,
    /// When it happened.
    pub at: Timestamp,
    /// The order it belongs to, where it belongs to one.
    pub correlation: Option<Uuid>,
    /// The command that was decided, as `Cancel`.
    pub command: String,
    /// Where it comes from.
    pub origin: Arc<Origin>,
}

impl Recorded {
    /// The part of the stream's name behind the first slash: the aggregate's id.
    #[must_use]
    pub fn stream_id(&self) -> &str {
        self.stream.split_once('/').map_or("", |(_, id)| id)
    }

    /// The event itself.
    ///
    /// # Errors
    /// [`Failure::Broken`] where it is not an `E`.
    pub fn read<E: DeserializeOwned>(&self) -> Result<E, Failure> {
        serde_json::from_slice(&self.data).map_err(|error| {
            Failure::broken_by(
                format!("event {} ({}) of {} cannot be read", self.position, self.kind, self.stream),
                error,
            )
        })
    }
}

/// A published event on its way from its source to whoever hears it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Envelope {
    /// The event's id; the same however often it is delivered.
    pub id: Uuid,
    /// The context that tells it.
    pub source: String,
    /// Its place in the source's journal.
    pub position: u64,
    /// The aggregate it happened to, as `order/0198…`.
    #[serde(default)]
    pub stream: String,
    /// What it is called, as `OrderPaid`.
    pub kind: String,
    /// When it happened.
    pub at: Timestamp,
    /// The order it belongs to, where it belongs to one.
    pub correlation: Option<Uuid>,
    /// The command that was decided.
    pub command: String,
    /// Where it comes from.
    pub origin: Arc<Origin>,
    /// The public event, JSON.
    pub data: Box<serde_json::value::RawValue>,
}

impl Envelope {
    /// The public event.
    ///
    /// # Errors
    /// [`Failure::Broken`] where it is not an `E`.
    pub fn read<E: DeserializeOwned>(&self) -> Result<E, Failure> {
        serde_json::from_str(self.data.get()).map_err(|error| {
            Failure::broken_by(format!("{} {} ({}) cannot be read", self.source, self.position, self.kind), error)
        })
    }

    /// The origin of whatever hearing this event makes happen.
    #[must_use]
    pub fn as_origin(&self) -> Origin {
        Origin {
            cause: Cause { kind: CauseKind::Event, id: self.id, name: self.kind.clone() },
            actor: self.origin.actor,
            traceparent: self.origin.traceparent.clone(),
        }
    }
}
