//! The NATS server starts, stops, dies, comes back with its data, and stands still when it is told to.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

use std::env;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use baedal_servers::{Nats, NatsOptions, testing};

fn started() -> Nats {
    Nats::start(testing::programs(), &env::temp_dir()).unwrap()
}

fn nobody_listens(port: u16) {
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    TcpListener::bind(("127.0.0.1", port)).unwrap();
}

/// The few words of NATS's protocol that tell whether JetStream keeps something.
struct Client(BufReader<TcpStream>);

impl Client {
    fn to(server: &Nats) -> Self {
        let stream = TcpStream::connect(server.url().trim_start_matches("nats://")).unwrap();
        let mut client = Self(BufReader::new(stream));
        assert!(client.line().starts_with("INFO "));
        client.say("CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB answers 1\r\n");
        client
    }

    fn say(&mut self, words: &str) {
        self.0.get_mut().write_all(words.as_bytes()).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line
    }

    /// Asks, and answers what comes back.
    fn ask(&mut self, subject: &str, question: &str) -> String {
        self.say(&format!("PUB {subject} answers {}\r\n{question}\r\n", question.len()));
        while !self.line().starts_with("MSG answers") {}
        self.line()
    }

    fn make_stream(&mut self) {
        let made = self.ask("$JS.API.STREAM.CREATE.KEPT", r#"{"name":"KEPT","subjects":["kept"],"storage":"file"}"#);
        assert!(!made.contains("error"), "{made}");
    }

    fn publish(&mut self) {
        let acknowledged = self.ask("kept", "hello");
        assert!(acknowledged.contains("\"seq\""), "{acknowledged}");
    }

    /// How many messages the stream holds; `None` if there is no such stream.
    fn kept(&mut self) -> Option<u64> {
        let said = self.ask("$JS.API.STREAM.INFO.KEPT", "");
        let (_, after) = said.split_once("\"messages\":")?;
        after.split(',').next()?.parse().ok()
    }
}

#[test]
fn keeps_data_and_port_over_a_stop_and_a_kill() {
    for sync_always in [false, true] {
        let mut server = Nats::start_with(
            testing::programs(),
            &env::temp_dir(),
            NatsOptions { sync_always, ..NatsOptions::default() },
        )
        .unwrap();
        let port = server.port();
        Client::to(&server).make_stream();
        Client::to(&server).publish();
        server.stop().unwrap();
        nobody_listens(port);
        assert!(server.pause().is_err(), "nothing runs that could be paused");

        server.start_again().unwrap();
        assert_eq!(server.port(), port);
        assert_eq!(Client::to(&server).kept(), Some(1));
        Client::to(&server).publish();
        server.kill().unwrap();
        nobody_listens(port);

        server.start_again().unwrap();
        assert_eq!(Client::to(&server).kept(), Some(2));
    }
}

#[test]
fn loses_its_data_when_told_to() {
    let mut server = started();
    Client::to(&server).make_stream();
    assert!(server.delete_data().is_err(), "it still runs");
    server.kill().unwrap();
    server.delete_data().unwrap();
    server.start_again().unwrap();
    assert_eq!(Client::to(&server).kept(), None);
}

#[test]
fn waits_while_paused() {
    let server = started();
    let mut client = Client::to(&server);
    client.say("PING\r\n");
    assert_eq!(client.line(), "PONG\r\n");
    server.pause().unwrap();
    client.say("PING\r\n");
    client.0.get_ref().set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let silence = client.0.read_line(&mut String::new()).unwrap_err();
    assert!(matches!(silence.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{silence}");
    client.0.get_ref().set_read_timeout(None).unwrap();
    server.resume().unwrap();
    assert_eq!(client.line(), "PONG\r\n");
}

#[test]
fn can_be_stopped_and_killed_while_paused() {
    let mut server = started();
    server.pause().unwrap();
    server.stop().unwrap();
    server.start_again().unwrap();
    server.pause().unwrap();
    server.kill().unwrap();
    server.start_again().unwrap();
    Client::to(&server);
}

#[test]
fn takes_its_files_with_it() {
    let folder = env::temp_dir().join(testing::database_name("baedal-nats"));
    let server = Nats::start(testing::programs(), &folder).unwrap();
    let port = server.port();
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    drop(server);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    nobody_listens(port);
    std::fs::remove_dir(folder).unwrap();
}

#[test]
fn finds_what_was_kept_in_a_folder() {
    let folder = env::temp_dir().join(testing::database_name("baedal-nats"));
    let start = || Nats::start_in(testing::programs(), &folder, NatsOptions::default()).unwrap();
    let server = start();
    let port = server.port();
    Client::to(&server).make_stream();
    drop(server);

    let server = start();
    assert_eq!(server.port(), port);
    assert_eq!(Client::to(&server).kept(), Some(0));
    drop(server);

    // Somebody has taken the port.
    let other = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let server = start();
    assert_ne!(server.port(), port);
    assert_eq!(Client::to(&server).kept(), Some(0));
    drop((server, other));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn says_why_it_does_not_start() {
    let folder = env::temp_dir().join(testing::database_name("baedal-nats"));
    std::fs::create_dir(&folder).unwrap();
    // Where its data would be, there is a file.
    std::fs::write(folder.join("data"), "").unwrap();
    let error = Nats::start_in(testing::programs(), &folder, NatsOptions::default()).unwrap_err();
    assert!(error.contains("ended while it was starting") && error.contains("not a directory"), "{error}");
    std::fs::remove_dir_all(folder).unwrap();
}
