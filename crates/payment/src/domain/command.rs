//! What may be asked of a payment, and why not.

use baedal_contracts::{AttemptId, ChangeId, Won};
use jiff::Timestamp;
use strum::IntoStaticStr;
use uuid::Uuid;

use super::event::{Ending, Grant, Payer};

/// What may be asked of a payment. Only [`Command::Begin`] is refused; all the others are said by events,
/// jobs and the provider, and are answered in every state.
///
/// `refund_id` is the id of the refund that a command makes due, if it makes one due. `version` is the order's
/// own, with what it said: of two words the one with the greater version was later, in whatever order they are
/// heard, and whatever the clocks say.
#[derive(Clone, PartialEq, Debug, IntoStaticStr)]
pub enum Command {
    /// Order asks for the order's money.
    Begin {
        /// Names the attempt.
        attempt_id: AttemptId,
        /// How much.
        amount_krw: Won,
        /// See [`Command`].
        version: u64,
        /// From whom, and how.
        payer: Payer,
        /// When it is looked up, if there is no answer.
        look_up_at: Timestamp,
    },
    /// Order has no answer to an attempt that it asked for: if it has not begun by now, it never does.
    GiveUp {
        /// Which.
        attempt_id: AttemptId,
    },
    /// The kitchen holds still for a change: take what it costs more, by the means the order was paid with.
    BeginExtra {
        /// Which change.
        change_id: ChangeId,
        /// How much.
        extra_krw: Won,
        /// See [`Command`].
        version: u64,
        /// When it is too late.
        until: Timestamp,
        /// When it is looked up, if there is no answer.
        look_up_at: Timestamp,
    },
    /// The provider says that it took the money.
    Approve {
        /// By which attempt.
        attempt_id: AttemptId,
        /// See [`Command`].
        refund_id: Uuid,
    },
    /// The provider says no.
    Decline {
        /// To which attempt.
        attempt_id: AttemptId,
        /// Why.
        reason: String,
    },
    /// The provider failed, and it is known that it took nothing.
    Fail {
        /// At which attempt.
        attempt_id: AttemptId,
        /// What it said.
        reason: String,
    },
    /// Order says what the customer owes, with a change done or refused.
    Owe {
        /// How much.
        owed_krw: Won,
        /// See [`Command`].
        version: u64,
        /// See [`Command`].
        refund_id: Uuid,
    },
    /// The order ended, with the food or without.
    End {
        /// What the customer still owes.
        owed_krw: Won,
        /// See [`Command`].
        version: u64,
        /// How.
        ending: Ending,
        /// See [`Command`].
        refund_id: Uuid,
    },
    /// An operator gives back some of what is held.
    Grant {
        /// Names it.
        grant_id: Uuid,
        /// How much, and who bears it.
        grant: Grant,
        /// What the customer owes now.
        owed_krw: Won,
        /// See [`Command`].
        version: u64,
        /// See [`Command`].
        refund_id: Uuid,
    },
    /// The provider says that money went back.
    ConfirmRefund {
        /// By which refund.
        paid_back: Uuid,
        /// See [`Command`]: the next one.
        refund_id: Uuid,
    },
}

/// Why no attempt begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// The outcome of another attempt is not known yet.
    #[error("another attempt is being verified")]
    AnotherIsOpen,
    /// Order has been told that it never begins.
    #[error("the attempt was given up before it began")]
    GivenUp,
    /// The order has ended.
    #[error("the order has ended")]
    OrderClosed,
    /// The money is here.
    #[error("the order is paid")]
    Paid,
    /// The order was paid, but not as much as is asked for now.
    #[error("the order was paid with another amount")]
    PaidOtherwise,
    /// There is no such attempt.
    #[error("there is no such attempt")]
    NoSuchAttempt,
}
