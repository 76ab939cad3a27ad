//! Scenarios of a store's stock.

use baedal_kit::scenario::{Given, given};

use super::{Command, Event, Refusal, Short, Stock};
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

fn count(stock: Option<u32>) -> Command {
    Command::SetStock { item_id: CHICKEN, stock, seen: None }
}

fn count_as_seen(seen: u64) -> Command {
    Command::SetStock { item_id: CHICKEN, stock: Some(7), seen: Some(seen) }
}

fn add(add: i64) -> Command {
    Command::AddStock { item_id: CHICKEN, add, seen: None }
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
        .then_refused(Refusal::Short(Short { item_id: CHICKEN }));
}

#[test]
fn one_short_item_and_nothing_is_taken() {
    stocked().when(take(1, &[(CHICKEN, 1), (COLA, 3)])).then_refused(Refusal::Short(Short { item_id: COLA }));
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
        .when(count(Some(5)))
        .then_nothing()
        .when(count(Some(0)))
        .then([set(CHICKEN, 0)])
        .when(count(None))
        .then([set(CHICKEN, None)])
        .when(count(None))
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

#[test]
fn more_comes_to_what_is_left_and_some_of_it_goes() {
    stocked()
        .when(take(1, &[(CHICKEN, 2)]))
        .then([Event::StockTaken { order_id: order(1), item_id: CHICKEN, quantity: 2, left: 3 }])
        .when(add(10))
        .then([set(CHICKEN, 13)])
        .when(add(-13))
        .then([set(CHICKEN, 0)])
        .when(add(0))
        .then_nothing();
}

#[test]
fn nothing_is_below_zero_nor_above_the_most_and_nothing_comes_to_what_is_not_counted() {
    stocked().when(add(-6)).then_refused(Refusal::BelowZero { left: 5 });
    stocked().when(add(i64::MIN)).then_refused(Refusal::BelowZero { left: 5 });
    stocked().when(add(999_996)).then_refused(Refusal::TooMany { left: 5 });
    stocked().when(add(i64::MAX)).then_refused(Refusal::TooMany { left: 5 });
    stocked().when(add(999_995)).then([set(CHICKEN, 1_000_000)]);
    given::<Stock>([set(COLA, 2)]).when(add(1)).then_refused(Refusal::NotCounted);
    // Given back by orders, it may be more than an owner may say: less of that is still less.
    given::<Stock>([set(CHICKEN, 1_000_007)]).when(add(-3)).then([set(CHICKEN, 1_000_004)]);
}

#[test]
fn what_was_seen_before_the_item_changed_is_too_old() {
    // Chicken was said in version 1, cola in version 2.
    stocked().when(count_as_seen(2)).then([set(CHICKEN, 7)]);
    stocked().when(count_as_seen(1)).then([set(CHICKEN, 7)]);
    let changed_since = |left: u32| Refusal::ChangedSince { left: Some(left), version: 3 };
    let sold = stocked().when(take(1, &[(CHICKEN, 1)])).then([Event::StockTaken {
        order_id: order(1),
        item_id: CHICKEN,
        quantity: 1,
        left: 4,
    }]);
    sold.when(count_as_seen(2)).then_refused(changed_since(4));
    // A version that there has never been was given by another database.
    stocked().when(count_as_seen(3)).then_refused(Refusal::ChangedSince { left: Some(5), version: 2 });
    // It does not matter that cola was sold.
    let other = stocked().when(take(1, &[(COLA, 1)])).then([Event::StockTaken {
        order_id: order(1),
        item_id: COLA,
        quantity: 1,
        left: 1,
    }]);
    other.when(count_as_seen(1)).then([set(CHICKEN, 7)]);
}

#[test]
fn an_item_that_is_no_longer_counted_has_changed() {
    let uncounted = || given::<Stock>([set(CHICKEN, 5), set(CHICKEN, None)]);
    uncounted().when(count_as_seen(1)).then_refused(Refusal::ChangedSince { left: None, version: 2 });
    uncounted().when(count_as_seen(2)).then([set(CHICKEN, 7)]);
    let expect = |seen| Command::ExpectStock { item_id: CHICKEN, seen };
    stocked().when(expect(1)).then_nothing();
    uncounted().when(expect(1)).then_refused(Refusal::ChangedSince { left: None, version: 2 });
}
