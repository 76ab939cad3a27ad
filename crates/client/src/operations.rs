//! What operators ask: how an order came about, what is stuck, what broke.

use baedal_contracts::payment::{Difference, OpenAttempt};
use baedal_contracts::{AccountId, OrderId, Won};
use http::Method;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::error::Error;
use crate::session::Session;
use crate::types::Page;

/// An event of an order's life, and what made it happen.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct TraceEntry {
    /// Which event.
    pub event_id: Uuid,
    /// The context that tells it.
    pub context: String,
    /// What happened.
    pub kind: String,
    /// When.
    pub at: Timestamp,
    /// The command that was decided.
    pub command: String,
    /// What made it happen.
    pub cause: Cause,
}

/// What made an event happen.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Cause {
    /// `request`, `event` or `job`.
    pub kind: String,
    /// Which one; an event's `event_id`, where it is one.
    pub id: Uuid,
    /// What it is called.
    pub name: String,
}

/// What an operator should look at.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Stuck {
    /// Orders past a deadline.
    pub past_deadline: Vec<LateOrder>,
    /// Orders of which money is still to go back.
    pub refunds_owed: Vec<StuckOrder>,
    /// Orders that no rider has taken for long.
    pub escalated: Vec<StuckOrder>,
    /// Orders that their riders claimed and do not fetch.
    #[serde(default)]
    pub pickup_overdue: Vec<StuckOrder>,
    /// Orders that their riders have not brought long after they were paid.
    #[serde(default)]
    pub carried_too_long: Vec<StuckOrder>,
    /// Orders that were given up because nobody delivered them.
    pub abandoned: Vec<StuckOrder>,
    /// Attempts to pay whose outcome is not known: of orders that have ended, or open for long.
    pub open_attempts: Vec<OpenAttempt>,
    /// Orders of which the payment provider's book says something else than ours.
    pub differences: Vec<Difference>,
    /// The contexts that did not answer, of which something may be missing.
    pub unreachable: Vec<String>,
}

/// An order past a deadline.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct LateOrder {
    /// Which order.
    pub order_id: OrderId,
    /// What it waits for.
    pub waits_for: String,
    /// When that should have happened.
    pub deadline: Timestamp,
}

/// An order that an operator should look at.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct StuckOrder {
    /// Which.
    pub order_id: OrderId,
    /// How far it is.
    pub status: String,
    /// What is still to go back.
    pub refund_due_krw: Won,
    /// Who has claimed it, or carries it.
    #[serde(default)]
    pub rider_id: Option<AccountId>,
}

/// A circuit breaker.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct Breaker {
    /// What it stands in front of.
    pub name: String,
    /// `closed`, `open` or `half_open`.
    pub state: String,
    /// Calls in its window.
    pub calls: u32,
    /// How many of them failed.
    pub failures: u32,
    /// How many of them were slow.
    pub slow: u32,
    /// Calls that were not let through since the start.
    pub not_permitted: u64,
    /// The last changes of state, oldest first.
    pub transitions: Vec<Transition>,
}

/// A breaker's change of state.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Transition {
    /// When.
    pub at: Timestamp,
    /// From which state.
    pub from: String,
    /// To which state.
    pub to: String,
}

/// A message that could not be processed.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct DeadLetter {
    /// What names it.
    pub id: String,
    /// The context that could not process it.
    pub context: String,
    /// What was to be done.
    pub kind: String,
    /// The order it belongs to.
    pub order_id: Option<OrderId>,
    /// How often it was tried.
    pub attempts: u32,
    /// What went wrong the last time.
    pub error: String,
    /// What it says.
    pub payload: Value,
}

/// What operators may ask. Every call fails with a problem, or with no answer.
#[expect(clippy::missing_errors_doc, reason = "said once for all, above")]
impl Session {
    /// Everything that happened to an order, oldest first.
    pub async fn trace(&self, order: OrderId) -> Result<Page<TraceEntry>, Error> {
        self.get(&format!("/api/operations/orders/{order}/trace")).await
    }

    /// What is stuck.
    pub async fn stuck(&self) -> Result<Stuck, Error> {
        self.get("/api/operations/stuck").await
    }

    /// Orders past a deadline, those past it longest first: the first page, or the one behind `next`.
    pub async fn past_deadline(&self, next: Option<&str>) -> Result<Page<LateOrder>, Error> {
        let after = next.map(|next| format!("&after={}", escaped(next))).unwrap_or_default();
        self.get(&format!("/api/operations/stuck/past_deadline?limit=100{after}")).await
    }

    /// Orders of which money is still to go back, oldest first: the first page, or the one behind `next`.
    pub async fn refunds_owed(&self, next: Option<&str>) -> Result<Page<StuckOrder>, Error> {
        let after = next.map(|next| format!("&after={}", escaped(next))).unwrap_or_default();
        self.get(&format!("/api/operations/stuck/refunds_owed?limit=100{after}")).await
    }

    /// The circuit breakers.
    pub async fn breakers(&self) -> Result<Page<Breaker>, Error> {
        self.get("/api/operations/breakers").await
    }

    /// The messages that could not be processed.
    pub async fn dead_letters(&self) -> Result<Page<DeadLetter>, Error> {
        self.get("/api/operations/dead-letters").await
    }

    /// The next page of them, behind the one whose `next` this is.
    pub async fn dead_letters_after(&self, next: &str) -> Result<Page<DeadLetter>, Error> {
        self.get(&format!("/api/operations/dead-letters?after={}", escaped(next))).await
    }

    /// Tries one of them again.
    pub async fn redrive(&self, dead_letter: &str) -> Result<(), Error> {
        self.tell(Method::POST, &format!("/api/operations/dead-letters/{dead_letter}/redrive"), None::<&()>).await
    }

    /// Builds a read model anew.
    pub async fn rebuild(&self, view: &str) -> Result<(), Error> {
        self.tell(Method::POST, &format!("/api/operations/views/{view}/rebuild"), None::<&()>).await
    }
}

/// What is escaped in a part of a path: all but the unreserved characters of RFC 3986, section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text as a part of an address.
fn escaped(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}
