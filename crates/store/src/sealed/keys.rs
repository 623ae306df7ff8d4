//! `keys.log`: the wrapped key of every sealed file.

use std::fmt;
use std::io;
use std::path::Path;

use hashbrown::HashMap;
use parking_lot::Mutex;
use plimsoll_world::{Chance, Disk, DiskFile, Open};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::{Error, Result};

const MAGIC: &[u8; 8] = b"PLMKEYS1";
/// Magic, wrapped zeroes, checksum.
const HEADER_BYTES: usize = 8 + WRAPPED_BYTES + 4;
/// Nonce, sealed key, tag.
pub(super) const WRAPPED_BYTES: usize = NONCE_LEN + 32 + 16;
/// Id, wrapped key, checksum.
const ENTRY_BYTES: usize = 16 + WRAPPED_BYTES + 4;
/// What the header's wrapped key is for.
const VERIFIER: [u8; 16] = *b"plimsoll key log";
/// Bytes of a key log at most: a million files.
const LOG_BYTES_MAX: u64 = 128 << 20;

/// The key-encryption key: 256 bits that never print.
#[derive(Clone, PartialEq, Eq)]
pub struct SealKey([u8; 32]);

impl SealKey {
    /// A key of these bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads 64 hexadecimal digits; blanks around them are left out.
    ///
    /// # Errors
    /// `Invalid`, without the text.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let digit = |b: u8| (b as char).to_digit(16).map(|d| d as u8);
        let pairs = text.as_bytes().chunks_exact(2).map(|p| Some(digit(p[0])? << 4 | digit(p[1])?));
        let bytes: Option<Vec<u8>> = if text.len() == 64 { pairs.collect() } else { None };
        bytes.and_then(|b| b.try_into().ok()).map(Self).ok_or_else(|| {
            Error::Invalid(
                "the encryption key is not 64 hexadecimal digits; make one with `openssl rand -hex 32`"
                    .to_owned(),
            )
        })
    }

    fn cipher(&self) -> io::Result<LessSafeKey> {
        cipher(&self.0)
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

impl Drop for SealKey {
    fn drop(&mut self) {
        self.0 = std::hint::black_box([0; 32]);
    }
}

pub(super) fn cipher(key: &[u8; 32]) -> io::Result<LessSafeKey> {
    let key = UnboundKey::new(&AES_256_GCM, key);
    key.map(LessSafeKey::new).map_err(|_| io::Error::other("AES-256-GCM refuses its key"))
}

/// The id of a file's key.
pub(super) type KeyId = [u8; 16];

/// The keys of all sealed files of a directory.
pub struct KeyRing {
    wrap: LessSafeKey,
    state: Mutex<State>,
}

struct State {
    file: Box<dyn DiskFile>,
    end: u64,
    keys: HashMap<KeyId, [u8; 32]>,
}

impl KeyRing {
    /// Opens the log, or makes one in a directory that holds no data yet.
    ///
    /// # Errors
    /// `Invalid` with "wrong key" when the key is not the one of this directory, or when the
    /// directory holds data that is not encrypted; `Corrupt`, `Io`.
    pub fn open(
        disk: &dyn Disk,
        chance: &dyn Chance,
        path: &Path,
        key: &SealKey,
        has_data: bool,
    ) -> Result<Self> {
        let io = |e| Error::io(format!("key log {}", path.display()), e);
        let wrap = key.cipher().map_err(io)?;
        if !disk.exists(path) {
            if has_data {
                return Err(Error::Invalid(format!(
                    "{} does not exist: the data directory is not encrypted. Leave out \
                     store.encryption, or import its data into a new directory",
                    path.display()
                )));
            }
            return Self::create(disk, chance, path, wrap).map_err(io);
        }
        let file = disk.open(path, Open::Write).map_err(io)?;
        let len = file.len().map_err(io)?.min(LOG_BYTES_MAX);
        let mut bytes = vec![0; len as usize];
        file.read_exact_at(&mut bytes, 0).map_err(io)?;
        let (keys, end) = read_log(&bytes, &wrap).map_err(|why| {
            let text = format!("{}: {why}", path.display());
            if why.starts_with("wrong key") { Error::Invalid(text) } else { Error::corrupt(text) }
        })?;
        let state = Mutex::new(State { file, end, keys });
        Ok(Self { wrap, state })
    }

    fn create(
        disk: &dyn Disk,
        chance: &dyn Chance,
        path: &Path,
        wrap: LessSafeKey,
    ) -> io::Result<Self> {
        let header = header(&wrap, chance)?;
        let file = place(disk, path, &header)?;
        let state = State { file, end: header.len() as u64, keys: HashMap::new() };
        Ok(Self { wrap, state: Mutex::new(state) })
    }

    /// Makes the key of a new file, durable when this returns. Also gives the wrapped key, for the
    /// file's own header.
    pub(super) fn fresh(
        &self,
        chance: &dyn Chance,
    ) -> io::Result<(KeyId, [u8; 32], [u8; WRAPPED_BYTES])> {
        let (mut id, mut key) = ([0; 16], [0; 32]);
        chance.fill(&mut id);
        chance.fill(&mut key);
        let wrapped = wrap_key(&self.wrap, chance, &id, &key)?;
        let mut state = self.state.lock();
        let at = state.end;
        state.file.write_all_at(&entry(&id, &wrapped), at)?;
        state.file.sync()?;
        state.end += ENTRY_BYTES as u64;
        state.keys.insert(id, key);
        Ok((id, key, wrapped))
    }

    /// All keys of the log: for a file whose header does not say which is its own.
    pub(super) fn all(&self) -> Vec<(KeyId, [u8; 32])> {
        self.state.lock().keys.iter().map(|(id, key)| (*id, *key)).collect()
    }

    /// The key of a file: from the log, else from the file's own header.
    pub(super) fn find(&self, id: &KeyId, wrapped: &[u8; WRAPPED_BYTES]) -> Option<[u8; 32]> {
        let known = self.state.lock().keys.get(id).copied();
        known.or_else(|| unwrap_key(&self.wrap, id, wrapped))
    }
}

/// Wraps all keys of a log by a new key-encryption key: the data stays as it is. Atomic.
///
/// # Errors
/// `Invalid` with "wrong key" when `old` is not the one of this log, `Corrupt`, `Io`.
pub fn rotate(
    disk: &dyn Disk,
    chance: &dyn Chance,
    path: &Path,
    old: &SealKey,
    new: &SealKey,
) -> Result<usize> {
    let ring = KeyRing::open(disk, chance, path, old, true)?;
    let state = ring.state.lock();
    let write = || -> io::Result<()> {
        let wrap = new.cipher()?;
        let mut bytes = header(&wrap, chance)?;
        for (id, key) in &state.keys {
            bytes.extend_from_slice(&entry(id, &wrap_key(&wrap, chance, id, key)?));
        }
        place(disk, path, &bytes).map(drop)
    };
    write().map_err(|e| Error::io(format!("rewrite {}", path.display()), e))?;
    Ok(state.keys.len())
}

/// Writes a whole log, at once or not at all.
fn place(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<Box<dyn DiskFile>> {
    let tmp = path.with_extension("tmp");
    match disk.remove(&tmp) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let file = disk.open(&tmp, Open::CreateNew)?;
    file.write_all_at(bytes, 0)?;
    file.sync()?;
    disk.rename(&tmp, path)?;
    disk.sync_dir(path.parent().unwrap_or(Path::new(".")))?;
    Ok(file)
}

fn header(wrap: &LessSafeKey, chance: &dyn Chance) -> io::Result<Vec<u8>> {
    let mut b = MAGIC.to_vec();
    b.extend_from_slice(&wrap_key(wrap, chance, &VERIFIER, &[0; 32])?);
    let crc = crc32c::crc32c(&b);
    b.extend_from_slice(&crc.to_le_bytes());
    Ok(b)
}

fn entry(id: &KeyId, wrapped: &[u8; WRAPPED_BYTES]) -> [u8; ENTRY_BYTES] {
    let mut b = [0; ENTRY_BYTES];
    b[..16].copy_from_slice(id);
    b[16..16 + WRAPPED_BYTES].copy_from_slice(wrapped);
    let crc = crc32c::crc32c(&b[..16 + WRAPPED_BYTES]);
    b[16 + WRAPPED_BYTES..].copy_from_slice(&crc.to_le_bytes());
    b
}

fn wrap_key(
    wrap: &LessSafeKey,
    chance: &dyn Chance,
    id: &KeyId,
    key: &[u8; 32],
) -> io::Result<[u8; WRAPPED_BYTES]> {
    let mut out = [0; WRAPPED_BYTES];
    // Random: a log is rewritten by every rotation, and a counter would have to survive that.
    chance.fill(&mut out[..NONCE_LEN]);
    let mut sealed = key.to_vec();
    let nonce = nonce_of(&out[..NONCE_LEN]);
    let done = wrap.seal_in_place_append_tag(nonce, Aad::from(id), &mut sealed);
    done.map_err(|_| io::Error::other("a key cannot be wrapped"))?;
    out[NONCE_LEN..].copy_from_slice(&sealed);
    Ok(out)
}

fn unwrap_key(wrap: &LessSafeKey, id: &KeyId, wrapped: &[u8; WRAPPED_BYTES]) -> Option<[u8; 32]> {
    let mut sealed = wrapped[NONCE_LEN..].to_vec();
    let nonce = nonce_of(&wrapped[..NONCE_LEN]);
    let plain = wrap.open_in_place(nonce, Aad::from(id), &mut sealed).ok()?;
    plain.try_into().ok()
}

pub(super) fn nonce_of(bytes: &[u8]) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    nonce.copy_from_slice(&bytes[..NONCE_LEN]);
    Nonce::assume_unique_for_key(nonce)
}

type Keys = HashMap<KeyId, [u8; 32]>;

/// The keys of a log and where the next one goes. A damaged entry is left out: the file's own header
/// has its key too.
fn read_log(bytes: &[u8], wrap: &LessSafeKey) -> Result<(Keys, u64), &'static str> {
    let mut keys = Keys::new();
    let mut opens = 0;
    let body = bytes.get(HEADER_BYTES..).unwrap_or_default();
    for e in body.chunks_exact(ENTRY_BYTES) {
        let (data, crc) = e.split_at(16 + WRAPPED_BYTES);
        if crc32c::crc32c(data).to_le_bytes() != crc {
            continue;
        }
        let (id, wrapped) = data.split_at(16);
        let (Ok(id), Ok(wrapped)) = (id.try_into(), wrapped.try_into()) else { continue };
        if let Some(key) = unwrap_key(wrap, &id, &wrapped) {
            keys.insert(id, key);
            opens += 1;
        }
    }
    let end = (HEADER_BYTES + body.len() / ENTRY_BYTES * ENTRY_BYTES) as u64;
    let whole = bytes.len() >= HEADER_BYTES && {
        let (data, crc) = bytes[..HEADER_BYTES].split_at(HEADER_BYTES - 4);
        data.starts_with(MAGIC) && crc32c::crc32c(data).to_le_bytes() == crc
    };
    if whole {
        let wrapped = bytes[8..8 + WRAPPED_BYTES].try_into().map_err(|_| "key log is cut")?;
        if unwrap_key(wrap, &VERIFIER, &wrapped).is_none() {
            return Err("wrong key: the data directory was encrypted with another one");
        }
    } else if opens == 0 {
        return Err("the key log is damaged; restore it from a backup of the data directory");
    }
    Ok((keys, end))
}

pub(super) fn fuzz(bytes: &[u8]) {
    if let Ok(wrap) = cipher(&[7; 32]) {
        drop(read_log(bytes, &wrap));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_world::World;

    #[test]
    fn keys_come_back_and_a_wrong_key_is_told() {
        let (world, _) = World::simulated(1, 0);
        let (disk, chance) = (&*world.disk, &*world.chance);
        let path = Path::new("d/keys.log");
        disk.create_dir_all(Path::new("d")).unwrap();
        let (a, b) = (SealKey::new([1; 32]), SealKey::new([2; 32]));
        let ring = KeyRing::open(disk, chance, path, &a, false).unwrap();
        let (id, key, wrapped) = ring.fresh(chance).unwrap();
        let again = KeyRing::open(disk, chance, path, &a, true).unwrap();
        assert_eq!(again.find(&id, &wrapped), Some(key));
        let wrong = KeyRing::open(disk, chance, path, &b, true).err().unwrap();
        assert!(wrong.to_string().contains("wrong key"), "{wrong}");
        assert_eq!(rotate(disk, chance, path, &a, &b).unwrap(), 1);
        let turned = KeyRing::open(disk, chance, path, &b, true).unwrap();
        assert_eq!(turned.find(&id, &wrapped), Some(key));
        assert!(KeyRing::open(disk, chance, path, &a, true).is_err());
        let plain = KeyRing::open(disk, chance, Path::new("d/none"), &a, true).err().unwrap();
        assert!(plain.to_string().contains("not encrypted"), "{plain}");
    }

    #[test]
    fn keys_are_read_and_never_shown() {
        let key = SealKey::parse(&format!(" {}\n", "0f".repeat(32))).unwrap();
        assert_eq!(key, SealKey::new([15; 32]));
        assert_eq!(format!("{key:?}"), "<secret>");
        for bad in ["", "0f", &"zz".repeat(32), &"0f".repeat(33)] {
            let e = SealKey::parse(bad).unwrap_err().to_string();
            assert!(e.contains("64 hexadecimal") && (bad.is_empty() || !e.contains(bad)), "{e}");
        }
    }
}
