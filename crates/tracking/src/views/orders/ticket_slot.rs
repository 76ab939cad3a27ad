//! What store said of an order: the kitchen's ticket.

use baedal_contracts::Place;
use baedal_contracts::order::Line;
use baedal_contracts::store::{Event, TicketStatus};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The ticket's slot.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct TicketSlot {
    /// How far it is, or was before it ended.
    pub(crate) reached: TicketStatus,
    /// `rejected` or `canceled`, where it ended so.
    pub(crate) ended: Option<TicketStatus>,
    /// What is on it; nothing where it was turned away before it was opened.
    pub(crate) opened: Option<Opened>,
    pub(crate) cook_minutes: Option<u32>,
    /// When it should be cooked, and once it is, when it was.
    pub(crate) cooked_at: Option<Timestamp>,
}

/// What is on a ticket.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Opened {
    pub(crate) at: Timestamp,
    pub(crate) answer_by: Timestamp,
    pub(crate) items: Vec<Line>,
    pub(crate) deliver_to: Place,
    pub(crate) note: String,
}

impl Default for TicketSlot {
    fn default() -> Self {
        Self { reached: TicketStatus::Open, ended: None, opened: None, cook_minutes: None, cooked_at: None }
    }
}

impl TicketSlot {
    pub(crate) fn handle(&mut self, event: Event, at: Timestamp) {
        match event {
            Event::TicketOpened { items, deliver_to, note, answer_by, .. } => {
                self.opened = Some(Opened { at, answer_by, items, deliver_to, note });
            }
            Event::TicketAnswerExtended { answer_by, .. } => {
                if let Some(opened) = &mut self.opened {
                    opened.answer_by = answer_by;
                }
            }
            Event::TicketAccepted { cook_minutes, .. } => {
                self.reached = TicketStatus::Accepted;
                self.cook_minutes = Some(cook_minutes);
                self.cooked_at = at.checked_add(SignedDuration::from_mins(i64::from(cook_minutes))).ok();
            }
            Event::TicketChanged { items, deliver_to, note, .. } => {
                if let Some(opened) = &mut self.opened {
                    (opened.items, opened.deliver_to, opened.note) = (items, deliver_to, note);
                }
            }
            Event::CookStarted { .. } => self.reached = TicketStatus::Cooking,
            Event::CookFinished { .. } => {
                self.reached = TicketStatus::Cooked;
                self.cooked_at = Some(at);
            }
            Event::TicketRejected { .. } => self.ended = Some(TicketStatus::Rejected),
            Event::TicketCanceled { .. } => self.ended = Some(TicketStatus::Canceled),
            // Said to the customer, and seen in the timeline; or about no ticket.
            Event::ThanksSent { .. }
            | Event::TicketChangeReserved { .. }
            | Event::TicketChangeRefused { .. }
            | Event::TicketCancelRefused { .. }
            | Event::StoreRegistered { .. }
            | Event::StoreChanged { .. }
            | Event::StoreOpened { .. }
            | Event::StoreClosed { .. }
            | Event::MenuChanged { .. }
            | Event::StockChanged { .. } => {}
        }
    }

    /// How far it is.
    pub(crate) fn status(&self) -> TicketStatus {
        self.ended.unwrap_or(self.reached)
    }
}
