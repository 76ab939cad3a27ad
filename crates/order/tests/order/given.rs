//! What the tests take for granted: one store, one customer, a few baskets, and the events of an order.

use baedal_contracts::order::{Basket, Bill, ChangeRefusal, Choice, Line, OrderStore};
use baedal_contracts::store::{MenuChoice, MenuItem, MenuOption, StoreProfile};
use baedal_contracts::{AccountId, AttemptId, ChangeId, ItemId, Location, OrderId, OrderNo, Place, StoreId, Won};
use baedal_kit::scenario::NOON;
use baedal_order::domain::{Command, Event, KnownStore};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

pub(crate) const WINDOW: SignedDuration = SignedDuration::from_mins(10);
pub(crate) const FOUR_HOURS: SignedDuration = SignedDuration::from_hours(4);
pub(crate) const TWO_HOURS: SignedDuration = SignedDuration::from_hours(2);
pub(crate) const TWO_MINUTES: SignedDuration = SignedDuration::from_mins(2);
pub(crate) const HOUR: SignedDuration = SignedDuration::from_mins(60);

pub(crate) const ORDER: OrderId = OrderId(Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0001));
pub(crate) const CUSTOMER: AccountId = AccountId(Uuid::from_u128(2));
pub(crate) const STRANGER: AccountId = AccountId(Uuid::from_u128(3));
pub(crate) const OWNER: AccountId = AccountId(Uuid::from_u128(4));
pub(crate) const STORE: StoreId = StoreId(Uuid::from_u128(5));
pub(crate) const CHICKEN: ItemId = ItemId(Uuid::from_u128(6));
pub(crate) const COLA: ItemId = ItemId(Uuid::from_u128(7));

pub(crate) fn attempt(number: u128) -> AttemptId {
    AttemptId(Uuid::from_u128(100 + number))
}

pub(crate) fn change_id(number: u128) -> ChangeId {
    ChangeId(Uuid::from_u128(200 + number))
}

pub(crate) fn hongdae() -> Place {
    Place { address: "서울 마포구 양화로 160".to_owned(), location: Location::new(37.5572, 126.9254).unwrap() }
}

/// Chicken at 18,000 with one taste to choose and two sauces at the most; cola at 2,000.
pub(crate) fn known_store() -> KnownStore {
    let profile = StoreProfile {
        name: "행복치킨".to_owned(),
        address: "서울 마포구 와우산로 94".to_owned(),
        location: Location::new(37.5512, 126.9250).unwrap(),
        min_order_krw: Won(10_000),
        delivery_radius_m: 3_000,
        delivery_fee_krw: Won(3_000),
        thanks_message: "감사합니다".to_owned(),
    };
    let choice = |name: &str, price| MenuChoice { name: name.to_owned(), price_krw: Won(price) };
    let mut store = KnownStore::new(STORE, OWNER, profile);
    store.open = true;
    store.items = vec![
        MenuItem {
            item_id: CHICKEN,
            name: "후라이드 치킨".to_owned(),
            description: "바삭".to_owned(),
            price_krw: Won(18_000),
            available: true,
            options: vec![
                MenuOption {
                    name: "맛 선택".to_owned(),
                    choices: vec![choice("순한맛", 0), choice("매운맛", 500)],
                    min: 1,
                    max: 1,
                },
                MenuOption {
                    name: "소스".to_owned(),
                    choices: vec![choice("양념", 300), choice("간장", 300), choice("마늘", 400)],
                    min: 0,
                    max: 2,
                },
            ],
        },
        MenuItem {
            item_id: COLA,
            name: "콜라".to_owned(),
            description: String::new(),
            price_krw: Won(2_000),
            available: true,
            options: vec![],
        },
    ];
    store
}

pub(crate) fn order_store() -> OrderStore {
    known_store().in_order()
}

/// So many chickens: 18,500 each, and 3,000 for the delivery.
pub(crate) fn basket(chickens: u32) -> Basket {
    let line = Line {
        item_id: CHICKEN,
        name: "후라이드 치킨".to_owned(),
        quantity: chickens,
        unit_price_krw: Won(18_500),
        options: vec![Choice { name: "맛 선택".to_owned(), choice: "매운맛".to_owned(), price_krw: Won(500) }],
    };
    let total_krw = line.price_krw().plus(Won(3_000));
    Basket { items: vec![line], deliver_to: hongdae(), note: String::new(), delivery_fee_krw: Won(3_000), total_krw }
}

pub(crate) fn pay_by() -> Timestamp {
    NOON + WINDOW
}

pub(crate) fn place() -> Command {
    Command::Place {
        order_no: OrderNo::of(ORDER),
        customer_id: CUSTOMER,
        store: order_store(),
        basket: basket(2),
        payment_window: WINDOW,
        attempt_id: attempt(1),
    }
}

pub(crate) fn placed() -> Event {
    Event::OrderPlaced {
        order_no: OrderNo::of(ORDER),
        customer_id: CUSTOMER,
        store: order_store(),
        basket: basket(2),
        pay_by: pay_by(),
        attempt_id: attempt(1),
    }
}

pub(crate) fn declined(number: u128) -> Event {
    Event::PaymentDeclined { attempt_id: attempt(number), reason: "insufficient_funds".to_owned() }
}

pub(crate) fn put_off(number: u128) -> Event {
    Event::PaymentPutOff { attempt_id: attempt(number) }
}

pub(crate) fn approve(basket: &Basket) -> Command {
    Command::Approve { amount_krw: basket.total_krw, abandon_after: FOUR_HOURS }
}

pub(crate) fn paid_for(basket: Basket) -> Event {
    paid_for_at(basket, NOON)
}

fn paid_for_at(basket: Basket, at: Timestamp) -> Event {
    Event::OrderPaid {
        order_no: OrderNo::of(ORDER),
        customer_id: CUSTOMER,
        store: order_store(),
        basket,
        abandon_at: at + FOUR_HOURS,
    }
}

pub(crate) fn paid() -> Event {
    paid_for(basket(2))
}

pub(crate) fn paid_at(at: Timestamp) -> Event {
    paid_for_at(basket(2), at)
}

pub(crate) fn abandon_at() -> Timestamp {
    NOON + FOUR_HOURS
}

/// Payment could always be asked.
pub(crate) fn expire() -> Command {
    Command::Expire { askable_since: Some(NOON), at_least: TWO_MINUTES }
}

pub(crate) fn abandon() -> Command {
    Command::Abandon { carried_for: TWO_HOURS }
}

pub(crate) fn change(number: u128, basket: Basket) -> Command {
    Command::Change { change_id: change_id(number), basket, at_most: 10 }
}

pub(crate) fn change_requested(number: u128, basket: Basket, extra: u64) -> Event {
    Event::OrderChangeRequested { change_id: change_id(number), basket, extra_krw: Won(extra) }
}

pub(crate) fn charge_due(number: u128, extra: u64, until: Timestamp) -> Event {
    Event::OrderChangeChargeDue { change_id: change_id(number), extra_krw: Won(extra), until }
}

pub(crate) fn changed(number: u128, basket: Basket) -> Event {
    Event::OrderChanged { change_id: change_id(number), bill: bill(&basket, basket.total_krw.0), basket }
}

pub(crate) fn change_refused(number: u128, reason: ChangeRefusal, basket: Basket) -> Event {
    let bill = bill(&basket, basket.total_krw.0);
    Event::OrderChangeRefused { change_id: change_id(number), reason, bill, basket, put_off: false }
}

/// Refused before anybody said whether the customer could pay what it would have cost more.
pub(crate) fn change_put_off(number: u128, reason: ChangeRefusal, basket: Basket) -> Event {
    let bill = bill(&basket, basket.total_krw.0);
    Event::OrderChangeRefused { change_id: change_id(number), reason, bill, basket, put_off: true }
}

pub(crate) fn cancel() -> Command {
    Command::Cancel { text: "마음이 바뀌었어요".to_owned() }
}

pub(crate) fn cancel_requested() -> Event {
    Event::OrderCancelRequested { text: "마음이 바뀌었어요".to_owned() }
}

pub(crate) fn delivered() -> Event {
    Event::DeliveredHeard { complete_at: NOON + HOUR }
}

pub(crate) fn completed(by_itself: bool) -> Event {
    completed_owing(by_itself, bill(&basket(2), 40_000))
}

pub(crate) fn completed_owing(by_itself: bool, bill: Bill) -> Event {
    Event::OrderCompleted { customer_id: CUSTOMER, store_id: STORE, by_itself, bill }
}

/// Of which so much is owed.
pub(crate) fn bill(basket: &Basket, owed: u64) -> Bill {
    Bill {
        total_krw: basket.total_krw,
        delivery_fee_krw: basket.delivery_fee_krw,
        given_back_krw: Won::ZERO,
        owed_krw: Won(owed),
    }
}
