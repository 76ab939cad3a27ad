//! Compares our book with the provider's, order by order, again and again.
//!
//! ```text
//!   a page of the provider's book ┐                    ┌ the same: a difference seen before is over
//!                                 ├─▶ for each order ──┤ something is under way: not yet
//!   a page of our ledger          ┘                    │ we missed an approval: it is booked now
//!                                                      └ else: kept, and shown to the operator
//! ```

use std::collections::{BTreeMap, BTreeSet};

use baedal_contracts::payment::{Booked, Difference};
use baedal_contracts::{AttemptId, OrderId};
use baedal_kit::{Failure, Job, Origin};
use baedal_kit_runtime::{Service, UnitOfWork};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::Jobs;
use crate::Settings;
use crate::deciding::tell;
use crate::domain::{Outcome, Payment};
use crate::ledger::{Account, page_of_postings};
use crate::provider::{ChargeOutcome, LookUp, ProviderError};
use crate::unsettled::{DIFFERENCES, differences};

/// The job. There is one.
pub(crate) const RECONCILE: &str = "reconcile";
/// Its key, and the document that says that it was begun.
const BOOK: &str = "book";
/// The view that that document is in.
const BEGUN: &str = "reconciliation";
/// How many orders are compared at once.
const PAGE: usize = 100;
/// How long to wait between two pages: a long history is compared slowly, and never instead of the work.
const PACE: SignedDuration = SignedDuration::from_secs(1);
/// How many postings are read at once; an order has about five.
const POSTINGS: usize = 1_000;

/// How far it is.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Reconciling {
    after: Option<OrderId>,
}

/// Sees to it that the job is scheduled: once for ever, as it schedules itself again.
pub(crate) async fn begin_to_reconcile(service: &Service, settings: &Settings) -> Result<(), Failure> {
    let (origin, every) = (Origin::none(), settings.reconcile_every);
    let begun = service.execute(&origin, move |work| {
        Box::pin(async move {
            if work.document::<bool>(BEGUN, BOOK).await?.is_none() {
                work.put(BEGUN, BOOK, &true, [])?;
                work.schedule(Job::new(RECONCILE, BOOK, work.at() + every).with(&Reconciling::default()));
            }
            Ok::<_, Failure>(())
        })
    });
    begun.await.map(|((), _)| ())
}

impl Jobs {
    /// Compares a page, and goes on with the next soon; after the last it begins anew, later.
    pub(super) async fn reconcile(&self, at: Reconciling, work: &mut UnitOfWork) -> Result<(), Failure> {
        let providers = self.calls.book(at.after, PAGE).await.map_err(out_of_reach)?;
        let ours = our_page(work, at.after).await?;
        let whole_page = providers.len() == PAGE;
        // Up to there both are known.
        let theirs_until = providers.last().filter(|_| whole_page).map(|(order_id, _)| *order_id);
        let until = match (theirs_until, ours.until) {
            (Some(theirs), Some(ours)) => Some(theirs.min(ours)),
            (until, None) | (None, until) => until,
        };
        let is_known = |order_id: &OrderId| until.is_none_or(|until| *order_id <= until);
        let theirs: BTreeMap<OrderId, Booked> = providers.into_iter().filter(|(id, _)| is_known(id)).collect();
        let ours: BTreeMap<OrderId, Booked> = ours.booked.into_iter().filter(|(id, _)| is_known(id)).collect();
        let seen: BTreeSet<OrderId> = differences(work.service(), at.after, until).await?;

        let all: BTreeSet<OrderId> = theirs.keys().chain(ours.keys()).chain(&seen).copied().collect();
        for order_id in all {
            let differs =
                theirs.get(&order_id).copied().unwrap_or_default() != ours.get(&order_id).copied().unwrap_or_default();
            if differs {
                self.look_closer(order_id, work).await?;
            } else if seen.contains(&order_id) {
                tracing::info!(%order_id, "our book and the provider's say the same again");
                work.delete(DIFFERENCES, &order_id.to_string());
            }
        }
        let (next, run_at) = match until {
            Some(until) => (Reconciling { after: Some(until) }, work.at() + PACE),
            None => (Reconciling::default(), work.at() + self.settings.reconcile_every),
        };
        work.schedule(Job::new(RECONCILE, BOOK, run_at).with(&next));
        Ok(())
    }

    /// An order that looked different: perhaps only because we did not look at both at the same time.
    async fn look_closer(&self, order_id: OrderId, work: &mut UnitOfWork) -> Result<(), Failure> {
        let before = work.service().look::<Payment>(&order_id).await?;
        let providers = self.calls.booked(order_id).await.map_err(out_of_reach)?;
        let payment = work.service().look::<Payment>(&order_id).await?;
        let is_under_way = payment.open_attempt().is_some() || payment.refund.is_some();
        if is_under_way || *before != *payment {
            // It is looked at again the next time, and shown otherwise if that takes long.
            return Ok(());
        }
        let ours = Booked { captured_krw: payment.captured_krw, refunded_krw: payment.refunded_krw };
        let id = order_id.to_string();
        let known: Option<Difference> = work.document(DIFFERENCES, &id).await?;
        if ours == providers {
            if known.is_some() {
                work.delete(DIFFERENCES, &id);
            }
            return Ok(());
        }
        if self.book_what_was_missed(order_id, &payment, work).await? {
            return Ok(());
        }
        let seen_at = known.as_ref().map_or(work.at(), |known| known.seen_at);
        let difference = Difference { order_id, ours, providers, seen_at };
        if known.as_ref() != Some(&difference) {
            tracing::error!(%order_id, ?ours, ?providers, "our book and the provider's differ; see what is stuck");
            metrics::counter!("baedal_payment_differences_total").increment(1);
            work.put(DIFFERENCES, &id, &difference, [])?;
        }
        Ok(())
    }

    /// Books charges that the provider made though we had been told, or had concluded, that it had not. Whether
    /// there were any; what was taken too much then goes back by itself.
    async fn book_what_was_missed(
        &self,
        order_id: OrderId,
        payment: &Payment,
        work: &mut UnitOfWork,
    ) -> Result<bool, Failure> {
        let doubtful = payment.attempts.iter().filter(|(_, attempt)| attempt.outcome != Outcome::Approved);
        let doubtful: Vec<AttemptId> = doubtful.map(|(attempt_id, _)| *attempt_id).collect();
        let mut missed = false;
        for attempt_id in doubtful {
            let found = self.calls.look_up(attempt_id).await.map_err(out_of_reach)?;
            if let LookUp::Decided(approved @ ChargeOutcome::Approved) = found {
                tracing::warn!(%order_id, %attempt_id, "the provider made a charge that we took for not made");
                tell(work, order_id, self.charging.outcome(attempt_id, approved)).await?;
                missed = true;
            }
        }
        Ok(missed)
    }
}

/// A page of our book.
struct OurPage {
    booked: BTreeMap<OrderId, Booked>,
    /// Up to where it is whole; nothing where it is the last.
    until: Option<OrderId>,
}

async fn our_page(work: &UnitOfWork, after: Option<OrderId>) -> Result<OurPage, Failure> {
    let mut limit = POSTINGS;
    loop {
        let postings = page_of_postings(work.service().database().as_ref(), after, limit).await?;
        let is_last = postings.len() < limit;
        let mut booked: BTreeMap<OrderId, Booked> = BTreeMap::new();
        for posting in postings {
            let of_order = booked.entry(posting.order_id).or_default();
            if posting.debit == Account::ProviderClearing {
                of_order.captured_krw = of_order.captured_krw.plus(posting.amount_krw);
            }
            if posting.credit == Account::ProviderClearing {
                of_order.refunded_krw = of_order.refunded_krw.plus(posting.amount_krw);
            }
        }
        if is_last {
            return Ok(OurPage { booked, until: None });
        }
        // The last may go on behind the page.
        booked.pop_last();
        if let Some(until) = booked.keys().next_back().copied() {
            return Ok(OurPage { booked, until: Some(until) });
        }
        limit *= 2;
    }
}

fn out_of_reach(error: ProviderError) -> Failure {
    Failure::unavailable("the payment provider", error)
}
