//! The contexts as this process reaches them: those it runs, directly; the others, at their addresses.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Result;
use async_trait::async_trait;
use baedal_kit::bus::{Archive, Batch};
use baedal_kit::epochs::Extent;
use baedal_kit::{Bus, Failure};
use baedal_kit_http::health::Check;
use baedal_kit_http::journal::PeerJournals;
use baedal_kit_http::upstream::Upstream;
use baedal_kit_runtime::JournalBus;
use baedal_kit_runtime::lifecycle::Lifecycle;
use futures::FutureExt;

use crate::roles::Roles;
use crate::settings::Settings;

/// Every context that runs elsewhere.
pub(crate) fn elsewhere(
    settings: &Settings,
    roles: &Roles,
    lifecycle: &Lifecycle,
) -> Result<HashMap<&'static str, Upstream>> {
    roles.elsewhere().map(|context| Ok((context, settings.peers.reach(context, lifecycle)?))).collect()
}

/// How each of them is, for whoever asks whether this process is ready. None is needed: what has to be heard
/// from it waits.
pub(crate) fn checks(elsewhere: &HashMap<&'static str, Upstream>) -> impl Iterator<Item = Check> {
    elsewhere.iter().map(|(context, upstream)| {
        let upstream = upstream.clone();
        let look = move || std::future::ready(upstream.reachable()).boxed();
        Check { name: (*context).to_owned(), needed: false, look: Arc::new(look) }
    })
}

/// The journals of all sources: read here, or asked for.
pub(crate) struct Archives {
    /// The contexts of this process.
    pub(crate) here: Arc<JournalBus>,
    /// Which those are.
    pub(crate) roles: Roles,
    /// The others.
    pub(crate) elsewhere: PeerJournals,
}

#[async_trait]
impl Archive for Archives {
    async fn read(&self, source: &str, shard: u16, after: u64, limit: usize) -> Result<Batch, Failure> {
        if self.roles.run(source) {
            return Bus::read(&*self.here, source, shard, after, limit).await;
        }
        self.elsewhere.read(source, shard, after, limit).await
    }

    async fn extent(&self, source: &str) -> Result<Extent, Failure> {
        if self.roles.run(source) {
            return self.here.extent(source).await;
        }
        self.elsewhere.extent(source).await
    }
}
