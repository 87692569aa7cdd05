//! Headers, however old, and the blocks of history records.

use light_client::{
    client::{BlockName, HeaderBundle, HeaderPath, Settled},
    crypto::Hash,
    data_format::{Height, Slot},
};

use super::*;

#[test]
fn every_header_is_proven_by_its_height_and_by_its_id() {
    let chain = rounds(chain(4), 5);
    let (genesis, now, verifier) = (chain.genesis(), chain.now(), verifier(&chain));
    let trusted = verifier.anchor(&genesis, &chain.anchor(&genesis), now).unwrap();
    let mut pending = 0;
    for height in 0..=chain.head().header.height.0 {
        let header = &chain.header(Height(height)).header;
        for name in [BlockName::Height(Height(height)), BlockName::Id(header.id())] {
            for from in [&genesis, &trusted] {
                let bundle = chain.header_bundle(from, name).unwrap();
                let (newer, proven) = verifier.header(from, name, &bundle, now).unwrap();
                assert_eq!((&newer, proven.value()), (&trusted, header));
                assert_eq!((proven.at().id, proven.at().height.0), (header.id(), height));
                let is_final = matches!(proven, Settled::Final(_));
                assert_eq!(is_final, height <= trusted.height.0);
                pending += usize::from(!is_final);
            }
        }
    }
    assert!(pending > 0);
    assert!(chain.header_bundle(&genesis, BlockName::Height(Height(99))).is_none());
}

#[test]
fn another_block_than_the_one_asked_for_is_refused() {
    let chain = rounds(chain(4), 4);
    let (genesis, now, verifier) = (chain.genesis(), chain.now(), verifier(&chain));
    let bundle = |height| chain.header_bundle(&genesis, BlockName::Height(Height(height))).unwrap();
    for asked in [BlockName::Height(Height(4)), BlockName::Id(Hash([9; 32]))] {
        let refused = verifier.header(&genesis, asked, &bundle(3), now).unwrap_err();
        assert!(
            matches!(&refused, ProofFailure::AnotherBlock { asked: name, height: Height(3), .. } if *name == asked)
        );
        assert!(refused.is_lie());
    }
    // The path of another height, and one that leads nowhere.
    let HeaderPath::Older { proof, .. } = bundle(2).path else { panic!("an old block") };
    let HeaderPath::Older { header, .. } = bundle(3).path else { panic!("an old block") };
    let spliced = HeaderBundle { path: HeaderPath::Older { header, proof }, ..bundle(3) };
    let asked = BlockName::Height(Height(3));
    assert!(matches!(verifier.header(&genesis, asked, &spliced, now), Err(ProofFailure::Older(_))));
    let empty = HeaderBundle { path: HeaderPath::Newer(Vec::new()), ..bundle(3) };
    assert_eq!(verifier.header(&genesis, asked, &empty, now), Err(ProofFailure::EmptyPath));
    for height in [3, chain.head().header.height.0] {
        let asked = BlockName::Height(Height(height));
        never_says_anything_else(&bundle(height), |bundle| verifier.header(&genesis, asked, bundle, now));
    }
}

#[test]
fn a_history_record_is_of_the_block_of_its_height_and_slot() {
    let mut chain = rounds(chain(4), 2);
    let (_, id) = pay(&mut chain);
    let chain = rounds(chain, 2);
    let (genesis, now, verifier) = (chain.genesis(), chain.now(), verifier(&chain));
    let records = chain.history_page(&test_address(1), 3, 3).records;
    let sent = records[2];
    assert_eq!(sent.transaction, id);
    let proven = |height| {
        let name = BlockName::Height(height);
        verifier.header(&genesis, name, &chain.header_bundle(&genesis, name).unwrap(), now).unwrap().1
    };
    let block = verifier.block_of(&sent, &proven(sent.height)).unwrap();
    assert_eq!(block.id, chain.header(sent.height).header.id());
    let elsewhere = proven(sent.height.next());
    assert!(matches!(verifier.block_of(&sent, &elsewhere), Err(ProofFailure::RecordPlace { .. })));
    let mut early = sent;
    early.slot = Slot(sent.slot.0 - 1);
    assert!(matches!(verifier.block_of(&early, &proven(sent.height)), Err(ProofFailure::RecordPlace { .. })));
}

#[test]
fn a_block_is_named_by_its_height_or_by_its_id() {
    let id = Hash([0x11; 32]);
    assert_eq!("17".parse(), Ok(BlockName::Height(Height(17))));
    // Digits alone, but as many as an id has.
    assert_eq!(id.to_string().parse(), Ok(BlockName::Id(id)));
    assert_eq!(BlockName::Id(id).to_string(), id.to_string());
    for wrong in ["", "-1", "+1", "1e3", "0x11", "18446744073709551616", " 1"] {
        assert!(wrong.parse::<BlockName>().is_err(), "{wrong:?}");
    }
}
