//! Writing only onto what was read: `ETag` and `If-Match` (RFC 9110, 8.8.3 and 13.1.1).
//!
//! A tag is `"17"` or `"17-9f3c0d…"`: the version of the state that a precondition is judged by, and, where a whole
//! representation is answered, a hash of it, so that the tag changes with everything that is shown. Who judges a
//! precondition looks at the version alone; so the tag that a read model gave means the same to the context that owns
//! the state.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponseParts, ResponseParts};
use baedal_kit::Failure;
use http::request::Parts;
use http::{HeaderValue, header};
use serde::Serialize;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required, Type};

use super::live::Frame;
use super::problem::{MALFORMED, Problem};

/// The tag of an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntityTag(String);

impl EntityTag {
    /// Of an answer that shows a part of a state of this version.
    #[must_use]
    pub fn of_version(version: u64) -> Self {
        Self(format!("\"{version}\""))
    }

    /// Of an answer that is made of a state of this version and of more.
    ///
    /// # Errors
    /// Where the answer cannot be written as JSON.
    pub fn showing(version: u64, shown: &impl Serialize) -> Result<Self, Failure> {
        Ok(Self(format!("\"{version}-{}\"", Frame::showing(shown)?.id)))
    }

    /// As it stands in the header.
    #[must_use]
    pub fn to_header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}

impl IntoResponseParts for EntityTag {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        if let Some(value) = self.to_header() {
            parts.headers_mut().insert(header::ETAG, value);
        }
        Ok(parts)
    }
}

/// The version that a request was made on, where it says so; nothing where it does not, or where any will do (`*`).
///
/// Of several tags the latest counts. Tags that are not ours match nothing. A tag that a proxy has made weak (`W/`)
/// is as good as it was, because the version in it is exact.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IfMatch(pub Option<u64>);

/// What the header may hold: visible ASCII, spaces and tabs.
const PATTERN: &str = "^[\\t -~]*$";

/// The version of a tag that is not ours: later than any there will be.
const NEVER: u64 = u64::MAX;

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let mut seen = None;
        for value in parts.headers.get_all(header::IF_MATCH) {
            let value =
                value.to_str().map_err(|_| Problem::new(&MALFORMED, "`If-Match` must be as `ETag` was given"))?;
            for tag in value.split(',').map(str::trim) {
                if tag == "*" {
                    return Ok(Self(None));
                }
                let version = version_of(tag);
                seen = match (seen, version) {
                    (None | Some(NEVER), version) => Some(version.unwrap_or(NEVER)),
                    (Some(known), Some(version)) => Some(version.max(known)),
                    (Some(known), None) => Some(known),
                };
            }
        }
        Ok(Self(seen))
    }
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let schema = ObjectBuilder::new().schema_type(Type::String).pattern(Some(PATTERN)).examples(["\"17\""]);
        let parameter = ParameterBuilder::new().name("If-Match").parameter_in(ParameterIn::Header);
        let about = "The `ETag` of what was read. One that is not ours matches nothing.";
        vec![parameter.required(Required::False).description(Some(about)).schema(Some(schema)).build()]
    }
}

fn version_of(tag: &str) -> Option<u64> {
    let inner = tag.trim_start_matches("W/").strip_prefix('"')?.strip_suffix('"')?;
    inner.split('-').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    async fn seen(tags: &[&str]) -> Option<u64> {
        let request = tags.iter().fold(Request::put("/"), |request, tag| request.header(header::IF_MATCH, *tag));
        let (mut parts, ()) = request.body(()).expect("a request").into_parts();
        IfMatch::from_request_parts(&mut parts, &()).await.expect("a precondition").0
    }

    #[tokio::test]
    async fn a_tag_brings_its_version_back() {
        let tag = EntityTag::showing(17, &["a"]).expect("a tag");
        assert_ne!(tag, EntityTag::showing(17, &["b"]).expect("a tag"));
        let tag = tag.to_header().expect("a header");
        assert_eq!(seen(&[tag.to_str().expect("text")]).await, Some(17));
        assert_eq!(seen(&["\"17\""]).await, Some(17));
        assert_eq!(seen(&["W/\"17-9f3c\""]).await, Some(17));
    }

    #[tokio::test]
    async fn the_latest_of_several_counts_and_what_is_not_ours_matches_nothing() {
        assert_eq!(seen(&[]).await, None);
        assert_eq!(seen(&["*"]).await, None);
        assert_eq!(seen(&["\"3\", \"17-a\"", "\"5\""]).await, Some(17));
        assert_eq!(seen(&["\"abc\", \"3\""]).await, Some(3));
        assert_eq!(seen(&["\"abc\""]).await, Some(NEVER));
        assert_eq!(seen(&["17"]).await, Some(NEVER));
    }
}
