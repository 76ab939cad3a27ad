//! What was measured of the platform as one process: a table, a file and a picture.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use crate::picture::picture;
use crate::run::{Run, cores};

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
            run.write_table(text, self.customers)?;
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
            ("latencies.svg", picture(&self.runs)),
        ];
        crate::write(folder, &files)
    }

    fn json(&self) -> Value {
        json!({
            "customers": self.customers,
            "cores": cores(),
            "runs": self.runs.iter().map(Run::json).collect::<Vec<_>>(),
            "idle_mib": self.idle_mib,
            "peak_mib": self.loaded_mib,
            "restart_events": self.events,
            "restart_seconds": self.restart.as_secs_f64(),
        })
    }
}
