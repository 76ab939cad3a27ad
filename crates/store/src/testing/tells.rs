//! What order tells.

use baedal_contracts::order::{CancelReason, ChangeRefusal, Event as Ordered};
use baedal_contracts::{ItemId, OrderId, OrderNo, Won};

use super::{CUSTOMER, STORE, basket, change_id, shop};

pub(crate) fn paid(order_id: OrderId, counts: &[(ItemId, u32)]) -> Ordered {
    Ordered::OrderPaid {
        order_id,
        order_no: OrderNo::of(order_id),
        customer_id: CUSTOMER,
        store: shop(),
        basket: basket(counts),
    }
}

pub(crate) fn change_requested(order_id: OrderId, change: u128, counts: &[(ItemId, u32)], extra: u64) -> Ordered {
    Ordered::OrderChangeRequested {
        order_id,
        change_id: change_id(change),
        basket: basket(counts),
        extra_krw: Won(extra),
    }
}

pub(crate) fn changed(order_id: OrderId, change: u128, counts: &[(ItemId, u32)]) -> Ordered {
    Ordered::OrderChanged { order_id, change_id: change_id(change), basket: basket(counts), bill: None, version: 6 }
}

pub(crate) fn change_refused(order_id: OrderId, change: u128) -> Ordered {
    Ordered::OrderChangeRefused {
        order_id,
        change_id: change_id(change),
        reason: ChangeRefusal::PaymentDeclined,
        basket: basket(&[]),
        bill: None,
        version: 6,
    }
}

pub(crate) fn cancel_requested(order_id: OrderId) -> Ordered {
    Ordered::OrderCancelRequested { order_id, text: String::new() }
}

pub(crate) fn canceled(order_id: OrderId, paid: bool) -> Ordered {
    Ordered::OrderCanceled {
        order_id,
        reason: if paid { CancelReason::Operator } else { CancelReason::PaymentExpired },
        text: String::new(),
        owed_krw: Won::ZERO,
        fault: None,
        paid,
        bill: None,
        version: 9,
    }
}

pub(crate) fn completed(order_id: OrderId) -> Ordered {
    Ordered::OrderCompleted {
        order_id,
        customer_id: CUSTOMER,
        store_id: STORE,
        by_itself: false,
        bill: None,
        version: 9,
    }
}
