//! Faults on order: which operation of the simulated disk fails, when, and how.

use std::path::Path;

/// What a [`FaultPlan`] waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Reading from a file.
    Read,
    /// Writing to a file.
    Write,
    /// Syncing a file.
    Sync,
    /// Syncing a directory.
    SyncDir,
    /// Cutting, extending or reserving.
    Resize,
    /// Opening an existing file.
    Open,
    /// Creating a file or a directory.
    Create,
    /// Renaming.
    Rename,
    /// Removing a file or a directory.
    Remove,
    /// Giving a second name.
    Link,
}

impl Op {
    /// Whether the operation can change what is on the disk; only these are counted.
    pub(super) fn changes(self) -> bool {
        !matches!(self, Op::Read | Op::Open)
    }
}

/// How the operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `EIO`; the operation has no effect.
    Io,
    /// `ENOSPC`; the operation has no effect.
    Full,
    /// A write takes at most this many bytes; anything else fails with `EIO`.
    Short(usize),
    /// A sync fails with `EIO`, the un-synced bytes stay readable, and later syncs succeed without
    /// them, as on Linux. Anything else fails with `EIO`.
    LosePages,
}

/// A fault that strikes the n-th operation of a kind.
#[derive(Clone, Debug)]
pub struct FaultPlan {
    op: Op,
    nth: u64,
    fault: Fault,
    only: Option<String>,
    lasting: bool,
}

impl FaultPlan {
    /// Strikes the `nth` operation of this kind from now on (1 is the next one), once.
    pub fn new(op: Op, nth: u64, fault: Fault) -> Self {
        Self { op, nth: nth.max(1), fault, only: None, lasting: false }
    }

    /// Counts and strikes only paths that contain `part`.
    #[must_use]
    pub fn only(mut self, part: &str) -> Self {
        self.only = Some(part.to_owned());
        self
    }

    /// Strikes every later one too.
    #[must_use]
    pub fn lasting(mut self) -> Self {
        self.lasting = true;
        self
    }

    /// Whether this operation is struck; counts it.
    fn strikes(&mut self, op: Op, path: &Path) -> bool {
        let here = self.only.as_deref().is_none_or(|part| path.to_string_lossy().contains(part));
        if self.op != op || !here {
            return false;
        }
        self.nth = self.nth.saturating_sub(1);
        self.nth == 0
    }
}

/// The fault that strikes now, if any. Plans that are used up leave.
pub(super) fn strike(plans: &mut Vec<FaultPlan>, op: Op, path: &Path) -> Option<Fault> {
    let mut struck = None;
    plans.retain_mut(|plan| {
        if !plan.strikes(op, path) {
            return true;
        }
        struck.get_or_insert(plan.fault);
        plan.lasting
    });
    struck
}
