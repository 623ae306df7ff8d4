//! The files of the browser application: embedded, compressed beforehand, with ETags.
//!
//! A path that is no file and has no extension gets `index.html`: the application has its own routes.
//! The policy for content lets nothing load from another origin.

use std::path::{Component, Path};

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, Method, Request, StatusCode, header};

use plimsoll_world::{Disk, Open};

use crate::app::App;
use crate::reply::text;

struct Asset {
    path: &'static str,
    raw: &'static [u8],
    brotli: &'static [u8],
}

/// Sorted by path; written by the build script.
static ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// What pages may load: only what we serve, and connections back to us.
const POLICY: &str = "default-src 'self'; base-uri 'none'; object-src 'none'; \
                      frame-ancestors 'none'; form-action 'self'";

/// Bytes of a file that are served from `--ui-dir`.
const FILE_BYTES_MAX: u64 = 16 << 20;

const MISSING: &str = "<!doctype html><title>Plimsoll</title><p>The browser application was not \
                       built into this program. The API works: see /api/v1/status/buildinfo.";

const TYPES: [(&str, &str); 9] = [
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("ico", "image/x-icon"),
    ("json", "application/json"),
    ("woff2", "font/woff2"),
    ("txt", "text/plain; charset=utf-8"),
];

/// The file at the request's path.
pub fn answer(app: &App, request: &Request<Body>) -> Response {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return text(StatusCode::METHOD_NOT_ALLOWED, "only GET");
    }
    let path = request.uri().path().trim_start_matches('/');
    let name = if path.is_empty() || !path.contains('.') { "index.html" } else { path };
    if let Some(dir) = &app.ui_dir {
        return from_dir(&*app.disk, dir, name);
    }
    let Ok(i) = ASSETS.binary_search_by(|a| a.path.cmp(name)) else {
        if name == "index.html" {
            return page(MISSING.as_bytes().to_vec(), "index.html");
        }
        return text(StatusCode::NOT_FOUND, "no such file");
    };
    embedded(&ASSETS[i], request)
}

fn embedded(asset: &Asset, request: &Request<Body>) -> Response {
    let of = |name| request.headers().get(name).and_then(|v: &HeaderValue| v.to_str().ok());
    let etag = format!("\"{:016x}\"", xxhash_rust::xxh3::xxh3_64(asset.raw));
    let known = of(header::IF_NONE_MATCH).is_some_and(|v| v.contains(&etag));
    let packs = of(header::ACCEPT_ENCODING).is_some_and(|v| v.contains("br"));
    let packed = packs && !asset.brotli.is_empty();
    let mut response = if known {
        let mut response = page(Vec::new(), asset.path);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        page(if packed { asset.brotli } else { asset.raw }.to_vec(), asset.path)
    };
    let headers = response.headers_mut();
    if packed && !known {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
    }
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}

fn from_dir(disk: &dyn Disk, dir: &Path, name: &str) -> Response {
    let relative = Path::new(name);
    if relative.components().any(|c| !matches!(c, Component::Normal(_))) {
        return text(StatusCode::NOT_FOUND, "no such file");
    }
    match read(disk, &dir.join(relative)) {
        Ok(bytes) => page(bytes, name),
        Err(e) => text(StatusCode::NOT_FOUND, format!("{name} in the directory of --ui-dir: {e}")),
    }
}

fn read(disk: &dyn Disk, path: &Path) -> std::io::Result<Vec<u8>> {
    let file = disk.open(path, Open::Read)?;
    let len = usize::try_from(file.len()?.min(FILE_BYTES_MAX)).unwrap_or(0);
    let mut bytes = vec![0; len];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

fn page(bytes: Vec<u8>, name: &str) -> Response {
    let extension = name.rsplit_once('.').map_or("", |(_, e)| e);
    let mime =
        TYPES.iter().find(|(e, _)| *e == extension).map_or("application/octet-stream", |t| t.1);
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(mime));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert("content-security-policy", HeaderValue::from_static(POLICY));
    headers.insert("referrer-policy", HeaderValue::from_static("same-origin"));
    response
}
