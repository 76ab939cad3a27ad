//! A live stream: server-sent events, frame by frame.
//!
//! The format: <https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>.

use std::collections::VecDeque;
use std::time::Duration;

use http::{HeaderName, HeaderValue, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::de::DeserializeOwned;

use crate::error::{Error, Problem};
use crate::transport::Client;

/// A stream that says nothing for so long, not even that it is alive, has broken.
const SILENCE: Duration = Duration::from_secs(60);

/// One event of a stream.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Frame {
    /// What to send as `Last-Event-ID` to go on behind it.
    pub id: String,
    /// Its name; empty for the usual ones.
    pub event: String,
    /// What it says.
    pub data: String,
}

impl Frame {
    /// What it says, from JSON.
    ///
    /// # Errors
    /// [`Error::Unreadable`] where it is not a `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_str(&self.data).map_err(|error| Error::Unreadable {
            what: "a frame".to_owned(),
            story: format!("{error} in {}", self.data),
        })
    }
}

/// An open stream. Dropping it closes it.
#[derive(Debug)]
pub struct Live {
    body: Incoming,
    parser: Parser,
    address: String,
}

impl Live {
    pub(crate) async fn open(
        client: &Client,
        bearer: &HeaderValue,
        position: Option<(HeaderName, HeaderValue)>,
        path: &str,
        last_event_id: Option<&str>,
    ) -> Result<Self, Error> {
        let last = last_event_id
            .and_then(|id| HeaderValue::from_str(id).ok())
            .map(|id| (HeaderName::from_static("last-event-id"), id));
        let headers =
            [(header::AUTHORIZATION, bearer.clone()), (header::ACCEPT, HeaderValue::from_static("text/event-stream"))];
        let response = client.open_in_time(path, headers.into_iter().chain(position).chain(last)).await?;
        let (head, body) = response.into_parts();
        if head.status.is_success() {
            return Ok(Self { body, parser: Parser::default(), address: client.base_url().to_owned() });
        }
        let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        Err(Error::Problem(Problem::read(head.status, &head.headers, &body)))
    }

    /// The next frame; nothing where the stream has ended.
    ///
    /// # Errors
    /// [`Error::NoAnswer`] where the connection broke.
    pub async fn next(&mut self) -> Result<Option<Frame>, Error> {
        loop {
            if let Some(frame) = self.parser.ready.pop_front() {
                return Ok(Some(frame));
            }
            let part =
                tokio::time::timeout(SILENCE, self.body.frame()).await.map_err(|_| self.broke("it went silent"))?;
            match part {
                Some(Ok(part)) => {
                    if let Ok(bytes) = part.into_data() {
                        self.parser.feed(&bytes);
                    }
                }
                Some(Err(error)) => return Err(self.broke(&error.to_string())),
                None => return Ok(None),
            }
        }
    }

    fn broke(&self, story: &str) -> Error {
        Error::NoAnswer { address: self.address.clone(), story: story.to_owned() }
    }
}

/// Turns bytes into frames.
#[derive(Debug, Default)]
struct Parser {
    line: Vec<u8>,
    frame: Frame,
    has_data: bool,
    ready: VecDeque<Frame>,
}

impl Parser {
    fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if *byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                self.line(String::from_utf8_lossy(&line).trim_end_matches('\r'));
            } else {
                self.line.push(*byte);
            }
        }
    }

    fn line(&mut self, line: &str) {
        if line.is_empty() {
            // An event without an id of its own keeps the id of the one before it.
            let next = Frame { id: self.frame.id.clone(), ..Frame::default() };
            let frame = std::mem::replace(&mut self.frame, next);
            if std::mem::take(&mut self.has_data) {
                self.ready.push_back(frame);
            }
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => value.clone_into(&mut self.frame.id),
            "event" => value.clone_into(&mut self.frame.event),
            "data" => {
                if self.has_data {
                    self.frame.data.push('\n');
                }
                self.frame.data.push_str(value);
                self.has_data = true;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_however_the_bytes_are_cut() {
        let text = "retry: 1000\nid: 7\ndata: {\"a\":1}\n\n: heartbeat\n\nevent: reconnect\ndata: {}\n\n";
        for size in 1..text.len() {
            let mut parser = Parser::default();
            text.as_bytes().chunks(size).for_each(|part| parser.feed(part));
            let frames: Vec<_> = parser.ready.into();
            assert_eq!(
                frames,
                [
                    Frame { id: "7".to_owned(), event: String::new(), data: "{\"a\":1}".to_owned() },
                    Frame { id: "7".to_owned(), event: "reconnect".to_owned(), data: "{}".to_owned() },
                ]
            );
        }
    }
}
