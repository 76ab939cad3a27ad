//! One context's database put back to an earlier state while everybody else runs on: found, told, and mended by the
//! command that is told.

use std::process::Command;

use baedal_servers::{Composition, testing};
use serde_json::Value;

use crate::checks::until;
use crate::world::World;

/// What a process says of whether it is ready.
async fn readiness(address: &str) -> Value {
    let answer = tokio::net::TcpStream::connect(address.trim_start_matches("http://")).await;
    let mut stream = answer.expect("a process");
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    stream.write_all(b"GET /health/ready HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.expect("a question");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    serde_json::from_str(body).expect("JSON")
}

/// What the command says that a replica of a context names, if it names one.
async fn remedy(world: &mut World, context: &str) -> Option<String> {
    let addresses: Vec<_> = world.composition().replicas(context).iter().map(|replica| replica.address()).collect();
    for address in addresses {
        let said = readiness(&address).await;
        let diverged = said["dependencies"][context]["diverged"].as_array().cloned().unwrap_or_default();
        if let Some(remedy) = diverged.iter().find_map(|one| one["remedy"].as_str()) {
            assert_eq!(said["status"], "not_ready", "{said:#}");
            return Some(remedy.to_owned());
        }
    }
    None
}

/// `baedal consumer …`, with the settings that all processes share.
fn consumer(composition: &Composition, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_baedal"));
    command.arg("consumer").args(arguments).arg("--config").arg(composition.settings());
    let output = command.output().map_err(|error| error.to_string())?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

fn psql(composition: &mut Composition, sql: &str) -> Result<(), String> {
    let url = composition.postgres().url("postgres");
    testing::programs().psql(&url, sql).map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_database_put_back_stops_the_kitchens_until_they_are_told_from_where_on() {
    let mut world = World::start().await;
    let people = world.people().await;
    people.complete(people.order().await).await;
    world
        .meanwhile(|running| {
            running.stop_context("order")?;
            psql(running, "CREATE DATABASE copy TEMPLATE baedal_order")?;
            running.start_context("order")
        })
        .await;
    for _ in 0..3 {
        people.complete(people.order().await).await;
    }
    world
        .meanwhile(|running| {
            running.stop_context("order")?;
            psql(running, "DROP DATABASE baedal_order WITH (FORCE)")?;
            psql(running, "CREATE DATABASE baedal_order TEMPLATE copy")?;
            running.start_context("order")
        })
        .await;
    // More than were lost.
    let mut paid = Vec::new();
    for _ in 0..6 {
        let order = people.order().await;
        paid.push(order);
    }
    for context in ["store", "notification", "tracking"] {
        let command = format!("baedal consumer reset --context {context} --source order --after");
        let mut told = None;
        while told.is_none() {
            told = remedy(&mut world, context).await;
        }
        let told = told.unwrap_or_default();
        assert!(told.contains(&command), "{told}");
    }
    let composition = world.composition();
    let listed = consumer(composition, &["list", "--context", "store"]).expect("a list");
    assert!(listed.lines().any(|line| line.starts_with("kitchen order/") && line.ends_with("diverged")), "{listed}");
    for context in ["payment", "store", "delivery", "notification", "tracking"] {
        let arguments = ["reset", "--context", context, "--source", "order", "--after", "divergence"];
        match consumer(composition, &arguments) {
            Ok(done) => assert!(done.contains("hears order/"), "{done}"),
            Err(error) => assert!(error.contains("nothing was changed"), "{error}"),
        }
    }
    for order in paid {
        people.complete(order).await;
    }
    for context in baedal_servers::CONTEXTS {
        let addresses: Vec<_> = world.composition().replicas(context).iter().map(|replica| replica.address()).collect();
        for address in addresses {
            until(context, async || (readiness(&address).await["status"] == "ready").then_some(())).await;
        }
    }
}
