//! Everything that happened to an order, as people read it.

use baedal_contracts::{Won, delivery, order, payment, source, store};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::heard::Heard;

/// The most that is kept: the latest. A life without quarrels has about fifteen.
const KEPT: usize = 100;

/// A set of moments, sorted by time, then event.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Timeline(Vec<(Uuid, Moment)>);

/// One thing that happened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Moment {
    /// When.
    pub(crate) at: Timestamp,
    /// What: the event's name, as `OrderPaid`.
    pub(crate) what: String,
    /// Which context tells it.
    pub(crate) from: String,
    /// Why, as a word, where there is a why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// What somebody said, where anybody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    /// How much money it is about, where it is about money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) amount_krw: Option<Won>,
}

/// What a moment tells beside its name.
#[derive(Default)]
struct Told {
    reason: Option<String>,
    text: Option<String>,
    amount_krw: Option<Won>,
}

impl Timeline {
    /// Whether the event is in it.
    pub(crate) fn holds(&self, event_id: Uuid) -> bool {
        self.0.iter().any(|(id, _)| *id == event_id)
    }

    /// Adds what was heard, where people want to read it.
    pub(crate) fn add(&mut self, heard: &Heard, event_id: Uuid, at: Timestamp) {
        let (from, what, told) = match heard {
            Heard::Order(event) => (source::ORDER, <&str>::from(event), of_order(event)),
            Heard::Payment(event) => (source::PAYMENT, <&str>::from(event), of_payment(event)),
            Heard::Store(event) => (source::STORE, <&str>::from(event), of_store(event)),
            Heard::Delivery(event) => (source::DELIVERY, <&str>::from(event), of_delivery(event)),
        };
        let Some(Told { reason, text, amount_krw }) = told else { return };
        let moment = Moment { at, what: what.to_owned(), from: from.to_owned(), reason, text, amount_krw };
        let place = self.0.partition_point(|(id, known)| (known.at, *id) < (at, event_id));
        self.0.insert(place, (event_id, moment));
        if self.0.len() > KEPT {
            self.0.remove(0);
        }
    }

    pub(crate) fn into_moments(self) -> Vec<Moment> {
        self.0.into_iter().map(|(_, moment)| moment).collect()
    }
}

impl Told {
    fn nothing_more() -> Option<Self> {
        Some(Self::default())
    }

    fn amount(amount: Won) -> Option<Self> {
        Some(Self { amount_krw: Some(amount), ..Self::default() })
    }

    fn reason(reason: impl ToString) -> Option<Self> {
        Some(Self { reason: Some(reason.to_string()), ..Self::default() })
    }

    fn with_text(mut self, text: &str) -> Self {
        self.text = Some(text).filter(|text| !text.is_empty()).map(str::to_owned);
        self
    }
}

fn of_order(event: &order::Event) -> Option<Told> {
    use order::Event;
    match event {
        Event::OrderPlaced { basket, .. } | Event::OrderPaid { basket, .. } | Event::OrderChanged { basket, .. } => {
            Told::amount(basket.total_krw)
        }
        Event::OrderChangeRequested { basket, .. } => Told::amount(basket.total_krw),
        Event::OrderChangeRefused { reason, .. } => Told::reason(reason),
        Event::OrderCancelRequested { text, .. } => Told::nothing_more().map(|told| told.with_text(text)),
        Event::PaymentWindowExtended { .. }
        | Event::OrderCancelRefused { .. }
        | Event::OrderOverdue { .. }
        | Event::OrderCompleted { .. } => Told::nothing_more(),
        Event::OrderCanceled { reason, text, .. } => Told::reason(reason).map(|told| told.with_text(text)),
        Event::OrderRejected { reason, text, .. } => Told::reason(reason).map(|told| told.with_text(text)),
        Event::OrderRefundGranted { amount_krw, reason, fault, .. } => {
            let told = Told { reason: Some(fault.to_string()), ..Told::default() }.with_text(reason);
            Some(Told { amount_krw: Some(*amount_krw), ..told })
        }
        Event::OrderChangeChargeDue { .. } => None,
    }
}

fn of_payment(event: &payment::Event) -> Option<Told> {
    use payment::Event;
    match event {
        Event::PaymentApproved { amount_krw, .. }
        | Event::PaymentAdjusted { extra_krw: amount_krw, .. }
        | Event::PaymentRefundDue { amount_krw, .. }
        | Event::PaymentRefunded { amount_krw, .. } => Told::amount(*amount_krw),
        Event::PaymentDeclined { reason, .. } | Event::PaymentAdjustmentDeclined { reason, .. } => Told::reason(reason),
    }
}

fn of_store(event: &store::Event) -> Option<Told> {
    use store::Event;
    match event {
        Event::TicketOpened { .. }
        | Event::TicketAnswerExtended { .. }
        | Event::TicketAccepted { .. }
        | Event::CookStarted { .. }
        | Event::CookFinished { .. } => Told::nothing_more(),
        Event::ThanksSent { message, .. } => Told::nothing_more().map(|told| told.with_text(message)),
        // Order tells the same to the customer.
        Event::TicketRejected { .. }
        | Event::TicketChanged { .. }
        | Event::TicketChangeReserved { .. }
        | Event::TicketChangeRefused { .. }
        | Event::TicketCanceled { .. }
        | Event::TicketCancelRefused { .. } => None,
        Event::StoreRegistered { .. }
        | Event::StoreChanged { .. }
        | Event::StoreOpened { .. }
        | Event::StoreClosed { .. }
        | Event::MenuChanged { .. }
        | Event::StockChanged { .. } => None,
    }
}

fn of_delivery(event: &delivery::Event) -> Option<Told> {
    use delivery::Event;
    match event {
        Event::ClaimReleased { taken_back, .. } => {
            let text = taken_back.as_deref().unwrap_or_default();
            Told::nothing_more().map(|told| told.with_text(text))
        }
        Event::DeliveryClaimed { .. }
        | Event::PickupOverdue { .. }
        | Event::PickedUp { .. }
        | Event::Delivered { .. }
        | Event::DeliveryEscalated { .. } => Told::nothing_more(),
        // The same moment as `CookFinished`, and as the order's end.
        Event::DeliveryRequested { .. } | Event::DeliveryCanceled { .. } => None,
    }
}
