//! What the worker of a chain makes of one that does as a test wants.

use std::{
    cmp::Ordering,
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use libp2p::gossipsub::MessageId;
use light_client::{
    crypto::{PublicKey, Signature},
    data_format::{SealedHeader, Transaction},
};
use tokio::sync::broadcast;

use super::*;
use crate::network::{
    decisions::Opinion,
    messages::AnchoredHeaders,
    protocol::Topic,
    snapshot::{Begun, Shown, Taking},
    worker::{Done, Machine, SnapshotWork, Told, Worker},
};

/// What it cannot bear.
const BREAK: &[u8] = b"break";

/// A chain that takes each sender's transactions in their order, and panics at [`BREAK`].
#[derive(Default)]
struct Scripted {
    nonces: Mutex<BTreeMap<PublicKey, u64>>,
    /// How often it was asked to take what has this sender and nonce.
    asked: Mutex<BTreeMap<(PublicKey, u64), u32>>,
    broke: AtomicUsize,
}

impl Scripted {
    fn bear(&self, data: &[u8]) {
        if data == BREAK {
            self.broke.fetch_add(1, SeqCst);
            panic!("it cannot bear this");
        }
    }
}

fn unasked() -> ! {
    panic!("no test here asks that")
}

impl ChainPort for Scripted {
    fn hear(&self, votes: &[Vec<u8>], _: Time) -> Result<Vec<Heard>, PortError> {
        votes.iter().for_each(|vote| self.bear(vote));
        Ok(vec![Heard::Garbage; votes.len()])
    }

    fn take(&self, signed: &SignedTransaction, _: Time) -> Result<Taken, PortError> {
        let Transaction { sender, nonce, memo, .. } = &signed.transaction;
        self.bear(memo);
        *self.asked.lock().unwrap().entry((*sender, *nonce)).or_default() += 1;
        let mut nonces = self.nonces.lock().unwrap();
        let next = nonces.entry(*sender).or_default();
        Ok(match nonce.cmp(next) {
            Ordering::Less => Taken::Known,
            Ordering::Equal => {
                *next += 1;
                Taken::New
            }
            Ordering::Greater => Taken::Early,
        })
    }

    fn chain(&self) -> ChainId {
        unasked()
    }

    fn genesis(&self) -> BlockId {
        unasked()
    }

    fn admitted(&self) -> Option<Vec<PeerId>> {
        unasked()
    }

    fn claims(&self) -> Arc<dyn Claims> {
        unasked()
    }

    fn tip(&self) -> Result<Tip, PortError> {
        unasked()
    }

    fn locator(&self, _: usize) -> Result<(Tip, Vec<BlockId>), PortError> {
        unasked()
    }

    fn headers_after(&self, _: &[BlockId], _: usize) -> Result<Option<Vec<SealedHeader>>, PortError> {
        unasked()
    }

    fn headers_to(&self, _: Height, _: &BlockId, _: usize) -> Result<Option<AnchoredHeaders>, PortError> {
        unasked()
    }

    fn blocks(&self, _: &[BlockId], _: usize) -> Result<Vec<Vec<u8>>, PortError> {
        unasked()
    }

    fn insert(&self, _: &Block, _: Time) -> Inserted {
        unasked()
    }

    fn check_ahead(&self, _: Vec<Block>, _: Certainty) -> Row {
        unasked()
    }

    fn insert_all(&self, _: &Row, _: Time) -> Vec<Inserted> {
        unasked()
    }

    fn waiting(&self, _: usize) -> Vec<SignedTransaction> {
        unasked()
    }

    fn announcements(&self) -> broadcast::Receiver<Announcement> {
        unasked()
    }

    fn hold(&self, _: bool) {
        unasked()
    }
}

impl SnapshotPort for Scripted {
    fn check_final(&self, proof: &[u8], _: Time) -> Result<Shown, PortError> {
        self.bear(proof);
        Ok(Shown::Nothing)
    }

    fn take_leaves(&self, _: u64, _: u32, proof: &[u8]) -> Result<Taking<()>, PortError> {
        self.bear(proof);
        Ok(Taking::Taken(()))
    }

    fn prove_final(&self, _: &BlockId, _: bool) -> Result<Option<Vec<u8>>, PortError> {
        unasked()
    }

    fn trusted(&self) -> Result<(BlockId, bool), PortError> {
        unasked()
    }

    fn snapshot_base(&self, _: &BlockId) -> Result<Option<Vec<u8>>, PortError> {
        unasked()
    }

    fn snapshot_leaves(
        &self,
        _: &BlockId,
        _: u64,
        _: u32,
        _: usize,
    ) -> Result<Option<(u32, Vec<u8>)>, PortError> {
        unasked()
    }

    fn wants_snapshot(&self) -> bool {
        unasked()
    }

    fn begun(&self) -> Result<Option<Begun>, PortError> {
        unasked()
    }

    fn begin(&self, _: &BlockId, _: &[u8]) -> Result<Taking<u64>, PortError> {
        unasked()
    }

    fn install(&self) -> Result<Tip, PortError> {
        unasked()
    }

    fn forget(&self, _: bool) -> Result<(), PortError> {
        unasked()
    }
}

/// The chain, its worker, and what comes out of it.
struct Scene {
    chain: Arc<Scripted>,
    worker: Worker,
    done: mpsc::Receiver<(usize, Done)>,
    peer: PeerId,
}

impl Scene {
    fn start() -> Self {
        let chain = Arc::new(Scripted::default());
        let (sender, done) = mpsc::channel(64);
        let worker = Worker::start(0, Arc::clone(&chain) as Arc<dyn ChainPort>, sender);
        Self { chain, worker, done, peer: PeerId::random() }
    }

    /// The message is known by its data.
    fn tell(&self, topic: Topic, data: Vec<u8>) {
        let id = MessageId::new(&data);
        assert!(self.worker.told(topic, Told { peer: self.peer, id, data }));
    }

    async fn outcome(&mut self) -> Done {
        tokio::time::timeout(PATIENCE, self.done.recv()).await.unwrap().unwrap().1
    }

    async fn opinion(&mut self) -> (Vec<u8>, Opinion) {
        let Done::Message { id, opinion, .. } = self.outcome().await else { panic!("not of a message") };
        (id.0, opinion)
    }

    async fn stop(self) {
        drop(self.done);
        self.worker.stop().await;
    }
}

fn sender(number: u8) -> PublicKey {
    PublicKey::Ed25519([number; 32])
}

fn transaction(from: u8, nonce: u64, memo: &[u8]) -> Vec<u8> {
    let transaction = Transaction {
        sender: sender(from),
        nonce,
        fee: Amount(0),
        valid_until: Height(0),
        calls: Vec::new(),
        memo: memo.to_vec(),
    };
    encode(&SignedTransaction { transaction, signature: Signature([0; 64]) })
}

#[tokio::test]
async fn what_came_early_is_looked_at_again_when_its_turn_has_come_and_never_before() {
    let mut scene = Scene::start();
    for nonce in (1..=30).rev() {
        scene.tell(Topic::Transactions, transaction(1, nonce, b""));
    }
    for other in 2..22 {
        scene.tell(Topic::Transactions, transaction(other, 0, b""));
    }
    scene.tell(Topic::Transactions, transaction(1, 0, b""));
    for other in 2..22 {
        assert_eq!(scene.opinion().await, (transaction(other, 0, b""), Opinion::Good));
    }
    for nonce in 0..=30 {
        assert_eq!(scene.opinion().await, (transaction(1, nonce, b""), Opinion::Good));
    }
    let asked = scene.chain.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 51);
    for ((from, nonce), times) in asked {
        let waited = from == sender(1) && nonce > 0;
        assert_eq!(times, if waited { 2 } else { 1 }, "transaction {nonce} of {from:?}");
    }
    scene.stop().await;
}

#[tokio::test]
async fn one_sender_does_not_take_the_room_for_what_comes_early() {
    let mut scene = Scene::start();
    for nonce in 1..=64 {
        scene.tell(Topic::Transactions, transaction(1, nonce, b""));
    }
    scene.tell(Topic::Transactions, transaction(1, 65, b""));
    assert_eq!(scene.opinion().await, (transaction(1, 65, b""), Opinion::Ignore));
    for nonce in [1, 0] {
        scene.tell(Topic::Transactions, transaction(2, nonce, b""));
    }
    for nonce in 0..=1 {
        assert_eq!(scene.opinion().await, (transaction(2, nonce, b""), Opinion::Good));
    }
    scene.stop().await;
}

#[tokio::test]
async fn a_panic_ends_what_was_being_done_and_no_queue() {
    let mut scene = Scene::start();
    // Whoever relayed it is not to blame.
    scene.tell(Topic::Votes, BREAK.to_vec());
    assert_eq!(scene.opinion().await, (BREAK.to_vec(), Opinion::Ignore));
    scene.tell(Topic::Votes, b"vote".to_vec());
    assert_eq!(scene.opinion().await, (b"vote".to_vec(), Opinion::Garbage));

    scene.tell(Topic::Transactions, transaction(1, 0, BREAK));
    until("the second panic", || scene.chain.broke.load(SeqCst) == 2).await;
    scene.tell(Topic::Transactions, transaction(1, 0, b""));
    assert_eq!(scene.opinion().await, (transaction(1, 0, b""), Opinion::Good));

    let peer = scene.peer;
    let proofs = [BREAK.to_vec(), Vec::new()];
    for (proof, expected) in proofs.clone().into_iter().zip([None, Some(Taking::Taken(()))]) {
        assert!(scene.worker.snapshot(SnapshotWork::Take { peer, first: 7, count: 1, proof }));
        let Done::Taken { first: 7, count: 1, taken, .. } = scene.outcome().await else {
            panic!("not taken")
        };
        assert_eq!(taken, expected);
    }
    for proof in proofs {
        let whole = proof.is_empty();
        assert!(scene.worker.snapshot(SnapshotWork::Check { peer, proof, whose: Machine::Snapshot }));
        let Done::Shown { shown, .. } = scene.outcome().await else { panic!("not shown") };
        assert!(if whole { shown == Shown::Nothing } else { matches!(shown, Shown::Unsure(_)) }, "{shown:?}");
    }
    scene.stop().await;
}
