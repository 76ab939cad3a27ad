//! From a bearer token to the account it stands for, and the account's role.

mod keys;

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use baedal_contracts::identity::{Claims, TOKEN_AUDIENCE, TOKEN_ISSUER};
use baedal_kit::http::problem::{UNAUTHENTICATED, UNAVAILABLE};
use baedal_kit::http::{Caller, Problem};
use baedal_kit::time::Clock;
use baedal_kit::upstream::Upstream;
use http::{HeaderMap, HeaderValue, header};
use jsonwebtoken::{Algorithm, Validation};
use lru::LruCache;

use self::keys::{Found, Keys};

/// The longest token that is looked at; ours have about 400 characters.
const LONGEST_TOKEN: usize = 4096;

/// Checks tokens.
pub(crate) struct Authentication {
    keys: Keys,
    validation: Validation,
    clock: Arc<dyn Clock>,
    /// Tokens found valid, until they expire.
    verified: Mutex<LruCache<String, Verified>>,
}

#[derive(Clone, Copy)]
struct Verified {
    caller: Caller,
    exp: i64,
}

impl Authentication {
    pub(crate) fn new(identity: Option<Upstream>, clock: Arc<dyn Clock>, remembered: u32) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[TOKEN_ISSUER]);
        validation.set_audience(&[TOKEN_AUDIENCE]);
        // Judged below, by the platform's clock instead of the machine's.
        validation.validate_exp = false;
        let remembered = usize::try_from(remembered).ok().and_then(NonZeroUsize::new).unwrap_or(NonZeroUsize::MIN);
        Self {
            keys: Keys::new(identity, Arc::clone(&clock)),
            validation,
            clock,
            verified: Mutex::new(LruCache::new(remembered)),
        }
    }

    /// Who sends a token that was found valid before.
    pub(crate) fn remembered(&self, token: &str) -> Option<Caller> {
        let mut verified = self.verified();
        let found = *verified.get(token)?;
        if found.exp > self.clock.now().as_second() {
            return Some(found.caller);
        }
        verified.pop(token);
        None
    }

    /// Who sends a token.
    pub(crate) async fn verify(&self, token: &str) -> Result<Caller, Problem> {
        if token.len() > LONGEST_TOKEN {
            return Err(invalid_token("it is too long to be one of ours"));
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| invalid_token("it is not a JWT that we read"))?;
        let kid = header.kid.ok_or_else(|| invalid_token("it does not say which key it was signed with"))?;
        let found = self.keys.find(&kid).await.map_err(|failure| {
            tracing::warn!(error = failure.story(), "the keys to check tokens with cannot be had");
            Problem::new(&UNAVAILABLE, "tokens cannot be checked").retry_after(Duration::from_secs(2))
        })?;
        let key = match found {
            Found::Key(key) => key,
            Found::NewKeys(key) => {
                // A key may have been withdrawn, and what it signed with it.
                self.verified().clear();
                key
            }
        };
        let key = key.ok_or_else(|| invalid_token("it was signed with a key that is not ours"))?;
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &self.validation)
            .map_err(|error| {
                tracing::debug!(%error, "a token was refused");
                invalid_token("its signature or what it says is not valid")
            })?
            .claims;
        if claims.exp <= self.clock.now().as_second() {
            return Err(invalid_token("it has expired"));
        }
        let caller = Caller { account_id: claims.sub, role: claims.role };
        self.verified().put(token.to_owned(), Verified { caller, exp: claims.exp });
        Ok(caller)
    }

    fn verified(&self) -> MutexGuard<'_, LruCache<String, Verified>> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner)
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
