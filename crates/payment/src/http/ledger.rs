//! `GET /internal/ledger`: what is in each account.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use baedal_contracts::Won;
use baedal_kit_http::Problem;
use serde::{Deserialize, Serialize};
use strum::IntoEnumIterator;
use utoipa::ToSchema;

use super::App;
use crate::ledger::{Account, each_posting};

/// What is in each account. A running total would be one document that every payment writes; summing
/// when somebody asks costs those who ask.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct LedgerView {
    /// Each account's sums.
    pub accounts: BTreeMap<Account, Sums>,
    /// How many postings there are.
    pub postings: u64,
    /// Whether all debits together are all credits together.
    pub balanced: bool,
}

/// The sums of one account.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Sums {
    /// All that was debited.
    pub debit_krw: Won,
    /// All that was credited.
    pub credit_krw: Won,
    /// What is in it: an asset's debits less its credits, a liability's credits less its debits.
    /// Never below zero in a sound book.
    pub balance_krw: i64,
}

/// What is in each account, now.
pub(super) async fn totals(State(app): State<App>) -> Result<Json<LedgerView>, Problem> {
    let mut accounts: BTreeMap<Account, Sums> = Account::iter().map(|account| (account, Sums::default())).collect();
    let mut postings = 0;
    each_posting(app.service.database().as_ref(), None, |posting| {
        postings += 1;
        let debited = accounts.entry(posting.debit).or_default();
        debited.debit_krw = debited.debit_krw.plus(posting.amount_krw);
        let credited = accounts.entry(posting.credit).or_default();
        credited.credit_krw = credited.credit_krw.plus(posting.amount_krw);
    })
    .await?;
    for (account, sums) in &mut accounts {
        let difference = sums.debit_krw.0.cast_signed() - sums.credit_krw.0.cast_signed();
        sums.balance_krw = match account {
            Account::ProviderClearing | Account::PlatformExpense => difference,
            Account::CustomerDeposits
            | Account::RefundsOwed
            | Account::StorePayable
            | Account::RiderPayable
            | Account::PlatformFees => -difference,
        };
    }
    let debits: Won = accounts.values().map(|sums| sums.debit_krw).sum();
    let credits: Won = accounts.values().map(|sums| sums.credit_krw).sum();
    Ok(Json(LedgerView { accounts, postings, balanced: debits == credits }))
}
