//! Requests of servers: bounded in time and size, without cookies and caches.

use std::cell::Cell;
use std::rc::Rc;

use gloo::timers::callback::Timeout;
use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, DedicatedWorkerGlobalScope, Headers, ReadableStreamDefaultReader, RequestCache,
    RequestCredentials, RequestInit,
};
use web_worker::platform::{FetchError, Request, Response};

/// Asks a server and reads the whole answer; `abort` ends it early.
pub(super) async fn fetch(
    scope: &DedicatedWorkerGlobalScope,
    request: &Request,
    abort: &AbortController,
) -> Result<Response, FetchError> {
    let late = Rc::new(Cell::new(false));
    let _timeout = {
        let (abort, late) = (abort.clone(), Rc::clone(&late));
        Timeout::new(request.timeout_ms, move || {
            late.set(true);
            abort.abort();
        })
    };
    let answer = exchange(scope, request, abort).await;
    match answer {
        Ok(Some(response)) => Ok(response),
        Ok(None) => {
            abort.abort();
            Err(FetchError::TooLong)
        }
        Err(_) if late.get() => Err(FetchError::Timeout),
        Err(_) => Err(FetchError::Unreachable),
    }
}

/// `None` for an answer that is too long.
async fn exchange(
    scope: &DedicatedWorkerGlobalScope,
    request: &Request,
    abort: &AbortController,
) -> Result<Option<Response>, JsValue> {
    let init = RequestInit::new();
    init.set_cache(RequestCache::NoStore);
    init.set_credentials(RequestCredentials::Omit);
    init.set_signal(Some(&abort.signal()));
    if let Some(body) = &request.body {
        init.set_method("POST");
        let headers = Headers::new()?;
        headers.set("content-type", body.media_type)?;
        init.set_headers(&headers);
        init.set_body(&Uint8Array::from(body.bytes.as_slice()));
    }
    let response = JsFuture::from(scope.fetch_with_str_and_init(&request.url, &init)).await?;
    let response: web_sys::Response = response.dyn_into()?;
    let mut body = Vec::new();
    if let Some(stream) = response.body() {
        let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
        loop {
            let chunk = JsFuture::from(reader.read()).await?;
            if Reflect::get(&chunk, &"done".into())?.is_truthy() {
                break;
            }
            let bytes: Uint8Array = Reflect::get(&chunk, &"value".into())?.dyn_into()?;
            if body.len() + bytes.length() as usize > request.max_bytes {
                return Ok(None);
            }
            body.extend(bytes.to_vec());
        }
    }
    Ok(Some(Response { status: response.status(), body }))
}
