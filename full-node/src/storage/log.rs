//! What has to be durable goes here first, one record after the other.
//!
//! A record is written in a row and synced once, however many places its changes have in the tables. Those get them later, many
//! records at once, while more come ([`Database`](super::Database)); until then readers find them in memory, and whoever opens the
//! folder after a kill reads them here.
//!
//! **Format.** The log is a row of [segments](super::Segments), numbered from 1 on. One is added to; the others go as soon as the
//! tables have what is in them, which the tables say themselves, in the same write: [`META_LOGGED`](super::keys::META_LOGGED). A
//! segment begins with the id of its log (16 bytes, chosen at random with the folder; the tables know it too, so that the log of
//! another folder is not taken for ours) and its number (8 bytes). A record is its length (8 bytes), a checksum (BLAKE3 of log id,
//! segment number, place in the segment and contents: 32 bytes) and its contents. Numbers are big-endian.
//!
//! **Bounds.** Nobody but this process writes here. A segment is begun before the tables are said to have those before it, so one is
//! always there: tables whose log somebody took away are noticed, and what a minting key signed is not forgotten in silence. The
//! last record may be torn, by a kill while it was written: it was never acknowledged, and is as if it were not there. Whatever else
//! is not what was written is damage. Memory is bounded by the length of the segments, and that by what may wait to be put into the
//! tables.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Segments, StorageError};

/// Bytes of a log's id.
pub(super) const ID: usize = 16;
const HEADER: usize = ID + 8;
const BEFORE_RECORD: usize = 8 + 32;

/// What is wrong with a segment that begins in another way than ours.
const FOREIGN: &str = "it belongs to another chain.redb, or is not what was written";

/// The log of a database.
pub(super) struct Log {
    segments: Arc<dyn Segments>,
    id: [u8; ID],
    end: Mutex<End>,
}

/// Where the next record goes.
pub(super) struct End {
    /// The newest segment.
    number: u64,
    length: usize,
    /// Why something could not be written: nobody knows what is there.
    broken: Option<String>,
}

/// What a log holds that the tables do not have.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The contents of records, oldest first.
    pub(super) records: Vec<Vec<u8>>,
    /// The newest segment.
    pub(super) newest: u64,
    /// Whether that one has its beginning and nothing else, so that records can be added to it.
    pub(super) is_new: bool,
}

impl Log {
    /// The log with this id in which records are added to this segment, which has none.
    pub(super) fn at(segments: Arc<dyn Segments>, id: [u8; ID], number: u64) -> Self {
        let end = Mutex::new(End { number, length: HEADER, broken: None });
        Self { segments, id, end }
    }

    /// A log of its own for tables that have none.
    ///
    /// # Errors
    /// [`StorageError`] if the disk fails, or there is the log of others.
    pub(super) fn found(segments: Arc<dyn Segments>) -> Result<Self, StorageError> {
        let mut id = [0; ID];
        getrandom::fill(&mut id).map_err(|error| StorageError::failed("cannot name the log", error))?;
        let log = Self::at(segments, id, 1);
        for number in log.numbers()? {
            // What begins and goes no further was made for tables that a kill prevented.
            if log.read(number)?.len() > HEADER {
                return Err(StorageError::damaged(part(number), FOREIGN));
            }
            log.remove(number)?;
        }
        log.begin(1)?;
        Ok(log)
    }

    /// Its id.
    pub(super) const fn id(&self) -> &[u8; ID] {
        &self.id
    }

    /// The end, for one who adds to the log and must not be overtaken meanwhile.
    pub(super) fn end(&self) -> MutexGuard<'_, End> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a record; it is durable when this returns.
    ///
    /// # Errors
    /// [`StorageError`] if the disk fails; then nothing more can be added.
    pub(super) fn append(&self, end: &mut End, contents: &[u8]) -> Result<(), StorageError> {
        let length = (contents.len() as u64).to_be_bytes();
        let checksum = checksum(&self.id, end.number, end.length, contents);
        self.write(end, end.number, &[&length, checksum.as_bytes(), contents])?;
        end.length += BEFORE_RECORD + contents.len();
        Ok(())
    }

    /// Ends the newest segment, so that what comes is in the next one; gives the number of the last one that is ended.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub(super) fn rotate(&self, end: &mut End) -> Result<u64, StorageError> {
        if end.length > HEADER {
            let next = end.number.saturating_add(1);
            self.write(end, next, &[&header(&self.id, next)])?;
            (end.number, end.length) = (next, HEADER);
        }
        Ok(end.number.saturating_sub(1))
    }

    /// Begins a segment that nothing is known of.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub(super) fn begin(&self, number: u64) -> Result<(), StorageError> {
        self.write(&mut self.end(), number, &[&header(&self.id, number)])
    }

    fn write(&self, end: &mut End, number: u64, parts: &[&[u8]]) -> Result<(), StorageError> {
        if end.broken.is_none()
            && let Err(error) = self.segments.append(number, parts)
        {
            end.give_up(&error);
        }
        end.broken.as_ref().map_or(Ok(()), |cause| Err(StorageError::failed("cannot write the log", cause)))
    }

    /// Removes segments up to this one.
    ///
    /// # Errors
    /// [`StorageError`] if the disk fails.
    pub(super) fn remove(&self, newest: u64) -> Result<(), StorageError> {
        let numbers = self.numbers()?.into_iter().filter(|number| *number <= newest);
        numbers.into_iter().try_for_each(|number| {
            let removed = self.segments.remove(number);
            removed.map_err(|error| StorageError::failed(format!("cannot remove {}", part(number)), error))
        })
    }

    /// What the segments after `newest` hold.
    ///
    /// # Errors
    /// [`StorageError`] if the disk fails, the log is of other tables, or a segment is missing or damaged.
    pub(super) fn after(&self, newest: u64) -> Result<Found, StorageError> {
        let numbers = self.numbers()?.into_iter().filter(|number| *number > newest);
        let segments: Result<Vec<(u64, Vec<u8>)>, _> =
            numbers.map(|number| Ok((number, self.read(number)?))).collect();
        let segments = segments?;
        // A kill while the folder was opened leaves segments that were begun only behind the one that is torn.
        let last = segments.iter().rfind(|(_, bytes)| bytes.len() > HEADER).map_or(0, |(number, _)| *number);
        let mut found = Found { records: Vec::new(), newest, is_new: false };
        for (number, bytes) in &segments {
            let damaged = |why| StorageError::damaged(part(*number), why);
            // The first one was whole before the tables relied on it.
            let is_first = Some(*number) == segments.first().map(|(first, _)| *first);
            let records = self.parse(*number, bytes, is_first, *number >= last).map_err(damaged)?;
            if *number != found.newest + 1 {
                return Err(damaged("what was written before it is missing".to_owned()));
            }
            found.is_new = bytes.len() == HEADER;
            found.records.extend(records);
            found.newest = *number;
        }
        if segments.is_empty() {
            return Err(StorageError::damaged(part(newest + 1), "it is not there"));
        }
        Ok(found)
    }

    fn numbers(&self) -> Result<Vec<u64>, StorageError> {
        self.segments
            .numbers()
            .map_err(|error| StorageError::failed("cannot list the parts of the log", error))
    }

    fn read(&self, number: u64) -> Result<Vec<u8>, StorageError> {
        let bytes = self.segments.read(number);
        bytes.map_err(|error| StorageError::failed(format!("cannot read {}", part(number)), error))
    }

    /// The records of a segment; of the last one the end may be torn, and all of it unless it is the first, too.
    fn parse(
        &self,
        number: u64,
        bytes: &[u8],
        is_first: bool,
        is_last: bool,
    ) -> Result<Vec<Vec<u8>>, String> {
        let begins_well = bytes.starts_with(&header(&self.id, number));
        let (mut records, mut at) = (Vec::new(), HEADER);
        while at < bytes.len() || !begins_well {
            let end = match record(&self.id, number, bytes, at) {
                Ok(contents) if begins_well => {
                    at += BEFORE_RECORD + contents.len();
                    records.push(contents.to_vec());
                    continue;
                }
                Ok(_) => return Err(FOREIGN.to_owned()),
                Err(end) => end,
            };
            if !begins_well && (is_first || is_of_another(bytes)) {
                return Err(FOREIGN.to_owned());
            }
            // Each record is begun when the one before it is whole.
            if is_last && record(&self.id, number, bytes, end).is_err() {
                break;
            }
            return Err(format!("the record at byte {at} is not what was written"));
        }
        Ok(records)
    }
}

/// What a segment begins with.
fn header(id: &[u8; ID], number: u64) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..ID].copy_from_slice(id);
    header[ID..].copy_from_slice(&number.to_be_bytes());
    header
}

/// Whether a segment is whole as what it says itself that it is.
fn is_of_another(bytes: &[u8]) -> bool {
    let begin = || {
        let (id, rest) = bytes.split_first_chunk()?;
        Some((id, u64::from_be_bytes(*rest.first_chunk()?)))
    };
    begin().is_some_and(|(id, number)| record(id, number, bytes, HEADER).is_ok())
}

/// The record at this place of a segment, or where it ends if it is not whole.
fn record<'a>(id: &[u8; ID], number: u64, bytes: &'a [u8], at: usize) -> Result<&'a [u8], usize> {
    let parts = || {
        let (length, rest) = bytes.get(at..)?.split_first_chunk()?;
        let (expected, rest) = rest.split_first_chunk::<32>()?;
        Some((rest.get(..usize::try_from(u64::from_be_bytes(*length)).ok()?)?, expected))
    };
    let (contents, expected) = parts().ok_or(bytes.len())?;
    let is_whole = checksum(id, number, at, contents) == *expected;
    if is_whole { Ok(contents) } else { Err(at + BEFORE_RECORD + contents.len()) }
}

impl End {
    /// Nothing is added any more: something could not be written.
    pub(super) fn give_up(&mut self, cause: &impl std::fmt::Display) {
        self.broken.get_or_insert_with(|| cause.to_string());
    }
}

fn part(number: u64) -> String {
    format!("part {number} of the log")
}

fn checksum(id: &[u8; ID], number: u64, place: usize, contents: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(id).update(&number.to_be_bytes()).update(&(place as u64).to_be_bytes()).update(contents);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::segments::MemorySegments;

    const OURS: [u8; ID] = [7; ID];
    const ALL: [&[u8]; 4] = [b"one", b"", b"three", b"four"];

    fn append(log: &Log, contents: &[u8]) {
        log.append(&mut log.end(), contents).unwrap();
    }

    fn records(segments: &MemorySegments, id: [u8; ID]) -> Result<Vec<Vec<u8>>, String> {
        let found = Log::at(Arc::new(segments.clone()), id, 9).after(0);
        found.map(|found| found.records).map_err(|error| error.to_string())
    }

    /// A log of two segments with two records each.
    fn written() -> (Log, Arc<MemorySegments>) {
        let segments = Arc::new(MemorySegments::default());
        let log = Log::at(segments.clone(), OURS, 1);
        log.begin(1).unwrap();
        ALL[..2].iter().for_each(|record| append(&log, record));
        assert_eq!(log.rotate(&mut log.end()), Ok(1));
        assert_eq!(log.rotate(&mut log.end()), Ok(1), "what is empty is not ended");
        ALL[2..].iter().for_each(|record| append(&log, record));
        (log, segments)
    }

    /// The same segments with another one in place of this one.
    fn with(segments: &MemorySegments, number: u64, bytes: &[u8]) -> MemorySegments {
        let changed = segments.clone();
        changed.remove(number).unwrap();
        changed.append(number, &[bytes]).unwrap();
        changed
    }

    #[test]
    fn what_was_acknowledged_is_found_until_it_is_in_the_tables() {
        let (log, segments) = written();
        let owned = |records: &[&[u8]]| records.iter().map(|record| record.to_vec()).collect();
        assert_eq!(log.after(0), Ok(Found { records: owned(&ALL), newest: 2, is_new: false }));
        assert_eq!(log.after(1), Ok(Found { records: owned(&ALL[2..]), newest: 2, is_new: false }));
        log.remove(1).unwrap();
        assert_eq!(segments.numbers().unwrap(), [2]);
        assert_eq!(log.after(1).unwrap().records.len(), 2);
        let missing = log.after(0).unwrap_err().to_string();
        assert!(missing.contains("what was written before it is missing"), "{missing}");
        // It goes on after what was there.
        assert_eq!(log.rotate(&mut log.end()), Ok(2));
        assert_eq!(log.after(2), Ok(Found { records: Vec::new(), newest: 3, is_new: true }));
        let next = Log::at(segments, OURS, 3);
        append(&next, b"five");
        assert_eq!(next.after(2).unwrap().records, owned(&[b"five"]));
    }

    #[test]
    fn a_log_that_is_not_there_is_missed() {
        let (log, segments) = written();
        log.remove(2).unwrap();
        assert!(segments.numbers().unwrap().is_empty());
        for newest in [0, 1, 2] {
            let missing = log.after(newest).unwrap_err().to_string();
            assert!(missing.contains("it is not there"), "{missing}");
        }
    }

    #[test]
    fn tables_without_a_log_take_none_that_holds_something() {
        let (_, segments) = written();
        let error = Log::found(segments.clone()).err().unwrap().to_string();
        assert!(error.contains("part 1 of the log") && error.contains("another chain.redb"), "{error}");
        assert_eq!(segments.numbers().unwrap(), [1, 2], "and it stays");
        // A kill before the tables knew it leaves one that is begun at most.
        for left in 0..=HEADER {
            let segments = Arc::new(MemorySegments::default());
            segments.append(1, &[&header(&OURS, 1)[..left]]).unwrap();
            let log = Log::found(segments).unwrap();
            append(&log, b"one");
            assert_eq!(log.after(0).unwrap().records, [b"one"]);
        }
    }

    #[test]
    fn a_record_that_is_torn_is_not_there_and_those_before_it_are() {
        let (_, segments) = written();
        let whole = segments.read(2).unwrap();
        let fourth = whole.len() - BEFORE_RECORD - ALL[3].len();
        for length in 0..=whole.len() {
            // What did not arrive is missing, or nothing but zeros.
            let zeros = [&whole[..length], &vec![0; whole.len() - length]].concat();
            for torn in [&whole[..length], &zeros] {
                let found = records(&with(&segments, 2, torn), OURS).unwrap();
                let expected = 2 + usize::from(length >= fourth) + usize::from(length == whole.len());
                assert_eq!(found, ALL[..expected], "{length} bytes");
            }
        }
        for place in fourth..whole.len() {
            let mut damaged = whole.clone();
            damaged[place] ^= 1;
            assert_eq!(records(&with(&segments, 2, &damaged), OURS).unwrap(), ALL[..3], "byte {place}");
        }
    }

    #[test]
    fn what_was_acknowledged_and_is_damaged_is_refused() {
        let (_, segments) = written();
        for number in [1, 2] {
            let whole = segments.read(number).unwrap();
            for place in 0..whole.len() {
                let mut damaged = whole.clone();
                damaged[place] ^= 1;
                let found = records(&with(&segments, number, &damaged), OURS);
                // Of the last segment, the last record may be torn; the length of one says where the next is.
                let spared = HEADER..HEADER + 8;
                let is_torn = number == 2
                    && (spared.contains(&place) || place >= whole.len() - BEFORE_RECORD - ALL[3].len());
                assert_eq!(found.is_ok(), is_torn, "byte {place} of {number}: {found:?}");
            }
        }
        let first = segments.read(1).unwrap();
        assert!(records(&with(&segments, 1, &first[..first.len() - 1]), OURS).is_err());
        let foreign = records(&segments, [8; ID]).unwrap_err();
        assert!(
            foreign.contains("part 1 of the log is missing or damaged: it belongs to another"),
            "{foreign}"
        );
        assert!(records(&with(&segments, 2, &first), OURS).is_err(), "another part of the same log");
        segments.remove(1).unwrap();
        assert!(records(&segments, [8; ID]).unwrap_err().contains("belongs to another"));
        // The tables rely on the first one.
        segments.remove(2).unwrap();
        for length in 0..HEADER {
            segments.append(1, &[&header(&OURS, 1)[..length]]).unwrap();
            assert!(records(&segments, OURS).is_err());
            segments.remove(1).unwrap();
        }
    }

    /// Segments on a disk that fails once, after a part was written.
    struct Failing(MemorySegments, Mutex<bool>);

    impl Segments for Failing {
        fn numbers(&self) -> std::io::Result<Vec<u64>> {
            self.0.numbers()
        }

        fn read(&self, number: u64) -> std::io::Result<Vec<u8>> {
            self.0.read(number)
        }

        fn append(&self, number: u64, parts: &[&[u8]]) -> std::io::Result<()> {
            if std::mem::take(&mut *self.1.lock().unwrap()) {
                self.0.append(number, &parts[..2])?;
                return Err(std::io::Error::other("the disk is full"));
            }
            self.0.append(number, parts)
        }

        fn remove(&self, number: u64) -> std::io::Result<()> {
            self.0.remove(number)
        }
    }

    #[test]
    fn a_log_that_could_not_be_written_takes_nothing_more() {
        let disk = Arc::new(Failing(MemorySegments::default(), Mutex::new(false)));
        let log = Log::at(disk.clone(), OURS, 1);
        log.begin(1).unwrap();
        append(&log, b"one");
        *disk.1.lock().unwrap() = true;
        for contents in [b"two", b"six"] {
            let error = log.append(&mut log.end(), contents).unwrap_err().to_string();
            assert_eq!(error, "cannot write the log: the disk is full");
        }
        assert!(log.rotate(&mut log.end()).is_err());
        assert_eq!(log.after(0).unwrap().records, [b"one"]);
    }
}
