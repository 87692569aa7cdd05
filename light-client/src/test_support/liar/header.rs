use super::{forge::flip, lists};
use crate::{
    crypto::Hash,
    data_format::{Checkpoint, Header, Height, Round, SealedHeader, Slot},
};

/// A header with each of its fields changed.
pub(super) fn changed(honest: &Header) -> Vec<(String, Header)> {
    let ways: [lists::Way<Header>; 21] = [
        ("another version", |header| header.version += 1),
        ("one height up", |header| header.height = header.height.next()),
        ("one height down", |header| header.height = Height(header.height.0.wrapping_sub(1))),
        ("no height", |header| header.height = Height(0)),
        ("the greatest height", |header| header.height = Height(u64::MAX)),
        ("one slot later", |header| header.slot = header.slot.next()),
        ("one slot earlier", |header| header.slot = Slot(header.slot.0.wrapping_sub(1))),
        ("the last slot", |header| header.slot = Slot(u64::MAX)),
        ("another parent", |header| flip(&mut header.parent)),
        ("another root of transactions", |header| flip(&mut header.transactions_root)),
        ("no root of transactions", |header| header.transactions_root = Hash::ZERO),
        ("more transactions", |header| header.transactions_count += 1),
        ("most transactions", |header| header.transactions_count = u32::MAX),
        ("another state", |header| flip(&mut header.state_root)),
        ("no state", |header| header.state_root = Hash::ZERO),
        ("another range of headers", |header| flip(&mut header.headers_root)),
        ("other tables", |header| flip(&mut header.next_slots)),
        ("another justified round", |header| header.justified.round = header.justified.round.next()),
        ("nothing justified", |header| {
            header.justified = Checkpoint { round: Round(0), id: Hash::ZERO };
        }),
        ("another certificate", |header| flip(&mut header.certificate_hash)),
        ("a main chain", |header| header.main_parent = Some(Hash([1; 32]))),
    ];
    lists::each(honest, &ways)
}

/// A sealed header with each field and the seal changed.
pub(super) fn changed_seal(honest: &SealedHeader) -> Vec<(String, SealedHeader)> {
    let SealedHeader { header, seal } = honest;
    let mut changed: Vec<(String, SealedHeader)> = changed(header)
        .into_iter()
        .map(|(name, header)| (name, SealedHeader { header, seal: *seal }))
        .collect();
    for at in [0, 31, 32, 63] {
        let mut sealed = honest.clone();
        sealed.seal.0[at] ^= 1;
        changed.push((format!("byte {at} of the seal"), sealed));
    }
    changed
}
