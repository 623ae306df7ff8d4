//! The bounded pool that queries and analyses share.
//!
//! Results come in the order of their index whatever the number of threads, so that an answer does
//! not depend on the machine. Little work runs on the caller's thread. A panic in a task reaches
//! the caller. There is no queue to fill: a caller waits for its own tasks.

use rayon::prelude::*;
use std::ops::Range;

/// A fixed number of threads for work that computes and does not wait.
pub struct Workers {
    /// `None`: one thread, the caller's.
    pool: Option<rayon::ThreadPool>,
}

impl Workers {
    /// A pool of `threads`; 0 means one per CPU. Where the system refuses threads, work runs on the
    /// callers' own.
    pub fn new(threads: usize) -> Self {
        let threads = match threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        if threads == 1 {
            return Self { pool: None };
        }
        let named = |i| format!("worker-{i}");
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(named).build();
        Self { pool: pool.ok() }
    }

    /// How many tasks can run at once.
    pub fn threads(&self) -> usize {
        self.pool.as_ref().map_or(1, rayon::ThreadPool::current_num_threads)
    }

    /// `f(0)` to `f(n - 1)`, in this order.
    pub fn map<T: Send>(&self, n: usize, f: impl Fn(usize) -> T + Sync + Send) -> Vec<T> {
        match &self.pool {
            Some(pool) if n > 1 => pool.install(|| (0..n).into_par_iter().map(f).collect()),
            _ => (0..n).map(f).collect(),
        }
    }

    /// `f` of `0..n` cut into ranges of `chunk` (the last one shorter), in this order. A chunk of 0
    /// counts as 1.
    pub fn in_ranges<T: Send>(
        &self,
        n: usize,
        chunk: usize,
        f: impl Fn(Range<usize>) -> T + Sync + Send,
    ) -> Vec<T> {
        let chunk = chunk.max(1);
        self.map(n.div_ceil(chunk), |i| f(i * chunk..((i + 1) * chunk).min(n)))
    }
}

impl std::fmt::Debug for Workers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workers").field("threads", &self.threads()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_the_order_of_their_index() {
        for threads in [0, 1, 3] {
            let workers = Workers::new(threads);
            let squares: Vec<usize> = (0..500).map(|i| i * i).collect();
            assert_eq!(workers.map(500, |i| i * i), squares);
            assert_eq!(workers.in_ranges(7, 3, |r| (r.start, r.end)), [(0, 3), (3, 6), (6, 7)]);
            assert!(workers.in_ranges(0, 0, |_| ()).is_empty());
        }
    }

    #[test]
    fn little_work_stays_on_the_callers_thread() {
        let here = std::thread::current().id();
        assert_eq!(Workers::new(4).map(1, |_| std::thread::current().id()), [here]);
    }

    #[test]
    fn a_task_may_use_the_pool_itself() {
        let workers = Workers::new(2);
        let sums = workers.map(8, |i| workers.map(8, |j| i * j).iter().sum::<usize>());
        assert_eq!(sums[2], 2 * 28);
    }
}
