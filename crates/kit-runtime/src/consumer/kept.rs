//! The cursors of a context as they are kept: which of them are in use, which have parted with their source, and
//! setting them where a person has said.

use baedal_kit::database::{Commit, CursorMove, KeptCursor, Outcome, Write};
use baedal_kit::epochs::{Cursor, Epochs, Extent};
use baedal_kit::generation::{generation_of, plain_name};
use baedal_kit::{Database, Failure};

use super::rebuild::Generations;
use super::{Divergence, GENERATIONS, remedy};

/// The view that holds, by source, the epochs of its journal as they were when its last one was first heard.
pub(crate) const SOURCE_EPOCHS: &str = "source_epochs";
/// How often a reset is tried again where the cursors move meanwhile.
const TRIES: u32 = 5;

/// From where on a consumer is to hear a source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resume {
    /// Behind the last position that both have in common.
    Divergence,
    /// Behind all that there is now.
    Head,
    /// Behind this position.
    Position(u64),
}

/// A cursor that was set, and where it was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reset {
    /// Which, and where it was.
    pub before: KeptCursor,
    /// Where it is.
    pub now: Cursor,
}

/// Why no cursor was set.
#[derive(Debug, thiserror::Error)]
pub enum NotReset {
    /// All is well.
    #[error("no consumer of {context} has parted with {source_context}; nothing was changed")]
    Sound {
        /// Whose consumers.
        context: String,
        /// With whom.
        source_context: String,
    },
    /// The journal ends before that.
    #[error("the journal of {source_context} ends at position {head}; nothing was changed")]
    Beyond {
        /// Whose journal.
        source_context: String,
        /// Where it ends.
        head: u64,
    },
    /// What is known does not tell.
    #[error(
        "{consumer} is at position {position} of an epoch that neither {source_context} nor we know the beginning of, so \
         where they parted cannot be told; say the last position that is the same in both (in doubt a smaller one)"
    )]
    Unknown {
        /// Whose cursor.
        consumer: String,
        /// Where it is.
        position: u64,
        /// In whose journal.
        source_context: String,
    },
    /// The database.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Every cursor in somebody else's journal that is in use: not those of views that were replaced.
///
/// # Errors
/// A failure of the database.
pub async fn in_use(context: &str, database: &dyn Database) -> Result<Vec<KeptCursor>, Failure> {
    let mut used = Vec::new();
    for kept in database.cursors().await? {
        let found = database.get(GENERATIONS, plain_name(&kept.consumer)).await?;
        let generations: Generations = match found {
            Some(document) => serde_json::from_slice(&document.body)
                .map_err(|error| Failure::broken_by(format!("the generations of {}", kept.consumer), error))?,
            None => Generations::default(),
        };
        if kept.source != context && generations.has(generation_of(&kept.consumer)) {
            used.push(kept);
        }
    }
    used.sort_by(|one, other| {
        (&one.source, &one.consumer, one.shard).cmp(&(&other.source, &other.consumer, other.shard))
    });
    Ok(used)
}

/// Those that have parted with a source that goes so far.
fn parted<'k>(used: &'k [KeptCursor], source: &str, extent: &Extent) -> Vec<&'k KeptCursor> {
    let has_parted = |kept: &&KeptCursor| kept.source == source && !extent.epochs.hold(kept.at, extent.head);
    used.iter().filter(has_parted).collect()
}

/// The consumers of a context that have parted with a source that goes so far.
///
/// # Errors
/// A failure of the database.
pub async fn diverged(
    context: &str,
    database: &dyn Database,
    source: &str,
    extent: &Extent,
) -> Result<Vec<Divergence>, Failure> {
    let used = in_use(context, database).await?;
    let mut found: Vec<Divergence> = Vec::new();
    for kept in parted(&used, source, extent) {
        let known = found.iter_mut().find(|divergence| divergence.consumer == kept.consumer);
        match known {
            Some(divergence) => {
                divergence.shards.insert(kept.shard);
                divergence.heard = divergence.heard.max(kept.at.position);
            }
            None => found.push(Divergence {
                consumer: kept.consumer.clone(),
                source: source.to_owned(),
                shards: [kept.shard].into(),
                heard: kept.at.position,
                remedy: remedy(context, source),
            }),
        }
    }
    Ok(found)
}

/// Sets every cursor of a context, or of one of its consumers, that has parted with a source.
///
/// # Errors
/// Where there is none, or it cannot be done as it was said; then all is as it was.
pub async fn reset(
    context: &str,
    database: &dyn Database,
    source: &str,
    extent: &Extent,
    consumer: Option<&str>,
    resume: Resume,
) -> Result<Vec<Reset>, NotReset> {
    let known = known_epochs(database, source).await?;
    for _ in 0..TRIES {
        let used = in_use(context, database).await?;
        let mut done = Vec::new();
        for kept in
            parted(&used, source, extent).into_iter().filter(|kept| consumer.is_none_or(|of| kept.consumer == of))
        {
            let position = match resume {
                Resume::Head => extent.head,
                Resume::Position(position) if position <= extent.head => position,
                Resume::Position(_) => {
                    return Err(NotReset::Beyond { source_context: source.to_owned(), head: extent.head });
                }
                Resume::Divergence => {
                    let parted = extent.epochs.parted(kept.at, extent.head, known.as_ref());
                    parted.ok_or_else(|| NotReset::Unknown {
                        consumer: kept.consumer.clone(),
                        position: kept.at.position,
                        source_context: source.to_owned(),
                    })?
                }
            };
            done.push(Reset { before: kept.clone(), now: extent.epochs.cursor(position) });
        }
        if done.is_empty() {
            return Err(NotReset::Sound { context: context.to_owned(), source_context: source.to_owned() });
        }
        let moves = done.iter().map(|Reset { before, now }| CursorMove {
            consumer: before.consumer.clone(),
            source: before.source.clone(),
            shard: before.shard,
            from: before.at,
            to: *now,
        });
        let commit =
            Commit { cursors: moves.collect(), writes: vec![known_as(source, &extent.epochs)?], ..Commit::default() };
        if let Outcome::Committed { .. } = database.commit(commit).await? {
            return Ok(done);
        }
    }
    Err(Failure::unavailable("a quiet moment", "the cursors move; stop the context first").into())
}

/// What was known of a source's epochs when its last one was first heard.
async fn known_epochs(database: &dyn Database, source: &str) -> Result<Option<Epochs>, Failure> {
    let Some(document) = database.get(SOURCE_EPOCHS, source).await? else { return Ok(None) };
    let epochs = serde_json::from_slice(&document.body);
    epochs.map(Some).map_err(|error| Failure::broken_by(format!("the epochs of {source}"), error))
}

fn known_as(source: &str, epochs: &Epochs) -> Result<Write, Failure> {
    let body = serde_json::to_vec(epochs).map_err(|error| Failure::broken_by("the epochs of a journal", error))?;
    Ok(Write {
        view: SOURCE_EPOCHS.to_owned(),
        id: source.to_owned(),
        expected_version: None,
        body: Some(body),
        tags: Vec::new(),
        left_tags: Vec::new(),
    })
}
