//! From a bearer token to the account it stands for, and the account's role.

pub(crate) mod keys;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use baedal_contracts::identity::{Claims, TOKEN_AUDIENCE, TOKEN_ISSUER};
use baedal_kit::time::Clock;
use baedal_kit_http::problem::{UNAUTHENTICATED, UNAVAILABLE};
use baedal_kit_http::{Caller, Problem};
use http::{HeaderMap, HeaderValue, header};
use jsonwebtoken::{Algorithm, Validation};
use lru::LruCache;
use parking_lot::{Mutex, MutexGuard};
use serde::Deserialize;

use self::keys::Keys;

/// The longest token that is looked at; ours have about 400 characters.
const LONGEST_TOKEN: usize = 4096;

/// Checks tokens.
pub(crate) struct Authentication {
    keys: Arc<Keys>,
    validation: Validation,
    clock: Arc<dyn Clock>,
    verified: Mutex<Remembered>,
}

/// Tokens found valid, until they expire.
struct Remembered {
    /// The keys they were checked with.
    generation: u64,
    tokens: LruCache<String, Verified>,
}

/// Who a valid token stands for.
#[derive(Clone, Copy)]
pub(crate) struct Verified {
    pub(crate) caller: Caller,
    /// When it runs out, in seconds since 1970.
    pub(crate) exp: i64,
}

/// What a token says. Ours say nothing of `nbf`, which is honoured all the same (RFC 7519, 4.1.5).
#[derive(Deserialize)]
struct Said {
    #[serde(flatten)]
    claims: Claims,
    /// Before when it is not valid, in seconds since 1970.
    #[serde(default)]
    nbf: Option<i64>,
}

impl Authentication {
    pub(crate) fn new(keys: Arc<Keys>, clock: Arc<dyn Clock>, remembered: u32) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[TOKEN_ISSUER]);
        validation.set_audience(&[TOKEN_AUDIENCE]);
        // Judged below, by the platform's clock instead of the machine's.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let remembered = usize::try_from(remembered).ok().and_then(NonZeroUsize::new).unwrap_or(NonZeroUsize::MIN);
        let tokens = LruCache::new(remembered);
        Self { keys, validation, clock, verified: Mutex::new(Remembered { generation: 0, tokens }) }
    }

    /// Who sends a token that was found valid before.
    pub(crate) fn remembered(&self, token: &str) -> Option<Verified> {
        if !self.keys.are_here() {
            return None;
        }
        let mut verified = self.verified();
        let found = *verified.tokens.get(token)?;
        if found.exp > self.clock.now().as_second() {
            return Some(found);
        }
        verified.tokens.pop(token);
        None
    }

    /// Who sends a token.
    pub(crate) async fn verify(&self, token: &str) -> Result<Verified, Problem> {
        if token.len() > LONGEST_TOKEN {
            return Err(invalid_token("it is too long to be one of ours"));
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| invalid_token("it is not a JWT that we read"))?;
        // RFC 7515, 4.1.11: what must be understood and is not makes a token invalid; we understand no extension.
        if header.crit.is_some() {
            return Err(invalid_token("it must not be read without what `crit` names, which is not known here"));
        }
        let kid = header.kid.ok_or_else(|| invalid_token("it does not say which key it was signed with"))?;
        let found = self.keys.find(&kid).await.map_err(|failure| {
            tracing::warn!(error = failure.report(), "the keys to check tokens with cannot be had");
            Problem::new(&UNAVAILABLE, "tokens cannot be checked").retry_after(Duration::from_secs(2))
        })?;
        let generation = self.keys.generation();
        let key = found.ok_or_else(|| invalid_token("it was signed with a key that is not ours"))?;
        let Said { claims, nbf } = jsonwebtoken::decode::<Said>(token, &key, &self.validation)
            .map_err(|error| {
                tracing::debug!(%error, "a token was refused");
                invalid_token("its signature or what it says is not valid")
            })?
            .claims;
        if claims.exp <= self.clock.now().as_second() {
            return Err(invalid_token("it has expired"));
        }
        if nbf.is_some_and(|nbf| nbf > self.clock.now().as_second()) {
            return Err(invalid_token("it is not valid yet"));
        }
        let found = Verified { caller: Caller { account_id: claims.sub, role: claims.role }, exp: claims.exp };
        let mut verified = self.verified();
        // The key may have been withdrawn while we looked.
        if verified.generation == generation {
            verified.tokens.put(token.to_owned(), found);
        }
        Ok(found)
    }

    /// How long a token is still good.
    pub(crate) fn left(&self, token: Verified) -> Duration {
        let left = token.exp.saturating_sub(self.clock.now().as_second());
        Duration::from_secs(u64::try_from(left).unwrap_or_default())
    }

    /// What is remembered; nothing, where it was checked with other keys than those of now. A key may have been
    /// withdrawn, and what it signed with it.
    fn verified(&self) -> MutexGuard<'_, Remembered> {
        let mut verified = self.verified.lock();
        let generation = self.keys.generation();
        if verified.generation != generation {
            verified.tokens.clear();
            verified.generation = generation;
        }
        verified
    }
}

/// The token that a request carries, where it carries one.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let wrong = || invalid_token("`Authorization` must be `Bearer` and an access token, once");
    if values.next().is_some() {
        return Err(wrong());
    }
    let (scheme, token) = value.to_str().ok().and_then(|value| value.split_once(' ')).ok_or_else(wrong)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(Some(token.trim())) } else { Err(wrong()) }
}

/// Nobody is signed in, and somebody has to be.
pub(crate) fn sign_in_first() -> Problem {
    Problem::new(&UNAUTHENTICATED, "no access token was sent")
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"baedal\""))
}

fn invalid_token(why: &'static str) -> Problem {
    let challenge = HeaderValue::from_static("Bearer realm=\"baedal\", error=\"invalid_token\"");
    Problem::new(&UNAUTHENTICATED, format!("the access token is not valid: {why}"))
        .header(header::WWW_AUTHENTICATE, challenge)
}
