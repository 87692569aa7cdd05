//! A worker that runs the suite of every store on the browser's database, with the very code of the wallet, and says what is wrong: an empty message if
//! nothing is. Built for tests alone.

#[path = "../host/storage.rs"]
mod storage;

use js_sys::global;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::DedicatedWorkerGlobalScope;
use web_worker::{
    conformance::{Step, load, save, steps},
    platform::{Change, Record, SaveError, Store},
};

use storage::Storage;

fn main() {
    spawn_local(async {
        let mut wrong = suite().await.err();
        if wrong.is_none() {
            wrong = claims().await.err();
        }
        let scope: DedicatedWorkerGlobalScope = global().unchecked_into();
        if let Err(error) = scope.post_message(&wrong.unwrap_or_default().into()) {
            wasm_bindgen::throw_val(error);
        }
    });
}

/// A store as a tab that leads has it.
async fn open() -> Result<Storage, String> {
    let storage = Storage::new(true);
    storage.load(true).await?;
    Ok(storage)
}

async fn suite() -> Result<(), String> {
    let mut storage = open().await?;
    for step in steps() {
        match step {
            Step::Save { chain, state } => {
                let saved = storage.save(vec![save(chain, state)], false).await;
                saved.map_err(|error| error.to_string())?;
            }
            Step::Load { chain, expected, rule } => {
                if load(&chain, storage.load(false).await?)? != expected {
                    return Err(rule.to_owned());
                }
            }
            Step::Reopen => storage = open().await?,
        }
    }
    Ok(())
}

/// Who claimed last writes, whatever is cleared; all changes are made or none.
async fn claims() -> Result<(), String> {
    let put = |key: &str| Change::Put(Record { store: Store::Payments, key: key.to_owned(), value: vec![1] });
    let is = |found, expected, rule: &str| if found == expected { Ok(()) } else { Err(rule.to_owned()) };
    let first = open().await?;
    let second = open().await?;
    let clear = || Store::ALL.into_iter().map(Change::Clear).collect::<Vec<_>>();
    is(first.save(clear(), false).await, Err(SaveError::Overtaken), "who was overtaken clears nothing")?;
    is(second.save(vec![put("a"), put("b")], false).await, Ok(()), "who claimed last writes")?;
    is(second.save(clear(), false).await, Ok(()), "clearing everything leaves the claim")?;
    is(second.save(vec![put("c")], false).await, Ok(()), "so the next change is made")?;
    let keys: Vec<String> = second.load(false).await?.into_iter().map(|record| record.key).collect();
    if keys != ["c"] {
        return Err(format!("stored are {keys:?}"));
    }
    is(first.save(Vec::new(), true).await, Ok(()), "a claim is taken with a change")?;
    is(second.save(vec![put("d")], false).await, Err(SaveError::Overtaken), "and shuts the other out")?;
    // Tabs that cannot take turns do not shut each other out.
    let (one, other) = (Storage::new(false), Storage::new(false));
    for storage in [&one, &other] {
        storage.load(true).await?;
    }
    is(one.save(vec![put("e")], false).await, Ok(()), "both write")?;
    is(other.save(vec![put("f")], false).await, Ok(()), "both write")
}
