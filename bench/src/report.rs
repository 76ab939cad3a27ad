//! What was measured, as a table, a file and a picture.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
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
}

/// All that was measured.
pub(crate) struct Report {
    pub(crate) runs: Vec<Run>,
    pub(crate) idle_mib: f64,
    pub(crate) loaded_mib: f64,
    pub(crate) idle_after_mib: f64,
    pub(crate) events: u64,
    pub(crate) restart: Duration,
    pub(crate) customers: usize,
}

fn ms(histogram: &Histogram<u64>, quantile: f64) -> f64 {
    histogram.value_at_quantile(quantile) as f64 / 1_000.0
}

impl Report {
    /// For the terminal, and for Markdown.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = self.write_table(&mut text);
        text
    }

    fn write_table(&self, text: &mut String) -> std::fmt::Result {
        for run in &self.runs {
            let per_second = run.load.per_second();
            writeln!(
                text,
                "\n{}: {per_second:.0} lifecycles/s ({:.0} commands/s), {} completed in {:.1} s, {} customers",
                run.name,
                per_second * 8.0,
                run.load.completed,
                run.load.took.as_secs_f64(),
                self.customers
            )?;
            writeln!(text, "\n| command | p50 ms | p99 ms | max ms |\n|---|---:|---:|---:|")?;
            let each = COMMANDS.iter().copied().zip(&run.load.latencies);
            let all = run.load.all();
            for (name, latencies) in each.chain([("all", &all)]) {
                writeln!(
                    text,
                    "| {name} | {:.1} | {:.1} | {:.1} |",
                    ms(latencies, 0.5),
                    ms(latencies, 0.99),
                    ms(latencies, 1.0)
                )?;
            }
            let took = (run.load.took + run.caught_up).as_secs_f64();
            writeln!(
                text,
                "\nevery view and policy had heard all of it {:.2} s after the last answer: {:.0} lifecycles/s kept up",
                run.caught_up.as_secs_f64(),
                run.sustained()
            )?;
            writeln!(
                text,
                "platform: {:.2} of {} cores, {:.2} ms of processor a lifecycle",
                run.cpu_seconds / took,
                cores(),
                run.cpu_seconds * 1_000.0 / run.load.completed.max(1) as f64
            )?;
            if let Some(lag) = &run.lag {
                writeln!(
                    text,
                    "event decided → live frame seen: p50 {:.1} ms, p99 {:.1} ms, {} frames",
                    ms(lag, 0.5),
                    ms(lag, 0.99),
                    lag.len()
                )?;
            }
            for (error, count) in run.load.errors.iter().take(10) {
                writeln!(text, "failed {count} times: {error}")?;
            }
        }
        writeln!(
            text,
            "\nmemory: {:.0} MiB idle, {:.0} MiB at its peak under load, {:.0} MiB after a restart",
            self.idle_mib, self.loaded_mib, self.idle_after_mib
        )?;
        writeln!(text, "restart on {} events: ready after {:.2} s", self.events, self.restart.as_secs_f64())
    }

    /// Writes `results.json`, `results.md` and `latencies.svg`.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let files = [
            ("results.json", format!("{:#}\n", self.json())),
            ("results.md", self.table()),
            ("latencies.svg", self.picture()),
        ];
        for (name, content) in files {
            let path = folder.join(name);
            std::fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
            println!("wrote {}", path.display());
        }
        Ok(())
    }

    fn json(&self) -> Value {
        let runs = self.runs.iter().map(|run| {
            let commands = COMMANDS.iter().zip(&run.load.latencies).map(|(name, latencies)| {
                json!({ "command": name, "p50_ms": ms(latencies, 0.5), "p99_ms": ms(latencies, 0.99) })
            });
            json!({
                "name": run.name,
                "lifecycles_per_second": run.load.per_second(),
                "sustained_per_second": run.sustained(),
                "caught_up_seconds": run.caught_up.as_secs_f64(),
                "completed": run.load.completed,
                "errors": run.load.errors,
                "cores_used": run.cpu_seconds / run.load.took.as_secs_f64(),
                "commands": commands.collect::<Vec<_>>(),
                "lag_p50_ms": run.lag.as_ref().map(|lag| ms(lag, 0.5)),
                "lag_p99_ms": run.lag.as_ref().map(|lag| ms(lag, 0.99)),
            })
        });
        json!({
            "customers": self.customers,
            "cores": cores(),
            "runs": runs.collect::<Vec<_>>(),
            "idle_mib": self.idle_mib,
            "peak_mib": self.loaded_mib,
            "restart_events": self.events,
            "restart_seconds": self.restart.as_secs_f64(),
        })
    }

    /// p50 (dark) and p99 (light) of every command, one group of bars a run.
    fn picture(&self) -> String {
        const LEFT: f64 = 90.0;
        const WIDTH: f64 = 560.0;
        const ROW: f64 = 22.0;
        let longest = self
            .runs
            .iter()
            .flat_map(|run| &run.load.latencies)
            .map(|latencies| ms(latencies, 0.99))
            .fold(1.0, f64::max);
        let height = self.runs.len() as f64 * (COMMANDS.len() as f64 * ROW + 50.0) + 20.0;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 760 {height}\" font-family=\"sans-serif\" font-size=\"12\">\
             <rect width=\"760\" height=\"{height}\" fill=\"#fff\"/>\n"
        );
        let mut y = 24.0;
        for run in &self.runs {
            let title =
                format!("{}: {:.0} lifecycles/s — p50 (dark), p99 (light), ms", run.name, run.load.per_second());
            let _ = writeln!(svg, "<text x=\"10\" y=\"{y}\" font-size=\"14\">{title}</text>");
            y += 12.0;
            for (name, latencies) in COMMANDS.iter().zip(&run.load.latencies) {
                let (half, most) = (ms(latencies, 0.5), ms(latencies, 0.99));
                let bar = |value: f64| value / longest * WIDTH;
                let _ = writeln!(
                    svg,
                    "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{name}</text>\
                     <rect x=\"{LEFT}\" y=\"{y}\" width=\"{:.1}\" height=\"16\" fill=\"#9ec5e8\"/>\
                     <rect x=\"{LEFT}\" y=\"{y}\" width=\"{:.1}\" height=\"16\" fill=\"#1f5f99\"/>\
                     <text x=\"{:.1}\" y=\"{}\">{half:.1} / {most:.1}</text>",
                    LEFT - 8.0,
                    y + 12.0,
                    bar(most),
                    bar(half),
                    LEFT + bar(most) + 6.0,
                    y + 12.0
                );
                y += ROW;
            }
            y += 38.0;
        }
        svg.push_str("</svg>\n");
        svg
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
