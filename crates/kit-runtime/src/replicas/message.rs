//! What the replicas of a context tell one another. All of it is said again, so that it may get lost.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::Service;

/// By consumer and source: how far each of some shards was heard.
pub(super) type Reached = HashMap<String, HashMap<String, Vec<(u16, u64)>>>;

/// Something said.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ReplicaMessage {
    /// Somebody has come; look.
    Here,
    /// This one leaves.
    Left(String),
    /// The speaker's shards were heard so far.
    Reached(Reached),
}

impl ReplicaMessage {
    pub(super) fn write(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }

    /// Nothing where a newer version says what we do not know.
    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// Learns how far others have heard. About our own shards nobody knows better than we.
pub(super) fn learn(service: &Service, reached: &Reached) {
    let share = service.share().borrow().clone();
    for (consumer, sources) in reached {
        let moves = sources.iter().flat_map(|(source, shards)| {
            shards.iter().map(move |(shard, position)| (source.as_str(), *shard, *position))
        });
        service.progress().learn(consumer, moves.filter(|(_, shard, _)| !share.shards.contains(shard)));
    }
}
