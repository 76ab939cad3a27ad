//! Tells what is wrong, and all that may say why: the script, the money, the trace.

use std::collections::BTreeMap;

use baedal_client::TraceEntry;
use baedal_contracts::OrderId;

use super::books::{Books, Finding};
use super::people::People;
use super::script::Script;

/// What is wrong, by the order that it is about.
pub(super) fn by_order(findings: &[Finding]) -> BTreeMap<Option<OrderId>, Vec<&Finding>> {
    let mut by_order: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for finding in findings {
        by_order.entry(finding.order).or_default().push(finding);
    }
    by_order
}

/// Prints what is wrong with an order, or with all of it.
pub(super) async fn tell(
    people: &People,
    books: &Books,
    order: Option<OrderId>,
    findings: &[&Finding],
    script: Option<&Script>,
) {
    match order {
        Some(order) => println!("order {order}"),
        None => println!("altogether"),
    }
    for finding in findings {
        println!("  ✗ {}", finding.what);
    }
    if let Some(script) = script {
        println!("  script: {script:?}");
    }
    let Some(order) = order else { return };
    println!("  money: {}", books.money_of(order).await);
    match people.operator.here().trace(order).await {
        Ok(trace) => trace.items.iter().for_each(|entry| println!("    {}", line(entry))),
        Err(error) => println!("  no trace: {error}"),
    }
}

fn line(entry: &TraceEntry) -> String {
    let TraceEntry { context, kind, at, command, cause, .. } = entry;
    format!("{at}  {context:<12} {kind:<28} by {command}, {} {}", cause.kind, cause.name)
}
