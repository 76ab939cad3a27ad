//! Events as the other contexts tell them.

use std::sync::Arc;

use baedal_contracts::order::{Basket, CancelReason, ChangeRefusal, Fault, Line, OrderStore};
use baedal_contracts::store::{MenuItem, RejectReason, StoreProfile};
use baedal_contracts::{
    AccountId, AttemptId, ChangeId, ItemId, Location, OrderId, OrderNo, Place, StoreId, Won, delivery, order, payment,
    source, store,
};
use baedal_kit::scenario::NOON;
use baedal_kit::{Cause, CauseKind, Envelope, Origin};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use uuid::Uuid;

use crate::views::orders::heard::Heard;

pub(super) const CUSTOMER: AccountId = AccountId(Uuid::from_u128(0xc1));
pub(super) const OWNER: AccountId = AccountId(Uuid::from_u128(0xe1));
pub(super) const RIDER: AccountId = AccountId(Uuid::from_u128(0xd1));
pub(super) const OTHER_RIDER: AccountId = AccountId(Uuid::from_u128(0xd2));
pub(super) const STORE: StoreId = StoreId(Uuid::from_u128(0x51));
pub(super) const CHICKEN: ItemId = ItemId(Uuid::from_u128(0x11));
pub(super) const RADISH: ItemId = ItemId(Uuid::from_u128(0x12));
const CHANGE: ChangeId = ChangeId(Uuid::from_u128(0xca));
const ATTEMPT: AttemptId = AttemptId(Uuid::from_u128(0xa0));
const FEE: Won = Won(3_000);

/// The n-th order; later ones sort after earlier ones.
pub(super) fn order_id(n: u64) -> OrderId {
    OrderId(Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 + u128::from(n)))
}

pub(super) fn at(minutes: i64) -> Timestamp {
    NOON + SignedDuration::from_mins(minutes)
}

pub(super) fn location(lat: f64, lng: f64) -> Location {
    Location::new(lat, lng).expect("a point")
}

/// This many chickens, and the delivery: 21,000 won for one.
pub(super) fn chickens(quantity: u32) -> Basket {
    let line = Line {
        item_id: CHICKEN,
        name: "후라이드 치킨".to_owned(),
        quantity,
        unit_price_krw: Won(18_000),
        options: Vec::new(),
    };
    Basket {
        total_krw: line.price_krw().plus(FEE),
        items: vec![line],
        deliver_to: Place { address: "서울 마포구 월드컵로 1".to_owned(), location: location(37.556, 126.91) },
        note: "문 앞에 두세요".to_owned(),
        delivery_fee_krw: FEE,
    }
}

pub(super) fn order_store() -> OrderStore {
    OrderStore {
        store_id: STORE,
        owner_id: OWNER,
        name: "봉구네 가마솥통닭".to_owned(),
        address: "서울 마포구 양화로 1".to_owned(),
        location: location(37.55, 126.915),
    }
}

pub(super) fn profile(location: Location, delivery_radius_m: u32) -> StoreProfile {
    StoreProfile {
        name: "봉구네 가마솥통닭".to_owned(),
        address: "서울 마포구 양화로 1".to_owned(),
        location,
        min_order_krw: Won(12_000),
        delivery_radius_m,
        delivery_fee_krw: FEE,
        thanks_message: "고맙습니다".to_owned(),
    }
}

pub(super) fn item(item_id: ItemId, name: &str) -> MenuItem {
    MenuItem {
        item_id,
        name: name.to_owned(),
        description: String::new(),
        price_krw: Won(18_000),
        available: true,
        options: Vec::new(),
    }
}

/// Everything that may be told of one order.
#[derive(Clone, Copy)]
pub(super) struct Of(pub(super) OrderId);

impl Of {
    pub(super) fn placed(self) -> Heard {
        self.placed_by(CUSTOMER)
    }

    pub(super) fn placed_by(self, customer_id: AccountId) -> Heard {
        Heard::Order(order::Event::OrderPlaced {
            order_id: self.0,
            order_no: OrderNo::of(self.0),
            customer_id,
            store: order_store(),
            basket: chickens(1),
            pay_by: at(10),
        })
    }

    pub(super) fn paid(self) -> Heard {
        Heard::Order(order::Event::OrderPaid {
            order_id: self.0,
            order_no: OrderNo::of(self.0),
            customer_id: CUSTOMER,
            store: order_store(),
            basket: chickens(1),
        })
    }

    pub(super) fn window_extended(self, minutes: i64) -> Heard {
        Heard::Order(order::Event::PaymentWindowExtended { order_id: self.0, pay_by: at(minutes) })
    }

    pub(super) fn overdue(self) -> Heard {
        Heard::Order(order::Event::OrderOverdue { order_id: self.0, abandon_at: at(360) })
    }

    pub(super) fn change_requested(self, basket: Basket, extra: u64) -> Heard {
        let extra_krw = Won(extra);
        Heard::Order(order::Event::OrderChangeRequested { order_id: self.0, change_id: CHANGE, basket, extra_krw })
    }

    pub(super) fn change_charge_due(self, extra: u64) -> Heard {
        let extra_krw = Won(extra);
        let until = at(1);
        Heard::Order(order::Event::OrderChangeChargeDue {
            order_id: self.0,
            change_id: CHANGE,
            extra_krw,
            until,
            version: 4,
        })
    }

    pub(super) fn changed(self, basket: Basket) -> Heard {
        self.changed_to(basket, None)
    }

    /// With what operators gave back of it so far.
    pub(super) fn changed_and_billed(self, basket: Basket, given_back: u64) -> Heard {
        let owed_krw = basket.total_krw.less(Won(given_back));
        let bill = order::Bill { total_krw: basket.total_krw, owed_krw, ..order::Bill::default() };
        self.changed_to(basket, Some(bill))
    }

    fn changed_to(self, basket: Basket, bill: Option<order::Bill>) -> Heard {
        Heard::Order(order::Event::OrderChanged { order_id: self.0, change_id: CHANGE, basket, bill, version: 5 })
    }

    pub(super) fn change_refused(self, reason: ChangeRefusal, basket: Basket) -> Heard {
        Heard::Order(order::Event::OrderChangeRefused {
            order_id: self.0,
            change_id: CHANGE,
            reason,
            basket,
            bill: None,
            version: 6,
        })
    }

    pub(super) fn cancel_requested(self) -> Heard {
        Heard::Order(order::Event::OrderCancelRequested { order_id: self.0, text: "잘못 시켰어요".to_owned() })
    }

    pub(super) fn cancel_refused(self) -> Heard {
        Heard::Order(order::Event::OrderCancelRefused { order_id: self.0 })
    }

    pub(super) fn canceled(self, reason: CancelReason, owed: u64) -> Heard {
        let fault = matches!(reason, CancelReason::Operator | CancelReason::Abandoned).then_some(Fault::Store);
        Heard::Order(order::Event::OrderCanceled {
            order_id: self.0,
            reason,
            text: "죄송합니다".to_owned(),
            owed_krw: Won(owed),
            fault,
            paid: true,
            bill: None,
            version: 9,
        })
    }

    pub(super) fn rejected(self, reason: RejectReason) -> Heard {
        Heard::Order(order::Event::OrderRejected { order_id: self.0, reason, text: String::new(), version: 9 })
    }

    pub(super) fn completed(self) -> Heard {
        let (customer_id, store_id) = (CUSTOMER, STORE);
        Heard::Order(order::Event::OrderCompleted {
            order_id: self.0,
            customer_id,
            store_id,
            by_itself: false,
            bill: None,
            version: 9,
        })
    }

    pub(super) fn refund_granted(self, amount: u64, owed: u64) -> Heard {
        Heard::Order(order::Event::OrderRefundGranted {
            order_id: self.0,
            refund_id: Uuid::from_u128(77),
            amount_krw: Won(amount),
            reason: "콜라가 빠졌어요".to_owned(),
            fault: Fault::Store,
            bill: order::Bill { owed_krw: Won(owed), ..order::Bill::default() },
            version: 10,
        })
    }

    pub(super) fn approved(self, amount: u64) -> Heard {
        let amount_krw = Won(amount);
        Heard::Payment(payment::Event::PaymentApproved { order_id: self.0, attempt_id: ATTEMPT, amount_krw })
    }

    pub(super) fn declined(self) -> Heard {
        let reason = "insufficient_funds".to_owned();
        let (order_id, attempt_id) = (self.0, ATTEMPT);
        Heard::Payment(payment::Event::PaymentDeclined { order_id, attempt_id, reason, failed: false })
    }

    pub(super) fn adjusted(self, extra: u64) -> Heard {
        let extra_krw = Won(extra);
        Heard::Payment(payment::Event::PaymentAdjusted { order_id: self.0, change_id: CHANGE, extra_krw })
    }

    pub(super) fn adjustment_declined(self) -> Heard {
        let reason = "insufficient_funds".to_owned();
        Heard::Payment(payment::Event::PaymentAdjustmentDeclined {
            order_id: self.0,
            change_id: CHANGE,
            reason,
            failed: false,
        })
    }

    pub(super) fn refund_due(self, amount: u64) -> Heard {
        Heard::Payment(payment::Event::PaymentRefundDue { order_id: self.0, amount_krw: Won(amount) })
    }

    /// This much goes back; it is all that ever went back.
    pub(super) fn refunded(self, amount: u64, captured: u64) -> Heard {
        Heard::Payment(payment::Event::PaymentRefunded {
            order_id: self.0,
            amount_krw: Won(amount),
            refunded_krw: Won(amount),
            captured_krw: Won(captured),
        })
    }

    pub(super) fn ticket_opened(self) -> Heard {
        let Basket { items, deliver_to, note, .. } = chickens(1);
        Heard::Store(store::Event::TicketOpened {
            order_id: self.0,
            order_no: OrderNo::of(self.0),
            store_id: STORE,
            owner_id: OWNER,
            customer_id: CUSTOMER,
            items,
            deliver_to,
            note,
            answer_by: at(7),
        })
    }

    pub(super) fn ticket_accepted(self) -> Heard {
        Heard::Store(store::Event::TicketAccepted { order_id: self.0, store_id: STORE, cook_minutes: 20 })
    }

    pub(super) fn answer_extended(self, minutes: i64) -> Heard {
        let (order_id, store_id) = (self.0, STORE);
        Heard::Store(store::Event::TicketAnswerExtended { order_id, store_id, answer_by: at(minutes) })
    }

    pub(super) fn ticket_rejected(self, reason: RejectReason) -> Heard {
        let text = String::new();
        Heard::Store(store::Event::TicketRejected { order_id: self.0, store_id: STORE, reason, text })
    }

    pub(super) fn ticket_change_reserved(self) -> Heard {
        let until = at(1);
        Heard::Store(store::Event::TicketChangeReserved { order_id: self.0, change_id: CHANGE, until })
    }

    pub(super) fn ticket_changed(self, basket: Basket) -> Heard {
        let Basket { items, deliver_to, note, .. } = basket;
        Heard::Store(store::Event::TicketChanged {
            order_id: self.0,
            store_id: STORE,
            change_id: CHANGE,
            items,
            deliver_to,
            note,
        })
    }

    pub(super) fn ticket_change_refused(self, reason: ChangeRefusal) -> Heard {
        Heard::Store(store::Event::TicketChangeRefused { order_id: self.0, change_id: CHANGE, reason })
    }

    pub(super) fn ticket_canceled(self) -> Heard {
        Heard::Store(store::Event::TicketCanceled { order_id: self.0, store_id: STORE })
    }

    pub(super) fn ticket_cancel_refused(self) -> Heard {
        Heard::Store(store::Event::TicketCancelRefused { order_id: self.0 })
    }

    pub(super) fn cook_started(self) -> Heard {
        Heard::Store(store::Event::CookStarted { order_id: self.0, store_id: STORE })
    }

    pub(super) fn cook_finished(self) -> Heard {
        let Basket { deliver_to, note, .. } = chickens(1);
        let OrderStore { name, address, location, .. } = order_store();
        Heard::Store(store::Event::CookFinished {
            order_id: self.0,
            order_no: OrderNo::of(self.0),
            store_id: STORE,
            store_name: name,
            pickup: Place { address, location },
            deliver_to,
            note,
            customer_id: CUSTOMER,
            summary: "후라이드 치킨 ×1".to_owned(),
        })
    }

    pub(super) fn thanks_sent(self) -> Heard {
        Heard::Store(store::Event::ThanksSent {
            order_id: self.0,
            store_id: STORE,
            store_name: order_store().name,
            customer_id: CUSTOMER,
            message: "고맙습니다".to_owned(),
        })
    }

    pub(super) fn delivery_requested(self) -> Heard {
        let OrderStore { name, address, location, .. } = order_store();
        Heard::Delivery(delivery::Event::DeliveryRequested {
            order_id: self.0,
            order_no: OrderNo::of(self.0),
            store_id: STORE,
            store_name: name,
            pickup: Place { address, location },
            deliver_to: chickens(1).deliver_to,
            customer_id: CUSTOMER,
            riders: vec![RIDER],
        })
    }

    pub(super) fn claimed(self, rider_id: AccountId) -> Heard {
        let (eta_from, eta_to) = (at(40), at(50));
        Heard::Delivery(delivery::Event::DeliveryClaimed { order_id: self.0, rider_id, eta_from, eta_to })
    }

    pub(super) fn released(self, rider_id: AccountId) -> Heard {
        Heard::Delivery(delivery::Event::ClaimReleased {
            order_id: self.0,
            rider_id,
            riders: Vec::new(),
            taken_back: None,
        })
    }

    pub(super) fn pickup_overdue(self, rider_id: AccountId) -> Heard {
        Heard::Delivery(delivery::Event::PickupOverdue { order_id: self.0, rider_id, claimed_at: at(35) })
    }

    pub(super) fn picked_up(self, rider_id: AccountId) -> Heard {
        Heard::Delivery(delivery::Event::PickedUp { order_id: self.0, rider_id })
    }

    pub(super) fn delivered(self, rider_id: AccountId) -> Heard {
        Heard::Delivery(delivery::Event::Delivered { order_id: self.0, rider_id })
    }

    pub(super) fn escalated(self) -> Heard {
        Heard::Delivery(delivery::Event::DeliveryEscalated { order_id: self.0, waiting_since: at(30) })
    }

    pub(super) fn delivery_canceled(self, rider_id: Option<AccountId>) -> Heard {
        Heard::Delivery(delivery::Event::DeliveryCanceled { order_id: self.0, rider_id })
    }
}

/// The context that tells it.
pub(super) fn source_of(heard: &Heard) -> &'static str {
    match heard {
        Heard::Order(_) => source::ORDER,
        Heard::Payment(_) => source::PAYMENT,
        Heard::Store(_) => source::STORE,
        Heard::Delivery(_) => source::DELIVERY,
    }
}

/// The event on its way.
pub(super) fn envelope(heard: &Heard, position: u64, at: Timestamp) -> Envelope {
    let (source, order) = (source_of(heard), heard.order_id().map(|id| id.0));
    match heard {
        Heard::Order(event) => envelope_of(source, event, order, position, at),
        Heard::Payment(event) => envelope_of(source, event, order, position, at),
        Heard::Store(event) => envelope_of(source, event, order, position, at),
        Heard::Delivery(event) => envelope_of(source, event, order, position, at),
    }
}

/// Any event on its way. Its id is made of where it stands.
pub(super) fn envelope_of<E: Serialize>(
    source: &str,
    event: &E,
    correlation: Option<Uuid>,
    position: u64,
    at: Timestamp,
) -> Envelope
where
    for<'e> &'e E: Into<&'static str>,
{
    let bytes = source.bytes().fold(0_u128, |sum, byte| sum * 31 + u128::from(byte));
    Envelope {
        id: Uuid::from_u128((bytes << 64) + u128::from(position)),
        source: source.to_owned(),
        position,
        stream: String::new(),
        kind: event.into().to_owned(),
        at,
        correlation,
        command: "Command".to_owned(),
        origin: Arc::new(Origin {
            cause: Cause { kind: CauseKind::Request, id: Uuid::from_u128(7), name: "POST /api/orders".to_owned() },
            actor: Some(CUSTOMER.0),
            traceparent: None,
        }),
        data: serde_json::value::to_raw_value(event).expect("JSON"),
    }
}
