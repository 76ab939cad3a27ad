//! Whether a process says that it is ready, and what it says of what it depends on.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What `/health/ready` answers operators.
#[derive(Clone, PartialEq, Debug)]
pub struct Readiness {
    /// Whether requests should be sent there.
    pub is_ready: bool,
    /// All of what is said.
    pub said: Value,
}

/// Asks the process that answers operators there; nothing, where none does.
pub(crate) async fn ask(address: SocketAddr) -> Option<Readiness> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(b"GET /health/ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some(Readiness { is_ready: head.starts_with("HTTP/1.1 200 "), said: serde_json::from_str(body).ok()? })
}
