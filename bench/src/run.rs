//! A stretch of load, as a table and as JSON.

use std::fmt::Write;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::load::{COMMANDS, Load};

/// A stretch of load and what it cost.
pub(crate) struct Run {
    pub(crate) name: String,
    pub(crate) load: Load,
    /// Processor time of the platform alone.
    pub(crate) cpu_seconds: f64,
    /// How long every policy and view took to hear the last of it after the load had ended.
    pub(crate) caught_up: Duration,
    /// How far live views were behind.
    pub(crate) lag: Option<Histogram<u64>>,
}

impl Run {
    /// Lifecycles a second, with the time that everything behind the answers took as well: what can be kept up.
    pub(crate) fn sustained(&self) -> f64 {
        self.load.completed as f64 / (self.load.took + self.caught_up).as_secs_f64()
    }

    /// As Markdown, which reads well in a terminal too.
    pub(crate) fn write_table(&self, text: &mut String, customers: usize) -> std::fmt::Result {
        let per_second = self.load.per_second();
        writeln!(
            text,
            "\n{}: {per_second:.0} lifecycles/s ({:.0} commands/s), {} completed in {:.1} s, {} customers",
            self.name,
            per_second * 8.0,
            self.load.completed,
            self.load.took.as_secs_f64(),
            customers
        )?;
        writeln!(text, "\n| command | p50 ms | p99 ms | max ms |\n|---|---:|---:|---:|")?;
        let each = COMMANDS.iter().copied().zip(&self.load.latencies);
        let all = self.load.all();
        for (name, latencies) in each.chain([("all", &all)]) {
            writeln!(
                text,
                "| {name} | {:.1} | {:.1} | {:.1} |",
                ms(latencies, 0.5),
                ms(latencies, 0.99),
                ms(latencies, 1.0)
            )?;
        }
        let took = (self.load.took + self.caught_up).as_secs_f64();
        writeln!(
            text,
            "\nevery view and policy had heard all of it {:.2} s after the last answer: {:.0} lifecycles/s kept up",
            self.caught_up.as_secs_f64(),
            self.sustained()
        )?;
        writeln!(
            text,
            "platform: {:.2} of {} cores, {:.2} ms of processor a lifecycle",
            self.cpu_seconds / took,
            cores(),
            self.cpu_seconds * 1_000.0 / self.load.completed.max(1) as f64
        )?;
        if let Some(lag) = &self.lag {
            writeln!(
                text,
                "event decided → live frame seen: p50 {:.1} ms, p99 {:.1} ms, {} frames",
                ms(lag, 0.5),
                ms(lag, 0.99),
                lag.len()
            )?;
        }
        for (error, count) in self.load.errors.iter().take(10) {
            writeln!(text, "failed {count} times: {error}")?;
        }
        Ok(())
    }

    pub(crate) fn json(&self) -> Value {
        let commands = COMMANDS.iter().zip(&self.load.latencies).map(
            |(name, latencies)| json!({ "command": name, "p50_ms": ms(latencies, 0.5), "p99_ms": ms(latencies, 0.99) }),
        );
        json!({
            "name": self.name,
            "lifecycles_per_second": self.load.per_second(),
            "sustained_per_second": self.sustained(),
            "caught_up_seconds": self.caught_up.as_secs_f64(),
            "completed": self.load.completed,
            "errors": self.load.errors,
            "cores_used": self.cpu_seconds / self.load.took.as_secs_f64(),
            "commands": commands.collect::<Vec<_>>(),
            "lag_p50_ms": self.lag.as_ref().map(|lag| ms(lag, 0.5)),
            "lag_p99_ms": self.lag.as_ref().map(|lag| ms(lag, 0.99)),
        })
    }
}

/// A quantile of microseconds, in milliseconds.
pub(crate) fn ms(histogram: &Histogram<u64>, quantile: f64) -> f64 {
    histogram.value_at_quantile(quantile) as f64 / 1_000.0
}

/// How many cores there are here.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
