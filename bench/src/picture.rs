//! What was measured, as a picture.

use std::fmt::Write;

use crate::load::COMMANDS;
use crate::run::{Run, ms};

/// p50 (dark) and p99 (light) of every command, one group of bars a run.
pub(crate) fn picture(runs: &[Run]) -> String {
    const LEFT: f64 = 90.0;
    const WIDTH: f64 = 560.0;
    const ROW: f64 = 22.0;
    let longest =
        runs.iter().flat_map(|run| &run.load.latencies).map(|latencies| ms(latencies, 0.99)).fold(1.0, f64::max);
    let height = runs.len() as f64 * (COMMANDS.len() as f64 * ROW + 50.0) + 20.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 760 {height}\" font-family=\"sans-serif\" font-size=\"12\">\
         <rect width=\"760\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    let mut y = 24.0;
    for run in runs {
        let title = format!("{}: {:.0} lifecycles/s — p50 (dark), p99 (light), ms", run.name, run.load.per_second());
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
