//! One database goes back to an earlier state: its hearers say so, and go on as `docs/restoring.md` says.

use std::path::PathBuf;
use std::process::{Command, Output};

use baedal_servers::{Composition, testing};

use crate::world::World;

/// Who hears order.
const HEARERS: [&str; 5] = ["payment", "store", "delivery", "notification", "tracking"];
/// Where its earlier state is kept.
const KEPT: &str = "order_as_it_was";

#[tokio::test(flavor = "multi_thread")]
async fn the_hearers_of_a_restored_database_stop_and_go_on_where_they_are_told() {
    let mut world = World::start().await;
    let people = world.people().await;
    let before = people.order().await;
    people.complete(before).await;
    people.see(before, "completed").await;
    while_order_is_away(&mut world, |composition| {
        sql(composition, &format!("CREATE DATABASE {KEPT} TEMPLATE baedal_order"))
    })
    .await;
    for _ in 0..2 {
        let lost = people.order().await;
        people.complete(lost).await;
        people.see(lost, "completed").await;
    }

    while_order_is_away(&mut world, |composition| {
        sql(composition, "DROP DATABASE baedal_order")?;
        sql(composition, &format!("ALTER DATABASE {KEPT} RENAME TO baedal_order"))
    })
    .await;
    // Any context may ask the others for their journals.
    let composition = world.composition();
    let settings = (composition.settings().to_owned(), composition.environment("store"));
    let mut parted = Vec::new();
    for hearer in HEARERS {
        let told = ["reset", "--context", hearer, "--source", "order", "--after", "divergence"];
        if said(&consumer(&settings, &["list", "--context", hearer]).await).contains("diverged") {
            said(&consumer(&settings, &told).await);
            parted.push(hearer);
        }
        let again = consumer(&settings, &told).await;
        assert_eq!(again.status.code(), Some(1), "{hearer} has not diverged any more: {again:?}");
    }
    // Who had nothing to do about what was lost goes on by itself.
    assert!(["payment", "store", "tracking"].iter().all(|hearer| parted.contains(hearer)), "{parted:?}");
    let after = people.order().await;
    people.complete(after).await;
    people.see(after, "completed").await;
    people.see(before, "completed").await;
}

/// Does something with its database that nobody else may use meanwhile.
async fn while_order_is_away(world: &mut World, act: impl FnOnce(&Composition) -> Result<(), String> + Send + 'static) {
    let act = |composition: &mut Composition| {
        composition.stop_context("order")?;
        act(composition)?;
        composition.start_context("order")
    };
    world.meanwhile(act).await;
}

fn sql(composition: &Composition, sql: &str) -> Result<(), String> {
    testing::programs().psql(&composition.database_url("order").replace("baedal_order", "postgres"), sql).map(drop)
}

/// What `baedal consumer` answers.
async fn consumer((settings, shown): &(PathBuf, Vec<(String, String)>), arguments: &[&str]) -> Output {
    let (settings, shown, arguments) =
        (settings.clone(), shown.clone(), arguments.iter().map(|it| (*it).to_owned()).collect());
    let run = move |arguments: Vec<String>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_baedal"));
        command.arg("consumer").args(arguments).arg("--config").arg(settings).envs(shown).output()
    };
    tokio::task::spawn_blocking(|| run(arguments)).await.expect("a thread").expect("an answer")
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
