//! Scenarios of a store's stock.

use baedal_kit::scenario::{Given, given};

use super::{Command, Event, Refusal, Stock};
use crate::testing::{CHICKEN, COLA, RADISH, order, portions};

fn set(item_id: baedal_contracts::ItemId, stock: impl Into<Option<u32>>) -> Event {
    Event::StockSet { item_id, stock: stock.into() }
}

fn take(number: u128, counts: &[(baedal_contracts::ItemId, u32)]) -> Command {
    Command::TakeStock { order_id: order(number), portions: portions(counts) }
}

fn put_back(number: u128, counts: &[(baedal_contracts::ItemId, u32)]) -> Command {
    Command::ReturnStock { order_id: order(number), portions: portions(counts) }
}

fn stocked() -> Given<Stock> {
    given([set(CHICKEN, 5), set(COLA, 2)])
}

#[test]
fn what_is_taken_is_less_and_what_is_returned_is_more() {
    let (order_id, item_id) = (order(1), CHICKEN);
    stocked()
        .when(take(1, &[(CHICKEN, 3)]))
        .then([Event::StockTaken { order_id, item_id, quantity: 3, left: 2 }])
        .when(put_back(1, &[(CHICKEN, 1)]))
        .then([Event::StockReturned { order_id, item_id, quantity: 1, left: 3 }]);
}

#[test]
fn the_last_one_can_be_taken_and_no_more() {
    let (order_id, item_id) = (order(1), CHICKEN);
    stocked()
        .when(take(1, &[(CHICKEN, 5)]))
        .then([Event::StockTaken { order_id, item_id, quantity: 5, left: 0 }])
        .when(take(2, &[(CHICKEN, 1)]))
        .then_refused(Refusal::Short { item_id: CHICKEN });
}

#[test]
fn one_short_item_and_nothing_is_taken() {
    stocked().when(take(1, &[(CHICKEN, 1), (COLA, 3)])).then_refused(Refusal::Short { item_id: COLA });
}

#[test]
fn several_items_are_taken_together() {
    let order_id = order(1);
    stocked().when(take(1, &[(CHICKEN, 1), (COLA, 2), (RADISH, 9)])).then([
        Event::StockTaken { order_id, item_id: CHICKEN, quantity: 1, left: 4 },
        Event::StockTaken { order_id, item_id: COLA, quantity: 2, left: 0 },
    ]);
}

#[test]
fn what_is_not_counted_is_never_short_and_writes_nothing() {
    stocked()
        .when(take(1, &[(RADISH, 1_000_000)]))
        .then_nothing()
        .when(put_back(1, &[(RADISH, 1_000_000)]))
        .then_nothing();
}

#[test]
fn the_owner_counts_and_stops_counting() {
    stocked()
        .when(Command::SetStock { item_id: CHICKEN, stock: Some(5) })
        .then_nothing()
        .when(Command::SetStock { item_id: CHICKEN, stock: Some(0) })
        .then([set(CHICKEN, 0)])
        .when(Command::SetStock { item_id: CHICKEN, stock: None })
        .then([set(CHICKEN, None)])
        .when(Command::SetStock { item_id: CHICKEN, stock: None })
        .then_nothing()
        .when(take(1, &[(CHICKEN, 7)]))
        .then_nothing();
}

#[test]
fn what_an_order_took_is_read_from_what_happened() {
    let order_id = order(1);
    let events = [
        Event::StockTaken { order_id, item_id: CHICKEN, quantity: 1, left: 4 },
        Event::StockTaken { order_id, item_id: COLA, quantity: 2, left: 0 },
    ];
    assert_eq!(super::taken(&events), portions(&[(CHICKEN, 1), (COLA, 2)]));
}
