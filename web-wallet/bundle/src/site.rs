//! Folders of files: read whole, written so that a server may go on serving meanwhile.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::BundleError;

/// Files by their path in the folder.
pub(crate) type Files = BTreeMap<PathBuf, Vec<u8>>;

/// The folder of `www/` that is the book and no part of the wallet.
const BOOK: &str = "book";

/// Reads all files under `folder` but the book.
pub(crate) fn read(folder: &Path) -> Result<Files, BundleError> {
    let mut files = Files::new();
    for path in paths(folder)? {
        if !path.starts_with(BOOK) {
            let full = folder.join(&path);
            files.insert(path, fs::read(&full).map_err(BundleError::file(&full))?);
        }
    }
    Ok(files)
}

/// Makes `folder` hold exactly `files`. What is already there with the same bytes is left alone; each file changes at once, never by halves.
pub(crate) fn write(files: &Files, folder: &Path) -> Result<(), BundleError> {
    fs::create_dir_all(folder).map_err(BundleError::file(folder))?;
    for path in paths(folder)? {
        if !files.contains_key(&path) {
            let full = folder.join(path);
            fs::remove_file(&full).map_err(BundleError::file(&full))?;
        }
    }
    for (path, bytes) in files {
        let full = folder.join(path);
        if fs::read(&full).is_ok_and(|found| found == *bytes) {
            continue;
        }
        if let Some(parent) = full.parent() {
            fs::create_dir_all(parent).map_err(BundleError::file(parent))?;
        }
        let mut unfinished = full.clone().into_os_string();
        unfinished.push(".new");
        let unfinished = PathBuf::from(unfinished);
        fs::write(&unfinished, bytes).map_err(BundleError::file(&unfinished))?;
        fs::rename(&unfinished, &full).map_err(BundleError::file(&full))?;
    }
    Ok(())
}

/// Makes `folder` an empty folder.
pub(crate) fn clear(folder: &Path) -> Result<(), BundleError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(BundleError::file(folder)(error)),
        _ => fs::create_dir_all(folder).map_err(BundleError::file(folder)),
    }
}

/// The files under `folder`, by their paths from there.
fn paths(folder: &Path) -> Result<Vec<PathBuf>, BundleError> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(below) = open.pop() {
        let full = folder.join(&below);
        for entry in fs::read_dir(&full).map_err(BundleError::file(&full))? {
            let entry = entry.map_err(BundleError::file(&full))?;
            let path = below.join(entry.file_name());
            if entry.file_type().map_err(BundleError::file(&entry.path()))?.is_dir() {
                open.push(path);
            } else {
                found.push(path);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(named: &[(&str, &str)]) -> Files {
        named.iter().map(|(path, text)| (PathBuf::from(path), text.as_bytes().to_vec())).collect()
    }

    #[test]
    fn a_folder_holds_exactly_what_was_written_last() {
        let folder = tempfile::tempdir().unwrap();
        write(&files(&[("a.txt", "1"), ("deep/er/b.txt", "2")]), folder.path()).unwrap();
        let second = files(&[("a.txt", "3"), ("c.txt", "4")]);
        write(&second, folder.path()).unwrap();
        assert_eq!(read(folder.path()).unwrap(), second);
    }

    #[test]
    fn the_book_is_not_part_of_the_wallet() {
        let folder = tempfile::tempdir().unwrap();
        write(&files(&[("index.html", "x"), ("book/index.html", "y"), ("bookmark.js", "z")]), folder.path())
            .unwrap();
        let read: Vec<_> = read(folder.path()).unwrap().into_keys().collect();
        assert_eq!(read, [PathBuf::from("bookmark.js"), PathBuf::from("index.html")]);
    }
}
