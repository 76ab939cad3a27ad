//! `baedal consumer`: how far the consumers of a context have heard the others, and setting them after a restore.

use anyhow::{Context, Result, bail};
use baedal_kit::epochs::Extent;
use baedal_kit_http::journal::PeerJournals;
use baedal_kit_runtime::consumer::kept::{self, Resume};
use baedal_kit_runtime::lifecycle::Lifecycle;

use crate::cli::{Common, Consumer, ConsumerCommand, ListConsumers, ResetConsumer};
use crate::folder::DataFolder;
use crate::house::{NotYet, open_database};
use crate::roles::CONTEXTS;
use crate::settings::Settings;

/// Does what was typed about consumers.
///
/// # Errors
/// Where a database cannot be used, a source does not say how far it is, or there is nothing to be done.
pub fn run(consumer: &Consumer) -> Result<()> {
    let (data, config) = match &consumer.command {
        ConsumerCommand::List(ListConsumers { data, config, .. })
        | ConsumerCommand::Reset(ResetConsumer { data, config, .. }) => (data.clone(), config.clone()),
    };
    let settings = Settings::load(Settings::default(), &Common { data, config, ..Common::default() })?;
    // In PostgreSQL others may be at work at the same time; a data folder is ours alone.
    let folder = (!settings.is_on_postgres()).then(|| DataFolder::take(&settings.data)).transpose()?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start")?;
    let text = runtime.block_on(async {
        match &consumer.command {
            ConsumerCommand::List(asked) => list(&settings, folder.as_ref(), &asked.context).await,
            ConsumerCommand::Reset(asked) => reset(&settings, folder.as_ref(), asked).await,
        }
    })?;
    print!("{text}");
    Ok(())
}

/// Every consumer of a context, and how far it has heard whom.
async fn list(settings: &Settings, folder: Option<&DataFolder>, context: &str) -> Result<String> {
    let context = known(context)?;
    let database = open(settings, folder, context).await?;
    let mut text = String::new();
    let used = kept::in_use(context, &*database).await.map_err(|failure| anyhow::anyhow!(failure.report()))?;
    let mut sources: Vec<_> = used.iter().map(|kept| kept.source.clone()).collect();
    sources.dedup();
    for source in sources {
        let extent = extent(settings, folder, known(&source)?).await?;
        for kept in used.iter().filter(|kept| kept.source == source) {
            let state = if extent.epochs.hold(kept.at, extent.head) { "" } else { "  diverged" };
            let (consumer, shard, position, head) = (&kept.consumer, kept.shard, kept.at.position, extent.head);
            text.push_str(&format!("{consumer} {source}/{shard}: {position} of {head}{state}\n"));
        }
    }
    Ok(text)
}

/// Sets the consumers of a context that have parted with a source.
///
/// # Errors
/// Where there are none, or they cannot be set as it was said. Then all is as it was.
pub async fn reset(settings: &Settings, folder: Option<&DataFolder>, asked: &ResetConsumer) -> Result<String> {
    let (context, source) = (known(&asked.context)?, known(&asked.source)?);
    let database = open(settings, folder, context).await?;
    let extent = extent(settings, folder, source).await?;
    let consumer = asked.consumer.as_deref();
    let done = kept::reset(context, &*database, source, &extent, consumer, asked.after).await?;
    let lines = done.iter().map(|done| {
        let (before, now) = (&done.before, done.now.position);
        let (consumer, shard, was) = (&before.consumer, before.shard, before.at.position);
        format!("{consumer} of {context} hears {source}/{shard} on behind position {now}; it was at {was}\n")
    });
    Ok(lines.collect())
}

/// A context's name, as we know it.
fn known(context: &str) -> Result<&'static str> {
    match CONTEXTS.into_iter().find(|known| *known == context) {
        Some(known) => Ok(known),
        None => bail!("there is no context {context:?}; there are {}", CONTEXTS.join(", ")),
    }
}

async fn open(
    settings: &Settings,
    folder: Option<&DataFolder>,
    context: &'static str,
) -> Result<std::sync::Arc<dyn baedal_kit::Database>> {
    match open_database(settings, folder, context).await {
        Ok(database) => Ok(database),
        Err(NotYet::Waiting(error) | NotYet::Never(error)) => Err(error),
    }
}

/// How far a source's journal goes, and its epochs: as it says itself where it runs elsewhere, else as its database
/// does.
async fn extent(settings: &Settings, folder: Option<&DataFolder>, source: &'static str) -> Result<Extent> {
    if settings.is_shared() && settings.peers.addresses.get(source).is_some_and(|addresses| !addresses.is_empty()) {
        let upstream = settings.peers.reach(source, &Lifecycle::default())?;
        let peers = PeerJournals { shards: settings.shards(), sources: [(source, upstream)].into() };
        let extent = baedal_kit::bus::Archive::extent(&peers, source).await;
        return extent.map_err(|failure| anyhow::anyhow!("{}; start {source} first", failure.report()));
    }
    let database = open(settings, folder, source).await?;
    let head = database.look_at_head().await.map_err(|failure| anyhow::anyhow!(failure.report()))?;
    let epochs = database.epochs().borrow().clone();
    Ok(Extent { head, epochs })
}

/// What may stand behind `--after`.
///
/// # Errors
/// Where it is neither of the words nor a position.
pub fn resume(text: &str) -> Result<Resume, String> {
    match text {
        "divergence" => Ok(Resume::Divergence),
        "head" => Ok(Resume::Head),
        position => match position.parse() {
            Ok(position) => Ok(Resume::Position(position)),
            Err(_) => Err("must be `divergence`, `head` or a position".to_owned()),
        },
    }
}
