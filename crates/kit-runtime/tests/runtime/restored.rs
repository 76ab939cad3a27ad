//! A source that is restored to an earlier state: nothing that it then tells is passed over in silence.

use std::sync::Arc;

use axum::body::Body;
use baedal_kit::Database;
use baedal_kit::bus::Archive;
use baedal_kit::database::memory::MemoryDatabase;
use baedal_kit_runtime::consumer::kept::{self, NotReset, Reset, Resume};
use baedal_kit_runtime::{Consumer, Projection, Service};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;
use uuid::Uuid;

use crate::world::{Jar, JarCommand, Jars, Shelver, World, command, fill, heard_all, jar_once, routes, shown, until};

/// A kitchen that can be restored, and a pantry that hears of it.
struct Restorable {
    world: World,
    database: Arc<MemoryDatabase>,
    kitchen: Service,
    pantry: Service,
    router: axum::Router,
}

impl Restorable {
    async fn start() -> Self {
        let database = Arc::<MemoryDatabase>::default();
        let world = World::over(Arc::clone(&database) as Arc<dyn Database>, Arc::<MemoryDatabase>::default());
        let (kitchen, pantry) = world.wake();
        let policies = vec![Arc::<Shelver>::default() as Arc<dyn Consumer>];
        let router = routes(&pantry, policies, vec![Arc::<Jars>::default() as Arc<dyn Projection>], vec![]).await;
        Self { world, database, kitchen, pantry, router }
    }

    /// So many jars, each filled in the kitchen and heard of in the pantry.
    async fn fill_and_hear(&self, count: usize) -> Vec<Uuid> {
        let jars = self.fill(count).await;
        heard_all(&self.pantry, "shelver").await;
        heard_all(&self.pantry, "jars").await;
        jars
    }

    async fn fill(&self, count: usize) -> Vec<Uuid> {
        let mut jars = Vec::new();
        for _ in 0..count {
            let jar = Uuid::now_v7();
            fill(&self.kitchen, jar, 1).await;
            jars.push(jar);
        }
        jars
    }

    /// Both of the pantry's consumers have stopped.
    async fn until_diverged(&self) {
        until(async || self.pantry.diverged().len() == 2).await;
    }

    async fn reset(&self, resume: Resume) -> Result<Vec<Reset>, NotReset> {
        let bus = baedal_kit_runtime::JournalBus::default().with(
            "kitchen",
            Arc::clone(&self.world.kitchen),
            crate::world::publish,
        );
        let extent = bus.extent("kitchen").await.unwrap();
        kept::reset("pantry", &*self.world.pantry, "kitchen", &extent, None, resume).await
    }

    async fn health(&self) -> (StatusCode, Value) {
        let asked = Request::get("/internal/health").body(Body::empty()).unwrap();
        let answer = self.router.clone().oneshot(asked).await.unwrap();
        let (parts, body) = answer.into_parts();
        (parts.status, serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap())
    }

    async fn cookies(&self, jar: Uuid) -> u32 {
        jar_once(&self.pantry, jar, |_| true).await.cookies
    }

    /// All of these have been heard of, once.
    async fn all_are_heard(&self, jars: &[Uuid]) {
        until(async || self.pantry.diverged().is_empty()).await;
        for jar in jars {
            jar_once(&self.pantry, *jar, |jar: &Jar| jar.cookies > 0).await;
            until(async || shown(&self.pantry, *jar).await.is_some()).await;
            assert_eq!(self.cookies(*jar).await, 1);
            assert_eq!(shown(&self.pantry, *jar).await.unwrap().events, 1);
        }
        assert_eq!(self.health().await.0, StatusCode::OK);
    }
}

#[tokio::test]
async fn who_has_heard_what_is_no_more_stops_and_says_so_until_a_person_says_how_to_go_on() {
    let it = Restorable::start().await;
    it.fill_and_hear(5).await;
    it.database.restore(2);
    // More than were lost: the head goes beyond all that was heard.
    let new = it.fill(6).await;
    it.until_diverged().await;
    let (status, health) = it.health().await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(health["database"], "ok");
    let told = &health["diverged"][1];
    assert_eq!((&told["consumer"], &told["source"], &told["heard"]), (&"shelver".into(), &"kitchen".into(), &5.into()));
    let remedy = told["remedy"].as_str().unwrap();
    assert!(remedy.contains("baedal consumer reset --context pantry --source kitchen --after"), "{remedy}");
    assert!(health["behind"]["shelver"].as_u64() >= Some(6), "{health}");
    for jar in &new {
        assert_eq!(it.cookies(*jar).await, 0, "nothing is heard out of its order");
    }

    let done = it.reset(Resume::Divergence).await.unwrap();
    let places: Vec<_> = done.iter().map(|done| (done.before.at.position, done.now.position)).collect();
    assert_eq!(places, [(5, 2), (5, 2)]);
    it.all_are_heard(&new).await;
    let more = it.fill(3).await;
    it.all_are_heard(&more).await;
    assert!(matches!(it.reset(Resume::Divergence).await, Err(NotReset::Sound { .. })));
}

#[tokio::test]
async fn who_is_beyond_the_end_stops_although_nothing_new_was_told() {
    let it = Restorable::start().await;
    it.fill_and_hear(5).await;
    it.database.restore(2);
    it.until_diverged().await;
    assert!(matches!(it.reset(Resume::Position(7)).await, Err(NotReset::Beyond { head: 2, .. })));
    it.reset(Resume::Position(2)).await.unwrap();
    let new = it.fill(1).await;
    it.all_are_heard(&new).await;
}

#[tokio::test]
async fn a_person_may_choose_to_hear_nothing_of_what_was_told_meanwhile() {
    let it = Restorable::start().await;
    it.fill_and_hear(3).await;
    it.database.restore(1);
    let passed_over = it.fill(4).await;
    it.until_diverged().await;
    it.reset(Resume::Head).await.unwrap();
    let new = it.fill(2).await;
    it.all_are_heard(&new).await;
    for jar in passed_over {
        assert_eq!(it.cookies(jar).await, 0);
    }
}

#[tokio::test]
async fn who_has_heard_nothing_that_is_no_more_goes_on_by_itself() {
    let it = Restorable::start().await;
    it.fill_and_hear(3).await;
    // Another server has taken over, and nothing was lost.
    it.database.restore(3);
    let new = it.fill(3).await;
    it.all_are_heard(&new).await;

    // What was lost was nobody's business: nothing was done about it.
    let jar = new[0];
    for _ in 0..3 {
        command(&it.kitchen, jar, JarCommand::Close).await.unwrap();
        command(&it.kitchen, jar, JarCommand::Open).await.unwrap();
    }
    heard_all(&it.pantry, "shelver").await;
    it.database.restore(6);
    let new = it.fill(8).await;
    it.all_are_heard(&new).await;
}

#[tokio::test]
async fn where_they_parted_is_known_also_where_the_source_has_forgotten_the_epoch() {
    let it = Restorable::start().await;
    it.fill_and_hear(4).await;
    it.database.restore(4);
    it.fill_and_hear(4).await;
    // To before the epoch that was heard last.
    it.database.restore(2);
    let new = it.fill(9).await;
    it.until_diverged().await;
    let done = it.reset(Resume::Divergence).await.unwrap();
    assert!(done.iter().all(|done| (done.before.at.position, done.now.position) == (8, 2)), "{done:?}");
    it.all_are_heard(&new).await;
}

#[tokio::test]
async fn one_that_starts_only_afterwards_finds_it_all_the_same() {
    let it = Restorable::start().await;
    it.fill_and_hear(5).await;
    it.pantry.lifecycle().stop(std::time::Duration::from_secs(5)).await;
    it.database.restore(2);
    let (kitchen, pantry) = it.world.wake();
    let again = Restorable { world: it.world, database: it.database, router: it.router, kitchen, pantry };
    let new = again.fill(9).await;
    let policies = vec![Arc::<Shelver>::default() as Arc<dyn Consumer>];
    let router = routes(&again.pantry, policies, vec![Arc::<Jars>::default() as Arc<dyn Projection>], vec![]).await;
    let again = Restorable { router, ..again };
    again.until_diverged().await;
    again.reset(Resume::Divergence).await.unwrap();
    again.all_are_heard(&new).await;
}
