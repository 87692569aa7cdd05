//! Bans that outlive the process: beside the address book, a line for each.
//!
//! **Trust and bounds.** The file is the operator's. It holds as many bans as [`super::peers::Limits::bans`]; lines that are
//! none are left out, and none lasts longer than the longest ban from now.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use libp2p::PeerId;
use light_client::data_format::Time;

use super::peers::{Ban, Fault};

const MAX_FILE_BYTES: u64 = 1 << 20;

/// Where bans are kept; nowhere without a path.
#[derive(Debug)]
pub(super) struct BanFile(Option<PathBuf>);

impl BanFile {
    /// In a file.
    pub(super) fn at(path: Option<&Path>) -> Self {
        Self(path.map(Path::to_owned))
    }

    /// The bans in it; none if it is not there or cannot be read.
    pub(super) fn read(&self) -> Vec<(PeerId, Ban)> {
        let Some(path) = &self.0 else { return Vec::new() };
        match fs::metadata(path) {
            Ok(file) if file.len() > MAX_FILE_BYTES => {
                tracing::warn!(path = %path.display(), "the list of bans is too long: starting an empty one");
                return Vec::new();
            }
            _ => {}
        }
        match fs::read_to_string(path) {
            Ok(text) => text.lines().filter_map(parse).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "the list of bans cannot be read");
                Vec::new()
            }
        }
    }

    /// Writes all bans: a new file first, which then takes the old one's place.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write<'a>(&self, bans: impl Iterator<Item = (&'a PeerId, &'a Ban)>) -> io::Result<()> {
        let Some(path) = &self.0 else { return Ok(()) };
        let text: String = bans.map(|(peer, ban)| print(peer, ban)).collect();
        let new = path.with_extension("new");
        fs::write(&new, text)?;
        fs::rename(&new, path)
    }
}

/// Peer, end and length in milliseconds, what for, and the subnet it came from.
fn print(peer: &PeerId, ban: &Ban) -> String {
    let subnet = ban.subnet.map_or_else(|| "-".to_owned(), |subnet| subnet.to_string());
    format!("{peer} {} {} {} {subnet}\n", ban.until.0, ban.ms, ban.reason.name())
}

fn parse(line: &str) -> Option<(PeerId, Ban)> {
    let mut parts = line.split_whitespace();
    let peer = parts.next()?.parse().ok()?;
    let (until, ms) = (Time(parts.next()?.parse().ok()?), parts.next()?.parse().ok()?);
    let reason = Fault::of_name(parts.next()?)?;
    let subnet = match parts.next()? {
        "-" => None,
        text => Some(text.parse().ok()?),
    };
    parts.next().is_none().then_some((peer, Ban { until, ms, reason, subnet }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bans_are_read_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bans");
        let file = BanFile::at(Some(&path));
        assert!(file.read().is_empty());
        let bans: Vec<(PeerId, Ban)> = Fault::ALL
            .into_iter()
            .zip([None, "198.51.100.0/24".parse().ok(), "2001:db8::/64".parse().ok()].into_iter().cycle())
            .map(|(reason, subnet)| (PeerId::random(), Ban { until: Time(5), ms: 6, reason, subnet }))
            .collect();
        file.write(bans.iter().map(|(peer, ban)| (peer, ban))).unwrap();
        assert_eq!(file.read(), bans);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("nonsense\n{text}{} 1 2 flood\n", PeerId::random())).unwrap();
        assert_eq!(file.read(), bans, "what is no ban is left out");
        fs::write(&path, [255; 9]).unwrap();
        assert!(file.read().is_empty());
        fs::write(&path, vec![b'\n'; MAX_FILE_BYTES as usize + 1]).unwrap();
        assert!(file.read().is_empty());
    }
}
