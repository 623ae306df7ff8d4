//! Every name that the store gives to a file or a directory, and how the names are read back.

use std::path::{Path, PathBuf};

use plimsoll_model::Tier;

/// Milliseconds of a day: partitions are UTC days.
pub const DAY_MS: i64 = 86_400_000;

/// The directory of a store and the names in it.
#[derive(Clone, Debug)]
pub struct Names {
    root: PathBuf,
}

impl Names {
    /// Names under `root`.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The data directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Locked by the instance that uses the directory.
    pub fn lock(&self) -> PathBuf {
        self.root.join("LOCK")
    }

    /// Space that is given up when the disk is full.
    pub fn reserve(&self) -> PathBuf {
        self.root.join("RESERVE")
    }

    /// The manifest.
    pub fn manifest(&self) -> PathBuf {
        self.root.join("MANIFEST")
    }

    /// A manifest that is being written.
    pub fn manifest_tmp(&self) -> PathBuf {
        self.root.join("MANIFEST.tmp")
    }

    /// Wrapped keys of sealed files, where the directory is encrypted.
    pub fn keys(&self) -> PathBuf {
        self.root.join("keys.log")
    }

    /// Segments of the write-ahead log.
    pub fn wal(&self) -> PathBuf {
        self.root.join("wal")
    }

    /// One segment: the first sequence number, then the attempt.
    pub fn segment(&self, first_seq: u64, attempt: u32) -> PathBuf {
        self.wal().join(format!("{first_seq:020}-{attempt}.wal"))
    }

    /// Files that are being written.
    pub fn tmp(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// Snapshots, a directory each.
    pub fn snapshots(&self) -> PathBuf {
        self.root.join("snapshots")
    }

    /// Files that turned out damaged.
    pub fn quarantine(&self) -> PathBuf {
        self.root.join("quarantine")
    }

    /// Raw parts, a directory per day.
    pub fn parts(&self) -> PathBuf {
        self.root.join("parts").join("raw")
    }

    /// The parts of one day (days since 1970).
    pub fn day(&self, day: i64) -> PathBuf {
        self.parts().join(day_name(day))
    }

    /// One part.
    pub fn part(&self, day: i64, id: &str) -> PathBuf {
        self.day(day).join(part_file(id))
    }

    /// Tier parts, a directory per tier.
    pub fn tiers(&self) -> PathBuf {
        self.root.join("parts").join("tiers")
    }

    /// The parts of one tier.
    pub fn tier(&self, tier: Tier) -> PathBuf {
        self.tiers().join(plimsoll_model::format_duration_ms(tier.0))
    }

    /// One tier part.
    pub fn tier_part(&self, tier: Tier, id: &str) -> PathBuf {
        self.tier(tier).join(part_file(id))
    }

    /// A part that is being written.
    pub fn part_tmp(&self, id: &str) -> PathBuf {
        self.tmp().join(part_file(id))
    }
}

/// The file name of a part.
pub fn part_file(id: &str) -> String {
    format!("{id}.plm")
}

/// `20261121T060000Z-2be650b6d019eb54`, as Prometheus names its snapshots.
pub fn snapshot_name(wall_ms: i64, chance: u64) -> String {
    let seconds = wall_ms.rem_euclid(DAY_MS) / 1000;
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let day = day_name(day_of(wall_ms)).replace('-', "");
    format!("{day}T{h:02}{m:02}{s:02}Z-{chance:016x}")
}

/// The first number and the attempt in a segment's name.
pub fn parse_segment(name: &str) -> Option<(u64, u32)> {
    let (first, attempt) = name.strip_suffix(".wal")?.split_once('-')?;
    (first.len() == 20).then_some(())?;
    Some((first.parse().ok()?, attempt.parse().ok()?))
}

/// The day that a time belongs to.
pub const fn day_of(time: i64) -> i64 {
    time.div_euclid(DAY_MS)
}

/// `2026-11-21` for days since 1970 (Howard Hinnant's `civil_from_days`).
pub fn day_name(day: i64) -> String {
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let d = doy - (153 * mp + 2) / 5 + 1;
    let m = if mp < 10 { mp + 3 } else { mp - 9 };
    let y = yoe + era * 400 + i64::from(m <= 2);
    format!("{y:04}-{m:02}-{d:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_names() {
        for (ms, name) in [
            (0, "1970-01-01"),
            (DAY_MS - 1, "1970-01-01"),
            (-1, "1969-12-31"),
            (951_782_400_000, "2000-02-29"),
            (1_795_219_200_000, "2026-11-21"),
        ] {
            assert_eq!(day_name(day_of(ms)), name);
        }
    }

    #[test]
    fn segment_names_come_back() {
        let path = Names::new(Path::new("d")).segment(17, 2);
        let name = path.file_name().unwrap().to_str().unwrap();
        assert_eq!(parse_segment(name), Some((17, 2)));
        for bad in ["17-2.wal", "x.wal", "00000000000000000017.wal", "00000000000000000017-2"] {
            assert_eq!(parse_segment(bad), None);
        }
    }
}
