//! A projection's views, built anew beside the ones in use, which they replace once they know as much.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use baedal_kit::database::Outcome;
use baedal_kit::generation::generation_name;
use baedal_kit::{Failure, Origin};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::Projection;
use super::runner::ConsumerRunner;
use super::waiting::{Heads, Pause};
use crate::Service;

/// How long a view that was replaced stays, for those who asked what it is called just before;
const LEAVE: Duration = Duration::from_secs(1);
/// with other replicas longer, as they look once a second what it is called now.
const LEAVE_WITH_OTHERS: Duration = Duration::from_secs(5);
/// How often to look whether other replicas have built their part.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// The view that tells which generation of each view is in use.
pub(crate) const GENERATIONS: &str = "generations";

/// Which generation of a projection's views is in use, and which is being built.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Generations {
    active: u32,
    building: Option<u32>,
    /// The generation that was in use before and is still to be cleared away.
    #[serde(default)]
    leaving: Option<u32>,
}

impl Generations {
    /// Whether a generation is in use, or being built.
    pub(super) fn has(&self, generation: u32) -> bool {
        generation == self.active || self.building == Some(generation)
    }
}

/// Lets a projection hear for ever, and builds its views anew beside the ones in use when asked to.
pub fn run_projection(service: Service, projection: Arc<dyn Projection>) -> impl Future<Output = ()> + Send {
    service.progress().follows(projection.name(), projection.sources());
    async move {
        let mut wanted = service.rebuilds().subscribe();
        let mut heads = Heads::new(&service, projection.sources());
        let mut pause = Pause::new(&service, projection.name());
        let mut stage: Option<Stage> = None;
        loop {
            heads.mark();
            if wanted.has_changed().unwrap_or(false) {
                wanted.mark_unchanged();
                stage = None;
            }
            match Stage::advance(&mut stage, &service, &projection).await {
                Ok(true) => {
                    pause.over();
                    linger(stage.as_ref()).await;
                }
                Ok(false) => {
                    pause.over();
                    let look_again = stage.as_ref().and_then(Stage::looks_again);
                    tokio::select! {
                        () = heads.changed() => linger(stage.as_ref()).await,
                        _ = wanted.changed() => stage = None,
                        () = sleep_until(look_again) => {}
                    }
                }
                Err(failure) => pause.after(&failure, &mut heads).await,
            }
        }
    }
}

/// Waits a little for more, unless views are being built.
async fn linger(stage: Option<&Stage>) {
    if let Some(Stage { live, builder: None, .. }) = stage {
        live.linger().await;
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Asks for the views of a projection to be built anew. Whether this context has it.
///
/// # Errors
/// A failure of the database.
pub async fn request_rebuild(
    service: &Service,
    projections: &[Arc<dyn Projection>],
    view: &str,
) -> Result<bool, Failure> {
    let Some(projection) = projections.iter().find(|projection| projection.views().contains(&view)) else {
        return Ok(false);
    };
    let name = projection.name();
    service
        .execute(&Origin::none(), |work| {
            Box::pin(async move {
                let mut generations: Generations = work.document(GENERATIONS, name).await?.unwrap_or_default();
                if generations.building.is_none() {
                    generations.building = Some(generations.active + 1);
                    work.put(GENERATIONS, name, &generations, [])?;
                }
                Ok::<_, Failure>(())
            })
        })
        .await?;
    service.rebuilds().send_modify(|count| *count += 1);
    Ok(true)
}

/// Reads which generation of each view is in use. To be called before anybody reads views.
///
/// # Errors
/// A failure of the database.
pub async fn restore_generations(service: &Service, projections: &[Arc<dyn Projection>]) -> Result<(), Failure> {
    for projection in projections {
        let mut work = service.work(Origin::none());
        let generations: Generations = work.document(GENERATIONS, projection.name()).await?.unwrap_or_default();
        for view in projection.views() {
            service.set_generation(view, generations.active);
        }
    }
    Ok(())
}

/// A projection's generation in use, and the one being built beside it.
struct Stage {
    generations: Generations,
    live: ConsumerRunner,
    builder: Option<ConsumerRunner>,
    /// When the generation that was in use before may go.
    leaves_at: Option<Instant>,
}

impl Stage {
    /// What the database says is in use and being built.
    async fn load(service: &Service, projection: &Arc<dyn Projection>) -> Result<Self, Failure> {
        let generations: Generations =
            service.work(Origin::none()).document(GENERATIONS, projection.name()).await?.unwrap_or_default();
        for view in projection.views() {
            service.set_generation(view, generations.active);
        }
        let leave = if service.share().borrow().others > 0 { LEAVE_WITH_OTHERS } else { LEAVE };
        let runner =
            |generation, is_building| ConsumerRunner::of_projection(service, projection, generation, is_building);
        Ok(Self {
            generations,
            live: runner(generations.active, false),
            builder: generations.building.map(|generation| runner(generation, true)),
            leaves_at: generations.leaving.map(|_| Instant::now() + leave),
        })
    }

    /// One step: the views in use first, then the ones being built. Whether there was anything to do.
    async fn advance(
        stage: &mut Option<Self>,
        service: &Service,
        projection: &Arc<dyn Projection>,
    ) -> Result<bool, Failure> {
        let Self { generations, live, builder, leaves_at } = match stage {
            Some(stage) => stage,
            None => stage.insert(Self::load(service, projection).await?),
        };
        let generations = *generations;
        let heard = live.handle_batch().await?;
        if let Some(leaving) = generations.leaving
            && leaves_at.is_none_or(|at| at <= Instant::now())
        {
            Self::clear(service, projection, generations, leaving).await?;
            *stage = None;
            return Ok(true);
        }
        let Some(builder) = builder else { return Ok(heard) };
        let built = builder.handle_batch().await?;
        if generations.leaving.is_some() {
            // One after the other: only one generation is known to be leaving.
            return Ok(heard || built);
        }
        if knows_as_much(service, projection, live, builder).await? {
            Self::take_over(service, projection, generations, builder.generation).await?;
            *stage = None;
            return Ok(true);
        }
        Ok(heard || built)
    }

    /// When there may be something to do although nothing is heard: the views that were in use may go, or
    /// other replicas have built their part.
    fn looks_again(&self) -> Option<Instant> {
        let others_build = self.builder.as_ref().map(|_| Instant::now() + LOOK_AGAIN);
        self.leaves_at.into_iter().chain(others_build).min()
    }

    /// The generation that was built is in use from now on. The one before it stays a little longer, so that
    /// a reader finds either the one or the other, and never nothing.
    async fn take_over(
        service: &Service,
        projection: &Arc<dyn Projection>,
        old: Generations,
        generation: u32,
    ) -> Result<(), Failure> {
        let next = Generations { active: generation, building: None, leaving: Some(old.active) };
        if !Self::replace(service, projection, old, next, &[]).await? {
            return Ok(());
        }
        for view in projection.views() {
            service.set_generation(view, generation);
        }
        tracing::info!(context = service.name(), projection = projection.name(), generation, "views were rebuilt");
        Ok(())
    }

    /// The generation that was in use before goes.
    async fn clear(
        service: &Service,
        projection: &Arc<dyn Projection>,
        old: Generations,
        leaving: u32,
    ) -> Result<(), Failure> {
        let views: Vec<_> = projection.views().iter().map(|view| generation_name(view, leaving)).collect();
        Self::replace(service, projection, old, Generations { leaving: None, ..old }, &views).await.map(drop)
    }

    /// Replaces what is known about the generations, if it is still as believed. Whether it was.
    async fn replace(
        service: &Service,
        projection: &Arc<dyn Projection>,
        old: Generations,
        new: Generations,
        cleared: &[String],
    ) -> Result<bool, Failure> {
        let mut work = service.work(Origin::none());
        let found: Option<Generations> = work.document(GENERATIONS, projection.name()).await?;
        if found.unwrap_or_default() != old {
            return Ok(false);
        }
        work.put(GENERATIONS, projection.name(), &new, [])?;
        for view in cleared {
            work.clear_view(view.clone());
        }
        Ok(work.commit().await? != Outcome::Conflict)
    }
}

/// Whether the views being built know as much as those in use, in every shard: in ours as we know, in others'
/// as their replicas have written down.
async fn knows_as_much(
    service: &Service,
    projection: &Arc<dyn Projection>,
    live: &mut ConsumerRunner,
    builder: &mut ConsumerRunner,
) -> Result<bool, Failure> {
    let (shown, built) = (live.cursors().await?, builder.cursors().await?);
    for source in projection.sources() {
        for shard in 0..service.bus().shards() {
            let place = (*source, shard);
            let (shown, built) = match (shown.get(&place), built.get(&place)) {
                (Some(shown), Some(built)) => (*shown, *built),
                _ => (live.kept_at(place).await?, builder.kept_at(place).await?),
            };
            if built.position < shown.position {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
