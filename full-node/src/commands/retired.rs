//! What becomes of the files of minting keys that are retired.
//!
//! A key in the data folder came there to be used by this chain alone, so its secret is erased: nobody who gets hold of the
//! disk can forge a past with it. A file elsewhere is the operator's, and may serve another chain; the node says what to do.

use std::path::{Path, PathBuf};

use full_node::{
    config::{is_retired, read_key, retire_key},
    node::{Event, Node},
};
use light_client::crypto::Hash;
use tokio::sync::broadcast::error::RecvError;

use super::say;

/// A file of a minting key that the node uses.
#[derive(Clone, Debug)]
struct KeyFile {
    path: PathBuf,
    public: Hash,
}

/// Those of the files whose keys are not retired; says so of the others.
pub(super) fn in_use(paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let (gone, used): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| is_retired(path));
    for path in gone {
        say(&format!(
            "The minting key {} was retired: no final slot table names it any more. Make a new one with vsys-node keys \
             --out to hold a slot again.",
            path.display()
        ));
    }
    used
}

/// Erases the files of keys that are retired: of those that are now, and whenever a block becomes final.
pub(super) async fn watch(node: Node, paths: Vec<PathBuf>, folder: PathBuf) {
    // They were read to start the node; a file that is gone since needs no erasing.
    let file = |path: PathBuf| {
        let public = Hash(*read_key(&path).ok()?.public().as_bytes());
        Some(KeyFile { path, public })
    };
    let mut files: Vec<KeyFile> = paths.into_iter().filter_map(file).collect();
    let mut events = node.subscribe();
    while !files.is_empty() {
        let (asked, folder) = (node.clone(), folder.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let retired = asked.retired_keys();
            files.retain(|file| !retired.contains(&file.public) || !erase(file, &folder));
            files
        });
        // The process is ending.
        let Ok(rest) = looked.await else { return };
        files = rest;
        loop {
            match events.recv().await {
                Ok(Event::Final { .. }) | Err(RecvError::Lagged(_)) => break,
                Ok(_) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }
}

/// Whether nothing is left to do.
fn erase(file: &KeyFile, folder: &Path) -> bool {
    let KeyFile { path, public } = file;
    let shown = path.display();
    let words = format!("The minting key {public} is retired: no final slot table names it any more.");
    if !is_in(path, folder) {
        say(&format!("{words} Delete {shown} and its copies, unless the key serves another chain."));
        return true;
    }
    match retire_key(path) {
        Ok(note) => {
            say(&format!("{words} Its secret was erased from {shown}; {} says so.", note.display()));
            true
        }
        Err(error) => {
            tracing::error!(%error, "the secret of a retired minting key is still on disk");
            false
        }
    }
}

fn is_in(path: &Path, folder: &Path) -> bool {
    match (path.canonicalize(), folder.canonicalize()) {
        (Ok(path), Ok(folder)) => path.starts_with(folder),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use full_node::config::create_key;

    use super::*;

    #[test]
    fn a_key_of_the_data_folder_is_erased_and_one_elsewhere_is_not() {
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for (parent, erased) in [(folder.path(), true), (elsewhere.path(), false)] {
            let path = parent.join("minting.key");
            let public = Hash(*create_key(&path).unwrap().as_bytes());
            assert_eq!(in_use(vec![path.clone()]), std::slice::from_ref(&path));
            assert!(erase(&KeyFile { path: path.clone(), public }, folder.path()));
            assert_eq!((path.exists(), is_retired(&path)), (!erased, erased));
            assert_eq!(in_use(vec![path]).is_empty(), erased);
        }
    }
}
