//! The files that the settings of chains name, read and compared: each chain once, with a folder and with keys of its own.

use std::{
    collections::HashMap,
    hash::Hash as HashKey,
    path::{Path, PathBuf},
};

use light_client::{crypto::KeyPair, data_format::ChainId};

use super::{
    ChainFile, ChainSettings, KeyFileError, SettingName, Settings, SpecFileError, read_chain, read_key,
};

/// What the settings of one chain name.
#[derive(Debug)]
pub struct ChainFiles {
    /// The chain spec and what else is in its file.
    pub file: ChainFile,
    /// The minting keys.
    pub keys: Vec<KeyPair>,
}

/// Settings of chains that cannot be used together, or name what cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {fault}")]
pub struct ChainsError {
    /// The setting.
    pub name: SettingName,
    /// What is wrong with it.
    pub fault: ChainFault,
}

/// What is wrong with a setting of a chain.
#[derive(Debug, thiserror::Error)]
pub enum ChainFault {
    /// The spec cannot be used.
    #[error(transparent)]
    Spec(#[from] SpecFileError),
    /// A minting key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// A chain is there twice.
    #[error("{path} is of the chain {chain}, as that of the setting {other} is")]
    SameChain {
        /// The spec.
        path: PathBuf,
        /// The chain.
        chain: ChainId,
        /// The setting that has it already.
        other: SettingName,
    },
    /// Two chains would be kept in one folder.
    #[error("{path} is the folder of the setting {other}, too")]
    SameFolder {
        /// The folder.
        path: PathBuf,
        /// The setting that has it already.
        other: SettingName,
    },
    /// Two chains would use one file of a key, which is erased when one of them retires the key.
    #[error("the key file {path} is named by the setting {other}, too")]
    SameKey {
        /// The file.
        path: PathBuf,
        /// The setting that has it already.
        other: SettingName,
    },
}

/// Reads what the settings of each chain name, in their order.
///
/// # Errors
/// [`ChainsError`] with the first setting that cannot be used.
pub fn read_chains(settings: &Settings) -> Result<Vec<ChainFiles>, ChainsError> {
    let (mut folders, mut chains, mut keys) = (Seen::new(), Seen::new(), Seen::new());
    let mut read = Vec::new();
    for (table, chain) in settings.numbered() {
        let ChainSettings { data, chain: spec, minting_keys, .. } = chain;
        let at = |key| {
            let name = SettingName { table, key };
            (name, move |fault: ChainFault| ChainsError { name, fault })
        };
        let (name, failed) = at("data");
        let same = |other| ChainFault::SameFolder { path: data.clone(), other };
        folders.first(real(data), name).map_err(|other| failed(same(other)))?;
        let (name, failed) = at("chain");
        let file = read_chain(spec).map_err(|error| failed(error.into()))?;
        let id = file.spec.id();
        let same = |other| ChainFault::SameChain { path: spec.clone(), chain: id, other };
        chains.first(id, name).map_err(|other| failed(same(other)))?;
        let (name, failed) = at("minting_keys");
        let mut own = Vec::new();
        for path in minting_keys {
            own.push(read_key(path).map_err(|error| failed(error.into()))?);
            let same = |other| ChainFault::SameKey { path: path.clone(), other };
            keys.first(real(path), name).map_err(|other| failed(same(other)))?;
        }
        read.push(ChainFiles { file, keys: own });
    }
    Ok(read)
}

/// Values that no two settings may share, by who had them first.
struct Seen<T>(HashMap<T, SettingName>);

impl<T: HashKey + Eq> Seen<T> {
    fn new() -> Self {
        Self(HashMap::new())
    }

    /// Notes a value; who had it before is the error. A setting may repeat its own.
    fn first(&mut self, value: T, name: SettingName) -> Result<(), SettingName> {
        let had = *self.0.entry(value).or_insert(name);
        if had == name { Ok(()) } else { Err(had) }
    }
}

/// Where a path leads, as far as it is there.
fn real(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for there in absolute.ancestors() {
        if let (Ok(found), Ok(rest)) = (there.canonicalize(), absolute.strip_prefix(there)) {
            return found.join(rest);
        }
    }
    absolute
}

#[cfg(test)]
mod tests {
    use std::fs;

    use light_client::data_format::{ChainSpec, Time};

    use super::*;
    use crate::config::{Failure, SETTINGS_FILE, create_key, development_spec, write_spec};

    /// A folder with settings, and with the folders of three chains.
    struct Home(tempfile::TempDir);

    impl Home {
        fn new() -> Self {
            let home = Self(tempfile::tempdir().unwrap());
            for name in ["", "second", "third"] {
                fs::create_dir_all(home.path(name)).unwrap();
                let spec = ChainSpec { name: format!("chain {name}"), ..development_spec(Time(1)) };
                write_spec(&home.path(name).join("chain.toml"), &spec).unwrap();
                create_key(&home.path(name).join("minting.key")).unwrap();
            }
            home
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn read(&self, text: &str) -> Result<Vec<ChainFiles>, ChainsError> {
            fs::write(self.path(SETTINGS_FILE), text).unwrap();
            read_chains(&Settings::read(&self.path(SETTINGS_FILE)).unwrap())
        }

        /// The setting that is named, and the words.
        fn fails(&self, text: &str) -> (String, String) {
            let error = self.read(text).unwrap_err();
            let failure = Failure::from(error);
            assert_eq!(failure.exit_code(), 3);
            let words = failure.to_string();
            (words.split(": ").next().unwrap().to_owned(), words)
        }
    }

    const BOTH: &str = "[[chains]]\ndata = \"second\"\n[[chains]]\ndata = \"third\"\n";

    #[test]
    fn each_chain_has_its_own_files() {
        let home = Home::new();
        let chains = home.read(BOTH).unwrap();
        let names: Vec<_> = chains.iter().map(|chain| chain.file.spec.name.as_str()).collect();
        assert_eq!(names, ["chain ", "chain second", "chain third"]);
        assert!(chains.iter().all(|chain| chain.keys.len() == 1));
        assert_ne!(chains[0].keys[0].public(), chains[1].keys[0].public());
        assert_eq!(home.read("").unwrap().len(), 1);
    }

    #[test]
    fn a_chain_that_is_there_twice_is_refused() {
        let home = Home::new();
        fs::copy(home.path("chain.toml"), home.path("third/chain.toml")).unwrap();
        let (name, words) = home.fails(BOTH);
        assert_eq!(name, "chain of [[chains]] number 2");
        assert!(
            words.contains("third/chain.toml is of the chain")
                && words.contains("as that of the setting chain is"),
            "{words}"
        );
    }

    #[test]
    fn a_folder_that_is_there_twice_is_refused_however_it_is_written() {
        let home = Home::new();
        for again in ["./second", "third/../second", "second/"] {
            let text = format!("[[chains]]\ndata = \"second\"\n[[chains]]\ndata = \"{again}\"\n");
            let (name, words) = home.fails(&text);
            assert_eq!(name, "data of [[chains]] number 2");
            assert!(
                words.contains("is the folder of the setting data of [[chains]] number 1, too"),
                "{words}"
            );
        }
        let (name, _) = home.fails("[[chains]]\n");
        assert_eq!(name, "data of [[chains]] number 1", "the first one's folder is this one");
        // Also where nothing is yet.
        let spec = home.path("second/chain.toml");
        let (name, words) = home.fails(&format!(
            "[[chains]]\ndata = \"new\"\nchain = {spec:?}\nminting_keys = []\n[[chains]]\ndata = \"./new\"\n"
        ));
        assert_eq!(name, "data of [[chains]] number 2", "{words}");
    }

    #[test]
    fn a_file_that_is_missing_is_named_with_its_setting() {
        let home = Home::new();
        let (name, words) = home.fails("[[chains]]\ndata = \"second\"\nchain = \"none.toml\"\n");
        assert_eq!(name, "chain of [[chains]] number 1");
        assert!(words.contains("second/none.toml cannot be read"), "{words}");
        let (name, words) = home.fails("[[chains]]\ndata = \"third\"\nminting_keys = [\"none.key\"]\n");
        assert_eq!(name, "minting_keys of [[chains]] number 1");
        assert!(words.contains("third/none.key cannot be read"), "{words}");
        let (name, words) = home.fails("chain = \"none.toml\"\n");
        assert_eq!(name, "chain");
        assert!(words.contains("none.toml cannot be read"), "{words}");
    }

    #[test]
    fn a_key_file_serves_one_chain() {
        let home = Home::new();
        let (name, words) =
            home.fails("[[chains]]\ndata = \"second\"\nminting_keys = [\"../minting.key\"]\n");
        assert_eq!(name, "minting_keys of [[chains]] number 1");
        assert!(words.contains("is named by the setting minting_keys, too"), "{words}");
    }
}
