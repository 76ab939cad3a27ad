//! The routes as clients meet them.

mod menus;
mod stores;
mod tickets;
mod typed;
