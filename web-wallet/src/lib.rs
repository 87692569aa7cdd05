//! The browser wallet's page.
//!
//! The page draws and asks; it holds no key and believes no server. Light client and keystore live in a second WASM module, the worker, and the two
//! exchange byte strings through [`link`].

mod clock;
pub mod link;
mod page;
mod state;
mod words;

/// Draws the wallet into the document's body.
pub fn start() {
    yew::Renderer::<page::App>::new().render();
}
