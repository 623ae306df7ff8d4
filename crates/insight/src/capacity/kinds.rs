//! The table of resources that are bounded: which metric tells the limit, which what is in use.
//!
//! Order is that in which they are shown, and in which they find a place when there are too many. A kind of its own is
//! the last row: pairs of metrics that are named alike (see `names`).

/// How the metrics of a kind tell what is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// What is free, series by series.
    Free,
    /// What is in use, series by series.
    Used,
    /// What is in use, summed over all series with the kept labels.
    Sum,
    /// Seconds that CPUs were idle; the limit is their number.
    Idle,
    /// The time at which it ends, in seconds since the epoch.
    Expiry,
}

/// What drives the use of a resource; this is what a what-if assumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Driver {
    /// It is a stock that load adds to and only somebody's hand takes from.
    Stock,
    /// It follows the load of the moment, above a base that is there without load.
    Load,
    /// A date that load does not move.
    Date,
}

/// A row of the table.
pub(super) struct Row {
    /// The label `resource`.
    pub(super) name: &'static str,
    /// For people.
    pub(super) title: &'static str,
    /// The label whose value tells it from others of the same host.
    pub(super) place: &'static str,
    /// Of used and limit.
    pub(super) unit: &'static str,
    /// Metric of the limit and a label that it must have.
    pub(super) limit: (&'static str, Option<(&'static str, &'static str)>),
    /// Metric of what is in use or free, likewise.
    pub(super) other: (&'static str, Option<(&'static str, &'static str)>),
    pub(super) how: How,
    pub(super) driver: Driver,
    /// Labels that the result keeps.
    pub(super) keep: &'static [&'static str],
}

/// A row of the table, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kind(pub(super) usize);

const HOST: &[&str] = &["instance"];
const PLACE: &[&str] = &["instance", "device", "mountpoint"];
const PROCESS: &[&str] = &["instance", "job", "pid", "name"];

macro_rules! row {
    ($name:literal, $title:literal, $place:literal, $unit:literal, $limit:expr, $other:expr, $how:ident, $driver:ident, $keep:expr) => {
        Row {
            name: $name,
            title: $title,
            place: $place,
            unit: $unit,
            limit: $limit,
            other: $other,
            how: How::$how,
            driver: Driver::$driver,
            keep: $keep,
        }
    };
}

/// All kinds.
#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    row!("disk", "disk", "mountpoint", "bytes",
        ("node_filesystem_size_bytes", None), ("node_filesystem_avail_bytes", None), Free, Stock, PLACE),
    row!("memory", "memory", "", "bytes",
        ("node_memory_MemTotal_bytes", None), ("node_memory_MemAvailable_bytes", None), Free, Load, HOST),
    row!("swap", "swap", "", "bytes",
        ("node_memory_SwapTotal_bytes", None), ("node_memory_SwapFree_bytes", None), Free, Load, HOST),
    row!("inodes", "inodes", "mountpoint", "",
        ("node_filesystem_files", None), ("node_filesystem_files_free", None), Free, Stock, PLACE),
    row!("files", "open files", "", "",
        ("node_filefd_maximum", None), ("node_filefd_allocated", None), Used, Load, HOST),
    row!("cpu", "CPU", "", "cpus",
        ("node_cpu_seconds_total", Some(("mode", "idle"))), ("node_cpu_seconds_total", Some(("mode", "idle"))),
        Idle, Load, HOST),
    row!("cgroup_memory", "memory of the cgroup", "", "bytes",
        ("plimsoll_cgroup_memory_limit_bytes", None), ("plimsoll_cgroup_memory_current_bytes", None),
        Used, Load, HOST),
    row!("conntrack", "tracked connections", "", "",
        ("node_nf_conntrack_entries_limit", None), ("node_nf_conntrack_entries", None), Used, Load, HOST),
    row!("processes", "processes", "", "",
        ("node_processes_max_processes", None), ("node_processes_pids", None), Used, Load, HOST),
    row!("threads", "threads", "", "",
        ("node_processes_max_threads", None), ("node_processes_threads", None), Used, Load, HOST),
    row!("process_files", "open files of", "job", "",
        ("process_max_fds", None), ("process_open_fds", None), Used, Load, PROCESS),
    row!("process_memory", "virtual memory of", "job", "bytes",
        ("process_virtual_memory_max_bytes", None), ("process_virtual_memory_bytes", None), Used, Load, PROCESS),
    row!("go_memory", "memory for Go in", "job", "bytes",
        ("go_gc_gomemlimit_bytes", None), ("process_resident_memory_bytes", None), Used, Load, PROCESS),
    row!("container_memory", "memory of container", "container", "bytes",
        ("container_spec_memory_limit_bytes", None), ("container_memory_working_set_bytes", None), Used, Load,
        &["instance", "namespace", "pod", "container", "name"]),
    row!("quota", "quota", "resource_name", "",
        ("kube_resourcequota", Some(("type", "hard"))), ("kube_resourcequota", Some(("type", "used"))), Used, Load,
        &["namespace", "resourcequota", "resource_name"]),
    row!("volume", "volume", "persistentvolumeclaim", "bytes",
        ("kubelet_volume_stats_capacity_bytes", None), ("kubelet_volume_stats_used_bytes", None), Used, Stock,
        &["instance", "namespace", "persistentvolumeclaim"]),
    row!("postgres_connections", "PostgreSQL connections", "", "",
        ("pg_settings_max_connections", None), ("pg_stat_database_numbackends", None), Sum, Load,
        &["instance", "job"]),
    row!("pgbouncer_connections", "PgBouncer clients", "", "",
        ("pgbouncer_config_max_client_connections", None), ("pgbouncer_pools_client_active_connections", None),
        Sum, Load, &["instance", "job"]),
    row!("mysql_connections", "MySQL connections", "", "",
        ("mysql_global_variables_max_connections", None), ("mysql_global_status_threads_connected", None),
        Used, Load, &["instance", "job"]),
    row!("redis_clients", "Redis clients", "", "",
        ("redis_config_maxclients", None), ("redis_connected_clients", None), Used, Load, &["instance", "job"]),
    row!("store", "store limit", "limit", "",
        ("plimsoll_store_limit", None), ("plimsoll_store_limit_used", None), Used, Load, &["instance", "limit"]),
    row!("certificate", "certificate", "instance", "seconds",
        ("probe_ssl_earliest_cert_expiry", None), ("", None), Expiry, Date, &["instance", "job"]),
    row!("certificate", "certificate", "subject_CN", "seconds",
        ("x509_cert_not_after", None), ("", None), Expiry, Date,
        &["instance", "job", "filename", "filepath", "subject_CN", "secret_name", "secret_namespace"]),
    row!("pool", "", "metric", "",
        ("", None), ("", None), Used, Load, &[]),
];

impl Kind {
    /// Pairs of metrics that are named alike.
    pub(super) const POOL: Self = Self(ROWS.len() - 1);

    /// All kinds but the last.
    pub(super) fn known() -> impl Iterator<Item = Self> {
        (0..ROWS.len() - 1).map(Self)
    }

    pub(super) fn row(self) -> &'static Row {
        &ROWS[self.0]
    }

    /// Whether it is a part of a host, as node_exporter tells of them.
    pub(super) fn is_of_host(self) -> bool {
        self.row().limit.0.starts_with("node_")
    }

    /// Whether use falls only by somebody's hand, so that minutes tell about days.
    pub(super) fn accumulates(self) -> bool {
        self.row().driver == Driver::Stock
    }

    /// The share in use up to which load may go, and two marks beyond which it is a warning, and critical.
    pub(super) fn marks(self, limit: f64) -> (f64, f64, f64) {
        if self.row().how == How::Idle {
            let safe = super::safe::load_of_servers(limit, super::safe::TWICE);
            return (safe, safe, super::safe::load_of_servers(limit, super::safe::TEN_TIMES));
        }
        (0.8, 0.8, 0.9)
    }

    pub(super) fn title(self, place: &str) -> String {
        let title = self.row().title;
        match (self.row().name, place) {
            (_, "") => title.to_owned(),
            ("disk" | "inodes", _) => format!("{place} {title}"),
            ("pool", _) => place.replace('_', " "),
            _ => format!("{title} {place}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        assert_eq!(Kind::POOL.row().name, "pool");
        for kind in Kind::known() {
            let row = kind.row();
            assert!(!row.name.is_empty() && !row.limit.0.is_empty(), "{}", row.name);
            assert_eq!(row.how == How::Expiry, row.other.0.is_empty(), "{}", row.name);
            assert!(row.place.is_empty() || row.keep.contains(&row.place), "{}", row.name);
            let (safe, warning, critical) = kind.marks(4.0);
            assert!(safe <= warning && warning <= critical && critical < 1.0, "{}", row.name);
        }
    }
}
