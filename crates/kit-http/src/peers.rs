//! Requests between the processes of one installation: which context they are for, the secret that shows who asks, and
//! what each may ask.
//!
//! ```text
//!   baedal-secret ─▶ whose is it?  nobody's: 401, counted, and answered later each time
//!                 ─▶ may they ask this of that context?  no row: 403
//!                 ─▶ who asks for whom and from where is believed of the gateway, and taken away from others
//! ```
//!
//! A process holds its own secret, and of the others' only the fingerprints: what one process knows is enough to tell
//! the others apart and not enough to pass for them.

mod patience;
mod table;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use self::patience::Patience;
pub use self::table::{Row, Who};
use super::caller::{CALLER, CLIENT};
use super::problem::{NOT_A_PEER, NOT_FOR_THIS_PEER, Problem, TOO_MANY_REQUESTS};
use baedal_kit::secret::Secret;

/// The header that names the context a request is for.
pub const CONTEXT: &str = "baedal-context";
/// The header that carries the secret.
pub const SECRET: &str = "baedal-secret";
/// Whoever lets people in; nobody else is believed about who they are.
pub const GATEWAY: &str = "gateway";

/// What whoever has not come through the guard is called.
const NOBODY: &str = "nobody";

/// The fewest characters of a secret: so many random ones of any usual alphabet are more than 128 bits.
pub const FEWEST: usize = 32;
/// The most secrets that one process is known by: the one it shows, and the one it will show next.
pub const MOST_KNOWN: usize = 2;
/// What a fingerprint begins with.
const ALGORITHM: &str = "sha256:";

/// What a process shows the others, as a header.
#[derive(Clone, Debug, Default)]
pub struct PeerSecret(Option<HeaderValue>);

/// A secret that is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum UnusableSecret {
    /// There is none.
    #[error("it is not set; `openssl rand -hex 32` makes one")]
    Missing,
    /// It is what is shown in place of one.
    #[error("it is what `baedal config` shows in place of a secret; `openssl rand -hex 32` makes one")]
    Hidden,
    /// It could be guessed.
    #[error("it has fewer than {FEWEST} characters; `openssl rand -hex 32` makes one")]
    Short,
    /// No header can carry it.
    #[error("it must be of visible ASCII characters, without spaces; `openssl rand -hex 32` makes one")]
    Strange,
}

/// A fingerprint that is none.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum UnusableFingerprint {
    /// It is not one. What it is instead is not shown: somebody may have put the secret itself there.
    #[error("`peers.known.{0}` must be `sha256:` and 64 hexadecimal digits: printf %s \"$secret\" | sha256sum")]
    Strange(String),
    /// There are too many.
    #[error("`peers.known.{0}` names more than {MOST_KNOWN}: the secret shown now and the next one are enough")]
    TooMany(String),
    /// It is also another's.
    #[error("`peers.known.{0}` and `peers.known.{1}` name the same secret; each process needs its own")]
    Shared(String, String),
}

impl PeerSecret {
    /// The secret as it is set.
    ///
    /// # Errors
    /// Where it is none, or could be guessed, or a header cannot carry it.
    pub fn new(secret: &Secret) -> Result<Self, UnusableSecret> {
        let text = secret.expose();
        if secret.is_empty() {
            return Err(UnusableSecret::Missing);
        }
        if secret.is_what_is_shown() {
            return Err(UnusableSecret::Hidden);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(UnusableSecret::Strange);
        }
        if text.len() < FEWEST {
            return Err(UnusableSecret::Short);
        }
        let mut value = HeaderValue::from_str(text).map_err(|_| UnusableSecret::Strange)?;
        value.set_sensitive(true);
        Ok(Self(Some(value)))
    }

    /// Says in a request which context it is for, and who asks.
    pub(crate) fn address(&self, context: &'static str, headers: &mut HeaderMap) {
        headers.insert(CONTEXT, HeaderValue::from_static(context));
        if let Some(secret) = &self.0 {
            headers.insert(SECRET, secret.clone());
        }
    }
}

/// What others are known by: `sha256:` and the hash of a secret, in hexadecimal. It need not be kept secret, since
/// nothing but trying all of them leads from it to a secret of so many characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of a secret.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// As it stands in the settings.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(ALGORITHM)?.as_bytes();
        let mut hash = [0; 32];
        if digits.len() != 2 * hash.len() {
            return None;
        }
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self(hash))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ALGORITHM)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The others as a process lets them in. Cloning shares it.
#[derive(Clone)]
pub struct Peers {
    inner: Arc<Inner>,
}

struct Inner {
    known: Vec<(Fingerprint, String)>,
    table: &'static [Row],
    patience: Patience,
}

/// Who has shown a secret.
#[derive(Clone, Debug)]
pub(crate) struct Peer(Arc<str>);

impl Peers {
    /// Those with these fingerprints, who may ask what stands in the table. With none known nobody is let in.
    ///
    /// # Errors
    /// Where what is given is no fingerprint, or says of two that they are the same.
    pub fn new(known: &BTreeMap<String, Vec<String>>, table: &'static [Row]) -> Result<Self, UnusableFingerprint> {
        let mut read: Vec<(Fingerprint, String)> = Vec::new();
        for (name, fingerprints) in known {
            if fingerprints.len() > MOST_KNOWN {
                return Err(UnusableFingerprint::TooMany(name.clone()));
            }
            for fingerprint in fingerprints {
                let fingerprint =
                    Fingerprint::read(fingerprint).ok_or_else(|| UnusableFingerprint::Strange(name.clone()))?;
                if let Some((_, other)) = read.iter().find(|(one, other)| *one == fingerprint && other != name) {
                    return Err(UnusableFingerprint::Shared(other.clone(), name.clone()));
                }
                read.push((fingerprint, name.clone()));
            }
        }
        Ok(Self { inner: Arc::new(Inner { known: read, table, patience: Patience::default() }) })
    }

    /// A router that answers 401 to whoever is not known. What is behind it does not see the secret.
    pub(crate) fn guard(self, router: Router) -> Router {
        router.layer(from_fn_with_state(self, let_in))
    }

    /// Whose secret this is. All that are known are looked at, and each for as long wherever they differ, so that a
    /// secret cannot be guessed piece by piece.
    fn whose(&self, shown: Option<&HeaderValue>) -> Option<Peer> {
        let shown = Fingerprint(Sha256::digest(shown?.as_bytes()).into());
        let mut found = None;
        for (known, name) in &self.inner.known {
            let is_it: Choice = known.0.ct_eq(&shown.0);
            if bool::from(is_it) {
                found = Some(Peer(name.as_str().into()));
            }
        }
        found
    }

    /// Whether whoever asks may ask this of a context; and what they are not believed about is taken away.
    ///
    /// # Errors
    /// What they are told where they may not.
    pub(crate) fn admit(&self, request: &mut Request, context: &str) -> Result<(), Problem> {
        // Without one, it did not come through the guard.
        let peer = request.extensions_mut().remove::<Peer>();
        let name = peer.as_ref().map_or(NOBODY, |peer| &*peer.0);
        let is_allowed = peer.is_some()
            && self.inner.table.iter().any(|row| row.allows(name, context, request.method(), request.uri().path()));
        if !is_allowed {
            metrics::counter!("baedal_peer_refusals_total", "peer" => name.to_owned(), "context" => context.to_owned())
                .increment(1);
            tracing::warn!(peer = name, context, method = %request.method(), path = request.uri().path(),
                "a process asks what it may not");
            let what = format!("{name} may not ask this of {context}");
            return Err(Problem::new(&NOT_FOR_THIS_PEER, what));
        }
        if name != GATEWAY {
            speaks_for_nobody(request.headers_mut());
        }
        Ok(())
    }
}

/// Nobody but the gateway has seen a token or a client's connection.
fn speaks_for_nobody(headers: &mut HeaderMap) {
    headers.remove(CALLER);
    headers.remove(CLIENT);
}

async fn let_in(State(peers): State<Peers>, mut request: Request, next: Next) -> Response {
    let shown = request.headers_mut().remove(SECRET);
    if let Some(peer) = peers.whose(shown.as_ref()) {
        request.extensions_mut().insert(peer);
        return next.run(request).await;
    }
    let address = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
    refuse(&peers, address, shown.is_some()).await
}

/// Refuses whoever is not known: the later, the more often they have tried. A right secret never waits, whatever was
/// tried before from where it comes.
async fn refuse(peers: &Peers, address: Option<IpAddr>, has_shown_one: bool) -> Response {
    let reason = if has_shown_one { "wrong" } else { "missing" };
    metrics::counter!("baedal_peer_secrets_refused_total", "reason" => reason).increment(1);
    match peers.inner.patience.wrong(address) {
        Ok(turn) => {
            if turn.is_news {
                tracing::warn!(?address, reason, "somebody asks as a process of this installation and is not known");
            }
            turn.wait().await;
            let what = "only other processes of this installation may ask here, each with its own secret";
            Problem::new(&NOT_A_PEER, what).into_response()
        }
        Err(crowded) => {
            let what = "too many have shown no secret, or a wrong one, from this address";
            Problem::new(&TOO_MANY_REQUESTS, what).retry_after(crowded.wait).into_response()
        }
    }
}

#[cfg(test)]
mod tests;
