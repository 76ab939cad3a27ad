//! What streams and subjects are called, and what goes over them besides events.

use baedal_kit::epochs::Epoch;
use serde::{Deserialize, Serialize};

/// The stream that keeps a source's events.
pub(crate) fn stream(source: &str) -> String {
    format!("BAEDAL_{}", source.to_uppercase())
}

/// The subject of a source's events in a shard.
pub(crate) fn events(source: &str, shard: u16) -> String {
    format!("baedal.events.{source}.{shard}")
}

/// The subjects of all of a source's events.
pub(crate) fn all_events(source: &str) -> String {
    format!("baedal.events.{source}.*")
}

/// The shard that a subject of events is of.
pub(crate) fn shard(subject: &str) -> Option<u16> {
    subject.rsplit_once('.').and_then(|(_, shard)| shard.parse().ok())
}

/// The subject on which a relay says how far it is. Nothing is kept there.
pub(crate) fn heads(source: &str) -> String {
    format!("baedal.heads.{source}")
}

/// What the broker knows a message by; one that comes again within two minutes is dropped there. The same position of
/// another epoch is another event.
pub(crate) fn message_id(source: &str, position: u64, epoch: Epoch) -> String {
    format!("{source}-{position}-{}", epoch.0.simple())
}

/// How far a relay is: all of the journal up to `upto` is in the stream, and each shard's last event in it is
/// the one at its position here. So a consumer that has a shard's last one knows that it has all up to `upto`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Heads {
    pub(crate) upto: u64,
    pub(crate) shards: Vec<u64>,
    /// The epoch of the journal as it is now; a relay of a version before does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) epoch: Option<Epoch>,
}

#[cfg(test)]
mod tests;
