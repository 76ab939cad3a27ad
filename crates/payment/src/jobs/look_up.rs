//! Asks the provider what became of an attempt whose answer was lost.

use baedal_contracts::{AttemptId, OrderId};
use baedal_kit::{Failure, Job};
use baedal_kit_runtime::UnitOfWork;
use jiff::{SignedDuration, Timestamp};

use super::Jobs;
use crate::deciding::tell;
use crate::domain::{Attempt, Command, LOOK_UP, LookUpAttempt, Outcome, Payment};
use crate::provider::LookUp;

/// The longest wait between two looks.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_secs(60);

/// The job that looks it up, at a time.
pub(super) fn look_up_again(order_id: OrderId, attempt_id: AttemptId, at: Timestamp) -> Job {
    Job::new(LOOK_UP, attempt_id, at).with(&LookUpAttempt { order_id, attempt_id }).about(order_id.0)
}

/// The attempt that a job was scheduled with.
///
/// # Errors
/// Where it is not there: it was committed together with the job, so whoever does not see it looks at something old,
/// and may conclude nothing from it. The job is tried again.
pub(super) fn known(payment: &Payment, attempt_id: AttemptId) -> Result<&Attempt, Failure> {
    let missing = || Failure::unavailable("an attempt that was begun", format!("{attempt_id} is not there yet"));
    payment.attempts.get(&attempt_id).ok_or_else(missing)
}

impl Jobs {
    /// Settles the attempt, or looks again later: after as long as it has been looked for, so that the waits double.
    ///
    /// That the provider does not know it proves nothing while the call may still be on its way, and that is judged by
    /// what this process has seen itself ([`Unknown`](super::unknown::Unknown)). Where it took the money all the same,
    /// the approval that comes later counts, and if that is lost, it is found when the books are compared.
    pub(super) async fn look_up(&self, looked_for: LookUpAttempt, work: &mut UnitOfWork) -> Result<(), Failure> {
        let LookUpAttempt { order_id, attempt_id } = looked_for;
        let payment = work.load::<Payment>(&order_id).await?;
        if known(&payment, attempt_id)?.outcome != Outcome::Open {
            return Ok(());
        }
        drop(payment);
        let found = self.calls.look_up(attempt_id).await;
        let found = found.map_err(|error| Failure::unavailable("the payment provider", error))?;
        let age = self.unknown.age(attempt_id, work.service().clock().monotonic());
        let outcome = match found {
            LookUp::Decided(outcome) => self.charging.outcome(attempt_id, outcome),
            LookUp::Unknown if age >= self.settings.unknown_after => {
                Command::Fail { attempt_id, reason: "not_received".to_owned() }
            }
            LookUp::Unknown | LookUp::InProgress => {
                let wait = age.clamp(self.settings.look_up_after, LONGEST_WAIT.max(self.settings.look_up_after));
                work.schedule(look_up_again(order_id, attempt_id, work.at() + wait));
                return Ok(());
            }
        };
        tracing::info!(%order_id, %attempt_id, ?outcome, "an attempt whose answer was lost was looked up");
        tell(work, order_id, outcome).await?;
        Ok(())
    }
}
