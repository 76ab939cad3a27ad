//! A context's journal over HTTP: what other services ask for when the broker did not bring it.
//!
//! Internal routes at the source, and the [`Archive`] that asks them.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use baedal_kit::bus::{Archive, Batch, journal_path};
use baedal_kit::epochs::Extent;
use baedal_kit::{Bus, Failure};
use baedal_kit_runtime::JournalBus;
use http_body_util::{BodyExt, Limited};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::problem::{MALFORMED, Problem};
use super::{Path, Query};
use crate::upstream::Upstream;

/// The most positions of a journal that are told at once.
const MOST: usize = 512;
/// The most that an answer may hold, in bytes.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

#[derive(Clone)]
struct Source {
    name: &'static str,
    journal: Arc<JournalBus>,
}

/// The routes of a source's journal.
pub fn routes(name: &'static str, journal: Arc<JournalBus>) -> axum::Router {
    axum::Router::new()
        .route("/internal/journal/{shard}", axum::routing::get(stretch))
        .route("/internal/journal", axum::routing::get(extent))
        .with_state(Source { name, journal })
}

/// Which stretch of a shard.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stretch {
    /// How many shards the asker knows: it must be as many as we have.
    shards: u16,
    after: u64,
    limit: usize,
}

async fn stretch(
    State(Source { name, journal }): State<Source>,
    Path(shard): Path<u16>,
    Query(Stretch { shards, after, limit }): Query<Stretch>,
) -> Result<Json<Batch>, Problem> {
    if shards != Bus::shards(&*journal) {
        let ours = Bus::shards(&*journal);
        let wrong = format!("events are cut into {ours} shards here and {shards} there: set the same everywhere");
        return Err(Problem::new(&MALFORMED, wrong));
    }
    Ok(Json(Bus::read(&*journal, name, shard, after, limit.min(MOST)).await?))
}

async fn extent(State(Source { name, journal }): State<Source>) -> Result<Json<Extent>, Problem> {
    Ok(Json(journal.extent(name).await?))
}

/// The journals of the sources, wherever they run.
pub struct PeerJournals {
    /// How many shards events are cut into.
    pub shards: u16,
    /// Each source's interface.
    pub sources: HashMap<&'static str, Upstream>,
}

#[async_trait]
impl Archive for PeerJournals {
    async fn read(&self, source: &str, shard: u16, after: u64, limit: usize) -> Result<Batch, Failure> {
        self.ask(source, journal_path(shard, self.shards, after, limit)).await
    }

    async fn extent(&self, source: &str) -> Result<Extent, Failure> {
        self.ask(source, "/internal/journal".to_owned()).await
    }
}

impl PeerJournals {
    async fn ask<T: DeserializeOwned>(&self, source: &str, path: String) -> Result<T, Failure> {
        let what = || format!("the journal of {source}");
        let upstream = self.sources.get(source).ok_or_else(|| Failure::broken(format!("{} is nowhere", what())))?;
        let request = Request::get(path).body(Body::empty()).map_err(|error| Failure::broken_by(what(), error))?;
        let response = upstream.send(request).await;
        let status = response.status();
        let body = Limited::new(response.into_body(), LARGEST_ANSWER).collect().await;
        let body = body.map_err(|error| Failure::unavailable(what(), error))?.to_bytes();
        if !status.is_success() {
            let said = String::from_utf8_lossy(&body).into_owned();
            return Err(Failure::unavailable(what(), format!("it answered {status}: {said}")));
        }
        serde_json::from_slice(&body).map_err(|error| Failure::broken_by(what(), error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use baedal_kit::Database;
    use baedal_kit::bus::{Public, publish_with};
    use baedal_kit::database::memory::MemoryDatabase;
    use baedal_kit::database::suite::{appending, committed};
    use baedal_kit::message::Recorded;

    #[derive(Serialize, Deserialize, strum::IntoStaticStr)]
    enum Event {
        Told,
        Kept,
    }

    fn publish(recorded: &Recorded) -> Result<Option<Public>, Failure> {
        if recorded.kind == "Kept" {
            return Ok(None);
        }
        publish_with(recorded, |_: serde_json::Value| Ok(Some(Event::Told)))
    }

    async fn asked(shards_there: u16) -> (PeerJournals, Arc<JournalBus>) {
        let database: Arc<dyn Database> = Arc::new(MemoryDatabase::default());
        for id in 0..40 {
            committed(&database, appending(&format!("order/{id}"), 0, &["Told", "Kept"])).await;
        }
        let journal = Arc::new(JournalBus::sharded(4).with("order", database, publish));
        let upstream = Upstream::local(routes("order", Arc::clone(&journal)));
        (PeerJournals { shards: shards_there, sources: [("order", upstream)].into() }, journal)
    }

    #[tokio::test]
    async fn a_journal_told_over_http_is_the_journal() {
        let (peers, journal) = asked(4).await;
        let extent = peers.extent("order").await.expect("its extent");
        assert_eq!((extent.head, Some(&extent)), (80, journal.extent("order").await.ok().as_ref()));
        let mut heard = 0;
        for shard in 0..4 {
            let told = peers.read("order", shard, 7, 512).await.expect("a stretch");
            let own = Bus::read(&*journal, "order", shard, 7, 512).await.expect("a stretch");
            assert_eq!(serde_json::to_value(&told).ok(), serde_json::to_value(&own).ok());
            assert_eq!(told.upto, 80);
            heard += told.envelopes.len();
        }
        assert_eq!(heard, 36);
    }

    #[tokio::test]
    async fn who_cuts_events_into_other_shards_is_told_so() {
        let (peers, _) = asked(8).await;
        let failure = peers.read("order", 0, 0, 10).await.expect_err("a refusal");
        assert!(failure.report().contains("cut into 4 shards here and 8 there"), "{}", failure.report());
        assert!(peers.read("nowhere", 0, 0, 10).await.is_err());
    }
}
