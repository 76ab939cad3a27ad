//! How far a client has got with sending its request.
//!
//! When the process stops, a request that has arrived is answered. One of which only a part has arrived may
//! never come to its end, and is not waited for.
//!
//! ```text
//!   new ── bytes ──▶ begun ── head ──▶ arriving ── body ──▶ in hand ── answered ──▶ waiting
//!                      ▲                                                               │
//!                      └──────────────────────────── bytes ────────────────────────────┘
//! ```

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use baedal_kit_http::Problem;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::doors::{Head, full, instead_of, late, written};

const NEW: u64 = 0;
const WAITING: u64 = 1;
const BEGUN: u64 = 2;
const ARRIVING: u64 = 3;
const IN_HAND: u64 = 4;
/// How many bits a step takes; above them are the milliseconds, since the connection was taken, at which it came.
const BITS: u32 = 3;

/// Where one connection is with its request; it has one at a time. Cloning shares it.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    taken: Instant,
    step: Arc<AtomicU64>,
    /// Whoever sends it has had their time.
    late: Arc<AtomicBool>,
}

/// What a connection's client owes us, and since when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Owes {
    /// The head of its first request, or the rest of a head.
    Head(Instant),
    /// Nothing: it may send another request.
    Nothing(Instant),
    /// The rest of a body that is being read; or it is our turn.
    Elsewhere,
}

impl Arrival {
    /// Of a connection that was just taken.
    pub(super) fn new() -> Self {
        Self { taken: Instant::now(), step: Arc::new(AtomicU64::new(NEW)), late: Arc::default() }
    }

    /// Whether a part of a request has arrived, and not all of it.
    pub(super) fn is_half(&self) -> bool {
        matches!(self.now().0, BEGUN | ARRIVING)
    }

    /// What the client owes us.
    pub(super) fn owes(&self) -> Owes {
        match self.now() {
            (NEW | BEGUN, since) => Owes::Head(since),
            (WAITING, since) => Owes::Nothing(since),
            _ => Owes::Elsewhere,
        }
    }

    /// The step it is at, and since when.
    fn now(&self) -> (u64, Instant) {
        let step = self.step.load(Ordering::Relaxed);
        (step & ((1 << BITS) - 1), self.taken + Duration::from_millis(step >> BITS))
    }

    /// A step, taken now.
    fn taken_now(&self, to: u64) -> u64 {
        let since = u64::try_from(self.taken.elapsed().as_millis()).unwrap_or(u64::MAX);
        (since << BITS) | to
    }

    /// No more of a head is waited for: whatever asks the socket next is told so, and the client as well.
    pub(super) fn is_late(&self) {
        self.late.store(true, Ordering::Relaxed);
    }

    /// Whether the head of a request is arriving, or none has yet begun.
    fn is_before_a_request(&self) -> bool {
        matches!(self.now().0, NEW | WAITING | BEGUN)
    }

    /// The connection's socket, watched.
    pub(super) fn of<Stream>(&self, stream: Stream, head: Head, limit: Duration) -> Watched<Stream> {
        Watched { stream, arrival: self.clone(), head, limit }
    }

    /// A request's head has arrived, with this body behind it. The rest has when it was read or is not wanted.
    pub(super) fn arriving(&self, body: Body) -> Body {
        if body.is_end_stream() {
            self.in_hand();
            return body;
        }
        self.step.store(self.taken_now(ARRIVING), Ordering::Relaxed);
        let arrival = self.clone();
        Body::new(Until { body, then: move || arrival.step(ARRIVING, IN_HAND) })
    }

    /// It is being answered.
    pub(super) fn in_hand(&self) {
        self.step.store(self.taken_now(IN_HAND), Ordering::Relaxed);
    }

    /// The answer's body: when it is sent, the next request may come.
    pub(super) fn answering(&self, body: Body) -> Body {
        self.in_hand();
        let arrival = self.clone();
        Body::new(Until { body, then: move || arrival.step(IN_HAND, WAITING) })
    }

    fn step(&self, from: u64, to: u64) {
        // It may be elsewhere already.
        let _ = self.step.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |step| {
            (step & ((1 << BITS) - 1) == from).then(|| self.taken_now(to))
        });
    }
}

/// A body, and what is done when nobody has it any more.
struct Until<Then: FnMut()> {
    body: Body,
    then: Then,
}

impl<Then: FnMut()> Drop for Until<Then> {
    fn drop(&mut self) {
        (self.then)();
    }
}

impl<Then: FnMut() + Unpin> HttpBody for Until<Then> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A socket that notices when a request begins to come, and how much its head holds.
pub(super) struct Watched<Stream> {
    stream: Stream,
    arrival: Arrival,
    head: Head,
    limit: Duration,
}

impl<Stream: AsyncWrite + Unpin> Watched<Stream> {
    /// The end of a connection whose request is not waited for: the client is told why, if it still listens.
    fn ends(&mut self, context: &mut Context<'_>, why: Problem) -> io::Error {
        let error = io::Error::other(why.kind().title);
        self.head.over();
        // Whoever does not listen is not waited for either.
        let _ = Pin::new(&mut self.stream).poll_write(context, &written(why));
        error
    }

    /// What is sent instead of these bytes: hyper answers by itself where it was handed no request.
    fn instead_of(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        if self.arrival.now().0 == BEGUN { instead_of(bytes) } else { None }
    }
}

impl<Stream: AsyncRead + AsyncWrite + Unpin> AsyncRead for Watched<Stream> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.arrival.late.load(Ordering::Relaxed) {
            let late = late(self.limit);
            return Poll::Ready(Err(self.ends(context, late)));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let more = buffer.filled().len() - before;
        if !self.arrival.is_before_a_request() {
            self.head.over();
        } else if more > 0 {
            self.arrival.step(WAITING, BEGUN);
            self.arrival.step(NEW, BEGUN);
            if let Err(no_room) = self.head.grows(more) {
                return Poll::Ready(Err(self.ends(context, full(no_room))));
            }
        }
        read
    }
}

impl<Stream: AsyncWrite + Unpin> AsyncWrite for Watched<Stream> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(problem) = self.instead_of(bytes) {
            return Pin::new(&mut self.stream).poll_write(context, &problem).map_ok(|_| bytes.len());
        }
        if !self.arrival.is_before_a_request() {
            self.head.over();
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [only] = bytes
            && let Some(problem) = self.instead_of(only)
        {
            return Pin::new(&mut self.stream).poll_write(context, &problem).map_ok(|_| only.len());
        }
        if !self.arrival.is_before_a_request() {
            self.head.over();
        }
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
