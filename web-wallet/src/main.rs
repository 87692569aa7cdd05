//! The page's module: `main.js` in the served folder starts it.

fn main() {
    web_wallet::start();
}
