//! What of an order's money is stuck: described here with the rest of what is stuck, and filled in by the gateway, which
//! asks payment for it.

use baedal_contracts::payment::{Difference, OpenAttempt};
use serde::Serialize;
use utoipa::ToSchema;

/// What of the money is stuck; at the most 100 of each.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct StuckMoney {
    /// Attempts to pay whose outcome is not known: of orders that have ended, or open for long.
    open_attempts: Vec<OpenAttempt>,
    /// Orders of which the payment provider's book says something else than ours.
    differences: Vec<Difference>,
    /// The contexts that did not answer, of which something may therefore be missing.
    unreachable: Vec<String>,
}
