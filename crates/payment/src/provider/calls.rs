//! Calls the provider: never for longer than a limit, and measured.

use std::future::Future;
use std::sync::Arc;

use baedal_contracts::payment::Booked;
use baedal_contracts::{AttemptId, OrderId};
use baedal_kit::time::Clock;
use jiff::SignedDuration;

use super::{Charge, ChargeOutcome, LookUp, Provider, ProviderError, Refund};
use crate::Settings;

/// The provider, as we call it. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Calls {
    provider: Arc<dyn Provider>,
    clock: Arc<dyn Clock>,
    charge_limit: SignedDuration,
    call_limit: SignedDuration,
}

impl Calls {
    pub(crate) fn new(provider: Arc<dyn Provider>, clock: Arc<dyn Clock>, settings: &Settings) -> Self {
        Self { provider, clock, charge_limit: settings.charge_limit, call_limit: settings.call_limit }
    }

    /// Takes money.
    pub(crate) async fn charge(&self, charge: &Charge) -> Result<ChargeOutcome, ProviderError> {
        self.measured("charge", self.charge_limit, self.provider.charge(charge)).await
    }

    /// What became of a charge.
    pub(crate) async fn look_up(&self, key: AttemptId) -> Result<LookUp, ProviderError> {
        self.measured("look_up", self.call_limit, self.provider.look_up(key)).await
    }

    /// Gives money back.
    pub(crate) async fn refund(&self, refund: &Refund) -> Result<(), ProviderError> {
        self.measured("refund", self.call_limit, self.provider.refund(refund)).await
    }

    /// What it has taken and given back for an order.
    pub(crate) async fn booked(&self, order_id: OrderId) -> Result<Booked, ProviderError> {
        self.measured("booked", self.call_limit, self.provider.booked(order_id)).await
    }

    /// A page of its book.
    pub(crate) async fn book(
        &self,
        after: Option<OrderId>,
        limit: usize,
    ) -> Result<Vec<(OrderId, Booked)>, ProviderError> {
        self.measured("book", self.call_limit, self.provider.book(after, limit)).await
    }

    async fn measured<T>(
        &self,
        call: &'static str,
        limit: SignedDuration,
        answer: impl Future<Output = Result<T, ProviderError>>,
    ) -> Result<T, ProviderError> {
        let begun = self.clock.monotonic();
        let answer = tokio::select! {
            answer = answer => answer,
            () = self.clock.sleep_until_instant(begun + limit) => Err(ProviderError::NoAnswer(format!("not within {limit:#}"))),
        };
        let outcome = match &answer {
            Ok(_) => "answered",
            Err(ProviderError::Answered(_)) => "failed",
            Err(ProviderError::NoAnswer(_)) => "no_answer",
        };
        let took = self.clock.monotonic().duration_since(begun).as_secs_f64();
        metrics::histogram!("baedal_provider_call_seconds", "call" => call, "outcome" => outcome).record(took);
        answer
    }
}
