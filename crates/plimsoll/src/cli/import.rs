//! `plimsoll import`: samples of files into a data directory or a running server.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use plimsoll_model::{Batch, Canonical, LabelBuf, Labels, Metadata, Rows, SampleSink, SourceId};
use plimsoll_net::{Client, HttpClient, HttpConfig, Request};
use plimsoll_store::{Mode, Store};
use plimsoll_wire::blocks::{BlockIndex, Encoding, chunk, decode_xor};
use plimsoll_wire::csv::CsvReader;
use plimsoll_wire::remote_write::Encoder;
use plimsoll_wire::text::{Format, Line, Scanner, parse_series};
use plimsoll_world::World;

use super::{Import, InputFormat, say, say_wrong};

/// Samples sent at once.
const BATCH_SAMPLES: usize = 20_000;
/// How long a server may take for one request.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(120);
/// How often a server that is busy is asked again, and how long is waited before.
const RETRIES: u32 = 60;
const PAUSE: std::time::Duration = std::time::Duration::from_secs(2);
/// Refusals that are shown one by one.
const SHOWN_MAX: u64 = 10;

/// Where samples go.
enum Target {
    Directory(Box<Store>),
    Server(Box<Server>),
}

struct Server {
    client: HttpClient,
    runtime: tokio::runtime::Runtime,
    url: String,
}

/// Samples on their way, and what became of those before.
struct Importer {
    target: Target,
    source: SourceId,
    series: Vec<(Labels, Vec<i64>, Vec<f64>)>,
    metadata: Vec<Metadata>,
    waiting: usize,
    stored: u64,
    duplicate: u64,
    refused: u64,
}

/// Imports all files; fails when one cannot be read, or when samples were refused.
pub fn run(import: &Import) -> Result<()> {
    let target = match &import.data_dir {
        Some(dir) => {
            let config = plimsoll_store::Config {
                mode: Mode::Inline,
                reserve_bytes: Some(0),
                // Flushed by size here.
                backfill_days: usize::MAX,
                retention: std::time::Duration::from_secs(500 * 365 * 86_400),
                encryption: super::backup::key(import.key_file.as_deref())?,
                ..plimsoll_store::Config::default()
            };
            Target::Directory(Box::new(Store::open(World::real(), dir, config)?))
        }
        None => {
            plimsoll_net::install_crypto();
            Target::Server(Box::new(Server {
                client: HttpClient::new(HttpConfig::default()),
                runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()?,
                url: format!("{}/api/v1/write", import.server.trim_end_matches('/')),
            }))
        }
    };
    let mut importer = Importer {
        target,
        source: SourceId::new("import"),
        series: Vec::new(),
        metadata: Vec::new(),
        waiting: 0,
        stored: 0,
        duplicate: 0,
        refused: 0,
    };
    for file in &import.files {
        let format = import.format.map_or_else(|| guess(file), Ok)?;
        let done = match format {
            InputFormat::Openmetrics => importer.open_metrics(file),
            InputFormat::Csv => importer.csv(file, import.metric.as_deref()),
            InputFormat::PrometheusBlocks => importer.blocks(file),
        };
        done.with_context(|| format!("{}", file.display()))?;
    }
    importer.send()?;
    let Importer { stored, duplicate, refused, target, .. } = importer;
    if let Target::Directory(store) = target {
        store.flush_now()?;
        store.close()?;
    }
    say(&format!("{stored} samples stored, {duplicate} duplicates left out, {refused} refused"));
    if refused > 0 {
        bail!("{refused} samples were refused, see above");
    }
    Ok(())
}

fn guess(file: &Path) -> Result<InputFormat> {
    if file.is_dir() {
        return Ok(InputFormat::PrometheusBlocks);
    }
    match file.extension().and_then(|e| e.to_str()) {
        Some("csv") => Ok(InputFormat::Csv),
        Some("om" | "txt" | "prom") => Ok(InputFormat::Openmetrics),
        _ => bail!(
            "{}: cannot tell the format; name it (--format openmetrics, csv or prometheus-blocks)",
            file.display()
        ),
    }
}

impl Importer {
    fn add(&mut self, labels: &LabelBuf, time: i64, value: f64) -> Result<()> {
        match self.series.last_mut() {
            Some((last, times, floats)) if last.as_ref() == labels.as_ref() => {
                times.push(time);
                floats.push(value);
            }
            _ => self.series.push((labels.to_labels(), vec![time], vec![value])),
        }
        self.waiting += 1;
        if self.waiting >= BATCH_SAMPLES { self.send() } else { Ok(()) }
    }

    fn send(&mut self) -> Result<()> {
        if self.series.is_empty() && self.metadata.is_empty() {
            return Ok(());
        }
        match &self.target {
            Target::Directory(store) => {
                let rows: Vec<Rows<'_>> = self
                    .series
                    .iter()
                    .map(|(l, times, floats)| Rows {
                        fp: Some(l.fp()),
                        raw: l.as_ref().as_bytes(),
                        times,
                        floats,
                        ..Rows::default()
                    })
                    .collect();
                let metadata = &self.metadata;
                let batch =
                    Batch { source: &self.source, decode: &Canonical, rows: &rows, metadata };
                let told = store.submit(batch).wait()?;
                self.stored += told.stored;
                self.duplicate += told.duplicate;
                for (i, v) in told.rows.iter().enumerate().filter(|(_, v)| v.refused > 0) {
                    if self.refused < SHOWN_MAX
                        && let Some(why) = &v.reason
                    {
                        say_wrong(&format!("{}: {why}", self.series[i].0));
                    }
                    self.refused += u64::from(v.refused);
                }
                if store.stats().head_bytes > 256 << 20 {
                    store.flush_now()?;
                }
            }
            Target::Server(server) => {
                let Server { client, runtime, url } = &**server;
                let mut encoder = Encoder::new();
                for (labels, times, floats) in &self.series {
                    encoder.series(labels.as_ref(), times, floats);
                }
                self.metadata.iter().for_each(|m| encoder.metadata(m));
                let mut request = Request::post(url, "application/x-protobuf", encoder.finish());
                request.headers.push(("content-encoding".to_owned(), "snappy".to_owned()));
                request.timeout = TIMEOUT;
                let mut tries = 0;
                let answer = loop {
                    let answer = runtime.block_on(client.send(request.clone()));
                    let answer = answer.with_context(|| {
                        format!("no answer from {url}; is plimsoll serve running?")
                    })?;
                    // Busy flushing old samples, mostly: it says so and wants to be asked again.
                    if answer.status != 503 || tries == RETRIES {
                        break answer;
                    }
                    tries += 1;
                    std::thread::sleep(PAUSE);
                };
                if (200..300).contains(&answer.status) {
                    self.stored += self.waiting as u64;
                } else {
                    let why = String::from_utf8_lossy(&answer.body);
                    if answer.status >= 500 {
                        bail!("{url} answered {}: {}", answer.status, why.trim());
                    }
                    say_wrong(&format!("{} samples: {}", self.waiting, why.trim()));
                    self.refused += self.waiting as u64;
                }
            }
        }
        self.series.clear();
        self.metadata.clear();
        self.waiting = 0;
        Ok(())
    }

    fn open_metrics(&mut self, file: &Path) -> Result<()> {
        let bytes = std::fs::read(file)?;
        let ends = bytes.trim_ascii_end().ends_with(b"# EOF");
        let format = if ends { Format::OpenMetrics } else { Format::Prometheus };
        let mut scanner = Scanner::new(&bytes, format);
        let (mut labels, mut last) = (LabelBuf::new(), Vec::new());
        while let Some(line) = scanner.next_line()? {
            let Line::Sample(s) = line else { continue };
            let Some(time) = s.time else {
                bail!("line {}: a sample without a timestamp; when was it?", scanner.line());
            };
            if last != s.series || labels.as_ref().is_empty() {
                let pairs = parse_series(s.series, format, s.bound)?;
                let mut pairs: Vec<(&str, &str)> =
                    pairs.iter().map(|(n, v)| (&**n, &**v)).collect();
                labels.set(&mut pairs)?;
                last.clear();
                last.extend_from_slice(s.series);
            }
            self.add(&labels, time, s.value)?;
        }
        Ok(())
    }

    fn csv(&mut self, file: &Path, metric: Option<&str>) -> Result<()> {
        let text = std::fs::read_to_string(file)?;
        let mut reader = CsvReader::new(&text, metric)?;
        let mut labels = LabelBuf::new();
        while let Some(row) = reader.next_row()? {
            let time = csv_time(&row.time)
                .with_context(|| format!("line {}: timestamp {:?}", row.line, row.time))?;
            let own = metric.map(|m| (plimsoll_model::METRIC_NAME, m));
            let mut pairs: Vec<(&str, &str)> =
                row.labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).chain(own).collect();
            labels.set(&mut pairs).with_context(|| format!("line {}", row.line))?;
            self.add(&labels, time, row.value)?;
        }
        Ok(())
    }

    /// A block, or a directory of blocks.
    fn blocks(&mut self, dir: &Path) -> Result<()> {
        if dir.join("index").is_file() {
            return self.block(dir);
        }
        let mut blocks: Vec<PathBuf> = std::fs::read_dir(dir)?
            .filter_map(|e| e.ok().map(|e| e.path()))
            .filter(|p| p.join("index").is_file())
            .collect();
        blocks.sort();
        if blocks.is_empty() {
            bail!("no block: neither it nor a directory in it has a file `index`");
        }
        for block in blocks {
            self.block(&block).with_context(|| format!("block {}", block.display()))?;
        }
        Ok(())
    }

    fn block(&mut self, dir: &Path) -> Result<()> {
        let bytes = std::fs::read(dir.join("index"))?;
        let mut index = BlockIndex::new(&bytes)?;
        // The names are numbers, from 1 on.
        let mut files: Vec<PathBuf> = std::fs::read_dir(dir.join("chunks"))?
            .filter_map(|e| e.ok().map(|e| e.path()))
            .collect();
        files.sort();
        let segments = files.iter().map(std::fs::read).collect::<std::io::Result<Vec<_>>>()?;
        let (mut labels, mut histograms) = (LabelBuf::new(), 0u64);
        let (mut times, mut floats) = (Vec::new(), Vec::new());
        while let Some(series) = index.next_series()? {
            let mut pairs = series.labels;
            labels.set(&mut pairs)?;
            for c in &series.chunks {
                let segment = segments.get(c.segment as usize);
                let segment = segment
                    .with_context(|| format!("chunk segment {} is missing", c.segment + 1))?;
                let (encoding, data) = chunk(segment, c.offset)?;
                if encoding != Encoding::Xor {
                    histograms += 1;
                    continue;
                }
                times.clear();
                floats.clear();
                decode_xor(data, &mut times, &mut floats)?;
                for (t, v) in times.iter().zip(&floats) {
                    self.add(&labels, *t, *v)?;
                }
            }
        }
        if histograms > 0 {
            say_wrong(&format!(
                "{}: {histograms} chunks of native histograms are left out; only floats are imported \
                 from blocks",
                dir.display()
            ));
        }
        if std::fs::metadata(dir.join("tombstones")).is_ok_and(|m| m.len() > TOMBSTONES_EMPTY) {
            say_wrong(&format!(
                "{}: it has tombstones, which are not read: what was deleted there comes back here. \
                 Let Prometheus clean its tombstones first",
                dir.display()
            ));
        }
        Ok(())
    }
}

/// Bytes of a file of tombstones that holds none: magic, version, checksum.
const TOMBSTONES_EMPTY: u64 = 9;

/// Seconds or milliseconds since the epoch, or RFC 3339.
fn csv_time(text: &str) -> Result<i64> {
    let text = text.trim();
    if let Ok(n) = text.parse::<i64>() {
        // Beyond the year 5000 in seconds: they are milliseconds.
        return Ok(if n.unsigned_abs() > 100_000_000_000 { n } else { n * 1000 });
    }
    plimsoll_serve::time_ms(text).map_err(anyhow::Error::msg)
}
