//! Requests between the processes of one installation: which context they are for, and the secret that shows
//! that they come from one of us.

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use subtle::ConstantTimeEq;

use super::problem::{NOT_A_PEER, Problem};
use crate::secret::Secret;

/// The header that names the context a request is for.
pub const CONTEXT: &str = "baedal-context";
/// The header that carries the secret.
pub const SECRET: &str = "baedal-secret";

/// What processes show each other, as a header.
#[derive(Clone, Debug, Default)]
pub struct PeerSecret(Option<HeaderValue>);

/// A secret that no header can carry.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the secret that processes share must be of visible ASCII characters, without spaces")]
pub struct UnusableSecret;

impl PeerSecret {
    /// The secret as it is set. An empty one is none: then everybody is let in.
    ///
    /// # Errors
    /// Where a header cannot carry it.
    pub fn new(secret: &Secret) -> Result<Self, UnusableSecret> {
        if secret.is_empty() {
            return Ok(Self(None));
        }
        if !secret.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(UnusableSecret);
        }
        let mut value = HeaderValue::from_str(secret.expose()).map_err(|_| UnusableSecret)?;
        value.set_sensitive(true);
        Ok(Self(Some(value)))
    }

    pub(crate) fn header(&self) -> Option<HeaderValue> {
        self.0.clone()
    }

    /// A router that answers 401 to whoever does not know the secret. What is behind it does not see it.
    pub fn guard(self, router: Router) -> Router {
        router.layer(from_fn_with_state(self, let_in))
    }

    fn is(&self, shown: Option<&HeaderValue>) -> bool {
        let Some(secret) = &self.0 else { return true };
        // Takes as long wherever they differ, so that it cannot be guessed piece by piece.
        shown.is_some_and(|shown| secret.as_bytes().ct_eq(shown.as_bytes()).into())
    }
}

async fn let_in(State(secret): State<PeerSecret>, mut request: Request, next: Next) -> Response {
    let shown = request.headers_mut().remove(SECRET);
    if secret.is(shown.as_ref()) {
        next.run(request).await
    } else {
        Problem::new(&NOT_A_PEER, "only other processes of this installation may ask here").into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_one_that_a_header_can_carry_and_a_log_does_not_show() {
        let secret = PeerSecret::new(&"open-sesame".into()).expect("a secret");
        assert!(!format!("{secret:?}").contains("sesame"));
        for strange in ["open sesame", "열려라", "a\nb"] {
            assert!(PeerSecret::new(&strange.into()).is_err(), "{strange}");
        }
    }

    #[test]
    fn nothing_but_the_secret_is_the_secret() {
        let value = HeaderValue::from_static;
        let secret = PeerSecret::new(&"sesame".into()).expect("a secret");
        assert!(secret.is(Some(&value("sesame"))));
        for shown in [None, Some(value("")), Some(value("sesam")), Some(value("sesame1")), Some(value("Sesame"))] {
            assert!(!secret.is(shown.as_ref()), "{shown:?}");
        }
        assert!(PeerSecret::default().is(None) && PeerSecret::default().is(Some(&value("anything"))));
    }
}
