//! What may come instead of an answer.

use std::time::Duration;

use baedal_contracts::Won;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The platform said why not.
    #[error("{0}")]
    Problem(Problem),
    /// No answer came. Whether the call had its effect is unknown.
    #[error("no answer from {address}: {story}")]
    NoAnswer {
        /// Whom we asked.
        address: String,
        /// What went wrong.
        story: String,
    },
    /// An answer came that is not what the documentation says.
    #[error("the answer to {what} cannot be read: {story}")]
    Unreadable {
        /// What we asked.
        what: String,
        /// What is wrong with the answer.
        story: String,
    },
}

/// A problem document (RFC 9457).
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// Its kind, as `/problems/store_closed`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in a few words.
    pub title: Box<str>,
    /// The answer's status.
    pub status: u16,
    /// What went wrong this time.
    pub detail: String,
    /// The wrong fields.
    pub errors: Vec<FieldError>,
    /// What else a program may need of it, as the kind's documentation says.
    #[serde(flatten)]
    pub members: Box<serde_json::Map<String, serde_json::Value>>,
    /// How long to wait before the same may work.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
}

/// A wrong field.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct FieldError {
    /// Where it is.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

impl Problem {
    /// The last part of its kind, as `store_closed`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.kind.rsplit('/').next().unwrap_or_default()
    }

    /// What it costs now, where the total was expected to be another.
    #[must_use]
    pub fn total_krw(&self) -> Option<Won> {
        self.members.get("total_krw")?.as_u64().map(Won)
    }

    /// How many are left of an item that is sold out.
    #[must_use]
    pub fn left(&self) -> Option<u64> {
        self.members.get("left")?.as_u64()
    }

    pub(crate) fn read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let mut problem: Self = serde_json::from_slice(body).unwrap_or_else(|_| Self {
            status: status.as_u16(),
            detail: String::from_utf8_lossy(body).into_owned(),
            ..Self::default()
        });
        let seconds = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        problem.retry_after = seconds.map(Duration::from_secs);
        problem.status = status.as_u16();
        problem
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.status, self.name(), self.detail)?;
        for error in &self.errors {
            write!(f, "; {}: {}", error.field, error.message)?;
        }
        Ok(())
    }
}

impl Error {
    /// The problem, where the platform said why not.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        if let Self::Problem(problem) = self { Some(problem) } else { None }
    }

    /// Whether it is this kind of problem, as `store_closed`.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.problem().is_some_and(|problem| problem.name() == name)
    }

    /// Whether the same call may work a little later: no answer came, or one that says so.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Problem(problem) => matches!(problem.status, 429 | 502 | 503 | 504),
            Self::NoAnswer { .. } => true,
            Self::Unreadable { .. } => false,
        }
    }

    /// How long to wait before the same call, where the answer says.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.problem()?.retry_after
    }
}
