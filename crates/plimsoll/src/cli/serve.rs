//! `plimsoll serve`.

use std::process::ExitCode;

use plimsoll::config::load;
use plimsoll::{Error, run};
use tokio::signal::unix::{SignalKind, signal};
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
        let mut running = run::start(options, config).await?;
        say(&format!("Plimsoll is at http://{}/ ({note})", running.address));
        until_stopped(&mut running).await?;
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
    let filter = EnvFilter::try_new(level).map_err(|e| {
        format!("--log-level: {level:?} is not a level (error, warn, info, debug, trace): {e}")
    })?;
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    Ok(())
}

/// Waits for SIGTERM or SIGINT; SIGHUP reads the configuration again.
async fn until_stopped(running: &mut run::Running) -> Result<(), Error> {
    let on = |kind| signal(kind).map_err(|e| Error::Unavailable(format!("signals: {e}")));
    let (mut term, mut int) = (on(SignalKind::terminate())?, on(SignalKind::interrupt())?);
    let mut hup = on(SignalKind::hangup())?;
    loop {
        tokio::select! {
            _ = term.recv() => return Ok(()),
            _ = int.recv() => return Ok(()),
            _ = hup.recv() => {
                if let Err(e) = running.reload() {
                    tracing::error!(error = %e, "configuration not applied; the old one stays");
                }
            }
            error = running.failed() => return Err(error),
        }
    }
}
