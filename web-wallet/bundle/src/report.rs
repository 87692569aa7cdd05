//! What a visitor downloads: compressed files, their sizes, and the hash that names this build.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use zopfli::{Format, Options};

use crate::error::BundleError;
use crate::site::Files;

/// Where the report stands in the served folder.
pub(crate) const FILE: &str = "build.json";

/// Each file as gzip, packed as small as zopfli makes it, under its path with `.gz` behind: servers send it to browsers that take it.
pub(crate) fn gzipped(files: &Files) -> Result<Files, BundleError> {
    files
        .iter()
        .map(|(path, bytes)| Ok((gz_path(path), gzip(bytes).map_err(BundleError::file(path))?)))
        .collect()
}

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
    gz_bytes: usize,
}

impl Report {
    /// Measures `files` and what [`gzipped`] made of them.
    pub(crate) fn of(files: &Files, gzipped: &Files) -> Self {
        let mut hasher = blake3::Hasher::new();
        let mut sizes = Vec::with_capacity(files.len());
        for (path, bytes) in files {
            let path = path.to_string_lossy().into_owned();
            for part in [path.as_bytes(), bytes] {
                hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
            }
            let gz_bytes = gzipped.get(&gz_path(Path::new(&path))).map_or(bytes.len(), Vec::len);
            sizes.push(Size { path, bytes: bytes.len(), gz_bytes });
        }
        let total_gz_bytes = sizes.iter().map(|size| size.gz_bytes).sum();
        Self { build: hasher.finalize().to_hex().to_string(), total_gz_bytes, files: sizes }
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

fn gz_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".gz");
    name.into()
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = Vec::new();
    // Slower than the usual way and four percent smaller: it is done once, and waited for by every visitor.
    zopfli::compress(Options::default(), Format::Gzip, bytes, &mut packed)?;
    Ok(packed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(files: &Files) -> Report {
        Report::of(files, &gzipped(files).unwrap())
    }

    #[test]
    fn the_hash_tells_where_a_path_ends() {
        let one = Files::from([("ab".into(), b"c".to_vec())]);
        let other = Files::from([("a".into(), b"bc".to_vec())]);
        assert_ne!(report(&one).build, report(&other).build);
    }

    #[test]
    fn the_total_is_what_all_compressed_files_weigh_together() {
        let files = Files::from([("a".into(), vec![0; 10_000]), ("b".into(), vec![1; 10_000])]);
        let compressed = gzipped(&files).unwrap();
        let total: usize = compressed.values().map(Vec::len).sum();
        assert_eq!(Report::of(&files, &compressed).total_gz_bytes, total);
        assert!(total < 200, "{total}");
    }
}
