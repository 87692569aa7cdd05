//! The browser's database: one object store for each [`Store`], records under text keys, values as bytes.
//!
//! It is opened anew for each transaction. A handle that is kept would go stale when the browser evicts the database, or a person deletes it, and
//! would keep other tabs from deleting or upgrading it.
//!
//! Beside the records lies a *claim*: a number drawn by the tab that leads. A transaction that does not find its own tab's claim changes nothing.

use std::cell::Cell;

use idb::{Database, DatabaseEvent, Factory, ObjectStoreParams, Query, Transaction, TransactionMode};
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};
use web_worker::platform::{Change, Record, SaveError, Store};

const NAME: &str = "vsystems-wallet";
const VERSION: u32 = 1;
/// Where the claim lies.
const CLAIMED: Store = Store::Chain;
const CLAIM: &str = "claim";

/// The database as one tab uses it.
pub(super) struct Storage {
    /// What this tab wrote when it last claimed the storage, once that is complete. Tabs that lead at the same time all claim with 0, and none shuts another out.
    claim: Cell<f64>,
    take_turns: bool,
}

impl Storage {
    /// Tabs take turns, or all lead at the same time.
    pub(super) const fn new(take_turns: bool) -> Self {
        Self { claim: Cell::new(0.0), take_turns }
    }

    /// Reads every record of every store; with `claim`, no other tab's changes count from then on.
    pub(super) async fn load(&self, claim: bool) -> Result<Vec<Record>, String> {
        let claim = if claim { Claim::Take } else { Claim::Leave };
        self.transact(claim, Vec::new()).await.map_err(|error| error.to_string())
    }

    /// Makes all changes, or none. Returns when the browser calls the transaction complete.
    pub(super) async fn save(&self, changes: Vec<Change>, claim: bool) -> Result<(), SaveError> {
        let claim = if claim { Claim::Take } else { Claim::Keep };
        self.transact(claim, changes).await.map(drop)
    }

    /// Does all this in one transaction; gives what is stored then, unless it was only to be changed.
    async fn transact(&self, claim: Claim, changes: Vec<Change>) -> Result<Vec<Record>, SaveError> {
        let database = database().await.map_err(refused)?;
        let done = self.transact_in(&database, claim, changes).await;
        database.close();
        done
    }

    async fn transact_in(
        &self,
        database: &Database,
        claim: Claim,
        changes: Vec<Change>,
    ) -> Result<Vec<Record>, SaveError> {
        let transaction = database
            .transaction(&Store::ALL.map(Store::name), TransactionMode::ReadWrite)
            .map_err(refused)?;
        if claim == Claim::Keep {
            let claimed = transaction.object_store(CLAIMED.name()).map_err(refused)?;
            let found = claimed.get(Query::Key(CLAIM.into())).map_err(refused)?.await.map_err(refused)?;
            match found.as_ref().and_then(JsValue::as_f64) {
                None => return Err(SaveError::Lost),
                Some(found) if found.to_bits() == self.claim.get().to_bits() => {}
                Some(_) => return Err(SaveError::Overtaken),
            }
        }
        let is_read = changes.is_empty();
        change(&transaction, changes).map_err(refused)?;
        let mut own = self.claim.get();
        if claim != Claim::Leave {
            if claim == Claim::Take && self.take_turns {
                own = js_sys::Math::random();
            }
            // Clearing the store may have removed it.
            let claimed = transaction.object_store(CLAIMED.name()).map_err(refused)?;
            claimed.put(&own.into(), Some(&CLAIM.into())).map_err(refused)?;
        }
        let mut records = Vec::new();
        for store in Store::ALL.into_iter().filter(|_| is_read) {
            let objects = transaction.object_store(store.name()).map_err(refused)?;
            let keys = objects.get_all_keys(None, None).map_err(refused)?;
            let values = objects.get_all(None, None).map_err(refused)?;
            let (keys, values) = (keys.await.map_err(refused)?, values.await.map_err(refused)?);
            for (key, value) in keys.into_iter().zip(values) {
                // Only text and bytes are ever written, and the claim.
                if let (Some(key), Some(value)) = (key.as_string(), value.dyn_ref::<Uint8Array>()) {
                    records.push(Record { store, key, value: value.to_vec() });
                }
            }
        }
        match transaction.commit().map_err(refused)?.await {
            Ok(result) if result.is_committed() => {
                if claim == Claim::Take {
                    self.claim.set(own);
                }
                Ok(records)
            }
            Ok(_) => Err(SaveError::Refused("the browser gave the transaction up".to_owned())),
            Err(error) => Err(refused(error)),
        }
    }
}

/// What a transaction does with the claim.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Claim {
    /// Nothing.
    Leave,
    /// Goes on only if it is this tab's.
    Keep,
    /// Makes it this tab's.
    Take,
}

/// In the browser's words: the library's own for all that may happen are as long as this file.
fn refused(error: idb::Error) -> SaveError {
    use idb::Error;
    let cause = match error {
        Error::DomException(cause) => cause.into(),
        Error::IndexedDbNotFound(cause)
        | Error::IndexedDbOpenFailed(cause)
        | Error::TransactionOpenFailed(cause)
        | Error::TransactionCommitError(cause)
        | Error::ObjectStoreNotFound(cause)
        | Error::GetAllFailed(cause)
        | Error::GetAllKeysFailed(cause)
        | Error::GetFailed(cause)
        | Error::UpdateFailed(cause)
        | Error::DeleteFailed(cause)
        | Error::ClearFailed(cause) => cause,
        _ => JsValue::NULL,
    };
    let words = cause.dyn_ref::<js_sys::Error>().map(|cause| String::from(cause.to_string()));
    SaveError::Refused(words.unwrap_or_else(|| "no reason given".to_owned()))
}

fn change(transaction: &Transaction, changes: Vec<Change>) -> Result<(), idb::Error> {
    for change in changes {
        match change {
            Change::Put(Record { store, key, value }) => {
                let value = Uint8Array::from(value.as_slice());
                transaction.object_store(store.name())?.put(&value, Some(&JsValue::from(key)))?;
            }
            Change::Remove(store, key) => {
                transaction.object_store(store.name())?.delete(Query::Key(JsValue::from(key)))?;
            }
            Change::Clear(store) => {
                transaction.object_store(store.name())?.clear()?;
            }
        }
    }
    Ok(())
}

async fn database() -> Result<Database, idb::Error> {
    let mut request = Factory::new()?.open(NAME, Some(VERSION))?;
    request.on_upgrade_needed(|event| {
        // A store that cannot be made is missed, and reported, by the first transaction.
        if let Ok(database) = event.database() {
            for store in Store::ALL {
                drop(database.create_object_store(store.name(), ObjectStoreParams::new()));
            }
        }
    });
    request.await
}
