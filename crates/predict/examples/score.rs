//! The command line's two analyses as a bare program, for benchmarks:
//! `score detect --input F.csv [--output F.csv]`, `score forecast --input F.csv --horizon N [--season S] [--level L] [--output F.csv]`.
#![allow(clippy::print_stdout)]

use plimsoll_predict::{ForecastRequest, detect_csv, forecast_csv};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let flag = |name: &str| {
        args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1)).map(String::as_str)
    };
    let text = std::fs::read_to_string(flag("--input").ok_or("--input FILE is missing")?)?;
    let answer = match args.first().map(String::as_str) {
        Some("detect") => detect_csv(&text)?,
        Some("forecast") => forecast_csv(
            &text,
            &ForecastRequest {
                horizon: flag("--horizon").ok_or("--horizon N is missing")?.parse()?,
                season: flag("--season").map(str::parse).transpose()?,
                level: flag("--level").map_or(Ok(0.95), str::parse)?,
            },
        )?,
        _ => return Err("write detect or forecast first".into()),
    };
    match flag("--output") {
        Some(path) => std::fs::write(path, answer)?,
        None => print!("{answer}"),
    }
    Ok(())
}
