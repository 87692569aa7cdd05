//! The files that a person brings.

use std::{
    env,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use light_client::{
    client::{ChainFile, Trusted},
    crypto::{Hash, KeyPair},
    data_format::ChainSpec,
};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Failure, Options};

/// Bytes of a chain file, at most.
const MAX_CHAIN_FILE_BYTES: u64 = 4 * 1024 * 1024;
/// Bytes of a key file, at most.
const MAX_KEY_FILE_BYTES: u64 = 16 * 1024;

/// The folder of what is kept: `vsys-light` where this system keeps a user's data, unless one was named.
pub(super) fn data_folder(options: &Options) -> Result<PathBuf, Failure> {
    if let Some(folder) = &options.data {
        return Ok(folder.clone());
    }
    let variable = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        env::home_dir().map(|home| home.join("Library/Application Support"))
    } else {
        // The XDG base directory specification.
        variable("XDG_DATA_HOME").or_else(|| env::home_dir().map(|home| home.join(".local/share")))
    };
    let usable = |path: &PathBuf| path.is_absolute() && path.as_path() != Path::new("/");
    base.filter(usable).map(|base| base.join("vsys-light")).ok_or_else(Failure::no_data_folder)
}

/// Reads the chain file: which chain, and where trust starts.
pub(super) fn chain(options: &Options) -> Result<(ChainSpec, Trusted), Failure> {
    let path = match &options.chain {
        Some(path) => path.clone(),
        None => data_folder(options)?.join("chain.json"),
    };
    let advice = "name a chain file with --chain FILE; get it from somebody you trust, not from the servers \
                  that are asked";
    let unusable = |why: &dyn std::fmt::Display| Failure::file(&path, why, advice);
    let bytes = read(&path, MAX_CHAIN_FILE_BYTES).map_err(|error| unusable(&error))?;
    let file: ChainFile = serde_json::from_slice(&bytes).map_err(|error| unusable(&error))?;
    file.check().map_err(|error| unusable(&error))
}

/// A key as `vsys-node keys --out FILE` writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    secret: Zeroizing<String>,
    public: Hash,
}

/// Reads a key file that only its owner can read.
pub(super) fn key(path: &Path) -> Result<KeyPair, Failure> {
    let unusable = |why: &dyn std::fmt::Display, advice: &str| Failure::file(path, why, advice);
    let io = |error: io::Error| unusable(&error, "check the path and its permissions");
    if exposed(path).map_err(io)? {
        let advice =
            format!("run: chmod 600 {}; if others had it, move the coins to a new key", path.display());
        return Err(unusable(&"others can read this key", &advice));
    }
    let bytes = Zeroizing::new(read(path, MAX_KEY_FILE_BYTES).map_err(io)?);
    let advice = "it should be as vsys-node keys --out FILE writes it";
    // Never the parser's own words: they would repeat the line, and the line may be the secret.
    let malformed = || unusable(&"expected secret = and public =, each with 64 hexadecimal digits", advice);
    let text = std::str::from_utf8(&bytes).map_err(|_| malformed())?;
    let file: KeyFile = toml::from_str(text).map_err(|_| malformed())?;
    let seed = Zeroizing::new(Hash::from_hex(&file.secret).ok_or_else(malformed)?.0);
    let pair = KeyPair::ed25519(&seed);
    if pair.public().as_bytes() == file.public.as_bytes() {
        Ok(pair)
    } else {
        Err(unusable(&"secret and public do not belong together", advice))
    }
}

fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    // Allocated once: a copy of a secret would stay behind where the buffer grew.
    let length = file.metadata()?.len().min(limit);
    read_into(Vec::with_capacity(usize::try_from(length).unwrap_or_default() + 1), file, limit)
}

/// Reads to the end, of which nothing is known yet.
pub(super) fn read_all(source: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    read_into(Vec::new(), source, limit)
}

fn read_into(mut bytes: Vec<u8>, source: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    source.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {limit} bytes")));
    }
    Ok(bytes)
}

/// Whether others than the owner may read a file.
#[cfg(unix)]
fn exposed(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(path.metadata()?.permissions().mode() & 0o077 != 0)
}

/// Elsewhere the folder's rules guard the file; there are no bits to look at.
#[cfg(not(unix))]
fn exposed(_: &Path) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const SECRET: &str = "1111111111111111111111111111111111111111111111111111111111111111";

    fn write(path: &Path, text: &str, mode: u32) {
        fs::write(path, text).unwrap();
        #[cfg(unix)]
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_key_file_is_read_and_its_faults_are_named_without_the_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("owner.key");
        let public = Hash(*KeyPair::ed25519(&Zeroizing::new([0x11; 32])).public().as_bytes());
        let whole = format!("# a key\nsecret = \"{SECRET}\"\npublic = \"{public}\"\n");
        write(&path, &whole, 0o600);
        assert_eq!(key(&path).unwrap().public().as_bytes(), public.as_bytes());
        for damaged in [
            whole.replace("secret = \"", "secret = "),
            whole.replace("secret", "secert"),
            whole.replace("11111111\"", "1111111\""),
            whole.replace(&public.to_string(), &"2".repeat(64)),
            String::new(),
        ] {
            write(&path, &damaged, 0o600);
            let failure = key(&path).unwrap_err();
            assert!(failure.exit_code() == 3 && !failure.to_string().contains("11111111"), "{failure}");
        }
        #[cfg(unix)]
        {
            write(&path, &whole, 0o640);
            assert!(key(&path).unwrap_err().to_string().contains("chmod 600"));
        }
    }

    #[test]
    fn a_file_without_end_is_not_read_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        fs::write(&path, vec![b' '; 101]).unwrap();
        assert_eq!(read(&path, 100).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(read(&path, 101).unwrap().len(), 101);
    }
}
