//! Decides what a kitchen does with an order.
//!
//! ```text
//!   Unopened ─▶ open ─▶ accepted ─▶ cooking ─▶ cooked          the kitchen's way
//!       │        ├────────▶ rejected    │         │            it says no, or never answers
//!       │        └────┬───────┴▶ canceled ◀───────┘            the customer in time; an operator ever
//!       ├─▶ rejected (not enough stock: the kitchen is not bothered)
//!       └─▶ Foregone (its order ended before it was heard of)
//! ```
//!
//! An open or accepted ticket may be *held* for a change that costs more: its new stock is reserved and
//! cooking cannot start until the change is sealed, put back, or the time is over.
//!
//! An event says what of the stock goes back (`returned`); [`crate::kitchen`] lets that happen to the
//! stock in the same commit.

mod decide;
mod sheet;
#[cfg(test)]
mod tests;

use baedal_contracts::order::{ChangeRefusal, Line, OrderStore};
use baedal_contracts::store::{RejectReason, TicketStatus};
use baedal_contracts::{AccountId, ChangeId, OrderId, OrderNo, Place, StoreId};
use baedal_kit::database::JobChange;
use baedal_kit::{Aggregate, Job};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;
use uuid::Uuid;

use super::{CookMinutes, Portions, stock};

pub(crate) use sheet::Sheet;

/// The job that rejects a ticket which the kitchen has not answered.
pub(crate) const ANSWER_BY: &str = "answer_by";
/// The job that ends a hold; its payload is a [`ChangeLock`].
pub(crate) const CHANGE_LOCK: &str = "change_lock";

/// What the end of a hold needs to know.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct ChangeLock {
    pub(crate) change_id: ChangeId,
    /// Whether its end was put off and it has lasted as long again.
    pub(crate) prolonged: bool,
}

/// An order as its kitchen has it.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(crate) enum Ticket {
    /// We have not heard of the order.
    #[default]
    Unopened,
    /// The order ended before we heard that it was paid: it never becomes a ticket.
    Foregone,
    /// It came to the kitchen.
    Opened(Box<Sheet>),
}

/// What the kitchen is asked to cook, for whom.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Slip {
    pub(crate) order_no: OrderNo,
    pub(crate) customer_id: AccountId,
    /// The kitchen, as it was when the order was placed.
    pub(crate) store: OrderStore,
    pub(crate) items: Vec<Line>,
    pub(crate) deliver_to: Place,
    pub(crate) note: String,
}

/// What a ticket is to be instead.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Change {
    pub(crate) change_id: ChangeId,
    pub(crate) items: Vec<Line>,
    pub(crate) deliver_to: Place,
    pub(crate) note: String,
}

/// What may be asked. `by` is the account that asks: only the owner is answered.
#[derive(Clone, Debug, IntoStaticStr)]
pub(crate) enum Command {
    /// The order is paid, and this was taken from the stock for it.
    OpenTicket { slip: Box<Slip>, taken: Portions, answer_by: Timestamp },
    /// The order is paid, and the stock is short.
    TurnAway { slip: Box<Slip>, short: stock::Short },
    /// The kitchen will cook it.
    Accept { by: AccountId, cook_minutes: CookMinutes },
    /// The kitchen will not.
    Reject { by: AccountId, reason: RejectReason, text: String },
    /// It is on the stove.
    StartCooking { by: AccountId },
    /// It is ready.
    FinishCooking { by: AccountId },
    /// The customer wishes to cancel; `request` tells one such wish from another.
    CancelTicket { request: Uuid },
    /// The order was canceled, and nobody asks the kitchen; `paid` is whether it was ever to have it.
    WithdrawTicket { paid: bool },
    /// The customer wishes a change.
    ChangeTicket {
        change: Change,
        /// What the stock gave of what [`Ticket::needs`] says.
        taken: Result<Portions, stock::Short>,
        /// Hold until then, because it costs more; `None`: change at once.
        hold_until: Option<Timestamp>,
    },
    /// The order is another one now: the held change is made.
    SealChange { change_id: ChangeId },
    /// The order stays what it was: the held change is forgotten.
    PutChangeBack { change_id: ChangeId },
    /// The time to answer is over; not before then, as nobody could answer for a while.
    EndAnswerTime { not_before: Timestamp },
    /// The time to hold is over.
    EndChangeLock { change_id: ChangeId },
    /// The order is completed: the store, called this now, says this now.
    Thank { store_name: String, message: String },
}

/// What may happen.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, IntoStaticStr)]
pub(crate) enum Event {
    /// The kitchen has it.
    Opened { slip: Box<Slip>, taken: Portions, answer_by: Timestamp },
    /// The stock was short: the kitchen never saw it. `text` names the item.
    TurnedAway { slip: Box<Slip>, text: String },
    /// Its order ended before it was opened.
    Foregone,
    /// Nobody could answer for a while: there is more time to.
    AnswerExtended { store_id: StoreId, answer_by: Timestamp },
    /// The kitchen will cook it.
    Accepted { store_id: StoreId, cook_minutes: CookMinutes },
    /// The kitchen said no, or nothing.
    Rejected { store_id: StoreId, reason: RejectReason, text: String, returned: Portions },
    /// The kitchen holds still, and `more` is reserved.
    ChangeHeld { change: Change, more: Portions, until: Timestamp },
    /// It is another one; `taken` is all that it has of the stock then.
    Changed { store_id: StoreId, change: Change, taken: Portions, returned: Portions },
    /// It stays what it was, says the kitchen.
    ChangeRefused { change_id: ChangeId, reason: ChangeRefusal, returned: Portions },
    /// It is again what it was, because the order is; not told, since the order knows.
    ChangePutBack { change_id: ChangeId, returned: Portions },
    /// It is on the stove.
    CookStarted { store_id: StoreId },
    /// It is ready.
    CookFinished { slip: Box<Slip> },
    /// It is withdrawn.
    Canceled { store_id: StoreId, returned: Portions },
    /// It is not withdrawn, because cooking had started.
    CancelRefused { request: Uuid },
    /// The store thanks.
    Thanked { store_id: StoreId, store_name: String, customer_id: AccountId, message: String },
}

/// Why not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// There is none, not yet, or it is another's: who asks is not told which.
    #[error("there is no such ticket")]
    NoSuchTicket,
    /// It was rejected or canceled.
    #[error("the ticket is {0}")]
    Closed(TicketStatus),
    /// It was accepted before, or with other cooking minutes.
    #[error("the ticket was accepted before")]
    AlreadyAccepted,
    /// It must be accepted first.
    #[error("the ticket is not accepted yet")]
    NotAccepted,
    /// It must be on the stove first.
    #[error("cooking has not started yet")]
    NotStarted,
    /// It is held for a change.
    #[error("the customer is changing the order")]
    ChangePending,
}

impl Event {
    /// What goes back to the stock with it.
    pub(crate) fn returned(&self) -> Option<&Portions> {
        match self {
            Self::Rejected { returned, .. }
            | Self::Changed { returned, .. }
            | Self::ChangeRefused { returned, .. }
            | Self::ChangePutBack { returned, .. }
            | Self::Canceled { returned, .. } => Some(returned).filter(|returned| !returned.is_empty()),
            Self::Opened { .. }
            | Self::TurnedAway { .. }
            | Self::Foregone
            | Self::AnswerExtended { .. }
            | Self::Accepted { .. }
            | Self::ChangeHeld { .. }
            | Self::CookStarted { .. }
            | Self::CookFinished { .. }
            | Self::CancelRefused { .. }
            | Self::Thanked { .. } => None,
        }
    }
}

/// What rejects the ticket if the kitchen has not answered.
pub(crate) fn answer_job(order: &OrderId, answer_by: Timestamp) -> Job {
    Job::new(ANSWER_BY, order, answer_by).about(order.0)
}

impl Aggregate for Ticket {
    const CATEGORY: &'static str = "ticket";
    type Id = OrderId;
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;

    fn decide(&self, command: Command, at: Timestamp) -> Result<Vec<Event>, Refusal> {
        match self {
            Self::Unopened => decide::unopened(command),
            Self::Foregone => decide::foregone(&command),
            Self::Opened(sheet) => decide::opened(sheet, command, at),
        }
    }

    fn evolve(&mut self, event: &Event, at: Timestamp) {
        match (self, event) {
            (ticket, Event::Opened { .. } | Event::TurnedAway { .. } | Event::Foregone) => {
                *ticket = Sheet::begin(event, at).map_or(Self::Foregone, |sheet| Self::Opened(Box::new(sheet)));
            }
            (Self::Opened(sheet), event) => sheet.evolve(event),
            // Nothing happens to a ticket that there is not.
            (Self::Unopened | Self::Foregone, _) => {}
        }
    }

    fn correlation(order: &OrderId, _event: &Event) -> Option<Uuid> {
        Some(order.0)
    }

    fn jobs(order: &OrderId, event: &Event) -> Vec<JobChange> {
        let unlock = || JobChange::unschedule(CHANGE_LOCK, order);
        match event {
            Event::Opened { answer_by, .. } | Event::AnswerExtended { answer_by, .. } => {
                vec![answer_job(order, *answer_by).into()]
            }
            Event::Accepted { .. } => vec![JobChange::unschedule(ANSWER_BY, order)],
            Event::Rejected { .. } | Event::Canceled { .. } => {
                vec![JobChange::unschedule(ANSWER_BY, order), unlock()]
            }
            Event::ChangeHeld { change, until, .. } => {
                let lock = ChangeLock { change_id: change.change_id, prolonged: false };
                vec![Job::new(CHANGE_LOCK, order, *until).with(&lock).about(order.0).into()]
            }
            Event::Changed { .. } | Event::ChangeRefused { .. } | Event::ChangePutBack { .. } => vec![unlock()],
            Event::TurnedAway { .. }
            | Event::Foregone
            | Event::CookStarted { .. }
            | Event::CookFinished { .. }
            | Event::CancelRefused { .. }
            | Event::Thanked { .. } => Vec::new(),
        }
    }
}
