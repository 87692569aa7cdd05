//! Room on the disk.

use std::{fs, io, path::Path};

/// Bytes that this process may still write where `path` is; `None` on systems that are not asked.
///
/// # Errors
/// When the file system does not say.
#[cfg(unix)]
pub fn free_bytes(path: &Path) -> io::Result<Option<u64>> {
    let disk = rustix::fs::statvfs(path)?;
    Ok(Some(disk.f_bavail.saturating_mul(disk.f_frsize)))
}

/// Bytes that this process may still write where `path` is; `None` on systems that are not asked.
///
/// # Errors
/// Never.
#[cfg(not(unix))]
pub fn free_bytes(_: &Path) -> io::Result<Option<u64>> {
    Ok(None)
}

/// Bytes of the files in a data folder and in the folders directly in it.
///
/// # Errors
/// When they cannot be listed.
pub fn folder_bytes(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // What is replaced while we look is gone the next moment.
        let Ok(metadata) = entry.metadata() else { continue };
        bytes += if metadata.is_dir() {
            let inside = fs::read_dir(entry.path())?;
            inside.filter_map(|entry| entry.ok()?.metadata().ok()).map(|found| found.len()).sum()
        } else {
            metadata.len()
        };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), [0; 100]).unwrap();
        fs::create_dir(folder.path().join("b")).unwrap();
        fs::write(folder.path().join("b").join("c"), [0; 23]).unwrap();
        assert_eq!(folder_bytes(folder.path()).unwrap(), 123);
        assert!(folder_bytes(&folder.path().join("none")).is_err());
        if cfg!(unix) {
            assert!(free_bytes(folder.path()).unwrap().unwrap() > 0);
            assert!(free_bytes(&folder.path().join("none")).is_err());
        }
    }
}
