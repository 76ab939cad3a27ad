//! The `Idempotency-Key` header: names one wish to order, however often it is sent.
//!
//! Source: <https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/>.

use axum::extract::FromRequestParts;
use baedal_kit_http::Problem;
use http::request::Parts;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required, Type};

use super::problems::IDEMPOTENCY_KEY_MISSING;

/// The header's name.
pub(crate) const HEADER: &str = "idempotency-key";
/// The most characters that a key may have.
const LONGEST: usize = 255;

/// A key that a client gave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct IdempotencyKey(pub(crate) String);

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        // HTTP takes spaces away around a header's value.
        let schema = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(LONGEST));
        let schema = schema.pattern(Some("^[!-~](?:[ -~]*[!-~])?$")).examples(["0198c1f2-dinner"]);
        let parameter = ParameterBuilder::new().name("Idempotency-Key").parameter_in(ParameterIn::Header);
        let about = "New for each wish: 1 to 255 printable ASCII characters.";
        vec![parameter.required(Required::True).description(Some(about)).schema(Some(schema)).build()]
    }
}

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
