//! Series with known truth and properties: what the analyses must find, must not find, and must survive.

mod detector;
mod generator;
mod kernels;
mod states;
mod trends;
