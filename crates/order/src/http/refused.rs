//! Why a request comes to nothing, and the problem it is answered with.

use std::time::Duration;

use baedal_contracts::Won;
use baedal_contracts::order::ChangeRefusal;
use baedal_kit::Failure;
use baedal_kit_http::{Problem, ProblemType};
use jiff::{SignedDuration, Timestamp};

use super::problems::{
    ABOVE_MAXIMUM, ALREADY_CANCELED, ALREADY_COMPLETED, ALREADY_REJECTED, BELOW_MINIMUM, COOKING_STARTED,
    DUPLICATE_CHOICE, EXTRA_PAYMENT_DECLINED, IDEMPOTENCY_KEY_REUSED, ITEM_UNAVAILABLE, NOT_DELIVERED, OUT_OF_STOCK,
    OUTSIDE_DELIVERY_AREA, PAYING_TOO_OFTEN, PAYMENT_IN_PROGRESS, PAYMENT_TIMEOUT, REQUEST_PENDING, SOLD_OUT,
    STORE_CLOSED, TICKET_CLOSED, TOO_MANY_OF_AN_ITEM, TOO_MANY_PAYMENT_ATTEMPTS, TOO_MANY_UNPAID_ORDERS, TOTAL_CHANGED,
    UNKNOWN_CHOICE, UNKNOWN_ITEM, UNKNOWN_OPTION, WRONG_NUMBER_OF_CHOICES,
};
use crate::domain::{OrderStatus, Refusal, WishRefused};

/// Why a request comes to nothing.
#[derive(Debug)]
pub(crate) enum Refused {
    /// There is no such store.
    NoSuchStore,
    /// There is no such order, or it is not the caller's.
    NoSuchOrder,
    /// The menu does not allow it.
    Wish(WishRefused),
    /// It costs something else than the customer was shown.
    TotalChanged {
        /// What it costs.
        total_krw: Won,
    },
    /// The order does not allow it.
    Order(Refusal),
    /// The kitchen, or payment, does not allow the change.
    Change(ChangeRefusal),
    /// As many of the customer's orders wait to be paid as may.
    TooManyUnpaid {
        /// The first of them is canceled by itself then.
        until: Timestamp,
        /// When it was looked.
        now: Timestamp,
    },
    /// The customer has tried to pay as often as may be within an hour.
    PayingTooOften {
        /// Until then.
        until: Timestamp,
        /// When it was looked.
        now: Timestamp,
    },
    /// The key came with another body.
    KeyReused,
    /// It costs more than the order, and it is not known whether payment is there.
    AsksForMoney,
    /// Something went wrong.
    Failed(Failure),
}

impl Refused {
    /// Whether it may only mean that we have not heard yet what others have told.
    pub(crate) fn may_be_lag(&self) -> bool {
        match self {
            Self::NoSuchStore | Self::Wish(_) | Self::TotalChanged { .. } => true,
            Self::Order(refusal) => match refusal {
                Refusal::NotDelivered
                | Refusal::AnotherRequestPending
                | Refusal::PaymentInProgress
                | Refusal::RefundTooLarge { .. } => true,
                Refusal::NotPlaced
                | Refusal::AlreadyPlaced
                | Refusal::AlreadyFinal(_)
                | Refusal::TooManyAttempts
                | Refusal::CookingStarted => false,
            },
            // Payment may have told that one of them is paid.
            Self::TooManyUnpaid { .. } => true,
            Self::PayingTooOften { .. } => false,
            Self::NoSuchOrder | Self::Change(_) | Self::KeyReused | Self::AsksForMoney | Self::Failed(_) => false,
        }
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NoSuchStore => Self::not_found("store"),
            Refused::NoSuchOrder => Self::not_found("order"),
            Refused::Wish(refused) => wish_problem(&refused),
            Refused::TotalChanged { total_krw } => {
                Self::new(&TOTAL_CHANGED, format!("it costs {total_krw} won")).with("total_krw", total_krw.0)
            }
            Refused::Order(refusal) => order_problem(&refusal),
            Refused::TooManyUnpaid { until, now } => {
                let detail = "as many of your orders wait to be paid as may";
                Self::new(&TOO_MANY_UNPAID_ORDERS, detail).retry_after(left(until, now))
            }
            Refused::PayingTooOften { until, now } => {
                let detail = "you have tried to pay as often as may be for now";
                Self::new(&PAYING_TOO_OFTEN, detail).retry_after(left(until, now))
            }
            Refused::Change(reason) => Self::new(change_problem(reason), "the order goes on as it was"),
            Refused::KeyReused => Self::new(&IDEMPOTENCY_KEY_REUSED, "the key was sent before with another body"),
            // Whoever asks for a change looks whether payment is there, and asks again.
            Refused::AsksForMoney => Failure::broken("a change was not asked again").into(),
            Refused::Failed(failure) => failure.into(),
        }
    }
}

fn left(until: Timestamp, now: Timestamp) -> Duration {
    until.duration_since(now).max(SignedDuration::ZERO).unsigned_abs()
}

fn wish_problem(refused: &WishRefused) -> Problem {
    let about = |kind: &'static ProblemType| Problem::new(kind, refused.to_string());
    match refused {
        WishRefused::StoreClosed { .. } => about(&STORE_CLOSED),
        WishRefused::UnknownItem { line } => {
            about(&UNKNOWN_ITEM).at(format!("items[{line}].item_id"), refused.to_string())
        }
        WishRefused::ItemUnavailable { line, .. } => {
            about(&ITEM_UNAVAILABLE).at(format!("items[{line}].item_id"), refused.to_string())
        }
        WishRefused::SoldOut { line, left, .. } => {
            about(&SOLD_OUT).at(format!("items[{line}].quantity"), refused.to_string()).with("left", *left)
        }
        WishRefused::TooMany { line, .. } => {
            about(&TOO_MANY_OF_AN_ITEM).at(format!("items[{line}].quantity"), refused.to_string())
        }
        WishRefused::UnknownOption { line, option, .. } => {
            about(&UNKNOWN_OPTION).at(format!("items[{line}].options[{option}].name"), refused.to_string())
        }
        WishRefused::UnknownChoice { line, option, .. } => {
            about(&UNKNOWN_CHOICE).at(format!("items[{line}].options[{option}].choice"), refused.to_string())
        }
        WishRefused::DuplicateChoice { line, option } => {
            about(&DUPLICATE_CHOICE).at(format!("items[{line}].options[{option}].choice"), refused.to_string())
        }
        WishRefused::WrongNumberOfChoices { line, .. } => {
            about(&WRONG_NUMBER_OF_CHOICES).at(format!("items[{line}].options"), refused.to_string())
        }
        WishRefused::AboveMaximum { .. } => about(&ABOVE_MAXIMUM).at("items", refused.to_string()),
        WishRefused::BelowMinimum { .. } => about(&BELOW_MINIMUM).at("items", refused.to_string()),
        WishRefused::OutsideDeliveryArea { .. } => {
            about(&OUTSIDE_DELIVERY_AREA).at("deliver_to.location", refused.to_string())
        }
    }
}

fn order_problem(refusal: &Refusal) -> Problem {
    let kind = match refusal {
        Refusal::NotPlaced => return Problem::not_found("order"),
        // Ids are new with every order, so nobody can bring this about.
        Refusal::AlreadyPlaced => return Failure::broken(refusal.to_string()).into(),
        Refusal::RefundTooLarge { .. } => return Problem::field("refund_krw", refusal.to_string()),
        Refusal::AlreadyFinal(OrderStatus::Rejected) => &ALREADY_REJECTED,
        Refusal::AlreadyFinal(OrderStatus::Canceled) => &ALREADY_CANCELED,
        Refusal::AlreadyFinal(_) => &ALREADY_COMPLETED,
        Refusal::PaymentInProgress => &PAYMENT_IN_PROGRESS,
        Refusal::TooManyAttempts => &TOO_MANY_PAYMENT_ATTEMPTS,
        Refusal::AnotherRequestPending => &REQUEST_PENDING,
        Refusal::CookingStarted => &COOKING_STARTED,
        Refusal::NotDelivered => &NOT_DELIVERED,
    };
    Problem::new(kind, refusal.to_string())
}

fn change_problem(reason: ChangeRefusal) -> &'static ProblemType {
    match reason {
        ChangeRefusal::CookingStarted => &COOKING_STARTED,
        ChangeRefusal::OutOfStock => &OUT_OF_STOCK,
        ChangeRefusal::PaymentDeclined => &EXTRA_PAYMENT_DECLINED,
        ChangeRefusal::PaymentTimeout => &PAYMENT_TIMEOUT,
        ChangeRefusal::TicketClosed => &TICKET_CLOSED,
    }
}
