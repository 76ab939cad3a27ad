//! What processes say of themselves: how many events they hold, and how much they still have to hear.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use baedal_client::Client;
use serde_json::Value;

/// How long the platform may take to catch up before the measurement is given up.
const LONGEST_SETTLING: Duration = Duration::from_secs(120);
/// How often in a row nobody may be behind until we believe it: between two processes news is under way.
const SURE: u32 = 5;

/// How many events all journals hold, by the answer of the one process that has them.
pub(crate) async fn events(address: &str) -> Result<u64> {
    Ok(sum_of(&told(address).await?, "position"))
}

/// Waits until every consumer of these processes has heard everything; how long that took.
pub(crate) async fn settle(addresses: &[String]) -> Result<Duration> {
    let begun = Instant::now();
    let (mut pace, mut settled, mut settled_at) = (tokio::time::interval(Duration::from_millis(20)), 0, None);
    while settled < SURE {
        pace.tick().await;
        let mut left = 0;
        for address in addresses {
            left += behind(&told(address).await?);
        }
        if left == 0 {
            settled += 1;
            settled_at.get_or_insert_with(|| begun.elapsed());
        } else {
            (settled, settled_at) = (0, None);
        }
        if begun.elapsed() > LONGEST_SETTLING {
            bail!("the platform does not catch up: {left} are left");
        }
    }
    Ok(settled_at.unwrap_or_default())
}

/// What a process says of itself, whether ready or not.
async fn told(address: &str) -> Result<Value> {
    let (_, _, health) = Client::new(address).request(http::Method::GET, "/health/ready", [], None).await?;
    Ok(health)
}

/// All the numbers of this name, wherever in the answer they are.
fn sum_of(value: &Value, name: &str) -> u64 {
    let fields = value.as_object().into_iter().flatten();
    fields.map(|(key, value)| if key == name { value.as_u64().unwrap_or(0) } else { sum_of(value, name) }).sum()
}

/// How many events are still to be heard, by all consumers together. A context that does not answer is behind.
fn behind(health: &Value) -> u64 {
    let contexts = health["dependencies"].as_object().into_iter().flatten();
    contexts
        .map(|(_, context)| {
            let consumers = context["behind"].as_object().into_iter().flatten();
            let behind: u64 = consumers.map(|(_, count)| count.as_u64().unwrap_or(0)).sum();
            behind + u64::from(context["ready"] != true)
        })
        .sum()
}
