//! Tests of orders: the domain in sentences, the domain at random, what it hears, and its way in.

mod any_history;
mod baskets;
mod breaker;
mod deadlines;
mod given;
mod placing;
mod policy;
mod requests;
mod scenarios;
mod world;
