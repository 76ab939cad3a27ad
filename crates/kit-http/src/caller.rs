//! Who asks, as the gateway has established it.
//!
//! The gateway checks the token and whether the role may call the route, takes away any such header that
//! came from outside, and writes its own. A context checks whether the thing asked for is the caller's.

use axum::extract::{FromRequestParts, MatchedPath};
use baedal_contracts::AccountId;
use baedal_contracts::identity::Role;
use baedal_kit::message::{Cause, CauseKind, Origin};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use uuid::Uuid;

use super::problem::{Problem, UNAUTHENTICATED};
use crate::trace;

/// The header that carries the caller from the gateway to a context: `role:account_id`.
pub const CALLER: &str = "baedal-caller";
/// The header that carries the client's address from the gateway to a context; of an IPv6 address, the
/// network it is in.
pub const CLIENT: &str = "baedal-client";
/// W3C Trace Context.
pub const TRACEPARENT: &str = "traceparent";

/// An account that asks. Extracting it answers 401 where nobody is signed in; use `Option<Caller>` where
/// nobody needs to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Caller {
    /// Which account.
    pub account_id: AccountId,
    /// What it may do.
    pub role: Role,
}

impl Caller {
    /// As it stands in the header.
    ///
    /// # Panics
    /// Never: role and id are plain ASCII.
    #[must_use]
    pub fn to_header(self) -> HeaderValue {
        #[expect(clippy::expect_used, reason = "role names and UUIDs are visible ASCII")]
        HeaderValue::from_str(&format!("{}:{}", self.role, self.account_id)).expect("visible ASCII")
    }

    /// From the headers, where the gateway has put it there.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let (role, account_id) = headers.get(CALLER)?.to_str().ok()?.split_once(':')?;
        Some(Self { role: role.parse().ok()?, account_id: account_id.parse().ok()? })
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Self::from_headers(&parts.headers).ok_or_else(|| Problem::new(&UNAUTHENTICATED, "nobody is signed in"))
    }
}

impl<S: Sync> axum::extract::OptionalFromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Problem> {
        Ok(Self::from_headers(&parts.headers))
    }
}

/// The origin of what a request makes happen: its route, its caller, its trace.
#[derive(Clone, Debug)]
pub struct RequestOrigin(pub Origin);

impl<S: Sync> FromRequestParts<S> for RequestOrigin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let path = parts.extensions.get::<MatchedPath>().map_or_else(|| parts.uri.path(), MatchedPath::as_str);
        let id = Uuid::now_v7();
        let traceparent = parts
            .headers
            .get(TRACEPARENT)
            .and_then(|value| value.to_str().ok())
            .filter(|value| trace::is_traceparent(value))
            .map_or_else(|| trace::new_traceparent(id), str::to_owned);
        Ok(Self(Origin {
            cause: Cause { kind: CauseKind::Request, id, name: format!("{} {path}", parts.method) },
            actor: Caller::from_headers(&parts.headers).map(|caller| caller.account_id.0),
            traceparent: Some(traceparent),
        }))
    }
}
