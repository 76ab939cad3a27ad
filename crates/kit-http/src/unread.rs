//! What nobody read of a request's body is read to its end and thrown away.
//!
//! A connection whose request was answered before its body had arrived cannot carry another request: it
//! is closed, and the client, which is still sending, sees it reset instead of the answer. So the answer
//! waits for the rest, within bounds; beyond them it says that the connection is closed.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use http::{HeaderValue, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::oneshot;

/// The most that is thrown away.
const MOST: usize = 16 * 1024 * 1024;
/// How long the rest is waited for.
const LONGEST: Duration = Duration::from_secs(2);

/// Answers a request with `answer`, and takes in what that left of its body.
pub async fn taken_in<F>(request: Request, answer: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    if request.body().is_end_stream() {
        return answer(request).await;
    }
    // Such a client sends its body only when somebody begins to read it.
    let waits_to_be_asked = request.headers().contains_key(header::EXPECT);
    let (give_back, mut given_back) = oneshot::channel();
    let request =
        request.map(|body| Body::new(Lent { body, touched: false, ended: false, give_back: Some(give_back) }));
    let mut response = answer(request).await;
    if let Ok(Rest { body, touched }) = given_back.try_recv() {
        let all_here = (touched || !waits_to_be_asked) && thrown_away(body).await;
        if !all_here {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
    response
}

/// Whether there was an end to it.
async fn thrown_away(body: Body) -> bool {
    let mut body = Limited::new(body, MOST);
    let to_the_end = async {
        while let Some(frame) = body.frame().await {
            if frame.is_err() {
                return false;
            }
        }
        true
    };
    tokio::time::timeout(LONGEST, to_the_end).await.unwrap_or(false)
}

/// A body that comes back when whoever has it lets it go before its end.
struct Lent {
    body: Body,
    touched: bool,
    ended: bool,
    give_back: Option<oneshot::Sender<Rest>>,
}

/// What is left of a body, and whether any of it was asked for.
struct Rest {
    body: Body,
    touched: bool,
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.touched = true;
        let frame = Pin::new(&mut self.body).poll_frame(context);
        self.ended |= matches!(frame, Poll::Ready(None));
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let body = std::mem::take(&mut self.body);
        if let Some(give_back) = self.give_back.take().filter(|_| !self.ended && !body.is_end_stream()) {
            // Refused where the answer does not wait for it any more.
            let _ = give_back.send(Rest { body, touched: self.touched });
        }
    }
}
