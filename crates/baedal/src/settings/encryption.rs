//! Who speaks TLS with whom: half encrypted is refused, since whoever can choose would choose the other half.

use anyhow::{Result, bail};

use super::{Peers, Settings};
use crate::roles::Roles;

/// How the address of who speaks TLS begins.
const HTTPS: &str = "https://";

impl Peers {
    /// Refuses addresses of a context that are verified by nobody, and those that are not encrypted where others are.
    pub(super) fn must_be_as_private_as_set(&self, context: &str) -> Result<()> {
        for address in self.addresses.get(context).into_iter().flatten() {
            match (&self.tls_root, address.starts_with(HTTPS)) {
                (None, true) => bail!(
                    "`peers.addresses.{context}` holds {address}, and `peers.tls_root` is not set: it is the file with the \
                     certificate of the authority that has signed the others' certificates"
                ),
                (Some(_), false) => bail!(
                    "`peers.tls_root` is set, and `peers.addresses.{context}` holds {address}, which is not encrypted: \
                     write {HTTPS}… there, and give {context} a certificate (`tls`); or take `peers.tls_root` away"
                ),
                (None, false) | (Some(_), true) => {}
            }
        }
        Ok(())
    }
}

impl Settings {
    /// Refuses a certificate that nobody is shown.
    pub(super) fn must_use_its_certificates(&self, roles: &Roles) -> Result<()> {
        if self.internal_tls.is_some() && !self.listens_inside(roles) {
            bail!(
                "`internal_tls` is for `internal_listen`, where this process does not listen: the certificate of `listen` \
                 is `tls`"
            );
        }
        Ok(())
    }

    /// Refuses where the others are told of this process's contexts what they would not find.
    pub(super) fn must_be_found_as_it_listens(&self, roles: &Roles) -> Result<()> {
        let (setting, tls) = if roles.gateway { ("internal_tls", &self.internal_tls) } else { ("tls", &self.tls) };
        for context in roles.contexts() {
            for address in self.peers.addresses.get(*context).into_iter().flatten() {
                match (tls, address.starts_with(HTTPS)) {
                    (None, true) => bail!(
                        "`peers.addresses.{context}` holds {address}, {context} runs in this process, and `{setting}` is \
                         not set: it is the certificate to show there, as {{certificate = \"…\", key = \"…\"}}"
                    ),
                    (Some(_), false) => bail!(
                        "`{setting}` is set, so {context} speaks nothing but TLS, and `peers.addresses.{context}` holds \
                         {address}: write {HTTPS}… there"
                    ),
                    (None, false) | (Some(_), true) => {}
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use baedal_kit_http::peers::Fingerprint;

    use super::*;
    use crate::roles::{CONTEXTS, GATEWAY};
    use crate::server::TlsFiles;

    /// A process of an installation that speaks TLS everywhere, or nowhere.
    fn settings(roles: &[&str], secure: bool) -> Settings {
        let mut settings =
            Settings { roles: roles.iter().map(|role| (*role).to_owned()).collect(), ..Settings::default() };
        settings.nats.urls = vec!["nats://127.0.0.1:4222".to_owned()];
        settings.peers.secret = "what-this-process-shows-all-the-others".into();
        let scheme = if secure { "https" } else { "http" };
        for context in CONTEXTS {
            settings.peers.addresses.insert(context.to_owned(), vec![format!("{scheme}://{context}:7101")]);
        }
        for name in CONTEXTS.into_iter().chain([GATEWAY]) {
            settings.peers.known.insert(name.to_owned(), vec![Fingerprint::of(name).to_string()]);
        }
        settings
    }

    fn certificate() -> Option<TlsFiles> {
        Some(TlsFiles { certificate: "order.pem".into(), key: "order.key".into() })
    }

    /// A file with an authority.
    fn authority(folder: &tempfile::TempDir) -> Option<PathBuf> {
        let file = folder.path().join("authority.pem");
        std::fs::write(&file, rcgen::generate_simple_self_signed([]).unwrap().cert.pem()).unwrap();
        Some(file)
    }

    fn refused(settings: &Settings) -> String {
        format!("{:#}", settings.roles().expect_err("it is refused"))
    }

    #[test]
    fn all_speak_tls_or_nobody_does() {
        let folder = tempfile::tempdir().unwrap();
        let root = authority(&folder);
        for secure in [false, true] {
            let root = root.clone().filter(|_| secure);
            let mut gateway = settings(&[GATEWAY], secure);
            gateway.peers.tls_root.clone_from(&root);
            gateway.roles().unwrap();
            // What the gateway shows the world is its own affair.
            gateway.tls = certificate();
            gateway.roles().unwrap();
            let mut order = settings(&["order"], secure);
            (order.tls, order.peers.tls_root) = (certificate().filter(|_| secure), root.clone());
            order.roles().unwrap();
            let mut both = settings(&[GATEWAY, "order"], secure);
            (both.internal_tls, both.peers.tls_root) = (certificate().filter(|_| secure), root);
            both.roles().unwrap();
        }
    }

    #[test]
    fn what_is_half_set_is_refused_in_one_line_that_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let root = authority(&folder);
        let with = |secure, change: &dyn Fn(&mut Settings)| {
            let mut settings = settings(&["order"], secure);
            change(&mut settings);
            refused(&settings)
        };
        for (said, names, remedy) in [
            (
                with(true, &|order| order.tls = certificate()),
                "`peers.tls_root` is not set",
                "certificate of the authority",
            ),
            (with(false, &|order| order.peers.tls_root.clone_from(&root)), "`peers.tls_root` is set", "write https://"),
            (with(true, &|order| order.peers.tls_root.clone_from(&root)), "`tls` is not set", "certificate = "),
            (with(false, &|order| order.tls = certificate()), "`tls` is set", "write https://"),
            (with(false, &|order| order.internal_tls = certificate()), "`internal_tls`", "`tls`"),
            (
                with(true, &|order| {
                    order.tls = certificate();
                    order.peers.tls_root = Some(folder.path().join("nothing.pem"));
                }),
                "`peers.tls_root` cannot be used",
                "nothing.pem cannot be read",
            ),
        ] {
            assert!(said.contains(names) && said.contains(remedy) && said.lines().count() == 1, "{said}");
        }
        let mut both = settings(&[GATEWAY, "order"], true);
        (both.tls, both.peers.tls_root) = (certificate(), root);
        assert!(refused(&both).contains("`internal_tls` is not set"), "{}", refused(&both));
    }
}
