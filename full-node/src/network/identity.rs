//! The node's key on the network: who it is to its peers, and nothing else. It neither mints nor owns coins.
//!
//! **Trust and bounds.** Whoever reads the file can pretend to be this node to its peers. So it is made with mode 0600
//! and refused if others could read it. The secret is in no error and no log.

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use libp2p::{
    PeerId,
    identity::{Keypair, PublicKey, ed25519},
};
use light_client::crypto::Hash;
use zeroize::Zeroizing;

/// Bytes of the file: an Ed25519 seed.
const SEED_BYTES: usize = 32;

/// A node key that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// It cannot be read or written.
    #[error("the node key {path} cannot be {action}: {cause}")]
    Io {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        action: &'static str,
        /// Why not.
        cause: io::Error,
    },
    /// Others than its owner may read it.
    #[error(
        "the node key {path} can be read by others (mode {mode:o}): run chmod 600, or delete it for a new one"
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It holds no key.
    #[error("the node key {0} is damaged: delete it, and the node makes a new one")]
    Malformed(PathBuf),
    /// The system gave no randomness.
    #[error("the system gives no randomness: {0}")]
    Randomness(getrandom::Error),
}

/// The key in a file, made if there is no file; a key that is kept nowhere without a path.
///
/// # Errors
/// [`IdentityError`] if the file cannot be used.
pub fn node_key(path: Option<&Path>) -> Result<Keypair, IdentityError> {
    let Some(path) = path else { return new_key().map(|(key, _)| key) };
    match read(path) {
        Err(IdentityError::Io { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => {}
        found => return found,
    }
    let (key, seed) = new_key()?;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| {
        file.write_all(&seed[..])?;
        file.sync_all()
    });
    written.map_err(|cause| IdentityError::Io { path: path.to_owned(), action: "written", cause })?;
    Ok(key)
}

/// The node with an Ed25519 public key; `None` if the bytes are no such key.
pub fn peer_of_key(key: &Hash) -> Option<PeerId> {
    let key = ed25519::PublicKey::try_from_bytes(key.as_bytes()).ok()?;
    Some(PublicKey::from(key).to_peer_id())
}

/// The Ed25519 public key of a node, which its id contains; `None` for ids of other kinds of keys.
pub fn key_of_peer(peer: &PeerId) -> Option<Hash> {
    // An id of a short key is the multihash that hashes nothing: code 0, its length, the key.
    let bytes = peer.to_bytes();
    let key = PublicKey::try_decode_protobuf(bytes.strip_prefix(&[0, 36])?).ok()?;
    Some(Hash(key.try_into_ed25519().ok()?.to_bytes()))
}

fn new_key() -> Result<(Keypair, Zeroizing<[u8; SEED_BYTES]>), IdentityError> {
    let mut seed = Zeroizing::new([0; SEED_BYTES]);
    getrandom::fill(&mut seed[..]).map_err(IdentityError::Randomness)?;
    Ok((of_seed(seed.clone()), seed))
}

fn of_seed(mut seed: Zeroizing<[u8; SEED_BYTES]>) -> Keypair {
    // Any 32 bytes are a seed; the library wipes the ones it is given.
    let secret = ed25519::SecretKey::try_from_bytes(&mut seed[..]);
    secret.map_or_else(|_| Keypair::generate_ed25519(), |secret| ed25519::Keypair::from(secret).into())
}

fn read(path: &Path) -> Result<Keypair, IdentityError> {
    let failed = |cause| IdentityError::Io { path: path.to_owned(), action: "read", cause };
    let file = fs::File::open(path).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(IdentityError::Exposed { path: path.to_owned(), mode });
        }
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(SEED_BYTES + 1));
    file.take(SEED_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    let seed =
        <[u8; SEED_BYTES]>::try_from(&bytes[..]).map_err(|_| IdentityError::Malformed(path.to_owned()))?;
    Ok(of_seed(Zeroizing::new(seed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_named_by_its_key() {
        let key = Keypair::generate_ed25519();
        let public = Hash(key.public().try_into_ed25519().unwrap().to_bytes());
        let peer = key.public().to_peer_id();
        assert_eq!((key_of_peer(&peer), peer_of_key(&public)), (Some(public), Some(peer)));
        assert_eq!(key_of_peer(&PeerId::random()), None, "an id that is a hash names no key");
    }

    #[cfg(unix)]
    #[test]
    fn the_key_is_private_and_stays() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.key");
        let made = node_key(Some(&path)).unwrap().public();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(node_key(Some(&path)).unwrap().public(), made);
        assert_ne!(node_key(None).unwrap().public(), made);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(node_key(Some(&path)), Err(IdentityError::Exposed { mode: 0o644, .. })));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        for damaged in [&b"short"[..], &[7; 33]] {
            fs::write(&path, damaged).unwrap();
            assert!(matches!(node_key(Some(&path)), Err(IdentityError::Malformed(_))));
        }
    }
}
