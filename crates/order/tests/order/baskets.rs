//! What a store's menu and rules allow.

use baedal_contracts::order::{Basket, Line};
use baedal_contracts::store::{MenuChoice, MenuOption};
use baedal_contracts::{ItemId, Location, Won};
use baedal_order::domain::{HeldBasket, KnownStore, Rules, Scarce, Wish, WishRefused, WishedChoice, WishedLine};
use proptest::prelude::*;
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

fn place(wish: Wish, store: &KnownStore) -> Result<Basket, WishRefused> {
    place_with(wish, store, &Scarce::default())
}

fn place_with(wish: Wish, store: &KnownStore, scarce: &Scarce) -> Result<Basket, WishRefused> {
    wish.place(Rules { store, scarce, max_total_krw: Won(10_000_000) })
}

/// A change of a paid order.
fn change(wish: Wish, store: &KnownStore, basket: &Basket) -> Result<Basket, WishRefused> {
    change_with(wish, store, &Scarce::default(), HeldBasket { basket, is_paid: true })
}

fn change_with(wish: Wish, store: &KnownStore, scarce: &Scarce, held: HeldBasket<'_>) -> Result<Basket, WishRefused> {
    wish.change(Rules { store, scarce, max_total_krw: Won(10_000_000) }, held)
}

fn refused(wish: Wish, store: &KnownStore) -> WishRefused {
    place(wish, store).unwrap_err()
}

/// How many were sold at which price, line by line.
fn sold(basket: &Basket) -> Vec<(u32, u64)> {
    basket.items.iter().map(|line| (line.quantity, line.unit_price_krw.0)).collect()
}

fn seoul_station() -> Location {
    Location::new(37.5546, 126.9706).unwrap()
}

/// The store with everything about it otherwise than when [`basket`] was sold, to the customer's harm.
fn changed_store() -> KnownStore {
    let mut store = known_store();
    store.profile.min_order_krw = Won(100_000);
    store.profile.delivery_fee_krw = Won(9_000);
    store.profile.delivery_radius_m = 100;
    store.open = false;
    let chicken = &mut store.items[0];
    chicken.name = "황금 치킨".to_owned();
    chicken.price_krw = Won(30_000);
    chicken.options[0].choices[1].name = "불맛".to_owned();
    let choices = vec![MenuChoice { name: "뼈".to_owned(), price_krw: Won(0) }];
    chicken.options.push(MenuOption { name: "부위".to_owned(), choices, min: 1, max: 1 });
    store
}

#[test]
fn prices_come_from_the_menu_options_and_delivery_included() {
    let sauces = line(CHICKEN, 2, &[("맛 선택", "순한맛"), ("소스", "양념"), ("소스", "마늘")]);
    let basket = place(wish(vec![sauces, line(COLA, 3, &[])]), &known_store()).unwrap();
    assert_eq!(basket.items[0].unit_price_krw, Won(18_700));
    assert_eq!(basket.total_krw, Won(2 * 18_700 + 3 * 2_000 + 3_000));
    assert_eq!(basket.items[1].name, "콜라");
}

#[test]
fn a_closed_store_takes_no_order_but_lets_one_change() {
    let mut store = known_store();
    store.open = false;
    assert!(matches!(refused(wish(vec![hot(1)]), &store), WishRefused::StoreClosed { .. }));
    assert!(change(wish(vec![hot(1)]), &store, &basket(2)).is_ok());
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
    assert!(change(wish(vec![hot(2)]), &store, &basket(2)).is_ok());
    assert!(matches!(
        change(wish(vec![hot(1), hot(2)]), &store, &basket(2)),
        Err(WishRefused::ItemUnavailable { line: 1, .. })
    ));
}

#[test]
fn the_items_alone_must_reach_the_minimum() {
    let colas = |quantity| wish(vec![line(COLA, quantity, &[])]);
    assert_eq!(
        refused(colas(4), &known_store()),
        WishRefused::BelowMinimum { items_krw: Won(8_000), minimum_krw: Won(10_000) }
    );
    assert!(place(colas(5), &known_store()).is_ok());
}

#[test]
fn the_address_must_be_within_the_stores_radius() {
    let mut far = wish(vec![hot(1)]);
    far.deliver_to.location = Location::new(37.5663, 126.9779).unwrap();
    assert!(matches!(refused(far, &known_store()), WishRefused::OutsideDeliveryArea { radius_m: 3_000, .. }));
}

#[test]
fn a_note_costs_nothing_whatever_the_owner_did_since() {
    let mut deleted = changed_store();
    deleted.items.clear();
    for store in [changed_store(), deleted] {
        let mut noted = wish(vec![hot(2)]);
        noted.note = "벨을 누르지 마세요".to_owned();
        let after = change(noted, &store, &basket(2)).unwrap();
        assert_eq!(after, Basket { note: "벨을 누르지 마세요".to_owned(), ..basket(2) });
    }
}

#[test]
fn the_address_in_other_words_is_no_other_place() {
    let mut elsewhere = wish(vec![hot(2)]);
    elsewhere.deliver_to.address = "서울 마포구 양화로 160, 3층".to_owned();
    let deliver_to = elsewhere.deliver_to.clone();
    assert_eq!(change(elsewhere, &changed_store(), &basket(2)).unwrap(), Basket { deliver_to, ..basket(2) });
}

#[test]
fn another_location_changes_the_fee_alone_and_is_judged_by_todays_radius() {
    let mut elsewhere = wish(vec![hot(2)]);
    elsewhere.deliver_to.location = seoul_station();
    let mut store = changed_store();
    assert!(matches!(
        change(elsewhere.clone(), &store, &basket(2)),
        Err(WishRefused::OutsideDeliveryArea { radius_m: 100, .. })
    ));
    store.profile.delivery_radius_m = 5_000;
    let after = change(elsewhere, &store, &basket(2)).unwrap();
    assert_eq!((sold(&after), after.delivery_fee_krw), (vec![(2, 18_500)], Won(9_000)));
    assert_eq!(after.total_krw, Won(2 * 18_500 + 9_000));
}

#[test]
fn more_costs_todays_price_for_what_is_added_and_less_takes_away_what_was_added_last() {
    let mut store = known_store();
    store.items[0].price_krw = Won(20_000);
    let three = change(wish(vec![hot(3)]), &store, &basket(2)).unwrap();
    assert_eq!((sold(&three), three.total_krw), (vec![(2, 18_500), (1, 20_500)], Won(60_500)));
    store.items[0].price_krw = Won(17_000);
    let five = change(wish(vec![hot(5)]), &store, &three).unwrap();
    assert_eq!(sold(&five), [(2, 18_500), (1, 20_500), (2, 17_500)]);
    let four = change(wish(vec![hot(4)]), &store, &five).unwrap();
    assert_eq!(sold(&four), [(2, 18_500), (1, 20_500), (1, 17_500)]);
    assert_eq!(change(wish(vec![hot(3)]), &store, &five).unwrap(), three);
    assert_eq!(change(wish(vec![hot(2)]), &store, &five).unwrap(), basket(2));
    assert_eq!(sold(&change(wish(vec![hot(1)]), &store, &five).unwrap()), [(1, 18_500)]);
    // What went is not held any more.
    let back = change(wish(vec![hot(2)]), &store, &change(wish(vec![hot(1)]), &store, &five).unwrap()).unwrap();
    assert_eq!(sold(&back), [(1, 18_500), (1, 17_500)]);
}

#[test]
fn what_is_added_is_judged_by_todays_menu() {
    let mut store = changed_store();
    assert!(matches!(
        change(wish(vec![hot(3)]), &store, &basket(2)),
        Err(WishRefused::UnknownChoice { line: 0, option: 0, .. })
    ));
    let fiery = line(CHICKEN, 1, &[("맛 선택", "불맛")]);
    assert!(matches!(
        change(wish(vec![hot(2), fiery]), &store, &basket(2)),
        Err(WishRefused::WrongNumberOfChoices { line: 1, .. })
    ));
    store.items.clear();
    assert_eq!(change(wish(vec![hot(3)]), &store, &basket(2)).unwrap_err(), WishRefused::UnknownItem { line: 0 });
}

#[test]
fn the_same_choices_in_another_order_are_the_same_line() {
    let store = known_store();
    let sauces = |first, second| line(CHICKEN, 1, &[("맛 선택", "매운맛"), ("소스", first), ("소스", second)]);
    let held = place(wish(vec![sauces("양념", "마늘"), hot(1)]), &store).unwrap();
    assert_eq!(held.items.len(), 2);
    assert_eq!(change(wish(vec![hot(1), sauces("마늘", "양념")]), &changed_store(), &held).unwrap(), held);
    let more = change(wish(vec![hot(1), sauces("마늘", "양념"), sauces("양념", "마늘")]), &store, &held).unwrap();
    assert_eq!(sold(&more), [(2, 19_200), (1, 18_500)]);
}

#[test]
fn the_minimum_is_judged_only_where_the_items_cost_less_than_before() {
    let mut store = known_store();
    store.profile.min_order_krw = Won(100_000);
    assert!(change(wish(vec![hot(3)]), &store, &basket(2)).is_ok());
    assert!(matches!(change(wish(vec![hot(1)]), &store, &basket(2)), Err(WishRefused::BelowMinimum { .. })));
}

#[test]
fn what_is_known_to_be_sold_out_is_refused_and_what_is_held_is_not() {
    let store = known_store();
    let mut scarce = Scarce::default();
    scarce.record_stock(CHICKEN, Some(1));
    let sold_out = |wish: Wish, is_paid: bool| match change_with(
        wish,
        &store,
        &scarce,
        HeldBasket { basket: &basket(2), is_paid },
    ) {
        Err(WishRefused::SoldOut { line, left, .. }) => Some((line, left)),
        Err(other) => panic!("{other:?}"),
        Ok(_) => None,
    };
    assert!(matches!(
        place_with(wish(vec![hot(2)]), &store, &scarce),
        Err(WishRefused::SoldOut { line: 0, left: 1, .. })
    ));
    assert!(place_with(wish(vec![hot(1)]), &store, &scarce).is_ok());
    // The two that a paid order holds are not among what is left.
    assert_eq!(sold_out(wish(vec![hot(3)]), true), None);
    assert_eq!(sold_out(wish(vec![hot(2), hot(2)]), true), Some((1, 1)));
    // What an unpaid one holds nobody has set apart.
    assert_eq!(sold_out(wish(vec![hot(3)]), false), Some((0, 1)));
    let mild = line(CHICKEN, 2, &[("맛 선택", "순한맛")]);
    for is_paid in [true, false] {
        assert_eq!(sold_out(wish(vec![mild.clone()]), is_paid), None, "no more of the item than before");
        assert_eq!(sold_out(wish(vec![hot(1)]), is_paid), None);
    }
}

#[test]
fn an_order_holds_ninety_nine_of_an_item_over_all_its_lines() {
    let mut store = known_store();
    store.items[0].price_krw = Won(1_000);
    let mild = |quantity| line(CHICKEN, quantity, &[("맛 선택", "순한맛")]);
    assert!(place(wish(vec![hot(50), mild(49)]), &store).is_ok());
    assert!(matches!(refused(wish(vec![hot(50), mild(50)]), &store), WishRefused::TooMany { line: 0, .. }));
    assert!(matches!(refused(wish(vec![hot(1), mild(98), hot(1)]), &store), WishRefused::TooMany { .. }));
    // What is held beyond it was allowed once.
    let (many, noted) = (basket(120), Wish { note: "천천히".to_owned(), ..wish(vec![hot(120)]) });
    assert!(change(noted, &store, &many).is_ok());
    assert!(change(wish(vec![hot(119)]), &store, &many).is_ok());
    assert!(matches!(change(wish(vec![hot(121)]), &store, &many), Err(WishRefused::TooMany { .. })));
}

#[test]
fn an_order_costs_ten_million_won_at_the_most() {
    let mut store = known_store();
    store.items[1].price_krw = Won(9_997_000);
    let at_the_limit = place(wish(vec![line(COLA, 1, &[])]), &store).unwrap();
    assert_eq!(at_the_limit.total_krw, Won(10_000_000));
    store.profile.delivery_fee_krw = Won(3_001);
    assert_eq!(
        refused(wish(vec![line(COLA, 1, &[])]), &store),
        WishRefused::AboveMaximum { total_krw: Won(10_000_001), max_total_krw: Won(10_000_000) }
    );
    // A lower limit than when it was placed: it may become cheaper, but not dearer.
    let rules = Rules { store: &store, scarce: &Scarce::default(), max_total_krw: Won(20_000) };
    let held = HeldBasket { basket: &basket(3), is_paid: true };
    assert!(wish(vec![hot(2)]).change(rules, held).is_ok());
    assert!(matches!(wish(vec![hot(4)]).change(rules, held), Err(WishRefused::AboveMaximum { .. })));
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

#[test]
fn only_what_an_order_could_exhaust_is_scarce() {
    let mut scarce = Scarce::default();
    assert!(!scarce.record_stock(CHICKEN, Some(1_000)) && !scarce.record_stock(CHICKEN, Some(99)) && scarce.is_empty());
    assert!(scarce.record_stock(CHICKEN, Some(98)) && !scarce.record_stock(CHICKEN, Some(98)));
    assert!(scarce.record_stock(CHICKEN, Some(0)));
    assert_eq!((scarce.left(CHICKEN), scarce.left(COLA)), (Some(0), None));
    assert!(scarce.record_stock(CHICKEN, None) && scarce.is_empty());
}

/// What an owner may do to the menu between two changes of an order.
#[derive(Clone, Copy, Debug)]
enum Edit {
    Price(u64),
    Rename,
    RenameChoice,
    Obligatory,
    Unavailable,
    Delete,
    Minimum(u64),
    Fee(u64),
    Radius(u32),
    Close,
}

fn edit(store: &mut KnownStore, edit: Edit) {
    match edit {
        Edit::Price(price) => store.items.iter_mut().for_each(|item| item.price_krw = Won(price)),
        Edit::Rename => store.items.iter_mut().for_each(|item| item.name.push('!')),
        Edit::RenameChoice => store.items.iter_mut().for_each(|item| {
            item.options.iter_mut().for_each(|option| option.choices[0].name.push('!'));
        }),
        Edit::Obligatory => store.items.iter_mut().for_each(|item| {
            let choices = vec![MenuChoice { name: "하나".to_owned(), price_krw: Won(0) }];
            item.options.push(MenuOption { name: format!("새 {}", item.options.len()), choices, min: 1, max: 1 });
        }),
        Edit::Unavailable => store.items.iter_mut().for_each(|item| item.available = false),
        Edit::Delete => store.items.clear(),
        Edit::Minimum(minimum) => store.profile.min_order_krw = Won(minimum),
        Edit::Fee(fee) => store.profile.delivery_fee_krw = Won(fee),
        Edit::Radius(radius) => store.profile.delivery_radius_m = radius,
        Edit::Close => store.open = false,
    }
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let edit = prop_oneof![
        6 => (0u64..40_000).prop_map(Edit::Price),
        1 => Just(Edit::Rename),
        1 => Just(Edit::RenameChoice),
        1 => Just(Edit::Obligatory),
        1 => Just(Edit::Unavailable),
        1 => Just(Edit::Delete),
        2 => (0u64..60_000).prop_map(Edit::Minimum),
        2 => (0u64..9_000).prop_map(Edit::Fee),
        2 => (100u32..6_000).prop_map(Edit::Radius),
        1 => Just(Edit::Close),
    ];
    proptest::collection::vec(edit, 0..3)
}

/// A wish of up to four kinds of lines, in any order, some of them twice.
fn wishes() -> impl Strategy<Value = Wish> {
    let line = (0usize..4, 1u32..5).prop_map(|(kind, quantity)| match kind {
        0 => hot(quantity),
        1 => line(CHICKEN, quantity, &[("맛 선택", "순한맛"), ("소스", "마늘"), ("소스", "간장")]),
        2 => line(CHICKEN, quantity, &[("소스", "간장"), ("소스", "마늘"), ("맛 선택", "순한맛")]),
        _ => line(COLA, quantity, &[]),
    });
    let places = prop_oneof![4 => Just(hongdae().location), 1 => Just(seoul_station())];
    (proptest::collection::vec(line, 1..6), places, "[가-다]{0,1}").prop_map(|(items, location, note)| {
        let mut wish = Wish { items, deliver_to: hongdae(), note };
        wish.deliver_to.location = location;
        wish
    })
}

/// The kinds of [`wishes`]: what is the same to the customer, at whatever price.
fn kind_of_line(line: &Line) -> usize {
    match (line.item_id, line.options.len()) {
        (CHICKEN, 1) => 0,
        (CHICKEN, _) => 1,
        _ => 2,
    }
}

fn kind_of_wished(line: &WishedLine) -> usize {
    match (line.item_id, line.options.len()) {
        (CHICKEN, 1) => 0,
        (CHICKEN, _) => 1,
        _ => 2,
    }
}

/// What each single piece of a kind was sold at, first to last.
fn pieces(basket: &Basket, kind: usize) -> Vec<Won> {
    let lines = basket.items.iter().filter(|line| kind_of_line(line) == kind);
    lines.flat_map(|line| std::iter::repeat_n(line.unit_price_krw, line.quantity as usize)).collect()
}

fn wanted(wish: &Wish, kind: usize) -> usize {
    wish.items.iter().filter(|line| kind_of_wished(line) == kind).map(|line| line.quantity as usize).sum()
}

proptest! {
    #[test]
    fn whatever_the_owner_does_what_is_held_keeps_its_price(
        first in wishes(),
        days in proptest::collection::vec((edits(), wishes()), 1..8),
    ) {
        let mut store = known_store();
        (store.profile.min_order_krw, store.profile.delivery_radius_m) = (Won(0), 6_000);
        let mut basket = place(first.clone(), &store).unwrap();
        let mut last = first;
        for (edits, next) in days {
            for made in edits {
                edit(&mut store, made);
            }
            prop_assert_eq!(&change(last.clone(), &store, &basket).unwrap(), &basket, "the same is no change");

            let is_less = (0..3).all(|kind| wanted(&next, kind) <= pieces(&basket, kind).len());
            let stays = next.deliver_to.location == basket.deliver_to.location;
            let after = match change(next.clone(), &store, &basket) {
                Ok(after) => after,
                Err(refused) => {
                    prop_assert!(
                        !is_less || !stays || matches!(refused, WishRefused::BelowMinimum { .. }),
                        "less, at the same place, is refused for nothing but the minimum: {refused}"
                    );
                    continue;
                }
            };
            let items: Won = after.items.iter().map(Line::price_krw).sum();
            prop_assert_eq!(after.total_krw, items.plus(after.delivery_fee_krw));
            let fee = if stays { basket.delivery_fee_krw } else { store.profile.delivery_fee_krw };
            prop_assert_eq!(after.delivery_fee_krw, fee);
            for kind in 0..3 {
                let (held, now) = (pieces(&basket, kind), pieces(&after, kind));
                prop_assert_eq!(now.len(), wanted(&next, kind), "as many as wished");
                let kept = held.len().min(now.len());
                prop_assert_eq!(&held[..kept], &now[..kept], "what was sold first is kept, at its price");
                prop_assert!(now[kept..].windows(2).all(|pair| pair[0] == pair[1]), "the added costs today's price");
            }
            if stays && (0..3).all(|kind| wanted(&next, kind) >= pieces(&basket, kind).len()) {
                match change(last.clone(), &store, &after) {
                    Ok(back) => prop_assert_eq!(back, basket, "more, then less, is what it was"),
                    Err(refused) => prop_assert!(matches!(refused, WishRefused::BelowMinimum { .. }), "{refused}"),
                }
            }
            (basket, last) = (after, next);
        }
    }
}
