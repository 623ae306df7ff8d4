//! One sealed file: a header, then frames in the order in which they were written.

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use plimsoll_world::{Chance, DiskFile};
use ring::aead::{Aad, LessSafeKey, NONCE_LEN};

use super::keys::{KeyId, WRAPPED_BYTES, cipher, nonce_of};

const MAGIC: &[u8; 8] = b"PLMSEAL1";
pub(super) const HEADER_BYTES: usize = 128;
const FRAME_MAGIC: u32 = 0x464d_4c50;
/// Magic, length, place, nonce, checksum.
const FRAME_HEADER_BYTES: usize = 4 + 4 + 8 + NONCE_LEN + 4;
const TAG_BYTES: usize = 16;
/// Plain bytes of a frame at most.
const FRAME_BYTES_MAX: usize = 1 << 20;
/// Frames on which the key of a file without a header is tried.
const FRAMES_TRIED: usize = 4;
/// Bytes that are searched at once for the next frame after a damaged header.
const WINDOW_BYTES: usize = 1 << 20;

/// The first bytes of a sealed file.
pub(super) fn header(id: &KeyId, wrapped: &[u8; WRAPPED_BYTES]) -> [u8; HEADER_BYTES] {
    let mut b = [0; HEADER_BYTES];
    b[..8].copy_from_slice(MAGIC);
    b[8..24].copy_from_slice(id);
    b[24..24 + WRAPPED_BYTES].copy_from_slice(wrapped);
    let crc = crc32c::crc32c(&b[..HEADER_BYTES - 4]);
    b[HEADER_BYTES - 4..].copy_from_slice(&crc.to_le_bytes());
    b
}

/// Whether a header is as it was written.
pub(super) fn is_whole(b: &[u8; HEADER_BYTES]) -> bool {
    let crc = crc32c::crc32c(&b[..HEADER_BYTES - 4]);
    b.starts_with(MAGIC) && b.ends_with(&crc.to_le_bytes())
}

/// Id and wrapped key of a sealed file. A header with a wrong checksum is tried all the same: a wrong
/// id or key opens nothing.
pub(super) fn read_header(b: &[u8; HEADER_BYTES]) -> Option<(KeyId, [u8; WRAPPED_BYTES])> {
    let id = b[8..24].try_into().ok()?;
    let wrapped = b[24..24 + WRAPPED_BYTES].try_into().ok()?;
    Some((id, wrapped))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Frame {
    /// Place of its plain bytes.
    at: u64,
    /// Plain bytes.
    len: u32,
    /// Place of its header in the file.
    place: u64,
}

impl Frame {
    const fn end(self) -> u64 {
        self.at + self.len as u64
    }
}

struct State {
    /// In the order of `at`, apart from each other, unless `rewritten`.
    frames: Vec<Frame>,
    /// Frames overlap: the one written last counts.
    rewritten: bool,
    end: u64,
    counter: u32,
}

/// A file whose bytes are sealed on their way to the disk.
pub struct SealedFile {
    inner: Box<dyn DiskFile>,
    key: LessSafeKey,
    id: KeyId,
    /// Eight bytes of every nonce of this opening; the other four count.
    session: [u8; 8],
    state: Mutex<State>,
    /// Place and plain bytes of the frame that was read last: 1 MiB at most.
    last: Mutex<Option<(u64, Arc<Vec<u8>>)>>,
    /// It never got its header, and no key.
    closed: bool,
}

impl SealedFile {
    /// A file that has its header and nothing else.
    pub(super) fn fresh(
        inner: Box<dyn DiskFile>,
        id: KeyId,
        key: &[u8; 32],
        chance: &dyn Chance,
    ) -> io::Result<Self> {
        let state =
            State { frames: Vec::new(), rewritten: false, end: HEADER_BYTES as u64, counter: 0 };
        Self::with(inner, id, key, chance, state)
    }

    /// A file with frames, which are found here.
    pub(super) fn open(
        inner: Box<dyn DiskFile>,
        id: KeyId,
        key: &[u8; 32],
        chance: &dyn Chance,
    ) -> io::Result<Self> {
        let state = scan(&*inner)?;
        Self::with(inner, id, key, chance, state)
    }

    fn with(
        inner: Box<dyn DiskFile>,
        id: KeyId,
        key: &[u8; 32],
        chance: &dyn Chance,
        state: State,
    ) -> io::Result<Self> {
        let mut session = [0; 8];
        chance.fill(&mut session);
        Ok(Self {
            inner,
            key: cipher(key)?,
            id,
            session,
            state: Mutex::new(state),
            last: Mutex::default(),
            closed: false,
        })
    }

    fn aad(&self, at: u64, len: u32) -> [u8; 28] {
        let mut aad = [0; 28];
        aad[..16].copy_from_slice(&self.id);
        aad[16..24].copy_from_slice(&at.to_le_bytes());
        aad[24..].copy_from_slice(&len.to_le_bytes());
        aad
    }

    /// The same, never to be written.
    pub(super) fn closed(self) -> Self {
        Self { closed: true, ..self }
    }

    /// Whether one of its first frames opens.
    pub(super) fn opens(&self) -> io::Result<bool> {
        let first: Vec<_> = self.state.lock().frames.iter().take(FRAMES_TRIED).copied().collect();
        for frame in first {
            if self.plain(frame)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// As [`SealedFile::plain`], the frame read last being kept: who reads a frame in pieces opens it
    /// once.
    fn kept(&self, frame: Frame) -> io::Result<Option<Arc<Vec<u8>>>> {
        if let Some((place, plain)) = &*self.last.lock()
            && *place == frame.place
        {
            return Ok(Some(Arc::clone(plain)));
        }
        let Some(plain) = self.plain(frame)?.map(Arc::new) else { return Ok(None) };
        *self.last.lock() = Some((frame.place, Arc::clone(&plain)));
        Ok(Some(plain))
    }

    /// The plain bytes of a frame; `None` when it does not open.
    fn plain(&self, frame: Frame) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = vec![0; FRAME_HEADER_BYTES + frame.len as usize + TAG_BYTES];
        if let Err(e) = self.inner.read_exact_at(&mut bytes, frame.place) {
            return if e.kind() == io::ErrorKind::UnexpectedEof { Ok(None) } else { Err(e) };
        }
        let nonce = nonce_of(&bytes[16..16 + NONCE_LEN]);
        let mut sealed = bytes.split_off(FRAME_HEADER_BYTES);
        let aad = Aad::from(self.aad(frame.at, frame.len));
        let opened = self.key.open_in_place(nonce, aad, &mut sealed).is_ok();
        sealed.truncate(frame.len as usize);
        Ok(opened.then_some(sealed))
    }

    /// The frame that has the byte at `offset`, and up to where it counts; without one, where the
    /// next begins.
    fn find(&self, offset: u64) -> (Option<Frame>, u64) {
        let state = self.state.lock();
        if !state.rewritten {
            let next = state.frames.partition_point(|f| f.at <= offset);
            let frame = next.checked_sub(1).map(|i| state.frames[i]).filter(|f| f.end() > offset);
            let until = frame
                .map_or_else(|| state.frames.get(next).map_or(u64::MAX, |f| f.at), |f| f.end());
            return (frame, until);
        }
        let mut until = u64::MAX;
        for frame in state.frames.iter().rev() {
            if frame.at <= offset && offset < frame.end() {
                return (Some(*frame), until.min(frame.end()));
            }
            if frame.at > offset {
                until = until.min(frame.at);
            }
        }
        (None, until)
    }
}

impl DiskFile for SealedFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let (frame, until) = self.find(offset);
        let Some(frame) = frame else {
            // A hole, as in a plain file: zeroes up to the next bytes.
            if until == u64::MAX {
                return Ok(0);
            }
            let n = buf.len().min((until - offset) as usize);
            buf[..n].fill(0);
            return Ok(n);
        };
        let n = buf.len().min((until - offset) as usize);
        // A whole frame is read once; what is read in pieces comes again.
        let plain = if n == frame.len as usize {
            self.plain(frame)?.map(Arc::new)
        } else {
            self.kept(frame)?
        };
        match plain {
            Some(plain) => {
                let from = (offset - frame.at) as usize;
                buf[..n].copy_from_slice(&plain[from..from + n]);
            }
            None => buf[..n].fill(0),
        }
        Ok(n)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        if self.closed {
            return Err(io::Error::other("a sealed file without a header cannot be written"));
        }
        let plain = &buf[..buf.len().min(FRAME_BYTES_MAX)];
        if plain.is_empty() {
            return Ok(0);
        }
        let mut state = self.state.lock();
        let (len, place) = (plain.len() as u32, state.end);
        let mut nonce = [0; NONCE_LEN];
        nonce[..8].copy_from_slice(&self.session);
        nonce[8..].copy_from_slice(&state.counter.to_le_bytes());
        // Before the write: one that failed half way has used its nonce.
        let next = state.counter.checked_add(1);
        state.counter = next.ok_or_else(|| io::Error::other("a sealed file has 2^32 frames"))?;
        let mut bytes = Vec::with_capacity(FRAME_HEADER_BYTES + plain.len() + TAG_BYTES);
        bytes.extend_from_slice(&FRAME_MAGIC.to_le_bytes());
        bytes.extend_from_slice(&len.to_le_bytes());
        bytes.extend_from_slice(&offset.to_le_bytes());
        bytes.extend_from_slice(&nonce);
        let crc = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes.extend_from_slice(plain);
        let aad = Aad::from(self.aad(offset, len));
        let tag = self
            .key
            .seal_in_place_separate_tag(nonce_of(&nonce), aad, &mut bytes[FRAME_HEADER_BYTES..])
            .map_err(|_| io::Error::other("a frame cannot be sealed"))?;
        bytes.extend_from_slice(tag.as_ref());
        self.inner.write_all_at(&bytes, place)?;
        state.end += bytes.len() as u64;
        state.add(Frame { at: offset, len, place });
        Ok(plain.len())
    }

    fn sync(&self) -> io::Result<()> {
        self.inner.sync()
    }

    fn len(&self) -> io::Result<u64> {
        let state = self.state.lock();
        Ok(state.frames.iter().map(|f| f.end()).max().unwrap_or(0))
    }

    /// Only to the length that it has: gives back what was allocated ahead.
    fn set_len(&self, len: u64) -> io::Result<()> {
        if len != self.len()? {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "a sealed file cannot be cut"));
        }
        let end = self.state.lock().end;
        self.inner.set_len(end)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.inner.allocate(len)
    }
}

impl State {
    fn add(&mut self, frame: Frame) {
        let last = self.frames.last().map_or(0, |f| f.end());
        if frame.at >= last || self.rewritten {
            self.frames.push(frame);
            return;
        }
        let next = self.frames.partition_point(|f| f.at < frame.at);
        let before = next.checked_sub(1).is_some_and(|i| self.frames[i].end() > frame.at);
        if before || self.frames[next].at < frame.end() {
            // Sorting no longer tells which counts: back to the order of writing.
            self.rewritten = true;
            self.frames.sort_by_key(|f| f.place);
            self.frames.push(frame);
        } else {
            self.frames.insert(next, frame);
        }
    }
}

fn frame_at(b: &[u8]) -> Option<(u64, u32)> {
    let head = b.get(..FRAME_HEADER_BYTES)?;
    let (data, crc) = head.split_at(FRAME_HEADER_BYTES - 4);
    let magic = u32::from_le_bytes(data[..4].try_into().ok()?);
    let len = u32::from_le_bytes(data[4..8].try_into().ok()?);
    let at = u64::from_le_bytes(data[8..16].try_into().ok()?);
    let fits = magic == FRAME_MAGIC && (1..=FRAME_BYTES_MAX as u32).contains(&len);
    let fits = fits && at.checked_add(u64::from(len)).is_some_and(|end| end < 1 << 60);
    (fits && crc32c::crc32c(data).to_le_bytes() == crc).then_some((at, len))
}

/// Finds the frames of a file. A damaged header costs its frame: the next one is searched for.
fn scan(inner: &dyn DiskFile) -> io::Result<State> {
    let len = inner.len()?;
    let mut state =
        State { frames: Vec::new(), rewritten: false, end: HEADER_BYTES as u64, counter: 0 };
    let mut place = HEADER_BYTES as u64;
    let mut head = [0; FRAME_HEADER_BYTES];
    while place + (FRAME_HEADER_BYTES + TAG_BYTES) as u64 <= len {
        inner.read_exact_at(&mut head, place)?;
        if let Some((at, n)) = frame_at(&head) {
            let next = place + (FRAME_HEADER_BYTES + n as usize + TAG_BYTES) as u64;
            if next > len {
                // Torn: its writer was never told that it is there.
                break;
            }
            state.add(Frame { at, len: n, place });
            (place, state.end) = (next, next);
            continue;
        }
        match search(inner, place + 1, len)? {
            Some(found) => place = found,
            None => break,
        }
    }
    Ok(state)
}

/// The next place from `from` on where a frame's header stands.
fn search(inner: &dyn DiskFile, mut from: u64, len: u64) -> io::Result<Option<u64>> {
    let magic = FRAME_MAGIC.to_le_bytes();
    while from + FRAME_HEADER_BYTES as u64 <= len {
        let n = (len - from).min(WINDOW_BYTES as u64) as usize;
        let mut window = vec![0; n];
        inner.read_exact_at(&mut window, from)?;
        let found = (0..=n - FRAME_HEADER_BYTES)
            .find(|i| window[*i..].starts_with(&magic) && frame_at(&window[*i..]).is_some());
        if let Some(i) = found {
            return Ok(Some(from + i as u64));
        }
        if from + n as u64 >= len {
            break;
        }
        from += (n - FRAME_HEADER_BYTES + 1) as u64;
    }
    Ok(None)
}

pub(super) fn fuzz(bytes: &[u8]) {
    for i in 0..bytes.len().min(64) {
        let _frame = frame_at(&bytes[i..]);
    }
    if let Some(b) = bytes.first_chunk::<HEADER_BYTES>() {
        let _key = read_header(b);
    }
}
