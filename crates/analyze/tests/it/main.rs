//! Series with known truth and properties: what the analyses must find, must not find, and must survive.

mod changes;
mod detector;
mod generator;
mod kernels;
mod references;
mod shapes;
mod states;
mod trends;
mod zoo;
