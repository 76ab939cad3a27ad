//! Whole orders, through the whole platform, over its HTTP interface: what the tests here share.
