//! Who may do what.
//!
//! Every route of the HTTP door declares the [`Permission`] that it needs; a [`Role`] is a set of
//! permissions; an [`Identity`] has a role. Until users exist there is one identity, the anonymous
//! one, and [`check_listen`] decides where it may be served: on loopback, or elsewhere when the
//! operator said so in as many words. [`Hosts`] decides by which names it may be called.

#![forbid(unsafe_code)]

mod hosts;
mod listen;
mod permission;

pub use hosts::Hosts;
pub use listen::{ListenError, Opened, check_listen};
pub use permission::{Denied, Identity, Permission, Role};
