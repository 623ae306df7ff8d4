//! Commands: what each takes, and who does it.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use plimsoll::Options;

mod backup;
mod check;
mod export;
mod files;
mod import;
mod jobs_backtest;
mod notify;
mod query;
mod report;
mod rule_files;
mod rules;
mod rules_backtest;
mod rules_test;
mod serve;

/// The configuration is wrong.
const WRONG: u8 = 2;

/// Performance monitoring in one program: collects, stores, queries, analyses, predicts, alerts,
/// shows. Without a command it serves.
#[derive(Parser)]
#[command(name = "plimsoll", version)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Subcommand)]
enum Command {
    /// Watches this host, takes samples, serves the browser application and the API.
    ///
    /// Example: plimsoll serve --data-dir /var/lib/plimsoll
    Serve(Serve),
    /// Checks configuration and rule files; lists every problem with its line.
    ///
    /// Example: plimsoll check plimsoll.yml rules/*.yml
    Check(Check),
    /// Evaluates a PromQL expression against a running server or a data directory.
    ///
    /// Example: plimsoll query 'rate(node_cpu_seconds_total[1m])'
    Query(Query),
    /// Runs analysis jobs over history and prints what they would have found.
    ///
    /// Example: plimsoll backtest jobs.yml --from 2026-03-01T00:00:00Z --to 2026-03-08T00:00:00Z
    Backtest(JobsBacktest),
    /// Takes samples of files over: OpenMetrics or Prometheus text with timestamps, CSV, or blocks of a
    /// Prometheus.
    ///
    /// Example: plimsoll import --server http://127.0.0.1:7546 /var/lib/prometheus/data
    Import(Import),
    /// Writes the samples of a data directory or snapshot as OpenMetrics or CSV.
    ///
    /// Example: plimsoll export --data-dir plimsoll-data --match '{job="host"}' --format csv
    Export(Export),
    /// Makes a snapshot of a running server's data: second names for files that never change.
    ///
    /// Example: plimsoll snapshot --server http://127.0.0.1:7546
    Snapshot(Snapshot),
    /// Copies a snapshot into a new data directory.
    ///
    /// Example: plimsoll restore plimsoll-data/snapshots/20261121T060000Z-2be650b6d019eb54 --data-dir restored
    Restore(Restore),
    /// Reads every file of a data directory and checks every checksum; changes nothing.
    ///
    /// Example: plimsoll verify --data-dir plimsoll-data
    Verify(Verify),
    /// Wraps the keys of an encrypted data directory by a new key; the data stays as it is.
    ///
    /// Example: plimsoll rekey --data-dir plimsoll-data --key-file old.key --new-key-file new.key
    Rekey(Rekey),
    /// Writes a report of a running server into a file.
    ///
    /// Example: plimsoll report weekly --format pdf --output weekly.pdf
    Report(ReportAsked),
    /// What one does with rules beside running them.
    #[command(subcommand)]
    Rules(Rules),
    /// Whether messages arrive.
    #[command(subcommand)]
    Notify(Notify),
    /// Scores the anomalies of a CSV file of timestamp,value.
    ///
    /// Example: plimsoll detect --input cpu.csv --output scored.csv
    Detect(Detect),
    /// Forecasts a CSV file of timestamp,value.
    ///
    /// Example: plimsoll forecast --input load.csv --horizon 48
    Forecast(Forecast),
}

/// What to serve and where.
#[derive(Args, Clone)]
pub struct Serve {
    /// The configuration file; none is needed.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where data is kept [default: ./plimsoll-data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The address to listen on [default: 127.0.0.1:7546]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// A Prometheus configuration file, taken as it is.
    #[arg(long, value_name = "FILE")]
    prometheus_config: Option<PathBuf>,
    /// An Alertmanager configuration file, taken as it is.
    #[arg(long, value_name = "FILE")]
    alertmanager_config: Option<PathBuf>,
    /// Nothing of its own: no host, no self-metrics, no default rules, no analysis.
    #[arg(long)]
    bare: bool,
    /// PromQL's experimental parts, by Prometheus' names, comma-separated.
    #[arg(long, value_name = "LIST")]
    enable_feature: Vec<String>,
    /// How long samples are kept: a duration, or unlimited [default: 35d]
    #[arg(long, value_name = "D")]
    retention: Option<String>,
    /// A name by which requests may call the server, besides addresses and localhost.
    #[arg(long, value_name = "NAME")]
    allowed_host: Vec<String>,
    /// error, warn, info, debug, trace
    #[arg(long, value_name = "LEVEL", default_value = "info", env = "PLIMSOLL_LOG")]
    log_level: String,
    /// Serve the browser application from this directory.
    #[arg(long, value_name = "DIR")]
    ui_dir: Option<PathBuf>,
}

/// What to check.
#[derive(Args)]
pub struct Check {
    /// Our configuration, Prometheus' or Alertmanager's, or rule files.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// What to ask, where, and when.
#[derive(Args)]
pub struct Query {
    /// The expression.
    expr: String,
    /// The server.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7546")]
    server: String,
    /// A data directory that no server has open, instead of a server.
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    data_dir: Option<PathBuf>,
    /// Evaluate at this time: RFC 3339 or seconds [default: now]
    #[arg(long, value_name = "T", conflicts_with_all = ["start", "end", "step"])]
    at: Option<String>,
    /// First time of a range.
    #[arg(long, requires_all = ["end", "step"])]
    start: Option<String>,
    /// Last time of a range.
    #[arg(long, requires = "start")]
    end: Option<String>,
    /// Distance between times: 15s
    #[arg(long, requires = "start")]
    step: Option<String>,
}

/// Which report, and how.
#[derive(Args)]
pub struct ReportAsked {
    /// Its name: daily, weekly, capacity, sla, or one of your own.
    report: String,
    /// The server.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7546")]
    server: String,
    /// pdf, html, png, csv, json or md.
    #[arg(long, default_value = "pdf")]
    format: String,
    /// The beginning of its time: RFC 3339 or seconds [default: the report's period]
    #[arg(long, value_name = "T", requires = "to")]
    from: Option<String>,
    /// The end of its time [default: now]
    #[arg(long, value_name = "T")]
    to: Option<String>,
    /// Write here [default: the name that the server gives]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What files hold.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq)]
pub enum InputFormat {
    /// OpenMetrics, or Prometheus' text format, with timestamps.
    Openmetrics,
    /// A table with timestamp, value, and series or metric and labels.
    Csv,
    /// Blocks of a Prometheus, or its data directory.
    PrometheusBlocks,
}

/// What to take over, and where to.
#[derive(Args)]
pub struct Import {
    /// Files; for blocks, directories.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// What they hold [default: by name: .csv, .om, .txt, .prom, a directory]
    #[arg(long, value_enum)]
    format: Option<InputFormat>,
    /// The metric of a CSV file that does not name it.
    #[arg(long, value_name = "NAME")]
    metric: Option<String>,
    /// The server that takes them.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7546")]
    server: String,
    /// A data directory that no server has open, instead of a server.
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    data_dir: Option<PathBuf>,
    /// The key of an encrypted data directory.
    #[arg(long, value_name = "FILE", requires = "data_dir")]
    key_file: Option<PathBuf>,
}

/// What samples are written as.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq)]
pub enum OutputFormat {
    /// OpenMetrics 1.0 with timestamps.
    Openmetrics,
    /// A table of series, timestamp (ms), value.
    Csv,
}

/// What to write.
#[derive(Args)]
pub struct Export {
    /// The data directory, which no server has open, or a snapshot.
    #[arg(long, value_name = "DIR", default_value = "plimsoll-data")]
    data_dir: PathBuf,
    /// Which series, as a selector [default: all]
    #[arg(long, value_name = "SELECTOR")]
    r#match: Option<String>,
    /// First time: RFC 3339 or seconds.
    #[arg(long, value_name = "T")]
    start: Option<String>,
    /// Last time.
    #[arg(long, value_name = "T")]
    end: Option<String>,
    /// What to write.
    #[arg(long, value_enum, default_value = "openmetrics")]
    format: OutputFormat,
    /// The file [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The key of an encrypted data directory.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

/// Whose snapshot.
#[derive(Args)]
pub struct Snapshot {
    /// The server.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7546")]
    server: String,
}

/// What to restore, and where.
#[derive(Args)]
pub struct Restore {
    /// The directory of the snapshot.
    #[arg(value_name = "SNAPSHOT")]
    snapshot: PathBuf,
    /// The new data directory.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
}

/// What to check.
#[derive(Args)]
pub struct Verify {
    /// The data directory, or a snapshot.
    #[arg(long, value_name = "DIR", default_value = "plimsoll-data")]
    data_dir: PathBuf,
    /// The key of an encrypted one.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

/// Which keys.
#[derive(Args)]
pub struct Rekey {
    /// The data directory; no server may use it.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The key that it has.
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
    /// The key that it gets.
    #[arg(long, value_name = "FILE")]
    new_key_file: PathBuf,
}

/// What to do with messages.
#[derive(Subcommand)]
enum Notify {
    /// Has a running server send a marked test message by each integration of a receiver, and prints how
    /// each went.
    ///
    /// Example: plimsoll notify test ops
    Test(TestReceiver),
}

/// Which receiver.
#[derive(Args)]
pub struct TestReceiver {
    /// The receiver's name.
    #[arg(value_name = "RECEIVER")]
    receiver: String,
    /// The server.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7546")]
    server: String,
}

/// What to do with rules.
#[derive(Subcommand)]
enum Rules {
    /// Has a running server evaluate its recording rules over the past and store what they give. What
    /// is stored already stays.
    ///
    /// Example: plimsoll rules backfill --start 2026-11-01T00:00:00Z --end 2026-11-21T00:00:00Z --rule job:errors:rate5m
    Backfill(Backfill),
    /// Runs unit tests of rules, in promtool's format.
    ///
    /// Example: plimsoll rules test tests/*.yml
    Test(RulesTest),
    /// Has a running server replay alerting rules over its history: every episode, pages per week, and
    /// what other thresholds and lengths of `for` would have done.
    ///
    /// Example: plimsoll rules backtest rules.yml --start 2026-10-22T00:00:00Z --end 2026-11-21T00:00:00Z
    Backtest(Backtest),
    /// Lists the rule files that a running server runs, and those that it keeps.
    ///
    /// Example: plimsoll rules list
    List(AtServer),
    /// Has a running server check a rule file, keep it, and run its rules.
    ///
    /// Example: plimsoll rules push web.yml --comment 'fewer pages'
    Push(Push),
    /// Prints a rule file of a running server.
    ///
    /// Example: plimsoll rules pull web --version 3
    Pull(Pull),
    /// Prints who changed a rule file of a running server when, why, and what.
    ///
    /// Example: plimsoll rules history web
    History(History),
    /// Lists the default rules by pack, and why each is as it is; with --print a pack as a rule file.
    ///
    /// Example: plimsoll rules packs --print host > rules/host.yml
    Packs(Packs),
}

/// Which jobs, and when.
#[derive(Args)]
pub struct JobsBacktest {
    /// A file with jobs, or a configuration with analysis.jobs.
    #[arg(value_name = "JOBS")]
    file: PathBuf,
    /// First look: RFC 3339 or seconds.
    #[arg(long, value_name = "T")]
    from: String,
    /// Last look.
    #[arg(long, value_name = "T")]
    to: String,
    /// Reads this data directory instead of asking a server; no server may run in it.
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    data_dir: Option<PathBuf>,
    /// The server.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7546")]
    server: String,
}

/// Which server.
#[derive(Args)]
pub struct AtServer {
    /// The server.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7546")]
    server: String,
}

/// What to keep.
#[derive(Args)]
pub struct Push {
    /// The file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Its name there [default: the file's name without its ending]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Who changes it [default: $USER]
    #[arg(long, value_name = "TEXT", env = "USER", hide_env_values = true)]
    author: Option<String>,
    /// Why.
    #[arg(long, value_name = "TEXT", default_value = "")]
    comment: String,
    /// Only if this version is there now; 0: none.
    #[arg(long, value_name = "N")]
    expected_version: Option<u64>,
    #[command(flatten)]
    at: AtServer,
}

/// What to print.
#[derive(Args)]
pub struct Pull {
    /// The name of the file; of one that the server does not keep itself, its path.
    #[arg(value_name = "NAME")]
    name: String,
    /// A version before the newest.
    #[arg(long, value_name = "N")]
    version: Option<u64>,
    #[command(flatten)]
    at: AtServer,
}

/// Whose history.
#[derive(Args)]
pub struct History {
    /// The name of the file.
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    at: AtServer,
}

/// What of the default rules.
#[derive(Args)]
pub struct Packs {
    /// Prints the rule file of this pack, to be copied and changed.
    #[arg(long, value_name = "NAME")]
    print: Option<String>,
}

/// Which tests.
#[derive(Args)]
pub struct RulesTest {
    /// Files with tests.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Only tests whose name this regular expression finds; several: any of them.
    #[arg(long, value_name = "REGEX")]
    run: Vec<String>,
    /// Parts of PromQL that are off unless named, as `serve` takes them.
    #[arg(long, value_name = "NAMES")]
    enable_feature: Vec<String>,
}

/// Which rules, when, and how.
#[derive(Args)]
pub struct Backtest {
    /// A rule file; without it, rules that the server runs.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The server.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7546")]
    server: String,
    /// First evaluation: RFC 3339 or seconds.
    #[arg(long, alias = "from", value_name = "T")]
    start: String,
    /// Last evaluation.
    #[arg(long, alias = "to", value_name = "T")]
    end: String,
    /// Only the group of this name.
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// Only the alert of this name.
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    /// Time between evaluations of groups that name none [default: 1m]
    #[arg(long, value_name = "DURATION")]
    interval: Option<String>,
    /// How long after its time a sample is seen [default: 0s]
    #[arg(long, value_name = "DURATION")]
    lag: Option<String>,
    /// Another threshold for the table; several.
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    threshold: Vec<String>,
    /// Another length of `for` for the table; several.
    #[arg(long = "for", value_name = "DURATION")]
    for_length: Vec<String>,
    /// Labels by which alerts become one page; several [default: alertname]
    #[arg(long, value_name = "LABEL")]
    group_by: Vec<String>,
    /// Leaves the table out.
    #[arg(long)]
    no_curve: bool,
    /// Evaluates every step as live does: slow, and the same.
    #[arg(long)]
    steps: bool,
    /// Episodes that are listed of each rule.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Prints the answer as JSON.
    #[arg(long)]
    json: bool,
}

/// Which rules, and when.
#[derive(Args)]
pub struct Backfill {
    /// The server.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7546")]
    server: String,
    /// First evaluation: RFC 3339 or seconds.
    #[arg(long, value_name = "T")]
    start: String,
    /// Last evaluation.
    #[arg(long, value_name = "T")]
    end: String,
    /// Only the group of this name.
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// Only rules that record this series.
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
}

/// What to score.
#[derive(Args)]
pub struct Detect {
    /// CSV of timestamp,value.
    #[arg(long, value_name = "F.csv")]
    input: PathBuf,
    /// CSV of timestamp,value,anomaly_score [default: standard output]
    #[arg(long, value_name = "F.csv")]
    output: Option<PathBuf>,
}

/// What to forecast.
#[derive(Args)]
pub struct Forecast {
    /// CSV of timestamp,value.
    #[arg(long, value_name = "F.csv")]
    input: PathBuf,
    /// How many steps ahead.
    #[arg(long, value_name = "N")]
    horizon: usize,
    /// Steps of a season; 1 or none: those of the calendar are tried.
    #[arg(long, value_name = "S")]
    season: Option<usize>,
    /// Probability of the interval, between 0 and 1.
    #[arg(long, default_value_t = 0.95)]
    level: f64,
    /// CSV of timestamp,mean,lower,upper [default: standard output]
    #[arg(long, value_name = "F.csv")]
    output: Option<PathBuf>,
}

impl Serve {
    fn options(&self) -> Options {
        Options {
            config: self.config.clone(),
            prometheus_config: self.prometheus_config.clone(),
            alertmanager_config: self.alertmanager_config.clone(),
            data_dir: self.data_dir.clone(),
            listen: self.listen.clone(),
            bare: self.bare,
            features: self.enable_feature.clone(),
            retention: self.retention.clone(),
            allowed_hosts: self.allowed_host.clone(),
            ui_dir: self.ui_dir.clone(),
        }
    }
}

/// Does what is asked; the exit code is 0 for done, 1 for failed, 2 for a wrong configuration.
pub fn run(arguments: Arguments) -> ExitCode {
    let done = match arguments.command {
        None => return serve::run(&arguments.serve),
        Some(Command::Serve(serve)) => return serve::run(&serve),
        Some(Command::Check(check)) => return check::run(&check),
        Some(Command::Query(query)) => query::run(&query),
        Some(Command::Report(report)) => report::run(&report),
        Some(Command::Import(import)) => import::run(&import),
        Some(Command::Export(export)) => export::run(&export),
        Some(Command::Snapshot(snapshot)) => backup::snapshot(&snapshot),
        Some(Command::Restore(restore)) => backup::restore(&restore),
        Some(Command::Verify(verify)) => backup::verify(&verify),
        Some(Command::Rekey(rekey)) => backup::rekey(&rekey),
        Some(Command::Notify(Notify::Test(test))) => notify::test(&test),
        Some(Command::Rules(Rules::Backfill(backfill))) => rules::backfill(&backfill),
        Some(Command::Rules(Rules::Test(test))) => return rules_test::run(&test),
        Some(Command::Rules(Rules::Packs(packs))) => rules::packs(&packs),
        Some(Command::Backtest(backtest)) => jobs_backtest::run(&backtest),
        Some(Command::Rules(Rules::Backtest(backtest))) => rules_backtest::run(&backtest),
        Some(Command::Rules(Rules::List(at))) => rule_files::list(&at),
        Some(Command::Rules(Rules::Push(push))) => rule_files::push(&push),
        Some(Command::Rules(Rules::Pull(pull))) => rule_files::pull(&pull),
        Some(Command::Rules(Rules::History(history))) => rule_files::history(&history),
        Some(Command::Detect(detect)) => files::detect(&detect),
        Some(Command::Forecast(forecast)) => files::forecast(&forecast),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            say_wrong(&format!("{e:#}"));
            ExitCode::FAILURE
        }
    }
}

/// The command line's voice for people; logs go elsewhere.
/// Who stopped reading misses the rest.
fn say(text: &str) {
    let _read_or_not = writeln!(std::io::stdout().lock(), "{text}");
}

fn say_wrong(text: &str) {
    let _read_or_not = writeln!(std::io::stderr().lock(), "plimsoll: {text}");
}
