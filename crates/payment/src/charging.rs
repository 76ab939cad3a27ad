//! Takes money: an attempt is committed first, then the provider is called, and whoever asked may go
//! away meanwhile.
//!
//! ```text
//!   commit AttemptBegun + job look_up ─▶ call the provider ─▶ approved, declined ─▶ commit the outcome
//!                                             │
//!                                             ├ it failed ─▶ look it up at once; not there: Failed
//!                                             └ no answer ─▶ left open: the job looks it up
//! ```

use std::sync::Arc;

use baedal_contracts::payment::{TakePayment, TakePaymentAnswer};
use baedal_contracts::{AttemptId, OrderId};
use baedal_kit::time::Instant;
use baedal_kit::{Failure, Origin};
use baedal_kit_http::Position;
use baedal_kit_runtime::Service;
use baedal_kit_runtime::service::CommandError;
use tokio::sync::{Semaphore, oneshot};

use crate::Settings;
use crate::deciding::command;
use crate::domain::{Command, Payer, Payment, Refusal};
use crate::provider::{Calls, Charge, ChargeOutcome, LookUp, ProviderError};

/// Takes money. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Charging {
    service: Service,
    calls: Calls,
    settings: Settings,
    /// Calls for orders that may still begin.
    lines: Arc<Semaphore>,
    /// Calls for changes that may still begin.
    extra_lines: Arc<Semaphore>,
}

/// What somebody who asked for money is told, and up to where the journal says so.
type Answer = (Position, TakePaymentAnswer);

/// How an attempt began.
enum Begun {
    /// The provider is called next.
    Anew(Position, Charge),
    /// The answer is known without a call.
    Answered(Answer),
}

/// What waits for an attempt.
struct Awaited {
    /// What to say if it takes too long.
    meanwhile: Answer,
    /// What it came to; nobody sends where it stays open.
    outcome: oneshot::Receiver<Answer>,
}

impl Charging {
    pub(crate) fn new(service: Service, calls: Calls, settings: Settings) -> Self {
        let lines = Arc::new(Semaphore::new(settings.charges_at_once as usize));
        // As many may wait for an answer that is late as there are whose answer is waited for.
        let extra_lines = Arc::new(Semaphore::new(2 * settings.extras_at_once as usize));
        Self { service, calls, settings, lines, extra_lines }
    }

    /// Begins an attempt and calls the provider, to the end, whoever waits; answers when it is known what
    /// became of it, after `answer_limit` at the most.
    pub(crate) async fn take(&self, origin: Origin, order_id: OrderId, asked: TakePayment) -> Result<Answer, Failure> {
        let asked_at = self.service.clock().monotonic();
        let patience_ends = asked_at + self.settings.answer_limit;
        let Ok(line) = Arc::clone(&self.lines).try_acquire_owned() else {
            return self.answer_when_busy(order_id, asked.attempt_id).await;
        };
        let (tell_begun, begun) = oneshot::channel();
        let charging = self.clone();
        self.service.lifecycle().spawn_to_its_end(async move {
            let _line = line;
            let begun = charging.begin(&origin, order_id, asked).await;
            let (tell_outcome, outcome) = oneshot::channel();
            // Whoever asked may be gone; then nobody hears, and the attempt goes on.
            match begun {
                Ok(Begun::Anew(position, charge)) => {
                    let meanwhile = (position, TakePaymentAnswer::Verifying);
                    let _ = tell_begun.send(Ok(Awaited { meanwhile, outcome }));
                    if let Some(answer) = charging.charge(&origin, charge, asked_at).await {
                        let _ = tell_outcome.send(answer);
                    }
                }
                Ok(Begun::Answered(answer)) => {
                    let _ = tell_outcome.send(answer.clone());
                    let _ = tell_begun.send(Ok(Awaited { meanwhile: answer, outcome }));
                }
                Err(failure) => {
                    let _ = tell_begun.send(Err(failure));
                }
            }
        });
        let gone = |error| Failure::broken_by("an attempt ended before it began", error);
        let Awaited { meanwhile, outcome } = begun.await.map_err(gone)??;
        tokio::select! {
            answer = outcome => Ok(answer.unwrap_or(meanwhile)),
            () = self.service.clock().sleep_until_instant(patience_ends) => Ok(meanwhile),
        }
    }

    /// What became of an attempt that order has no answer to. One that has not begun by now never does.
    pub(crate) async fn settle(
        &self,
        origin: &Origin,
        order_id: OrderId,
        attempt_id: AttemptId,
    ) -> Result<Answer, Failure> {
        match command(&self.service, origin, order_id, Command::GiveUp { attempt_id }).await {
            Ok(done) => {
                let answer = done.state.answer(attempt_id).unwrap_or(TakePaymentAnswer::Verifying);
                Ok((Position::of(&self.service, done.position), answer))
            }
            Err(CommandError::Refused(refusal)) => {
                Err(Failure::broken(format!("an attempt that is given up cannot be refused so: {refusal}")))
            }
            Err(CommandError::Failed(failure)) => Err(failure),
        }
    }

    /// The outcome of an attempt that began before; or that it does not begin now, and takes nothing.
    async fn answer_when_busy(&self, order_id: OrderId, attempt_id: AttemptId) -> Result<Answer, Failure> {
        let position = Position::of(&self.service, *self.service.database().head().borrow());
        let payment = self.service.look::<Payment>(&order_id).await?;
        let busy = || TakePaymentAnswer::Failed { reason: "busy".to_owned() };
        Ok((position, payment.answer(attempt_id).unwrap_or_else(busy)))
    }

    async fn begin(&self, origin: &Origin, order_id: OrderId, asked: TakePayment) -> Result<Begun, Failure> {
        let TakePayment { attempt_id, customer_id, amount_krw, version, means } = asked;
        let payer = Payer { customer_id, means: means.clone() };
        let look_up_at = self.service.clock().now() + self.settings.look_up_after;
        let begin = Command::Begin { attempt_id, amount_krw, version, payer, look_up_at };
        let here = |position| Position::of(&self.service, position);
        let head = *self.service.database().head().borrow();
        let said = |answer| Ok(Begun::Answered((here(head), answer)));
        match command(&self.service, origin, order_id, begin).await {
            Ok(done) if done.events.is_empty() => {
                let answer = done.state.answer(attempt_id).unwrap_or(TakePaymentAnswer::Verifying);
                Ok(Begun::Answered((here(done.position), answer)))
            }
            Ok(done) => Ok(Begun::Anew(here(done.position), Charge { key: attempt_id, order_id, amount_krw, means })),
            Err(CommandError::Refused(Refusal::AnotherIsOpen)) => said(TakePaymentAnswer::Verifying),
            Err(CommandError::Refused(Refusal::Paid)) => said(TakePaymentAnswer::Approved),
            Err(CommandError::Refused(Refusal::GivenUp)) => {
                said(TakePaymentAnswer::Failed { reason: "given_up".to_owned() })
            }
            Err(CommandError::Refused(Refusal::OrderClosed)) => said(declined("order_closed")),
            Err(CommandError::Refused(Refusal::PaidOtherwise)) => said(declined("already_paid")),
            Err(CommandError::Refused(refusal @ Refusal::NoSuchAttempt)) => {
                Err(Failure::broken(format!("an attempt that begins cannot be refused so: {refusal}")))
            }
            Err(CommandError::Failed(failure)) => Err(failure),
        }
    }

    /// Calls the provider for an attempt that was open at an instant, to the end, and waits for `answer_limit` at the
    /// most.
    ///
    /// # Errors
    /// [`Failure::Unavailable`], where too many calls are under way.
    pub(crate) async fn charge_in_background(
        &self,
        origin: Origin,
        charge: Charge,
        open_at: Instant,
    ) -> Result<(), Failure> {
        let busy = |error| Failure::unavailable("a line to the payment provider", error);
        let line = Arc::clone(&self.extra_lines).try_acquire_owned().map_err(busy)?;
        let patience_ends = self.service.clock().monotonic() + self.settings.answer_limit;
        let (tell_done, done) = oneshot::channel::<()>();
        let charging = self.clone();
        self.service.lifecycle().spawn_to_its_end(async move {
            let _line = line;
            charging.charge(&origin, charge, open_at).await;
            drop(tell_done);
        });
        tokio::select! {
            _ = done => {}
            () = self.service.clock().sleep_until_instant(patience_ends) => {}
        }
        Ok(())
    }

    /// Calls the provider for an attempt that was open at an instant, and commits what it says. Nothing where the
    /// attempt stays open, to be looked up.
    ///
    /// A process that stood still since then may be the last to know that the attempt was given up meanwhile, because
    /// the provider did not know it: it does not call any more.
    async fn charge(&self, origin: &Origin, charge: Charge, open_at: Instant) -> Option<Answer> {
        let Charge { key, order_id, .. } = charge;
        if self.service.clock().monotonic().duration_since(open_at) >= self.settings.unknown_after / 2 {
            return left_open(order_id, key, &"it is too late to call the provider");
        }
        let outcome = match self.calls.charge(&charge).await {
            Ok(outcome) => self.outcome(key, outcome),
            Err(error @ ProviderError::Answered(_)) => match self.calls.look_up(key).await {
                Ok(LookUp::Decided(outcome)) => self.outcome(key, outcome),
                Ok(LookUp::Unknown) => Command::Fail { attempt_id: key, reason: "provider_error".to_owned() },
                Ok(LookUp::InProgress) | Err(_) => return left_open(order_id, key, &error),
            },
            Err(error @ ProviderError::NoAnswer(_)) => return left_open(order_id, key, &error),
        };
        match command(&self.service, origin, order_id, outcome).await {
            Ok(done) => Some((Position::of(&self.service, done.position), done.state.answer(key)?)),
            Err(CommandError::Refused(refusal)) => left_open(order_id, key, &refusal),
            Err(CommandError::Failed(failure)) => left_open(order_id, key, &failure.report()),
        }
    }

    /// The command that says what the provider said.
    pub(crate) fn outcome(&self, attempt_id: AttemptId, outcome: ChargeOutcome) -> Command {
        match outcome {
            ChargeOutcome::Approved => Command::Approve { attempt_id, refund_id: self.service.ids().new_id() },
            ChargeOutcome::Declined { reason } => Command::Decline { attempt_id, reason },
        }
    }
}

fn declined(reason: &str) -> TakePaymentAnswer {
    TakePaymentAnswer::Declined { reason: reason.to_owned() }
}

fn left_open(order_id: OrderId, attempt_id: AttemptId, error: &dyn std::fmt::Display) -> Option<Answer> {
    tracing::warn!(%order_id, %attempt_id, %error, "an attempt is left open, to be looked up");
    None
}
