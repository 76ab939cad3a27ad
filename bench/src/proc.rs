//! What the system knows of a process: its processor time and its memory.

use anyhow::{Context, Result};

/// Ticks of processor time in a second, on every Linux there is (`getconf CLK_TCK`).
const TICKS: f64 = 100.0;

/// Processor time used so far, by all threads, and by the processes that it started and that have ended.
pub(crate) fn cpu_seconds(id: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).context("no such process")?;
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    // Fields 14 to 17 of proc(5), utime, stime, cutime and cstime; field 3 is the first behind the name.
    let ticks = behind_name.split_whitespace().skip(11).take(4).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>().context("no processor time")? / TICKS)
}

/// A size in a file of `/proc`, in MiB.
pub(crate) fn mib(id: u32, file: &str, key: &str) -> Result<f64> {
    let text = std::fs::read_to_string(format!("/proc/{id}/{file}")).context("no such process")?;
    let line = text.lines().find_map(|line| line.strip_prefix(key)).with_context(|| format!("no {key}"))?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024.0)
}
