//! What the page shows, made anew of what is proven whenever something happened.

use light_client::{
    client::{Client, Fork, Health, LoadedHistory, PaymentState, Proven, Sync, TrackedPayment},
    data_format::{Address, Amount, Call, ChainSpec, CoinCall, Time, Transaction, TransactionId},
    state::{Asset, HistoryKind, HistoryRecord},
    wallet::is_printable,
};
use web_protocol::{
    AccountView, ChainView, Fact, HistoryRow, MovementKind, PaymentStep, PaymentView, ProofView,
    ServerHealth, ServerView, SyncView, View,
};

use crate::{chain::Chain, session::Session};

/// What the newest final block may be old beyond what the engine needs, before it counts as stale: as in [`Client::sync`].
const FRESH_EXTRA_MS: u64 = 5_000;

impl Session {
    /// Everything the page shows.
    pub(crate) fn view(&self, now: Time) -> View {
        let client = self.chain().client();
        let fresh = self.chain().is_fresh(now);
        let accounts = self
            .wallet()
            .accounts()
            .map(|(address, stored)| account(self.chain(), address, stored.name.clone(), fresh, now));
        let mut payments: Vec<PaymentView> = Vec::new();
        for (id, payment) in client.payments() {
            let Some(view) = payment_view(client, *id, payment, fresh, now) else { continue };
            let newer = payments.partition_point(|other| other.signed_at > view.signed_at);
            payments.insert(newer, view);
        }
        View {
            chain: chain(self.chain()),
            wallet: self.wallet().view(),
            sync: sync_view(self.chain(), now),
            servers: servers(client),
            accounts: accounts.collect(),
            payments,
            storage_persistent: self.persistent(),
            notices: self.notices().to_vec(),
        }
    }
}

fn chain(chain: &Chain) -> ChainView {
    let ChainSpec { name, network, engine, fees, .. } = chain.spec();
    ChainView {
        name: name.clone(),
        network: *network,
        slot_ms: engine.block_ms(),
        slots_per_round: short(engine.slot_count()),
        test_coins: chain.test_coins(),
        fresh_ms: fresh_ms(chain.client()),
        transfer_fee: fees.transfer,
        id: chain.id().to_string(),
    }
}

/// As in [`Client::sync`].
fn fresh_ms(client: &Client) -> u64 {
    client.verifier().engine().final_age_ms().saturating_add(FRESH_EXTRA_MS)
}

fn sync_view(chain: &Chain, now: Time) -> SyncView {
    let client = chain.client();
    let height = client.trusted().height;
    match client.sync(now) {
        Sync::Verified | Sync::Agreed | Sync::Stale { .. } | Sync::Connecting
            if chain.clock_is_behind(now) =>
        {
            SyncView::ClockBehind { time: client.trusted_time() }
        }
        Sync::Connecting => SyncView::Connecting,
        Sync::Verified => {
            let (signatures, of) = client.signatures().unwrap_or_default();
            SyncView::Verified { height, time: client.trusted_time(), signatures, of }
        }
        Sync::Stale { since } => SyncView::Stale { since, height },
        Sync::OtherChain { server } => {
            let found = match client.servers().get(server).map(|server| server.health()) {
                Some(Health::OtherChain { found, .. }) => found.clone(),
                _ => String::new(),
            };
            SyncView::OtherChain { found }
        }
        Sync::Lying { server } => SyncView::Lying { server: short(server) },
        Sync::TrustExpired => SyncView::TrustExpired { since: client.trusted_time() },
        Sync::Agreed => {
            let operators = client.agreed().map(|agreed| agreed.operators.clone()).unwrap_or_default();
            SyncView::Agreed { height, time: client.trusted_time(), operators }
        }
        Sync::Forked => {
            let servers = |fork: &Fork| [&fork.one, &fork.other].map(|branch| branch.server.clone());
            SyncView::Forked { servers: client.fork().map(servers).unwrap_or_default() }
        }
    }
}

fn servers(client: &Client) -> Vec<ServerView> {
    let view = |server: &light_client::client::Server| ServerView {
        url: server.url().to_owned(),
        health: match server.health() {
            Health::Unknown => ServerHealth::Unknown,
            Health::Good => ServerHealth::Good,
            Health::Unreachable { .. } => ServerHealth::Unreachable,
            Health::OtherChain { .. } => ServerHealth::OtherChain,
            Health::Lying { .. } => ServerHealth::Lying,
        },
        height: server.height(),
        lie: server.last_lie().map(str::to_owned),
    };
    client.servers().iter().map(view).collect()
}

fn account(chain: &Chain, address: Address, name: String, fresh: bool, now: Time) -> AccountView {
    let client = chain.client();
    let known = client.account(&address);
    let Some((known, proven)) = known.and_then(|known| Some((known, known.proven()?))) else {
        return AccountView {
            address,
            name,
            balance: Fact::Unknown,
            history: Vec::new(),
            history_count: 0,
            proof: None,
        };
    };
    let Proven { record, height, slot, at, bytes, steps, server, .. } = proven;
    let time = client.verifier().time_of(*slot);
    AccountView {
        address,
        name,
        balance: Fact::Proven {
            value: record.as_ref().map_or(Amount::ZERO, |record| record.balance),
            height: *height,
            time,
            proven_at: *at,
            // The newest final block may be newer than the one this was proven at.
            stale: !fresh || now.ms_since(time) > fresh_ms(client),
        },
        history: history(client, known.history()),
        history_count: record.as_ref().map_or(0, |record| record.history_count),
        proof: Some(ProofView {
            bytes: *bytes,
            steps: *steps,
            micros: chain.micros(&address),
            server: *server,
        }),
    }
}

fn history(client: &Client, history: &LoadedHistory) -> Vec<HistoryRow> {
    let coins = history.records().iter().rev().filter(|record| record.asset == Asset::Coin);
    coins.filter_map(|record| history_row(client, record, history.transaction(&record.transaction))).collect()
}

/// `None` for what moves no coins: leases.
fn history_row(
    client: &Client,
    record: &HistoryRecord,
    transaction: Option<&Transaction>,
) -> Option<HistoryRow> {
    let network = client.spec().network;
    let (kind, counterparty) = match record.kind {
        HistoryKind::Genesis => (MovementKind::Genesis, None),
        HistoryKind::Fee => (MovementKind::Fee, None),
        HistoryKind::Interest => (MovementKind::Interest, None),
        HistoryKind::Commission => (MovementKind::Commission, None),
        HistoryKind::Minted => (MovementKind::Minted, None),
        HistoryKind::ContendFee => (MovementKind::ContendFee, None),
        HistoryKind::Leased | HistoryKind::LeaseCancelled => return None,
        HistoryKind::Sent => {
            (MovementKind::Sent, transaction.and_then(|transaction| paid_to(transaction, record.delta)))
        }
        HistoryKind::Received => {
            (MovementKind::Received, transaction.map(|transaction| Address::of(&transaction.sender, network)))
        }
    };
    Some(HistoryRow {
        index: record.index,
        height: record.height,
        time: client.verifier().time_of(record.slot),
        transaction: record.transaction,
        kind,
        delta: record.delta,
        counterparty,
        memo: transaction.map(|transaction| memo(&transaction.memo)).unwrap_or_default(),
    })
}

/// Whom a transaction paid so much; `None` if it paid several people the same.
fn paid_to(transaction: &Transaction, delta: i64) -> Option<Address> {
    let transfers = transaction.calls.iter().filter_map(Call::transfer);
    let paid = transfers.filter(|(_, amount)| amount.units() == delta.unsigned_abs());
    let mut paid: Vec<Address> = paid.map(|(to, _)| to).collect();
    paid.dedup();
    if let [to] = paid[..] { Some(to) } else { None }
}

/// Text that cannot pretend to be something else: what does not print, or reorders text, becomes a question mark in a box.
fn memo(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().map(|c| if is_printable(c) { c } else { '\u{fffd}' }).collect()
}

/// `None` for a transaction that is no payment; this wallet makes none.
fn payment_view(
    client: &Client,
    id: TransactionId,
    payment: &TrackedPayment,
    fresh: bool,
    now: Time,
) -> Option<PaymentView> {
    let transaction = &payment.signed.transaction;
    let [Call::Coin(CoinCall::Transfer { to, amount })] = transaction.calls[..] else { return None };
    let in_block = match payment.state {
        PaymentState::InBlock { height, .. } | PaymentState::Final { height, .. } => Some(height),
        _ => None,
    };
    Some(PaymentView {
        id,
        from: Address::of(&transaction.sender, client.spec().network),
        to,
        amount,
        fee: transaction.fee,
        memo: memo(&transaction.memo),
        signed_at: payment.since,
        submitted_at: payment.taken_at,
        in_block,
        step: step(client, payment, fresh, now),
    })
}

fn step(client: &Client, payment: &TrackedPayment, fresh: bool, now: Time) -> PaymentStep {
    let heard =
        client.servers().iter().any(|server| matches!(server.health(), Health::Good | Health::Unknown));
    match &payment.state {
        PaymentState::Final { height, slot, succeeded } => PaymentStep::Final {
            height: *height,
            at: client.verifier().time_of(*slot),
            succeeded: *succeeded,
        },
        PaymentState::Expired => PaymentStep::Expired,
        PaymentState::Replaced => PaymentStep::Replaced,
        _ if !fresh && !heard => PaymentStep::Unknown { since: client.proven_at().unwrap_or(payment.since) },
        PaymentState::Signed => PaymentStep::Signed,
        PaymentState::Submitted => {
            // The light client notes that a server took it, not how many.
            let servers = payment.taken_at.is_some().into();
            PaymentStep::Submitted { at: payment.taken_at.unwrap_or(payment.since), servers }
        }
        PaymentState::InBlock { height, slot, at } => PaymentStep::InBlock {
            height: *height,
            at: *at,
            // In steps of a second, so that the view changes no more often.
            final_in: u32::try_from(client.final_in_ms(*slot, now).div_ceil(1_000)).unwrap_or(u32::MAX),
        },
        PaymentState::Refused { code, words } => {
            PaymentStep::Refused { code: code.clone(), words: words.clone() }
        }
    }
}

fn short(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
