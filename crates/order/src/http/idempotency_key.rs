//! The `Idempotency-Key` header: names one wish to order, however often it is sent.
//!
//! Source: <https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/>.

use axum::extract::FromRequestParts;
use baedal_kit_http::Problem;
use http::request::Parts;

use super::problems::IDEMPOTENCY_KEY_MISSING;

/// The header's name.
pub(crate) const HEADER: &str = "idempotency-key";
/// The most characters that a key may have.
const LONGEST: usize = 255;

/// A key that a client gave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct IdempotencyKey(pub(crate) String);

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(HEADER).iter();
        let wrong = |why| Problem::new(&IDEMPOTENCY_KEY_MISSING, why);
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(wrong("there must be one header `Idempotency-Key`"));
        };
        let bytes = value.as_bytes();
        if bytes.is_empty() || bytes.len() > LONGEST || !bytes.iter().all(|byte| (b' '..=b'~').contains(byte)) {
            return Err(wrong("`Idempotency-Key` must be 1 to 255 printable ASCII characters"));
        }
        Ok(Self(String::from_utf8_lossy(bytes).into_owned()))
    }
}
