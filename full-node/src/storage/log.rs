//! What has to be durable goes here first, one record after the other.
//!
//! A record is written in a row and synced once, however many places its changes have in the tables. Those get them later, many
//! records at once, while more come ([`Database`](super::Database)); until then readers find them in memory, and whoever opens the
//! folder after a kill reads them here.
//!
//! **Format.** The log is a row of [segments](super::Segments), numbered from 1 on. One is added to; the others go as soon as the
//! tables have what is in them, which the tables say themselves, in the same write: [`META_LOGGED`](super::keys::META_LOGGED). A
//! segment begins with the id of its log (16 bytes, chosen at random with the folder; the tables know it too, so that the log of
//! another folder is not taken for ours) and its number (8 bytes). A record is its length (8 bytes), the length's checksum (32
//! bytes), its contents, and their checksum (32 bytes). A checksum is BLAKE3 of log id, segment number, place in the
//! segment and the bytes themselves. Numbers are big-endian.
//!
//! **Bounds.** Nobody but this process writes here. A segment is begun before the tables are said to have those before it, so one is
//! always there: tables whose log somebody took away are noticed, and what a minting key signed is not forgotten in silence. The
//! last record may be torn, by a kill while it was written: it was never acknowledged, and is as if it were not there. It is the last
//! one if it would reach the end of the file, or, where not even its length is whole, if no other record begins after that. Whatever
//! else is not what was written is damage. Not noticed is who cuts a segment off between two records, or takes the newest one away
//! while the one before it is still there. All segments together are bounded by the database, which puts what they hold into the
//! tables in time: by [`BOUND`](super::pending::BOUND), and one batch that is not [large](super::Batch::is_large). They are read
//! one at a time.

use std::{
    io::{self, BufWriter, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Contents, Segments, StorageError, segments::FOLDER};

/// Bytes of a log's id.
pub(super) const ID: usize = 16;
const HEADER: usize = ID + 8;
/// Bytes of a record's length and its checksum, and of all but the contents.
const LENGTH: usize = 8 + 32;
const AROUND: usize = LENGTH + 32;
/// Bytes of a record that are hashed and written at a time.
const AT_ONCE: usize = 1 << 20;

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
    /// Bytes of those that are ended and not removed.
    ended: usize,
    /// Why something could not be written: nobody knows what is there.
    broken: Option<StorageError>,
}

/// What a log holds that the tables do not have.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// How many records.
    pub(super) records: u64,
    /// The newest segment.
    pub(super) newest: u64,
    /// Whether that one has its header and nothing else, so that records can be added to it.
    pub(super) is_new: bool,
}

impl Log {
    /// The log with this id in which records are added to this segment, which has none.
    pub(super) fn at(segments: Arc<dyn Segments>, id: [u8; ID], number: u64) -> Self {
        let end = Mutex::new(End { number, length: HEADER, ended: 0, broken: None });
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

    /// Adds a record with contents of this length, which `write` writes; it is durable when this returns.
    ///
    /// # Errors
    /// [`StorageError`] if the disk fails, or the contents have another length; then nothing more can be added.
    pub(super) fn append(
        &self,
        end: &mut End,
        length: u64,
        write: impl Fn(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), StorageError> {
        let (number, place) = (end.number, end.length);
        let announced = length.to_be_bytes();
        let of_length = self.checksum(number, place, &announced);
        let room = usize::try_from(length).unwrap_or(AT_ONCE).min(AT_ONCE);
        self.write(end, number, &mut |file| {
            file.write_all(&announced)?;
            file.write_all(of_length.as_bytes())?;
            let mut contents = Hashed { hasher: self.hasher(number, place + LENGTH), file, left: length };
            let mut buffer = BufWriter::with_capacity(room, &mut contents);
            write(&mut buffer)?;
            buffer.flush()?;
            drop(buffer);
            if contents.left > 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let of_contents = contents.hasher.finalize();
            file.write_all(of_contents.as_bytes())
        })?;
        // All of it was in memory, where nothing is longer than a `usize` says.
        end.length += AROUND + length as usize;
        Ok(())
    }

    /// Ends the newest segment, so that what comes is in the next one; gives the number of the last one that is ended.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub(super) fn rotate(&self, end: &mut End) -> Result<u64, StorageError> {
        end.check()?;
        if end.length > HEADER {
            let next = end.number.saturating_add(1);
            self.write(end, next, &mut |file| file.write_all(&header(&self.id, next)))?;
            end.ended += end.length;
            (end.number, end.length) = (next, HEADER);
        }
        Ok(end.number.saturating_sub(1))
    }

    /// Begins a segment that nothing is known of.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub(super) fn begin(&self, number: u64) -> Result<(), StorageError> {
        self.write(&mut self.end(), number, &mut |file| file.write_all(&header(&self.id, number)))
    }

    /// Makes sure of the newest segment: a kill may have come before what it has was durable.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub(super) fn sync(&self) -> Result<(), StorageError> {
        let mut end = self.end();
        let number = end.number;
        self.write(&mut end, number, &mut |_| Ok(()))
    }

    fn write(&self, end: &mut End, number: u64, contents: Contents<'_>) -> Result<(), StorageError> {
        end.check()?;
        let written = self.segments.append(number, contents);
        let failed = |error| StorageError::failed(format!("cannot write {}", part(number)), error);
        written.map_err(failed).inspect_err(|error| end.give_up(error))
    }

    /// Removes segments up to this one, which are all that are ended.
    ///
    /// # Errors
    /// [`StorageError`] if the disk fails.
    pub(super) fn remove(&self, newest: u64) -> Result<(), StorageError> {
        for number in self.numbers()?.into_iter().filter(|number| *number <= newest) {
            let removed = self.segments.remove(number);
            removed
                .map_err(|error| StorageError::failed(format!("cannot remove {}", part(number)), error))?;
        }
        self.end().ended = 0;
        Ok(())
    }

    /// Gives the contents of the records in the segments after `newest`, the oldest first, each with the number of its segment.
    ///
    /// # Errors
    /// [`StorageError`] if the disk fails, the log is of other tables, a segment is missing or damaged, or a record is not taken.
    /// Records before what is damaged may be given.
    pub(super) fn after(
        &self,
        newest: u64,
        mut take: impl FnMut(u64, &[u8]) -> Result<(), StorageError>,
    ) -> Result<Found, StorageError> {
        let mut found = Found { records: 0, newest, is_new: false };
        // What is wrong with one that a kill may have torn. Behind it there may be some that were begun, by starts that were
        // killed too; more tells that it was whole once.
        let mut torn = None;
        for number in self.numbers()?.into_iter().filter(|number| *number > newest) {
            let bytes = self.read(number)?;
            if bytes.len() > HEADER
                && let Some(error) = torn.take()
            {
                return Err(error);
            }
            let damaged = |why: String| StorageError::damaged(part(number), why);
            let header = header(&self.id, number);
            if !bytes.starts_with(&header) {
                let foreign = damaged(FOREIGN.to_owned());
                // The first one was whole before the tables relied on it.
                if bytes.len() > HEADER || found.newest == newest {
                    return Err(foreign);
                }
                torn.get_or_insert(foreign);
            }
            if number != found.newest + 1 {
                return Err(damaged("what was written before it is missing".to_owned()));
            }
            let mut at = HEADER;
            while at < bytes.len() {
                let Some(contents) = self.record(number, &bytes, at) else {
                    let error = damaged(format!("the record at byte {at} is not what was written"));
                    if !self.is_torn(number, &bytes, at) {
                        return Err(error);
                    }
                    torn = Some(error);
                    break;
                };
                take(number, contents)?;
                found.records += 1;
                at += AROUND + contents.len();
            }
            found.is_new = bytes == header;
            found.newest = number;
        }
        if found.newest == newest {
            return Err(StorageError::damaged(part(newest + 1), "it is not there"));
        }
        Ok(found)
    }

    fn numbers(&self) -> Result<Vec<u64>, StorageError> {
        self.segments
            .numbers()
            .map_err(|error| StorageError::failed(format!("cannot list what is in {FOLDER}"), error))
    }

    fn read(&self, number: u64) -> Result<Vec<u8>, StorageError> {
        let bytes = self.segments.read(number);
        bytes.map_err(|error| StorageError::failed(format!("cannot read {}", part(number)), error))
    }

    /// Where the record at this place of a segment ends by its length, if that is whole.
    fn end_of(&self, number: u64, segment: &[u8], at: usize) -> Option<usize> {
        let (length, rest) = segment.get(at..)?.split_first_chunk()?;
        let is_whole = self.checksum(number, at, length) == *rest.first_chunk::<32>()?;
        let end = (at + AROUND).checked_add(u64::from_be_bytes(*length).try_into().ok()?)?;
        is_whole.then_some(end)
    }

    /// The contents of the record at this place of a segment, if it is whole.
    fn record<'a>(&self, number: u64, segment: &'a [u8], at: usize) -> Option<&'a [u8]> {
        let record = segment.get(at + LENGTH..self.end_of(number, segment, at)?)?;
        let (contents, expected) = record.split_last_chunk::<32>()?;
        (self.checksum(number, at + LENGTH, contents) == *expected).then_some(contents)
    }

    /// Whether a record that is not whole is the last one: each is begun when the one before it is whole.
    fn is_torn(&self, number: u64, segment: &[u8], at: usize) -> bool {
        match self.end_of(number, segment, at) {
            Some(end) => end >= segment.len(),
            None => (at..segment.len()).all(|place| self.end_of(number, segment, place).is_none()),
        }
    }

    fn checksum(&self, number: u64, place: usize, bytes: &[u8]) -> blake3::Hash {
        self.hasher(number, place).update(bytes).finalize()
    }

    fn hasher(&self, number: u64, place: usize) -> blake3::Hasher {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.id).update(&number.to_be_bytes()).update(&(place as u64).to_be_bytes());
        hasher
    }
}

/// The contents of a record on their way into a file.
struct Hashed<'a> {
    hasher: blake3::Hasher,
    file: &'a mut dyn Write,
    /// Bytes that are still to come.
    left: u64,
}

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self.left.checked_sub(bytes.len() as u64).ok_or(io::ErrorKind::FileTooLarge)?;
        self.hasher.update(bytes);
        self.file.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// What a segment begins with.
fn header(id: &[u8; ID], number: u64) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..ID].copy_from_slice(id);
    header[ID..].copy_from_slice(&number.to_be_bytes());
    header
}

impl End {
    /// Bytes of the newest segment.
    pub(super) const fn length(&self) -> usize {
        self.length
    }

    /// Bytes of all segments.
    pub(super) const fn bytes(&self) -> usize {
        self.ended + self.length
    }

    /// Nothing is added any more: something could not be written.
    pub(super) fn give_up(&mut self, cause: &StorageError) {
        self.broken.get_or_insert_with(|| cause.clone());
    }

    fn check(&self) -> Result<(), StorageError> {
        self.broken.clone().map_or(Ok(()), Err)
    }
}

/// The name of a segment, for whoever looks for it in the data folder.
fn part(number: u64) -> String {
    format!("{FOLDER}/{number}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::segments::MemorySegments;

    const OURS: [u8; ID] = [7; ID];
    const ALL: [&[u8]; 4] = [b"one", b"", b"three", b"four"];

    fn try_append(log: &Log, contents: &[u8]) -> Result<(), StorageError> {
        log.append(&mut log.end(), contents.len() as u64, |file| file.write_all(contents))
    }

    fn append(log: &Log, contents: &[u8]) {
        try_append(log, contents).unwrap();
    }

    fn all_after(log: &Log, newest: u64) -> Result<(Vec<Vec<u8>>, Found), String> {
        let mut records = Vec::new();
        let found = log.after(newest, |_, record| {
            records.push(record.to_vec());
            Ok(())
        });
        let found = found.map_err(|error| error.to_string())?;
        assert_eq!(found.records, records.len() as u64);
        Ok((records, found))
    }

    fn records(segments: &MemorySegments, id: [u8; ID]) -> Result<Vec<Vec<u8>>, String> {
        Ok(all_after(&Log::at(Arc::new(segments.clone()), id, 9), 0)?.0)
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
        changed.append(number, &mut |file| file.write_all(bytes)).unwrap();
        changed
    }

    #[test]
    fn what_was_acknowledged_is_found_until_it_is_in_the_tables() {
        let (log, segments) = written();
        let expected = |records: &[&[u8]], newest, is_new| {
            let owned = records.iter().map(|record| record.to_vec()).collect();
            Ok((owned, Found { records: records.len() as u64, newest, is_new }))
        };
        assert_eq!(all_after(&log, 0), expected(&ALL, 2, false));
        assert_eq!(all_after(&log, 1), expected(&ALL[2..], 2, false));
        log.remove(1).unwrap();
        assert_eq!(segments.numbers().unwrap(), [2]);
        assert_eq!(all_after(&log, 1), expected(&ALL[2..], 2, false));
        let missing = all_after(&log, 0).unwrap_err();
        assert!(missing.contains("what was written before it is missing"), "{missing}");
        // It goes on after what was there.
        assert_eq!(log.rotate(&mut log.end()), Ok(2));
        assert_eq!(all_after(&log, 2), expected(&[], 3, true));
        let next = Log::at(segments, OURS, 3);
        append(&next, b"five");
        assert_eq!(all_after(&next, 2), expected(&[b"five"], 3, false));
    }

    #[test]
    fn all_segments_that_are_there_count() {
        let (log, segments) = written();
        let length = |number| segments.read(number).unwrap().len();
        assert_eq!(log.end().bytes(), length(1) + length(2));
        log.rotate(&mut log.end()).unwrap();
        assert_eq!(log.end().bytes(), length(1) + length(2) + length(3));
        log.remove(2).unwrap();
        assert_eq!(log.end().bytes(), length(3));
    }

    #[test]
    fn behind_what_is_torn_segments_were_begun_at_most() {
        let (_, segments) = written();
        let whole = segments.read(2).unwrap();
        let torn = Arc::new(with(&segments, 2, &whole[..whole.len() - 1]));
        // A kill while the folder was opened, and another one.
        torn.append(3, &mut |file| file.write_all(&[0; HEADER])).unwrap();
        let log = Log::at(torn.clone(), OURS, 4);
        let owned: Vec<_> = ALL[..3].iter().map(|record| record.to_vec()).collect();
        let found = |newest, is_new| Ok((owned.clone(), Found { records: 3, newest, is_new }));
        assert_eq!(all_after(&log, 0), found(3, false), "zeros are no header");
        log.begin(4).unwrap();
        assert_eq!(all_after(&log, 0), found(4, true));
        append(&log, b"five");
        assert!(all_after(&log, 0).unwrap_err().contains("chain.wal/2 is missing or damaged: the record at"));
    }

    #[test]
    fn a_log_that_is_not_there_is_missed() {
        let (log, segments) = written();
        log.remove(2).unwrap();
        assert!(segments.numbers().unwrap().is_empty());
        for newest in [0, 1, 2] {
            let missing = all_after(&log, newest).unwrap_err();
            assert!(missing.contains("it is not there"), "{missing}");
        }
    }

    #[test]
    fn tables_without_a_log_take_none_that_holds_something() {
        let (_, segments) = written();
        let error = Log::found(segments.clone()).err().unwrap().to_string();
        assert!(error.contains("chain.wal/1 is") && error.contains("another chain.redb"), "{error}");
        assert_eq!(segments.numbers().unwrap(), [1, 2], "and it stays");
        // A kill before the tables knew it leaves one that is begun at most.
        for left in 0..=HEADER {
            let segments = Arc::new(MemorySegments::default());
            segments.append(1, &mut |file| file.write_all(&header(&OURS, 1)[..left])).unwrap();
            let log = Log::found(segments).unwrap();
            append(&log, b"one");
            assert_eq!(all_after(&log, 0).unwrap().0, [b"one"]);
        }
    }

    #[test]
    fn a_record_that_is_torn_is_not_there_and_those_before_it_are() {
        let (_, segments) = written();
        let whole = segments.read(2).unwrap();
        let fourth = whole.len() - AROUND - ALL[3].len();
        for length in 0..=whole.len() {
            let expected = 2 + usize::from(length >= fourth) + usize::from(length == whole.len());
            let cut = whole[..length].to_vec();
            // What did not arrive is missing, or nothing but zeros.
            let zeros = [&cut[..], &vec![0; whole.len() - length]].concat();
            for torn in [Some(cut), Some(zeros).filter(|_| length >= fourth)].into_iter().flatten() {
                assert_eq!(
                    records(&with(&segments, 2, &torn), OURS).unwrap(),
                    ALL[..expected],
                    "{length} bytes"
                );
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
                // Of the last segment, the last record may be torn.
                let is_torn = number == 2 && place >= whole.len() - AROUND - ALL[3].len();
                assert_eq!(found.is_ok(), is_torn, "byte {place} of {number}: {found:?}");
            }
        }
        // However many records are damaged, one after them tells.
        let whole = segments.read(2).unwrap();
        let log = Log::at(segments.clone(), OURS, 2);
        log.end().length = whole.len();
        append(&log, b"five");
        let mut damaged = segments.read(2).unwrap();
        damaged[HEADER + 3..whole.len() - 1].fill(7);
        assert!(records(&with(&segments, 2, &damaged), OURS).unwrap_err().contains("record at byte 24"));
        segments.remove(2).unwrap();
        segments.append(2, &mut |file| file.write_all(&whole)).unwrap();
        let first = segments.read(1).unwrap();
        assert!(records(&with(&segments, 1, &first[..first.len() - 1]), OURS).is_err());
        let foreign = records(&segments, [8; ID]).unwrap_err();
        assert!(foreign.contains("chain.wal/1 is missing or damaged: it belongs to another"), "{foreign}");
        assert!(records(&with(&segments, 2, &first), OURS).is_err(), "another part of the same log");
        segments.remove(1).unwrap();
        assert!(records(&segments, [8; ID]).unwrap_err().contains("belongs to another"));
        // The tables rely on the first one.
        segments.remove(2).unwrap();
        for length in 0..HEADER {
            segments.append(1, &mut |file| file.write_all(&header(&OURS, 1)[..length])).unwrap();
            assert!(records(&segments, OURS).is_err());
            segments.remove(1).unwrap();
        }
    }

    /// Segments on a disk that fails once, when half of a record or all of it is there.
    struct Failing(MemorySegments, Mutex<Option<bool>>);

    impl Segments for Failing {
        fn numbers(&self) -> std::io::Result<Vec<u64>> {
            self.0.numbers()
        }

        fn read(&self, number: u64) -> std::io::Result<Vec<u8>> {
            self.0.read(number)
        }

        fn append(&self, number: u64, contents: Contents<'_>) -> std::io::Result<()> {
            let Some(all) = self.1.lock().unwrap().take() else { return self.0.append(number, contents) };
            let mut bytes = Vec::new();
            contents(&mut bytes)?;
            let written = if all { bytes.len() } else { bytes.len() / 2 };
            self.0.append(number, &mut |file| file.write_all(&bytes[..written]))?;
            Err(std::io::Error::other("the disk is full"))
        }

        fn remove(&self, number: u64) -> std::io::Result<()> {
            self.0.remove(number)
        }
    }

    #[test]
    fn a_log_that_could_not_be_written_takes_nothing_more() {
        for (before, all) in [(true, false), (false, false), (false, true)] {
            let disk = Arc::new(Failing(MemorySegments::default(), Mutex::default()));
            let log = Log::at(disk.clone(), OURS, 1);
            log.begin(1).unwrap();
            if before {
                append(&log, b"one");
            }
            *disk.1.lock().unwrap() = Some(all);
            for contents in [b"two", b"six"] {
                let error = try_append(&log, contents).unwrap_err().to_string();
                assert_eq!(error, "cannot write chain.wal/1: the disk is full");
            }
            // What is there may be whole all the same, so the tables must not get past it.
            assert!(log.rotate(&mut log.end()).is_err());
            let whole = usize::from(before || all);
            assert_eq!(all_after(&log, 0).unwrap().0.len(), whole);
        }
    }

    #[test]
    fn a_record_is_as_long_as_it_was_announced() {
        for length in [2, 4] {
            let log = Log::at(Arc::new(MemorySegments::default()), OURS, 1);
            log.begin(1).unwrap();
            append(&log, &vec![7; 3 * AT_ONCE + 1]);
            assert!(log.append(&mut log.end(), length, |file| file.write_all(b"one")).is_err());
            assert_eq!(all_after(&log, 0).unwrap().0, [vec![7; 3 * AT_ONCE + 1]]);
            assert!(try_append(&log, b"two").is_err());
        }
    }
}
