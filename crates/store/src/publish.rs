//! What is told of what happened here.

use std::str::FromStr;

use baedal_contracts::store::{Event as Told, RejectReason};
use baedal_contracts::{OrderId, Place, StoreId};
use baedal_kit::bus::{Public, publish_with};
use baedal_kit::{Aggregate, Failure, Recorded};

use crate::domain::ticket::Slip;
use crate::domain::{Stock, Store, Ticket, stock, store, ticket};

/// The public event of a recorded one, where it has one.
///
/// # Errors
/// [`Failure::Broken`] where it cannot be read.
pub fn publish(recorded: &Recorded) -> Result<Option<Public>, Failure> {
    match recorded.stream.split_once('/').map_or("", |(category, _)| category) {
        Store::CATEGORY => publish_with(recorded, |event| Ok(Some(of_store(stream_id(recorded)?, event)))),
        Stock::CATEGORY => {
            publish_with(recorded, |event| Ok(Some(of_stock(stream_id(recorded)?, recorded.version, &event))))
        }
        Ticket::CATEGORY => publish_with(recorded, |event| Ok(of_ticket(stream_id(recorded)?, event))),
        _ => Err(Failure::broken(format!("{} is no stream of a store", recorded.stream))),
    }
}

fn stream_id<Id: FromStr<Err = uuid::Error>>(recorded: &Recorded) -> Result<Id, Failure> {
    let id = recorded.stream_id().parse();
    id.map_err(|error| Failure::broken_by(format!("{} is named by no id", recorded.stream), error))
}

fn of_store(store_id: StoreId, event: store::Event) -> Told {
    match event {
        store::Event::Registered { owner_id, profile } => Told::StoreRegistered { store_id, owner_id, profile },
        store::Event::ProfileChanged { profile } => Told::StoreChanged { store_id, profile },
        store::Event::Opened => Told::StoreOpened { store_id },
        store::Event::Closed => Told::StoreClosed { store_id },
        store::Event::MenuItemPut { item } => Told::MenuChanged { store_id, item_id: item.item_id, item: Some(item) },
        store::Event::MenuItemRemoved { item_id } => Told::MenuChanged { store_id, item_id, item: None },
    }
}

fn of_stock(store_id: StoreId, version: u64, event: &stock::Event) -> Told {
    let (item_id, stock) = match *event {
        stock::Event::StockSet { item_id, stock } => (item_id, stock),
        stock::Event::StockTaken { item_id, left, .. } | stock::Event::StockReturned { item_id, left, .. } => {
            (item_id, Some(left))
        }
    };
    Told::StockChanged { store_id, item_id, stock, version }
}

fn of_ticket(order_id: OrderId, event: ticket::Event) -> Option<Told> {
    Some(match event {
        ticket::Event::Opened { slip, answer_by, taken: _ } => {
            let Slip { order_no, customer_id, store, items, deliver_to, note } = *slip;
            let (store_id, owner_id) = (store.store_id, store.owner_id);
            Told::TicketOpened {
                order_id,
                order_no,
                store_id,
                owner_id,
                customer_id,
                items,
                deliver_to,
                note,
                answer_by,
            }
        }
        ticket::Event::TurnedAway { slip, text } => {
            let reason = RejectReason::OutOfStock;
            Told::TicketRejected { order_id, store_id: slip.store.store_id, reason, text }
        }
        ticket::Event::AnswerExtended { store_id, answer_by } => {
            Told::TicketAnswerExtended { order_id, store_id, answer_by }
        }
        ticket::Event::Accepted { store_id, cook_minutes } => {
            Told::TicketAccepted { order_id, store_id, cook_minutes: cook_minutes.into() }
        }
        ticket::Event::Rejected { store_id, reason, text, returned: _ } => {
            Told::TicketRejected { order_id, store_id, reason, text }
        }
        ticket::Event::ChangeHeld { change, until, more: _ } => {
            Told::TicketChangeReserved { order_id, change_id: change.change_id, until }
        }
        ticket::Event::Changed { store_id, change, taken: _, returned: _ } => {
            let ticket::Change { change_id, items, deliver_to, note } = change;
            Told::TicketChanged { order_id, store_id, change_id, items, deliver_to, note }
        }
        ticket::Event::ChangeRefused { change_id, reason, returned: _ } => {
            Told::TicketChangeRefused { order_id, change_id, reason }
        }
        ticket::Event::CookStarted { store_id } => Told::CookStarted { order_id, store_id },
        ticket::Event::CookFinished { slip } => cook_finished(order_id, *slip),
        ticket::Event::Canceled { store_id, returned: _ } => Told::TicketCanceled { order_id, store_id },
        ticket::Event::CancelRefused { request: _ } => Told::TicketCancelRefused { order_id },
        ticket::Event::Thanked { store_id, store_name, customer_id, message } => {
            Told::ThanksSent { order_id, store_id, store_name, customer_id, message }
        }
        // The order itself ended so, and knows.
        ticket::Event::Foregone | ticket::Event::ChangePutBack { .. } => return None,
    })
}

fn cook_finished(order_id: OrderId, slip: Slip) -> Told {
    let items: Vec<_> = slip.items.iter().map(|line| format!("{} ×{}", line.name, line.quantity)).collect();
    Told::CookFinished {
        order_id,
        order_no: slip.order_no,
        store_id: slip.store.store_id,
        store_name: slip.store.name,
        pickup: Place { address: slip.store.address, location: slip.store.location },
        deliver_to: slip.deliver_to,
        note: slip.note,
        customer_id: slip.customer_id,
        summary: items.join(", "),
    }
}
