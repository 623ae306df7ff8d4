//! Starts the parts, hands each what it needs, and stops them again.
//!
//! One `start_…` function per part; [`Running`] is the list of their handles. Order of starting: the
//! address is taken first, so that a second instance fails at once; the store before everything that
//! writes; the door last. Order of stopping is the reverse, and bounded in time.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use plimsoll_alert::registry::Registry as MetricRegistry;
use plimsoll_alert::{Alerting, DEFAULT_RULES_FILE, Prepared, RuleFiles, Setup, give_way, notify};
use plimsoll_collect::own::{ProcessMetrics, Registry};
use plimsoll_collect::{Collector, Parts};
use plimsoll_insight::investigate::Investigator;
use plimsoll_insight::{Findings, Insight, WatchSource};
use plimsoll_model::{Cancel, SampleSink, SeriesSource, Stop};
use plimsoll_net::{Client, HttpClient, HttpConfig};
use plimsoll_query::{Engine, ResultCache};
use plimsoll_records::{Records, SqliteRecords};
use plimsoll_serve::{App, Gates, Limits};
use plimsoll_show::dashboard::Library;
use plimsoll_show::report::Library as ReportLibrary;
use plimsoll_store::Store;
use plimsoll_world::{Workers, World};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::config::{Config, Options, load, needs_restart};
use crate::error::Error;

mod control;
mod dashboards;
mod evidence;
mod exposed;
mod findings;
mod outlook;
mod receivers;
mod registry;
mod rule_files;
mod thinking;
mod why;

use control::Controls;
use findings::{Looking, News};
use outlook::Seen;
use rule_files::Shelf;
use thinking::Thinking;
use why::Why;

/// How long the parts may take to stop, together.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// Everything that runs.
pub struct Running {
    /// Where the door is.
    pub address: SocketAddr,
    /// The handles that the façade uses.
    pub(crate) handles: Arc<Handles>,
    stop: watch::Sender<bool>,
    door: tokio::task::JoinHandle<std::io::Result<()>>,
    telling: tokio::task::JoinHandle<()>,
    reporting: tokio::task::JoinHandle<()>,
    thinking: Option<Thinking>,
    looking: Option<Looking>,
}

/// What the parts share.
pub(crate) struct Handles {
    /// Where the door is; the port is a real one also where any free one was asked for.
    pub address: SocketAddr,
    pub world: World,
    pub store: Arc<Store>,
    pub engine: Arc<Engine>,
    pub results: Arc<ResultCache>,
    pub alerting: Arc<Alerting>,
    /// What is known of metrics, and their thresholds.
    pub metrics: MetricRegistry,
    /// Held while all rules are read and applied, so that no file changes meanwhile.
    pub rule_files: RuleFiles,
    /// Receivers that were added through the API.
    pub receiver_files: RuleFiles,
    pub dashboards: Arc<Library>,
    pub insight: Arc<Insight>,
    pub findings: Arc<Findings>,
    pub investigator: Investigator,
    pub records: Arc<dyn Records>,
    pub collector: Collector,
    pub registry: Arc<Registry>,
    pub options: Mutex<Options>,
    pub config: RwLock<Config>,
    pub started_ms: i64,
}

/// The runtime of a server: few threads, room for deep expressions on the stacks of queries.
///
/// # Errors
/// The system's, when it gives no threads.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(64)
        .thread_stack_size(8 << 20)
        .thread_name("plimsoll")
        .enable_all()
        .build()
}

/// Starts everything. Must be called inside a tokio runtime.
///
/// # Errors
/// The first part that cannot start, in one line.
pub async fn start(options: Options, config: Config) -> Result<Running, Error> {
    plimsoll_net::install_crypto();
    let world = World::real();
    let listener = start_listening(&config).await?;
    let address = listener.local_addr().map_err(|e| Error::Unavailable(e.to_string()))?;
    let store = start_store(&world, &config)?;
    let records = start_records(&config.data_dir)?;
    let workers = Arc::new(Workers::new(0));
    let engine = Arc::new(Engine::new(config.query.clone(), Arc::clone(&workers)));
    let metrics = start_metrics(&world, &records, &config)?;
    let rules = prepared(&config, &metrics);
    let alerting = start_alerting(&world, &store, &engine, &records, rules)?;
    let registry = Arc::new(Registry::new());
    let client: Arc<dyn Client> = Arc::new(HttpClient::new(HttpConfig::default()));
    let collector = start_collector(&world, &store, &registry, &client, &config, address)?;
    let dashboards = dashboards::open(&records, &config)?;
    let readers: Vec<Arc<dyn WatchSource>> = vec![
        Arc::new(thinking::RulesRead::new(Arc::clone(&alerting))),
        Arc::new(dashboards::SeriesShown::new(Arc::clone(&dashboards))),
    ];
    let insight = prepare_insight(&world, &store, &engine, &records, readers, &config);
    let source = Arc::clone(&store) as Arc<dyn SeriesSource>;
    let investigator = Investigator::new(Arc::clone(&engine), source, Arc::clone(&workers));
    investigator.set_unasked(config.analysis.enabled);
    let why = Why::new(investigator.clone(), Arc::clone(&insight), Arc::clone(&world.clock));
    let gallery = evidence::start(&world, &alerting, Arc::new(why), &config);
    let findings =
        Arc::new(Findings::new(Arc::clone(&insight), config.analysis.enabled, config.jobs.clone()));
    let news = Arc::new(News::default());
    let looking = Looking::start(&findings, &news, &config)?;
    let thinking = Thinking::start(&insight, news, &config)?;
    let (clock, disk) = (Arc::clone(&world.clock), Arc::clone(&world.disk));
    let receiver_files = RuleFiles::of_receivers(
        Arc::clone(&disk),
        Arc::clone(&records),
        Arc::clone(&clock),
        &config.data_dir,
    );
    rule_files::note(&receiver_files);
    let rule_files = RuleFiles::new(disk, Arc::clone(&records), clock, &config.data_dir);
    rule_files::note(&rule_files);
    let (stop, stopped) = watch::channel(false);
    let disk = Arc::clone(&world.disk);
    let tools = notify::Tools { client: Arc::clone(&client), disk, gallery };
    let telling = tokio::spawn(notify::run(Arc::clone(&alerting), tools, stopped.clone()));
    let handles = Arc::new(Handles {
        address,
        started_ms: world.clock.wall_ms(),
        world,
        store,
        engine,
        results: Arc::new(ResultCache::new(config.result_cache)),
        alerting,
        metrics,
        rule_files,
        receiver_files,
        dashboards,
        insight,
        findings,
        investigator,
        records,
        collector,
        registry,
        options: Mutex::new(options),
        config: RwLock::new(config),
    });
    registry::mark_resources(&handles);
    let app = app(&handles, workers, stopped);
    exposed::register(&handles, &app.metrics);
    app.gates.set_ready();
    let reporting = tokio::spawn(plimsoll_serve::send_reports(Arc::clone(&app), app.stop.clone()));
    let door = tokio::spawn(plimsoll_serve::serve(listener, app));
    Ok(Running { address, handles, stop, door, telling, reporting, thinking, looking })
}

async fn start_listening(config: &Config) -> Result<TcpListener, Error> {
    let addr = config.listen;
    TcpListener::bind(addr).await.map_err(|e| {
        let remedy = match e.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another program listens there; stop it or set --listen"
            }
            _ => "set --listen to an address of this machine",
        };
        Error::Unavailable(format!("cannot listen on {addr}: {e}; {remedy}"))
    })
}

fn start_store(world: &World, config: &Config) -> Result<Arc<Store>, Error> {
    let dir = &config.data_dir;
    let store = Store::open(world.clone(), dir, config.store.clone()).map_err(|e| {
        Error::Unavailable(format!("the data directory {} cannot be used: {e}", dir.display()))
    })?;
    Ok(Arc::new(store))
}

fn start_records(dir: &Path) -> Result<Arc<dyn Records>, Error> {
    let path = dir.join("records.db");
    let records = SqliteRecords::open(&path)
        .map_err(|e| Error::Unavailable(format!("{} cannot be used: {e}", path.display())))?;
    Ok(Arc::new(records))
}

fn start_metrics(
    world: &World,
    records: &Arc<dyn Records>,
    config: &Config,
) -> Result<MetricRegistry, Error> {
    let (records, clock) = (Arc::clone(records), Arc::clone(&world.clock));
    MetricRegistry::open(records, clock, config.query.features, &config.metrics)
        .map_err(|e| Error::Unavailable(e.to_string()))
}

fn start_alerting(
    world: &World,
    store: &Arc<Store>,
    engine: &Arc<Engine>,
    records: &Arc<dyn Records>,
    rules: Prepared,
) -> Result<Arc<Alerting>, Error> {
    let setup = Setup {
        engine: Arc::clone(engine),
        source: Arc::clone(store) as Arc<dyn SeriesSource>,
        sink: Arc::clone(store) as Arc<dyn SampleSink>,
        records: Arc::clone(records),
        clock: Arc::clone(&world.clock),
        arm: timer(),
    };
    let alerting = Alerting::open(setup, rules).map_err(|e| Error::Unavailable(e.to_string()))?;
    Ok(Arc::new(alerting))
}

/// Stops what is armed when its time is over. Must be called inside a tokio runtime.
fn timer() -> Arc<dyn Fn(Duration, Cancel) + Send + Sync> {
    let runtime = tokio::runtime::Handle::current();
    Arc::new(move |within, cancel| {
        runtime.spawn(async move {
            tokio::time::sleep(within).await;
            cancel.stop(Stop::Deadline);
        });
    })
}

fn prepared(config: &Config, metrics: &MetricRegistry) -> Prepared {
    let is_default = |g: &plimsoll_alert::Group| g.file == DEFAULT_RULES_FILE;
    let (mut defaults, mut groups): (Vec<_>, Vec<_>) =
        config.groups.iter().cloned().partition(is_default);
    give_way(&mut defaults, &config.kept_rules.groups);
    groups.extend(config.kept_rules.groups.iter().cloned());
    groups.extend(defaults);
    groups.extend(metrics.groups(config.alert.interval_ms));
    Prepared { config: config.alert.clone(), groups }
}

fn start_collector(
    world: &World,
    store: &Arc<Store>,
    registry: &Arc<Registry>,
    client: &Arc<dyn Client>,
    config: &Config,
    address: SocketAddr,
) -> Result<Collector, Error> {
    registry.register(Arc::new(ProcessMetrics));
    let parts = Parts {
        clock: Arc::clone(&world.clock),
        client: Arc::clone(client),
        sink: Arc::clone(store) as Arc<dyn SampleSink>,
        registry: Arc::clone(registry),
    };
    Collector::start(collected(config, address), parts)
        .map_err(|problems| Error::Unavailable(problems.join("\n")))
}

/// The collectors' configuration; own metrics are called after the address.
fn collected(config: &Config, address: SocketAddr) -> plimsoll_collect::CollectConfig {
    let mut collect = config.collect.clone();
    if let Some(own) = &mut collect.own {
        own.instance = address.to_string();
    }
    collect
}

fn prepare_insight(
    world: &World,
    store: &Arc<Store>,
    engine: &Arc<Engine>,
    records: &Arc<dyn Records>,
    readers: Vec<Arc<dyn WatchSource>>,
    config: &Config,
) -> Arc<Insight> {
    let counted = Arc::clone(store);
    let setup = plimsoll_insight::Setup {
        engine: Arc::clone(engine),
        source: Arc::clone(store) as Arc<dyn SeriesSource>,
        sink: Arc::clone(store) as Arc<dyn SampleSink>,
        clock: Arc::clone(&world.clock),
        records: Some(Arc::clone(records)),
        place: Some(plimsoll_insight::Place {
            disk: store.disk(),
            data_dir: config.data_dir.clone(),
        }),
        readers,
        active_series: Arc::new(move || counted.stats().series),
    };
    Arc::new(Insight::new(setup, config.analysis.clone()))
}

fn app(handles: &Arc<Handles>, workers: Arc<Workers>, stop: watch::Receiver<bool>) -> Arc<App> {
    let config = handles.config.read();
    let limits = Limits { query_timeout: config.query_timeout, ..Limits::default() };
    let mut notes = vec![config.listen_note.to_owned()];
    if config.collect.host.is_none() {
        notes.push("this host is not watched".to_owned());
    }
    Arc::new(App {
        engine: Arc::clone(&handles.engine),
        results: Arc::clone(&handles.results),
        workers,
        source: Arc::clone(&handles.store) as Arc<dyn SeriesSource>,
        sink: Arc::clone(&handles.store) as Arc<dyn SampleSink>,
        alerting: Arc::clone(&handles.alerting),
        control: Arc::new(Controls::new(Arc::clone(handles))),
        outlook: Arc::new(Seen::new(Arc::clone(handles))),
        findings: Arc::clone(&handles.findings),
        investigator: handles.investigator.clone(),
        dashboards: Arc::clone(&handles.dashboards),
        rule_files: Arc::new(Shelf::new(Arc::clone(handles))),
        receivers: Arc::new(receivers::Receivers::new(Arc::clone(handles))),
        reports: Arc::new(ReportLibrary::new(Arc::clone(&handles.records))),
        metrics_kept: Arc::new(registry::Metrics::new(Arc::clone(handles))),
        clock: Arc::clone(&handles.world.clock),
        started_ms: handles.started_ms,
        hostname: hostname(),
        notes,
        disk: Arc::clone(&handles.world.disk),
        ui_dir: config.ui_dir.clone(),
        hosts: plimsoll_guard::Hosts::new(config.listen, &config.allowed_hosts),
        gates: Gates::new(&limits),
        limits,
        metrics: Arc::default(),
        stop,
    })
}

/// The name of this machine.
fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

impl Handles {
    /// Reads the configuration again and applies it everywhere, or nowhere.
    pub fn reload(&self) -> Result<(), Error> {
        let options = self.options.lock().clone();
        self.load_and_apply(&options)
    }

    /// Reads a configuration and applies it everywhere, or nowhere.
    pub fn load_and_apply(&self, options: &Options) -> Result<(), Error> {
        self.rule_files.held(|| {
            self.receiver_files.held(|| {
                let next = load(options).map_err(Error::Configuration)?;
                self.apply(next)
            })
        })?;
        rule_files::note(&self.rule_files);
        rule_files::note(&self.receiver_files);
        Ok(())
    }

    /// Applies a checked configuration everywhere, or nowhere.
    fn apply(&self, next: Config) -> Result<(), Error> {
        let mut current = self.config.write();
        let restart = needs_restart(&current, &next);
        if !restart.is_empty() {
            let keys = restart.join(", ");
            return Err(Error::Unavailable(format!(
                "{keys} cannot change while running; restart to change it"
            )));
        }
        let collect = self
            .collector
            .prepare(collected(&next, self.address))
            .map_err(|problems| Error::Unavailable(problems.join("\n")))?;
        self.collector.apply(collect);
        self.metrics.configure(&next.metrics);
        self.dashboards.set_files(next.dashboards.clone());
        self.alerting.apply(prepared(&next, &self.metrics));
        self.insight.apply(next.analysis.clone());
        self.investigator.set_unasked(next.analysis.enabled);
        self.findings.apply(next.analysis.enabled, next.jobs.clone());
        *current = next;
        tracing::info!("configuration applied");
        Ok(())
    }
}

impl Running {
    /// Waits until the door is closed by an error.
    ///
    /// # Errors
    /// The error.
    pub async fn failed(&mut self) -> Error {
        match (&mut self.door).await {
            Ok(Ok(())) => Error::Unavailable("the server stopped".to_owned()),
            Ok(Err(e)) => Error::Unavailable(format!("the server failed: {e}")),
            Err(e) => Error::Unavailable(format!("the server failed: {e}")),
        }
    }

    /// Reads the configuration again.
    ///
    /// # Errors
    /// Why the old one stays.
    pub async fn reload(&self) -> Result<(), Error> {
        let handles = Arc::clone(&self.handles);
        tokio::task::spawn_blocking(move || handles.reload())
            .await
            .unwrap_or_else(|e| Err(Error::Unavailable(format!("the reload failed: {e}"))))
    }

    /// Stops everything: no new requests, what is being done is finished, everything is written.
    ///
    /// # Errors
    /// What could not be written.
    pub async fn stop(mut self) -> Result<(), Error> {
        let _receivers = self.stop.send(true);
        self.handles.collector.stop(STOP_WITHIN / 4).await;
        let (thinking, looking) = (self.thinking.take(), self.looking.take());
        let joined = tokio::task::spawn_blocking(move || {
            thinking.into_iter().for_each(Thinking::stop);
            looking.into_iter().for_each(Looking::stop);
        });
        let _in_time = tokio::time::timeout(STOP_WITHIN / 4, joined).await;
        // A report that is half made is made anew after the next start.
        self.reporting.abort();
        let _in_time = tokio::time::timeout(STOP_WITHIN / 4, &mut self.telling).await;
        if tokio::time::timeout(STOP_WITHIN / 4, &mut self.door).await.is_err() {
            self.door.abort();
        }
        let store = Arc::clone(&self.handles.store);
        let closed = tokio::task::spawn_blocking(move || store.close()).await;
        match closed {
            Ok(Ok(())) => Ok(()),
            Ok(Err(e)) => Err(Error::Unavailable(format!("the store did not close cleanly: {e}"))),
            Err(e) => Err(Error::Unavailable(format!("the store did not close cleanly: {e}"))),
        }
    }
}
