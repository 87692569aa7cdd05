use borsh::{BorshDeserialize, BorshSerialize};
use light_client::data_format::{Address, Amount, Height, Network, Time, TransactionId};

/// Everything the page shows.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct View {
    /// Whether there is a wallet and whether it can sign. First, for [`seen`].
    pub wallet: WalletView,
    /// The chain this wallet is for.
    pub chain: ChainView,
    /// How the conversation with the servers goes.
    pub sync: SyncView,
    /// Each server.
    pub servers: Vec<ServerView>,
    /// The accounts; empty without a wallet.
    pub accounts: Vec<AccountView>,
    /// Payments made here that are not dismissed, newest first.
    pub payments: Vec<PaymentView>,
    /// Whether the browser promised to keep our storage; `None` if it would not say.
    pub storage_persistent: Option<bool>,
    /// What a person should be told, oldest first.
    pub notices: Vec<Notice>,
}

/// The number of [`FromWorker::Seen`](crate::FromWorker::Seen).
pub(crate) const SEEN: u8 = 2;

/// The written [`FromWorker::Seen`](crate::FromWorker::Seen) with a view that another tab wrote, saying whether the keys are in memory here: all in which
/// what two tabs show may differ.
pub fn seen(view: &[u8], now_unlocked: bool) -> Vec<u8> {
    let mut message = vec![SEEN];
    message.extend(view);
    // The number of `WalletView::Present`, and its first field.
    if let [_, 1, unlocked, ..] = &mut message[..] {
        *unlocked = now_unlocked.into();
    }
    message
}

/// Something to be said plainly.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Notice {
    /// The chain file names another chain than the last time: what was proven and paid on the former one is put
    /// aside. Keys and accounts stay.
    ChainReplaced {
        /// The former chain's id, in hexadecimal.
        former: String,
    },
    /// What was proven could not be stored: it will be proven again after a reload.
    NotStored(String),
    /// The browser has deleted what was stored, the keys too: they are only in this tab's memory now, encrypted.
    StorageLost,
}

/// The chain, as the chain file says.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ChainView {
    /// Its name.
    pub name: String,
    /// The network of its addresses.
    pub network: Network,
    /// Length of a slot in milliseconds.
    pub slot_ms: u32,
    /// Slots in a round; a payment is final after about two rounds.
    pub slots_per_round: u32,
    /// Whether the server offers test coins.
    pub test_coins: bool,
    /// Milliseconds after which a final block is not the newest there can be: who knows none younger is out of date.
    pub fresh_ms: u64,
    /// Least fee of a transfer.
    pub transfer_fee: Amount,
    /// The chain id, in hexadecimal, for *How do I know?*.
    pub id: String,
}

/// The wallet in this browser.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum WalletView {
    /// None yet: welcome.
    None,
    /// There is one.
    Present {
        /// Whether the keys are in memory.
        unlocked: bool,
        /// Whether the words were checked.
        backed_up: bool,
    },
}

/// A chain fact with its trust.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Fact<T> {
    /// Not known, and never shown as 0.
    Unknown,
    /// Proven under a final block.
    Proven {
        /// The fact.
        value: T,
        /// The block.
        height: Height,
        /// The block's time.
        time: Time,
        /// When it was proven here.
        proven_at: Time,
        /// Nobody has confirmed it for a while: it was true then.
        stale: bool,
    },
}

/// How the conversation with the servers goes.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum SyncView {
    /// Nothing heard yet.
    Connecting,
    /// The newest final block is proven.
    Verified {
        /// Its height.
        height: Height,
        /// Its time.
        time: Time,
        /// Signatures under it.
        signatures: u32,
        /// Holders whose signature counts; 0 for the block that the wallet was given to start from.
        of: u32,
    },
    /// Proven up to here, from a block on which only two operators agree: nothing of it is final.
    Agreed {
        /// Its height.
        height: Height,
        /// Its time.
        time: Time,
        /// The hosts of the two.
        operators: [String; 2],
    },
    /// Two servers prove final blocks that exclude each other: nothing is asked until somebody decides.
    Forked {
        /// Their addresses.
        servers: [String; 2],
    },
    /// Nothing new could be proven since.
    Stale {
        /// When the last proof was made here; `None` if never.
        since: Option<Time>,
        /// The newest proven height.
        height: Height,
    },
    /// The server is honest, but of another or a re-created chain.
    OtherChain {
        /// Its chain id, as claimed.
        found: String,
    },
    /// A server said something that cannot be true; its data is not used.
    Lying {
        /// Which server, by its index.
        server: u32,
    },
    /// The newest checkpoint is older than the chain's trusting period: confirm a newer one.
    TrustExpired {
        /// The checkpoint's time.
        since: Time,
    },
    /// The newest proven block was made later than this device's clock says it is: how old anything is cannot be told, and nothing newer can be
    /// checked.
    ClockBehind {
        /// The block's time.
        time: Time,
    },
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ServerView {
    /// Its address.
    pub url: String,
    /// How it is.
    pub health: ServerHealth,
    /// The newest final height that it proved.
    pub height: Option<Height>,
    /// What it last said that could not be true, in words.
    pub lie: Option<String>,
}

/// How a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum ServerHealth {
    /// Not asked yet.
    Unknown,
    /// It answers, and what it says is proven.
    Good,
    /// It does not answer.
    Unreachable,
    /// It serves another chain.
    OtherChain,
    /// It lied and is not asked any more.
    Lying,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AccountView {
    /// Its address.
    pub address: Address,
    /// Its name here.
    pub name: String,
    /// What it holds.
    pub balance: Fact<Amount>,
    /// Its movements, newest first: proven, and complete down to the last one shown.
    pub history: Vec<HistoryRow>,
    /// All movements that the proven record counts.
    pub history_count: u64,
    /// The figures behind the proof.
    pub proof: Option<ProofView>,
}

/// The figures for *How do I know?*.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ProofView {
    /// Bytes of the last proof.
    pub bytes: u32,
    /// Nodes from the account to the fingerprint of all balances.
    pub steps: u32,
    /// Microseconds that checking took.
    pub micros: u32,
    /// Which server sent it, by its index.
    pub server: u32,
}

/// What moved coins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum MovementKind {
    /// Held since block 0.
    Genesis,
    /// Sent.
    Sent,
    /// Received.
    Received,
    /// A fee.
    Fee,
    /// Paid for stake.
    Interest,
    /// Paid to a supernode for minting.
    Commission,
    /// Paid for making a block.
    Minted,
    /// Burned for a slot that was won.
    ContendFee,
}

/// A movement in an account's history: proven and final.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct HistoryRow {
    /// Its place, from 0.
    pub index: u64,
    /// The block.
    pub height: Height,
    /// The block's time.
    pub time: Time,
    /// The transaction; zeros for none.
    pub transaction: TransactionId,
    /// What it was.
    pub kind: MovementKind,
    /// Units gained or lost.
    pub delta: i64,
    /// The other side, proven by the transaction's id.
    pub counterparty: Option<Address>,
    /// The note, proven by the transaction's id.
    pub memo: String,
}

/// A payment to look over before it is signed; everything in it was decoded from the bytes to sign.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Review {
    /// From which account.
    pub from: Address,
    /// To whom.
    pub to: Address,
    /// How much.
    pub amount: Amount,
    /// The fee.
    pub fee: Amount,
    /// What the account holds after.
    pub keep: Amount,
    /// The note.
    pub memo: String,
    /// The last block that may include it.
    pub valid_until: Height,
    /// About how many seconds that is.
    pub valid_seconds: u32,
    /// Nothing was ever sent from here to this address, as far as the history loaded here goes.
    pub first_payment: bool,
    /// An address paid before whose beginning and end look like this one.
    pub looks_like: Option<Address>,
    /// It goes to the sender's own account.
    pub to_self: bool,
}

/// How far a payment is.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum PaymentStep {
    /// Signed here; no server has taken it yet.
    Signed,
    /// A server says that it took it.
    Submitted {
        /// When.
        at: Time,
        /// How many servers.
        servers: u32,
    },
    /// Proven to be in a block that is not final yet.
    InBlock {
        /// The block.
        height: Height,
        /// When that was proven here.
        at: Time,
        /// About how many seconds until it is final.
        final_in: u32,
    },
    /// Proven to be in a final block.
    Final {
        /// The block.
        height: Height,
        /// The block's time.
        at: Time,
        /// Whether the coins moved; the fee is gone either way.
        succeeded: bool,
    },
    /// Servers refused it: stable code and words. It may still be valid.
    Refused {
        /// Stable code.
        code: String,
        /// What was said.
        words: String,
    },
    /// Proven: it can never happen any more.
    Expired,
    /// Proven: another transaction took its place.
    Replaced,
    /// Nobody can be asked at the moment.
    Unknown {
        /// The last step known.
        since: Time,
    },
}

/// A payment made here.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PaymentView {
    /// Its transaction.
    pub id: TransactionId,
    /// From which account.
    pub from: Address,
    /// To whom.
    pub to: Address,
    /// How much.
    pub amount: Amount,
    /// The fee.
    pub fee: Amount,
    /// The note.
    pub memo: String,
    /// When it was signed.
    pub signed_at: Time,
    /// When a server first took it.
    pub submitted_at: Option<Time>,
    /// The block it is proven to be in.
    pub in_block: Option<Height>,
    /// How far it is.
    pub step: PaymentStep,
}
