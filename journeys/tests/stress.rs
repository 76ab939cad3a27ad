//! A few days of the whole platform with everything going wrong: see `baedal_journeys::stress`.

use std::process::Command;

/// One with clocks that are seconds apart, one with those of payment a minute apart, one with services minutes apart.
const SEEDS: [&str; 3] = ["1", "2", "3"];
/// How long each day is, so that all of it takes less than three minutes on two cores.
const SECONDS: &str = "9";
const ORDERS: &str = "30";

#[test]
#[ignore = "takes minutes and all of the machine: `cargo xtask test` runs it once, by itself"]
fn whatever_befalls_the_processes_every_order_ends_as_it_must() {
    let mut days = Command::new(env!("CARGO_BIN_EXE_stress"));
    days.args(SEEDS.iter().flat_map(|seed| ["--seed", seed])).args(["--seconds", SECONDS, "--orders", ORDERS]);
    let lived = days.status().expect("the program starts");
    assert!(lived.success(), "something is wrong: see above");
}
