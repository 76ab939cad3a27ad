//! A ticket that came to the kitchen: what is known of it.

use baedal_contracts::ChangeId;
use baedal_contracts::store::{RejectReason, TicketStatus};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Change, Event, Slip, Ticket};
use crate::domain::{CookMinutes, Portions};

/// A ticket that came to the kitchen.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Sheet {
    pub(crate) slip: Slip,
    pub(crate) status: TicketStatus,
    /// What it has of the stock, a held change aside. Never more than its items need.
    pub(crate) taken: Portions,
    pub(crate) cook_minutes: Option<CookMinutes>,
    pub(crate) opened_at: Timestamp,
    /// When it is rejected if the kitchen has not answered; nothing where the kitchen never saw it.
    pub(crate) answer_by: Option<Timestamp>,
    pub(crate) rejection: Option<Rejection>,
    /// The change for which the kitchen holds still.
    pub(crate) held: Option<Held>,
    /// The changes and refused cancels that have had their answer, so that a repetition gets none.
    pub(super) answered: Vec<Uuid>,
    pub(super) thanked: bool,
}

/// A change for which the kitchen holds still.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Held {
    pub(crate) change: Change,
    /// What is reserved of the stock for it, beyond what the ticket has.
    pub(crate) more: Portions,
    pub(crate) until: Timestamp,
}

/// Why the kitchen does not cook it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Rejection {
    pub(crate) reason: RejectReason,
    pub(crate) text: String,
}

impl Ticket {
    /// The ticket, where it came to the kitchen.
    pub(crate) fn sheet(&self) -> Option<&Sheet> {
        match self {
            Self::Opened(sheet) => Some(sheet),
            Self::Unopened | Self::Foregone => None,
        }
    }

    /// What a change needs of the stock beyond what the ticket has; nothing where it will not be made.
    pub(crate) fn needs(&self, change: &Change) -> Portions {
        match self.sheet() {
            Some(sheet) if sheet.may_change(change.change_id) => {
                Portions::of(&change.items).beyond(&Portions::of(&sheet.slip.items))
            }
            Some(_) | None => Portions::default(),
        }
    }

    /// The held change that another one overtakes: its order has moved on, or it would not ask again.
    pub(crate) fn overtaken_by(&self, change_id: ChangeId) -> Option<ChangeId> {
        let sheet = self.sheet().filter(|sheet| sheet.may_change(change_id))?;
        sheet.held.as_ref().map(|held| held.change.change_id)
    }
}

impl Sheet {
    /// The ticket that begins with this event, if one does.
    pub(super) fn begin(event: &Event, at: Timestamp) -> Option<Self> {
        let begun = |slip: &Slip, status| Self {
            slip: slip.clone(),
            status,
            taken: Portions::default(),
            cook_minutes: None,
            opened_at: at,
            answer_by: None,
            rejection: None,
            held: None,
            answered: Vec::new(),
            thanked: false,
        };
        match event {
            Event::Opened { slip, taken, answer_by } => {
                Some(Self { taken: taken.clone(), answer_by: Some(*answer_by), ..begun(slip, TicketStatus::Open) })
            }
            Event::TurnedAway { slip, text } => {
                let rejection = Rejection { reason: RejectReason::OutOfStock, text: text.clone() };
                Some(Self { rejection: Some(rejection), ..begun(slip, TicketStatus::Rejected) })
            }
            _ => None,
        }
    }

    /// Whether a change is news, and comes in time.
    pub(super) fn may_change(&self, change_id: ChangeId) -> bool {
        let in_time = matches!(self.status, TicketStatus::Open | TicketStatus::Accepted);
        in_time && !self.knows(change_id)
    }

    /// Whether a change has had its answer, or waits for the end of its hold.
    pub(super) fn knows(&self, change_id: ChangeId) -> bool {
        self.answered.contains(&change_id.0) || self.holds(change_id).is_some()
    }

    /// This change, where it is the one held.
    pub(super) fn holds(&self, change_id: ChangeId) -> Option<&Held> {
        self.held.as_ref().filter(|held| held.change.change_id == change_id)
    }

    /// All that it has of the stock, reserved for a held change included.
    pub(crate) fn everything(&self) -> Portions {
        self.held.as_ref().map_or_else(|| self.taken.clone(), |held| self.taken.plus(&held.more))
    }

    pub(super) fn evolve(&mut self, event: &Event) {
        match event {
            // These begin a ticket.
            Event::Opened { .. } | Event::TurnedAway { .. } | Event::Foregone => {}
            Event::AnswerExtended { answer_by, .. } => self.answer_by = Some(*answer_by),
            Event::Accepted { cook_minutes, .. } => {
                self.status = TicketStatus::Accepted;
                self.cook_minutes = Some(*cook_minutes);
            }
            Event::Rejected { reason, text, .. } => {
                self.close(TicketStatus::Rejected);
                self.rejection = Some(Rejection { reason: *reason, text: text.clone() });
            }
            Event::Canceled { returned, .. } => {
                let cooked = self.everything().beyond(returned);
                self.close(TicketStatus::Canceled);
                self.taken = cooked;
            }
            Event::ChangeHeld { change, more, until } => {
                self.held = Some(Held { change: change.clone(), more: more.clone(), until: *until });
            }
            Event::Changed { change, taken, .. } => {
                self.taken = taken.clone();
                self.slip.items = change.items.clone();
                self.slip.deliver_to = change.deliver_to.clone();
                self.slip.note = change.note.clone();
                self.end_change(change.change_id);
            }
            Event::ChangeRefused { change_id, .. } | Event::ChangePutBack { change_id, .. } => {
                self.end_change(*change_id);
            }
            Event::CookStarted { .. } => self.status = TicketStatus::Cooking,
            Event::CookFinished { .. } => self.status = TicketStatus::Cooked,
            Event::CancelRefused { request } => self.answered.push(*request),
            Event::Thanked { .. } => self.thanked = true,
        }
    }

    /// It is over, and has nothing of the stock any more.
    fn close(&mut self, status: TicketStatus) {
        self.status = status;
        self.taken = Portions::default();
        if let Some(held) = self.held.take() {
            self.answered.push(held.change.change_id.0);
        }
    }

    fn end_change(&mut self, change_id: ChangeId) {
        self.held = self.held.take().filter(|held| held.change.change_id != change_id);
        self.answered.push(change_id.0);
    }
}
