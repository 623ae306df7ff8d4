//! What if there were more load? A pure function of a resource and a factor.
//!
//! Assumptions, by what drives the resource:
//! - a *stock* (disks, inodes): what is there stays, what is added each day grows by the factor, so the time until it is full
//!   is divided by it;
//! - *load* (memory, connections, CPU): what is in use above the least ever seen grows by the factor, and so does
//!   its growth: the time is that of the room that is left, at a rate that is higher by the factor;
//! - a *date* (certificates) stays.

use super::kinds::Driver;
use super::{Days, Resource};
use serde::Serialize;

/// Factors that are answered.
pub const LOAD_MIN: f64 = 0.1;
/// The greatest factor.
pub const LOAD_MAX: f64 = 100.0;

/// A resource under another load.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WhatIf {
    /// The factor.
    pub load: f64,
    /// In use then; may be above the limit.
    pub used: f64,
    /// Share in use then; may be above 1.
    pub ratio: f64,
    /// When it would be full; all 0 when at once.
    pub days: Option<Days>,
}

/// The resource under `load` times the load; `None` for a factor outside [`LOAD_MIN`]..=[`LOAD_MAX`].
pub fn what_if(resource: &Resource, load: f64) -> Option<WhatIf> {
    if !(LOAD_MIN..=LOAD_MAX).contains(&load) {
        return None;
    }
    let (used, limit) = (resource.used, resource.limit);
    let then = match resource.driver {
        Driver::Load => {
            let base = resource.base.min(used);
            base + (used - base) * load
        }
        Driver::Stock | Driver::Date => used,
    };
    let rate = if resource.driver == Driver::Date { 1.0 } else { load };
    let full = then >= limit && resource.driver != Driver::Date;
    let room = if limit > used { (limit - then) / (limit - used) } else { 0.0 };
    let days = match &resource.forecast.days {
        _ if full => Some(Days::at(0.0)),
        Some(days) => Some(days.times((room / rate).max(0.0))),
        None => None,
    };
    Some(WhatIf { load, used: then, ratio: then / limit, days })
}
