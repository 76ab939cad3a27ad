//! One attempt to pay: payment is asked, and what came of it is recorded, whoever still waits for it.

use std::sync::Arc;
use std::time::Duration;

use baedal_contracts::payment::{PaymentMeans, TakePayment, TakePaymentAnswer};
use baedal_contracts::{AccountId, AttemptId, OrderId, Won};
use baedal_kit::{Failure, Origin};
use tokio::sync::oneshot;

use crate::Settings;
use crate::domain::{Command, Order};
use crate::http::App;
use crate::limits;
use crate::payment_client::PutOff;
use crate::verifying::{Unanswered, verify_later};

/// When a customer who was put off may try again, or look again, unless the circuit breaker knows better.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(3);

/// An attempt that has begun, and is to be made.
pub(crate) struct Attempting {
    pub(crate) order_id: OrderId,
    pub(crate) attempt_id: AttemptId,
    pub(crate) customer_id: AccountId,
    pub(crate) amount_krw: Won,
    pub(crate) means: PaymentMeans,
    /// The order's version with it.
    pub(crate) version: u64,
}

/// The order after an attempt.
pub(crate) struct Attempted {
    pub(crate) order: Arc<Order>,
    pub(crate) position: u64,
    /// When it is worth trying again, where it has to be.
    pub(crate) retry_after: Duration,
}

/// Makes an attempt. It comes to its own end even if the customer no longer waits for it.
///
/// # Errors
/// A failure of the database; the attempt then stays open until payment's event is heard.
pub(crate) async fn attempt(app: &App, origin: &Origin, attempting: Attempting) -> Result<Attempted, Failure> {
    let (tell, told) = oneshot::channel();
    let (app, origin) = (app.clone(), origin.clone());
    let lifecycle = app.service.lifecycle().clone();
    lifecycle.spawn_to_its_end(async move {
        let order_id = attempting.order_id;
        let attempted = make(&app, &origin, attempting).await;
        if let Err(failure) = &attempted {
            tracing::error!(%order_id, error = failure.report(), "what came of an attempt to pay was not recorded");
        }
        if tell.send(attempted).is_err() {
            tracing::info!(%order_id, "nobody waited for the end of an attempt to pay");
        }
    });
    told.await.map_err(|error| Failure::broken_by("an attempt to pay ended without an outcome", error))?
}

async fn make(app: &App, origin: &Origin, attempting: Attempting) -> Result<Attempted, Failure> {
    let Attempting { order_id, attempt_id, customer_id, amount_krw, means, version } = attempting;
    let request = TakePayment { attempt_id, customer_id, amount_krw, version, means };
    let answer = app.payments.take(order_id, request, origin).await;
    count(&answer);
    let retry_after = match answer {
        Err(PutOff::NotAsked { retry_after }) => retry_after.max(Duration::from_secs(1)),
        Ok(_) | Err(PutOff::NoAnswer) => RETRY_AFTER,
    };
    if answer == Err(PutOff::NoAnswer) {
        verify_later(app, origin, Unanswered { order_id, attempt_id, amount_krw }).await?;
    }
    let command = match answer {
        Ok(answer) => outcome(answer, attempt_id, amount_krw, &app.settings),
        Err(PutOff::NotAsked { .. }) => Some(Command::PutOff { attempt_id, answered: false }),
        Err(PutOff::NoAnswer) => None,
    };
    let Some(command) = command else {
        let order = app.service.look::<Order>(&order_id).await?;
        return Ok(Attempted { order, position: app.position(), retry_after });
    };
    let (order, position) = app
        .service
        .execute(origin, |work| {
            let command = command.clone();
            Box::pin(async move {
                limits::tell(work, order_id, command).await?;
                work.load::<Order>(&order_id).await
            })
        })
        .await?;
    Ok(Attempted { order, position, retry_after })
}

/// What payment's answer means to the order; nothing while it is being verified: then payment's events will tell.
pub(crate) fn outcome(
    answer: TakePaymentAnswer,
    attempt_id: AttemptId,
    amount_krw: Won,
    settings: &Settings,
) -> Option<Command> {
    match answer {
        TakePaymentAnswer::Approved => Some(Command::Approve { amount_krw, abandon_after: settings.abandon_after }),
        TakePaymentAnswer::Declined { reason } => Some(Command::Decline { attempt_id, reason }),
        TakePaymentAnswer::Failed { .. } => Some(Command::PutOff { attempt_id, answered: true }),
        TakePaymentAnswer::Verifying => None,
    }
}

fn count(answer: &Result<TakePaymentAnswer, PutOff>) {
    let outcome = match answer {
        Ok(TakePaymentAnswer::Approved) => "approved",
        Ok(TakePaymentAnswer::Declined { .. }) => "declined",
        Ok(TakePaymentAnswer::Failed { .. }) => "failed",
        Ok(TakePaymentAnswer::Verifying) => "verifying",
        Err(PutOff::NotAsked { .. }) => "not_asked",
        Err(PutOff::NoAnswer) => "no_answer",
    };
    metrics::counter!("baedal_order_payments_total", "outcome" => outcome).increment(1);
}
