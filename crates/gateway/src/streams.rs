//! Live streams on their way to the client: counted, and ended when this process drains, or with their token.
//!
//! Where a stream comes from may not be ending; whoever watches it has to come back to another gateway all the
//! same, and does so at once if it is told.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use baedal_kit_runtime::lifecycle::Lifecycle;
use futures::FutureExt;
use futures::future::BoxFuture;
use hyper::body::{Body as HttpBody, Frame};

/// What a stream says last. A browser passes over an event without data.
const GOODBYE: Bytes = Bytes::from_static(b"event: reconnect\ndata: {}\nretry: 1000\n\n");
/// What ends an event.
const END: &[u8] = b"\n\n";

/// Passes a stream on until it ends, its time is over or this process drains. It has its place for as long.
pub(crate) fn passed_on<P: Send + Unpin + 'static>(
    response: Response,
    place: P,
    lifecycle: &Lifecycle,
    lives: Duration,
) -> Response {
    let lifecycle = lifecycle.clone();
    let over = async move {
        tokio::select! {
            () = lifecycle.draining() => {}
            () = tokio::time::sleep(lives) => {}
        }
    };
    let over = over.boxed();
    response.map(|body| Body::new(Stream { body: Some(body), between_events: true, over, _place: place }))
}

struct Stream<P> {
    /// None when it was ended.
    body: Option<Body>,
    /// Whether what was sent so far ends with the end of an event.
    between_events: bool,
    over: BoxFuture<'static, ()>,
    _place: P,
}

impl<P: Unpin> HttpBody for Stream<P> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        if let Poll::Ready(frame) = Pin::new(body).poll_frame(context) {
            if let Some(data) = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()) {
                self.between_events = data.ends_with(END);
            }
            return Poll::Ready(frame);
        }
        if self.over.poll_unpin(context).is_pending() {
            return Poll::Pending;
        }
        self.body = None;
        // An event of which only a part was sent is not an event to the client.
        Poll::Ready(self.between_events.then(|| Ok(Frame::data(GOODBYE))))
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;
    use futures::channel::mpsc;
    use http_body_util::BodyExt;

    use super::*;

    const LONG: Duration = Duration::from_secs(900);

    async fn drained_after(sent: &'static str) -> String {
        let (sender, receiver) = mpsc::unbounded();
        sender.unbounded_send(sent).expect("a stream");
        let frames = receiver.map(Ok::<_, std::io::Error>);
        let lifecycle = Lifecycle::default();
        let response = passed_on(Response::new(Body::from_stream(frames)), (), &lifecycle, LONG);
        let mut body = response.into_body();
        let first = body.frame().await.expect("a frame").expect("a frame").into_data().expect("data");
        lifecycle.drain();
        let rest = body.collect().await.expect("an end").to_bytes();
        String::from_utf8([first, rest].concat()).expect("text")
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_when_its_token_does() {
        let frames = futures::stream::iter([Ok::<_, std::io::Error>("data: 1\n\n")]).chain(futures::stream::pending());
        let began = tokio::time::Instant::now();
        let response = passed_on(Response::new(Body::from_stream(frames)), (), &Lifecycle::default(), LONG);
        let told = response.into_body().collect().await.expect("an end").to_bytes();
        assert_eq!(told, "data: 1\n\nevent: reconnect\ndata: {}\nretry: 1000\n\n");
        assert_eq!(began.elapsed().as_secs(), 900);
    }

    #[tokio::test]
    async fn a_stream_that_goes_on_elsewhere_ends_when_this_process_drains() {
        let told = drained_after("data: 1\n\n").await;
        assert_eq!(told, "data: 1\n\nevent: reconnect\ndata: {}\nretry: 1000\n\n");
        assert_eq!(drained_after("data: {\"half").await, "data: {\"half");
    }
}
