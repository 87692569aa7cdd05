//! The node as giver and taker of snapshots, and of the proofs of finality that they hang on.
//!
//! What is trusted when a snapshot is taken: the chain spec, so block 0 with its slot tables, or a checkpoint of the
//! operator. From there the light client's verifier decides: a proof holds if more than two thirds of the holders that
//! are trusted signed it. One step must do; if the holders have changed too much since block 0, a checkpoint is needed.

use std::{
    collections::BTreeMap,
    sync::{MutexGuard, PoisonError},
};

use borsh::{BorshDeserialize, BorshSerialize};
use light_client::{
    client::Bundle,
    consensus::{
        Anchor, AnchorError, Trusted, TrustedCheckpoint, engine,
        spos::{HandOver, Table, Tables},
    },
    crypto::Hash,
    data_format::{BlockId, Checkpoint, DecodeError, Header, Height, SlotTable, Time, codec},
};

use super::{
    Core, Node, NodeError,
    queries::{need, stored_finality},
    way::voting_tables,
};
use crate::{
    block_tree::{Accepted, Chain},
    network::{
        PortError, Tip,
        snapshot::{Begun, FinalBlock, Shown, SnapshotPort, Taking},
    },
    snapshot::{Base, Pieces, install, serve},
    storage::{Database, Finality, StorageError},
};

/// Proven blocks that are remembered.
const SHOWN: usize = 8;
/// Bytes of a proof of finality, at most: hand-overs over some thousand changes.
const MAX_PROOF_BYTES: usize = 3 * 1024 * 1024;

/// What is here of a snapshot to start from.
#[derive(Default)]
pub(super) struct Starting {
    wanted: bool,
    checkpoint: Option<(Height, BlockId)>,
    /// Blocks that were proven final, and by what.
    shown: BTreeMap<BlockId, Finality>,
    pieces: Option<Pieces>,
}

impl Starting {
    /// As a process before this one left it: what was begun is gone on with.
    ///
    /// # Errors
    /// [`StorageError`] when the disk cannot be read.
    pub(super) fn of(database: &Database) -> Result<Self, StorageError> {
        let pieces = Pieces::resume(database)?;
        let checkpoint = pieces.as_ref().and_then(Pieces::checkpoint);
        Ok(Self { wanted: pieces.is_some(), checkpoint, pieces, ..Self::default() })
    }

    /// What is trusted instead of this node's own blocks: only until it has some.
    fn checkpoint(&self) -> Option<(Height, BlockId)> {
        self.checkpoint.filter(|_| self.wanted)
    }
}

/// Proof of a final block, and what it takes to know the block that it starts from, if that was asked for.
#[derive(BorshSerialize, BorshDeserialize)]
struct FinalityProof {
    opened: Option<Opened>,
    proof: Proof,
}

/// Bundles that lead from the block that is trusted to a final one.
#[derive(BorshSerialize, BorshDeserialize)]
enum Proof {
    /// In one step: an [`Anchor`].
    Step(#[borsh(deserialize_with = "codec::bounded_bytes::<65_540, _>")] Vec<u8>),
    /// Over changes of most holders: each a [`HandOver`], which leads on from where the one before it ends.
    Way(#[borsh(deserialize_with = "codec::bounded_list::<64, _, _>")] Vec<Page>),
}

/// The bytes of a [`HandOver`].
#[derive(BorshSerialize, BorshDeserialize)]
struct Page(#[borsh(deserialize_with = "codec::bounded_bytes::<2_097_154, _>")] Vec<u8>);

/// A block that the asker knows by its id.
#[derive(BorshSerialize, BorshDeserialize)]
struct Opened {
    header: Header,
    in_force: SlotTable,
    planned: Option<SlotTable>,
}

/// Why a proof shows nothing.
enum Refused {
    Unsure(String),
    Lie(String),
}

impl Node {
    /// Starts from a snapshot of the state after a final block, if the network has one and this node has no blocks yet; from
    /// a checkpoint if one is given: a final block, by height and id, that the operator trusts. Say so before the node joins
    /// its network. A snapshot that was begun is gone on with, without being asked for too, unless another checkpoint is given.
    /// `false`: the node has blocks already, and goes on from them; or the chain's branches weigh what their blocks add up to, and
    /// what those before a snapshot add up to is proven by nothing.
    pub fn start_from_snapshot(&self, checkpoint: Option<(Height, BlockId)>) -> bool {
        let weighed = self.0.rules.claimed_weight(&self.0.genesis.header).is_some();
        let wanted = weighed && self.status().head.height == Height(0);
        let mut starting = self.starting();
        starting.wanted = wanted;
        if checkpoint.is_some() && starting.checkpoint != checkpoint {
            (starting.checkpoint, starting.pieces) = (checkpoint, None);
        }
        wanted
    }

    /// Whether blocks have to wait for a snapshot.
    pub fn is_starting(&self) -> bool {
        self.starting().wanted
    }

    fn starting(&self) -> MutexGuard<'_, Starting> {
        // A panic half way leaves pieces that are stored and not known: they are asked for again.
        self.0.starting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn prove_final_now(&self, trusted: &BlockId, open: bool) -> Result<Option<Vec<u8>>, NodeError> {
        let snapshot = self.0.database.read()?;
        let held = match self.check_trusted(&snapshot, Some(*trusted)) {
            Ok(held) => need(held, "the header of the trusted block")?,
            Err(NodeError::UnknownTrusted(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let held_trusted = self.trusted_at(&snapshot, &held)?;
        let opened = open.then(|| {
            let TrustedCheckpoint { in_force, planned, .. } = held_trusted.checkpoint();
            Opened { header: held, in_force, planned }
        });
        let anchor = match self.anchor_now(&snapshot, Some(*trusted)) {
            Ok(anchor) => anchor,
            Err(NodeError::Recovered(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let way = self.way(&held_trusted, &anchor)?.filter(|way| !way.is_empty());
        let proof = match way {
            Some(way) => Proof::Way(way.iter().map(|hand_over| Page(hand_over.to_bytes())).collect()),
            None => Proof::Step(anchor.to_bytes()),
        };
        Ok(Some(codec::encode(&FinalityProof { opened, proof })))
    }

    /// What this node trusts as proven, without asking anybody.
    fn own_trust(&self) -> Result<Trusted, NodeError> {
        let snapshot = self.0.database.read()?;
        let finality = stored_finality(&snapshot)?;
        let header = need(snapshot.header(&finality.root.id)?, "the newest final header")?.header;
        Ok(Trusted {
            round: finality.root.round,
            height: header.height,
            slot: header.slot,
            id: finality.root.id,
            tables: voting_tables(&snapshot, &header)?,
        })
    }

    /// A checkpoint that is known by its place, opened by somebody.
    fn open_checkpoint(
        &self,
        (height, id): (Height, BlockId),
        opened: Option<Opened>,
    ) -> Result<Trusted, Refused> {
        let lie = |what: &str| Refused::Lie(what.to_owned());
        let Opened { header, in_force, planned } =
            opened.ok_or_else(|| lie("the checkpoint was not opened"))?;
        if header.id() != id {
            return Err(lie("another block than the checkpoint was opened"));
        }
        if header.height != height {
            let words = format!("the checkpoint {id} has the height {}, not {height}", header.height);
            return Err(Refused::Unsure(words));
        }
        let snapshot = self.0.database.read().map_err(|error| Refused::Unsure(error.to_string()))?;
        let next_slots = snapshot.next_slots_after(&header);
        if next_slots.is_zero() {
            return Ok(Trusted::voteless(&header));
        }
        let table = |slots| Table::new(slots).map_err(|error| Refused::Lie(error.to_string()));
        let planned = planned.map(table).transpose()?.map(Into::into);
        let tables = Tables { in_force: table(in_force)?.into(), planned };
        if tables.commitment() != next_slots {
            return Err(lie("other slot tables than the checkpoint's were given"));
        }
        let round = self.0.clock.round(header.slot).next();
        Ok(Trusted { round, height, slot: header.slot, id, tables: Some(tables) })
    }

    /// Nothing is locked and nobody is slashed: keys of former holders could sign another past. What they signed is worth
    /// nothing to whoever was away for longer than the chain's trusting period, or never there.
    fn check_age(&self, trusted: &Trusted, now: Time) -> Result<(), Refused> {
        let (age, period) = (now.ms_since(self.0.clock.start(trusted.slot)), self.0.spec.trusting_period_ms);
        if trusted.tables.is_none() || age <= period {
            return Ok(());
        }
        const DAY_MS: u64 = 24 * 3_600_000;
        let (height, days, limit) = (trusted.height, age / DAY_MS, period / DAY_MS);
        Err(Refused::Unsure(format!(
            "block {height}, from which finality would be proven, is {days} days old, and this chain trusts a block for {limit} \
             days: name a newer final block that you trust, with --snapshot --checkpoint HEIGHT:ID"
        )))
    }

    fn check_proof(
        &self,
        checkpoint: Option<(Height, BlockId)>,
        own: Trusted,
        proof: &[u8],
        now: Time,
    ) -> Result<Option<(Finality, Hash)>, Refused> {
        let refused = |failure: AnchorError| {
            let words = failure.to_string();
            if failure.is_lie() { Refused::Lie(words) } else { Refused::Unsure(words) }
        };
        let proof: FinalityProof = codec::decode(proof, MAX_PROOF_BYTES)
            .map_err(|error| Refused::Lie(format!("the proof cannot be read: {error}")))?;
        let trusted = match checkpoint {
            Some(checkpoint) => self.open_checkpoint(checkpoint, proof.opened)?,
            None => own,
        };
        self.check_age(&trusted, now)?;
        let unreadable = |error: DecodeError| Refused::Lie(format!("the proof cannot be read: {error}"));
        let engine = engine(&self.0.spec);
        let (newer, anchor) = match proof.proof {
            Proof::Step(bytes) => {
                let anchor = Anchor::from_bytes(&bytes).map_err(unreadable)?;
                (engine.advance(&trusted, &anchor, now).map_err(refused)?, anchor)
            }
            Proof::Way(pages) => {
                let (mut here, mut end) = (trusted, None);
                for Page(bytes) in pages {
                    let hand_over = HandOver::from_bytes(&bytes).map_err(unreadable)?;
                    let led = engine.hand_over(&here, &hand_over, now).map_err(|error| {
                        let words = error.to_string();
                        if error.is_lie() { Refused::Lie(words) } else { Refused::Unsure(words) }
                    })?;
                    (here, end) = (led.trusted, Some(hand_over.end));
                }
                let end =
                    end.ok_or_else(|| Refused::Lie("the way to the final block is empty".to_owned()))?;
                (here, Anchor::Beacon(Box::new(end)))
            }
        };
        let root = Checkpoint { round: newer.round, id: newer.id };
        let certificate = match &anchor {
            Anchor::Beacon(beacon) => Some(beacon.certificate()),
            Anchor::Trusted(_) if checkpoint.is_none() => {
                // What this node has already.
                return Ok(None);
            }
            Anchor::Trusted(_) | Anchor::Sealed(_) | Anchor::Buried(_) => None,
        };
        let finality = Finality { root, height: newer.height, certificate, justified: root };
        Ok(Some((finality, anchor.header().headers_root)))
    }

    fn install_now(&self) -> Result<Tip, NodeError> {
        let mut starting = self.starting();
        let pieces = need(starting.pieces.as_ref(), "the snapshot that was begun")?;
        let mut core = self.core();
        install(&self.0.database, pieces).map_err(|error| NodeError::Damaged(error.to_string()))?;
        let spec = self.0.spec.clone();
        let opened = Chain::open(self.0.database.clone(), spec, &self.0.retention, &[]);
        core.chain = opened.map_err(|error| NodeError::Damaged(error.to_string()))?;
        let Core { chain, minter } = &mut *core;
        chain.recover()?;
        let root = chain.finality().root;
        let accepted = Accepted { moved: true, finalised: Some(root), ..Accepted::default() };
        self.digest(chain, &**minter, &accepted)?;
        (starting.wanted, starting.pieces) = (false, None);
        self.tip_in(&self.0.database.read()?)
    }
}

impl SnapshotPort for Node {
    fn prove_final(&self, trusted: &BlockId, open: bool) -> Result<Option<Vec<u8>>, PortError> {
        Ok(self.prove_final_now(trusted, open)?)
    }

    fn trusted(&self) -> Result<(BlockId, bool), PortError> {
        let checkpoint = self.starting().checkpoint();
        match checkpoint {
            Some((_, id)) => Ok((id, true)),
            None => Ok((self.own_trust()?.id, false)),
        }
    }

    fn check_final(&self, proof: &[u8], now: Time) -> Result<Shown, PortError> {
        let checkpoint = self.starting().checkpoint();
        Ok(match self.check_proof(checkpoint, self.own_trust()?, proof, now) {
            Ok(None) => Shown::Nothing,
            Ok(Some((finality, headers_root))) => {
                let block = FinalBlock { id: finality.root.id, height: finality.height, headers_root };
                let shown = &mut self.starting().shown;
                if shown.len() >= SHOWN && !shown.contains_key(&block.id) {
                    let lowest = shown.iter().min_by_key(|(_, known)| known.height).map(|(id, _)| *id);
                    lowest.map(|id| shown.remove(&id));
                }
                shown.insert(block.id, finality);
                Shown::Final(block)
            }
            Err(Refused::Unsure(why)) => Shown::Unsure(why),
            Err(Refused::Lie(why)) => Shown::Lie(why),
        })
    }

    fn snapshot_base(&self, block: &BlockId) -> Result<Option<Vec<u8>>, PortError> {
        let snapshot = self.0.database.read().map_err(NodeError::from)?;
        let base = Base::of(&snapshot, block).map_err(NodeError::from)?;
        Ok(base.map(|base| codec::encode(&base)))
    }

    fn snapshot_leaves(
        &self,
        block: &BlockId,
        first: u64,
        count: u32,
        bytes: usize,
    ) -> Result<Option<(u32, Vec<u8>)>, PortError> {
        let snapshot = self.0.database.read().map_err(NodeError::from)?;
        Ok(serve(&snapshot, block, first, count, bytes).map_err(NodeError::from)?)
    }

    fn wants_snapshot(&self) -> bool {
        self.is_starting()
    }

    fn begun(&self) -> Result<Option<Begun>, PortError> {
        let starting = self.starting();
        let Some(pieces) = &starting.pieces else {
            Pieces::forget(&self.0.database).map_err(NodeError::from)?;
            return Ok(None);
        };
        let (finality, headers_root) = (pieces.finality(), pieces.headers_root());
        let block = FinalBlock { id: finality.root.id, height: finality.height, headers_root };
        Ok(Some(Begun { block, total: pieces.total(), taken: pieces.taken() }))
    }

    fn begin(&self, block: &BlockId, base: &[u8]) -> Result<Taking<u64>, PortError> {
        let base = match Base::check(base, block) {
            Ok(base) => base,
            Err(error) => return Ok(Taking::Lie(error.to_string())),
        };
        let mut starting = self.starting();
        let finality = starting.shown.get(block).cloned();
        let finality = finality.ok_or_else(|| PortError(format!("block {block} was not proven final")))?;
        let checkpoint = starting.checkpoint();
        let pieces = Pieces::begin(&self.0.database, base, finality, checkpoint).map_err(NodeError::from)?;
        let total = pieces.total();
        starting.pieces = Some(pieces);
        Ok(Taking::Taken(total))
    }

    fn take_leaves(&self, first: u64, count: u32, proof: &[u8]) -> Result<Taking<()>, PortError> {
        let mut starting = self.starting();
        let pieces = starting.pieces.as_mut().ok_or_else(|| PortError("no snapshot was begun".to_owned()))?;
        match pieces.check(first, count, proof) {
            Ok(entries) => {
                pieces.store(&self.0.database, first, &entries).map_err(NodeError::from)?;
                Ok(Taking::Taken(()))
            }
            Err(error) => Ok(Taking::Lie(error.to_string())),
        }
    }

    fn install(&self) -> Result<Tip, PortError> {
        Ok(self.install_now()?)
    }

    fn forget(&self, for_good: bool) -> Result<(), PortError> {
        let mut starting = self.starting();
        starting.pieces = None;
        // Before any block is taken: what is stored of a snapshot is gone on with by whoever has no blocks.
        Pieces::forget(&self.0.database).map_err(NodeError::from)?;
        starting.wanted &= !for_good;
        Ok(())
    }
}
