//! Whatever stops the process, and wherever: what was answered is there, and all that follows from it is
//! done once.
#![expect(clippy::unwrap_used, reason = "what a test needs and does not get fails it")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use baedal_kit::Database;
use baedal_kit_runtime::{Consumer, Projection, Service};
use baedal_kit_sqlite::SqliteDatabase;
use uuid::Uuid;

#[path = "../../kit-runtime/tests/runtime/world.rs"]
#[expect(dead_code, reason = "the kit's own tests need more of it")]
mod world;

use world::{FRESH, Jar, Jars, Shelver, Staleness, World, fill, heard_all, jar_once, shown, start};

/// How often the process is stopped.
const ROUNDS: u64 = 5;

fn open(folder: &Path) -> World {
    let open = |context: &'static str| -> Arc<dyn Database> {
        Arc::new(SqliteDatabase::open(&folder.join(context).with_extension("db"), context).unwrap())
    };
    World::over(open("kitchen"), open("pantry"))
}

async fn begin(world: &World) -> (Service, Service) {
    let (kitchen, pantry) = world.wake();
    start(&kitchen, vec![], vec![], vec![Arc::new(Staleness)]).await;
    let policies: Vec<Arc<dyn Consumer>> = vec![Arc::new(Shelver::default())];
    let projections: Vec<Arc<dyn Projection>> = vec![Arc::new(Jars::default())];
    start(&pantry, policies, projections, vec![Arc::new(Staleness)]).await;
    (kitchen, pantry)
}

fn process() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[test]
fn everything_is_done_once_however_often_the_process_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let jars: Vec<_> = (0..8).map(|_| Uuid::now_v7()).collect();
    let answered: Arc<Vec<AtomicU32>> = Arc::new(jars.iter().map(|_| AtomicU32::new(0)).collect());
    for round in 0..ROUNDS {
        let process = process();
        process.block_on(async {
            let world = open(folder.path());
            let (kitchen, _) = begin(&world).await;
            let mut head = world.kitchen.head();
            let enough = *head.borrow() + 100 + 37 * round;
            for (index, jar) in jars.iter().copied().enumerate() {
                let (kitchen, answered) = (kitchen.clone(), Arc::clone(&answered));
                tokio::spawn(async move {
                    loop {
                        fill(&kitchen, jar, 1).await;
                        answered[index].fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
            head.wait_for(|head| *head >= enough).await.unwrap();
        });
        // All of it ends where it stands: requests, policies, projections, jobs.
        drop(process);
    }

    process().block_on(async {
        let world = open(folder.path());
        let (kitchen, pantry) = begin(&world).await;
        heard_all(&pantry, "shelver").await;
        heard_all(&pantry, "jars").await;
        for (jar, answered) in jars.iter().zip(&*answered) {
            let filled = kitchen.look::<Jar>(jar).await.unwrap().cookies;
            let answered = answered.load(Ordering::SeqCst);
            // At the most one was on its way when the process stopped, each time.
            assert!((answered..=answered + ROUNDS as u32).contains(&filled), "{filled}, of which {answered} answered");
            assert_eq!(jar_once(&pantry, *jar, |_| true).await.cookies, filled);
            let shown = shown(&pantry, *jar).await.unwrap();
            assert_eq!((shown.cookies, shown.events), (filled, filled));
        }
        // Deadlines too: each once, though many processes might have done it.
        world.clock.advance(FRESH);
        for jar in &jars {
            for (service, database) in [(&kitchen, &world.kitchen), (&pantry, &world.pantry)] {
                jar_once(service, *jar, |jar| jar.is_stale).await;
                let events = database.load(&format!("jar/{jar}"), 0).await.unwrap();
                assert_eq!(events.iter().filter(|event| event.kind == "Expired").count(), 1);
            }
        }
    });
}
