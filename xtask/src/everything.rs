//! What must be green when work ends: check, then slow tests, real peers, the browser, and the
//! cases of third parties.

use crate::check::{self, test_command};
use crate::place::{Place, run};
use crate::step::{Outcome, Step};
use crate::{conformance, debian, python, ui};
use anyhow::Result;

/// `cargo xtask test`.
pub fn steps() -> Vec<Step> {
    vec![
        check::FMT,
        check::TIDY,
        Step {
            name: "debian",
            what: "Debian packages of the peers and the browser",
            needs: &[],
            run: debian::install,
        },
        Step {
            name: "python",
            what: "a Python environment with prometheus-client and numpy",
            needs: &[],
            run: python::install,
        },
        Step {
            name: "ui",
            what: "the UI: its own checks, and whether ui/dist is what its sources give",
            needs: &[],
            run: ui::check,
        },
        check::CLIPPY,
        Step {
            name: "tests",
            what: "unit, property and slow tests of every crate but the binary's",
            needs: &[],
            run: engines,
        },
        check::DOCTESTS,
        Step { name: "release", what: "the release binary", needs: &[], run: release },
        Step {
            name: "peers",
            what: "tests of the real process and of real peers",
            needs: &["release", "debian", "python"],
            run: peers,
        },
        Step {
            name: "e2e",
            what: "the UI in a real browser against the real binary",
            needs: &["release", "ui"],
            run: ui::end_to_end,
        },
        Step {
            name: "scripts",
            what: "Prometheus' own PromQL scripts",
            needs: &["release"],
            run: conformance::scripts,
        },
        Step {
            name: "gold",
            what: "answers kept from Prometheus 3.12",
            needs: &["release"],
            run: conformance::gold,
        },
        Step {
            name: "remote-write",
            what: "what senders of remote writes may expect",
            needs: &["release"],
            run: conformance::remote_write,
        },
        Step {
            name: "alertmanager",
            what: "what users of an Alertmanager may expect",
            needs: &["release"],
            run: conformance::alertmanager,
        },
        Step {
            name: "rules",
            what: "what users of Prometheus' rules may expect",
            needs: &["release"],
            run: conformance::rules,
        },
        Step {
            name: "exposition",
            what: "what targets may write",
            needs: &["release"],
            run: conformance::exposition,
        },
    ]
}

fn engines(place: &Place) -> Result<Outcome> {
    run(&mut test_command(place, &["--workspace", "--exclude", "plimsoll"]))?;
    Outcome::done()
}

fn release(place: &Place) -> Result<Outcome> {
    run(&mut place.cargo(&["build", "--release", "-p", "plimsoll"]))?;
    Ok(Outcome::Done(place.binary().display().to_string()))
}

fn peers(place: &Place) -> Result<Outcome> {
    let mut command = test_command(place, &["-p", "plimsoll"]);
    command.env("PLIMSOLL_BIN", place.binary()).env("PLIMSOLL_PYTHON", python::interpreter(place));
    run(&mut command)?;
    Outcome::done()
}
