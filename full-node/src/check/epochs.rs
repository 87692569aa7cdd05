use light_client::{
    consensus::spos::{Certificate, CertificateError, Epoch},
    data_format::{BlockId, Round},
};

use super::{Checker, Finding};
use crate::storage::StorageError;

/// Epochs read at once.
const PAGE: usize = 256;

/// What is wrong with links that hand-overs are made of.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EpochFault {
    /// It keeps none.
    #[error("there are none")]
    Empty,
    /// It overlaps the epoch before it, or its links do.
    #[error("round {0} stands after a later one")]
    Order(Round),
    /// A link of other tables than those of its epoch, or one that makes nothing final.
    #[error("the link of round {0} is none of them")]
    Foreign(Round),
    /// What a link makes final is no final block of the best branch.
    #[error("block {0} is not a final one of the best branch")]
    Source(BlockId),
    /// The votes do not hold.
    #[error("the certificate of round {round}: {error}")]
    Certificate {
        /// The source's round.
        round: Round,
        /// The rule broken.
        error: CertificateError,
    },
    /// What made the newest final block so belongs to another epoch than the newest.
    #[error("the newest final block is of another epoch")]
    Newest,
    /// The disk, or bytes on it.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Checker<'_> {
    /// The links of which hand-overs are made: each holds, in its place.
    pub(super) fn check_epochs(&mut self) -> Result<(), StorageError> {
        let mut last: Option<Epoch> = None;
        loop {
            let from = last.as_ref().map_or(Round(0), |last| last.first().next());
            let epochs = self.snapshot.epochs(from, PAGE)?;
            let is_end = epochs.len() < PAGE;
            for epoch in epochs {
                let after = last.as_ref().and_then(|last| last.links().last()).map(round);
                if let Err(fault) = self.check_epoch(&epoch, after) {
                    self.report.note(Finding::Epoch { first: epoch.first(), fault });
                }
                last = Some(epoch);
            }
            if is_end {
                break;
            }
        }
        let finality = self.chain.finality();
        let Some(certificate) = &finality.certificate else { return Ok(()) };
        let goes_on = last.as_ref().is_some_and(|last| last.goes_on_with(&certificate.link));
        // What made the block of a snapshot final came with it, and belongs to no epoch here.
        if !goes_on && finality.height != self.snapshot.begins_at()? {
            let first = finality.root.round;
            self.report.note(Finding::Epoch { first, fault: EpochFault::Newest });
        }
        Ok(())
    }

    fn check_epoch(&self, epoch: &Epoch, mut after: Option<Round>) -> Result<(), EpochFault> {
        if epoch.links().is_empty() {
            return Err(EpochFault::Empty);
        }
        if after.is_some_and(|after| epoch.first() <= after) {
            return Err(EpochFault::Order(epoch.first()));
        }
        for certificate in epoch.links() {
            let (link, round) = (&certificate.link, round(certificate));
            if round < epoch.first() || after.is_some_and(|after| round <= after) {
                return Err(EpochFault::Order(round));
            }
            after = Some(round);
            if !epoch.goes_on_with(link) || !link.finalises() {
                return Err(EpochFault::Foreign(round));
            }
            let source = link.source.checkpoint.id;
            let header = self.snapshot.header(&source)?.ok_or(EpochFault::Source(source))?.header;
            let is_final = header.height <= self.chain.finality().height
                && self.snapshot.at_height(header.height)? == Some(source)
                && self.snapshot.next_slots_after(&header) == link.source.next_slots;
            if !is_final {
                return Err(EpochFault::Source(source));
            }
            let source = self.snapshot.tables(&link.source.next_slots)?;
            let target = self.snapshot.tables(&link.target.next_slots)?;
            let checked = certificate.check(self.chain.engine().chain(), &target, &source);
            checked.map_err(|error| EpochFault::Certificate { round, error })?;
        }
        Ok(())
    }
}

fn round(certificate: &Certificate) -> Round {
    certificate.link.source.checkpoint.round
}
