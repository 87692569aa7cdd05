//! Minting keys on disk: a small TOML file that only its owner may read.
//!
//! **Trust and bounds.** Whoever reads the file mints and votes in its owner's name (coins are not at risk: the
//! key that owns them is another). So the file is created with mode 0600, never overwritten, and refused if
//! others could read it. The secret stays in wiped buffers and is in no error and no log.

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use light_client::crypto::{Hash, KeyPair, PublicKey};
use serde::Deserialize;
use zeroize::Zeroizing;

const MAX_KEY_FILE_BYTES: u64 = 16 * 1024;

/// A key file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// A new key never replaces an old one.
    #[error("the key file {0} exists already")]
    Exists(PathBuf),
    /// It cannot be read or written.
    #[error("the key file {path} cannot be {action}: {cause}")]
    Io {
        /// The file.
        path: PathBuf,
        /// `read`, `written` or `removed`.
        action: &'static str,
        /// Why not.
        cause: io::Error,
    },
    /// Others than its owner may read it.
    #[error("the key file {path} can be read by others (mode {mode:o})")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It holds no key.
    #[error("the key file {path} cannot be read at line {line}: expected secret = \"64 hexadecimal digits\"")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
    },
    /// The public key beside the secret is another key's.
    #[error("in the key file {0}, secret and public do not belong together")]
    Mismatch(PathBuf),
    /// The system gave no randomness.
    #[error("the system gives no randomness: {0}")]
    Randomness(getrandom::Error),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    secret: Zeroizing<String>,
    public: Hash,
}

/// Makes a key, writes it to a new file, and returns its public half.
///
/// # Errors
/// [`KeyFileError`] if the file exists or cannot be written, or there is no randomness.
pub fn create_key(path: &Path) -> Result<PublicKey, KeyFileError> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut seed[..]).map_err(KeyFileError::Randomness)?;
    let public = KeyPair::ed25519(&seed).public();
    let mut text = Zeroizing::new(String::with_capacity(512));
    text.push_str(
        "# A minting key. Whoever has it mints and votes in your name: keep it private.\nsecret = \"",
    );
    for byte in seed.iter() {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
        }
    }
    text.push_str(&format!("\"\npublic = \"{}\"\n", Hash(*public.as_bytes())));
    write_new(path, text.as_bytes()).map_err(|cause| match cause.kind() {
        io::ErrorKind::AlreadyExists => KeyFileError::Exists(path.to_owned()),
        _ => KeyFileError::Io { path: path.to_owned(), action: "written", cause },
    })?;
    Ok(public)
}

/// Reads a key.
///
/// # Errors
/// [`KeyFileError`] if it cannot be read, others can read it, or it holds no key.
pub fn read_key(path: &Path) -> Result<KeyPair, KeyFileError> {
    let failed = |cause| KeyFileError::Io { path: path.to_owned(), action: "read", cause };
    let file = fs::File::open(path).map_err(failed)?;
    if let Some(mode) = exposed(&file).map_err(failed)? {
        return Err(KeyFileError::Exposed { path: path.to_owned(), mode });
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(1024));
    file.take(MAX_KEY_FILE_BYTES).read_to_end(&mut bytes).map_err(failed)?;
    let malformed = |line| KeyFileError::Malformed { path: path.to_owned(), line };
    let text = std::str::from_utf8(&bytes).map_err(|_| malformed(1))?;
    // The parser's own message would repeat the line, and the line may be the secret.
    let file: File = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        malformed(before.matches('\n').count() + 1)
    })?;
    let at = text.lines().position(|line| line.starts_with("secret")).unwrap_or_default() + 1;
    let seed = Zeroizing::new(Hash::from_hex(&file.secret).ok_or_else(|| malformed(at))?.0);
    let pair = KeyPair::ed25519(&seed);
    if pair.public().as_bytes() != file.public.as_bytes() {
        return Err(KeyFileError::Mismatch(path.to_owned()));
    }
    Ok(pair)
}

/// Moves a key to a new file, which may be on another disk, and reads it there.
///
/// # Errors
/// As [`read_key`]; [`KeyFileError::Exists`] if the new file exists. The old one is there until the new one is.
pub fn move_key(from: &Path, to: &Path) -> Result<KeyPair, KeyFileError> {
    let read = |cause| KeyFileError::Io { path: from.to_owned(), action: "read", cause };
    read_key(from)?;
    let bytes = Zeroizing::new(fs::read(from).map_err(read)?);
    write_new(to, &bytes).map_err(|cause| match cause.kind() {
        io::ErrorKind::AlreadyExists => KeyFileError::Exists(to.to_owned()),
        _ => KeyFileError::Io { path: to.to_owned(), action: "written", cause },
    })?;
    let key = read_key(to)?;
    let removed = |cause| KeyFileError::Io { path: from.to_owned(), action: "removed", cause };
    fs::remove_file(from).map_err(removed)?;
    Ok(key)
}

/// Erases the secret of a key that is retired; a note with its public half stays beside the place where it was.
///
/// # Errors
/// [`KeyFileError`] if the key cannot be read, the note not written, or the file not removed; the key is there then.
pub fn retire_key(path: &Path) -> Result<PathBuf, KeyFileError> {
    let public = Hash(*read_key(path)?.public().as_bytes());
    let note = note_of(path);
    let text = format!(
        "# This minting key was retired: no final slot table names it any more, so the node erased its secret.\n\
         # To hold a slot again, make a new key.\npublic = \"{public}\"\n"
    );
    match write_new(&note, text.as_bytes()) {
        // Of an earlier key of this name, or of an attempt that ended here.
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
        written => {
            written.map_err(|cause| KeyFileError::Io { path: note.clone(), action: "written", cause })?;
        }
    }
    let removed = |cause| KeyFileError::Io { path: path.to_owned(), action: "removed", cause };
    fs::remove_file(path).map_err(removed)?;
    Ok(note)
}

/// Whether the key of this file was retired, and no other one is there instead.
pub fn is_retired(path: &Path) -> bool {
    !path.exists() && note_of(path).exists()
}

fn note_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".retired");
    name.into()
}

pub(super) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The permission bits, if others than the owner may read the file.
#[cfg(unix)]
fn exposed(file: &fs::File) -> io::Result<Option<u32>> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata()?.permissions().mode() & 0o777;
    Ok((mode & 0o077 != 0).then_some(mode))
}

/// Elsewhere the folder's rules guard the file; there are no bits to look at.
#[cfg(not(unix))]
fn exposed(_: &fs::File) -> io::Result<Option<u32>> {
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_is_private_and_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("minting.key");
        let public = create_key(&path).unwrap();
        assert_eq!(read_key(&path).unwrap().public(), public);
        assert!(matches!(create_key(&path), Err(KeyFileError::Exists(_))), "never overwritten");
        assert_ne!(create_key(&folder.path().join("other.key")).unwrap(), public);
    }

    #[test]
    fn a_moved_key_is_the_same_and_in_one_place() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["old.key", "new.key"].map(|name| folder.path().join(name));
        let public = create_key(&from).unwrap();
        assert_eq!(move_key(&from, &to).unwrap().public(), public);
        assert!(!from.exists() && read_key(&to).is_ok());
        create_key(&from).unwrap();
        assert!(matches!(move_key(&from, &to), Err(KeyFileError::Exists(_))));
        assert!(from.exists());
    }

    #[test]
    fn of_a_retired_key_its_public_half_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("minting.key");
        assert!(!is_retired(&path), "there never was one");
        let public = create_key(&path).unwrap();
        let secret = fs::read_to_string(&path).unwrap();
        let secret = secret.lines().find_map(|line| line.strip_prefix("secret = \"")).unwrap();
        assert!(!is_retired(&path));
        let note = retire_key(&path).unwrap();
        assert_eq!(note, folder.path().join("minting.key.retired"));
        assert!(is_retired(&path) && !path.exists());
        let text = fs::read_to_string(&note).unwrap();
        assert!(
            text.contains(&Hash(*public.as_bytes()).to_string()) && !text.contains(&secret[..8]),
            "{text}"
        );
        assert!(matches!(retire_key(&path), Err(KeyFileError::Io { action: "read", .. })));
        // Its owner makes a new one in its place, which is retired in turn.
        create_key(&path).unwrap();
        assert!(!is_retired(&path));
        assert_eq!(retire_key(&path).unwrap(), note);
        assert!(is_retired(&path));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("minting.key");
        create_key(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(read_key(&path), Err(KeyFileError::Exposed { mode: 0o640, .. })));
    }

    #[test]
    fn damage_is_named_without_the_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("minting.key");
        create_key(&path).unwrap();
        let whole = fs::read_to_string(&path).unwrap();
        let secret = whole.lines().nth(1).unwrap()[10..74].to_owned();
        for damaged in [
            whole.replace("secret = \"", "secret = "),
            whole.replacen(&secret[..2], "", 1),
            whole.replacen("secret", "secert", 1),
            whole.replace(&secret, &"1".repeat(64)),
            String::new(),
        ] {
            fs::write(&path, &damaged).unwrap();
            let error = read_key(&path).unwrap_err().to_string();
            assert!(!error.contains(&secret[4..40]), "{error}");
        }
    }
}
