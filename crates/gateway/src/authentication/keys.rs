//! The public keys that tokens are checked with: fetched from identity at the start, now and then, and when an unknown
//! one is named; and kept for a while when identity does not answer.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use baedal_kit::Failure;
use baedal_kit::time::{self, Clock};
use baedal_kit_http::body::read_limited;
use baedal_kit_http::upstream::Upstream;
use http::StatusCode;
use jiff::SignedDuration;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, JwkSet};
use parking_lot::RwLock;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// The keys are fetched this often at the most, whatever keys are named: made-up names must not become
/// a flood of requests to identity.
const FETCH_EVERY: SignedDuration = SignedDuration::from_secs(2);
/// How often they are fetched although nobody names an unknown one: as long may a key that identity has withdrawn be
/// believed.
const REFRESH_EVERY: Duration = Duration::from_secs(60);
/// How long identity may take to answer.
const TIME_LIMIT: Duration = Duration::from_secs(5);

type Ring = HashMap<String, DecodingKey>;

/// The keys known.
pub(crate) struct Keys {
    identity: Option<Upstream>,
    clock: Arc<dyn Clock>,
    /// How long they are believed without a word from identity.
    kept_for: Duration,
    held: RwLock<Held>,
    /// Grows when they are others than before.
    generation: AtomicU64,
    /// When they were last fetched, or tried to be; held by whoever fetches them.
    fetched: Mutex<Option<time::Instant>>,
}

/// What identity said last.
#[derive(Default)]
struct Held {
    ring: Arc<Ring>,
    /// When it said so.
    since: Option<Instant>,
}

impl Keys {
    pub(crate) fn new(identity: Option<Upstream>, clock: Arc<dyn Clock>, kept_for: Duration) -> Self {
        let (held, generation, fetched) = Default::default();
        Self { identity, clock, kept_for, held, generation, fetched }
    }

    /// Fetches them now and then, for ever.
    pub(crate) async fn keep_fresh(self: Arc<Self>) {
        loop {
            if let Err(failure) = self.refresh().await {
                tracing::debug!(error = failure.report(), "the keys to check tokens with are as last known");
            }
            let wait = if self.are_here() { REFRESH_EVERY.min(self.kept_for / 3) } else { FETCH_EVERY.unsigned_abs() };
            tokio::time::sleep(wait).await;
        }
    }

    /// Whether there are keys that may still be believed, so that tokens can be checked while identity is away.
    pub(crate) fn are_here(&self) -> bool {
        !self.ring().is_empty()
    }

    /// Grows when the keys are others than before: what was found valid before may have been withdrawn.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The key of this name. All keys are replaced by what is fetched, so a key that identity no longer
    /// publishes is given up with the first token that another one signed, or with the next look.
    pub(super) async fn find(&self, kid: &str) -> Result<Option<DecodingKey>, Failure> {
        if let Some(key) = self.ring().get(kid) {
            return Ok(Some(key.clone()));
        }
        let mut fetched = self.fetched.lock().await;
        let ring = self.ring();
        let now = self.clock.monotonic();
        // Whoever waited for the lock may find what another has fetched meanwhile.
        let is_recent = fetched.is_some_and(|at| now.duration_since(at) < FETCH_EVERY);
        if is_recent && !ring.is_empty() || ring.contains_key(kid) {
            return Ok(ring.get(kid).cloned());
        }
        if is_recent {
            return Err(Failure::unavailable("the keys of identity", "they could not be had a moment ago"));
        }
        *fetched = Some(now);
        self.replace().await?;
        Ok(self.ring().get(kid).cloned())
    }

    async fn refresh(&self) -> Result<(), Failure> {
        let mut fetched = self.fetched.lock().await;
        let is_new = self.held.read().since.is_some_and(|since| {
            // Somebody who named one has fetched them a moment ago.
            since.elapsed() < FETCH_EVERY.unsigned_abs()
        });
        if is_new {
            return Ok(());
        }
        self.replace().await?;
        // Where that fails, whoever sends a token may try at once.
        *fetched = Some(self.clock.monotonic());
        Ok(())
    }

    /// Takes what identity says now.
    async fn replace(&self) -> Result<(), Failure> {
        let (before, new) = (self.ring(), Arc::new(self.fetch().await?));
        let is_same = before.len() == new.len() && before.keys().all(|kid| new.contains_key(kid));
        *self.held.write() = Held { ring: new, since: Some(Instant::now()) };
        if !is_same {
            self.generation.fetch_add(1, Ordering::AcqRel);
            tracing::info!("the keys to check tokens with are new");
        }
        Ok(())
    }

    /// Those that may still be believed.
    fn ring(&self) -> Arc<Ring> {
        let held = self.held.read();
        let is_believed = held.since.is_some_and(|since| since.elapsed() < self.kept_for);
        if is_believed { Arc::clone(&held.ring) } else { Arc::default() }
    }

    async fn fetch(&self) -> Result<Ring, Failure> {
        let unavailable = |why: String| Failure::unavailable("the keys of identity", why);
        let identity = self.identity.as_ref().ok_or_else(|| unavailable("identity is not there".to_owned()))?;
        let request = Request::get("/.well-known/jwks.json")
            .body(Body::empty())
            .map_err(|error| Failure::broken_by("the request for keys cannot be made", error))?;
        let response = tokio::time::timeout(TIME_LIMIT, identity.send(request))
            .await
            .map_err(|_| unavailable("no answer came in time".to_owned()))?;
        if response.status() != StatusCode::OK {
            return Err(unavailable(format!("the answer was {}", response.status())));
        }
        let bytes =
            read_limited(response.into_body()).await.map_err(|_| unavailable("it did not arrive".to_owned()))?;
        let set: JwkSet = serde_json::from_slice(&bytes).map_err(|error| unavailable(error.to_string()))?;
        Ok(set.keys.iter().filter_map(usable).collect())
    }
}

/// A key that we check tokens with: Ed25519, with a name. Others are left aside.
fn usable(jwk: &jsonwebtoken::jwk::Jwk) -> Option<(String, DecodingKey)> {
    match &jwk.algorithm {
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            Some((jwk.common.key_id.clone()?, DecodingKey::from_jwk(jwk).ok()?))
        }
        _ => None,
    }
}
