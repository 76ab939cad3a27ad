//! The queue for hashing passwords: bounded, and fair between addresses.
//!
//! Whoever wants a password hashed takes a [`Place`], and with it, when its turn has come, a [`Turn`]. Addresses take
//! turns, and within an address those who came first: 200 sign-ins from one address keep a stranger waiting for one of
//! them. An address has so many places at the most. Where all are taken, a newcomer gets the place of the one who came
//! last from the address that has the most of them, so that it is that address which is turned away.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;

/// Whence a request comes. Those that no gateway has passed on are one.
pub(crate) type Address = Option<IpAddr>;

/// The queue. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Queue {
    shared: Arc<Shared>,
}

struct Shared {
    at_once: usize,
    places: usize,
    places_per_address: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How many places each address has. Those that have been displaced are not among them.
    held: HashMap<Address, usize>,
    total: usize,
    working: usize,
    /// Those who wait for their turn, by address; none of the queues is empty.
    waiting: HashMap<Address, VecDeque<Waiting>>,
    /// The addresses of those who wait, in the order of their turns.
    round: VecDeque<Address>,
}

struct Waiting {
    place: Place,
    called: oneshot::Sender<Turn>,
}

/// A place in the queue.
pub(crate) struct Place {
    shared: Arc<Shared>,
    address: Address,
    is_displaced: bool,
}

/// The turn of one place. While it is held, that one works.
pub(crate) struct Turn {
    /// Nothing, where the turn goes to somebody else instead of ending.
    place: Option<Place>,
}

/// The queue is full, as far as this address is concerned.
#[derive(Debug)]
pub(crate) struct Busy;

impl Queue {
    /// So many at once, so many in all, so many of one address.
    pub(crate) fn new(at_once: usize, places: usize, places_per_address: usize) -> Self {
        let at_once = at_once.max(1);
        let places = places.max(at_once);
        let state = Mutex::default();
        let places_per_address = places_per_address.max(1);
        Self { shared: Arc::new(Shared { at_once, places, places_per_address, state }) }
    }

    /// Takes a place, without waiting.
    pub(crate) fn enter(&self, address: Address) -> Result<Place, Busy> {
        let mut state = self.shared.state();
        let held = state.held.get(&address).copied().unwrap_or(0);
        if held >= self.shared.places_per_address {
            return Err(Busy);
        }
        let displaced = if state.total >= self.shared.places { Some(state.displace(held)?) } else { None };
        *state.held.entry(address).or_default() += 1;
        state.total += 1;
        drop(state);
        // Its place counts no more; dropping it tells whoever waits in it.
        drop(displaced);
        Ok(Place { shared: Arc::clone(&self.shared), address, is_displaced: false })
    }

    #[cfg(test)]
    fn total(&self) -> usize {
        self.shared.state().total
    }
}

impl Place {
    /// Waits for its turn; or is told that the place went to another address, which had fewer.
    pub(crate) async fn turn(self) -> Result<Turn, Busy> {
        let shared = Arc::clone(&self.shared);
        let waits = {
            let mut state = shared.state();
            if state.working < shared.at_once && state.round.is_empty() {
                state.working += 1;
                return Ok(Turn { place: Some(self) });
            }
            let (called, waits) = oneshot::channel();
            let address = self.address;
            let queue = state.waiting.entry(address).or_default();
            queue.push_back(Waiting { place: self, called });
            if queue.len() == 1 {
                state.round.push_back(address);
            }
            waits
        };
        waits.await.map_err(|_| Busy)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl State {
    /// Takes out the one who came last from the address that has the most places, where it has more than the one who
    /// comes would have.
    fn displace(&mut self, held: usize) -> Result<Waiting, Busy> {
        let heaviest = self.waiting.keys().max_by_key(|address| self.held.get(address).copied().unwrap_or(0));
        let address = *heaviest.ok_or(Busy)?;
        if self.held.get(&address).copied().unwrap_or(0) <= held + 1 {
            return Err(Busy);
        }
        let queue = self.waiting.get_mut(&address).ok_or(Busy)?;
        let mut waiting = queue.pop_back().ok_or(Busy)?;
        if queue.is_empty() {
            self.waiting.remove(&address);
            self.round.retain(|waits| *waits != address);
        }
        waiting.place.is_displaced = true;
        self.leave(address);
        Ok(waiting)
    }

    fn leave(&mut self, address: Address) {
        self.total = self.total.saturating_sub(1);
        if let Some(held) = self.held.get_mut(&address) {
            *held -= 1;
            if *held == 0 {
                self.held.remove(&address);
            }
        }
    }

    /// Who is next, and the address goes to the end of the round.
    fn next(&mut self) -> Option<Waiting> {
        let address = self.round.pop_front()?;
        let queue = self.waiting.get_mut(&address)?;
        let next = queue.pop_front();
        if queue.is_empty() {
            self.waiting.remove(&address);
        } else {
            self.round.push_back(address);
        }
        next
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.is_displaced {
            self.shared.state().leave(self.address);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(place) = self.place.take() else { return };
        let shared = Arc::clone(&place.shared);
        drop(place);
        // The turn goes to the next who still waits for it, or ends.
        loop {
            let next = {
                let mut state = shared.state();
                let next = state.next();
                if next.is_none() {
                    state.working -= 1;
                }
                next
            };
            let Some(Waiting { place, called }) = next else { return };
            match called.send(Turn { place: Some(place) }) {
                Ok(()) => return,
                // Nobody waits any more: only the place is given up here, and the turn goes on.
                Err(mut turn) => drop(turn.place.take()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use futures::future::BoxFuture;

    use super::*;

    type Waits = BoxFuture<'static, Result<Turn, Busy>>;

    fn address(last: u8) -> Address {
        Some(IpAddr::from([203, 0, 113, last]))
    }

    /// Waits for a turn, which has not come yet.
    fn waits(queue: &Queue, from: u8) -> Waits {
        let mut waits = queue.enter(address(from)).unwrap().turn().boxed();
        assert!((&mut waits).now_or_never().is_none());
        waits
    }

    /// Ends a turn and says who among those who wait is next.
    fn next(turn: Turn, all: &mut Vec<(&'static str, Waits)>) -> (&'static str, Turn) {
        drop(turn);
        for at in 0..all.len() {
            if let Some(turn) = (&mut all[at].1).now_or_never() {
                return (all.remove(at).0, turn.unwrap());
            }
        }
        panic!("nobody was called");
    }

    #[test]
    fn two_hundred_of_one_address_keep_a_stranger_waiting_for_one_of_them() {
        let queue = Queue::new(1, 256, 256);
        let mut turn = queue.enter(address(1)).unwrap().turn().now_or_never().unwrap().unwrap();
        let mut all: Vec<_> = (0..200).map(|_| ("many", waits(&queue, 1))).collect();
        all.push(("stranger", waits(&queue, 2)));
        all.push(("stranger", waits(&queue, 2)));
        all.push(("another", waits(&queue, 3)));
        let mut served = Vec::new();
        while !all.is_empty() {
            let (who, next) = next(turn, &mut all);
            served.push(who);
            turn = next;
        }
        assert_eq!(served[..6], ["many", "stranger", "another", "many", "stranger", "many"]);
        assert_eq!(served.len(), 203);
        drop(turn);
        assert_eq!(queue.total(), 0);
    }

    #[test]
    fn an_address_has_so_many_places_and_others_have_theirs() {
        let queue = Queue::new(2, 8, 3);
        let places: Vec<_> = (0..3).map(|_| queue.enter(address(1)).unwrap()).collect();
        assert!(queue.enter(address(1)).is_err());
        assert!(queue.enter(address(2)).is_ok());
        drop(places);
        assert!(queue.enter(address(1)).is_ok());
        assert_eq!(queue.total(), 0);
    }

    #[test]
    fn whoever_fills_the_queue_is_turned_away_and_not_whoever_comes() {
        let queue = Queue::new(1, 8, 8);
        let turn = queue.enter(address(1)).unwrap().turn().now_or_never().unwrap().unwrap();
        let mut many: Vec<_> = (0..7).map(|_| waits(&queue, 1)).collect();
        assert!(queue.enter(address(1)).is_err(), "the address itself gets no more");
        let strangers: Vec<_> = (2..5).map(|from| waits(&queue, from)).collect();
        assert_eq!(queue.total(), 8);
        for displaced in many.split_off(4) {
            assert!(displaced.now_or_never().unwrap().is_err(), "those who came last");
        }
        assert!(many.iter_mut().all(|waits| waits.now_or_never().is_none()));
        drop((turn, many, strangers));
    }

    #[test]
    fn whoever_has_gone_keeps_nobody_waiting() {
        let queue = Queue::new(1, 8, 8);
        let turn = queue.enter(address(1)).unwrap().turn().now_or_never().unwrap().unwrap();
        let gone = waits(&queue, 2);
        let mut called = waits(&queue, 3);
        let mut stays = vec![("stays", waits(&queue, 4))];
        drop(gone);
        drop(turn);
        // Called, and gone before it takes its turn.
        assert!(stays[0].1.as_mut().now_or_never().is_none());
        assert!(matches!(called.as_mut().now_or_never(), Some(Ok(_))));
        drop(called);
        let (who, turn) = match stays.pop() {
            Some((who, mut waits)) => (who, waits.as_mut().now_or_never().unwrap().unwrap()),
            None => unreachable!("it is there"),
        };
        assert_eq!(who, "stays");
        drop(turn);
        assert_eq!((queue.total(), queue.shared.state().working), (0, 0));
    }
}
