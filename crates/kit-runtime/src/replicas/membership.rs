//! Who is here, judged by whose heart still beats, and which shards are whose.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::ShardAssignment;

/// A replica whose version has not grown for so long is away.
const AWAY: Duration = Duration::from_secs(3);
/// What is longer between two looks, we did not look: nobody can be blamed for it.
const LOOKED: Duration = Duration::from_secs(1);

/// The replicas as one of them sees them.
pub(super) struct Membership {
    me: String,
    seen: BTreeMap<String, Beat>,
    looked: Option<Instant>,
}

struct Beat {
    version: u64,
    /// When it was seen to have grown.
    grown: Instant,
}

impl Beat {
    fn is_here(&self, now: Instant) -> bool {
        now.duration_since(self.grown) <= AWAY
    }
}

impl Membership {
    pub(super) fn new(me: String) -> Self {
        Self { me, seen: BTreeMap::new(), looked: None }
    }

    pub(super) fn knows_me(&self) -> bool {
        self.seen.contains_key(&self.me)
    }

    /// These are written down now, with these versions.
    pub(super) fn observe(&mut self, found: &[(String, u64)], now: Instant) {
        let gap = self.looked.replace(now).map_or(Duration::ZERO, |looked| now.duration_since(looked));
        let not_looked = gap.saturating_sub(LOOKED);
        self.seen.values_mut().for_each(|beat| beat.grown += not_looked);
        self.seen.retain(|known, _| found.iter().any(|(id, _)| id == known));
        for (id, version) in found {
            let beat = self.seen.entry(id.clone()).or_insert(Beat { version: *version, grown: now });
            if beat.version != *version {
                *beat = Beat { version: *version, grown: now };
            }
        }
    }

    /// This one said that it leaves.
    pub(super) fn left(&mut self, id: &str) {
        self.seen.remove(id);
    }

    /// Those that are to be struck off, with their versions: whoever comes now cannot know that they are away, and
    /// would leave them their shards.
    pub(super) fn away(&self, now: Instant) -> Vec<(String, u64)> {
        let away = self.seen.iter().filter(|(_, beat)| !beat.is_here(now));
        away.map(|(id, beat)| (id.clone(), beat.version)).collect()
    }

    /// Our share, as of now.
    pub(super) fn share(&self, shards: u16, now: Instant) -> ShardAssignment {
        let here: Vec<&str> =
            self.seen.iter().filter(|(_, beat)| beat.is_here(now)).map(|(id, _)| id.as_str()).collect();
        if !here.contains(&self.me.as_str()) {
            // Our own heart has not been heard: others take us for away.
            return ShardAssignment::nothing();
        }
        let is_mine = |shard: &u16| winner(&here, *shard) == Some(self.me.as_str());
        ShardAssignment {
            shards: (0..shards).filter(is_mine).collect(),
            is_leader: here.first() == Some(&self.me.as_str()),
            others: here.len() - 1,
        }
    }
}

/// The one of them that a shard goes to: everyone who knows the same replicas says the same. Each takes at
/// most its even part, so that two replicas have four of eight shards each.
fn winner<'r>(here: &[&'r str], shard: u16) -> Option<&'r str> {
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    let mut winner = None;
    for shard in 0..=shard {
        let fewest = here.iter().map(|id| taken.get(id).copied().unwrap_or(0)).min()?;
        let free = here.iter().filter(|id| taken.get(**id).copied().unwrap_or(0) == fewest);
        winner = free.max_by_key(|id| weight(id, shard)).copied();
        *taken.entry(winner?).or_default() += 1;
    }
    winner
}

/// How much a replica is meant to have a shard (FNV-1a).
fn weight(id: &str, shard: u16) -> u64 {
    id.bytes()
        .chain(shard.to_be_bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARDS: u16 = 8;

    fn found(ids: &[(&str, u64)]) -> Vec<(String, u64)> {
        ids.iter().map(|(id, version)| ((*id).to_owned(), *version)).collect()
    }

    /// What each of them thinks is its share.
    fn shares(ids: &[&str]) -> Vec<ShardAssignment> {
        let now = Instant::now();
        let all: Vec<(&str, u64)> = ids.iter().map(|id| (*id, 1)).collect();
        let share = |me: &&str| {
            let mut membership = Membership::new((*me).to_owned());
            membership.observe(&found(&all), now);
            membership.share(SHARDS, now)
        };
        ids.iter().map(share).collect()
    }

    #[test]
    fn every_shard_is_somebodys_once_and_the_shares_are_even() {
        for count in 1..=8 {
            let ids: Vec<String> = (0..count).map(|_| uuid::Uuid::now_v7().to_string()).collect();
            let shares = shares(&ids.iter().map(String::as_str).collect::<Vec<_>>());
            let mut all: Vec<u16> = shares.iter().flat_map(|share| share.shards.to_vec()).collect();
            all.sort_unstable();
            assert_eq!(all, (0..SHARDS).collect::<Vec<_>>());
            let (least, most) = (SHARDS as usize / count, (SHARDS as usize).div_ceil(count));
            assert!(shares.iter().all(|share| (least..=most).contains(&share.shards.len())), "{shares:?}");
            assert_eq!(shares.iter().filter(|share| share.is_leader).count(), 1);
        }
    }

    /// Looks every second until then, while only our own heart beats.
    fn alone(membership: &mut Membership, other: (&str, u64), from: Instant, until: Duration) -> Instant {
        let seconds = until.as_secs();
        for second in 1..=seconds {
            membership.observe(&found(&[other, ("b", 1 + second)]), from + Duration::from_secs(second));
        }
        from + Duration::from_secs(seconds)
    }

    #[test]
    fn whose_heart_stops_is_away_and_struck_off() {
        let begin = Instant::now();
        let mut membership = Membership::new("b".to_owned());
        membership.observe(&found(&[("a", 5), ("b", 1)]), begin);
        assert_eq!((membership.share(SHARDS, begin).others, membership.share(SHARDS, begin).is_leader), (1, false));
        let later = alone(&mut membership, ("a", 5), begin, AWAY);
        assert_eq!((membership.share(SHARDS, later).others, membership.away(later)), (1, vec![]));
        let away = later + Duration::from_millis(1);
        assert_eq!(membership.share(SHARDS, away), ShardAssignment::whole(SHARDS));
        assert_eq!(membership.away(away), found(&[("a", 5)]));
        // It was only slow.
        membership.observe(&found(&[("a", 6), ("b", 5)]), away);
        assert_eq!((membership.share(SHARDS, away).others, membership.away(away)), (1, vec![]));
    }

    #[test]
    fn nobody_is_away_because_we_did_not_look() {
        let begin = Instant::now();
        let mut membership = Membership::new("b".to_owned());
        membership.observe(&found(&[("a", 5), ("b", 1)]), begin);
        // The database was away.
        let back = begin + AWAY * 10;
        membership.observe(&found(&[("a", 5), ("b", 2)]), back);
        assert_eq!((membership.share(SHARDS, back).others, membership.away(back)), (1, vec![]));
        let later = alone(&mut membership, ("a", 5), back, AWAY);
        assert_eq!(membership.away(later), found(&[("a", 5)]));
    }

    #[test]
    fn who_does_not_reach_the_database_hears_nothing() {
        let begin = Instant::now();
        let mut membership = Membership::new("a".to_owned());
        assert_eq!(membership.share(SHARDS, begin), ShardAssignment::nothing());
        membership.observe(&found(&[("a", 1)]), begin);
        assert_eq!(membership.share(SHARDS, begin), ShardAssignment::whole(SHARDS));
        assert_eq!(membership.share(SHARDS, begin + AWAY * 2), ShardAssignment::nothing());
    }

    #[test]
    fn few_shards_move_when_one_comes() {
        let two = shares(&["a", "b"]);
        let three = shares(&["a", "b", "c"]);
        let kept: usize =
            (0..2).map(|who| three[who].shards.iter().filter(|shard| two[who].shards.contains(shard)).count()).sum();
        assert!(kept >= 3, "{kept} stayed where they were");
    }
}
