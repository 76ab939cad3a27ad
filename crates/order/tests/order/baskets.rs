//! What a store's menu and rules allow.

use baedal_contracts::{ItemId, Location, Won};
use baedal_order::domain::{KnownStore, Wish, WishRefused, WishedChoice, WishedLine};
use uuid::Uuid;

use crate::given::*;

fn line(item_id: ItemId, quantity: u32, options: &[(&str, &str)]) -> WishedLine {
    let choice =
        |(name, choice): &(&str, &str)| WishedChoice { name: (*name).to_owned(), choice: (*choice).to_owned() };
    WishedLine { item_id, quantity, options: options.iter().map(choice).collect() }
}

fn wish(items: Vec<WishedLine>) -> Wish {
    Wish { items, deliver_to: hongdae(), note: String::new() }
}

fn hot(quantity: u32) -> WishedLine {
    line(CHICKEN, quantity, &[("맛 선택", "매운맛")])
}

fn refused(wish: Wish, store: &KnownStore) -> WishRefused {
    wish.place(store).unwrap_err()
}

#[test]
fn prices_come_from_the_menu_options_and_delivery_included() {
    let sauces = line(CHICKEN, 2, &[("맛 선택", "순한맛"), ("소스", "양념"), ("소스", "마늘")]);
    let basket = wish(vec![sauces, line(COLA, 3, &[])]).place(&known_store()).unwrap();
    assert_eq!(basket.items[0].unit_price_krw, Won(18_700));
    assert_eq!(basket.total_krw, Won(2 * 18_700 + 3 * 2_000 + 3_000));
    assert_eq!(basket.items[1].name, "콜라");
}

#[test]
fn a_closed_store_takes_no_order_but_lets_one_change() {
    let mut store = known_store();
    store.open = false;
    assert!(matches!(refused(wish(vec![hot(1)]), &store), WishRefused::StoreClosed { .. }));
    assert!(wish(vec![hot(1)]).change(&store, &basket(2)).is_ok());
}

#[test]
fn what_is_not_on_the_menu_is_named() {
    let store = known_store();
    let nothing = line(ItemId(Uuid::nil()), 1, &[]);
    assert_eq!(refused(wish(vec![hot(1), nothing]), &store), WishRefused::UnknownItem { line: 1 });
    let option = wish(vec![line(CHICKEN, 1, &[("맛 선택", "매운맛"), ("크기", "대")])]);
    assert!(matches!(refused(option, &store), WishRefused::UnknownOption { line: 0, option: 1, .. }));
    let choice = wish(vec![line(CHICKEN, 1, &[("맛 선택", "아주 매운맛")])]);
    assert!(matches!(refused(choice, &store), WishRefused::UnknownChoice { line: 0, option: 0, .. }));
}

#[test]
fn options_take_so_many_choices_each_once() {
    let store = known_store();
    assert!(matches!(
        refused(wish(vec![line(CHICKEN, 1, &[])]), &store),
        WishRefused::WrongNumberOfChoices { line: 0, min: 1, max: 1, made: 0, .. }
    ));
    let three = line(CHICKEN, 1, &[("맛 선택", "순한맛"), ("소스", "양념"), ("소스", "간장"), ("소스", "마늘")]);
    assert!(matches!(refused(wish(vec![three]), &store), WishRefused::WrongNumberOfChoices { max: 2, made: 3, .. }));
    let twice = line(CHICKEN, 1, &[("맛 선택", "순한맛"), ("소스", "양념"), ("소스", "양념")]);
    assert_eq!(refused(wish(vec![twice]), &store), WishRefused::DuplicateChoice { line: 0, option: 2 });
}

#[test]
fn what_is_not_sold_now_may_stay_in_an_order_but_not_become_more() {
    let mut store = known_store();
    store.items[0].available = false;
    assert!(matches!(refused(wish(vec![hot(1)]), &store), WishRefused::ItemUnavailable { line: 0, .. }));
    assert!(wish(vec![hot(2)]).change(&store, &basket(2)).is_ok());
    assert!(matches!(wish(vec![hot(1), hot(2)]).change(&store, &basket(2)), Err(WishRefused::ItemUnavailable { .. })));
}

#[test]
fn the_items_alone_must_reach_the_minimum() {
    let colas = |quantity| wish(vec![line(COLA, quantity, &[])]);
    assert_eq!(
        refused(colas(4), &known_store()),
        WishRefused::BelowMinimum { items_krw: Won(8_000), minimum_krw: Won(10_000) }
    );
    assert!(colas(5).place(&known_store()).is_ok());
}

#[test]
fn the_address_must_be_within_the_stores_radius() {
    let mut far = wish(vec![hot(1)]);
    far.deliver_to.location = Location::new(37.5663, 126.9779).unwrap();
    assert!(matches!(refused(far, &known_store()), WishRefused::OutsideDeliveryArea { radius_m: 3_000, .. }));
}

#[test]
fn items_come_change_and_go() {
    let mut store = known_store();
    let mut cola = store.items[1].clone();
    cola.price_krw = Won(2_500);
    store.change_item(COLA, Some(cola.clone()));
    assert_eq!(store.item(COLA), Some(&cola));
    store.change_item(COLA, None);
    store.change_item(COLA, None);
    assert_eq!(store.item(COLA), None);
    store.change_item(COLA, Some(cola));
    assert_eq!(store.items.len(), 2);
}
