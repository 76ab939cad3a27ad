//! Reading what you wrote: the `Baedal-Position` header.
//!
//! A command's answer carries the position its events have in their context's journal, as `order:1042`.
//! A read that sends it back waits until the view has got there. Several, joined by commas, are fine.

use std::collections::HashMap;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponseParts, ResponseParts};
use baedal_kit_runtime::Service;
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required, Type};

use super::page::digits;
use super::problem::{MALFORMED, POSITION_AHEAD, Problem};

/// The header's name.
pub const POSITION: HeaderName = HeaderName::from_static("baedal-position");
/// The longest that a read waits.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Where a command's events stand; a part of its answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Position {
    /// The context whose journal it is.
    pub context: &'static str,
    /// The position in it.
    pub position: u64,
}

impl Position {
    /// A position in the journal of `service`.
    #[must_use]
    pub fn of(service: &Service, position: u64) -> Self {
        Self { context: service.name(), position }
    }
}

impl IntoResponseParts for Position {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        if let Ok(value) = HeaderValue::from_str(&format!("{}:{}", self.context, self.position)) {
            parts.headers_mut().insert(POSITION, value);
        }
        Ok(parts)
    }
}

/// How much a read wants to see at the least.
#[derive(Clone, Debug, Default)]
pub struct AsOf(HashMap<String, u64>);

impl AsOf {
    /// Waits until the consumer that writes the view has got there, for two seconds at the most.
    ///
    /// # Errors
    /// The problem, where a position is beyond what its context has written: it will not come by waiting. The context
    /// itself is asked before that is said, since what is known of it here may be late.
    pub async fn wait(&self, service: &Service, consumer: &str) -> Result<(), Problem> {
        if self.0.is_empty() || service.reached(consumer, &self.0, Duration::ZERO).await {
            return Ok(());
        }
        for (source, wished) in &self.0 {
            // One that the view does not follow is not waited for either.
            let alone = [(source.clone(), *wished)].into();
            let is_here = service.reached(consumer, &alone, Duration::ZERO).await;
            if is_here || *service.bus().head(source).borrow() >= *wished {
                continue;
            }
            // A source that does not say anything may be that far.
            let head = tokio::time::timeout(LONGEST_WAIT, service.bus().look_at_head(source)).await;
            if let Ok(Ok(head)) = head
                && head < *wished
                && !service.reached(consumer, &alone, Duration::ZERO).await
            {
                return Err(Problem::new(
                    &POSITION_AHEAD,
                    format!("`{source}:{wished}` is beyond {source}, which has written up to {head}"),
                ));
            }
        }
        service.reached(consumer, &self.0, LONGEST_WAIT).await;
        Ok(())
    }
}

impl<S: Sync> FromRequestParts<S> for AsOf {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let mut positions = HashMap::new();
        for value in parts.headers.get_all(POSITION) {
            let wrong = || Problem::new(&MALFORMED, "`Baedal-Position` must be as an answer gave it, `order:1042`");
            // An empty header says as much as none.
            if value.is_empty() {
                continue;
            }
            for part in value.to_str().map_err(|_| wrong())?.split(',') {
                let (context, position) = read(part.trim_matches([' ', '\t'])).ok_or_else(wrong)?;
                positions.insert(context.to_owned(), position);
            }
        }
        Ok(Self(positions))
    }
}

/// The most digits of a position: those of the last that there can be.
const MOST_DIGITS: usize = 20;

/// A context and a position in its journal.
fn read(part: &str) -> Option<(&str, u64)> {
    let (context, position) = part.split_once(':')?;
    let is_context = !context.is_empty() && context.bytes().all(|byte| byte.is_ascii_lowercase());
    let position: u128 = digits(position, MOST_DIGITS)?;
    // What no journal can hold is beyond its end as well.
    is_context.then(|| (context, u64::try_from(position).unwrap_or(u64::MAX)))
}

impl IntoParams for AsOf {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let one = format!("[a-z]+:[0-9]{{1,{MOST_DIGITS}}}");
        let pattern = format!("^(?:{one}(?:[ \\t]*,[ \\t]*{one})*)?$");
        let schema = ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).examples(["order:1042"]);
        let about = "What answers to commands gave, joined by commas: this read shows at the least what those did.";
        let parameter = ParameterBuilder::new().name("Baedal-Position").parameter_in(ParameterIn::Header);
        vec![parameter.required(Required::False).description(Some(about)).schema(Some(schema)).build()]
    }
}
