//! The browser's database: one object store for each [`Store`], records under text keys, values as bytes.

use std::cell::RefCell;
use std::rc::Rc;

use idb::{Database, DatabaseEvent, Factory, ObjectStoreParams, Query, TransactionMode};
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};
use web_worker::platform::{Change, Record, Store};

const NAME: &str = "vsystems-wallet";
const VERSION: u32 = 1;

/// The database, opened when it is first needed.
#[derive(Default)]
pub(super) struct Storage(RefCell<Option<Rc<Database>>>);

impl Storage {
    /// Reads every record of every store.
    pub(super) async fn load(&self) -> Result<Vec<Record>, String> {
        self.read_all().await.map_err(words)
    }

    /// Makes all changes, or none. Returns when the browser calls the transaction complete.
    pub(super) async fn save(&self, changes: Vec<Change>) -> Result<(), String> {
        match self.write(changes).await {
            Ok(true) => Ok(()),
            Ok(false) => Err("the browser gave the transaction up".to_owned()),
            Err(error) => Err(words(error)),
        }
    }

    async fn read_all(&self) -> Result<Vec<Record>, idb::Error> {
        let transaction =
            self.database().await?.transaction(&Store::ALL.map(Store::name), TransactionMode::ReadOnly)?;
        let mut records = Vec::new();
        for store in Store::ALL {
            let objects = transaction.object_store(store.name())?;
            let keys = objects.get_all_keys(None, None)?;
            let values = objects.get_all(None, None)?;
            let (keys, values) = (keys.await?, values.await?);
            for (key, value) in keys.into_iter().zip(values) {
                // Only text and bytes are ever written.
                if let (Some(key), Some(value)) = (key.as_string(), value.dyn_ref::<Uint8Array>()) {
                    records.push(Record { store, key, value: value.to_vec() });
                }
            }
        }
        Ok(records)
    }

    async fn write(&self, changes: Vec<Change>) -> Result<bool, idb::Error> {
        let transaction =
            self.database().await?.transaction(&Store::ALL.map(Store::name), TransactionMode::ReadWrite)?;
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
        Ok(transaction.commit()?.await?.is_committed())
    }

    async fn database(&self) -> Result<Rc<Database>, idb::Error> {
        if let Some(database) = self.0.borrow().as_ref() {
            return Ok(Rc::clone(database));
        }
        let mut request = Factory::new()?.open(NAME, Some(VERSION))?;
        request.on_upgrade_needed(|event| {
            // A store that cannot be made is missed, and reported, by the first transaction.
            if let Ok(database) = event.database() {
                for store in Store::ALL {
                    drop(database.create_object_store(store.name(), ObjectStoreParams::new()));
                }
            }
        });
        let database = Rc::new(request.await?);
        *self.0.borrow_mut() = Some(Rc::clone(&database));
        Ok(database)
    }
}

fn words(error: idb::Error) -> String {
    error.to_string()
}
