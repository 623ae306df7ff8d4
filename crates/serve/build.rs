//! Embeds the built browser application: every file of `ui/dist`, raw and compressed with brotli.
//!
//! No Node and no network: `ui/dist` is committed. When it is missing the program still builds, serves
//! the API, and shows a page that says so.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Below this a compressed copy is not worth its place.
const COMPRESS_FROM: usize = 512;

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let dist = manifest.join("../../ui/dist");
    println!("cargo:rerun-if-changed={}", dist.display());
    let mut files = Vec::new();
    if dist.join("index.html").is_file() {
        collect(&dist, &dist, &mut files)?;
        files.sort();
    } else {
        println!("cargo:warning=ui/dist is missing: the browser application is not embedded");
    }
    let mut table = String::from("&[\n");
    for (i, name) in files.iter().enumerate() {
        let source = dist.join(name);
        println!("cargo:rerun-if-changed={}", source.display());
        let raw = fs::read(&source)?;
        let packed = if raw.len() >= COMPRESS_FROM { compress(&raw)? } else { Vec::new() };
        let at = out.join(format!("asset-{i}.br"));
        fs::write(&at, packed)?;
        let source = source.canonicalize()?;
        let _ = writeln!(
            table,
            "    Asset {{ path: {name:?}, raw: include_bytes!({source:?}), brotli: include_bytes!({at:?}) }},"
        );
    }
    table.push_str("]\n");
    fs::write(out.join("assets.rs"), table)
}

fn collect(root: &Path, dir: &Path, files: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if let Ok(name) = path.strip_prefix(root) {
            files.push(name.to_string_lossy().replace('\\', "/"));
        }
    }
    Ok(())
}

fn compress(raw: &[u8]) -> io::Result<Vec<u8>> {
    let mut writer = brotli::CompressorWriter::new(Vec::new(), 1 << 16, 11, 22);
    writer.write_all(raw)?;
    Ok(writer.into_inner())
}
