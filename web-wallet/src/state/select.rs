use light_client::data_format::{Address, Amount, Height, Time, TransactionId};
use web_protocol::{AccountView, Fact, HistoryRow, MovementKind, PaymentStep, SyncView};

use super::Model;

/// What stands beside a balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seal {
    /// Proven and fresh.
    Proven {
        /// The block.
        height: Height,
        /// Its time.
        time: Time,
    },
    /// Proven once; nobody has confirmed it since.
    Stale {
        /// Since when.
        since: Time,
        /// The block.
        height: Height,
    },
    /// Not known.
    Unknown,
}

/// The one message above the list, most important first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// A server lied.
    Lying {
        /// Its address.
        url: String,
    },
    /// The server is of another chain.
    OtherChain,
    /// Final blocks exclude each other.
    Forked {
        /// The addresses of the servers that prove them.
        servers: [String; 2],
    },
    /// Only two operators agree on what is shown.
    Agreed {
        /// Their hosts.
        operators: [String; 2],
    },
    /// The checkpoint is too old to be trusted.
    TrustExpired {
        /// Its time.
        since: Time,
    },
    /// Nobody confirms what is shown.
    Stale {
        /// Since when, if anything was ever proven.
        since: Option<Time>,
    },
    /// The chain was started anew since the last time.
    ChainReplaced,
    /// The words are not checked.
    NotBackedUp,
    /// The browser does not store what was proven; why.
    NotStored(String),
    /// The browser has deleted what was stored.
    StorageLost,
    /// This device's clock is behind the newest proven block.
    ClockBehind {
        /// The block's time.
        time: Time,
    },
}

/// A movement as a person counts: a payment and its fee are one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Movement {
    /// The place of its first record, which names it.
    pub(crate) index: u64,
    /// The block.
    pub(crate) height: Height,
    /// The block's time.
    pub(crate) time: Time,
    /// The transaction; zeros for none.
    pub(crate) transaction: TransactionId,
    /// What it was.
    pub(crate) kind: MovementKind,
    /// Units gained or lost, without the fee that goes with them.
    pub(crate) delta: i64,
    /// The fee that went with it.
    pub(crate) fee: Option<Amount>,
    /// The other side.
    pub(crate) counterparty: Option<Address>,
    /// The note.
    pub(crate) memo: String,
}

/// An account's movements, newest first, each fee with the payment it was for.
pub(crate) fn movements(account: &AccountView) -> Vec<Movement> {
    let mut found: Vec<Movement> = Vec::with_capacity(account.history.len());
    for row in &account.history {
        match found.last_mut() {
            Some(last) if last.fee.is_none() && is_pair(last, row) => {
                if row.kind == MovementKind::Fee {
                    last.fee = Some(Amount(row.delta.unsigned_abs()));
                } else {
                    let fee = Amount(last.delta.unsigned_abs());
                    *last = Movement { fee: Some(fee), index: last.index, ..Movement::of(row) };
                }
            }
            _ => found.push(Movement::of(row)),
        }
    }
    found
}

fn is_pair(one: &Movement, other: &HistoryRow) -> bool {
    let kinds = (one.kind, other.kind);
    one.transaction == other.transaction
        && matches!(kinds, (MovementKind::Sent, MovementKind::Fee) | (MovementKind::Fee, MovementKind::Sent))
}

impl Movement {
    fn of(row: &HistoryRow) -> Self {
        Self {
            index: row.index,
            height: row.height,
            time: row.time,
            transaction: row.transaction,
            kind: row.kind,
            delta: row.delta,
            fee: None,
            counterparty: row.counterparty,
            memo: row.memo.clone(),
        }
    }
}

impl Model {
    /// What stands beside the balance.
    pub(crate) fn seal(&self) -> Seal {
        match self.account().map(|account| &account.balance) {
            Some(Fact::Proven { height, time, proven_at, stale, .. }) => {
                let silent =
                    self.view.as_ref().is_some_and(|view| !matches!(view.sync, SyncView::Verified { .. }));
                if *stale || silent {
                    Seal::Stale { since: *proven_at, height: *height }
                } else {
                    Seal::Proven { height: *height, time: *time }
                }
            }
            Some(Fact::Unknown) | None => Seal::Unknown,
        }
    }

    /// The most important message, if there is one.
    pub(crate) fn slot(&self) -> Option<Slot> {
        let view = self.view.as_ref()?;
        let notices = &view.notices;
        let lie = view.servers.iter().find(|server| server.lie.is_some());
        let named = match view.sync {
            SyncView::Lying { server } => view.servers.get(server as usize).or(lie),
            _ => lie,
        };
        match (&view.sync, named) {
            (SyncView::Forked { servers }, _) => Some(Slot::Forked { servers: servers.clone() }),
            (SyncView::Lying { .. }, None) => Some(Slot::Lying { url: String::new() }),
            (_, Some(server)) => Some(Slot::Lying { url: server.url.clone() }),
            (SyncView::OtherChain { .. }, _) => Some(Slot::OtherChain),
            (SyncView::Agreed { operators, .. }, _) => Some(Slot::Agreed { operators: operators.clone() }),
            (SyncView::TrustExpired { since }, _) => Some(Slot::TrustExpired { since: *since }),
            _ if notices.contains(&web_protocol::Notice::StorageLost) => Some(Slot::StorageLost),
            (SyncView::ClockBehind { time }, _) => Some(Slot::ClockBehind { time: *time }),
            (SyncView::Stale { since, .. }, _) => Some(Slot::Stale { since: *since }),
            (SyncView::Connecting | SyncView::Verified { .. }, _) => self.told(),
        }
    }

    /// What is to be said when the servers are as they should be.
    fn told(&self) -> Option<Slot> {
        let notices = &self.view.as_ref()?.notices;
        let replaced =
            notices.iter().any(|notice| matches!(notice, web_protocol::Notice::ChainReplaced { .. }));
        if replaced {
            return Some(Slot::ChainReplaced);
        }
        if !self.is_backed_up() {
            return Some(Slot::NotBackedUp);
        }
        notices.iter().find_map(|notice| match notice {
            web_protocol::Notice::NotStored(reason) => Some(Slot::NotStored(reason.clone())),
            web_protocol::Notice::ChainReplaced { .. } | web_protocol::Notice::StorageLost => None,
        })
    }

    /// A movement, by its place.
    pub(crate) fn movement(&self, index: u64) -> Option<Movement> {
        movements(self.account()?).into_iter().find(|movement| movement.index == index)
    }

    /// Payments that the history does not show yet: those not final, and those that went wrong.
    pub(crate) fn open_payments(&self) -> impl Iterator<Item = &web_protocol::PaymentView> {
        let view = self.view.as_deref();
        view.into_iter().flat_map(|view| &view.payments).filter(move |payment| {
            let in_history = || {
                view.into_iter()
                    .flat_map(|view| &view.accounts)
                    .flat_map(|account| &account.history)
                    .any(|row| row.transaction == payment.id)
            };
            !matches!(payment.step, PaymentStep::Final { .. }) || !in_history()
        })
    }
}
