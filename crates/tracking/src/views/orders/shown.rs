//! An order as people see it: a pure function of the slots.

use baedal_contracts::identity::Role;
use baedal_contracts::order::{Fault, Line, OrderStore};
use baedal_contracts::{AccountId, OrderId, OrderNo, Place, Won};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::document::{Openness, OrderDocument};
use super::order_slot::{End, GrantedRefund, Pending, Refusal};
use super::status::{OrderStatus, RefundStatus};
use super::timeline::Moment;
use crate::Settings;

/// An order.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub(crate) struct OrderView {
    /// Which.
    order_id: OrderId,
    /// What people call it.
    order_no: OrderNo,
    /// How far it is.
    status: OrderStatus,
    /// What the customer has asked and the kitchen has not answered.
    pending: Option<Pending>,
    /// Who ordered.
    customer_id: AccountId,
    /// From which store.
    store: OrderStore,
    /// What.
    items: Vec<Line>,
    /// Where it goes: exactly where `address_is_exact`, and otherwise no more than the neighbourhood, or a grid's degrees,
    /// and about where that is.
    deliver_to: Place,
    /// To the store and the rider; may be empty, and is unless `address_is_exact`.
    note: String,
    /// Whether `deliver_to` and `note` are what the customer wrote. They are a rider's while he carries the order and for
    /// ten minutes after its end, as things are set.
    address_is_exact: bool,
    /// When that ends by itself.
    #[serde(skip)]
    hidden_at: Option<Timestamp>,
    /// What the delivery costs.
    delivery_fee_krw: Won,
    /// What all of it costs.
    total_krw: Won,
    /// What became of the money.
    payment: OrderPayment,
    /// What goes back of it.
    refund: OrderRefund,
    /// Why it was canceled (`customer`, `payment_expired`, `abandoned`, `operator`) or rejected
    /// (`out_of_stock`, `closed`, `too_busy`, `cannot_deliver`, `other`, `store_timeout`).
    reason: Option<String>,
    /// Why, in somebody's words.
    text: Option<String>,
    /// Whose fault it is that it was canceled, where an operator did that or it was abandoned.
    fault: Option<Fault>,
    /// The customer's last request to cancel or change, where it was refused.
    refusal: Option<Refusal>,
    /// How long cooking takes, from when the kitchen accepted it.
    cook_minutes: Option<u32>,
    /// When what is to be expected.
    estimated: Estimates,
    /// Who brings it.
    rider: Option<OrderRider>,
    /// Whether no rider has taken it for long.
    escalated: bool,
    /// When it was placed.
    placed_at: Timestamp,
    /// When it is canceled if nobody has paid; nothing once that is settled.
    pay_by: Option<Timestamp>,
    /// When it was paid.
    paid_at: Option<Timestamp>,
    /// When it was delivered.
    delivered_at: Option<Timestamp>,
    /// When it was completed, canceled or rejected.
    ended_at: Option<Timestamp>,
    /// Everything that happened, oldest first.
    timeline: Vec<Moment>,
}

/// What became of an order's money.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub(crate) struct OrderPayment {
    /// Taken, in all.
    captured_krw: Won,
    /// Gone back, in all.
    refunded_krw: Won,
    /// Why the last attempt to pay took nothing; nothing once one has.
    declined: Option<String>,
}

/// What goes back of an order's money.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub(crate) struct OrderRefund {
    /// Whether anything does.
    status: RefundStatus,
    /// What is still to go back.
    due_krw: Won,
    /// What has gone back.
    done_krw: Won,
    /// What operators gave back, each with why and by whose fault, oldest first; left out where they did not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    granted: Vec<GrantedRefund>,
}

/// When what is to be expected of an order; nothing where nobody can say yet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub(crate) struct Estimates {
    /// Cooked by then; once it is cooked, when it was.
    cooked_at: Option<Timestamp>,
    /// With the customer then at the earliest.
    delivered_from: Option<Timestamp>,
    /// With the customer then at the latest.
    delivered_to: Option<Timestamp>,
}

/// Who brings an order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub(crate) struct OrderRider {
    /// Which rider.
    rider_id: AccountId,
}

impl OrderView {
    /// Which order it is.
    pub(crate) fn order_id(&self) -> OrderId {
        self.order_id
    }

    /// When some of it is hidden by itself.
    pub(crate) fn hidden_at(&self) -> Option<Timestamp> {
        self.hidden_at
    }

    /// The order as somebody is shown it who may not, or not for long, know exactly where it goes.
    fn with_openness(self, openness: Openness) -> Self {
        match openness {
            Openness::Open => self,
            Openness::OpenUntil(until) => Self { hidden_at: Some(until), ..self },
            Openness::Closed => {
                Self { deliver_to: self.deliver_to.roughly(), note: String::new(), address_is_exact: false, ..self }
            }
        }
    }
}

impl OrderRider {
    pub(crate) fn of(document: &OrderDocument) -> Option<Self> {
        document.delivery.as_ref().and_then(|delivery| delivery.rider_id).map(|rider_id| Self { rider_id })
    }
}

impl OrderDocument {
    /// The order as it is shown to somebody who may see it, `now`; nothing until order itself was heard.
    pub(crate) fn shown_to(self, role: Role, settings: &Settings, now: Timestamp) -> Option<OrderView> {
        let openness = self.openness(role, settings.address_shown_for, now);
        Some(self.shown()?.with_openness(openness))
    }

    /// The order with all of it; nothing until order itself was heard.
    pub(crate) fn shown(self) -> Option<OrderView> {
        let order = self.order.as_ref()?;
        let status = self.status(order);
        let refund = OrderRefund {
            status: self.refund_status(order),
            due_krw: self.refund_due(order),
            done_krw: self.payment.refunded_krw,
            granted: order.grants.clone(),
        };
        let rider = OrderRider::of(&self);
        let escalated = self.is_escalated(order);
        let order = self.order?;
        let (cook_minutes, cooked_at) =
            self.ticket.map_or((None, None), |ticket| (ticket.cook_minutes, ticket.cooked_at));
        let delivery = self.delivery.unwrap_or_default();
        let (end, ended_at) = order.end.unzip();
        let (reason, text, fault) = match end {
            Some(End::Canceled { reason, text, fault, .. }) => (Some(reason.to_string()), Some(text), fault),
            Some(End::Rejected { reason, text }) => (Some(reason.to_string()), Some(text), None),
            Some(End::Completed) | None => (None, None, None),
        };
        Some(OrderView {
            order_id: self.order_id,
            order_no: OrderNo::of(self.order_id),
            status,
            pending: order.pending,
            customer_id: order.customer_id,
            store: order.store,
            items: order.basket.items,
            deliver_to: order.basket.deliver_to,
            note: order.basket.note,
            address_is_exact: true,
            hidden_at: None,
            delivery_fee_krw: order.basket.delivery_fee_krw,
            total_krw: order.basket.total_krw,
            payment: OrderPayment {
                captured_krw: self.payment.captured_krw,
                refunded_krw: self.payment.refunded_krw,
                declined: self.payment.declined,
            },
            refund,
            reason,
            text: text.filter(|text| !text.is_empty()),
            fault,
            refusal: order.refusal,
            cook_minutes,
            estimated: Estimates { cooked_at, delivered_from: delivery.eta_from, delivered_to: delivery.eta_to },
            rider,
            escalated,
            placed_at: order.placed_at,
            pay_by: Some(order.pay_by).filter(|_| status == OrderStatus::AwaitingPayment),
            paid_at: order.paid_at,
            delivered_at: delivery.delivered_at,
            ended_at,
            timeline: self.timeline.into_moments(),
        })
    }
}
