//! Sizes of mounted filesystems.
//!
//! Asking a filesystem for its size may hang for ever (a dead NFS server), so a thread asks, one
//! mount point after the other, and the collection waits [`ANSWER_WITHIN`] for each answer. A mount
//! point that does not answer is reported as `node_filesystem_device_error` 1 and not asked again
//! until the thread that hangs on it has come back: at most one thread per dead mount point.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::files::Files;
use super::frame::Frame;
use super::text::{number, unescape_octal, words};

/// How long one answer may take. A local filesystem takes microseconds.
const ANSWER_WITHIN: Duration = Duration::from_millis(200);
/// Mount points reported.
const MOUNTS_MAX: usize = 512;
/// Mount points that may hang at once; beyond it no filesystem is asked.
const STUCK_MAX: usize = 16;

/// Sizes of one filesystem.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FsSize {
    /// Bytes in all.
    pub size: f64,
    /// Bytes free, also those kept for the superuser.
    pub free: f64,
    /// Bytes free for everybody.
    pub avail: f64,
    /// Inodes in all.
    pub files: f64,
    /// Inodes free.
    pub files_free: f64,
}

/// Tells the size of a filesystem.
pub trait StatFs: Send + Sync {
    /// The size of what is mounted at `mountpoint`.
    ///
    /// # Errors
    /// What the system answered. May hang.
    fn stat(&self, mountpoint: &str) -> io::Result<FsSize>;
}

/// Asks the kernel, below a root directory.
#[derive(Clone, Debug)]
pub struct KernelFs {
    /// `/`, or where the host's root is mounted in a container.
    pub root: PathBuf,
}

impl StatFs for KernelFs {
    fn stat(&self, mountpoint: &str) -> io::Result<FsSize> {
        let path = self.root.join(mountpoint.trim_start_matches('/'));
        let s = rustix::fs::statvfs(&path)?;
        let block = s.f_frsize as f64;
        Ok(FsSize {
            size: s.f_blocks as f64 * block,
            free: s.f_bfree as f64 * block,
            avail: s.f_bavail as f64 * block,
            files: s.f_files as f64,
            files_free: s.f_ffree as f64,
        })
    }
}

/// Reads sizes from a file, anew for each question: `mountpoint size free avail files files_free`
/// per line. For tests and for showing a disk that fills.
#[derive(Clone, Debug)]
pub struct WrittenFs {
    /// The file.
    pub file: PathBuf,
}

impl StatFs for WrittenFs {
    fn stat(&self, mountpoint: &str) -> io::Result<FsSize> {
        let text = std::fs::read_to_string(&self.file)?;
        for line in text.lines() {
            let mut line = words(line);
            if line.next() != Some(mountpoint) {
                continue;
            }
            let mut next = || line.next().and_then(number).unwrap_or(0.0);
            return Ok(FsSize {
                size: next(),
                free: next(),
                avail: next(),
                files: next(),
                files_free: next(),
            });
        }
        Err(io::ErrorKind::NotFound.into())
    }
}

/// Asks through a thread and remembers who does not answer.
pub(super) struct Filesystems {
    stat: Arc<dyn StatFs>,
    asker: Option<Asker>,
    /// Mount points that hang, with the flag of the thread that hangs there.
    stuck: HashMap<String, Arc<AtomicBool>>,
}

struct Asker {
    ask: Sender<String>,
    answers: Receiver<io::Result<FsSize>>,
    returned: Arc<AtomicBool>,
}

impl Filesystems {
    pub(super) fn new(stat: Arc<dyn StatFs>) -> Self {
        Self { stat, asker: None, stuck: HashMap::new() }
    }

    pub(super) fn read(&mut self, files: &mut Files, out: &mut Frame) -> Option<()> {
        let text = files.read("proc/1/mounts").map(|t| t.into_owned());
        let text = text.or_else(|| files.read("proc/mounts").map(|t| t.into_owned()))?;
        self.stuck.retain(|_, returned| !returned.load(Ordering::Acquire));
        let mut n = 0;
        for line in text.lines() {
            let mut fields = words(line);
            let (Some(device), Some(at), Some(kind), Some(options)) =
                (fields.next(), fields.next(), fields.next(), fields.next())
            else {
                continue;
            };
            let at = unescape_octal(at);
            if is_left_out(&at, kind) || n >= MOUNTS_MAX {
                continue;
            }
            n += 1;
            let device = unescape_octal(device);
            let labels = [("device", device.as_str()), ("mountpoint", &at), ("fstype", kind)];
            let read_only = options.split(',').any(|o| o == "ro");
            report(out, &labels, read_only, self.ask(&at));
        }
        Some(())
    }

    fn ask(&mut self, at: &str) -> Option<FsSize> {
        if self.stuck.contains_key(at) || self.stuck.len() >= STUCK_MAX {
            return None;
        }
        if self.asker.is_none() {
            self.asker = Asker::start(Arc::clone(&self.stat));
        }
        let asker = self.asker.as_ref()?;
        asker.ask.send(at.to_owned()).ok()?;
        match asker.answers.recv_timeout(ANSWER_WITHIN) {
            Ok(answer) => answer.ok(),
            Err(_) => {
                tracing::warn!(mountpoint = at, "filesystem does not answer; left out");
                self.stuck.insert(at.to_owned(), Arc::clone(&asker.returned));
                self.asker = None;
                None
            }
        }
    }
}

impl Asker {
    fn start(stat: Arc<dyn StatFs>) -> Option<Self> {
        let (ask, questions) = channel::<String>();
        let (answer, answers) = channel();
        let returned = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&returned);
        let run = move || {
            while let Ok(at) = questions.recv() {
                if answer.send(stat.stat(&at)).is_err() {
                    break;
                }
            }
            flag.store(true, Ordering::Release);
        };
        std::thread::Builder::new().name("plimsoll-statfs".into()).spawn(run).ok()?;
        Some(Self { ask, answers, returned })
    }
}

fn report(out: &mut Frame, labels: &[(&str, &str)], read_only: bool, size: Option<FsSize>) {
    let failed = f64::from(u8::from(size.is_none()));
    let help = "1 when the filesystem did not tell its size.";
    out.gauge("node_filesystem_device_error", help, labels, failed);
    let ro = f64::from(u8::from(read_only));
    out.gauge("node_filesystem_readonly", "1 when mounted read-only.", labels, ro);
    let Some(s) = size else { return };
    for (name, help, value) in [
        ("node_filesystem_size_bytes", "Size, bytes.", s.size),
        ("node_filesystem_free_bytes", "Free space, bytes.", s.free),
        ("node_filesystem_avail_bytes", "Free space for everybody, bytes.", s.avail),
        ("node_filesystem_files", "Inodes in all.", s.files),
        ("node_filesystem_files_free", "Inodes free.", s.files_free),
    ] {
        out.gauge(name, help, labels, value);
    }
}

/// Mount points and types that node_exporter leaves out by default.
fn is_left_out(at: &str, kind: &str) -> bool {
    const KINDS: [&str; 24] = [
        "autofs",
        "binfmt_misc",
        "bpf",
        "cgroup",
        "cgroup2",
        "configfs",
        "debugfs",
        "devpts",
        "devtmpfs",
        "fusectl",
        "hugetlbfs",
        "iso9660",
        "mqueue",
        "nsfs",
        "overlay",
        "proc",
        "procfs",
        "pstore",
        "rpc_pipefs",
        "securityfs",
        "selinuxfs",
        "squashfs",
        "sysfs",
        "tracefs",
    ];
    let path = Path::new(at);
    let inside = |dir: &str| path.strip_prefix(dir).is_ok_and(|p| !p.as_os_str().is_empty());
    KINDS.contains(&kind)
        || ["/dev", "/proc", "/sys"].iter().any(|d| path.starts_with(d))
        || ["/run/credentials", "/var/lib/docker", "/var/lib/containers/storage"]
            .iter()
            .any(|d| inside(d))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pseudo_filesystems_are_left_out() {
        for (at, kind, out) in [
            ("/", "ext4", false),
            ("/dev/shm", "tmpfs", true),
            ("/device", "ext4", false),
            ("/run", "tmpfs", false),
            ("/var/lib/docker", "ext4", false),
            ("/var/lib/docker/x", "ext4", true),
            ("/mnt", "overlay", true),
            ("/boot/efi", "vfat", false),
        ] {
            assert_eq!(is_left_out(at, kind), out, "{at} {kind}");
        }
    }

    #[test]
    fn a_filesystem_that_hangs_costs_one_thread_and_not_the_others() {
        use parking_lot::{Condvar, Mutex};
        #[derive(Default)]
        struct Dead {
            open: Mutex<bool>,
            opened: Condvar,
        }
        impl StatFs for Dead {
            fn stat(&self, at: &str) -> io::Result<FsSize> {
                if at == "/dead" {
                    let mut open = self.open.lock();
                    while !*open {
                        self.opened.wait(&mut open);
                    }
                }
                Ok(FsSize { size: 1.0, ..FsSize::default() })
            }
        }
        let dead = Arc::new(Dead::default());
        let mut fs = Filesystems::new(Arc::clone(&dead) as Arc<dyn StatFs>);
        assert_eq!(fs.ask("/dead"), None);
        assert!(fs.ask("/").is_some());
        assert_eq!(fs.ask("/dead"), None, "not asked again while it hangs");
        assert_eq!(fs.stuck.len(), 1);
        *dead.open.lock() = true;
        dead.opened.notify_all();
        while !fs.stuck["/dead"].load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        fs.stuck.retain(|_, returned| !returned.load(Ordering::Acquire));
        assert!(fs.ask("/dead").is_some());
    }
}
