use light_client::{
    data_format::{Amount, Height},
    test_support::chain::FEE,
    transaction::TransactionError,
};

use super::world::{BALANCE, Draft, World, draft, order, room_for};
use crate::transaction::{AddError, Limits, Pool, PoolError};

fn pool() -> Pool {
    Pool::new(Limits::default())
}

fn refused(result: Result<bool, AddError>) -> PoolError {
    match result {
        Err(AddError::Pool(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn broken(result: Result<bool, AddError>) -> TransactionError {
    match result {
        Err(AddError::Transaction(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn blocks_take_what_pays_most_for_a_byte_and_a_sender_in_its_order() {
    let (world, mut pool) = (World::new(3), pool());
    let fee = FEE.units();
    for one in [
        Draft { fee: 3 * fee, ..draft(0, 0) },
        Draft { fee: 9 * fee, ..draft(0, 1) },
        // More in all than the first of sender 0, less for a byte.
        Draft { fee: 3 * fee + 1, memo: 100, ..draft(1, 0) },
        Draft { fee: 4 * fee, ..draft(2, 0) },
        draft(2, 1),
    ] {
        assert!(world.add(&mut pool, one).unwrap());
    }
    assert_eq!(order(&world, &pool), [(2, 0), (0, 0), (0, 1), (1, 0), (2, 1)]);
    let length = world.make(draft(0, 0)).encoded_length();
    assert_eq!(pool.candidates(length * 3).len(), 3);
    assert_eq!(pool.candidates(length - 1).len(), 0);
}

#[test]
fn nonces_follow_one_another() {
    let (mut world, mut pool) = (World::new(1), pool());
    world.account(0).nonce = 5;
    let used = broken(world.add(&mut pool, draft(0, 4)));
    assert_eq!(used, TransactionError::NonceUsed { found: 4, expected: 5 });
    world.add(&mut pool, draft(0, 5)).unwrap();
    let gap = broken(world.add(&mut pool, draft(0, 7)));
    assert_eq!(gap, TransactionError::NonceGap { found: 7, expected: 6 });
    assert!(!world.add(&mut pool, draft(0, 5)).unwrap(), "the same once more is fine");
    assert_eq!((pool.len(), pool.next_nonce(&world.address(0))), (1, Some(6)));
}

#[test]
fn a_sender_has_so_many_and_so_much_waiting() {
    let world = World::new(2);
    let length = world.make(draft(0, 0)).encoded_length();
    let mut pool = Pool::new(Limits { per_sender: 3, ..Limits::default() });
    (0..3).for_each(|nonce| assert!(world.add(&mut pool, draft(0, nonce)).unwrap()));
    let error = refused(world.add(&mut pool, draft(0, 3)));
    assert_eq!(error, PoolError::SenderFull { sender: world.address(0), waiting: 3 });
    world.add(&mut pool, draft(1, 0)).unwrap();

    let limit = 3 * length + 5;
    let mut pool = Pool::new(Limits { sender_bytes: limit, ..Limits::default() });
    (0..3).for_each(|nonce| assert!(world.add(&mut pool, draft(0, nonce)).unwrap()));
    let error = refused(world.add(&mut pool, draft(0, 3)));
    assert_eq!(error, PoolError::SenderBytes { sender: world.address(0), found: length, limit });
    // A replacement counts only for what it has more.
    let dearer = Draft { fee: 2 * FEE.units(), memo: 5, ..draft(0, 1) };
    world.add(&mut pool, dearer).unwrap();
    let longer = Draft { fee: 4 * FEE.units(), memo: 6, ..draft(0, 1) };
    assert!(matches!(refused(world.add(&mut pool, longer)), PoolError::SenderBytes { .. }));
}

#[test]
fn the_balance_covers_all_that_waits() {
    let (world, mut pool) = (World::new(1), pool());
    let fee = FEE.units();
    world.add(&mut pool, Draft { amount: BALANCE / 2, ..draft(0, 0) }).unwrap();
    let rest = BALANCE / 2 - 2 * fee;
    let error = broken(world.add(&mut pool, Draft { amount: rest + 1, ..draft(0, 1) }));
    assert!(matches!(error, TransactionError::Overspend { .. }), "{error}");
    world.add(&mut pool, Draft { amount: rest, ..draft(0, 1) }).unwrap();
    // A replacement of the first may not take what the second needs.
    let error = broken(world.add(&mut pool, Draft { fee: 2 * fee, amount: BALANCE / 2, ..draft(0, 0) }));
    assert!(matches!(error, TransactionError::Overspend { .. }), "{error}");
    world.add(&mut pool, Draft { fee: 2 * fee, amount: BALANCE / 2 - fee, ..draft(0, 0) }).unwrap();
    assert_eq!(pool.len(), 2);
}

#[test]
fn a_replacement_pays_a_tenth_more_and_no_less_for_a_byte() {
    let (world, mut pool) = (World::new(1), pool());
    let fee = FEE.units() + 5;
    let first = world.make(Draft { fee, ..draft(0, 1) });
    world.add(&mut pool, draft(0, 0)).unwrap();
    world.add(&mut pool, Draft { fee, ..draft(0, 1) }).unwrap();
    world.add(&mut pool, draft(0, 2)).unwrap();
    let needed = fee + 1_000_001;
    let error = refused(world.add(&mut pool, Draft { fee: needed - 1, ..draft(0, 1) }));
    assert_eq!(error, PoolError::NonceTaken { nonce: 1, waiting: first.id(), needed: Amount(needed) });
    world.add(&mut pool, Draft { fee: needed, ..draft(0, 1) }).unwrap();
    assert!(pool.get(&first.id()).is_none());
    assert_eq!(order(&world, &pool), [(0, 0), (0, 1), (0, 2)], "the later one stays");

    let PoolError::NonceTaken { needed: longer, .. } =
        refused(world.add(&mut pool, Draft { fee: needed, memo: 140, ..draft(0, 1) }))
    else {
        panic!("not taken")
    };
    assert!(longer.units() > needed * 3 / 2, "twice the bytes: {longer}");
    let error = refused(world.add(&mut pool, Draft { fee: longer.units() - 1, memo: 140, ..draft(0, 1) }));
    assert!(matches!(error, PoolError::NonceTaken { .. }), "{error}");
    world.add(&mut pool, Draft { fee: longer.units(), memo: 140, ..draft(0, 1) }).unwrap();
}

#[test]
fn the_cheapest_gives_way_and_only_to_what_pays_more() {
    let world = World::new(4);
    let mut pool = Pool::new(room_for(&world, 3));
    let fee = FEE.units();
    for (sender, times) in [(0, 3), (1, 2), (2, 4)] {
        world.add(&mut pool, Draft { fee: times * fee, ..draft(sender, 0) }).unwrap();
    }
    let error = refused(world.add(&mut pool, Draft { fee: 2 * fee, ..draft(3, 0) }));
    let PoolError::Full { fee: offered, needed } = error else { panic!("{error}") };
    assert_eq!((offered, pool.len()), (Amount(2 * fee), 3));
    // A single unit may be less than a step of the rate, so the least fee is a little more.
    assert!(needed > Amount(2 * fee) && needed < Amount(2 * fee + 10), "{needed}");
    assert!(world.add(&mut pool, Draft { fee: needed.units() - 1, ..draft(3, 0) }).is_err());
    world.add(&mut pool, Draft { fee: needed.units(), ..draft(3, 0) }).unwrap();
    assert_eq!(order(&world, &pool), [(2, 0), (0, 0), (3, 0)]);
    assert_eq!(pool.bytes(), room_for(&world, 3).bytes);
}

#[test]
fn a_long_newcomer_pays_for_all_that_leaves() {
    let world = World::new(4);
    let mut pool = Pool::new(room_for(&world, 3));
    let fee = FEE.units();
    for (sender, times) in [(0, 1), (1, 5), (2, 9)] {
        world.add(&mut pool, Draft { fee: times * fee, ..draft(sender, 0) }).unwrap();
    }
    let long = |fee| Draft { fee, memo: 140, ..draft(3, 0) };
    let PoolError::Full { needed, .. } = refused(world.add(&mut pool, long(5 * fee))) else {
        panic!("not full")
    };
    assert!(needed.units() > 9 * fee, "two leave, and it pays more for a byte than the dearer: {needed}");
    assert_eq!(pool.len(), 3);
    world.add(&mut pool, long(needed.units())).unwrap();
    assert_eq!(order(&world, &pool), [(2, 0), (3, 0)]);
}

#[test]
fn a_dear_last_one_does_not_protect_cheap_ones_before_it() {
    let world = World::new(3);
    let mut pool = Pool::new(room_for(&world, 3));
    let fee = FEE.units();
    world.add(&mut pool, draft(0, 0)).unwrap();
    world.add(&mut pool, Draft { fee: 50 * fee, ..draft(0, 1) }).unwrap();
    world.add(&mut pool, Draft { fee: 3 * fee, ..draft(1, 0) }).unwrap();
    world.add(&mut pool, Draft { fee: 2 * fee, ..draft(2, 0) }).unwrap();
    assert_eq!(order(&world, &pool), [(1, 0), (2, 0), (0, 0)], "its last one left first");
    // Not even a dear one makes room behind a cheap one of the same sender.
    let error = refused(world.add(&mut pool, Draft { fee: 50 * fee, ..draft(0, 1) }));
    let before = world.make(draft(0, 0)).id();
    assert!(matches!(error, PoolError::HeldBack { before: id, .. } if id == before), "{error}");
}

#[test]
fn what_expires_leaves_with_what_comes_after_it() {
    let (mut world, mut pool) = (World::new(2), pool());
    world.add(&mut pool, draft(0, 0)).unwrap();
    world.add(&mut pool, Draft { valid_until: 4, ..draft(0, 1) }).unwrap();
    world.add(&mut pool, draft(0, 2)).unwrap();
    world.add(&mut pool, Draft { valid_until: 5, ..draft(1, 0) }).unwrap();
    world.next = Height(4);
    world.settle(&mut pool, &[], &[]);
    assert_eq!(pool.len(), 4, "the next block may still include it");
    world.next = Height(5);
    world.settle(&mut pool, &[], &[]);
    assert_eq!((pool.len(), pool.next_nonce(&world.address(0))), (2, Some(1)));
    let error = broken(world.add(&mut pool, Draft { valid_until: 4, ..draft(0, 1) }));
    assert!(matches!(error, TransactionError::Expired { .. }), "{error}");
    // The one that replaces it expires when it says itself.
    world.add(&mut pool, Draft { valid_until: 9, fee: 2 * FEE.units(), ..draft(1, 0) }).unwrap();
    world.next = Height(6);
    world.settle(&mut pool, &[], &[]);
    assert_eq!(pool.len(), 2);
}

#[test]
fn what_is_undone_comes_back_before_what_waits() {
    let (mut world, mut pool) = (World::new(1), pool());
    let undone: Vec<_> = (0..3).map(|nonce| world.make(draft(0, nonce))).collect();
    world.account(0).nonce = 3;
    (3..6).for_each(|nonce| assert!(world.add(&mut pool, draft(0, nonce)).unwrap()));
    // On the other branch another transaction used the first nonce.
    world.account(0).nonce = 1;
    world.settle(&mut pool, &[0], &undone);
    assert_eq!(order(&world, &pool), [(0, 1), (0, 2), (0, 3), (0, 4), (0, 5)]);
    assert!(pool.get(&undone[0].id()).is_none());
}

#[test]
fn later_ones_leave_when_not_all_that_was_undone_fits() {
    let mut world = World::new(1);
    let mut pool = Pool::new(Limits { per_sender: 4, ..Limits::default() });
    let undone: Vec<_> = (0..3).map(|nonce| world.make(draft(0, nonce))).collect();
    world.account(0).nonce = 3;
    (3..6).for_each(|nonce| assert!(world.add(&mut pool, draft(0, nonce)).unwrap()));
    world.account(0).nonce = 0;
    world.settle(&mut pool, &[0], &undone);
    assert_eq!(order(&world, &pool), [(0, 0), (0, 1), (0, 2), (0, 3)]);

    // One of them does not come back, so nothing that waits can ever be included.
    let mut pool = Pool::new(Limits::default());
    world.account(0).nonce = 3;
    world.add(&mut pool, draft(0, 3)).unwrap();
    world.account(0).nonce = 0;
    world.settle(&mut pool, &[0], &undone[..2]);
    assert_eq!(order(&world, &pool), [(0, 0), (0, 1)]);
}

#[test]
fn what_an_account_no_longer_covers_leaves() {
    let (mut world, mut pool) = (World::new(1), pool());
    (0..3).for_each(|nonce| {
        assert!(world.add(&mut pool, Draft { amount: BALANCE / 4, ..draft(0, nonce) }).unwrap())
    });
    world.account(0).balance = Amount(BALANCE / 2 + 2 * FEE.units());
    world.settle(&mut pool, &[0], &[]);
    assert_eq!(order(&world, &pool), [(0, 0), (0, 1)]);
}

#[test]
fn an_account_that_is_ahead_of_the_pool_is_believed() {
    let (mut world, mut pool) = (World::new(1), pool());
    (0..2).for_each(|nonce| assert!(world.add(&mut pool, draft(0, nonce)).unwrap()));
    // A block is on disk, and the pool is not told yet.
    world.account(0).nonce = 3;
    world.add(&mut pool, draft(0, 3)).unwrap();
    assert_eq!(order(&world, &pool), [(0, 3)]);
    // The branch changed, and the pool is not told yet.
    world.account(0).nonce = 1;
    let error = broken(world.add(&mut pool, draft(0, 1)));
    assert_eq!(error, TransactionError::NonceUsed { found: 1, expected: 3 });
}

#[test]
fn a_rejected_one_takes_along_what_comes_after_it() {
    let (world, mut pool) = (World::new(1), pool());
    (0..4).for_each(|nonce| assert!(world.add(&mut pool, draft(0, nonce)).unwrap()));
    pool.reject(&world.make(draft(0, 2)).id());
    assert_eq!(order(&world, &pool), [(0, 0), (0, 1)]);
    assert_eq!(pool.bytes(), 2 * world.make(draft(0, 0)).encoded_length());
}
