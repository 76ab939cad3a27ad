//! The decisions themselves, by what the ticket is.

use baedal_contracts::order::ChangeRefusal;
use baedal_contracts::store::{RejectReason, TicketStatus};
use baedal_contracts::{AccountId, ChangeId};
use jiff::Timestamp;
use uuid::Uuid;

use super::sheet::{Held, Rejection, Sheet};
use super::{Change, Command, Event, Refusal, Slip};
use crate::domain::{CookMinutes, Portions, stock};

/// What is decided.
type Decided = Result<Vec<Event>, Refusal>;

/// It happened before, or something else did that makes it needless.
const NOTHING: Decided = Ok(Vec::new());

/// Before anything was heard of the order.
pub(super) fn unopened(command: Command) -> Decided {
    match command {
        Command::OpenTicket { slip, taken, answer_by } => Ok(vec![Event::Opened { slip, taken, answer_by }]),
        Command::TurnAway { slip, short } => {
            let text = name_of(&slip, short);
            Ok(vec![Event::TurnedAway { slip, text }])
        }
        // That it was paid comes too late, and then must open nothing.
        Command::WithdrawTicket { paid: true } => Ok(vec![Event::Foregone]),
        Command::WithdrawTicket { paid: false } => NOTHING,
        // The kitchen has to answer these, and can only once it has the order: they are set aside.
        Command::CancelTicket { .. } | Command::ChangeTicket { .. } | Command::Thank { .. } => {
            Err(Refusal::NoSuchTicket)
        }
        Command::Accept { .. }
        | Command::Reject { .. }
        | Command::StartCooking { .. }
        | Command::FinishCooking { .. } => Err(Refusal::NoSuchTicket),
        Command::SealChange { .. }
        | Command::PutChangeBack { .. }
        | Command::EndAnswerTime { .. }
        | Command::EndChangeLock { .. } => NOTHING,
    }
}

/// After the order ended without having been opened.
pub(super) fn foregone(command: &Command) -> Decided {
    match command {
        Command::Accept { .. }
        | Command::Reject { .. }
        | Command::StartCooking { .. }
        | Command::FinishCooking { .. } => Err(Refusal::NoSuchTicket),
        Command::OpenTicket { .. }
        | Command::TurnAway { .. }
        | Command::CancelTicket { .. }
        | Command::WithdrawTicket { .. }
        | Command::ChangeTicket { .. }
        | Command::SealChange { .. }
        | Command::PutChangeBack { .. }
        | Command::EndAnswerTime { .. }
        | Command::EndChangeLock { .. }
        | Command::Thank { .. } => NOTHING,
    }
}

/// From the time that it came to the kitchen.
pub(super) fn opened(sheet: &Sheet, command: Command, at: Timestamp) -> Decided {
    match command {
        Command::OpenTicket { .. } | Command::TurnAway { .. } => NOTHING,
        Command::Accept { by, cook_minutes } => sheet.asked_by(by)?.accept(cook_minutes),
        Command::Reject { by, reason, text } => sheet.asked_by(by)?.reject(Rejection { reason, text }),
        Command::StartCooking { by } => sheet.asked_by(by)?.start(),
        Command::FinishCooking { by } => sheet.asked_by(by)?.finish(),
        Command::CancelTicket { request } => Ok(sheet.cancel(request)),
        Command::WithdrawTicket { paid: _ } => Ok(sheet.withdraw()),
        Command::ChangeTicket { change, taken, hold_until } => sheet.change(change, taken, hold_until),
        Command::SealChange { change_id } => Ok(sheet.seal(change_id)),
        Command::PutChangeBack { change_id } => Ok(sheet.put_back(change_id)),
        Command::EndAnswerTime { not_before } => Ok(sheet.end_answer_time(not_before, at)),
        Command::EndChangeLock { change_id } => Ok(sheet.end_change_lock(change_id)),
        Command::Thank { store_name, message } => Ok(sheet.thank(store_name, message)),
    }
}

/// What the store calls that of which the stock is short.
fn name_of(slip: &Slip, short: stock::Short) -> String {
    let line = slip.items.iter().find(|line| line.item_id == short.item_id);
    line.map_or_else(String::new, |line| line.name.clone())
}

impl Sheet {
    fn asked_by(&self, by: AccountId) -> Result<&Self, Refusal> {
        if self.slip.store.owner_id == by { Ok(self) } else { Err(Refusal::NoSuchTicket) }
    }

    fn accept(&self, cook_minutes: CookMinutes) -> Decided {
        match self.status {
            TicketStatus::Open => Ok(vec![Event::Accepted { store_id: self.slip.store.store_id, cook_minutes }]),
            TicketStatus::Accepted | TicketStatus::Cooking | TicketStatus::Cooked => {
                if self.cook_minutes == Some(cook_minutes) { NOTHING } else { Err(Refusal::AlreadyAccepted) }
            }
            status @ (TicketStatus::Rejected | TicketStatus::Canceled) => Err(Refusal::Closed(status)),
        }
    }

    fn reject(&self, rejection: Rejection) -> Decided {
        match self.status {
            TicketStatus::Open => Ok(vec![self.rejected(rejection)]),
            TicketStatus::Rejected if self.rejection.as_ref() == Some(&rejection) => NOTHING,
            TicketStatus::Accepted | TicketStatus::Cooking | TicketStatus::Cooked => Err(Refusal::AlreadyAccepted),
            status @ (TicketStatus::Rejected | TicketStatus::Canceled) => Err(Refusal::Closed(status)),
        }
    }

    fn start(&self) -> Decided {
        match self.status {
            TicketStatus::Accepted if self.held.is_some() => Err(Refusal::ChangePending),
            TicketStatus::Accepted => Ok(vec![Event::CookStarted { store_id: self.slip.store.store_id }]),
            TicketStatus::Cooking | TicketStatus::Cooked => NOTHING,
            TicketStatus::Open => Err(Refusal::NotAccepted),
            status @ (TicketStatus::Rejected | TicketStatus::Canceled) => Err(Refusal::Closed(status)),
        }
    }

    fn finish(&self) -> Decided {
        match self.status {
            TicketStatus::Cooking => Ok(vec![Event::CookFinished { slip: Box::new(self.slip.clone()) }]),
            TicketStatus::Cooked => NOTHING,
            TicketStatus::Open => Err(Refusal::NotAccepted),
            TicketStatus::Accepted => Err(Refusal::NotStarted),
            status @ (TicketStatus::Rejected | TicketStatus::Canceled) => Err(Refusal::Closed(status)),
        }
    }

    fn cancel(&self, request: Uuid) -> Vec<Event> {
        match self.status {
            TicketStatus::Open | TicketStatus::Accepted => vec![self.canceled(self.everything())],
            TicketStatus::Cooking | TicketStatus::Cooked if self.answered.contains(&request) => Vec::new(),
            TicketStatus::Cooking | TicketStatus::Cooked => vec![Event::CancelRefused { request }],
            // That it is over was told, and is the answer.
            TicketStatus::Rejected | TicketStatus::Canceled => Vec::new(),
        }
    }

    fn withdraw(&self) -> Vec<Event> {
        match self.status {
            TicketStatus::Open | TicketStatus::Accepted => vec![self.canceled(self.everything())],
            // Food cooked is cooked: nothing goes back.
            TicketStatus::Cooking | TicketStatus::Cooked => vec![self.canceled(Portions::default())],
            TicketStatus::Rejected | TicketStatus::Canceled => Vec::new(),
        }
    }

    fn change(&self, change: Change, taken: Result<Portions, stock::Short>, hold_until: Option<Timestamp>) -> Decided {
        let refused = |reason| {
            let (change_id, returned) = (change.change_id, Portions::default());
            Ok(vec![Event::ChangeRefused { change_id, reason, returned }])
        };
        if self.knows(change.change_id) {
            return NOTHING;
        }
        match (self.status, taken) {
            (TicketStatus::Cooking | TicketStatus::Cooked, _) => refused(ChangeRefusal::CookingStarted),
            (TicketStatus::Rejected | TicketStatus::Canceled, _) => refused(ChangeRefusal::TicketClosed),
            // The earlier change has to be put back first.
            (TicketStatus::Open | TicketStatus::Accepted, _) if self.held.is_some() => Err(Refusal::ChangePending),
            (TicketStatus::Open | TicketStatus::Accepted, Err(stock::Short { .. })) => {
                refused(ChangeRefusal::OutOfStock)
            }
            (TicketStatus::Open | TicketStatus::Accepted, Ok(more)) => Ok(vec![match hold_until {
                Some(until) => Event::ChangeHeld { change, more, until },
                None => self.changed(change, &more),
            }]),
        }
    }

    fn seal(&self, change_id: ChangeId) -> Vec<Event> {
        let sealed = self.holds(change_id).map(|Held { change, more, .. }| self.changed(change.clone(), more));
        sealed.into_iter().collect()
    }

    fn put_back(&self, change_id: ChangeId) -> Vec<Event> {
        let held = self.holds(change_id);
        held.map(|held| Event::ChangePutBack { change_id, returned: held.more.clone() }).into_iter().collect()
    }

    fn end_answer_time(&self, not_before: Timestamp, at: Timestamp) -> Vec<Event> {
        match self.status {
            // It comes again at its time.
            TicketStatus::Open if self.answer_by.is_some_and(|answer_by| at < answer_by) => Vec::new(),
            TicketStatus::Open if at < not_before => {
                vec![Event::AnswerExtended { store_id: self.slip.store.store_id, answer_by: not_before }]
            }
            TicketStatus::Open => {
                vec![self.rejected(Rejection { reason: RejectReason::StoreTimeout, text: String::new() })]
            }
            // The kitchen answered in time, or the customer was faster.
            TicketStatus::Accepted
            | TicketStatus::Cooking
            | TicketStatus::Cooked
            | TicketStatus::Rejected
            | TicketStatus::Canceled => Vec::new(),
        }
    }

    fn end_change_lock(&self, change_id: ChangeId) -> Vec<Event> {
        let refused = self.holds(change_id).map(|held| Event::ChangeRefused {
            change_id,
            reason: ChangeRefusal::PaymentTimeout,
            returned: held.more.clone(),
        });
        refused.into_iter().collect()
    }

    fn thank(&self, store_name: String, message: String) -> Vec<Event> {
        if self.thanked {
            return Vec::new();
        }
        let (store_id, customer_id) = (self.slip.store.store_id, self.slip.customer_id);
        vec![Event::Thanked { store_id, store_name, customer_id, message }]
    }

    fn rejected(&self, Rejection { reason, text }: Rejection) -> Event {
        Event::Rejected { store_id: self.slip.store.store_id, reason, text, returned: self.everything() }
    }

    fn canceled(&self, returned: Portions) -> Event {
        Event::Canceled { store_id: self.slip.store.store_id, returned }
    }

    /// The change is made: `more` came from the stock for it, and what the old items had beyond the new
    /// goes back, as far as it came from the stock.
    fn changed(&self, change: Change, more: &Portions) -> Event {
        let less = Portions::of(&self.slip.items).beyond(&Portions::of(&change.items));
        let returned = less.within(&self.taken);
        let taken = self.taken.plus(more).beyond(&returned);
        Event::Changed { store_id: self.slip.store.store_id, change, taken, returned }
    }
}
