//! What was measured of the distributed composition: a text, files, a part of a page.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::counters::Counters;
use super::gauge::Gauge;
use super::limits::{Limit, Limits};
use crate::picture::picture;
use crate::run::{Run, cores, ms};

/// The lines of a page that what was measured stands between.
const BEGIN: &str = "<!-- measured -->\n";
const END: &str = "<!-- /measured -->";

/// A stretch of load, and what each kind of process used.
pub(crate) struct Measured {
    pub(crate) run: Run,
    pub(crate) gauge: Gauge,
}

/// All that was measured.
pub(crate) struct Report {
    pub(crate) customers: usize,
    pub(crate) replicas: usize,
    pub(crate) started: Duration,
    pub(crate) idle: Gauge,
    pub(crate) full: Measured,
    pub(crate) half: Measured,
    /// For each lifecycle.
    pub(crate) written: Counters,
    pub(crate) limits: Limits,
}

impl Report {
    /// For the terminal, and for Markdown.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = self.write_text(&mut text);
        text
    }

    fn write_text(&self, text: &mut String) -> std::fmt::Result {
        let rows_per_second = self.written.rows() * self.full.run.sustained();
        writeln!(text, "| | aim | measured |\n|---|---:|---:|")?;
        let mut line = |what: &str, aim: &str, found: String| writeln!(text, "| {what} | {aim} | {found} |");
        line("lifecycles a second, kept up", "200", format!("**{:.0}**", self.full.run.sustained()))?;
        let lag = self.half.run.lag.as_ref();
        let lag = lag.map_or_else(String::new, |lag| {
            format!("{:.1} ms (at {:.0}/s)", ms(lag, 0.99), self.half.run.load.per_second())
        });
        line("event decided → live frame seen, p99, at half of that", "50 ms", lag)?;
        line(
            "rows a second, of what single durable inserts reach",
            "0.4",
            format!("{:.2}", rows_per_second / self.limits.single.per_second),
        )?;
        line(
            "lifecycles a second, of what the same rows in as many plain transactions reach",
            "",
            format!("{:.2}", self.full.run.sustained() / self.lifecycles_at_most()),
        )?;
        line("memory, idle", "", format!("{:.0} MiB", self.idle.platform_mib()))?;
        line("memory, under full load", "", format!("{:.0} MiB", self.full.gauge.platform_mib()))?;
        line("start, on new data", "", format!("{:.1} s", self.started.as_secs_f64()))?;
        writeln!(
            text,
            "\n{} processes for each context, one gateway, one PostgreSQL, one NATS server.",
            self.replicas
        )?;
        for Measured { run, .. } in [&self.full, &self.half] {
            run.write_table(text, self.customers)?;
        }
        self.write_processes(text)?;
        self.write_rows(text)?;
        self.write_limits(text)
    }

    fn write_processes(&self, text: &mut String) -> std::fmt::Result {
        writeln!(
            text,
            "\n| processes | number | processor ms a lifecycle, full load | at half | idle, % of a core | largest, MiB \
             | all, MiB | idle, MiB |\n|---|---:|---:|---:|---:|---:|---:|---:|"
        )?;
        let each = |measured: &Measured, seconds: f64| seconds * 1_000.0 / measured.run.load.completed.max(1) as f64;
        for ((full, half), idle) in self.full.gauge.kinds.iter().zip(&self.half.gauge.kinds).zip(&self.idle.kinds) {
            writeln!(
                text,
                "| {} | {} | {:.2} | {:.2} | {:.1} | {:.0} | {:.0} | {:.0} |",
                full.name,
                full.processes,
                each(&self.full, full.cpu_seconds),
                each(&self.half, half.cpu_seconds),
                idle.cpu_seconds * 100.0 / super::COUNTING.as_secs_f64(),
                full.largest_mib,
                full.mib,
                idle.mib,
            )?;
        }
        writeln!(
            text,
            "\n\"Largest\" is the resident memory of the largest process, with what it shares; \"all\" counts what is \
             shared once."
        )
    }

    fn write_rows(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "\n| rows a lifecycle | inserted | updated | deleted | all |\n|---|---:|---:|---:|---:|")?;
        for rows in &self.written.contexts {
            let (inserted, updated, deleted) = (rows.inserted, rows.updated, rows.deleted);
            writeln!(text, "| {} | {inserted:.1} | {updated:.1} | {deleted:.1} | {:.1} |", rows.context, rows.all())?;
        }
        writeln!(
            text,
            "\na lifecycle: {:.0} rows in {:.1} transactions, {:.1} KiB of log, {:.1} syncs",
            self.written.rows(),
            self.written.transactions,
            self.written.log_bytes / 1024.0,
            self.written.syncs
        )
    }

    fn write_limits(&self, text: &mut String) -> std::fmt::Result {
        let limits = &self.limits;
        writeln!(text, "\n| this machine at the most | a second | p50 ms | p99 ms |\n|---|---:|---:|---:|")?;
        let mut line = |what: &str, limit: &Limit| {
            let (half, most) = (ms(&limit.latencies, 0.5), ms(&limit.latencies, 0.99));
            writeln!(text, "| {what} | {:.0} | {half:.2} | {most:.2} |", limit.per_second)
        };
        line("8 KiB appended to a file and synced", &limits.syncs)?;
        line("PostgreSQL: rows, each inserted durably for itself, 1 connection", &limits.alone)?;
        line("the same, 16 connections", &limits.single)?;
        line(&format!("transactions of {} rows, 16 connections", limits.rows_at_once), &limits.same)?;
        line("JetStream: messages acknowledged, one by one", &limits.published)?;
        line("the same, 512 under way", &limits.published_ahead)?;
        writeln!(
            text,
            "\nas many plain inserts in as many transactions as a lifecycle writes: {:.0} lifecycles a second; each row \
             for itself: {:.0}",
            self.lifecycles_at_most(),
            limits.single.per_second / self.written.rows()
        )
    }

    /// Lifecycles a second, if all there was to them were their rows in as many transactions.
    fn lifecycles_at_most(&self) -> f64 {
        self.limits.same.per_second / self.written.transactions
    }

    /// Writes `distributed.json`, `distributed.md` and `latencies-distributed.svg`; and the page, where there is one.
    pub(crate) fn write(self, folder: &Path, page: Option<&Path>) -> Result<()> {
        let (text, json) = (self.text(), format!("{:#}\n", self.json()));
        let picture = picture(&[self.full.run, self.half.run]);
        if let Some(page) = page {
            let said = || format!("cannot write {}", page.display());
            let old = std::fs::read_to_string(page).with_context(said)?;
            let (before, rest) =
                old.split_once(BEGIN).with_context(|| format!("no line {BEGIN}")).with_context(said)?;
            let (_, after) = rest.split_once(END).with_context(|| format!("no line {END}")).with_context(said)?;
            std::fs::write(page, format!("{before}{BEGIN}\n{text}\n{END}{after}")).with_context(said)?;
            std::fs::write(page.with_file_name("latencies-distributed.svg"), &picture).with_context(said)?;
        }
        let files = [("distributed.json", json), ("distributed.md", text), ("latencies-distributed.svg", picture)];
        crate::write(folder, &files)
    }

    fn json(&self) -> Value {
        let limit = |limit: &Limit| json!({ "per_second": limit.per_second, "p99_ms": ms(&limit.latencies, 0.99) });
        let kinds = |gauge: &Gauge| {
            let kinds = gauge.kinds.iter().map(|kind| {
                json!({ "kind": kind.name, "processes": kind.processes, "cpu_seconds": kind.cpu_seconds,
                        "largest_mib": kind.largest_mib, "mib": kind.mib })
            });
            kinds.collect::<Vec<_>>()
        };
        let contexts = self.written.contexts.iter().map(|rows| {
            json!({ "context": rows.context, "inserted": rows.inserted, "updated": rows.updated,
                    "deleted": rows.deleted })
        });
        json!({
            "customers": self.customers,
            "replicas": self.replicas,
            "cores": cores(),
            "started_seconds": self.started.as_secs_f64(),
            "runs": [self.full.run.json(), self.half.run.json()],
            "processes": { "idle": kinds(&self.idle), "full": kinds(&self.full.gauge), "half": kinds(&self.half.gauge) },
            "a_lifecycle": {
                "rows": contexts.collect::<Vec<_>>(),
                "transactions": self.written.transactions,
                "log_bytes": self.written.log_bytes,
                "syncs": self.written.syncs,
            },
            "limits": {
                "syncs": limit(&self.limits.syncs),
                "inserts_1": limit(&self.limits.alone),
                "inserts_16": limit(&self.limits.single),
                "same_transactions_16": limit(&self.limits.same),
                "rows_at_once": self.limits.rows_at_once,
                "published": limit(&self.limits.published),
                "published_512": limit(&self.limits.published_ahead),
            },
        })
    }
}
