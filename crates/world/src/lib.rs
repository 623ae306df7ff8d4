//! The outside of Plimsoll: clock, disk, chance and worker threads, each real and simulated.
//!
//! Promise: outside this crate nobody reads the clock, opens a file or draws a random number, so
//! that every engine above it can be run in virtual time, on a disk that crashes when told to.

#![forbid(unsafe_code)]

mod chance;
mod clock;
mod disk;
mod workers;

pub use chance::{Chance, SeededChance, SystemChance, id};
pub use clock::{Clock, SimClock, SystemClock};
pub use disk::{
    CrashKind, Disk, DiskFile, Entry, Fault, FaultPlan, LockGuard, Op, Open, RealDisk, SimDisk,
    Space,
};
pub use workers::Workers;

use std::sync::Arc;

/// What an engine knows of the outside. Clones are handles of the same things.
#[derive(Clone)]
pub struct World {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Keeps files.
    pub disk: Arc<dyn Disk>,
    /// Draws random numbers.
    pub chance: Arc<dyn Chance>,
}

impl World {
    /// The machine that this process runs on.
    pub fn real() -> Self {
        Self {
            clock: Arc::new(SystemClock::default()),
            disk: Arc::new(RealDisk),
            chance: Arc::new(SystemChance),
        }
    }

    /// A machine in memory whose clock stands at `wall_ms`, and the handles that drive it. The same
    /// seed gives the same losses and the same random numbers.
    pub fn simulated(seed: u64, wall_ms: i64) -> (Self, Sim) {
        let sim = Sim {
            clock: Arc::new(SimClock::at(wall_ms)),
            disk: SimDisk::new(seed),
            chance: Arc::new(SeededChance::new(seed)),
        };
        (sim.world(), sim)
    }

    /// A new identifier: 26 characters that sort by wall time.
    pub fn id(&self) -> String {
        id(self.clock.wall_ms(), &*self.chance)
    }
}

/// The handles of a simulated [`World`].
#[derive(Clone)]
pub struct Sim {
    /// Moves time.
    pub clock: Arc<SimClock>,
    /// Crashes, fails, fills up and rots.
    pub disk: SimDisk,
    /// The seeded numbers.
    pub chance: Arc<SeededChance>,
}

impl Sim {
    /// The world that these handles drive.
    pub fn world(&self) -> World {
        World {
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            disk: Arc::new(self.disk.clone()),
            chance: Arc::clone(&self.chance) as Arc<dyn Chance>,
        }
    }

    /// Stops the machine and starts it again on what is left of its disk; the clock goes on.
    pub fn reboot(&mut self, kind: CrashKind) -> World {
        self.disk = self.disk.reboot(kind);
        self.world()
    }
}
