//! What is said when a kitchen goes on with a ticket.

use baedal_contracts::store::Event;

use crate::ask::Draft;
use crate::templates::{Template, var};
use crate::words;

/// What is said at once.
pub(super) fn when_store_tells(event: Event) -> Vec<Draft> {
    match event {
        Event::TicketOpened { owner_id, items, answer_by, .. } => vec![
            Draft::to_owner(Template::TicketOpened)
                .at(owner_id)
                .with(var::ITEMS, words::items(&items))
                .with(var::ANSWER_BY, words::time_of_day(answer_by)),
        ],
        Event::TicketAccepted { cook_minutes, .. } => {
            vec![Draft::to_customer(Template::TicketAccepted).with(var::COOK_MINUTES, cook_minutes.to_string())]
        }
        Event::TicketChanged { items, .. } => {
            vec![Draft::to_owner(Template::TicketChanged).with(var::ITEMS, words::items(&items))]
        }
        Event::TicketCanceled { .. } => vec![Draft::to_owner(Template::TicketCanceled)],
        Event::CookStarted { .. } => vec![Draft::to_customer(Template::CookStarted)],
        Event::CookFinished { customer_id, store_name, .. } => {
            vec![Draft::to_customer(Template::CookFinished).at(customer_id).with(var::STORE, store_name)]
        }
        Event::ThanksSent { customer_id, store_name, message, .. } => vec![
            Draft::to_customer(Template::ThanksSent)
                .at(customer_id)
                .with(var::STORE, store_name)
                .with(var::MESSAGE, message.trim()),
        ],
        // Order tells the customer what it means for the order; the owner did it, or let it happen.
        Event::TicketRejected { .. }
        | Event::TicketChangeReserved { .. }
        | Event::TicketChangeRefused { .. }
        | Event::TicketCancelRefused { .. } => vec![],
        // His board counts on; a second message about one ticket would be taken for a second ticket.
        Event::TicketAnswerExtended { .. } => vec![],
        // About a store, and no order.
        Event::StoreRegistered { .. }
        | Event::StoreChanged { .. }
        | Event::StoreOpened { .. }
        | Event::StoreClosed { .. }
        | Event::MenuChanged { .. }
        | Event::StockChanged { .. } => vec![],
    }
}
