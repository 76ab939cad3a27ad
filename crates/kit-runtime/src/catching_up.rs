//! Catching up: before something is decided that cannot be undone, a context handles what the others had published.
//!
//! What happened first counts first: a rider's word that came while we were down must not lose against a deadline that
//! passed meanwhile. So a deadline waits for the policies; where a source does not say how far it is, it is put off.

use std::collections::BTreeSet;
use std::time::Duration;

use baedal_kit::Failure;
use futures::future::try_join_all;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::Service;
use crate::progress::Positions;

/// How long is waited for the policies, at the most.
const PATIENCE: Duration = Duration::from_secs(5);

/// A policy's name, and its sources.
type Policy = (&'static str, &'static [&'static str]);

/// What catching up needs to know.
#[derive(Default)]
pub(crate) struct CatchingUp {
    policies: Mutex<Vec<Policy>>,
    /// When the last one began and what came of it: those who asked before then need no other.
    last: tokio::sync::Mutex<Option<(Instant, Result<(), String>)>>,
}

impl CatchingUp {
    /// This policy runs here.
    pub(crate) fn follows(&self, policy: Policy) {
        self.policies.lock().push(policy);
    }

    fn policies(&self) -> Vec<Policy> {
        self.policies.lock().clone()
    }
}

impl Service {
    /// Returns when the policies of this context, on whichever replica, have handled all that their sources had
    /// published when it was called.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] where a source does not say how far it is, or the policies need longer than five
    /// seconds.
    pub async fn catch_up_policies(&self) -> Result<(), Failure> {
        let asked = Instant::now();
        let mut last = self.catching_up().last.lock().await;
        if last.as_ref().is_none_or(|(began, _)| *began < asked) {
            let began = Instant::now();
            *last = Some((began, self.handle_all().await.map_err(|failure| failure.report())));
        }
        let outcome = last.as_ref().map_or(Ok(()), |(_, outcome)| outcome.clone());
        outcome.map_err(|why| Failure::unavailable("what the other contexts published", why))
    }

    async fn handle_all(&self) -> Result<(), Failure> {
        let policies = self.catching_up().policies();
        let sources: BTreeSet<&str> = policies.iter().flat_map(|(_, sources)| sources.iter().copied()).collect();
        let heads = sources.into_iter().map(async |source| {
            let head = self.bus().look_at_head(source);
            let head = tokio::time::timeout(PATIENCE, head).await;
            let head = head.map_err(|elapsed| Failure::unavailable(format!("the journal of {source}"), elapsed))??;
            Ok::<_, Failure>((source.to_owned(), head))
        });
        let heads: Positions = try_join_all(heads).await?.into_iter().collect();
        let deadline = Instant::now() + PATIENCE;
        for (policy, _) in policies {
            let left = deadline.saturating_duration_since(Instant::now());
            if !self.reached(policy, &heads, left).await {
                let late = format!("{policy} has not handled all of it yet");
                return Err(Failure::unavailable("the policies", late));
            }
        }
        Ok(())
    }
}
