//! Free ports on 127.0.0.1.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Below the ports that systems give to outgoing connections (Linux: from 32768): there, a client that keeps
/// trying a server that is down could be given the server's own port, and the server would never come back.
const FIRST: u32 = 16_000;
const COUNT: u32 = 8_000;
/// A process of the platform listens for operators so many ports above where it listens for everybody. Those ports
/// are given to nobody else.
pub(crate) const ADMIN: u16 = 1_000;

/// A port that nobody listens on just now. Another process may take it before the server does: who starts a server
/// must be ready to try another. Within this process no port is given out twice (until all were).
pub(crate) fn free() -> Result<u16, String> {
    static START: OnceLock<u32> = OnceLock::new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Processes that start together begin at different places.
    let start = *START.get_or_init(|| (RandomState::new().hash_one(std::process::id()) % u64::from(COUNT)) as u32);
    (0..COUNT)
        .filter_map(|_| {
            let number = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
            let blocks = number / u32::from(ADMIN);
            u16::try_from(FIRST + blocks * u32::from(ADMIN) + number).ok()
        })
        .find(|port| is_free(*port))
        .ok_or_else(|| format!("no port of 127.0.0.1 is free from {FIRST} to {}", FIRST + 2 * COUNT - 1))
}

/// Takes a port, so that nobody else does before the server is there: `wanted` if it is free, else any.
pub(crate) fn hold(wanted: Option<u16>) -> Result<TcpListener, String> {
    if let Some(held) = wanted.and_then(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()) {
        return Ok(held);
    }
    for _ in 0..COUNT {
        if let Ok(held) = TcpListener::bind((Ipv4Addr::LOCALHOST, free()?)) {
            return Ok(held);
        }
    }
    Err("no port of 127.0.0.1 stays free".into())
}

/// Whether a server could listen on this port now.
pub(crate) fn is_free(port: u16) -> bool {
    let is_free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    is_free(port) && is_free(port.saturating_add(ADMIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_each_port_once_and_none_that_is_taken() {
        let first = free().unwrap();
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, first)).unwrap();
        assert!(!is_free(first));
        drop(taken);
        assert!(is_free(first));
        assert_ne!(free().unwrap(), first);
    }
}
