//! The distributed composition as the real processes that it is: PostgreSQL, the broker, a process for each replica
//! of each service, and the gateway.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod checks;
mod disorder;
mod killing;
mod live;
mod outages;
mod private;
mod restart;
mod restored;
mod rolling;
mod traffic;
mod world;

#[test]
fn every_context_has_a_service() {
    assert_eq!(baedal_servers::CONTEXTS, baedal::roles::CONTEXTS);
    assert_eq!(baedal_servers::GATEWAY, baedal::roles::GATEWAY);
}
