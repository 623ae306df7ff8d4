//! Answers are packed for who accepts it: JSON and text, by zstd or gzip.

use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use http_body_util::BodyExt;

use crate::prom::blocking;
use crate::reply::json;

/// Answers from this size on are compressed for who asks for it.
const COMPRESS_FROM: usize = 4 << 10;

/// How an answer is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Zstd,
    Gzip,
}

impl Encoding {
    /// The one that the client likes best; zstd where it likes both alike: it is faster.
    pub fn of(headers: &http::HeaderMap) -> Option<Self> {
        let (mut zstd, mut gzip) = (None, None);
        let all = headers.get_all(header::ACCEPT_ENCODING).into_iter();
        for one in all.filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(',')) {
            let mut parts = one.split(';').map(str::trim);
            let name = parts.next().unwrap_or("").to_ascii_lowercase();
            let weight = parts.find_map(|p| p.strip_prefix("q=")?.parse::<f32>().ok());
            let weight = weight.unwrap_or(1.0);
            match name.as_str() {
                "zstd" => zstd = Some(weight),
                "gzip" | "x-gzip" => gzip = Some(weight),
                "*" => gzip = gzip.or(Some(weight)),
                _ => {}
            }
        }
        let (zstd, gzip) = (zstd.unwrap_or(0.0), gzip.unwrap_or(0.0));
        match (zstd > 0.0, gzip > 0.0) {
            (true, _) if zstd >= gzip => Some(Self::Zstd),
            (_, true) => Some(Self::Gzip),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    fn pack(self, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
        match self {
            Self::Zstd => zstd::bulk::compress(bytes, 1),
            Self::Gzip => {
                let fast = flate2::Compression::fast();
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), fast);
                std::io::Write::write_all(&mut encoder, bytes)?;
                encoder.finish()
            }
        }
    }
}

/// Packs an answer that is worth it.
pub(super) async fn compressed(mut response: Response, encoding: Encoding) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE).map_or(&b""[..], |v| v.as_bytes());
    let texts: [&[u8]; 3] = [b"application/json", b"application/x-ndjson", b"text/plain"];
    let is_text = texts.iter().any(|t| kind.starts_with(t));
    let packed = response.headers().contains_key(header::CONTENT_ENCODING);
    if !is_text || packed {
        return response;
    }
    response.headers_mut().append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    let size = axum::body::HttpBody::size_hint(response.body()).exact().unwrap_or(0);
    if size < COMPRESS_FROM as u64 {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
        return json(StatusCode::INTERNAL_SERVER_ERROR, Vec::new());
    };
    let raw = bytes.clone();
    let Ok(Ok(packed)) = blocking(move || encoding.pack(&raw)).await else {
        return Response::from_parts(parts, axum::body::Body::from(bytes));
    };
    parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
    Response::from_parts(parts, axum::body::Body::from(packed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accepted: &str, expected: Option<Encoding>) {
        let mut headers = http::HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_str(accepted).unwrap());
        assert_eq!(Encoding::of(&headers), expected, "{accepted}");
    }

    #[test]
    fn the_client_chooses_the_encoding() {
        check("gzip", Some(Encoding::Gzip));
        check("gzip, deflate, br, zstd", Some(Encoding::Zstd));
        check("zstd;q=0.5, gzip;q=0.9", Some(Encoding::Gzip));
        check("zstd;q=0, gzip;q=0", None);
        check("identity", None);
        check("*", Some(Encoding::Gzip));
    }

    #[test]
    fn what_is_packed_can_be_unpacked() {
        let text = b"the same again, the same again, the same again".repeat(100);
        let packed = Encoding::Zstd.pack(&text).unwrap();
        assert_eq!(zstd::bulk::decompress(&packed, text.len()).unwrap(), text);
        let packed = Encoding::Gzip.pack(&text).unwrap();
        let mut out = Vec::new();
        let mut decoder = flate2::read::GzDecoder::new(&packed[..]);
        std::io::Read::read_to_end(&mut decoder, &mut out).unwrap();
        assert_eq!(out, text);
    }
}
