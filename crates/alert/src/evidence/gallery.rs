//! Pictures that went out with messages, as files of a directory.
//!
//! Each has an id that nobody can guess; its file's name is the time of its making and the id. At most
//! [`PICTURES_MAX`] pictures and [`BYTES_MAX`] bytes are kept, the newest, for [`KEPT_MS`]. A picture is
//! not synced: after a power cut it may be gone, and its message has its figures. Nothing is written when
//! less than [`FREE_MIN`] bytes are free.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use plimsoll_model::{DAY_MS, Timestamp};
use plimsoll_world::{Chance, Disk, Open};

use super::Drawing;

/// Pictures that are kept.
pub const PICTURES_MAX: usize = 2_000;
/// Their bytes.
pub const BYTES_MAX: u64 = 500 << 20;
/// How long a picture is kept, ms.
pub const KEPT_MS: i64 = 30 * DAY_MS;
/// Bytes that must be free on the disk.
const FREE_MIN: u64 = 64 << 20;
/// Bytes of an id.
const ID_BYTES: usize = 16;

/// A form of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureKind {
    /// Pixels.
    Png,
    /// Lines.
    Svg,
}

impl PictureKind {
    /// Both.
    const ALL: [Self; 2] = [Self::Png, Self::Svg];

    /// How its files end.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Svg => "svg",
        }
    }
}

/// A picture that is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// Its id: 32 hexadecimal digits.
    pub id: String,
}

impl Picture {
    /// Where it is served.
    pub fn url(&self, external_url: &str, kind: PictureKind) -> String {
        format!("{external_url}/api/plimsoll/v1/evidence/{}.{}", self.id, kind.extension())
    }
}

/// The pictures that are kept.
pub struct Gallery {
    disk: Arc<dyn Disk>,
    chance: Arc<dyn Chance>,
    dir: PathBuf,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// Bytes by time and id.
    pictures: BTreeMap<(Timestamp, String), u64>,
    /// Times by id.
    times: BTreeMap<String, Timestamp>,
    bytes: u64,
}

impl fmt::Debug for Gallery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gallery").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Gallery {
    /// The pictures of a directory, which is made when it is missing. A directory that cannot be read is
    /// taken as empty; writing to it fails then, too.
    pub fn open(
        disk: Arc<dyn Disk>,
        chance: Arc<dyn Chance>,
        dir: PathBuf,
        now: Timestamp,
    ) -> Self {
        let gallery = Self { disk, chance, dir, kept: Mutex::default() };
        let found = gallery.disk.create_dir_all(&gallery.dir);
        match found.and_then(|()| gallery.disk.list(&gallery.dir)) {
            Ok(entries) => {
                let mut kept = gallery.kept.lock();
                for entry in entries.into_iter().filter(|e| !e.is_dir) {
                    if let Some((at, id)) = parsed(&entry.name) {
                        kept.add(at, id, entry.len);
                    }
                }
                gallery.make_room(&mut kept, 0, now);
            }
            Err(e) => {
                let dir = gallery.dir.display().to_string();
                tracing::warn!(dir, error = %e, "pictures of messages cannot be kept");
            }
        }
        gallery
    }

    /// Keeps a drawing; old ones make room.
    ///
    /// # Errors
    /// It cannot be written; nothing of it is left then.
    pub fn put(&self, drawing: &Drawing, now: Timestamp) -> io::Result<Picture> {
        let free = self.disk.space(&self.dir)?.free;
        if free < FREE_MIN {
            return Err(io::Error::new(
                io::ErrorKind::StorageFull,
                format!("{free} bytes free; pictures are written while there are {FREE_MIN}"),
            ));
        }
        let mut random = [0; ID_BYTES];
        self.chance.fill(&mut random);
        let id: String = random.iter().map(|b| format!("{b:02x}")).collect();
        let bytes = (drawing.png.len() + drawing.svg.len()) as u64;
        let mut kept = self.kept.lock();
        self.make_room(&mut kept, bytes, now);
        let written = PictureKind::ALL.iter().try_for_each(|kind| {
            let body = match kind {
                PictureKind::Png => drawing.png.as_slice(),
                PictureKind::Svg => drawing.svg.as_bytes(),
            };
            self.disk.open(&self.path(now, &id, *kind), Open::CreateNew)?.write_all_at(body, 0)
        });
        if let Err(e) = written {
            self.remove(now, &id);
            return Err(e);
        }
        kept.add(now, id.clone(), bytes);
        Ok(Picture { id })
    }

    /// The bytes of a picture; `None` when it is not kept any more, or never was.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn get(&self, id: &str, kind: PictureKind) -> io::Result<Option<Vec<u8>>> {
        let Some(at) = self.kept.lock().times.get(id).copied() else { return Ok(None) };
        let file = match self.disk.open(&self.path(at, id, kind), Open::Read) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e),
        };
        let mut bytes = vec![0; usize::try_from(file.len()?).unwrap_or(0)];
        file.read_exact_at(&mut bytes, 0)?;
        Ok(Some(bytes))
    }

    /// Removes what is too old.
    pub fn expire(&self, now: Timestamp) {
        self.make_room(&mut self.kept.lock(), 0, now);
    }

    /// How many pictures are kept, and their bytes.
    pub fn size(&self) -> (u64, u64) {
        let kept = self.kept.lock();
        (kept.pictures.len() as u64, kept.bytes)
    }

    /// Removes what is too old, and the oldest until so many more bytes have room.
    fn make_room(&self, kept: &mut Kept, more: u64, now: Timestamp) {
        let room_for = u64::from(more > 0);
        while let Some(((at, id), _)) = kept.pictures.first_key_value() {
            let is_old = now - at > KEPT_MS;
            let is_full = kept.pictures.len() as u64 + room_for > PICTURES_MAX as u64
                || kept.bytes + more > BYTES_MAX;
            if !is_old && !is_full {
                break;
            }
            let (at, id) = (*at, id.clone());
            self.remove(at, &id);
            kept.drop(at, id);
        }
    }

    fn remove(&self, at: Timestamp, id: &str) {
        for kind in PictureKind::ALL {
            match self.disk.remove(&self.path(at, id, kind)) {
                Ok(()) => {}
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => tracing::warn!(id, error = %e, "a picture of a message is not removed"),
            }
        }
    }

    fn path(&self, at: Timestamp, id: &str, kind: PictureKind) -> PathBuf {
        self.dir.join(format!("{at:013}-{id}.{}", kind.extension()))
    }
}

impl Kept {
    fn add(&mut self, at: Timestamp, id: String, bytes: u64) {
        self.bytes += bytes;
        self.times.insert(id.clone(), at);
        *self.pictures.entry((at, id)).or_default() += bytes;
    }

    fn drop(&mut self, at: Timestamp, id: String) {
        self.times.remove(&id);
        self.bytes -= self.pictures.remove(&(at, id)).unwrap_or(0);
    }
}

/// Time and id of a file's name; `None` when it is no picture.
fn parsed(name: &str) -> Option<(Timestamp, String)> {
    let (stem, extension) = name.split_once('.')?;
    let (at, id) = stem.split_once('-')?;
    let is_known = PictureKind::ALL.iter().any(|k| k.extension() == extension);
    let is_id = id.len() == 2 * ID_BYTES && id.bytes().all(|b| b.is_ascii_hexdigit());
    if !is_known || !is_id || at.len() != 13 {
        return None;
    }
    Some((at.parse().ok()?, id.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_world::World;

    fn drawing(bytes: usize) -> Drawing {
        Drawing { svg: "<svg/>".to_owned(), png: vec![7; bytes] }
    }

    fn open(world: &World, now: i64) -> Gallery {
        Gallery::open(Arc::clone(&world.disk), Arc::clone(&world.chance), "/e".into(), now)
    }

    #[test]
    fn a_picture_is_kept_across_a_restart_and_not_for_ever() {
        let (world, _sim) = World::simulated(1, 0);
        let gallery = open(&world, 1_000);
        let picture = gallery.put(&drawing(10), 1_000).unwrap();
        assert_eq!(picture.id.len(), 32);
        assert_ne!(picture, gallery.put(&drawing(10), 1_000).unwrap());
        let gallery = open(&world, 2_000);
        assert_eq!(gallery.size(), (2, 32));
        assert_eq!(gallery.get(&picture.id, PictureKind::Png).unwrap().unwrap(), [7; 10]);
        assert_eq!(gallery.get(&picture.id, PictureKind::Svg).unwrap().unwrap(), b"<svg/>");
        for strange in ["", "../records.db", &"0".repeat(32)] {
            assert_eq!(gallery.get(strange, PictureKind::Png).unwrap(), None);
        }
        gallery.expire(1_000 + KEPT_MS);
        assert_eq!(gallery.size().0, 2);
        gallery.expire(1_001 + KEPT_MS);
        assert_eq!(gallery.size(), (0, 0));
        assert!(world.disk.list(std::path::Path::new("/e")).unwrap().is_empty());
    }

    #[test]
    fn the_oldest_make_room() {
        let (world, _sim) = World::simulated(1, 0);
        let gallery = open(&world, 0);
        let first = gallery.put(&drawing(1), 0).unwrap();
        for i in 1..=PICTURES_MAX as i64 {
            gallery.put(&drawing(1), i).unwrap();
        }
        assert_eq!(gallery.size(), (PICTURES_MAX as u64, 7 * PICTURES_MAX as u64));
        assert_eq!(gallery.get(&first.id, PictureKind::Png).unwrap(), None);
        assert_eq!(world.disk.list(std::path::Path::new("/e")).unwrap().len(), 2 * PICTURES_MAX);
    }

    #[test]
    fn names_of_others_are_left_alone() {
        for name in ["x", "1.png", "0000000001000-ab.png", "0000000001000-é.png", "a-b.svg"] {
            assert_eq!(parsed(name), None, "{name}");
        }
        let name = format!("0000000001000-{}.png", "ab".repeat(16));
        assert_eq!(parsed(&name), Some((1_000, "ab".repeat(16))));
    }
}
