//! Scenarios of a store.

use baedal_contracts::store::StoreProfile;
use baedal_contracts::{ItemId, Won};
use baedal_kit::scenario::{Given, given};
use uuid::Uuid;

use super::{Changes, Command, Event, LARGEST_MENU, Refusal, Store};
use crate::testing::{CHICKEN, COLA, OWNER, STRANGER, item, profile};

fn registered() -> Event {
    Event::Registered { owner_id: OWNER, profile: profile() }
}

fn store() -> Given<Store> {
    given([registered()])
}

fn change(changes: Changes) -> Command {
    Command::ChangeStore { by: OWNER, changes }
}

fn door(open: bool) -> Changes {
    Changes { open: Some(open), ..Changes::default() }
}

#[test]
fn a_store_is_registered_once_and_closed() {
    let register = || Command::RegisterStore { owner_id: OWNER, profile: profile() };
    given::<Store>([]).when(register()).then([registered()]).when(register()).then_nothing();
    let store: Store = baedal_kit::aggregate::replay(&[registered()], baedal_kit::scenario::NOON);
    assert!(!store.registered().expect("a store").open);
}

#[test]
fn it_opens_and_closes_and_repeating_that_does_nothing() {
    store()
        .when(change(door(true)))
        .then([Event::Opened])
        .when(change(door(true)))
        .then_nothing()
        .when(change(door(false)))
        .then([Event::Closed])
        .when(change(door(false)))
        .then_nothing();
}

#[test]
fn what_is_left_out_stays() {
    let changes = Changes { min_order_krw: Some(Won(15_000)), open: Some(true), ..Changes::default() };
    let profile = StoreProfile { min_order_krw: Won(15_000), ..profile() };
    store()
        .when(change(changes.clone()))
        .then([Event::ProfileChanged { profile }, Event::Opened])
        .when(change(changes))
        .then_nothing()
        .when(change(Changes::default()))
        .then_nothing();
}

#[test]
fn items_come_change_and_go() {
    let put = |item| Command::PutMenuItem { by: OWNER, item };
    let dearer = || baedal_contracts::store::MenuItem { price_krw: Won(21_000), ..item(CHICKEN) };
    store()
        .when(put(item(CHICKEN)))
        .then([Event::MenuItemPut { item: item(CHICKEN) }])
        .when(put(item(CHICKEN)))
        .then_nothing()
        .when(put(dearer()))
        .then([Event::MenuItemPut { item: dearer() }])
        .when(Command::RemoveMenuItem { by: OWNER, item_id: CHICKEN })
        .then([Event::MenuItemRemoved { item_id: CHICKEN }])
        .when(Command::RemoveMenuItem { by: OWNER, item_id: CHICKEN })
        .then_refused(Refusal::NoSuchItem);
}

#[test]
fn a_full_menu_takes_no_more_but_changes() {
    let full = (1_000..1_000 + LARGEST_MENU as u128)
        .map(|number| Event::MenuItemPut { item: item(ItemId(Uuid::from_u128(number))) });
    let full: Vec<_> = std::iter::once(registered()).chain(full).collect();
    given::<Store>(full.clone())
        .when(Command::PutMenuItem { by: OWNER, item: item(COLA) })
        .then_refused(Refusal::MenuFull);
    let sold_out = baedal_contracts::store::MenuItem { available: false, ..item(ItemId(Uuid::from_u128(1_007))) };
    given::<Store>(full)
        .when(Command::PutMenuItem { by: OWNER, item: sold_out.clone() })
        .then([Event::MenuItemPut { item: sold_out }]);
}

#[test]
fn only_its_owner_is_answered() {
    let commands = || {
        [
            Command::ChangeStore { by: STRANGER, changes: door(true) },
            Command::PutMenuItem { by: STRANGER, item: item(CHICKEN) },
            Command::RemoveMenuItem { by: STRANGER, item_id: CHICKEN },
        ]
    };
    for command in commands() {
        given::<Store>([registered(), Event::MenuItemPut { item: item(CHICKEN) }])
            .when(command)
            .then_refused(Refusal::NoSuchStore);
    }
    for command in commands() {
        given::<Store>([]).when(command).then_refused(Refusal::NoSuchStore);
    }
}
