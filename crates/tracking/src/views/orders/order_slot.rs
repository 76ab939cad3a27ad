//! What order said of an order: what it is, whose, and how it ended.

use baedal_contracts::order::{Basket, Bill, CancelReason, ChangeRefusal, Event, Fault, OrderStore};
use baedal_contracts::store::RejectReason;
use baedal_contracts::{AccountId, Won};
use baedal_kit::Failure;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What the customer has asked and the kitchen has not answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Pending {
    /// To cancel.
    Cancel,
    /// To change.
    Change,
}

/// What was asked last, and why it did not happen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Refusal {
    /// What was asked.
    pub(crate) request: Pending,
    /// Why it did not happen: `cooking_started`, `out_of_stock`, `payment_declined`, `payment_timeout`,
    /// `ticket_closed`.
    pub(crate) reason: String,
}

/// How an order ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    Completed,
    Canceled { reason: CancelReason, text: String, owed_krw: Won, fault: Option<Fault> },
    Rejected { reason: RejectReason, text: String },
}

/// The order's own slot.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct OrderSlot {
    pub(crate) customer_id: AccountId,
    pub(crate) store: OrderStore,
    pub(crate) basket: Basket,
    pub(crate) placed_at: Timestamp,
    pub(crate) pay_by: Timestamp,
    pub(crate) paid_at: Option<Timestamp>,
    /// When it is canceled if it is not delivered, where it should have been by now.
    #[serde(default)]
    pub(crate) abandon_at: Option<Timestamp>,
    pub(crate) pending: Option<Pending>,
    pub(crate) refusal: Option<Refusal>,
    pub(crate) end: Option<(End, Timestamp)>,
    /// What operators gave back, oldest first.
    #[serde(default)]
    pub(crate) grants: Vec<GrantedRefund>,
    /// What the customer owes by the last bill; nothing where none has come, as before the payment.
    #[serde(default)]
    pub(crate) owed_krw: Option<Won>,
}

/// What an operator gave back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct GrantedRefund {
    /// Names it.
    pub(crate) refund_id: Uuid,
    /// When.
    pub(crate) at: Timestamp,
    /// How much.
    pub(crate) amount_krw: Won,
    /// Why, in the operator's words.
    pub(crate) reason: String,
    /// Whose fault it is.
    pub(crate) fault: Fault,
}

impl OrderSlot {
    /// Hears order. Fails where order tells of an order that it has never placed: the event is set aside.
    pub(crate) fn handle(slot: &mut Option<Self>, event: Event, at: Timestamp) -> Result<(), Failure> {
        if let Event::OrderPlaced { customer_id, store, basket, pay_by, .. } = event {
            slot.get_or_insert(Self {
                customer_id,
                store,
                basket,
                placed_at: at,
                pay_by,
                paid_at: None,
                abandon_at: None,
                pending: None,
                refusal: None,
                end: None,
                grants: Vec::new(),
                owed_krw: None,
            });
            return Ok(());
        }
        let Some(order) = slot else {
            return Err(Failure::broken(format!("{} came before the order was placed", <&str>::from(&event))));
        };
        order.owed_krw = bill(&event).map(|bill| bill.owed_krw).or(order.owed_krw);
        order.evolve(event, at);
        Ok(())
    }

    fn evolve(&mut self, event: Event, at: Timestamp) {
        match event {
            Event::OrderPlaced { .. } | Event::OrderChangeChargeDue { .. } => {}
            Event::PaymentWindowExtended { pay_by, .. } => self.pay_by = pay_by,
            Event::OrderOverdue { abandon_at, .. } => self.abandon_at = Some(abandon_at),
            Event::OrderPaid { basket, .. } => {
                self.basket = basket;
                self.paid_at = Some(at);
            }
            Event::OrderChangeRequested { .. } => self.ask(Pending::Change),
            Event::OrderChanged { basket, .. } => {
                self.basket = basket;
                self.pending = None;
            }
            Event::OrderChangeRefused { reason, basket, .. } => {
                self.basket = basket;
                self.refuse(Pending::Change, reason);
            }
            Event::OrderCancelRequested { .. } => self.ask(Pending::Cancel),
            Event::OrderCancelRefused { .. } => self.refuse(Pending::Cancel, ChangeRefusal::CookingStarted),
            Event::OrderCanceled { reason, text, owed_krw, fault, .. } => {
                self.finish(End::Canceled { reason, text, owed_krw, fault }, at);
            }
            Event::OrderRejected { reason, text, .. } => self.finish(End::Rejected { reason, text }, at),
            Event::OrderCompleted { .. } => self.finish(End::Completed, at),
            Event::OrderRefundGranted { refund_id, amount_krw, reason, fault, bill, .. } => {
                if let Some((End::Canceled { owed_krw, .. }, _)) = &mut self.end {
                    *owed_krw = bill.owed_krw;
                }
                self.grants.push(GrantedRefund { refund_id, at, amount_krw, reason, fault });
            }
        }
    }

    fn ask(&mut self, request: Pending) {
        self.pending = Some(request);
        self.refusal = None;
    }

    fn refuse(&mut self, request: Pending, reason: ChangeRefusal) {
        self.pending = None;
        self.refusal = Some(Refusal { request, reason: reason.to_string() });
    }

    fn finish(&mut self, end: End, at: Timestamp) {
        self.pending = None;
        self.end = Some((end, at));
    }
}

/// What the customer owes from this event on, where it changes that.
fn bill(event: &Event) -> Option<Bill> {
    match event {
        Event::OrderChanged { bill, .. }
        | Event::OrderChangeRefused { bill, .. }
        | Event::OrderCanceled { bill, .. }
        | Event::OrderCompleted { bill, .. } => *bill,
        Event::OrderRefundGranted { bill, .. } => Some(*bill),
        Event::OrderPlaced { .. }
        | Event::PaymentWindowExtended { .. }
        | Event::OrderPaid { .. }
        | Event::OrderChangeRequested { .. }
        | Event::OrderChangeChargeDue { .. }
        | Event::OrderCancelRequested { .. }
        | Event::OrderCancelRefused { .. }
        | Event::OrderOverdue { .. }
        | Event::OrderRejected { .. } => None,
    }
}
