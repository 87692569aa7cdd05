//! One chain's share of the work: threads that may block, behind queues of fixed length.
//!
//! Each kind of work of each chain has its own queue and does one thing at a time. So a chain that is flooded fills
//! its own queues and no others, votes never wait behind transactions, and reading for others never waits behind
//! blocks. What finds its queue full is dropped by whoever sends it, and is not waited for.
//!
//! A panic is an error in the log, and the end of what was being done. The queue goes on with what comes next: no message may
//! silence a chain for the rest of the time.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use libp2p::{PeerId, gossipsub::MessageId, request_response::ResponseChannel};
use light_client::data_format::{BlockId, Header, SignedTransaction, Time, codec};
use tokio::{
    sync::mpsc::{
        self, Receiver, Sender,
        error::{SendError, TrySendError},
    },
    task::JoinHandle,
};

use super::{
    codec::Reply,
    decisions::{Opinion, of_transaction, of_vote},
    early::{Early, Waiting},
    messages::{Response, Tip},
    port::{Ballot, Block, Certainty, ChainPort, Heard, Inserted, PortError, Row},
    protocol::Topic,
    reading::{ReadWork, read},
    snapshot::{Shown, Taking},
    sync::RecentVotes,
};

/// Blocks by gossip that wait; each may have 4 MiB.
const TOLD_BLOCKS: usize = 16;
/// Fetched blocks that wait: more than are at the chain's door at any time, as whoever fetches them sees to.
const FETCHED: usize = 2_048;
/// Fetched blocks that the chain takes together.
const ROW: usize = 512;
/// The first of them. Each row may be twice as long as the one before it: so there soon is one to insert while another is checked.
const FIRST_ROW: usize = 32;
const VOTES: usize = 1_024;
const TRANSACTIONS: usize = 4_096;
const READS: usize = 64;
/// What waits for a snapshot; bounded by whoever asks for its parts.
const SNAPSHOTS: usize = 128;
/// Messages that one thread takes at a time.
const AT_ONCE: usize = 64;

/// A message of gossip.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) peer: PeerId,
    pub(super) id: MessageId,
    pub(super) data: Vec<u8>,
}

type Fetched = (Box<Block>, Certainty);

/// Which machine wants to know what a proof shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Machine {
    Sync,
    Snapshot,
}

/// What there is to do for a snapshot, in the order in which it was asked for.
pub(super) enum SnapshotWork {
    Check { peer: PeerId, proof: Vec<u8>, whose: Machine },
    Begin { peer: PeerId, block: BlockId, base: Vec<u8> },
    Take { peer: PeerId, first: u64, count: u32, proof: Vec<u8> },
    Install,
    Forget { for_good: bool },
}

/// Work that is done.
pub(super) enum Done {
    /// A block that came by gossip.
    Block {
        peer: PeerId,
        message: MessageId,
        header: Box<Header>,
        inserted: Inserted,
    },
    /// Blocks that were fetched, in their order.
    Row(Vec<(Header, Inserted)>),
    Message {
        topic: Topic,
        peer: PeerId,
        id: MessageId,
        opinion: Opinion,
    },
    Located(Tip, Vec<BlockId>),
    Served {
        peer: PeerId,
        channel: ResponseChannel<Reply<Response>>,
        /// Encoded.
        response: Vec<u8>,
    },
    Waiting(Vec<SignedTransaction>, Vec<Vec<u8>>),
    Shown {
        peer: PeerId,
        shown: Shown,
        whose: Machine,
    },
    /// `None`, here and below: the chain could not.
    Begun {
        peer: PeerId,
        begun: Option<Taking<u64>>,
    },
    Taken {
        peer: PeerId,
        first: u64,
        count: u32,
        taken: Option<Taking<()>>,
    },
    Installed(Option<Tip>),
}

/// Where what is done goes, with the number of the chain.
#[derive(Clone)]
pub(super) struct Outcomes {
    chain: usize,
    done: Sender<(usize, Done)>,
}

/// The queues of one chain.
pub(super) struct Worker {
    told_blocks: Sender<Told>,
    fetched: Sender<Fetched>,
    votes: Sender<Told>,
    own_votes: Sender<Vec<Ballot>>,
    transactions: Sender<Told>,
    reads: Sender<ReadWork>,
    snapshots: Sender<SnapshotWork>,
    tasks: Vec<JoinHandle<()>>,
}

impl Outcomes {
    /// From a thread that may block. The host reads until it ends; then nobody needs to know.
    fn tell(&self, what: Done) {
        drop(self.done.blocking_send((self.chain, what)));
    }

    pub(super) async fn send(&self, what: Done) -> Result<(), SendError<(usize, Done)>> {
        self.done.send((self.chain, what)).await
    }
}

impl Worker {
    /// Starts the threads of a chain; what they did comes out of `done`. They end with the queues.
    pub(super) fn start(chain: usize, port: Arc<dyn ChainPort>, done: Sender<(usize, Done)>) -> Self {
        let done = Outcomes { chain, done };
        let (told_blocks, told) = mpsc::channel(TOLD_BLOCKS);
        let (fetched, fetched_work) = mpsc::channel(FETCHED);
        // One is checked while another is inserted.
        let (row, rows) = mpsc::channel(1);
        let (votes, votes_work) = mpsc::channel(VOTES);
        let (own_votes, own_votes_work) = mpsc::channel(VOTES);
        let (transactions, transactions_work) = mpsc::channel(TRANSACTIONS);
        let (reads, reads_work) = mpsc::channel(READS);
        let (snapshots, snapshots_work) = mpsc::channel(SNAPSHOTS);
        let (moved, moves) = mpsc::channel(1);
        let (asked, asks) = mpsc::channel(4);
        let on_fetched = tokio::spawn(work_on_fetched(Arc::clone(&port), fetched_work, row));
        let on_blocks =
            tokio::spawn(work_on_blocks(Arc::clone(&port), BlockWork { told, rows, moved }, done.clone()));
        let on_votes = tokio::spawn(work_on_votes(
            Arc::clone(&port),
            VoteWork { told: votes_work, own: own_votes_work, moves, asks },
            done.clone(),
        ));
        let on_transactions =
            tokio::spawn(work_on_transactions(Arc::clone(&port), transactions_work, done.clone()));
        let on_snapshots = tokio::spawn(work_on_snapshots(Arc::clone(&port), snapshots_work, done.clone()));
        let on_reads = tokio::spawn(read(port, reads_work, asked, done));
        let tasks = vec![on_fetched, on_blocks, on_votes, on_transactions, on_snapshots, on_reads];
        Self { told_blocks, fetched, votes, own_votes, transactions, reads, snapshots, tasks }
    }

    /// Closes the queues and waits for what is being done. Nobody may be waiting for outcomes any more.
    pub(super) async fn stop(self) {
        let Self { told_blocks, fetched, votes, own_votes, transactions, reads, snapshots, tasks } = self;
        drop((told_blocks, fetched, votes, own_votes, transactions, reads, snapshots));
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a part of the network did not end well");
            }
        }
    }

    /// A message came. `false`: too many wait already.
    pub(super) fn told(&self, topic: Topic, told: Told) -> bool {
        match topic {
            Topic::Blocks => sent(&self.told_blocks.try_send(told)),
            Topic::Votes => sent(&self.votes.try_send(told)),
            Topic::Transactions => sent(&self.transactions.try_send(told)),
        }
    }

    /// A block was fetched. `false`: too many wait already.
    pub(super) fn fetched(&self, block: Box<Block>, certainty: Certainty) -> bool {
        sent(&self.fetched.try_send((block, certainty)))
    }

    /// This node voted.
    pub(super) fn voted(&self, votes: Vec<Ballot>) -> bool {
        sent(&self.own_votes.try_send(votes))
    }

    /// Something is to be done for a snapshot. `false`: too much waits already.
    pub(super) fn snapshot(&self, work: SnapshotWork) -> bool {
        sent(&self.snapshots.try_send(work))
    }

    /// Something is to be read. `false`: too much waits already.
    pub(super) fn read(&self, work: ReadWork) -> bool {
        sent(&self.reads.try_send(work))
    }
}

fn sent<T>(sent: &Result<(), TrySendError<T>>) -> bool {
    sent.is_ok()
}

/// What the chain says, asked on a thread that may block. A panic is one way of not answering.
async fn ask<T: Send + 'static>(
    port: &Arc<dyn ChainPort>,
    what: impl FnOnce(&dyn ChainPort) -> Result<T, PortError> + Send + 'static,
) -> Result<T, PortError> {
    let port = Arc::clone(port);
    let answer = tokio::task::spawn_blocking(move || what(&*port)).await;
    answer.unwrap_or_else(|error| {
        tracing::error!(%error, "work of the network on a chain broke off");
        Err(PortError(error.to_string()))
    })
}

/// Checks fetched blocks ahead of their turn: those of the next row while the one before it is inserted.
async fn work_on_fetched(port: Arc<dyn ChainPort>, mut work: Receiver<Fetched>, rows: Sender<Row>) {
    let (mut waiting, mut most) = (None, FIRST_ROW);
    while let Some((first, certainty)) = next(&mut waiting, &mut work).await {
        // Whatever comes until there is a turn to be had comes along.
        let Ok(turn) = rows.reserve().await else { return };
        if let Certainty::Final(last) = certainty {
            // The last of them get shorter: while one is inserted that has none behind it, the other cores are idle.
            let left = last.0.saturating_sub(first.header.header.height.0);
            most = usize::try_from(left / 2).unwrap_or(ROW).clamp(FIRST_ROW, most);
        }
        let mut blocks = vec![*first];
        while blocks.len() < most && waiting.is_none() {
            match work.try_recv() {
                Ok((block, same)) if same == certainty => blocks.push(*block),
                Ok(other) => waiting = Some(other),
                Err(_) => break,
            }
        }
        most = (2 * blocks.len()).clamp(FIRST_ROW, ROW);
        let port = Arc::clone(&port);
        match tokio::task::spawn_blocking(move || port.check_ahead(blocks, certainty)).await {
            Ok(row) => turn.send(row),
            // They are asked for again when nothing moved for a while.
            Err(error) => tracing::error!(%error, "fetched blocks are not checked"),
        }
    }
}

async fn next<T>(waiting: &mut Option<T>, work: &mut Receiver<T>) -> Option<T> {
    match waiting.take() {
        Some(next) => Some(next),
        None => work.recv().await,
    }
}

struct BlockWork {
    told: Receiver<Told>,
    rows: Receiver<Row>,
    /// The chain moved.
    moved: Sender<()>,
}

async fn work_on_blocks(port: Arc<dyn ChainPort>, mut work: BlockWork, done: Outcomes) {
    loop {
        let port = Arc::clone(&port);
        let inserted = tokio::select! {
            Some(row) = work.rows.recv() => tokio::task::spawn_blocking(move || insert_row(&*port, row)),
            Some(told) = work.told.recv() => tokio::task::spawn_blocking(move || insert_told(&*port, told)),
            else => return,
        };
        let inserted = inserted.await;
        // One note is enough, so a full queue is fine.
        let _: Result<(), TrySendError<()>> = work.moved.try_send(());
        match inserted {
            Ok(inserted) => {
                if done.send(inserted).await.is_err() {
                    return;
                }
            }
            Err(error) => tracing::error!(%error, "blocks are not taken"),
        }
    }
}

fn insert_row(port: &dyn ChainPort, row: Row) -> Done {
    let inserted = port.insert_all(&row, system_time());
    let headers = row.blocks.into_iter().map(|block| block.header.header);
    Done::Row(headers.zip(inserted).collect())
}

fn insert_told(port: &dyn ChainPort, Told { peer, id, data }: Told) -> Done {
    match codec::decode::<Block>(&data, Topic::Blocks.max_bytes()) {
        Ok(block) => {
            let inserted = port.insert(&block, system_time());
            Done::Block { peer, message: id, header: Box::new(block.header.header), inserted }
        }
        Err(error) => {
            tracing::debug!(%peer, %error, "a block that cannot be decoded");
            Done::Message { topic: Topic::Blocks, peer, id, opinion: Opinion::Garbage }
        }
    }
}

struct VoteWork {
    told: Receiver<Told>,
    own: Receiver<Vec<Ballot>>,
    /// The chain moved: votes that did not fit may fit now.
    moves: Receiver<()>,
    asks: Receiver<Sender<Vec<Vec<u8>>>>,
}

async fn work_on_votes(port: Arc<dyn ChainPort>, mut work: VoteWork, done: Outcomes) {
    let mut recent = RecentVotes::default();
    let mut batch = Vec::with_capacity(AT_ONCE);
    loop {
        tokio::select! {
            count = work.told.recv_many(&mut batch, AT_ONCE) => {
                if count == 0 {
                    return;
                }
                let told = std::mem::take(&mut batch).into_iter();
                let (senders, votes): (Vec<_>, Vec<_>) =
                    told.map(|Told { peer, id, data }| ((peer, id), data)).unzip();
                let votes = Arc::new(votes);
                let heard = hear(&port, Arc::clone(&votes)).await;
                let votes = Arc::unwrap_or_clone(votes);
                for (((peer, id), vote), heard) in senders.into_iter().zip(votes).zip(heard) {
                    let opinion = of_vote(heard, vote, &mut recent);
                    let message = Done::Message { topic: Topic::Votes, peer, id, opinion };
                    if done.send(message).await.is_err() {
                        return;
                    }
                }
            }
            Some(votes) = work.own.recv() => {
                for vote in votes {
                    recent.add(vote);
                }
            }
            Some(()) = work.moves.recv() => drop(hear(&port, Arc::new(recent.all())).await),
            Some(ask) = work.asks.recv() => drop(ask.send(recent.all()).await),
        }
    }
}

/// What these votes are, heard together.
async fn hear(port: &Arc<dyn ChainPort>, votes: Arc<Vec<Vec<u8>>>) -> Vec<Heard> {
    let count = votes.len();
    ask(port, move |port| port.hear(&votes, system_time())).await.unwrap_or_else(|error| {
        tracing::warn!(%error, count, "votes are not counted");
        vec![Heard::Untimely; count]
    })
}

async fn work_on_transactions(port: Arc<dyn ChainPort>, mut work: Receiver<Told>, done: Outcomes) {
    let mut early = Early::default();
    let mut batch = Vec::with_capacity(AT_ONCE);
    while work.recv_many(&mut batch, AT_ONCE).await > 0 {
        let (told, mut waiting, done) =
            (std::mem::take(&mut batch), std::mem::take(&mut early), done.clone());
        let taken = ask(&port, move |port| {
            take(port, told, &mut waiting, &done);
            Ok(waiting)
        });
        early = taken.await.unwrap_or_default();
    }
}

/// Takes transactions in their order; what waits for one of them, right after it.
fn take(port: &dyn ChainPort, told: Vec<Told>, early: &mut Early, done: &Outcomes) {
    let tell = |peer, id, opinion| done.tell(Done::Message { topic: Topic::Transactions, peer, id, opinion });
    for expired in early.expired(system_time()) {
        tell(expired.peer, expired.id, Opinion::Ignore);
    }
    for Told { peer, id, data } in told {
        let Ok(signed) = codec::decode::<SignedTransaction>(&data, Topic::Transactions.max_bytes()) else {
            tell(peer, id, Opinion::Garbage);
            continue;
        };
        let mut next = VecDeque::from([Waiting { since: system_time(), peer, id, signed }]);
        while let Some(waiting) = next.pop_front() {
            match of_transaction(port.take(&waiting.signed, system_time())) {
                Some(opinion) => {
                    if opinion == Opinion::Good {
                        next.extend(early.after(&waiting.signed.transaction));
                    }
                    tell(waiting.peer, waiting.id, opinion);
                }
                None => {
                    if let Some(gone) = early.add(waiting) {
                        tell(gone.peer, gone.id, Opinion::Ignore);
                    }
                }
            }
        }
    }
}

async fn work_on_snapshots(port: Arc<dyn ChainPort>, mut work: Receiver<SnapshotWork>, done: Outcomes) {
    let failed = |error: PortError| tracing::error!(%error, "a snapshot cannot go on");
    while let Some(next) = work.recv().await {
        let outcome = match next {
            SnapshotWork::Check { peer, proof, whose } => {
                let shown = ask(&port, move |port| port.check_final(&proof, system_time())).await;
                let shown = shown.unwrap_or_else(|error| Shown::Unsure(error.to_string()));
                Done::Shown { peer, shown, whose }
            }
            SnapshotWork::Begin { peer, block, base } => {
                let begun = ask(&port, move |port| port.begin(&block, &base)).await;
                Done::Begun { peer, begun: begun.map_err(failed).ok() }
            }
            SnapshotWork::Take { peer, first, count, proof } => {
                let taken = ask(&port, move |port| port.take_leaves(first, count, &proof)).await;
                Done::Taken { peer, first, count, taken: taken.map_err(failed).ok() }
            }
            SnapshotWork::Install => {
                Done::Installed(ask(&port, |port| port.install()).await.map_err(failed).ok())
            }
            SnapshotWork::Forget { for_good } => {
                if let Err(error) = ask(&port, move |port| port.forget(for_good)).await {
                    failed(error);
                }
                continue;
            }
        };
        if done.send(outcome).await.is_err() {
            return;
        }
    }
}

pub(super) fn system_time() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
