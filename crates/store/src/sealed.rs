//! Encryption at rest: a disk that seals, around a disk (`docs/format/sealed.md`).
//!
//! Every file has a key of its own (AES-256-GCM); these keys are wrapped by one key-encryption key
//! that comes from outside, and stand in `keys.log` beside the data, so that a rotation rewrites
//! that file and nothing else. A file is a sequence of frames, each sealed whole with a nonce that
//! is used once; what is written again at the same place is a new frame. Above this disk nothing
//! changes: formats, checksums, crash rules are those of plain files.
//!
//! A frame that does not open reads as zeroes, and the checksums of the format above tell: damage
//! is set aside there as it is without encryption. Bound in memory: 24 bytes per frame of an open
//! file, 80 per key.

mod disk;
mod file;
mod keys;

use std::sync::Arc;

use plimsoll_world::World;

pub use disk::SealedDisk;
pub use keys::{KeyRing, SealKey, rotate};

use crate::filenames::Names;
use crate::{Error, Result};

/// The world with a disk that seals, where the directory is to be encrypted.
pub(crate) fn seal(world: World, names: &Names, key: Option<&SealKey>) -> Result<World> {
    let Some(key) = key else {
        if world.disk.exists(&names.keys()) {
            return Err(Error::Invalid(format!(
                "data directory {} is encrypted; set store.encryption to its key",
                names.root().display()
            )));
        }
        return Ok(world);
    };
    let has_data = world.disk.exists(&names.manifest());
    let (disk, chance) = (&*world.disk, &*world.chance);
    let keys = KeyRing::open(disk, chance, &names.keys(), key, has_data)?;
    let plain = vec![names.keys(), names.reserve(), names.lock()];
    let chance = Arc::clone(&world.chance);
    let disk = SealedDisk::new(Arc::clone(&world.disk), Arc::clone(&chance), keys, plain);
    Ok(World { disk: Arc::new(disk), chance, clock: world.clock })
}

/// What a fuzzer calls: reads `bytes` as a sealed file and as `keys.log`. Never panics.
pub fn fuzz_sealed(bytes: &[u8]) {
    file::fuzz(bytes);
    keys::fuzz(bytes);
}
