//! A request's body: JSON, small, of the right type, with every field valid.

use axum::extract::{FromRequest, Request};
use garde::Validate;
use http::header;
use serde::de::DeserializeOwned;

use super::problem::{FieldError, MALFORMED, Problem, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE};

/// The most that a body may hold, in bytes.
pub const LIMIT: usize = 64 * 1024;

/// A valid body. Extracting it answers 400, 413, 415 or 422 with a problem where it is not.
#[derive(Clone, Debug)]
pub struct Body<T>(pub T);

impl<S, T> FromRequest<S> for Body<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Validate<Context = ()>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        if !is_json(&request) {
            return Err(Problem::new(&UNSUPPORTED_MEDIA_TYPE, "the body's type must be application/json"));
        }
        let bytes = read_limited(request.into_body()).await?;
        let value: T = parse(&bytes)?;
        value.validate().map_err(|report| {
            Problem::fields(
                report
                    .iter()
                    .map(|(field, error)| FieldError { field: field.to_string(), message: error.to_string() })
                    .collect(),
            )
        })?;
        Ok(Self(value))
    }
}

fn is_json(request: &Request) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// All of a body, if it is not too large.
///
/// # Errors
/// The problem, where it is, or where it does not arrive.
pub async fn read_limited(body: axum::body::Body) -> Result<bytes::Bytes, Problem> {
    use http_body_util::{BodyExt, LengthLimitError, Limited};
    match Limited::new(body, LIMIT).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(error) => Err(Problem::new(&MALFORMED, format!("the body did not arrive: {error}"))),
    }
}

/// The problem of a body that is too large.
#[must_use]
pub fn too_large() -> Problem {
    Problem::new(&TOO_LARGE, format!("the body holds more than {LIMIT} bytes"))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() {
            let message = plain(&inner);
            Problem::field(field_of(path, &message), message)
        } else {
            Problem::new(&MALFORMED, format!("the body is not JSON: {inner}"))
        }
    })?;
    json.end().map_err(|error| Problem::new(&MALFORMED, format!("the body is not JSON: {error}")))?;
    Ok(value)
}

/// The field that is wrong. One that is missing is named by serde's words only; its path ends before it.
fn field_of(path: String, message: &str) -> String {
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
    match missing {
        Some(missing) if path == "." => missing.to_owned(),
        Some(missing) => format!("{path}.{missing}"),
        None => path,
    }
}

/// What serde says, without where it says it is: the field's name tells better.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[serde(rename = "items")]
        _items: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[serde(rename = "quantity")]
        _quantity: u32,
    }

    #[test]
    fn the_field_that_is_wrong_is_named() {
        for (body, field) in [
            ("{}", "items"),
            (r#"{"items": [{"quantity": 1}, {}]}"#, "items[1].quantity"),
            (r#"{"items": [{"quantity": "x"}]}"#, "items[0].quantity"),
            (r#"{"items": [{"quantity": 1, "price": 1}]}"#, "items[0].price"),
            (r#"{"items": null}"#, "items"),
            ("7", "."),
        ] {
            let problem = parse::<Outer>(body.as_bytes()).expect_err(body);
            assert_eq!((problem.kind().status, problem.errors[0].field.as_str()), (422, field), "{body}");
        }
    }
}
