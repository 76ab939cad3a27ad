//! Gives money back, until it has arrived.

use baedal_kit::Failure;
use baedal_kit_runtime::UnitOfWork;

use super::Jobs;
use crate::deciding::tell;
use crate::domain::Command;
use crate::provider::Refund;

impl Jobs {
    /// Asks the provider, with the refund's own key, so that asking again gives the money back once.
    /// Until it says yes, the ledger shows it owed.
    pub(super) async fn refund(&self, refund: Refund, tries: u32, work: &mut UnitOfWork) -> Result<(), Failure> {
        let Refund { key, order_id, amount_krw } = refund;
        if let Err(error) = self.calls.refund(&refund).await {
            tracing::error!(%order_id, refund_id = %key, %amount_krw, tries, %error, "a refund failed; it is owed and tried again");
            metrics::counter!("baedal_refunds_failed_total").increment(1);
            return Err(Failure::unavailable("the payment provider", error));
        }
        let refund_id = work.new_id();
        tell(work, order_id, Command::ConfirmRefund { paid_back: key, refund_id }).await?;
        Ok(())
    }
}
