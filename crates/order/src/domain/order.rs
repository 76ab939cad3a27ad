//! An order: from the basket to the food on the table, or to the money back.
//!
//! ```text
//!   awaiting_payment ──▶ paid ──▶ delivered ──▶ completed
//!          │              ├──────────┴────────▶ canceled
//!          └──────────────┴───────────────────▶ canceled, rejected
//! ```
//!
//! Between `paid` and `delivered` the kitchen and the rider work; the order does not follow them step by
//! step, but for what says whose fault it is where nobody delivers it ([`Food`]). What the customer wishes meanwhile is `pending` until the kitchen, which knows whether cooking
//! has begun, has answered.

mod command;
mod deadlines;
mod decide;
mod event;
mod evolve;
mod refusal;
mod state;

use baedal_contracts::OrderId;
use baedal_kit::Aggregate;
use baedal_kit::database::JobChange;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::command::Command;
pub use self::deadlines::{ABANDON, AUTO_COMPLETE, PAYMENT_WINDOW};
pub use self::event::Event;
pub use self::refusal::Refusal;
pub use self::state::{Attempt, Food, OrderStatus, Pending, Placed, State};

/// An order.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub enum Order {
    /// Nothing has happened yet.
    #[default]
    NotPlaced,
    /// A customer placed it.
    Placed(Box<Placed>),
}

impl Order {
    /// The order, where it was placed.
    #[must_use]
    pub fn placed(&self) -> Option<&Placed> {
        match self {
            Self::NotPlaced => None,
            Self::Placed(placed) => Some(placed),
        }
    }
}

impl Aggregate for Order {
    const CATEGORY: &'static str = "order";

    type Id = OrderId;
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;

    fn decide(&self, command: Command, at: Timestamp) -> Result<Vec<Event>, Refusal> {
        decide::decide(self, command, at)
    }

    fn evolve(&mut self, event: &Event, at: Timestamp) {
        evolve::evolve(self, event, at);
    }

    fn creates(command: &Command) -> bool {
        matches!(command, Command::Place { .. })
    }

    fn correlation(id: &OrderId, _event: &Event) -> Option<Uuid> {
        Some(id.0)
    }

    fn jobs(id: &OrderId, event: &Event) -> Vec<JobChange> {
        deadlines::jobs(*id, event)
    }
}
