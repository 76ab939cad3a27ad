//! Takes what a change costs more, while the kitchen holds still.

use baedal_kit::Failure;
use baedal_kit_runtime::UnitOfWork;

use super::Jobs;
use super::look_up::{known, look_up_again};
use crate::deciding::tell;
use crate::domain::{ChargeExtra, Command, Outcome, Payment};
use crate::provider::{Charge, LookUp};

impl Jobs {
    /// Calls the provider; the outcome is committed by the call itself, and if that is lost, by the job
    /// `look_up`, which began with the attempt. So this job only sees to it that the call is made.
    ///
    /// The end of the kitchen's patience is by the kitchen's clock. Where ours is another, an extra is charged in vain or
    /// not charged in time; what is kept of it, order says, not the clock.
    ///
    /// If it was begun before, the call may have been made: then it is looked up before it is repeated.
    pub(super) async fn charge_extra(
        &self,
        extra: ChargeExtra,
        tries: u32,
        work: &mut UnitOfWork,
    ) -> Result<(), Failure> {
        let ChargeExtra { order_id, attempt_id, until } = extra;
        let open_at = work.service().clock().monotonic();
        let payment = work.load::<Payment>(&order_id).await?;
        let attempt = known(&payment, attempt_id)?;
        if attempt.outcome != Outcome::Open {
            return Ok(());
        }
        let is_late = until <= work.service().clock().now();
        if tries > 1 {
            match self.calls.look_up(attempt_id).await {
                Ok(LookUp::Unknown) if !is_late => {}
                Ok(LookUp::Decided(outcome)) => {
                    tell(work, order_id, self.charging.outcome(attempt_id, outcome)).await?;
                    return Ok(());
                }
                // Nothing is charged now; what became of it is looked for until it is known.
                Ok(LookUp::Unknown | LookUp::InProgress) | Err(_) => {
                    work.schedule(look_up_again(order_id, attempt_id, work.at() + self.settings.look_up_after));
                    return Ok(());
                }
            }
        } else if is_late {
            let reason = "expired".to_owned();
            tell(work, order_id, Command::Fail { attempt_id, reason }).await?;
            return Ok(());
        }
        let charge =
            Charge { key: attempt_id, order_id, amount_krw: attempt.amount_krw, means: attempt.payer.means.clone() };
        self.charging.charge_in_background(work.origin().clone(), charge, open_at).await
    }
}
