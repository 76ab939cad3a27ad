//! A request's body: JSON, small, of the right type, with every field valid.

use axum::extract::{FromRequest, Request};
use garde::Validate;
use http::header;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::problem::{FieldError, MALFORMED, Problem, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE};
use super::strict::Strict;

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
    let value = serde_path_to_error::deserialize(Strict(&mut json)).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        // A number where an enum's name belongs is bad syntax to serde_json; to people it is a wrong field.
        if inner.is_data() || serde_json::from_slice::<IgnoredAny>(bytes).is_ok() {
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

/// What serde says, in words that are not Rust's, and without where it says it is: the field's name tells
/// better.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let said = text.rsplit_once(" at line ").map_or(text.as_str(), |(said, _)| said);
    match said.rsplit_once(", expected ") {
        Some((found, expected)) => format!("{}, expected {}", found_in_words(found), expected_in_words(expected)),
        None if said == "expected value" => "expected one of this field's words".to_owned(),
        None => said.to_owned(),
    }
}

fn found_in_words(found: &str) -> String {
    match found.strip_prefix("invalid type: ") {
        Some("sequence") => "invalid type: array".to_owned(),
        Some("map") => "invalid type: object".to_owned(),
        Some(number) => format!("invalid type: {}", number.replacen("floating point `", "number `", 1)),
        None => found.to_owned(),
    }
}

fn expected_in_words(expected: &str) -> &str {
    match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number from 0",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "an array",
        "a map" => "an object",
        _ if expected.starts_with("struct ") => "an object",
        _ => expected,
    }
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
        #[serde(rename = "color", default)]
        _color: Option<Color>,
        #[serde(rename = "location", default)]
        _location: Option<baedal_contracts::Location>,
    }

    #[derive(Debug, Deserialize)]
    enum Color {
        #[serde(rename = "red")]
        Red,
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
            (r#"{"items": [[1]]}"#, "items[0]"),
            (r#"{"items": [{"quantity": 1}], "color": 7}"#, "color"),
            (r#"{"items": [{"quantity": 1}], "color": {}}"#, "color"),
            ("7", "."),
            ("[[]]", "."),
        ] {
            let problem = parse::<Outer>(body.as_bytes()).expect_err(body);
            assert_eq!((problem.kind().status, problem.errors[0].field.as_str()), (422, field), "{body}");
        }
    }
    #[test]
    fn what_is_wrong_is_said_without_the_words_of_rust() {
        for (body, message) in [
            ("[[]]", "invalid type: array, expected an object"),
            (r#"{"items": {}}"#, "invalid type: object, expected an array"),
            (r#"{"items": [[1]]}"#, "invalid type: array, expected an object"),
            (r#"{"items": [], "location": [37.5, 127]}"#, "invalid type: array, expected an object"),
            (r#"{"items": [], "location": {"lat": "x", "lng": 0}}"#, r#"invalid type: string "x", expected a number"#),
            (
                r#"{"items": [{"quantity": -1}]}"#,
                "invalid value: integer `-1`, expected a whole number from 0 to 4294967295",
            ),
            (
                r#"{"items": [{"quantity": 1.5}]}"#,
                "invalid type: number `1.5`, expected a whole number from 0 to 4294967295",
            ),
            (
                r#"{"items": [{"quantity": ", expected u8 at line 1"}]}"#,
                r#"invalid type: string ", expected u8 at line 1", expected a whole number from 0 to 4294967295"#,
            ),
            (r#"{"items": [], "color": 7}"#, "expected one of this field's words"),
            (r#"{"items": [], "color": "blue"}"#, "unknown variant `blue`, expected `red`"),
        ] {
            let problem = parse::<Outer>(body.as_bytes()).expect_err(body);
            assert_eq!((problem.kind().status, problem.errors[0].message.as_str()), (422, message), "{body}");
        }
    }

    #[test]
    fn what_is_not_json_is_malformed() {
        for body in ["", "{", r#"{"items": [}"#, r#"{"items": []} 7"#, r#"{"items": [], "color": red}"#] {
            assert_eq!(parse::<Outer>(body.as_bytes()).expect_err(body).kind().status, 400, "{body}");
        }
    }
}
