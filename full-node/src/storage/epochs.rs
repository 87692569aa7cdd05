//! What hand-overs are made of: certificates that made blocks final, by epochs of the slot tables.

use light_client::{
    consensus::spos::Epoch,
    data_format::{Round, codec},
};

use super::{Batch, Snapshot, Space, StorageError, snapshot::decode};

/// The epoch that may go on stands after all others.
const OPEN: [u8; 8] = [0xff; 8];
/// No key is as high.
const END: [u8; 9] = [0xff; 9];

impl Snapshot {
    /// The newest epoch, which may go on; `None` before anything became final by votes.
    ///
    /// # Errors
    /// [`StorageError`] when the disk cannot be read; so for every method here.
    pub fn open_epoch(&self) -> Result<Option<Epoch>, StorageError> {
        self.record(Space::Epochs, &OPEN)
    }

    /// The epochs that begin with this round or later, at most `limit`; the newest is the last.
    ///
    /// # Errors
    /// As [`Snapshot::open_epoch`].
    pub fn epochs(&self, from: Round, limit: usize) -> Result<Vec<Epoch>, StorageError> {
        let entries = self.entries(Space::Epochs, &from.0.to_be_bytes(), &END, limit)?;
        entries.iter().map(|(_, value)| decode("an epoch of links", value)).collect()
    }

    /// The epoch that begins with this round.
    ///
    /// # Errors
    /// As [`Snapshot::open_epoch`].
    pub fn epoch(&self, first: Round) -> Result<Option<Epoch>, StorageError> {
        match self.record(Space::Epochs, &first.0.to_be_bytes())? {
            Some(closed) => Ok(Some(closed)),
            None => Ok(self.open_epoch()?.filter(|open| open.first() == first)),
        }
    }
}

impl Batch {
    /// Keeps the newest epoch, which may go on.
    pub fn open_epoch(&mut self, epoch: &Epoch) {
        self.put(Space::Epochs, OPEN, codec::encode(epoch));
    }

    /// Keeps an epoch that another one follows.
    pub fn closed_epoch(&mut self, epoch: &Epoch) {
        self.put(Space::Epochs, epoch.first().0.to_be_bytes(), codec::encode(epoch));
    }
}
