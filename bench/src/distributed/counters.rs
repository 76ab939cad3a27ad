//! What PostgreSQL counts of what is written: rows, transactions, log.

use anyhow::{Context, Result, anyhow};
use baedal_servers::{CONTEXTS, Composition, Programs};

/// Rows written so far, of one context's database.
const ROWS: &str = "SELECT coalesce(sum(n_tup_ins), 0), coalesce(sum(n_tup_upd), 0), coalesce(sum(n_tup_del), 0) \
                    FROM pg_stat_user_tables";
/// The next number of a transaction that writes; the log's bytes, and how often it was synced.
const WHOLE: &str = "SELECT pg_snapshot_xmax(pg_current_snapshot()), wal_bytes, wal_sync FROM pg_stat_wal";

/// What was written so far, or since, or for each lifecycle.
#[derive(Clone)]
pub(crate) struct Counters {
    pub(super) contexts: Vec<Rows>,
    /// Transactions that wrote something.
    pub(super) transactions: f64,
    /// Bytes of the log.
    pub(super) log_bytes: f64,
    /// How often the log was synced.
    pub(super) syncs: f64,
}

/// Rows that were written in one context's database.
#[derive(Clone)]
pub(crate) struct Rows {
    pub(super) context: &'static str,
    pub(super) inserted: f64,
    pub(super) updated: f64,
    pub(super) deleted: f64,
}

impl Rows {
    pub(super) fn all(&self) -> f64 {
        self.inserted + self.updated + self.deleted
    }
}

impl Counters {
    pub(crate) fn read(programs: &Programs, composition: &Composition) -> Result<Self> {
        let read = |context: &str, sql: &str| -> Result<[f64; 3]> {
            let line = programs.psql(&composition.database_url(context), sql).map_err(|error| anyhow!(error))?;
            let numbers = line.split('|').map(str::parse).collect::<Result<Vec<f64>, _>>();
            numbers.ok().and_then(|numbers| numbers.try_into().ok()).with_context(|| format!("no numbers: {line}"))
        };
        let contexts = CONTEXTS.into_iter().map(|context| {
            let [inserted, updated, deleted] = read(context, ROWS)?;
            Ok(Rows { context, inserted, updated, deleted })
        });
        let contexts = contexts.collect::<Result<_>>()?;
        let [transactions, log_bytes, syncs] = read(CONTEXTS[0], WHOLE)?;
        Ok(Self { contexts, transactions, log_bytes, syncs })
    }

    pub(crate) fn since(&self, before: &Self) -> Self {
        self.with(before, |now, before| now - before)
    }

    /// For each of so many lifecycles.
    pub(crate) fn per(&self, lifecycles: u64) -> Self {
        let lifecycles = lifecycles.max(1) as f64;
        self.with(self, |all, _| all / lifecycles)
    }

    /// All rows.
    pub(super) fn rows(&self) -> f64 {
        self.contexts.iter().map(Rows::all).sum()
    }

    fn with(&self, other: &Self, of: impl Fn(f64, f64) -> f64) -> Self {
        let contexts = self.contexts.iter().zip(&other.contexts).map(|(ours, theirs)| Rows {
            context: ours.context,
            inserted: of(ours.inserted, theirs.inserted),
            updated: of(ours.updated, theirs.updated),
            deleted: of(ours.deleted, theirs.deleted),
        });
        Self {
            contexts: contexts.collect(),
            transactions: of(self.transactions, other.transactions),
            log_bytes: of(self.log_bytes, other.log_bytes),
            syncs: of(self.syncs, other.syncs),
        }
    }
}
