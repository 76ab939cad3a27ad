//! Asks the provider what became of an attempt whose answer was lost.

use baedal_kit::{Failure, Job, Work};
use jiff::SignedDuration;

use super::Jobs;
use crate::deciding::tell;
use crate::domain::{Command, LOOK_UP, LookUpAttempt, Outcome, Payment};
use crate::provider::LookUp;

/// The longest wait between two looks.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_secs(60);

impl Jobs {
    /// Settles the attempt, or looks again later: after as long as it has been looked for, so that the waits double.
    ///
    /// That the provider does not know it proves nothing while the call may still be on its way, and that is judged by
    /// what this process has seen itself ([`Unknown`](super::unknown::Unknown)).
    pub(super) async fn look_up(&self, looked_for: LookUpAttempt, work: &mut Work) -> Result<(), Failure> {
        let LookUpAttempt { order_id, attempt_id } = looked_for;
        let payment = work.load::<Payment>(&order_id).await?;
        let open = payment.attempts.get(&attempt_id).filter(|attempt| attempt.outcome == Outcome::Open);
        if open.is_none() {
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
                work.schedule(Job::new(LOOK_UP, attempt_id, work.at() + wait).with(&looked_for).about(order_id.0));
                return Ok(());
            }
        };
        tracing::info!(%order_id, %attempt_id, ?outcome, "an attempt whose answer was lost was looked up");
        tell(work, order_id, outcome).await?;
        Ok(())
    }
}
