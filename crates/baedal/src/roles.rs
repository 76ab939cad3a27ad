//! What a process runs: the gateway, some contexts, or everything.

use anyhow::{Result, bail};
use baedal_contracts::source::{DELIVERY, IDENTITY, NOTIFICATION, ORDER, PAYMENT, STORE, TRACKING};

/// The one entry, as a role.
pub const GATEWAY: &str = "gateway";
/// Every context.
pub const CONTEXTS: [&str; 7] = [IDENTITY, ORDER, PAYMENT, STORE, DELIVERY, NOTIFICATION, TRACKING];

/// What this process runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Roles {
    /// Whether it is the entry.
    pub gateway: bool,
    contexts: Vec<&'static str>,
}

impl Roles {
    /// As they are named in the settings; none named means all.
    ///
    /// # Errors
    /// Where there is no such role.
    pub fn named(names: &[String]) -> Result<Self> {
        if names.is_empty() {
            return Ok(Self { gateway: true, contexts: CONTEXTS.to_vec() });
        }
        if let Some(unknown) = names.iter().find(|name| !Self::exist(name)) {
            bail!("there is no role {unknown:?}; there are {GATEWAY}, {}", CONTEXTS.join(", "));
        }
        let is_named = |role: &&str| names.iter().any(|name| name == role);
        Ok(Self { gateway: is_named(&GATEWAY), contexts: CONTEXTS.into_iter().filter(is_named).collect() })
    }

    /// Whether there is such a role.
    #[must_use]
    pub fn exist(name: &str) -> bool {
        name == GATEWAY || CONTEXTS.contains(&name)
    }

    /// The contexts it runs.
    #[must_use]
    pub fn contexts(&self) -> &[&'static str] {
        &self.contexts
    }

    /// Whether it runs a context.
    #[must_use]
    pub fn run(&self, context: &str) -> bool {
        self.contexts.contains(&context)
    }

    /// The contexts that run elsewhere.
    pub fn elsewhere(&self) -> impl Iterator<Item = &'static str> + '_ {
        CONTEXTS.into_iter().filter(|context| !self.run(context))
    }

    /// Whether it runs every context.
    #[must_use]
    pub fn have_every_context(&self) -> bool {
        self.contexts.len() == CONTEXTS.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> Result<Roles> {
        Roles::named(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn none_named_means_all() {
        let all = named(&[]).expect("roles");
        assert!(all.gateway && all.have_every_context());
    }

    #[test]
    fn some_run_here_and_the_others_elsewhere() {
        let some = named(&["payment", "order"]).expect("roles");
        assert_eq!((some.gateway, some.contexts()), (false, &[ORDER, PAYMENT][..]));
        assert_eq!(some.elsewhere().collect::<Vec<_>>(), [IDENTITY, STORE, DELIVERY, NOTIFICATION, TRACKING]);
        let error = named(&["oder"]).expect_err("no such role");
        assert!(error.to_string().starts_with("there is no role \"oder\"; there are gateway, identity"), "{error}");
    }
}
