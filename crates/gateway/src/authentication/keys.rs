//! The public keys that tokens are checked with, fetched from identity when an unknown one is named.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use baedal_kit::Failure;
use baedal_kit::http::body::read_limited;
use baedal_kit::time::{Clock, Instant};
use baedal_kit::upstream::Upstream;
use http::StatusCode;
use jiff::SignedDuration;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, JwkSet};
use tokio::sync::Mutex;

/// The keys are fetched this often at the most, whatever keys are named: made-up names must not become
/// a flood of requests to identity.
const FETCH_EVERY: SignedDuration = SignedDuration::from_secs(2);
/// How long identity may take to answer.
const TIME_LIMIT: Duration = Duration::from_secs(5);

type Ring = HashMap<String, DecodingKey>;

/// The keys known.
pub(super) struct Keys {
    identity: Option<Upstream>,
    clock: Arc<dyn Clock>,
    ring: RwLock<Arc<Ring>>,
    /// When they were last fetched, or tried to be; held by whoever fetches them.
    fetched: Mutex<Option<Instant>>,
}

/// What came of looking for a key.
pub(super) enum Found {
    /// The key, or that there is none of that name.
    Key(Option<DecodingKey>),
    /// The same, and the keys are others than before.
    NewKeys(Option<DecodingKey>),
}

impl Keys {
    pub(super) fn new(identity: Option<Upstream>, clock: Arc<dyn Clock>) -> Self {
        Self { identity, clock, ring: RwLock::default(), fetched: Mutex::default() }
    }

    /// The key of this name. All keys are replaced by what is fetched, so a key that identity no longer
    /// publishes is given up with the first token that another one signed.
    pub(super) async fn find(&self, kid: &str) -> Result<Found, Failure> {
        if let Some(key) = self.ring().get(kid) {
            return Ok(Found::Key(Some(key.clone())));
        }
        let mut fetched = self.fetched.lock().await;
        let ring = self.ring();
        let now = self.clock.monotonic();
        // Whoever waited for the lock may find what another has fetched meanwhile.
        let is_recent = fetched.is_some_and(|at| now.duration_since(at) < FETCH_EVERY);
        if is_recent && !ring.is_empty() || ring.contains_key(kid) {
            return Ok(Found::Key(ring.get(kid).cloned()));
        }
        if is_recent {
            return Err(Failure::unavailable("the keys of identity", "they could not be had a moment ago"));
        }
        *fetched = Some(now);
        let new = Arc::new(self.fetch().await?);
        let key = new.get(kid).cloned();
        let is_same = ring.len() == new.len() && ring.keys().all(|kid| new.contains_key(kid));
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = new;
        tracing::info!("fetched the keys to check tokens with");
        Ok(if is_same { Found::Key(key) } else { Found::NewKeys(key) })
    }

    fn ring(&self) -> Arc<Ring> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
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
