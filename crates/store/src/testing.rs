//! A store to test with: its people, its menu, its orders.

mod ask;
pub(crate) mod tells;
mod world;

use baedal_contracts::order::{Basket, Line, OrderStore};
use baedal_contracts::store::{MenuItem, StoreProfile};
use baedal_contracts::{AccountId, ChangeId, ItemId, Location, OrderId, OrderNo, Place, StoreId, Won};
use uuid::Uuid;

use crate::domain::ticket::{Change, Slip};
use crate::domain::{CookMinutes, Portions};

pub(crate) use ask::{Answer, ask};
pub(crate) use world::{World, origin_of_a_request};

/// Two items that are counted in tests, and one that is not.
pub(crate) const CHICKEN: ItemId = ItemId(Uuid::from_u128(0xC1));
pub(crate) const COLA: ItemId = ItemId(Uuid::from_u128(0xC2));
pub(crate) const RADISH: ItemId = ItemId(Uuid::from_u128(0xC3));

pub(crate) const STORE: StoreId = StoreId(Uuid::from_u128(0x5702E));
pub(crate) const OWNER: AccountId = AccountId(Uuid::from_u128(0x0888));
pub(crate) const STRANGER: AccountId = AccountId(Uuid::from_u128(0x0999));
pub(crate) const CUSTOMER: AccountId = AccountId(Uuid::from_u128(0xC057));

pub(crate) fn order(number: u128) -> OrderId {
    OrderId(Uuid::from_u128(0x0D_0000 + number))
}

pub(crate) fn change_id(number: u128) -> ChangeId {
    ChangeId(Uuid::from_u128(0xC4_0000 + number))
}

pub(crate) fn lines(counts: &[(ItemId, u32)]) -> Vec<Line> {
    let name = |item| {
        if item == CHICKEN {
            "후라이드 치킨"
        } else if item == COLA {
            "콜라"
        } else {
            "치킨무"
        }
    };
    counts
        .iter()
        .map(|(item_id, quantity)| Line {
            item_id: *item_id,
            name: name(*item_id).to_owned(),
            quantity: *quantity,
            unit_price_krw: Won(1_000),
            options: Vec::new(),
        })
        .collect()
}

pub(crate) fn portions(counts: &[(ItemId, u32)]) -> Portions {
    counts.iter().copied().collect()
}

pub(crate) fn here() -> Location {
    Location::new(37.5555, 126.9049).expect("a point")
}

pub(crate) fn home() -> Place {
    Place { address: "서울 마포구 망원로 1".to_owned(), location: here() }
}

pub(crate) fn shop() -> OrderStore {
    OrderStore {
        store_id: STORE,
        owner_id: OWNER,
        name: "봉구네".to_owned(),
        address: "서울 마포구 포은로 95".to_owned(),
        location: here(),
    }
}

pub(crate) fn profile() -> StoreProfile {
    StoreProfile {
        name: "봉구네".to_owned(),
        address: "서울 마포구 포은로 95".to_owned(),
        location: here(),
        min_order_krw: Won(10_000),
        delivery_radius_m: 3_000,
        delivery_fee_krw: Won(2_000),
        thanks_message: "고맙습니다!".to_owned(),
    }
}

pub(crate) fn item(item_id: ItemId) -> MenuItem {
    MenuItem {
        item_id,
        name: "후라이드 치킨".to_owned(),
        description: String::new(),
        price_krw: Won(20_000),
        available: true,
        options: Vec::new(),
    }
}

pub(crate) fn slip(order_id: OrderId, counts: &[(ItemId, u32)]) -> Slip {
    Slip {
        order_no: OrderNo::of(order_id),
        customer_id: CUSTOMER,
        store: shop(),
        items: lines(counts),
        deliver_to: home(),
        note: "문 앞에 놓아 주세요".to_owned(),
    }
}

pub(crate) fn change(number: u128, counts: &[(ItemId, u32)]) -> Change {
    Change { change_id: change_id(number), items: lines(counts), deliver_to: home(), note: String::new() }
}

pub(crate) fn minutes(minutes: u32) -> CookMinutes {
    i128::from(minutes).try_into().expect("5 to 90")
}

pub(crate) fn basket(counts: &[(ItemId, u32)]) -> Basket {
    let items = lines(counts);
    let total_krw = items.iter().map(Line::price_krw).sum();
    Basket { items, deliver_to: home(), note: String::new(), delivery_fee_krw: Won::ZERO, total_krw }
}
