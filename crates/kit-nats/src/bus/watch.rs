//! Hears how far a source's relay is, and asks the source itself where the relay says nothing.

use std::sync::Arc;
use std::time::Duration;

use async_nats::Subscriber;
use baedal_kit::Failure;
use baedal_kit::bus::Archive;
use futures::StreamExt;
use tokio::sync::watch;
use tokio::time::Instant;

use super::belief::Belief;
use super::source::Source;
use crate::names::{self, Heads};
use crate::{Nats, pause::Pause};

/// How soon after the start a source is first asked,
const FIRST: Duration = Duration::from_millis(300);
/// and how often while the broker does not bring what there is.
const WHILE_MISSING: Duration = Duration::from_millis(500);
/// How long a source may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// Watches one source.
pub(super) struct Watch {
    pub(super) source: Arc<Source>,
    pub(super) nats: Nats,
    pub(super) archive: Arc<dyn Archive>,
    pub(super) belief: Arc<Belief>,
    pub(super) heard: watch::Receiver<Arc<[u16]>>,
}

impl Watch {
    /// Watches for ever.
    pub(super) async fn run(self) {
        let mut pause = Pause::new();
        loop {
            match self.nats.client.subscribe(names::heads(self.source.name)).await {
                Ok(heads) => self.watch(heads).await,
                Err(error) => tracing::warn!(source = self.source.name, %error, "the relay's word cannot be heard"),
            }
            tokio::time::sleep(pause.next()).await;
        }
    }

    async fn watch(&self, mut heads: Subscriber) {
        let mut connections = self.nats.changes();
        let mut ask_at = Instant::now() + FIRST;
        let mut asked = Instant::now();
        let (mut is_missing, mut is_doubtful) = (false, false);
        loop {
            tokio::select! {
                said = heads.next() => match said {
                    Some(said) => self.hear(&said.payload).await,
                    None => return,
                },
                () = sleep_until(self.source.due()) => self.source.give_up_waiting(),
                _ = connections.changed() => {}
                () = self.source.doubt.notified() => is_doubtful = true,
                () = tokio::time::sleep_until(ask_at) => {
                    is_missing |= self.ask(is_doubtful).await;
                    (asked, is_doubtful) = (Instant::now(), false);
                }
            }
            let word = self.source.pulse().word;
            is_missing &= word < asked;
            ask_at = if is_missing || is_doubtful || !self.nats.is_connected() {
                asked + WHILE_MISSING
            } else {
                asked.max(word) + self.nats.settings.doubt_after.unsigned_abs()
            };
        }
    }

    async fn hear(&self, said: &[u8]) {
        match serde_json::from_slice::<Heads>(said) {
            Ok(heads) => {
                let believed = self.belief.upto(heads.upto).await;
                if heads.upto > believed {
                    self.source.disbelieve("heads", heads.upto, believed);
                    return;
                }
                self.source.claimed(&heads, &self.heard.borrow());
            }
            Err(error) => tracing::warn!(source = self.source.name, %error, "the relay's word cannot be read"),
        }
    }

    /// Asks the source how far it is, and which journal it is. Whether it is further than the broker said.
    async fn ask(&self, is_doubtful: bool) -> bool {
        let failure = match tokio::time::timeout(ANSWER_LIMIT, self.archive.extent(self.source.name)).await {
            Ok(Ok(extent)) => {
                self.source.know(&extent);
                return self.source.told(extent.head, &self.heard.borrow());
            }
            Ok(Err(failure)) => failure,
            Err(late) => Failure::unavailable(format!("the journal of {}", self.source.name), late),
        };
        tracing::debug!(source = self.source.name, error = failure.report(), "the source does not say how far it is");
        if (is_doubtful || self.source.epochs().is_empty())
            && let Err(failure) = self.source.ask_stream(&self.nats).await
        {
            tracing::debug!(
                source = self.source.name,
                error = failure.report(),
                "nor does its stream say what it is of"
            );
        }
        false
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
