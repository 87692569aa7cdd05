//! What a visitor downloads: sizes, and the hash that names this build.

use std::fmt;
use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use serde::Serialize;

use crate::error::BundleError;
use crate::site::Files;

/// Where the report stands in the served folder.
pub(crate) const FILE: &str = "build.json";

/// A build: its hash, and its files with their sizes.
#[derive(Serialize)]
pub(crate) struct Report {
    /// BLAKE3 over every file's path and bytes, each with its length before it; 64 hex digits.
    build: String,
    /// Sum of all `gz_bytes`.
    total_gz_bytes: usize,
    /// By path.
    files: Vec<Size>,
}

#[derive(Serialize)]
struct Size {
    path: String,
    bytes: usize,
    /// As gzip at its best (level 9) sends it.
    gz_bytes: usize,
}

impl Report {
    /// Measures `files`.
    pub(crate) fn of(files: &Files) -> Result<Self, BundleError> {
        let mut hasher = blake3::Hasher::new();
        let mut sizes = Vec::with_capacity(files.len());
        for (path, bytes) in files {
            let path = path.to_string_lossy().into_owned();
            for part in [path.as_bytes(), bytes] {
                hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
            }
            let gz_bytes = gzipped(bytes).map_err(BundleError::file(path.as_ref()))?;
            sizes.push(Size { path, bytes: bytes.len(), gz_bytes });
        }
        let total_gz_bytes = sizes.iter().map(|size| size.gz_bytes).sum();
        Ok(Self { build: hasher.finalize().to_hex().to_string(), total_gz_bytes, files: sizes })
    }

    /// The report as it is served.
    pub(crate) fn json(&self) -> Result<Vec<u8>, BundleError> {
        Ok(serde_json::to_vec_pretty(self)?)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>9} {:>9}  file", "bytes", "gzipped")?;
        for Size { path, bytes, gz_bytes } in &self.files {
            writeln!(f, "{bytes:>9} {gz_bytes:>9}  {path}")?;
        }
        writeln!(f, "{:>9} {:>9}  in all, build {}", "", self.total_gz_bytes, &self.build[..16])
    }
}

fn gzipped(bytes: &[u8]) -> std::io::Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_tells_where_a_path_ends() {
        let one = Files::from([("ab".into(), b"c".to_vec())]);
        let other = Files::from([("a".into(), b"bc".to_vec())]);
        assert_ne!(Report::of(&one).unwrap().build, Report::of(&other).unwrap().build);
    }

    #[test]
    fn the_total_is_what_all_files_weigh_together() {
        let files = Files::from([("a".into(), vec![0; 10_000]), ("b".into(), vec![1; 10_000])]);
        let report = Report::of(&files).unwrap();
        assert_eq!(report.total_gz_bytes, report.files[0].gz_bytes + report.files[1].gz_bytes);
        assert!(report.total_gz_bytes < 200);
    }
}
