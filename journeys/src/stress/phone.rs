//! Somebody with a phone: asks again, at the other gateway, until somebody answers.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use baedal_client::{Client, Error, Session};
use tokio::time::Instant;

use super::platform::PASSWORD;

/// How long somebody looks at a phone that does not answer.
const PATIENCE: Duration = Duration::from_secs(4);
/// How soon somebody asks again, where the answer names no time.
const PACE: Duration = Duration::from_millis(250);

/// One in so many requests is sent by an impatient thumb: twice, at the same time, by both gateways.
const IMPATIENT: usize = 6;

/// Somebody, signed in at each gateway.
#[derive(Debug)]
pub(super) struct Phone {
    at: Vec<Session>,
    turn: AtomicUsize,
}

impl Phone {
    pub(super) fn of(at: Vec<Session>) -> Self {
        Self { at, turn: AtomicUsize::new(0) }
    }

    /// Signs somebody in at each gateway.
    pub(super) async fn sign_in(gateways: &[String], phone: &str) -> Result<Self, Error> {
        let mut at = Vec::new();
        for gateway in gateways {
            let client = Client::new(gateway);
            at.push(baedal_client::retrying(Duration::from_secs(30), || client.sign_in(phone, PASSWORD)).await?);
        }
        Ok(Self::of(at))
    }

    /// The session at one of the gateways.
    pub(super) fn here(&self) -> &Session {
        &self.at[self.turn.load(Ordering::Relaxed) % self.at.len()]
    }

    /// Asks until somebody answers, which may be a no. What is asked must be the same whenever it is asked.
    ///
    /// # Errors
    /// The no; or that nobody has answered until `over`.
    pub(super) async fn ask<T, Asked>(&self, over: Instant, call: impl Fn(Session) -> Asked) -> Result<T, Error>
    where
        Asked: Future<Output = Result<T, Error>>,
    {
        loop {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed);
            let (here, there) = (&self.at[turn % self.at.len()], &self.at[(turn + 1) % self.at.len()]);
            let first = tokio::time::timeout(PATIENCE, call(here.clone()));
            let asked = if turn.is_multiple_of(IMPATIENT) {
                let second = tokio::time::timeout(PATIENCE, call(there.clone()));
                let (first, second) = tokio::join!(first, second);
                // One answer is enough, whichever came.
                if matches!(first, Ok(Ok(_))) { first } else { second }
            } else {
                first.await
            };
            let error = match asked {
                Ok(Err(error)) if error.is_transient() => error,
                Ok(answer) => return answer,
                Err(_) => Error::NoAnswer { address: "a gateway".to_owned(), story: "it took too long".to_owned() },
            };
            let wait = error.retry_after().unwrap_or(PACE).min(PATIENCE);
            if Instant::now() + wait > over {
                return Err(error);
            }
            tokio::time::sleep(wait).await;
        }
    }
}
