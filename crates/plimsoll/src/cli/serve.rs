//! `plimsoll serve`.

use std::process::ExitCode;

use plimsoll::config::load;
use plimsoll::{Error, run};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::{Serve, WRONG, say, say_wrong};

/// Serves until a signal.
pub fn run(serve: &Serve) -> ExitCode {
    if let Err(e) = start_logging(&serve.log_level) {
        say_wrong(&e);
        return ExitCode::from(WRONG);
    }
    let options = serve.options();
    let config = match load(&options) {
        Ok(config) => config,
        Err(problems) => {
            problems.iter().for_each(|p| say_wrong(&p.to_string()));
            return ExitCode::from(WRONG);
        }
    };
    for text in &config.unsupported {
        tracing::warn!("{text}");
    }
    let runtime = match run::runtime() {
        Ok(runtime) => runtime,
        Err(e) => {
            say_wrong(&format!("the runtime cannot start: {e}"));
            return ExitCode::FAILURE;
        }
    };
    let note = config.listen_note;
    let outcome = runtime.block_on(async {
        let mut signals = Signals::new()?;
        let mut running = run::start(options, config).await?;
        say(&format!("Plimsoll is at http://{}/ ({note})", running.address));
        until_stopped(&mut running, &mut signals).await?;
        tracing::info!("stopping");
        running.stop().await
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            say_wrong(&e.to_string());
            ExitCode::FAILURE
        }
    }
}

fn start_logging(level: &str) -> Result<(), String> {
    if level.parse::<tracing::level_filters::LevelFilter>().is_err() && !level.contains('=') {
        let allowed = "off, error, warn, info, debug, trace";
        return Err(format!("--log-level: {level:?} is not a level ({allowed})"));
    }
    let filter = EnvFilter::try_new(level)
        .map_err(|e| format!("--log-level: {level:?} cannot be used: {e}"))?;
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    Ok(())
}

/// The signals that are understood. Caught before anything starts, so that one that comes while the
/// log is replayed is not lost.
struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
}

impl Signals {
    fn new() -> Result<Self, Error> {
        let on = |kind| signal(kind).map_err(|e| Error::Unavailable(format!("signals: {e}")));
        let (term, int) = (on(SignalKind::terminate())?, on(SignalKind::interrupt())?);
        Ok(Self { term, int, hup: on(SignalKind::hangup())? })
    }
}

/// Waits for SIGTERM or SIGINT; SIGHUP reads the configuration again.
async fn until_stopped(running: &mut run::Running, signals: &mut Signals) -> Result<(), Error> {
    loop {
        tokio::select! {
            _ = signals.term.recv() => return Ok(()),
            _ = signals.int.recv() => return Ok(()),
            _ = signals.hup.recv() => {
                if let Err(e) = running.reload().await {
                    tracing::error!(error = %e, "configuration not applied; the old one stays");
                }
            }
            error = running.failed() => return Err(error),
        }
    }
}
