//! What the broker lets each context do, as it is shipped, is what the contexts do: neither more nor less.

use std::collections::{BTreeMap, BTreeSet};

use baedal_contracts::schemas::public_events;
use baedal_servers::CONTEXTS;

use super::*;

/// For systemd; and what `cargo xtask up` and the tests start NATS with.
const CONF: &str = include_str!("../../../../deploy/nats/users.conf");
/// For Kubernetes.
const VALUES: &str = include_str!("../../../../deploy/kubernetes/nats-values.yaml");

/// What a user may do.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Grant {
    password: String,
    publish: BTreeSet<String>,
    subscribe: BTreeSet<String>,
}

/// What a context does at the broker: of JetStream's interface,
/// <https://docs.nats.io/reference/reference-protocols/nats_api_reference>.
fn done_by(context: &str) -> Grant {
    let mut publish = BTreeSet::new();
    let tellers: Vec<_> = public_events().iter().map(|events| events.source).collect();
    if tellers.contains(&context) {
        // The relay: it tells, and keeps its stream.
        publish.extend([all_events(context), heads(context)]);
        let stream = stream(context);
        publish.extend(["CREATE", "UPDATE", "PURGE", "MSG.GET"].map(|what| format!("$JS.API.STREAM.{what}.{stream}")));
    }
    // Whoever hears: is there a stream, what is in it, and a consumer that reads it.
    for source in tellers {
        let stream = stream(source);
        publish.extend(["STREAM.INFO", "DIRECT.GET", "CONSUMER.CREATE"].map(|what| format!("$JS.API.{what}.{stream}")));
        publish.extend(["DIRECT.GET", "CONSUMER.CREATE"].map(|what| format!("$JS.API.{what}.{stream}.>")));
        publish.insert(format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.*"));
    }
    let subscribe = [heads("*"), format!("_INBOX.{context}.>")].into();
    Grant { password: format!("$NATS_{}_PASSWORD", context.to_uppercase()), publish, subscribe }
}

/// What stands between two things on a line.
fn between<'a>(line: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(before)?;
    Some(rest.split_once(after)?.0)
}

/// What the file for NATS itself grants.
fn granted_by_conf() -> BTreeMap<String, Grant> {
    let mut grants = BTreeMap::new();
    let mut of = String::new();
    for line in CONF.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        if let Some(user) = between(line, "user: ", ",") {
            of = user.to_owned();
            let password = line.split_once("password: ").map(|(_, password)| password.to_owned()).unwrap_or_default();
            assert!(grants.insert(of.clone(), Grant { password, ..Grant::default() }).is_none(), "{user} twice");
        } else if let Some(grant) = grants.get_mut(&of) {
            if let Some(subjects) = between(line, "subscribe: { allow: [", "]") {
                grant.subscribe = subjects.split(", ").map(|subject| subject.trim_matches('"').to_owned()).collect();
            } else if line.starts_with('"') {
                assert!(grant.publish.insert(line.trim_matches('"').to_owned()), "{of}: {line} twice");
            } else {
                let is_bracket = line.chars().all(|character| "{}[] ".contains(character));
                assert!(is_bracket || ["permissions: {", "publish: { allow: ["].contains(&line), "{of}: {line}");
            }
        }
    }
    grants
}

/// What the values for the Helm chart grant.
fn granted_by_values() -> BTreeMap<String, Grant> {
    let mut grants = BTreeMap::new();
    let mut of = String::new();
    let users = VALUES.split_once("      users:\n").expect("users").1;
    // Whatever is indented less comes after them.
    for line in users.lines().take_while(|line| line.starts_with("        ")).map(str::trim) {
        if let Some(user) = line.strip_prefix("- user: ") {
            of = user.to_owned();
            assert!(grants.insert(of.clone(), Grant::default()).is_none(), "{user} twice");
        } else if let Some(grant) = grants.get_mut(&of) {
            if let Some(password) = between(line, "password: << ", " >>") {
                grant.password = password.to_owned();
            } else if let Some(subjects) = between(line, "allow: [", "]") {
                grant.subscribe = subjects.split(", ").map(str::to_owned).collect();
            } else if let Some(subject) = line.strip_prefix("- ") {
                assert!(grant.publish.insert(subject.to_owned()), "{of}: {line} twice");
            } else {
                assert!(["permissions:", "publish:", "allow:", "subscribe:"].contains(&line), "{of}: {line}");
            }
        }
    }
    grants
}

#[test]
fn each_user_of_the_broker_is_granted_what_its_context_does_and_nothing_else() {
    let done: BTreeMap<_, _> = CONTEXTS.iter().map(|context| ((*context).to_owned(), done_by(context))).collect();
    for (file, granted) in [("users.conf", granted_by_conf()), ("nats-values.yaml", granted_by_values())] {
        assert!(granted.keys().eq(done.keys()), "{file}: {:?}", granted.keys());
        for (context, does) in &done {
            assert_eq!(&granted[context], does, "{file}: {context}");
        }
    }
}

#[test]
fn no_context_is_granted_to_publish_what_is_anothers_to_tell() {
    for context in CONTEXTS {
        let Grant { publish, .. } = done_by(context);
        let told = publish.iter().filter(|subject| subject.starts_with("baedal."));
        assert!(told.clone().all(|subject| subject.split('.').nth(2) == Some(context)), "{context}: {publish:?}");
        let is_teller = public_events().iter().any(|events| events.source == context);
        assert_eq!(told.count(), if is_teller { 2 } else { 0 }, "{context}");
    }
}
